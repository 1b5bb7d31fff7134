"""Text files that a stranger made, as text."""

from __future__ import annotations

import codecs

from ppi.errors import AnnotationError

MAX_BYTES = 50_000_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it, else the Cyrillic code page of Windows.

    Raises AnnotationError beyond 50 MB, for bytes that are none of these, and for zero characters, which no text holds.
    """
    if len(data) > MAX_BYTES:
        raise AnnotationError(
            "The annotations are larger than {limit_mb} MB. Export fewer at a time.", limit_mb=MAX_BYTES // 1_000_000
        )
    try:
        text = data.decode("utf-16") if data[:2] in _UTF16 else _utf8_or_cyrillic(data)
    except UnicodeDecodeError as error:
        raise AnnotationError("The annotations are not UTF-8 text. Save them again as UTF-8.") from error
    if "\x00" in text:
        raise AnnotationError("The annotations are no text file. Save them again as text in UTF-8.")
    return text


def _utf8_or_cyrillic(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251")

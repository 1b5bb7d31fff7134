"""Reads JSON that a stranger made without letting it exhaust memory, overflow the stack or smuggle bad values."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ppi.errors import AnnotationError

MAX_BYTES = 50_000_000
MAX_DEPTH = 64
# A full export of 50 MB holds about 400,000 objects and 4,000,000 values; empty objects would cost far more memory.
MAX_CONTAINERS = 2_000_000
MAX_VALUES = 10_000_000
_STRING = re.compile(rb'"[^"]*"')
_NOT_STRUCTURE = bytes(set(range(256)) - set(b"[]{},"))


def loads(text: bytes | str) -> Any:
    """Parse UTF-8 JSON of at most 50 MB.

    Raises AnnotationError for broken JSON, nesting beyond 64 levels, NaN and infinities, keys given twice in one
    object, and halves of surrogate pairs.
    """
    data = _encoded(text)
    if len(data) > MAX_BYTES:
        raise AnnotationError(
            "The annotations are larger than {limit_mb} MB. Export fewer tasks at a time.",
            limit_mb=MAX_BYTES // 1_000_000,
        )
    _check_structure(data)
    try:
        parsed = json.loads(
            data.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite,
            object_pairs_hook=_without_doubles,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise AnnotationError("The annotations are not UTF-8 text. Export them again as JSON.") from error
    except json.JSONDecodeError as error:
        raise AnnotationError(
            "The annotations are not valid JSON (line {line}, column {column}). Export them again as JSON.",
            line=error.lineno, column=error.colno,
        ) from error  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise AnnotationError("The annotations hold a number that is too long. Export them again as JSON.") from error
    _refuse_half_pairs(parsed, data)
    return parsed


def _encoded(text: bytes | str) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise AnnotationError("The annotations hold broken characters. Export them again as JSON.") from error


def _check_structure(data: bytes) -> None:
    """Count and nest brackets outside strings before anything is built of them."""
    # With escaped backslashes and quotes gone, a string is all between two quotes.
    bare = _STRING.sub(b"", data.replace(b"\\\\", b"").replace(b'\\"', b"")).translate(None, _NOT_STRUCTURE)
    containers = bare.count(b"[") + bare.count(b"{")
    if containers > MAX_CONTAINERS or bare.count(b",") > MAX_VALUES:
        raise AnnotationError("The annotations hold too many values. Export fewer tasks at a time.")
    brackets = bare.replace(b",", b"")
    for _ in range(MAX_DEPTH):  # each round takes the innermost level away
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise AnnotationError("The annotations are nested too deeply or cut off. Export them again as JSON.")


def _refuse_constant(name: str) -> None:
    raise AnnotationError("The annotations hold {value}, which is no number. Export them again as JSON.", value=name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse_constant(text[:20])
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise AnnotationError(
            "The annotations give {key} twice in one object. Export them again as JSON.", key=repr(double)[:80]
        )
    return made


def _refuse_half_pairs(parsed: Any, data: bytes) -> None:
    if b"\\ud" not in data and b"\\uD" not in data:
        return
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise AnnotationError("The annotations hold broken characters. Export them again as JSON.") from error

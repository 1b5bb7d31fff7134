"""Documents about lessons: blocks become DOCX or TXT with the same content. The only importer of python-docx.

Whoever has another document to make hands over blocks of its own (`outline.Block`).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ppi.records import Span
from ppi.summary import docx_look as look
from ppi.summary.outline import Block, Picture
from ppi.summary.wording import clock

# Characters XML 1.0 cannot hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_txt(path: Path, title: str, blocks: Iterable[Block]) -> None:
    """Write plain text, all at once. Pictures are named by their captions."""
    lines = [title, "=" * len(title)]
    for block in blocks:
        lines += _TEXT[block.kind](block)
    text = _safe("\n".join(lines)) + "\n"
    _at_once(path, lambda fresh: fresh.write_text(text, encoding="utf-8"))


def write_docx(path: Path, title: str, name: str, blocks: Iterable[Block], language: str, player: str = "") -> None:
    """Write a DOCX, all at once: `title` says what kind of document it is, `name` what it is about.

    `language` is an ISO 639-1 code for spelling; `player` is the address of a page that plays from `?t=` seconds, "" for time
    codes without links.
    """
    from docx import Document

    document = Document()
    look.prepare(document, language)
    properties = document.core_properties
    whole = _safe(f"{title}: {name}")
    properties.title, properties.author, properties.comments = whole[:255], "PPI", ""
    properties.created = properties.modified = datetime.now(UTC)
    document.add_paragraph(_safe(title), style="Subtitle")
    document.add_paragraph(_safe(name), style="Title")
    for block in blocks:
        _DOCX[block.kind](document, block, player)
    look.number_pages(document, whole)
    _at_once(path, lambda fresh: document.save(str(fresh)))


def player_link(player: str, time_s: float) -> str:
    """The address that plays from a moment, "" where there is none."""
    return f"{player}?t={int(time_s)}" if player else ""


def _at_once(path: Path, write: Callable[[Path], object]) -> None:
    fresh = path.with_name(f".{secrets.token_hex(6)}")
    try:
        write(fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _safe(text: str) -> str:
    return ILLEGAL.sub("", text)


def _period(span: Span) -> str:
    return f"{clock(span.start_s)} – {clock(span.end_s)}"


def _marked(block: Block) -> str:
    return f"{block.text} [{block.mark}]" if block.mark else block.text


def _text_heading(block: Block) -> list[str]:
    text = _marked(block)
    return ["", text, ("-" if block.level == 1 else ".") * len(text)]


def _text_table(block: Block) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*block.rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in block.rows]


def _text_pictures(block: Block) -> list[str]:
    return [
        f"({picture.caption})" if picture.time_s is None else f"[{clock(picture.time_s)}] {picture.caption}"
        for picture in block.pictures
    ]


_TEXT: dict[str, Callable[[Block], list[str]]] = {
    "heading": _text_heading,
    "facts": lambda block: ["", *(f"{name}: {value}" for name, value in block.rows)],
    "point": lambda block: [f"[{', '.join(clock(span.start_s) for span in block.spans)}] {_marked(block)}"],
    "period": lambda block: [_period(block.spans[0])],
    "text": lambda block: [block.text],
    "note": lambda block: ["", f"* {block.text}"],
    "table": _text_table,
    "pictures": _text_pictures,
}


def _docx_heading(document, block: Block, player: str) -> None:
    heading = document.add_heading(_safe(block.text), block.level)
    if block.mark:
        look.flag(heading, _safe(block.mark))


def _docx_point(document, block: Block, player: str) -> None:
    paragraph = look.hanging(document)
    codes = [(clock(span.start_s), player_link(player, span.start_s)) for span in block.spans]
    look.time_codes(paragraph, codes[:1])
    paragraph.add_run("\t" + _safe(block.text))
    if codes[1:]:
        paragraph.add_run(" ")
        look.time_codes(paragraph, codes[1:])
    if block.mark:
        look.flag(paragraph, _safe(block.mark))


def _docx_period(document, block: Block, player: str) -> None:
    paragraph = document.add_paragraph(style="Caption")
    paragraph.paragraph_format.keep_with_next = True
    look.time_codes(paragraph, [(_period(block.spans[0]), player_link(player, block.spans[0].start_s))])


def _docx_table(document, block: Block, player: str) -> None:
    look.table(document, _safe_rows(block), has_header=True)


def _docx_facts(document, block: Block, player: str) -> None:
    look.facts(document, _safe_rows(block))


def _safe_rows(block: Block) -> list[tuple[str, ...]]:
    return [tuple(_safe(cell) for cell in row) for row in block.rows]


def _docx_pictures(document, block: Block, player: str) -> None:
    figures = [picture for picture in block.pictures if picture.time_s is None]
    frames = [picture for picture in block.pictures if picture.time_s is not None]
    for picture in figures:
        look.figure(document, picture.source, _safe(picture.caption))
    for row in _rows_of(frames):
        look.frames(document, [_frame(frame, player) for frame in row])


def _frame(frame: Picture, player: str) -> tuple[str, str, str, str]:
    time_s = frame.time_s or 0.0
    return frame.source, clock(time_s), player_link(player, time_s), _safe(frame.caption)


def _rows_of(frames: list[Picture]) -> Iterator[list[Picture]]:
    return (frames[start : start + look.COLUMNS] for start in range(0, len(frames), look.COLUMNS))


_DOCX: dict[str, Callable[..., None]] = {
    "heading": _docx_heading,
    "facts": _docx_facts,
    "point": _docx_point,
    "period": _docx_period,
    "text": lambda document, block, player: document.add_paragraph(_safe(block.text)),
    "note": lambda document, block, player: look.note(document, _safe(block.text)),
    "table": _docx_table,
    "pictures": _docx_pictures,
}

"""The codebook: the table of patterns, and the row that a label of an annotation means."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ppi.annotation import tables
from ppi.annotation.tables import Row
from ppi.errors import AnnotationError
from ppi.records import Dropped, Pattern

# In order of preference: where a table has a name and a type, the type is a category of names.
NAME_HEADERS = ("паттерн", "pattern", "название", "наименование", "name", "label", "метка", "тип", "type")
TEXT_HEADERS = ("описание", "description", "определение", "definition")
PART_HEADERS = ("подкатегории", "подкатегория", "subcategories", "subcategory")
HEADER_ROWS = 50
MAX_LABEL_CHARACTERS = 300
_LEADING = re.compile(r"^([пуts])\s*:\s*(?=\w)")
_TRAILING = re.compile(r"(?<=\S)\s+\(?([пу])\)?$")
_TEACHER, _STUDENT = "teacher", "student"
_ROLES = {"п": _TEACHER, "t": _TEACHER, "у": _STUDENT, "s": _STUDENT}
_GLYPH_CATEGORIES = ("So", "Sk", "Cc", "Zl", "Zp")
_BETWEEN_PARTS = re.compile(r"[;,\n]")
_INVISIBLE_CATEGORIES = ("Cf", "Me", "Cs", "Co", "Cn")


@dataclass(frozen=True)
class Codebook:
    """The patterns of a table in its order. `problems` names the rows that were left out and why."""

    patterns: tuple[Pattern, ...]
    problems: tuple[Dropped, ...] = ()

    def match(self, label: str) -> Pattern | None:
        """The pattern that `label` means, or None.

        Not told apart: emoji, case, ё and е, spaces, punctuation at the ends, and the marks of who acts (`П:` `У:`
        `T:` `S:` before, ` П` ` У` after). A mark decides only between rows that differ in nothing else; a label
        marked for one role never means a row that is marked for the other.
        """
        role, name = folded(label)
        rows = self._by_name.get(name, {})
        if role in rows:
            return rows[role]
        if role and "" in rows:
            return rows[""]
        return next(iter(rows.values())) if len(rows) == 1 and not role else None

    def suggest(self, label: str) -> list[str]:
        """Up to three names of the table that look like `label`, the nearest first."""
        near = difflib.get_close_matches(folded(label)[1], self._by_name, n=3, cutoff=0.6)
        return [pattern.type for name in near for pattern in self._by_name[name].values()][:3]

    @cached_property
    def _by_name(self) -> dict[str, dict[str, Pattern]]:
        rows: dict[str, dict[str, Pattern]] = {}
        for pattern in self.patterns:
            role, name = folded(pattern.type)
            rows.setdefault(name, {}).setdefault(role, pattern)
        return rows


def read(path: Path) -> Codebook:
    """Read a pattern table, XLSX or CSV (UTF-8 or Windows Cyrillic; comma, semicolon or tab).

    The columns are found by their names in Russian or English, in a header that need not be the first row; one with
    subcategories may be missing. Raises AnnotationError when no column holds names, when there is no pattern, or when the
    file cannot be read safely.
    """
    for rows in tables.read_sheets(path):
        header = _header(rows)
        if header is not None:
            return _codebook(rows, *header)
    raise AnnotationError(
        "The pattern table has no column with the names of the patterns. Call one of its columns Паттерн or Pattern, "
        "and the one with their meaning Описание or Description."
    )


def folded(label: str) -> tuple[str, str]:
    """Who acts ("teacher", "student" or "") and the name without anything that does not tell patterns apart."""
    text = unicodedata.normalize("NFC", label[:MAX_LABEL_CHARACTERS])
    text = "".join(_plain(character) for character in text).casefold().replace("ё", "е")
    role, name = "", " ".join(text.split())
    for mark in (_LEADING, _TRAILING):
        found = mark.search(name)
        if found:
            role, name = role or _ROLES[found[1]], mark.sub("", name)
    return role, _trimmed(name)


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in _INVISIBLE_CATEGORIES or "\ufe00" <= character <= "\ufe0f":
        return ""
    return " " if category in _GLYPH_CATEGORIES else character


def _trimmed(text: str) -> str:
    """Without punctuation at the ends; a text of nothing else stays as it is."""
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end] or text


def _header(rows: list[Row]) -> tuple[int, int, int | None, int | None] | None:
    """The header's place in `rows`, the columns of names, of meanings and of subcategories."""
    for place, (_, cells) in enumerate(rows[:HEADER_ROWS]):
        titles = [folded(cell)[1] for cell in cells]
        name = _column(titles, NAME_HEADERS)
        if name is not None:
            return place, name, _column(titles, TEXT_HEADERS), _column(titles, PART_HEADERS)
    return None


def _column(titles: list[str], wanted: tuple[str, ...]) -> int | None:
    """The column titled like one of `wanted`, else one whose title begins with it ("Название паттерна")."""
    for title in wanted:
        if title in titles:
            return titles.index(title)
    is_heading = sum(map(bool, titles)) == 1  # one cell alone is a heading over the table
    for title in wanted:
        for place, given in enumerate(titles):
            if given.startswith(title + " ") and len(given) <= 40 and not is_heading:
                return place
    return None


def _codebook(rows: list[Row], place: int, name_column: int, text_column: int | None, parts_column: int | None) -> Codebook:
    patterns: dict[tuple[str, str], Pattern] = {}
    problems: list[Dropped] = []
    for number, cells in rows[place + 1 :]:
        name, text = " ".join(_cell(cells, name_column).split()), _cell(cells, text_column)
        if not name:
            problems.append(Dropped(f"row {number}", "empty_name", text[:80]))
        elif folded(name) in patterns:
            problems.append(Dropped(f"row {number}", "duplicate_pattern", name[:80]))
        else:
            patterns[folded(name)] = Pattern(name, text, _parts(_cell(cells, parts_column)))
    if not patterns:
        raise AnnotationError("The pattern table has a header but no patterns below it. Fill it and try again.")
    return Codebook(tuple(patterns.values()), tuple(problems))


def _parts(text: str) -> tuple[str, ...]:
    """What stands in a cell between commas, semicolons and line breaks, each once."""
    return tuple(dict.fromkeys(part.strip() for part in _BETWEEN_PARTS.split(text) if part.strip()))


def _cell(cells: tuple[str, ...], column: int | None) -> str:
    return cells[column] if column is not None and column < len(cells) else ""

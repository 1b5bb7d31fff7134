"""Rows of a pattern table that a stranger made: CSV here, XLSX with openpyxl in a child process."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppi.errors import AnnotationError, ToolFailed
from ppi.processes import run_in_child

MAX_BYTES = 20_000_000
MAX_ROWS = 10_000
MAX_COLUMNS = 100
MAX_CELL_CHARACTERS = 32_767  # what a cell of Excel holds
MAX_ZIP_ENTRIES, MAX_UNPACKED_BYTES, MAX_RATIO, FREE_BYTES = 2000, 200_000_000, 100, 1_000_000
CHILD_TIMEOUT_S, CHILD_MEMORY_BYTES = 60, 3 * 1024**3
ZIP_MAGIC, OLE_MAGIC = b"PK", b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t"

Row = tuple[int, tuple[str, ...]]


def read_sheets(path: Path) -> list[list[Row]]:
    """The sheets of an XLSX file, or the readings of a CSV file with each delimiter, likeliest first.

    A row is its 1-based number and its cells as text; empty rows are left out. Told apart by content, not by name.
    Raises AnnotationError for what is neither, is too large, or is built to exhaust the machine.
    """
    if path.stat().st_size > MAX_BYTES:
        raise AnnotationError(
            "The pattern table is larger than {limit_mb} MB. Keep only the sheet with the patterns.",
            limit_mb=MAX_BYTES // 1_000_000,
        )
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == OLE_MAGIC:
        raise AnnotationError("The pattern table is an old or password-protected Excel file. Save it as XLSX without one.")
    if magic[:2] != ZIP_MAGIC:
        return _read_csv(path.read_bytes())
    _check_zip(path)
    try:
        return run_in_child(
            f"{__name__}:read_xlsx", {"path": str(path)}, timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES
        )
    except ToolFailed as error:
        raise AnnotationError(
            "The pattern table takes too much time or memory to read. Copy the patterns into a new XLSX file."
        ) from error


def _check_zip(path: Path) -> None:
    """Read only the directory of the archive: a bomb is refused before a byte of it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise AnnotationError("The pattern table is not a readable XLSX file. Save it again as XLSX.") from error
    unpacked = sum(entry.file_size for entry in entries)
    is_bomb = any(
        entry.file_size > FREE_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1) for entry in entries
    )
    if len(entries) > MAX_ZIP_ENTRIES or unpacked > MAX_UNPACKED_BYTES or is_bomb:
        raise AnnotationError("The pattern table unpacks to far too much. Copy the patterns into a new XLSX file.")


def read_xlsx(report: Callable[[Any], None], path: str) -> list[list[Row]]:
    """In the child: the texts of all sheets. `report` is not used, every child function takes it."""
    import openpyxl

    if not openpyxl.DEFUSEDXML:
        raise AnnotationError("The server reads XLSX only with defusedxml installed. Give the table as CSV.")
    try:
        with open(path, "rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            return [_sheet_rows(sheet) for sheet in book.worksheets]
    except (AnnotationError, MemoryError):
        raise
    except Exception as error:  # openpyxl raises almost anything for broken files
        raise AnnotationError(
            "The pattern table cannot be read ({reason}). Save it again as XLSX.", reason=type(error).__name__
        ) from error


def _sheet_rows(sheet: Any) -> list[Row]:
    sheet.reset_dimensions()  # the size a file claims may be wrong, and would cut rows off
    return _rows(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS))


def _read_csv(data: bytes) -> list[list[Row]]:
    text = _decoded(data)
    if "\x00" in text:
        raise AnnotationError("The pattern table is neither XLSX nor CSV. Save it as one of them.")
    sniffed = _sniffed(text[:4096])
    try:
        return [
            _rows(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
            for delimiter in sorted(DELIMITERS, key=lambda delimiter: delimiter != sniffed)
        ]
    except csv.Error as error:
        raise AnnotationError("The pattern table is not valid CSV: {reason}. Save it again.", reason=str(error)) from error


def _decoded(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it, else the Cyrillic code page of Windows."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251", errors="replace")


def _sniffed(sample: str) -> str:
    try:
        return csv.Sniffer().sniff(sample, DELIMITERS).delimiter
    except csv.Error:  # too little to go by: what occurs most in the first line
        first = sample.splitlines()[0] if sample.strip() else ""
        return max(DELIMITERS, key=first.count)


def _rows(cells: Any) -> list[Row]:
    rows: list[Row] = []
    for number, row in enumerate(cells, start=1):
        texts = tuple(_text(value) for value in row[:MAX_COLUMNS])
        if any(texts):
            rows.append((number, texts))
        if len(rows) > MAX_ROWS:
            raise AnnotationError("The pattern table has more than {limit} rows. Keep only the patterns.", limit=MAX_ROWS)
    return rows


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)[:MAX_CELL_CHARACTERS].strip()

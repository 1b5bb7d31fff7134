"""Tables of marked spans: plain CSV, and the tables that BORIS exports (events, or spans called aggregated events)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from ppi.annotation import boris, tables
from ppi.annotation.boris import Event
from ppi.annotation.decoding import text_of
from ppi.annotation.marks import MAX_MARKS, Mark, Marks, flat, is_same_video, seconds
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Export, Span

HEADER_ROWS, MAX_COLUMNS = 100, 300
# Column -> the titles it may have, in small letters.
TITLES = {
    "start": ("start", "start (s)", "start_s", "start_time", "start time", "begin", "begin time", "onset", "начало"),
    "end": ("end", "end (s)", "end_s", "end_time", "end time", "stop", "stop (s)", "offset", "finish", "конец"),
    "label": ("label", "labels", "pattern", "patterns", "behavior", "behaviour", "code", "метка", "паттерн", "код"),
    "annotator": ("annotator", "coder", "rater", "observer", "observation id", "аннотатор", "разметчик", "эксперт"),
    "time": ("time", "time (s)"), "status": ("status", "behavior type", "behaviour type"),
    "subject": ("subject",), "offset": ("time offset (s)",),
    "media": ("media file name", "media file", "media file path", "source"),
}  # fmt: skip
# What a spreadsheet would take for a formula gets an apostrophe before it, which is taken off again.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
CSV_COLUMNS = ("start", "end", "label", "annotator")
BORIS_COLUMNS = (
    "Observation id", "Observation date", "Description", "Observation type", "Source", "Time offset (s)", "Subject", "Behavior",
    "Behavioral category", "Behavior type", "Start (s)", "Stop (s)", "Duration (s)", "Media file name", "Comment start",
    "Comment stop",
)  # fmt: skip
Row = dict[str, str]


def read(data: bytes, *, duration_s: float | None, video_name: str = "") -> Export:
    """The rows below the header as marks; the header may stand below other lines.

    Columns are found by their titles. Raises AnnotationError, naming the line, for a time that is none, and when there
    is no header.
    """
    above, rows = _table(text_of(data))
    marks = Marks(duration_s)
    kept = list(_of_video(rows, video_name, marks))
    if rows and "time" in rows[0][1] and "start" not in rows[0][1]:
        boris.collect((_event(number, row, above) for number, row in kept), marks)
    else:
        for number, row in kept:
            _add_span(number, row, marks)
    return marks.export()


def write(annotations: tuple[Annotation, ...]) -> bytes:
    """Plain CSV with a byte order mark, so that spreadsheets show Cyrillic. Times keep all their digits."""
    rows = ((repr(m.span.start_s), repr(m.span.end_s), _safe(m.label), _safe(m.annotator)) for m in flat(annotations))
    return _csv(CSV_COLUMNS, rows, ",").encode("utf-8-sig")


def write_boris(annotations: tuple[Annotation, ...], *, video_name: str) -> bytes:
    """The table that BORIS calls aggregated events, tab-separated; the annotator is the observation. Times in milliseconds."""
    rows = (
        (
            _safe(mark.annotator), "", "", "Media file", _safe(video_name), "0.000", "No focal subject", _safe(mark.label),
            "Not defined", boris.STATE, f"{mark.span.start_s:.3f}", f"{mark.span.end_s:.3f}", f"{mark.span.duration_s:.3f}",
            _safe(video_name), "", "",
        )
        for mark in flat(annotations)
    )  # fmt: skip
    return _csv(BORIS_COLUMNS, rows, "\t").encode()


def _table(text: str) -> tuple[list[list[str]], list[tuple[int, Row]]]:
    """The lines above the header, and the rows below it with their numbers, their cells by column."""
    for delimiter in tables.DELIMITERS:
        rows = _rows(text, delimiter)
        above: list[list[str]] = []
        for number, cells in rows:
            columns = _columns(cells)
            if columns:
                return above, [(place, _cells(below, columns)) for place, below in rows if any(below)]
            above.append(cells)
            if number > HEADER_ROWS:
                break
    raise AnnotationError(
        "The table has no header with the columns start, end and label (or BORIS's Behavior, Start (s) and Stop (s)). "
        "Other files that PPI reads: Label Studio (JSON), ELAN (.eaf), Praat (TextGrid), BORIS projects."
    )


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1):
            if len(cells) > MAX_COLUMNS or number > MAX_MARKS + HEADER_ROWS:
                raise AnnotationError("The table has too many rows or columns. Export less at a time.")
            yield number, cells
    except csv.Error as error:
        raise AnnotationError("The table is not valid CSV: {reason}. Save it again.", reason=str(error)) from error


def _columns(cells: list[str]) -> dict[str, int]:
    """Which column stands where; nothing when this is no header."""
    titles = [cell.strip().casefold() for cell in cells]
    found = {
        name: next(titles.index(title) for title in wanted if title in titles)
        for name, wanted in TITLES.items()
        if any(title in titles for title in wanted)
    }
    is_header = "label" in found and ({"start", "end"} <= set(found) or {"time", "status"} <= set(found))
    return found if is_header else {}


def _cells(cells: list[str], columns: dict[str, int]) -> Row:
    return {name: _plain(cells[place]) if place < len(cells) else "" for name, place in columns.items()}


def _of_video(rows: list[tuple[int, Row]], video_name: str, marks: Marks) -> Iterator[tuple[int, Row]]:
    """Without the rows of other media, when some are of the lesson's.

    Raises AnnotationError when an observation played other files first: its times count from the first of them, and
    only the project knows how long they are.
    """
    is_known = any(is_same_video(row.get("media", ""), video_name) for _, row in rows)
    first: dict[str, tuple[float, bool]] = {}  # per observation: when it begins, and whether with another file
    for number, row in rows if is_known else ():
        who, time_s = row.get("annotator", ""), _time_s(row, "start" if "start" in row else "time", number)
        begun = (time_s, not is_same_video(row["media"], video_name))
        first[who] = min(first.get(who, begun), begun)
    for number, row in rows:
        if is_known and not is_same_video(row["media"], video_name):
            marks.dropped.append(Dropped(f"row {number}", "other_lesson", row["media"][:80]))
        elif is_known and first[row.get("annotator", "")][1]:
            raise AnnotationError(
                "Line {number}: the observation plays other files before {video}. Give the BORIS project instead.",
                number=number, video=video_name,
            )  # fmt: skip
        else:
            yield number, row


def _add_span(number: int, row: Row, marks: Marks) -> None:
    offset_s = _offset_s(row)
    start_s, end_s = _time_s(row, "start", number) - offset_s, _time_s(row, "end", number) - offset_s
    annotator = row.get("annotator", "")
    if row.get("status", "").upper() == boris.POINT:
        marks.add_point(f"row {number}", start_s, row["label"], annotator)
    else:
        marks.add(Mark(f"row {number}", Span(start_s, end_s), row["label"], annotator))


def _event(number: int, row: Row, above: list[list[str]]) -> Event:
    """A row of BORIS's tabular events. Older ones say observation and offset in the lines above the header."""
    told = {cells[0].strip().casefold(): cells[1] for cells in above if len(cells) > 1}
    observation = row.get("annotator") or told.get("observation id", "").strip()
    state = row.get("status", "").upper()
    if state not in (boris.START, boris.STOP, boris.POINT):
        raise AnnotationError(
            "Line {number}: the status is {value}, not START, STOP or POINT. Correct it in the table.",
            number=number, value=repr(state)[:40]
        )
    time_s = _time_s(row, "time", number) - (_offset_s(row) or _offset_s({"offset": told.get("time offset (s)", "")}))
    return Event(f"row {number}", observation, time_s, row.get("subject", ""), row["label"], "", state)


def _time_s(row: Row, name: str, number: int) -> float:
    value = seconds(row[name])
    if value is None:
        raise AnnotationError(
            "Line {number}: {name} is {value}, but a time such as 12.5 or 1:02:03.5 is needed.",
            number=number, name=name, value=repr(row[name])[:40],
        )  # fmt: skip
    return value


def _offset_s(row: Row) -> float:
    return seconds(row.get("offset", "")) or 0.0


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell

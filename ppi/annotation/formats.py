"""Files of annotations, whatever tool they come from: recognised by content, read alike, and written for other tools."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ppi.annotation import boris, boris_project, elan, event_tables, json_min, label_studio, safe_json, textgrid
from ppi.errors import AnnotationError, ToolFailed
from ppi.processes import run_in_child
from ppi.records import Annotation, Export

JSON, EAF, TEXTGRID, TABLE = ".json", ".eaf", ".TextGrid", ".csv"
TABLE_NAMES = (".csv", ".tsv", ".tab", ".txt")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_HEAD_BYTES = 400
# A lesson's annotations have some hundred kilobytes. What is built to be slow takes a tenth of a second for each megabyte.
SMALL_BYTES = 1_000_000
CHILD_TIMEOUT_S, CHILD_MEMORY_BYTES = 60, 4 * 1024**3
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Target:
    """A format that annotations are written in. `suffix` ends the file's name."""

    kind: str
    title: str
    suffix: str
    content_type: str
    write: Callable[..., bytes]


def recognise(data: bytes, name: str = "") -> str:
    """The usual ending of the file's format: ".json" (Label Studio, BORIS), ".eaf", ".TextGrid" or ".csv" (all tables).

    Told by content; `name` counts only for tables whose first cell looks like something else. Raises AnnotationError,
    saying which formats are taken, for empty files, archives and other binary ones.
    """
    head = _head(data)
    if not head or "\x00" in head or head[:2] in ("PK", "%P"):
        raise AnnotationError(
            "This file holds no annotations that PPI knows. Give a Label Studio export (JSON), ELAN (.eaf), Praat (TextGrid), "
            "BORIS (project, or its table of events) or CSV with the columns start, end and label."
        )
    if PurePath(name).suffix.lower() in TABLE_NAMES and "ooTextFile" not in head[:60]:
        return TABLE
    if head[:1] in ("[", "{"):
        return JSON
    if head[:1] == "<":
        return EAF
    if "ooBinaryFile" in head[:60] or "ooTextFile" in head[:60]:
        return TEXTGRID
    return TABLE


def read(
    data: bytes, name: str = "", *, frame_rate: float | None = None, duration_s: float | None = None, video_name: str = ""
) -> Export:
    """Read annotations of Label Studio, ELAN, Praat, BORIS or a CSV table.

    `frame_rate` turns Label Studio's frames into seconds; spans are clamped to [0, `duration_s`]; `video_name` tells which
    of several recordings in one file is meant. Raises AnnotationError.
    """
    kind = recognise(data, name)
    if kind == EAF:
        return elan.read(data, duration_s=duration_s, video_name=video_name)
    if kind == TEXTGRID:
        return textgrid.read(data, duration_s=duration_s)
    if kind == TABLE:
        return event_tables.read(data, duration_s=duration_s, video_name=video_name)
    return _read_json(safe_json.loads(data), frame_rate, duration_s, video_name)


def read_apart(data: bytes, name: str = "", **about: Any) -> Export:
    """`read` for servers: what is large is read in a child, one at a time, so that it neither holds the pages up nor outgrows
    its limits. Raises AnnotationError for that, too.
    """
    if len(data) <= SMALL_BYTES:
        return read(data, name, **about)
    wanted = {"data": data, "name": name, **about}
    try:
        with _one_at_a_time:
            return run_in_child(
                f"{__name__}:read_in_child", wanted, timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES
            )
    except ToolFailed as error:
        raise AnnotationError("The annotations take too much time or memory to read. Export fewer at a time.") from error


def read_in_child(report: Callable[[Any], None], **wanted: Any) -> Export:
    """In the child. `report` is not used, every child function takes it."""
    return read(**wanted)


def write(
    annotations: tuple[Annotation, ...],
    kind: str,
    *,
    frame_rate: float | None = None,
    duration_s: float | None = None,
    video_name: str = "",
    links: tuple[str, str] = ("", ""),
    lesson_id: str = "",
) -> bytes:
    """The annotations in the format `kind`, one of TARGETS. What a format cannot hold: docs/annotation_formats.md.

    `links` are the addresses of the video and of its sound, for Label Studio; without them the file's name stands there.
    """
    about = {"frame_rate": frame_rate, "duration_s": duration_s, "video_name": video_name, "lesson_id": lesson_id}
    about |= {"video": links[0] or video_name, "audio": links[1] or links[0] or video_name}
    return TARGETS[kind].write(annotations, about)


def target_of(name: str) -> Target:
    """The format that a file's name asks for. Raises AnnotationError, saying which endings there are."""
    for target in TARGETS.values():
        if name.lower().endswith(target.suffix.lower()):
            return target
    endings = ", ".join(target.suffix for target in TARGETS.values())
    raise AnnotationError("The new file's name must end with one of {endings}.", endings=endings)


def _read_json(parsed: Any, frame_rate: float | None, duration_s: float | None, video_name: str) -> Export:
    if boris.is_project(parsed):
        return boris.read(parsed, duration_s=duration_s, video_name=video_name)
    if json_min.is_json_min(parsed):
        return json_min.read(parsed, frame_rate=frame_rate, duration_s=duration_s)
    return label_studio.read(parsed, frame_rate=frame_rate, duration_s=duration_s)


def _head(data: bytes) -> str:
    """The first letters of a file, without its mark and white space before them."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) : _HEAD_BYTES * 2].decode(encoding, errors="replace").lstrip()
    return data[:_HEAD_BYTES].decode("latin-1").lstrip()


def _some(*names: str, of: Callable[..., bytes]) -> Callable[..., bytes]:
    """`of` with only those facts about the recording that it asks for."""
    return lambda annotations, about: of(annotations, **{name: about[name] for name in names})


TARGETS = {
    target.kind: target
    for target in (
        Target("eaf", "ELAN", ".eaf", "application/xml", _some("video_name", of=elan.write)),
        Target("textgrid", "Praat", ".TextGrid", "text/plain; charset=utf-8", _some("duration_s", of=textgrid.write)),
        Target("boris", "BORIS", ".tsv", "text/tab-separated-values; charset=utf-8",
               _some("video_name", of=event_tables.write_boris)),
        Target("boris_project", "BORIS (.boris)", ".boris", "application/json",
               _some("video_name", "duration_s", "frame_rate", of=boris_project.write)),
        Target("csv", "CSV", ".csv", "text/csv; charset=utf-8", _some(of=event_tables.write)),
        Target("json_min", "JSON-MIN", ".min.json", "application/json",
               _some("frame_rate", "duration_s", "video", "lesson_id", of=json_min.write)),
        Target("json", "Label Studio", ".json", "application/json",
               _some("frame_rate", "duration_s", "video", "audio", "lesson_id", of=label_studio.write)),
    )
}  # fmt: skip

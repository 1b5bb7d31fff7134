"""Label Studio's JSON export: tasks and annotations in, annotators' regions in seconds out.

Shapes were taken from exports of Label Studio 1.23 (`/export?exportType=JSON`, snapshots, single tasks). Nothing in
an export is trusted: the server that makes it stores whatever a client sends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ppi.annotation import regions, safe_json
from ppi.annotation.marks import check_count
from ppi.annotation.regions import Clock
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Export

MAX_FRAME_RATE = 1000
RATE = re.compile(r"(\d{1,6}(?:\.\d{1,12})?)(?:/(\d{1,6}))?")  # 25, 29.97, 30000/1001
# What a ceiled frame count can be a multiple of.
USUAL_RATES = (25.0, 30.0, 24.0, 50.0, 60.0, 30000 / 1001, 24000 / 1001, 60000 / 1001)


def parse(text: bytes | str, *, frame_rate: float | None, duration_s: float | None) -> Export:
    """Read an export in Label Studio's JSON format; a single task is taken too.

    Frames become seconds by `fps` of the task's data, else by the frame count of a box, else by `frame_rate`. Spans
    are clamped to [0, `duration_s`]. Raises AnnotationError, naming task and region, when the shape is wrong.
    """
    return read(_parsed(text), frame_rate=frame_rate, duration_s=duration_s)


def read(parsed: Any, *, frame_rate: float | None, duration_s: float | None) -> Export:
    """`parse` of JSON that `safe_json` has read already."""
    tasks = parsed if isinstance(parsed, list) else [parsed]
    check_count(len(tasks))
    for number, task in enumerate(tasks, start=1):
        _check_task(task, number)
    check_count(sum(_count(task) for task in tasks))
    annotations: list[Annotation] = []
    dropped: list[Dropped] = []
    seen: set[str] = set()
    for number, task in enumerate(tasks, start=1):
        clock = Clock(_frame_rate(task, _where(task, number), frame_rate), duration_s)
        for annotation, left_out in _finished(task, number, clock, seen):
            annotations += annotation
            dropped += left_out
    check_count(sum(len(region.labels) for annotation in annotations for region in annotation.regions))
    return Export(tuple(annotations), tuple(dropped), len(tasks))


def write(
    annotations: tuple[Annotation, ...], *, frame_rate: float | None, duration_s: float | None, video: str, audio: str,
    lesson_id: str,
) -> bytes:  # fmt: skip
    """The annotations as one task that Label Studio imports, each region as `labels` of an audio control, in seconds.

    `video` and `audio` are the addresses from which browsers play the lesson. `from_name` and `to_name` are those of the
    configuration in docs/labelling_lstudio.md. Label Studio refuses annotators that it does not know, so they stand in the
    task's data, in the order of the annotations, where `read` finds them.
    """
    data = {
        "video": video, "audio": audio, "fps": shown_rate(frame_rate) if frame_rate else "", "lesson_id": lesson_id,
        "annotators": [one.annotator for one in annotations],
    }  # fmt: skip
    given = [
        {"was_cancelled": False, "result": [item for region in one.regions for item in regions.items_of(region, duration_s)]}
        for one in annotations
    ]
    task = {"data": {name: value for name, value in data.items() if value}, "annotations": given}
    return json.dumps([task], ensure_ascii=False, indent=1).encode()


def task_json(video_url: str, audio_url: str, frame_rate: float, duration_s: float, lesson_id: str) -> str:
    """The task to paste into Label Studio's import. It carries what `parse` wants back: `fps` and `lesson_id`."""
    data = {
        "video": video_url, "audio": audio_url, "fps": shown_rate(frame_rate), "duration_s": round(duration_s, 3),
        "lesson_id": lesson_id,
    }  # fmt: skip
    return json.dumps([{"data": data}], ensure_ascii=False)


def shown_rate(frame_rate: float) -> int | str:
    """A whole frame rate as a number, a broken one as a string: the forms that `frameRate` of <Video> understands."""
    return int(frame_rate) if float(frame_rate).is_integer() else f"{frame_rate:.6f}".rstrip("0")


def _parsed(text: bytes | str) -> Any:
    start = text[:200].lstrip(b"\xef\xbb\xbf \t\r\n" if isinstance(text, bytes) else "\ufeff \t\r\n")
    if start[:1] not in (b"[", b"{", "[", "{"):
        raise AnnotationError("This is not a JSON export. In Label Studio choose Export, then JSON, and give that file.")
    return safe_json.loads(text)


def _check_task(task: Any, number: int) -> None:
    if not isinstance(task, dict) or not ("annotations" in task or isinstance(task.get("data"), dict)):
        raise AnnotationError(
            "Item {number} is not a task of Label Studio. In Label Studio choose Export, then JSON.", number=number
        )
    where = _where(task, number)
    for name, kind in (("annotations", list), ("data", dict)):
        if not isinstance(task.get(name) or kind(), kind):
            raise AnnotationError(
                "{where}: {name} has the wrong shape. Export the annotations again as JSON.", where=where, name=name
            )


def _count(task: dict[str, Any]) -> int:
    """How many result items the task has, as far as they have the right shape."""
    results = [given.get("result") for given in task.get("annotations") or [] if isinstance(given, dict)]
    return sum(len(result) for result in results if isinstance(result, list))


def _finished(
    task: dict[str, Any], number: int, clock: Clock, seen: set[str]
) -> Iterator[tuple[list[Annotation], list[Dropped]]]:
    """Per annotation of a task: the annotation, unless it was left out, and what was dropped of it."""
    where = _where(task, number)
    for name in ("drafts", "predictions"):
        if task.get(name):
            yield [], [Dropped(where, name[:-1], "not a finished annotation")]
    for order, given in enumerate(task.get("annotations") or [], start=1):
        if not isinstance(given, dict) or not isinstance(given.get("result") or [], list):
            raise AnnotationError(
                "{where}: annotation {order} has the wrong shape. Export the annotations again as JSON.",
                where=where, order=order,
            )  # fmt: skip
        here = f"{where}, annotation {_identifier(given.get('id'), order)}"
        unique = given.get("unique_id")
        if given.get("was_cancelled"):
            yield [], [Dropped(here, "cancelled", "the annotator skipped the task")]
        elif isinstance(unique, str) and unique in seen:
            yield [], [Dropped(here, "duplicate_annotation", "the same annotation is there twice")]
        else:
            seen |= {unique} if isinstance(unique, str) else set()
            found, left_out = regions.read(given.get("result") or [], here, clock)
            yield [_annotation(task, given, number, order, found)], left_out


def _annotation(task: dict, given: dict, number: int, order: int, found: list) -> Annotation:
    data = task.get("data") or {}
    return Annotation(
        id=_identifier(given.get("id"), order), task_id=_identifier(task.get("id"), number),
        annotator=_annotator(given.get("completed_by")) or _listed_annotator(data, order), source_video=_video(data),
        lesson_id=_identifier(data.get("lesson_id"), ""), regions=tuple(found),
    )  # fmt: skip


def _annotator(completed_by: Any) -> str:
    """The annotator's number: exports give it bare, snapshots inside an object with a mail address nobody needs."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("id")
    return _identifier(completed_by, "")


def _listed_annotator(data: dict[str, Any], order: int) -> str:
    """Who made the annotation of this place by the task's data, where `write` puts it."""
    listed = data.get("annotators")
    return _identifier(listed[order - 1], "") if isinstance(listed, list) and order <= len(listed) else ""


def _identifier(value: Any, default: int | str) -> str:
    usable = isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip()
    return str(value).strip()[:200] if usable else str(default)


def _video(data: dict[str, Any]) -> str:
    """The video's address without its query, which may hold a signature."""
    link = data.get("video")
    if not isinstance(link, str):
        return ""
    try:
        return urlsplit(link)._replace(query="", fragment="").geturl()
    except ValueError:  # an address nobody can split is no address
        return ""


def _where(task: dict[str, Any], number: int) -> str:
    return f"task {_identifier(task.get('id'), number)}"


def _frame_rate(task: dict[str, Any], where: str, given: float | None) -> float | None:
    fps = (task.get("data") or {}).get("fps")
    if fps is None or fps == "":
        return _rate_of_boxes(task, given) or given
    match = RATE.fullmatch(str(fps).strip())
    rate = float(match[1]) / float(match[2] or 1) if match and float(match[2] or 1) else 0.0
    if not 0 < rate <= MAX_FRAME_RATE:
        raise AnnotationError(
            "{where}: fps in the task's data is {fps}, but a number such as 25 or 29.97 is needed.",
            where=where, fps=repr(fps)[:40],
        )  # fmt: skip
    return rate


def _rate_of_boxes(task: dict[str, Any], given: float | None) -> float | None:
    """The frame rate Label Studio worked with. It stores ceil(duration x rate), so usual rates are tried first."""
    for count, duration_s in _box_lengths(task):
        for rate in (given or 0.0, *USUAL_RATES):
            if rate and 0 <= count - duration_s * rate < 1:
                return rate
        if 0 < count / duration_s <= MAX_FRAME_RATE:
            return count / duration_s
    return None


def _box_lengths(task: dict[str, Any]) -> Iterator[tuple[float, float]]:
    for given in task.get("annotations") or []:
        result = given.get("result") if isinstance(given, dict) else None
        for item in result if isinstance(result, list) else ():
            value = item.get("value") if isinstance(item, dict) else None
            if isinstance(value, dict) and "sequence" in value:
                count, duration_s = value.get("framesCount"), value.get("duration")
                if regions.is_number(count) and regions.is_number(duration_s) and count > 0 and duration_s > 0:
                    yield count, duration_s

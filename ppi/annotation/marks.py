"""What files of other tools hold, whatever their format: marked spans, checked alike and sorted by annotator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ppi.annotation import regions
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Export, Region, Span

MAX_MARKS = 100_000  # a lesson coded densely by ten people has a tenth of it
MAX_TIME_S = 1e9
MAX_LABEL_CHARACTERS = 1000  # what is longer is no name of a pattern
MAX_NAME_CHARACTERS = 200
# A point in time has no length, and a clip needs one: this much before it and as much behind.
POINT_REACH_S = 1.0
_NUMBER = re.compile(r"[+-]?(?:\d{1,12}(?:[.,]\d{0,25})?|[.,]\d{1,25})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)


@dataclass(frozen=True)
class Mark:
    """One labelled span as a file states it. `id` is its name in the file, `task` what it was made in."""

    id: str
    span: Span
    label: str
    annotator: str = ""
    task: str = "1"


@dataclass
class Marks:
    """Collects the marks of one file. `duration_s` None means that the recording's end is not known."""

    duration_s: float | None
    source_video: str = ""
    dropped: list[Dropped] = field(default_factory=list)
    _found: dict[tuple[str, str], list[Region]] = field(default_factory=dict)
    _seen: int = 0
    _points: int = 0

    def add(self, mark: Mark) -> None:
        """Keep a mark, cut to the recording, or note in `dropped` why not. Raises AnnotationError when there are too many."""
        self._seen += 1
        check_count(self._seen)
        where, label = f"task {mark.task}, region {mark.id}", mark.label.strip()
        if not label or len(label) > MAX_LABEL_CHARACTERS:
            self.dropped.append(Dropped(where, "no_label", label[:80]))
            return
        span = regions.clamped(mark.span, self.duration_s, where, self.dropped)
        if span is not None:
            region = Region(mark.id, "mark", span, (label,))
            self._found.setdefault((mark.task, mark.annotator.strip()[:MAX_NAME_CHARACTERS]), []).append(region)

    def add_point(self, id: str, time_s: float, label: str, annotator: str, task: str = "1") -> None:
        """Keep a moment as a short span around it."""
        self._points += 1
        self.add(Mark(id, Span(time_s - POINT_REACH_S, time_s + POINT_REACH_S), label, annotator, task))

    def export(self) -> Export:
        """All of it, one annotation for each annotator of each task."""
        if self._points:
            self.dropped.append(Dropped("file", "point_widened", f"{self._points} x {2 * POINT_REACH_S:g} s"))
        found = tuple(
            Annotation(str(number), task, annotator, self.source_video, "", tuple(kept))
            for number, ((task, annotator), kept) in enumerate(self._found.items(), start=1)
        )
        return Export(found, tuple(self.dropped), len({task for task, _ in self._found}) or 1)


def check_count(count: int) -> None:
    """Raises AnnotationError for more marks than any lesson has."""
    if count > MAX_MARKS:
        raise AnnotationError("The annotations hold more than {limit} marks. Export fewer at a time.", limit=MAX_MARKS)


def flat(annotations: Iterable[Annotation]) -> list[Mark]:
    """The marks to write: one for each label of each region, in order of time; line ends as `\\n`."""
    marks = [
        Mark(region.id, region.span, _plain(label), _plain(annotation.annotator), annotation.task_id)
        for annotation in annotations
        for region in annotation.regions
        for label in region.labels
    ]
    return sorted(marks, key=lambda mark: (mark.span, mark.annotator, mark.label))


def seconds(text: str) -> float | None:
    """A time in seconds ("12.5", "12,5") or by the clock ("1:02:03.5"); None when it is neither, or longer than 30 years."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text.replace(",", "."))
        return value if abs(value) < MAX_TIME_S else None
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return None
    return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))


def file_name(path: str) -> str:
    """The last part of a path or address of any system, without folders that are nobody's business."""
    return re.split(r"[/\\]", path.split("?")[0])[-1][:300]


def is_same_video(one: str, other: str) -> bool:
    """Whether two file names mean one recording: equal but for folders, case and ending."""
    stems = [file_name(name).rpartition(".")[0].casefold() or file_name(name).casefold() for name in (one, other)]
    return bool(stems[0]) and stems[0] == stems[1]


def _plain(text: str) -> str:
    """Without control characters, which XML cannot hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t").replace("\ufffe", "").replace("\uffff", "")

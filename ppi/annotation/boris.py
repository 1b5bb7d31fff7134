"""BORIS: its project file (JSON), whose events are moments that have to be paired, and what both its forms share.

Shapes were taken from BORIS's own sources and the projects of its tests (formats 1.6 to 7.0; olivierfriard/BORIS).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ppi.annotation.marks import MAX_TIME_S, Mark, Marks, check_count, file_name, is_same_video, seconds
from ppi.annotation.regions import is_number
from ppi.errors import AnnotationError
from ppi.records import Dropped, Export, Span

START, STOP, POINT, STATE = "START", "STOP", "POINT", "STATE"


@dataclass(frozen=True)
class Event:
    """Something that an observer noted at one moment. `state` is START, STOP, POINT, or STATE: the next of a pair."""

    id: str
    observation: str
    time_s: float
    subject: str
    behaviour: str
    modifiers: str
    state: str


def is_project(parsed: Any) -> bool:
    """Whether this JSON is a project of BORIS."""
    return isinstance(parsed, dict) and isinstance(parsed.get("observations"), dict) and "behaviors_conf" in parsed


def read(parsed: dict[str, Any], *, duration_s: float | None, video_name: str = "") -> Export:
    """The state events of each observation as spans, its point events widened; the observation counts as the annotator.

    When some observation is of `video_name`, those of other media are left out. Times count from the beginning of that
    file: the observation's time offset and the files played before it are taken off. Raises AnnotationError, naming the
    observation, for a wrong shape.
    """
    observations = {name: given for name, given in parsed["observations"].items() if isinstance(given, dict)}
    points = _point_behaviours(parsed["behaviors_conf"])
    is_known = any(_place(given, video_name) is not None for given in observations.values())
    marks = Marks(duration_s, video_name if is_known else "")
    for name, given in observations.items():
        if is_known and _place(given, video_name) is None:
            marks.dropped.append(Dropped(f"task {name}", "other_lesson", ", ".join(_media(given))[:80]))
        else:
            collect(_events(name, given, points, _begins_s(name, given, video_name), marks), marks)
    return marks.export()


def collect(events: Iterable[Event], marks: Marks) -> None:
    """Pair events of one observation, subject, behaviour and modifiers: every second one ends what the one before began."""
    begun: dict[tuple[str, str, str, str], Event] = {}
    for event in sorted(events, key=lambda event: event.time_s):
        key = (event.observation, event.subject, event.behaviour, event.modifiers)
        if event.state == POINT:
            marks.add_point(event.id, event.time_s, event.behaviour, event.observation, event.observation)
        elif event.state != START and key in begun:
            first = begun.pop(key)
            span = Span(first.time_s, event.time_s)
            marks.add(Mark(first.id, span, event.behaviour, event.observation, event.observation))
        elif event.state == STOP or key in begun:
            _note_unpaired(event, marks)
        else:
            begun[key] = event
    for event in begun.values():
        _note_unpaired(event, marks)


def _note_unpaired(event: Event, marks: Marks) -> None:
    where = f"task {event.observation}, region {event.id}"
    marks.dropped.append(Dropped(where, "unpaired_event", f"{event.behaviour} at {event.time_s:.3f} s"[:80]))


def _point_behaviours(configured: Any) -> set[str]:
    listed = configured.values() if isinstance(configured, dict) else configured if isinstance(configured, list) else ()
    return {
        str(behaviour.get("code"))
        for behaviour in listed
        if isinstance(behaviour, dict) and str(behaviour.get("type")).casefold().startswith("point")
    }


def _events(name: str, given: dict[str, Any], points: set[str], begins_s: float, marks: Marks) -> Iterator[Event]:
    listed = given.get("events") or []
    if not isinstance(listed, list):
        raise AnnotationError("Observation {name}: events has the wrong shape. Save the project again.", name=name[:80])
    check_count(len(listed) // 2)
    for number, event in enumerate(listed, start=1):
        if not isinstance(event, list) or len(event) < 3 or not isinstance(event[2], str):
            raise AnnotationError(
                "Observation {name}: event {number} has the wrong shape. Save the project again.", name=name[:80], number=number
            )
        time_s = _time_s(event[0])
        if time_s is None:
            marks.dropped.append(Dropped(f"task {name}, region {number}", "no_time", str(event[0])[:40]))
            continue
        modifiers = str(event[3]) if len(event) > 3 else ""
        state = POINT if event[2] in points else STATE
        yield Event(str(number), name, time_s - begins_s, str(event[1]), event[2].strip(), modifiers, state)


def _time_s(value: Any) -> float | None:
    """Observations of pictures have NA instead of times."""
    if isinstance(value, str):
        return seconds(value)
    return float(value) if is_number(value) and abs(value) < MAX_TIME_S else None


def _media(given: dict[str, Any]) -> list[str]:
    """The files of the first player, one after the other; the others show the same moment from elsewhere."""
    players = given.get("file")
    listed = players.get("1") if isinstance(players, dict) else players
    return [file_name(path) for path in listed if isinstance(path, str)] if isinstance(listed, list) else []


def _place(given: dict[str, Any], video_name: str) -> int | None:
    return next((place for place, path in enumerate(_media(given)) if is_same_video(path, video_name)), None)


def _begins_s(name: str, given: dict[str, Any], video_name: str) -> float:
    """What the observation's clock shows when the lesson's file begins."""
    offset_s = _time_s(given.get("time offset", 0))
    if offset_s is None:
        raise AnnotationError(
            "Observation {name}: its time offset is not a number. Correct it in BORIS and save the project again.",
            name=name[:80]
        )  # fmt: skip
    about = given.get("media_info")
    lengths = about.get("length") if isinstance(about, dict) else None
    named = {file_name(path): value for path, value in lengths.items()} if isinstance(lengths, dict) else {}
    before = _media(given)[: _place(given, video_name) or 0]
    return offset_s + sum(_time_s(named.get(path, 0)) or 0.0 for path in before)

"""Label Studio's result items: joined by region id, turned from frames to seconds, checked one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ppi.errors import AnnotationError
from ppi.records import Dropped, Region, Span, TrackPoint

LABEL_TYPES = ("labels", "timelinelabels", "videorectangle")
ANSWER_TYPES = {"choices": "choices", "textarea": "text"}
# Controls that hold the transcript which annotators were shown: nobody marked it.
SPEECH, WORDS = "ppi_speech", "ppi_words"


@dataclass(frozen=True)
class Clock:
    """Frames of a recording in seconds. `duration_s` None means that the end is not known."""

    frame_rate: float | None
    duration_s: float | None

    def shown_s(self, frame: float) -> float:
        """When a player shows a 1-based frame."""
        return (frame - 1) / self.frame_rate

    def gone_s(self, frame: float) -> float:
        """When a player stops showing a 1-based frame."""
        return frame / self.frame_rate


def read(result: list[Any], where: str, clock: Clock) -> tuple[list[Region], list[Dropped]]:
    """The regions of one annotation, in the order they were drawn, and what was left out with its reason.

    Raises AnnotationError, naming task, annotation and region, for an item of the wrong shape.
    """
    found: list[Region] = []
    dropped: list[Dropped] = []
    for region_id, items in _without_speech(_by_region(result, where, dropped), where, dropped).items():
        _Group(region_id, items, f"{where}, region {region_id}", clock, found, dropped).read()
    return found, dropped


def items_of(region: Region, duration_s: float | None) -> list[dict[str, Any]]:
    """A region as result items: its labels, and what was answered about it. The drawing of a box is not among them."""
    where = {"start": region.span.start_s, "end": region.span.end_s, "channel": 0}
    about = {"id": region.id, "to_name": "audio", "origin": "manual"}
    about |= {"original_length": duration_s} if duration_s else {}
    items = [about | {"from_name": "patterns", "type": "labels", "value": where | {"labels": list(region.labels)}}]
    for kind, answers in (("choices", region.choices), ("textarea", region.texts)):
        for name, given in answers.items():
            items.append(about | {"from_name": name, "type": kind, "value": where | {ANSWER_TYPES[kind]: list(given)}})
    return items


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that arithmetic can use."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e12 and math.isfinite(value)


def clamped(span: Span, duration_s: float | None, where: str, dropped: list[Dropped]) -> Span | None:
    """The part of a span inside the recording; None, with the reason in `dropped`, when there is none."""
    detail = f"{span.start_s:.3f} to {span.end_s:.3f} s"
    end_s = math.inf if duration_s is None else duration_s
    if span.end_s == span.start_s:
        dropped.append(Dropped(where, "empty_range", detail))
    elif span.end_s < span.start_s:
        dropped.append(Dropped(where, "reversed_range", detail))
    elif span.start_s >= end_s or span.end_s <= 0:
        dropped.append(Dropped(where, "outside_recording", detail))
    else:
        return Span(max(0.0, span.start_s), min(span.end_s, end_s))
    return None


def _by_region(result: list[Any], where: str, dropped: list[Dropped]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for number, item in enumerate(result, start=1):
        if not isinstance(item, dict):
            raise AnnotationError(
                "{where}: item {number} has the wrong shape. Export the annotations again as JSON.", where=where, number=number
            )  # fmt: skip
        kind, region_id = item.get("type"), item.get("id")
        region_id = region_id if isinstance(region_id, str) and region_id else f"item-{number}"
        if kind not in (*LABEL_TYPES, *ANSWER_TYPES):
            dropped.append(Dropped(f"{where}, region {region_id[:80]}", "unknown_type", str(kind)[:80]))
        elif not isinstance(item.get("value"), dict):
            raise AnnotationError(
                "{where}, region {region}: it has no value. Export the annotations again as JSON.",
                where=where, region=region_id[:80]
            )  # fmt: skip
        else:
            grouped.setdefault(region_id[:80], []).append(item)
    return grouped


def _without_speech(
    grouped: dict[str, list[dict[str, Any]]], where: str, dropped: list[Dropped]
) -> dict[str, list[dict[str, Any]]]:
    spoken = {name for name, items in grouped.items() if any(item.get("from_name") in (SPEECH, WORDS) for item in items)}
    if spoken:
        dropped.append(Dropped(where, "transcript", f"{len(spoken)}"))
    return {name: items for name, items in grouped.items() if name not in spoken}


class _Group:
    """All items of one region id."""

    def __init__(
        self, region_id: str, items: list[dict], where: str, clock: Clock, found: list[Region], dropped: list[Dropped]
    ):
        self._id, self._items, self._where, self._clock = region_id, items, where, clock
        self._found, self._dropped = found, dropped

    def read(self) -> None:
        self._set_phantoms_aside()
        shape = next((item["value"] for item in self._items if _kind(item["value"])), None)
        kind = _kind(shape) if shape is not None else ""
        if kind == "text":
            self._drop("unknown_type", "labels in a text")
        elif kind in ("timeline", "box") and self._clock.frame_rate is None:
            self._drop("no_frame_rate", "frames cannot be turned into seconds")
        elif kind:
            self._keep(kind, shape)
        elif self._items:
            self._drop("whole_lesson", "an answer about the recording, not about a part of it")

    def _set_phantoms_aside(self) -> None:
        """Label Studio writes a box a second time as timeline labels without ranges."""
        kept = [item for item in self._items if item["type"] != "timelinelabels" or "ranges" in item["value"]]
        if len(kept) < len(self._items):
            self._drop("phantom_timeline", "a timeline record without ranges")
        self._items = kept

    def _keep(self, kind: str, shape: dict[str, Any]) -> None:
        spans, labels = self._spans(kind, shape), self._labels()
        if spans and not labels:
            self._drop("no_label", "")
            return
        track = self._track(shape) if kind == "box" else ()
        choices, texts = self._answers("choices"), self._answers("textarea")
        for number, raw in enumerate(spans, start=1):
            region_id = self._id if len(spans) == 1 else f"{self._id}.{number}"
            span = clamped(raw, self._clock.duration_s, self._where, self._dropped)
            if span is not None:
                self._found.append(Region(region_id, kind, span, labels, choices, texts, track))

    def _spans(self, kind: str, value: dict[str, Any]) -> list[Span]:
        if kind == "audio":
            return [Span(float(self._number(value, "start")), float(self._number(value, "end")))]
        return self._timeline(value) if kind == "timeline" else self._visible(value)

    def _timeline(self, value: dict[str, Any]) -> list[Span]:
        """Both ends of a range are 1-based frames that belong to it: equal ends are one frame."""
        ranges = self._dicts(value, "ranges")
        if not ranges:
            self._drop("empty_range", "no range was drawn")
        return [
            Span(self._clock.shown_s(self._number(drawn, "start")), self._clock.gone_s(self._number(drawn, "end")))
            if self._number(drawn, "end") >= self._number(drawn, "start")
            else Span(self._clock.shown_s(drawn["start"]), self._clock.shown_s(drawn["end"]))
            for drawn in ranges
        ]

    def _visible(self, value: dict[str, Any]) -> list[Span]:
        """The stretches in which a box is shown: from an enabled key frame up to the next disabled one, or the end."""
        spans, since = [], None
        for point in self._track(value):
            if point.is_enabled and since is None:
                since = point.frame
            elif not point.is_enabled and since is not None:
                spans.append(Span(self._clock.shown_s(since), self._clock.shown_s(point.frame)))
                since = None
        if since is not None:
            last = max(value["framesCount"] if is_number(value.get("framesCount")) else since, since)
            spans.append(Span(self._clock.shown_s(since), self._clock.gone_s(last)))
        if not spans:
            self._drop("empty_range", "the box is never shown")
        return spans

    def _track(self, value: dict[str, Any]) -> tuple[TrackPoint, ...]:
        """Key frames in order of time; those Label Studio interpolated itself ("auto") are left out."""
        points = [
            TrackPoint(
                int(self._number(point, "frame")), *(float(self._number(point, side)) for side in _SIDES),
                rotation_deg=float(self._number(point, "rotation", 0)), is_enabled=point.get("enabled") is not False,
            )
            for point in self._dicts(value, "sequence")
            if point.get("auto") is not True
        ]  # fmt: skip
        return tuple(sorted(points, key=lambda point: point.frame))

    def _labels(self) -> tuple[str, ...]:
        labels: dict[str, None] = {}
        for item in self._items:
            if item["type"] in LABEL_TYPES:
                name = "timelinelabels" if item["type"] == "timelinelabels" else "labels"
                labels |= dict.fromkeys(self._texts(item["value"], name))
        return tuple(labels)

    def _answers(self, kind: str) -> dict[str, tuple[str, ...]]:
        answers: dict[str, tuple[str, ...]] = {}
        for item in self._items:
            if item["type"] == kind:
                name = item.get("from_name") if isinstance(item.get("from_name"), str) else kind
                answers[name] = answers.get(name, ()) + self._texts(item["value"], ANSWER_TYPES[kind])
        return answers

    def _texts(self, value: dict[str, Any], name: str) -> tuple[str, ...]:
        given = value.get(name) or []
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise AnnotationError(
                "{where}: {name} is not a list of texts. Export the annotations again as JSON.", where=self._where, name=name
            )  # fmt: skip
        return tuple(text.strip() for text in given if text.strip())

    def _dicts(self, value: dict[str, Any], name: str) -> list[dict[str, Any]]:
        given = value.get(name) or []
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise AnnotationError(
                "{where}: {name} is not a list of objects. Export the annotations again as JSON.", where=self._where, name=name
            )  # fmt: skip
        return given

    def _number(self, value: dict[str, Any], name: str, default: float | None = None) -> float:
        number = value.get(name, default)
        if not is_number(number):
            raise AnnotationError(
                "{where}: {name} is not a number. Export the annotations again as JSON.", where=self._where, name=name
            )  # fmt: skip
        return number

    def _drop(self, reason: str, detail: str) -> None:
        self._dropped.append(Dropped(self._where, reason, detail))


_SIDES = ("x", "y", "width", "height")


def _kind(value: dict[str, Any]) -> str:
    """What an item's value describes; "" for an answer about the whole recording."""
    if "sequence" in value:
        return "box"
    if "ranges" in value:
        return "timeline"
    if "start" in value or "end" in value:
        return "text" if isinstance(value.get("text"), str) and "labels" in value else "audio"
    return ""

"""ELAN's files (.eaf): read with defusedxml, written with pympi.

pympi is the field's library, but its reader opens paths only, lets entities through, ends with bare exceptions on
slots without a time or ids without a number, and gives no times to dependent annotations. So reading is done here, by
the published format (EAF 3.0, "ELAN Annotation Format", The Language Archive).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from ppi.annotation import tiers
from ppi.annotation.decoding import text_of
from ppi.annotation.marks import MAX_TIME_S, Mark, Marks, file_name, flat, is_same_video
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Export, Span

ROOT = "ANNOTATION_DOCUMENT"
# Empty elements would cost far more memory than their bytes. An annotation has about eight tags and seven attributes.
MAX_TAGS = MAX_ATTRIBUTES = 800_000
MIME_TYPES = {"mp4": "video/mp4", "mpg": "video/mpeg", "mpeg": "video/mpeg", "wav": "audio/x-wav"}


def read(data: bytes, *, duration_s: float | None, video_name: str = "") -> Export:
    """Every annotation of every tier as a mark. `video_name` tells which of several linked media is the lesson.

    ELAN's times count from where the media were synchronised: TIME_ORIGIN, that far into the medium. Raises
    AnnotationError, naming the place, for what is no ELAN file or has times that are none.
    """
    root = _root(text_of(data))
    medium = _medium(root, video_name)
    marks = Marks(duration_s, file_name(unquote(medium.get("RELATIVE_MEDIA_URL") or medium.get("MEDIA_URL") or "")))
    origin_ms = _whole(medium.get("TIME_ORIGIN") or "0", "TIME_ORIGIN")
    slots = {
        slot.get("TIME_SLOT_ID", ""): _whole(slot.get("TIME_VALUE"), "TIME_VALUE") if slot.get("TIME_VALUE") else None
        for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
    }
    entries = [entry for tier in root.iterfind("TIER") for entry in _entries(tier, slots)]
    _give_times_to_dependents(entries)
    for entry in entries:
        if entry.start_ms is None or entry.end_ms is None:
            marks.dropped.append(Dropped(f"region {entry.id}", "no_time", "the file does not say when"))
            continue
        span = Span((entry.start_ms + origin_ms) / 1000, (entry.end_ms + origin_ms) / 1000)
        marks.add(Mark(entry.id, span, tiers.label_of(entry.text, entry.topic), entry.annotator))
    return marks.export()


def write(annotations: tuple[Annotation, ...], *, video_name: str, topic: str = tiers.TOPIC) -> bytes:
    """The annotations as an ELAN file, times rounded to milliseconds, the annotator in each tier's ANNOTATOR."""
    import pympi

    made = pympi.Eaf(author="PPI")
    made.remove_tier("default")
    if video_name:
        ending = video_name.rpartition(".")[2].lower()
        made.add_linked_file(video_name, relpath=f"./{video_name}", mimetype=MIME_TYPES.get(ending, "video/*"))
    for name, lane in tiers.spread((_rounded(mark) for mark in flat(annotations)), topic).items():
        annotator = lane[0].annotator
        made.add_tier(name, ann=annotator or None)
        for mark in lane:
            made.add_annotation(name, round(mark.span.start_s * 1000), round(mark.span.end_s * 1000), mark.label)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + pympi.Elan.to_string(made, encoding="unicode").encode()


@dataclass
class _Entry:
    """One annotation of a tier. A dependent one has a `parent` and gets its times from it."""

    id: str
    text: str
    topic: str
    annotator: str
    start_ms: float | None = None
    end_ms: float | None = None
    parent: str = ""
    previous: str = ""
    slots: tuple[str, str] = field(default=("", ""))


def _root(text: str) -> Any:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    if text.count("<") > MAX_TAGS or text.count("=") > MAX_ATTRIBUTES:
        raise AnnotationError("The ELAN file holds too many annotations. Export fewer tiers at a time.")
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        raise AnnotationError("The ELAN file holds entities or a document type. Save it again in ELAN.") from error
    except (ParseError, ValueError) as error:
        raise AnnotationError("The ELAN file is not valid XML ({reason}). Save it again in ELAN.", reason=str(error)) from error
    if root.tag != ROOT:
        raise AnnotationError("This XML file is not from ELAN. Give an .eaf file.")
    return root


def _medium(root: Any, video_name: str) -> Any:
    """The linked file that is the lesson: by name, else the first video, else the first."""
    linked = root.findall("HEADER/MEDIA_DESCRIPTOR")
    named = [one for one in linked if is_same_video(unquote(one.get("MEDIA_URL") or ""), video_name)]
    videos = [one for one in linked if (one.get("MIME_TYPE") or "").startswith("video")]
    return [*named, *videos, *linked, {}][0]


def _entries(tier: Any, slots: dict[str, float | None]) -> list[_Entry]:
    topic, annotator = tiers.parts_of(tier.get("TIER_ID") or "")
    annotator = (tier.get("ANNOTATOR") or "").strip() or annotator or ""
    found = []
    for given in tier.iterfind("ANNOTATION/*"):
        entry = _Entry(given.get("ANNOTATION_ID") or f"item-{len(found) + 1}", _value(given), topic, annotator)
        if given.tag == "ALIGNABLE_ANNOTATION":
            entry.slots = (given.get("TIME_SLOT_REF1") or "", given.get("TIME_SLOT_REF2") or "")
        else:
            entry.parent, entry.previous = given.get("ANNOTATION_REF") or "", given.get("PREVIOUS_ANNOTATION") or ""
        found.append(entry)
    aligned = [entry for entry in found if not entry.parent]
    times = _filled([slots.get(slot) for entry in aligned for slot in entry.slots], [s for e in aligned for s in e.slots])
    for number, entry in enumerate(aligned):
        entry.start_ms, entry.end_ms = times[2 * number], times[2 * number + 1]
    return found


def _value(given: Any) -> str:
    return (given.findtext("ANNOTATION_VALUE") or "").strip()


def _filled(times: list[float | None], names: list[str]) -> list[float | None]:
    """Slots without a time lie at equal distances between their neighbours in the tier; equal names are one slot."""
    filled, since = list(times), -1
    for place, time in enumerate(times):
        if time is None:
            continue
        if 0 <= since < place - 1:
            steps = [since]
            for between in range(since + 1, place + 1):
                steps.append(steps[-1] if names[between] == names[between - 1] else steps[-1] + 1)
            share = (time - times[since]) / max(steps[-1] - since, 1)
            for between in range(since + 1, place):
                filled[between] = times[since] + (steps[between - since] - since) * share
        since = place
    return filled


def _give_times_to_dependents(entries: list[_Entry]) -> None:
    """A dependent annotation has its parent's span; several of one tier share it in equal parts, in their order.

    Goes down from the aligned ones, so that what hangs on itself or on nothing is never reached.
    """
    children: dict[str, dict[tuple[str, str], list[_Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.parent:
            children[entry.parent][entry.topic, entry.annotator].append(entry)
    reached = [entry for entry in entries if not entry.parent]
    while reached:
        parent = reached.pop()
        for siblings in children.pop(parent.id, {}).values():
            if parent.start_ms is not None and parent.end_ms is not None:
                share = (parent.end_ms - parent.start_ms) / len(siblings)
                for number, entry in enumerate(_in_order(siblings)):
                    entry.start_ms = parent.start_ms + number * share
                    entry.end_ms = parent.start_ms + (number + 1) * share
            reached += siblings


def _in_order(siblings: list[_Entry]) -> list[_Entry]:
    """By PREVIOUS_ANNOTATION; those it does not lead to come last, as the file has them."""
    after = {entry.previous: entry for entry in siblings if entry.previous}
    known = {entry.id for entry in siblings}
    ordered: dict[str, _Entry] = {}
    for entry in siblings:
        following = entry if entry.previous not in known else None
        while following is not None and following.id not in ordered:
            ordered[following.id] = following
            following = after.get(following.id)
    return [*ordered.values(), *(entry for entry in siblings if entry.id not in ordered)]


def _whole(text: str | None, name: str) -> int:
    """Milliseconds."""
    value = int(text) if text and len(text) <= 15 and text.strip().lstrip("+-").isdecimal() else None
    if value is None or abs(value) > MAX_TIME_S * 1000:
        raise AnnotationError(
            "The ELAN file says {name} {value}, where milliseconds are needed. Save it again in ELAN.",
            name=name, value=repr(text)[:40],
        )  # fmt: skip
    return value


def _rounded(mark: Mark) -> Mark:
    """To whole milliseconds; ELAN knows no annotation without length."""
    start_s = round(mark.span.start_s, 3)
    return replace(mark, span=Span(start_s, max(round(mark.span.end_s, 3), round(start_s + 0.001, 3))))

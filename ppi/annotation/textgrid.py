"""Praat's TextGrid files, long and short, read and written by Praat's own rule.

The rule ("TextGrid file formats" in Praat's manual): what counts are free-standing numbers, texts in double quotes and
flags in angle brackets; all other words are comments. praatio and textgrid, the field's libraries, split the file at
words such as "item [" instead, also inside labels, and drop the sign of a negative time, so neither can be trusted
with files of strangers. The tests read with praatio what is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ppi.annotation import tiers
from ppi.annotation.decoding import text_of
from ppi.annotation.marks import MAX_MARKS, Mark, Marks, flat, seconds
from ppi.errors import AnnotationError
from ppi.records import Annotation, Export, Span

INTERVALS, POINTS = "IntervalTier", "TextTier"
# Places are called by the words of the long form, which are the same in every language.
HEAD = "item []"
# Possessive, so that a text without an end costs one look and not one for each quote in it.
_TEXT = r'"(?P<text>[^"]*+(?:""[^"]*+)*+)"'
_NUMBER = r'(?P<number>[+-]?\.?\d[^\s"]*+)'
_REST = r'(?:\s++|<[^>\s"]*+>?|![^\n]*+|(?![+-]?\.?\d)[^\s"<!][^\s"]*+)++'
_TOKEN = re.compile(f"{_TEXT}|{_NUMBER}|{_REST}")


def read(data: bytes, *, duration_s: float | None) -> Export:
    """Every interval and point with a text as a mark. Praat fills gaps with intervals without text: they mean nothing.

    Raises AnnotationError, naming the tier, for what is no TextGrid or breaks off.
    """
    text = text_of(data)
    if text.startswith("ooBinaryFile"):
        raise AnnotationError("This TextGrid is binary. In Praat choose Save as text file.")
    tokens = _Tokens(text)
    if [tokens.text(HEAD), tokens.text(HEAD)] != ["ooTextFile", "TextGrid"]:
        raise AnnotationError("This Praat file is not a TextGrid. In Praat select the TextGrid and choose Save as text file.")
    for _ in range(2):  # when the whole begins and ends
        tokens.number(HEAD)
    marks = Marks(duration_s)
    for number in range(1, tokens.count(HEAD) + 1):
        _read_tier(tokens, number, marks)
    return marks.export()


def write(annotations: tuple[Annotation, ...], *, duration_s: float | None, topic: str = tiers.TOPIC) -> bytes:
    """The annotations as a TextGrid in the long form, UTF-8. Times keep all their digits; the tier's name has the annotator."""
    marks = flat(annotations)
    end_s = max([duration_s or 0.0, *(mark.span.end_s for mark in marks)]) or 1.0
    lanes = tiers.spread(marks, topic) or {topic: []}
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_digits(end_s)}"]
    lines += ["tiers? <exists>", f"size = {len(lanes)}", "item []:"]
    for number, (name, lane) in enumerate(lanes.items(), start=1):
        intervals = list(_without_gaps(lane, end_s))
        lines += [f"    item [{number}]:", f'        class = "{INTERVALS}"', f"        name = {_quoted(name)}"]
        lines += ["        xmin = 0", f"        xmax = {_digits(end_s)}", f"        intervals: size = {len(intervals)}"]
        for place, (span, label) in enumerate(intervals, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {_digits(span.start_s)}"]
            lines += [f"            xmax = {_digits(span.end_s)}", f"            text = {_quoted(label)}"]
    return "\n".join([*lines, ""]).encode()


class _Tokens:
    """The numbers and texts of a file, one after the other; each question says for what, to name it when it is missing."""

    def __init__(self, text: str):
        self._found = self._split(text)

    def text(self, where: str) -> str:
        kind, value = next(self._found, ("", ""))
        if kind != "text":
            raise self._wrong(where)
        return value

    def number(self, where: str) -> float:
        kind, value = next(self._found, ("", ""))
        time_s = seconds(value) if kind == "number" else None
        if time_s is None:
            raise self._wrong(where)
        return time_s

    def count(self, where: str) -> int:
        value = self.number(where)
        if not value.is_integer() or not 0 <= value <= MAX_MARKS * 3:
            raise AnnotationError("The TextGrid counts {value} in {where}. Save it again in Praat.", value=value, where=where)
        return int(value)

    @staticmethod
    def _split(text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text):
            token = _TOKEN.match(text, place)
            if token is None:
                raise AnnotationError("A text in the TextGrid has no closing quote. Save it again in Praat.")
            place = token.end()
            if token["text"] is not None:
                yield "text", token["text"].replace('""', '"')
            elif token["number"] is not None:
                yield "number", token["number"]

    @staticmethod
    def _wrong(where: str) -> AnnotationError:
        return AnnotationError("The TextGrid is broken or cut off in {where}. Save it again in Praat.", where=where)


def _read_tier(tokens: _Tokens, number: int, marks: Marks) -> None:
    where = f"item [{number}]"
    kind, name = tokens.text(where), tokens.text(where)
    if kind not in (INTERVALS, POINTS):
        raise AnnotationError("The TextGrid has a tier of kind {kind}. Save it again in Praat.", kind=repr(kind)[:40])
    topic, annotator = tiers.parts_of(name)
    for _ in range(2):  # when the tier begins and ends
        tokens.number(where)
    found = []
    for place in range(1, tokens.count(where) + 1):
        start_s = tokens.number(where)
        end_s = tokens.number(where) if kind == INTERVALS else start_s
        found.append((f"{number}.{place}", start_s, end_s, tokens.text(where).strip()))
    said = [entry for entry in found if entry[3]]
    if annotator is None:  # nothing else in the file says who it was; a tier that is a pattern or nameless does not either
        is_person = not tiers.is_general(topic) and any(tiers.label_of(entry[3], topic) == entry[3] for entry in said)
        annotator = topic if is_person else ""
    for mark_id, start_s, end_s, text in said:
        label = tiers.label_of(text, topic)
        if kind == POINTS:
            marks.add_point(mark_id, start_s, label, annotator)
        else:
            marks.add(Mark(mark_id, Span(start_s, end_s), label, annotator))


def _without_gaps(lane: list[Mark], end_s: float) -> Iterator[tuple[Span, str]]:
    """Intervals that follow each other from 0 to the end, as Praat wants them: those without text fill the gaps."""
    since_s = 0.0
    for mark in lane:
        if mark.span.start_s > since_s:
            yield Span(since_s, mark.span.start_s), ""
        yield mark.span, mark.label
        since_s = mark.span.end_s
    if since_s < end_s:
        yield Span(since_s, end_s), ""


def _digits(time_s: float) -> str:
    """As few digits as bring back the same number, never with an exponent, which praatio does not read."""
    return f"{time_s:.25f}".rstrip("0").rstrip(".") if "e" in repr(time_s) else repr(time_s).removesuffix(".0")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

"""Why something of annotations or of a pattern table was left out, in words."""

from __future__ import annotations

import re

from flask_babel import gettext

from ppi.web import numbers

_PLACE = re.compile(r"(?:^|(?<=, )|(?<=: ))(task|annotation|region|row|file)(?= |$)")
_INTERVAL = re.compile(r"^(\d+\.\d{3}) to (\d+\.\d{3}) s$")


def said(reason: str) -> str:
    """The sentence for one of the stable words of docs/benchmarks_creating.md; an unknown word as it is."""
    return _known().get(reason, reason)


def place(where: str) -> str:
    """Where it stood, such as "task 10, annotation 5", in the reader's language."""
    words = {
        "task": gettext("task"), "annotation": gettext("annotation"), "region": gettext("region"), "row": gettext("row"),
        "file": gettext("file"),
    }  # fmt: skip
    return _PLACE.sub(lambda found: words[found[1]], where)


def detail(text: str) -> str:
    """What more is known of it; where that is an interval, as time codes of the reader's language."""
    return _INTERVAL.sub(lambda found: " – ".join(numbers.exact(float(end), 3) for end in found.groups()), text)


def _known() -> dict[str, str]:
    return {
        "draft": gettext("begun in Label Studio and never submitted"),
        "prediction": gettext("a proposal of a program that nobody confirmed"),
        "cancelled": gettext("the annotator skipped the task"),
        "duplicate_annotation": gettext("the same work stands there twice"),
        "unknown_type": gettext("a kind of mark that PPI does not read"),
        "whole_lesson": gettext("an answer about the whole recording, not about a part of it"),
        "transcript": gettext("the transcript that annotators were shown; nobody marked it"),
        "no_label": gettext("an interval without a label"),
        "no_frame_rate": gettext("frames cannot become seconds: no frame rate is known"),
        "empty_range": gettext("an interval of no length, a slip of the mouse"),
        "reversed_range": gettext("it ends before it begins"),
        "outside_recording": gettext("it lies outside the recording"),
        "phantom_timeline": gettext("a second record of a box without a range; the box is kept"),
        "shorter_than_a_frame": gettext("shorter than one frame"),
        "not_in_pattern_table": gettext("the label is not in the table of patterns"),
        "label_left_out": gettext("you chose to leave this label out"),
        "other_lesson": gettext("it belongs to another lesson"),
        "no_time": gettext("the file does not say when"),
        "unpaired_event": gettext("an event without its beginning or end"),
        "point_widened": gettext("kept: points in time became spans of two seconds"),
        "lost_region_links": gettext("kept, but the file does not say which interval these answers belong to"),
        "empty_name": gettext("a row of the table without a name"),
        "duplicate_pattern": gettext("a row of the table whose name another row has already"),
    }

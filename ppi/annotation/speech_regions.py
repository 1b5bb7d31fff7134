"""What was said, shown to annotators: a transcript as predictions, and the part of the configuration that shows them.

A prediction's regions become part of an annotation when the annotator takes it over; `regions.read` leaves them out again.
Tags and shapes are those of Label Studio 1.23 (https://labelstud.io/tags/, an ASR project's `Labels` and `TextArea`).
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ppi.annotation.regions import SPEECH, WORDS
from ppi.records import Transcript

LABEL = "🗣"
COLOUR = "#9aa5b1"


def with_speech(config: str) -> str:
    """The labelling configuration with a place for speech: text per region, and a label that nobody has to press.

    `config` is one of PPI's, with the sound as `audio`.
    """
    root = ElementTree.fromstring(config)
    hidden = ElementTree.SubElement(root, "View", style="display:none")
    control = ElementTree.SubElement(hidden, "Labels", name=SPEECH, toName="audio")
    ElementTree.SubElement(control, "Label", value=LABEL, background=COLOUR)
    ElementTree.SubElement(
        root, "TextArea", name=WORDS, toName="audio", perRegion="true", whenLabelValue=LABEL, editable="true"
    )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def speech_result(transcript: Transcript) -> list[dict[str, Any]]:
    """The result of a prediction: for each segment a region on the sound and its text, under one id."""
    result: list[dict[str, Any]] = []
    for number, segment in enumerate(transcript.segments, start=1):
        text = segment.text.strip()
        if not text or segment.end_s <= segment.start_s:
            continue
        where = {"start": segment.start_s, "end": segment.end_s, "channel": 0}
        common = {"id": f"{SPEECH}_{number}", "to_name": "audio", "original_length": transcript.duration_s}
        result += [
            {**common, "from_name": SPEECH, "type": "labels", "value": {**where, "labels": [LABEL]}},
            {**common, "from_name": WORDS, "type": "textarea", "value": {**where, "text": [text]}},
        ]
    return result

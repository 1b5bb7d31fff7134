"""The labelling configuration: what Label Studio shows annotators, made of the pattern table."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from ppi.errors import InputError
from ppi.records import Pattern

VARIANTS = ("audio",)


def labelling_config(patterns: Sequence[Pattern], variant: str, frame_rate: float | None = None) -> str:
    """The configuration as XML: patterns are marked on the sound. It reads `$video`, `$audio` and `$fps` of the task.

    Raises InputError for an unknown variant.
    """
    if variant not in VARIANTS:
        raise InputError("There is no variant {name}. Choose audio.", name=variant[:40])
    root = ElementTree.Element("View")
    rate = "$fps" if frame_rate is None else str(frame_rate)
    ElementTree.SubElement(root, "Video", name="video", value="$video", sync="lesson", frameRate=rate, muted="true")
    control = ElementTree.SubElement(root, "Labels", name="patterns", toName="audio", choice="multiple")
    for pattern in patterns:
        ElementTree.SubElement(control, "Label", value=pattern.type)
    ElementTree.SubElement(root, "Audio", name="audio", value="$audio", sync="lesson")
    return ElementTree.tostring(root, encoding="unicode") + "\n"

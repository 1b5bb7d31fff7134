"""What each file of a lesson is, in people's words: the one place that says so."""

from __future__ import annotations

import re

from flask_babel import gettext

from ppi.jobs.lessons import LessonRow
from ppi.workflows import lessons

_SHEET = re.compile(r"\.contact-sheet-(\d+)\.jpg")
_PART = re.compile(r"_part(\d+)\.\w+")
_ANNOTATIONS = re.compile(r"\.annotations(?:\.\d+)?\.(\w+)")
_TABLE = re.compile(r"\.patterns\.(\w+)")
_BEFORE = ".before"
_FORMATS = {"eaf": "ELAN", "TextGrid": "Praat"}


def kind_of(row: LessonRow, key: str) -> str:
    """What the file of the lesson with this key is; "" for one that nobody knows."""
    ending = lessons.ending_of(row, key)
    return _usual().get(ending) or _of_many(ending)


def _usual() -> dict[str, str]:
    return {
        "": gettext("Video of the lesson"),
        ".copy.mp4": gettext("Annotation copy of the video"),
        ".wav": gettext("Audio, WAV"),
        ".sound.mp3": gettext("Audio for Label Studio, MP3"),
        ".peaks.dat": gettext("Waveform"),
        ".poster.jpg": gettext("Picture for the list of lessons"),
        ".info.json": gettext("Facts about the recording"),
        ".txt": gettext("Transcript, plain text"),
        ".srt": gettext("Captions, SRT"),
        ".vtt": gettext("Captions, WebVTT"),
        ".transcript.json": gettext("Transcript with word times, JSON"),
        ".summary.docx": gettext("Summary, DOCX"),
        ".summary.txt": gettext("Summary, TXT"),
        ".summary.json": gettext("Summary as its page shows it"),
        ".label-studio.json": gettext("What was sent to Label Studio"),
        ".label-studio.annotations.json": gettext("Annotations fetched from Label Studio"),
        ".meanings.json": gettext("What labels mean"),
        ".adjudication.json": gettext("Decisions on disagreements"),
        ".gold.json": gettext("Gold set"),
        ".consent.json": gettext("Consent and licence"),
        ".card.md": gettext("Own words for the card"),
        ".card-language.txt": gettext("Language of the card"),
        ".pushes.json": gettext("Record of what was published"),
        ".push-preview.json": gettext("What a push would do"),
    }


def _of_many(ending: str) -> str:
    """What there can be several of."""
    if part := _PART.fullmatch(ending):
        return gettext("Part %(number)s of the video", number=part[1])
    if sheet := _SHEET.fullmatch(ending):
        return gettext("Contact sheet %(number)s", number=sheet[1])
    if ending.startswith(".summary.") and ending.endswith((".png", ".jpg")):
        return gettext("Picture in the summary")
    if ending.startswith(".rows."):
        return gettext("Samples of a version of the dataset")
    if ending.startswith(f"{_BEFORE}.") and (what := _of_many(ending.removeprefix(_BEFORE))):
        return gettext("%(what)s, before another one was given", what=what)
    if found := _ANNOTATIONS.fullmatch(ending):
        return gettext("Annotations, %(format)s", format=_FORMATS.get(found[1], found[1].upper()))
    if found := _TABLE.fullmatch(ending):
        return gettext("Table of patterns, %(format)s", format=found[1].upper())
    return ""

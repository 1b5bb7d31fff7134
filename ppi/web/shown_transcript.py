"""What the page and the API of a transcript say about it: its words with their marks, kinds and versions."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flask_babel import get_locale, gettext

from ppi.notes import INTERPOLATED, told
from ppi.records import Segment, Transcript, Word
from ppi.workflows.corrections import Edited

# Words that the recogniser gave less than this are marked; it is also what its own flags go by.
DOUBTFUL_BELOW = 0.4
# The history shows so many of the newest versions.
SHOWN_VERSIONS = 100
# What may be said of a word's time.
SHARED, UNALIGNED = "shared", "unaligned"


class ShownWord(NamedTuple):
    """`before` is what stands before it, a blank or nothing; `timing` is "", SHARED, UNALIGNED or both with a blank between."""

    before: str
    text: str
    start_s: float
    probability: float | None
    is_doubtful: bool
    timing: str

    @property
    def looks(self) -> str:
        """Its classes on the page; "" for a word without marks."""
        return f"doubtful {self.timing}".rstrip() if self.is_doubtful else self.timing


def words_of(segment: Segment) -> list[ShownWord]:
    """The words of a segment as they stand in its text. Without word times there is one."""
    if not segment.words:
        return [ShownWord("", segment.text.strip(), segment.start_s, None, False, "")] if segment.text.strip() else []
    told, place = [], 0
    for word in segment.words:
        found = segment.text.find(word.text, place)
        is_joined = found == place or not told
        place = found + len(word.text) if found >= 0 else place
        is_doubtful = word.probability is not None and word.probability < DOUBTFUL_BELOW and not word.checked
        before = "" if is_joined else " "
        told.append(ShownWord(before, word.text, word.start_s, word.probability, is_doubtful, timing_of(word)))
    return told


def timing_of(word: Word) -> str:
    """Why the time of a word is not exact; "" when it was heard."""
    return " ".join(name for name, holds in ((SHARED, word.interpolated), (UNALIGNED, word.unaligned)) if holds)


def why(word: ShownWord) -> str:
    """What the page says of a marked word."""
    told = [timings()[name] for name in word.timing.split()]
    if word.is_doubtful:
        told.insert(0, gettext("heard with a certainty of {percent} %").replace("{percent}", str(int(word.probability * 100))))
    return "; ".join(told)


def marks_of(segment: Segment) -> str:
    """The same for those who hear the page: which words of a segment are marked, and why; "" when none is."""
    found: dict[str, list[str]] = {}
    for word in words_of(segment):
        if word.is_doubtful:
            found.setdefault(gettext("the recogniser was not sure of these words"), []).append(_bare(word.text))
        for name in word.timing.split():
            found.setdefault(timings()[name], []).append(_bare(word.text))
    return "; ".join(f"{reason}: {', '.join(words)}" for reason, words in found.items())


def _bare(text: str) -> str:
    """Without punctuation around it."""
    return re.sub(r"^\W+|\W+$", "", text) or text


def timings() -> dict[str, str]:
    """Why the time of a word is not exact, in words."""
    return {
        SHARED: gettext("its time was shared out by letters"),
        UNALIGNED: gettext("not found by the aligner, so the time is the recogniser's"),
    }


def has_shared_times_only(said: Transcript) -> bool:
    """Whether captions came without times of words: the page says so once, and marks no word by itself."""
    return INTERPOLATED in said.notes and all(word.interpolated for word in said.words)


def doubts() -> dict[str, str]:
    """Why a segment may be wrong, in words; other flags are shown as they are."""
    return {
        "low_confidence": gettext("the recogniser was not sure of these words"),
        "no_speech": gettext("perhaps nobody speaks here"),
        "repetition": gettext("the same words again and again"),
        "compression": gettext("the text repeats itself"),
    }


def described(edited: Edited, segments: dict[int, Segment] | None) -> dict[str, Any]:
    told = {
        "version": edited.version, "undo": edited.history.undo_to > 0, "redo": edited.history.redo_to > 0,
        "edited": edited.transcript.edited_segments,
    }  # fmt: skip
    if segments is not None:
        told["segments"] = {str(place): segment_of(segment) for place, segment in segments.items()}
    return told


def segment_of(segment: Segment) -> dict[str, Any]:
    known = doubts()
    return {
        "start_s": segment.start_s, "end_s": segment.end_s, "text": segment.text, "speaker": segment.speaker,
        "language": segment.language, "words": words_of(segment), "marks": marks_of(segment),
        "doubts": [known.get(flag, flag) for flag in segment.flags],
        "checked": segment.checked,
    }  # fmt: skip


def notes_of(edited: Edited) -> list[str]:
    return [told(note, str(get_locale())) for note in edited.transcript.notes]


def kinds() -> dict[str, str]:
    """What can be downloaded, in words."""
    return {
        "docx": gettext("Document to hand on, DOCX"), "txt": gettext("Text, TXT"), "times.txt": gettext("Text with times, TXT"),
        "speakers.txt": gettext("Text with speakers, TXT"), "srt": gettext("Captions, SRT"),
        "vtt": gettext("Captions, WebVTT"), "json": gettext("All about every word, JSON"),
        "textgrid": gettext("Praat, TextGrid"), "eaf": gettext("ELAN, EAF"),
    }  # fmt: skip


def versions_of(edited: Edited) -> list[dict[str, Any]]:
    """The newest first."""
    what = {
        "heard": gettext("recognised"), "uploaded": gettext("uploaded"), "edited": gettext("corrected"),
        "checked": gettext("found right"), "told_apart": gettext("speakers told apart"), "named": gettext("speaker named"),
        "spoken": gettext("speaker set"), "spoken_on": gettext("speaker set up to the next change"),
        "undone": gettext("undone"), "redone": gettext("done again"), "restored": gettext("restored"),
    }  # fmt: skip
    segments = edited.transcript.segments
    return [
        {
            "number": one.number, "what": what[one.what], "who": one.who, "at_s": one.at_s, "of": one.of,
            "segment": one.segment, "start_s": segments[one.segment].start_s if 0 <= one.segment < len(segments) else None,
        }
        for one in edited.history.versions[: -SHOWN_VERSIONS - 1 : -1]
    ]  # fmt: skip


def phrases() -> dict[str, str]:
    """What the scripts of this page say."""
    return {
        "play": gettext("Play"), "pause": gettext("Pause"), "saving": gettext("Saving…"), "saved": gettext("Saved"),
        "typing": gettext("Not saved yet"), "failed": gettext("Not saved: {reason}"), "hits": gettext("{number} of {count}"),
        "none": gettext("nothing found"), "edit": gettext("Correct the text at {time}"), "right": gettext("Right as it is"),
        "checked": gettext("checked by a person"),
        "doubt": gettext("heard with a certainty of {percent} %"), **timings(),
        "who": gettext("Say who speaks at {time}"),
        "correcting": gettext("Text at {time}"), "meanwhile": gettext("Saved by somebody else:"),
        "keepMine": gettext("Keep my text"), "takeTheirs": gettext("Take the other text"),
        "unplayable": gettext("This browser cannot show the picture, so you hear the sound only."),
    }  # fmt: skip

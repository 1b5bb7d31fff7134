"""Transcripts that were made elsewhere: SRT, WebVTT, and the JSON of PPI, Whisper and WhisperX, read with every guard.

Words that a file gives no times for share their caption's time by their letters; the transcript says so in its notes.
"""

from __future__ import annotations

import html
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ppi.errors import InputError
from ppi.notes import INTERPOLATED
from ppi.records import Segment, Transcript, Word
from ppi.speech import formats
from ppi.speech.corrections import spread

ENGINE = "uploaded"
MAX_BYTES, MAX_SEGMENTS, MAX_CHARS = 20_000_000, 50_000, 3_000_000
# Captions of the last moments often outlast the recording a little.
BEYOND_S = 5.0
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read(data: bytes, name: str, *, duration_s: float | None, language: str = "") -> Transcript:
    """The transcript in a file, told by its content; `name` is only what its makers call it.

    `duration_s` is the recording's length, None when there is none at hand; `language` is an ISO 639-1 code that the file
    itself may give better. Raises InputError, saying what is wrong, for anything else and for captions of another recording.
    """
    if len(data) > MAX_BYTES:
        limit_mb = MAX_BYTES // 1_000_000
        raise InputError("This transcript is larger than {limit_mb} MB. Give SRT, VTT or JSON.", limit_mb=limit_mb)
    text = _decoded(data)
    start = text.lstrip()
    if start[:1] in ("{", "["):
        kind, found, spoken = _read_json(text)
    elif start.startswith("WEBVTT"):
        kind, found, spoken = "vtt", _read_captions(start, "vtt"), ""
    else:
        kind, found, spoken = "srt", _read_captions(start, "srt"), ""
    return _transcript(found, kind, duration_s, spoken or language)


def _transcript(found: list[Segment], kind: str, duration_s: float | None, language: str) -> Transcript:
    segments = tuple(segment for segment in sorted(found, key=lambda one: one.start_s) if segment.text)
    _check_size(segments, duration_s)
    end_s = duration_s if duration_s is not None else max((segment.end_s for segment in segments), default=0.0)
    is_interpolated = any(not segment.words for segment in segments)
    whole = tuple(_in_order(segments, end_s))
    return Transcript(whole, language, ENGINE, kind, end_s, (INTERPOLATED,) if is_interpolated else ())


def _check_size(segments: tuple[Segment, ...], duration_s: float | None) -> None:
    if not segments:
        raise InputError("This file holds no captions. Give SRT, VTT, or a transcript in JSON.")
    if len(segments) > MAX_SEGMENTS or sum(len(segment.text) for segment in segments) > MAX_CHARS:
        raise InputError("This transcript holds more text than any lesson. Give the transcript of one recording.")
    if duration_s is not None and segments[-1].start_s > duration_s + BEYOND_S:
        raise InputError(
            "The last caption begins at {caption_s} s, but the recording ends at {duration_s} s. This seems to be the "
            "transcript of another recording: give that of this lesson.",
            caption_s=round(segments[-1].start_s), duration_s=round(duration_s),
        )  # fmt: skip


def _in_order(segments: tuple[Segment, ...], end_s: float) -> Iterator[Segment]:
    """Inside the recording and never backwards, each word with a time."""
    now_s = 0.0
    for segment in segments:
        start_s = min(max(segment.start_s, now_s), end_s)
        until_s = min(max(segment.end_s, start_s), end_s)
        words = segment.words or tuple(spread(segment.text.split(), start_s, until_s))
        kept = []
        for word in words:
            since_s = min(max(word.start_s, kept[-1].end_s if kept else start_s), until_s)
            kept.append(replace(word, start_s=since_s, end_s=min(max(word.end_s, since_s), until_s)))
        now_s = until_s
        yield replace(segment, start_s=start_s, end_s=until_s, words=tuple(kept))


def _read_captions(text: str, kind: str) -> list[Segment]:
    """The library takes what players take, but leaves broken captions out; a file without a good one is refused."""
    import webvtt

    try:
        captions = webvtt.WebVTT.from_buffer(io.StringIO(text), format=kind).captions
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError, ValueError) as error:
        raise InputError(
            "This is neither SRT nor VTT nor a transcript in JSON ({reason}). Save it again as one of these.",
            reason=str(error)[:200]
        ) from error  # fmt: skip
    if len(captions) > MAX_SEGMENTS:
        raise InputError("This transcript holds more text than any lesson. Give the transcript of one recording.")
    return [
        Segment(
            one.start_time.in_milliseconds() / 1000, one.end_time.in_milliseconds() / 1000,
            " ".join((html.unescape(one.text) if kind == "vtt" else one.text).split()),
            speaker=html.unescape(one.voice or "") if kind == "vtt" else "",
        )
        for one in captions
    ]  # fmt: skip


def _read_json(text: str) -> tuple[str, list[Segment], str]:
    try:
        found = json.loads(text)
        if isinstance(found, Mapping) and "engine" in found:
            given = formats.from_json(text)
            return "json", list(given.segments), given.language
        raw = found["segments"] if isinstance(found, Mapping) else found
        language = found.get("language") if isinstance(found, Mapping) else ""
        return "whisper", [_of_whisper(segment) for segment in raw], language if isinstance(language, str) else ""
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError("This JSON is no transcript of PPI or Whisper. It needs segments with start, end and text.") from error


def _of_whisper(raw: Mapping[str, Any]) -> Segment:
    words = raw.get("words") or []
    timed = [_word(word) for word in words if "start" in word and "end" in word]
    # WhisperX leaves out times of numbers: then the whole segment's are shared out.
    known = tuple(word for word in timed if word.text) if len(timed) == len(words) else ()
    speaker = raw.get("speaker") or ""
    return Segment(_time(raw["start"]), _time(raw["end"]), " ".join(_said(raw["text"]).split()), known, _said(speaker))


def _word(raw: Mapping[str, Any]) -> Word:
    probability = raw.get("probability", raw.get("score"))
    certain = None if probability is None else min(max(_time(probability), 0.0), 1.0)
    return Word(_said(raw.get("word", raw.get("text"))).strip(), _time(raw["start"]), _time(raw["end"]), certain)


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a number: {value!r}")
    return max(float(value), 0.0)


def _said(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode("utf-8")
    return value


def _decoded(data: bytes) -> str:
    """UTF-8 or UTF-16; or Windows-1251 when that makes mostly Russian of it, as old subtitle programs write."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text = data.decode("cp1251", "replace")
        letters = [letter for letter in text if letter.isalpha()]
        if sum("а" <= letter.lower() <= "я" for letter in letters) * 2 < len(letters):
            raise InputError("This file is not text in UTF-8. Save it again as UTF-8.") from error
    if "\0" in text:
        raise InputError("This file is not text in UTF-8. Save it again as UTF-8.")
    return text

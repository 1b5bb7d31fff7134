"""Transcripts as files: TXT, SRT, VTT and JSON.

Sources: SubRip as written by common players; WebVTT, https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word
from ppi.speech.cues import cues_of

# Fields that stand in a file only where they say something: files from before they existed read the same.
OPTIONAL_OF_TRANSCRIPT = ("edited", "edited_segments", "hearing")
OPTIONAL_OF_SEGMENT = ("speaker", "language", "flags", "checked", "speaker_given")
OPTIONAL_OF_WORD = ("interpolated", "checked", "unaligned")


def write_all(transcript: Transcript, folder: Path, stem: str) -> list[Path]:
    """Write `<stem>.txt .srt .vtt .transcript.json`, each all at once; answers their paths."""
    return [_write(folder / f"{stem}{suffix}", text) for suffix, text in texts_of(transcript).items()]


def texts_of(transcript: Transcript) -> dict[str, str]:
    """The files that every transcript has, by their endings; the JSON, of which the others are made, comes last."""
    return {
        ".txt": to_txt(transcript), ".srt": to_srt(transcript), ".vtt": to_vtt(transcript),
        ".transcript.json": to_json(transcript),
    }  # fmt: skip


def to_txt(transcript: Transcript) -> str:
    """One line a segment; those without a text are left out."""
    return "".join(f"{text}\n" for segment in transcript.segments if (text := " ".join(segment.text.split())))


def to_timed_txt(transcript: Transcript) -> str:
    """As `to_txt`, with the moment before each line: [01:02:03] text."""
    lines = ((segment, " ".join(segment.text.split())) for segment in transcript.segments)
    return "".join(f"[{_clock(segment.start_s, '.')[:8]}] {text}\n" for segment, text in lines if text)


def to_speakers_txt(transcript: Transcript) -> str:
    """A paragraph for each turn, below the speaker's name ("?" when nobody knows) and the moment it begins."""
    paragraphs, speaker = [], None
    for segment in transcript.segments:
        text = " ".join(segment.text.split())
        if text and segment.speaker != speaker:
            speaker = segment.speaker
            paragraphs.append(f"{speaker or '?'} [{_clock(segment.start_s, '.')[:8]}]\n{text}")
        elif text:
            paragraphs[-1] += f" {text}"
    return "".join(f"{paragraph}\n\n" for paragraph in paragraphs).removesuffix("\n")


def to_srt(transcript: Transcript) -> str:
    """SubRip knows no escapes, so the arrow of its time lines is replaced where somebody says it."""
    cues = (
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n" + "\n".join(cue.lines).replace("-->", "→") + "\n"
        for number, cue in enumerate(cues_of(transcript), start=1)
    )
    return "\n".join(cues)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT, with voice spans where speakers are known."""
    cues = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{_voice(cue.speaker)}"
        + "\n".join(map(_escaped, cue.lines)) + "\n"
        for cue in cues_of(transcript)
    )  # fmt: skip
    return "\n".join(["WEBVTT\n", *cues])


def to_json(transcript: Transcript) -> str:
    """Every field of the transcript, the optional ones where they say something; `from_json` reads it back unchanged."""
    raw = _without_empty(asdict(transcript), OPTIONAL_OF_TRANSCRIPT)
    raw["segments"] = [segment_to_dict(segment) for segment in transcript.segments]
    return json.dumps(raw, ensure_ascii=False, indent=1) + "\n"


def from_json(text: str | bytes) -> Transcript:
    """Raises InputError when this is not a transcript: a field is missing, not of its type, or a time is out of order."""
    try:
        found = json.loads(text)
        return Transcript(
            tuple(map(segment_from_dict, found["segments"])), _text(found["language"]), _text(found["engine"]),
            _text(found["model"]), _number(found["duration_s"]), tuple(_text(note) for note in found.get("notes", ())),
            _yes_or_no(found.get("edited", False)), _count(found.get("edited_segments", 0)),
            _hearing(found.get("hearing", {})),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError("This is not a transcript made by PPI. Choose a file whose name ends in .transcript.json.") from error


def _without_empty(raw: dict[str, Any], optional: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value or name not in optional}


def segment_to_dict(segment: Segment) -> dict[str, Any]:
    """As it stands in the JSON."""
    raw = _without_empty(asdict(segment), OPTIONAL_OF_SEGMENT)
    raw["words"] = [_without_empty(word, OPTIONAL_OF_WORD) for word in raw["words"]]
    return raw


def segment_from_dict(raw: dict[str, Any]) -> Segment:
    """Raises what reading a wrong value raises: ValueError, TypeError, KeyError, AttributeError, OverflowError."""
    return Segment(
        *_times(raw), _text(raw["text"]), tuple(_word(word) for word in raw["words"]), _text(raw.get("speaker", "")),
        _text(raw.get("language", "")), tuple(_text(flag) for flag in _list(raw.get("flags", []))),
        _yes_or_no(raw.get("checked", False)), _yes_or_no(raw.get("speaker_given", False)),
    )  # fmt: skip


def _word(raw: dict[str, Any]) -> Word:
    probability = raw.get("probability")
    told = (_yes_or_no(raw.get(name, False)) for name in OPTIONAL_OF_WORD)
    return Word(_text(raw["text"]), *_times(raw), None if probability is None else _number(probability), *told)


def _times(raw: dict[str, Any]) -> tuple[float, float]:
    start_s, end_s = _number(raw["start_s"]), _number(raw["end_s"])
    if end_s < start_s:
        raise ValueError("the end comes before the start")
    return start_s, end_s


def _number(value: Any) -> float:
    """A finite number, zero or more."""
    if isinstance(value, str | bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def _count(value: Any) -> int:
    if _number(value) != int(value):
        raise ValueError(f"not a count: {value!r}")
    return int(value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"not true or false: {value!r}")
    return value


def _hearing(value: Any) -> dict[str, Any]:
    """Texts and numbers, and thresholds by their names."""
    if not isinstance(value, dict) or not all(_is_plain(found) for found in value.values()):
        raise TypeError(f"not a description of the hearing: {value!r}")
    return value


def _is_plain(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else [value]
    return all(isinstance(found, str | int | float) for found in inner)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"not a list: {value!r}")
    return value


def _text(value: Any) -> str:
    """Text that can be written as UTF-8: JSON may hold halves of characters, which cannot."""
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r}")
    value.encode("utf-8")
    return value


def _write(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{secrets.token_hex(6)}")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def _clock(time_s: float, mark: str) -> str:
    total_ms = round(time_s * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"


def _voice(speaker: str) -> str:
    """The start of a voice span, which ends with the cue; a name cannot hold the sign that ends its tag."""
    name = _escaped(" ".join(speaker.split())).replace("&gt;", "")
    return f"<v {name}>" if name else ""


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

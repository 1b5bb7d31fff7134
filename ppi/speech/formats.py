"""Transcripts as files: TXT, SRT, VTT and JSON.

Sources: SubRip as written by common players; WebVTT, https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word

LINE_CHARS, CUE_LINES, CUE_S = 42, 2, 7.0


@dataclass(frozen=True)
class Cue:
    """One caption: at most two lines of 42 characters."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


def write_all(transcript: Transcript, folder: Path, stem: str) -> list[Path]:
    """Write `<stem>.txt .srt .vtt .transcript.json`, each all at once; answers their paths."""
    texts = {
        ".txt": to_txt(transcript), ".srt": to_srt(transcript), ".vtt": to_vtt(transcript),
        ".transcript.json": to_json(transcript),
    }  # fmt: skip
    made = []
    for suffix, text in texts.items():
        path = folder / f"{stem}{suffix}"
        fresh = folder / f".{secrets.token_hex(6)}"
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
        made.append(path)
    return made


def to_txt(transcript: Transcript) -> str:
    """One line a segment."""
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def to_srt(transcript: Transcript) -> str:
    cues = (
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n" + "\n".join(cue.lines) + "\n"
        for number, cue in enumerate(cues_of(transcript), start=1)
    )
    return "\n".join(cues)


def to_vtt(transcript: Transcript) -> str:
    cues = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n" + "\n".join(map(_escaped, cue.lines)) + "\n"
        for cue in cues_of(transcript)
    )
    return "\n".join(["WEBVTT\n", *cues])


def to_json(transcript: Transcript) -> str:
    """Every field of the transcript; `from_json` reads it back unchanged."""
    return json.dumps(asdict(transcript), ensure_ascii=False, indent=1) + "\n"


def from_json(text: str | bytes) -> Transcript:
    """Raises InputError when this is not a transcript."""
    try:
        found = json.loads(text)
        segments = tuple(_segment(segment) for segment in found["segments"])
        return Transcript(
            segments, str(found["language"]), str(found["engine"]), str(found["model"]), float(found["duration_s"]),
            tuple(map(str, found.get("notes", ()))),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("This is not a transcript made by PPI. Choose a file whose name ends in .transcript.json.") from error


def cues_of(transcript: Transcript) -> Iterator[Cue]:
    """Captions in order of time that never overlap."""
    last_s = 0.0
    for segment in transcript.segments:
        for words in _groups(segment):
            start_s = max(words[0].start_s, last_s)
            end_s = max(words[-1].end_s, start_s + 0.001)
            last_s = end_s
            yield Cue(start_s, end_s, _lines([word.text for word in words]))


def _groups(segment: Segment) -> Iterator[list[Word]]:
    """The segment's words in stretches that fit a caption."""
    words = segment.words or (Word(segment.text, segment.start_s, segment.end_s),)
    group: list[Word] = []
    for word in words:
        is_full = group and (
            len(_lines([*(one.text for one in group), word.text])) > CUE_LINES or word.end_s - group[0].start_s > CUE_S
        )
        if is_full:
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _lines(words: list[str]) -> tuple[str, ...]:
    lines: list[str] = []
    for word in " ".join(words).split():
        if lines and len(lines[-1]) + 1 + len(word) <= LINE_CHARS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def _clock(time_s: float, mark: str) -> str:
    total_ms = round(time_s * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _segment(raw: dict[str, Any]) -> Segment:
    words = tuple(
        Word(str(word["text"]), float(word["start_s"]), float(word["end_s"]), word.get("probability"))
        for word in raw["words"]
    )  # fmt: skip
    return Segment(float(raw["start_s"]), float(raw["end_s"]), str(raw["text"]), words)

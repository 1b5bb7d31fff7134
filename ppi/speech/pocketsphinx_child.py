"""Runs inside the child process: the one importer of pocketsphinx."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ppi.speech import wav

# Longer stretches of speech (or of noise that passes for it) are cut, so that memory and waiting stay bounded.
LONGEST_S = 30.0
REPORT_S = 5.0


def transcribe(report: Callable[[float], None], path: str) -> list[dict[str, Any]]:
    """Segments in the shape `ppi.speech.words.segments_from` takes; reports the fraction heard."""
    from pocketsphinx import Decoder

    total_s = max(wav.duration_s(Path(path)), 0.001)
    decoder = Decoder(samprate=wav.RATE_HZ, loglevel="FATAL")
    found = []
    for start_s, end_s, sound in _utterances(Path(path)):
        if sound:
            decoder.start_utt()
            decoder.process_raw(sound, full_utt=True)
            decoder.end_utt()
            if words := _words(decoder, start_s):
                found.append(_segment(words))
        report(min(end_s / total_s, 1.0))
    return found


def _utterances(path: Path) -> Iterator[tuple[float, float, bytes]]:
    """(start_s, end_s, 16-bit sound) of each stretch of speech; now and then one without sound, to tell where we are."""
    from pocketsphinx import Endpointer

    ears = Endpointer(sample_rate=wav.RATE_HZ)
    heard, start_s, now_s, told_s = b"", 0.0, 0.0, 0.0
    for frame, is_last in _frames(path, ears.frame_bytes):
        speech = ears.process(frame)
        now_s += ears.frame_length
        if is_last and ears.in_speech:
            speech = (speech or b"") + (ears.end_stream(b"") or b"")
        if speech:
            start_s = start_s if heard else ears.speech_start
            heard += speech
        if heard and (is_last or not ears.in_speech or len(heard) >= LONGEST_S * wav.RATE_HZ * 2):
            yield start_s, now_s, heard
            heard, told_s = b"", now_s
        elif now_s - told_s >= REPORT_S and not heard:
            yield now_s, now_s, b""
            told_s = now_s


def _frames(path: Path, size: int) -> Iterator[tuple[bytes, bool]]:
    """Frames of `size` bytes and whether each is the last, which is filled up with silence."""
    rest = b""
    for block in wav.blocks(path):
        rest += block.tobytes()
        while len(rest) > size:
            yield rest[:size], False
            rest = rest[size:]
    if rest:
        yield rest.ljust(size, b"\0"), True


def _words(decoder, offset_s: float) -> list[dict[str, Any]]:
    frame_s = 1 / decoder.config["frate"]
    words = []
    for part in decoder.seg() or ():
        text = re.sub(r"\(\d+\)$", "", part.word)
        if text.startswith(("<", "[", "++")):
            continue
        words.append({
            "word": text, "start": offset_s + part.start_frame * frame_s,
            "end": offset_s + (part.end_frame + 1) * frame_s, "probability": min(max(part.prob, 0.0), 1.0),
        })  # fmt: skip
    return words


def _segment(words: list[dict[str, Any]]) -> dict[str, Any]:
    text = " ".join(word["word"] for word in words)
    return {"start": words[0]["start"], "end": words[-1]["end"], "text": text, "words": words}

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
END_S = 1.0
BYTES_PER_S = 2 * wav.RATE_HZ


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
    heard, start_s, told_s = b"", None, 0.0
    for number, frame in enumerate(_frames(path, ears.frame_bytes), start=1):
        now_s = number * ears.frame_length
        speech = ears.process(frame)
        if speech is not None:
            start_s = ears.speech_start if start_s is None else start_s
            heard += speech
        if heard and (not ears.in_speech or len(heard) >= LONGEST_S * BYTES_PER_S):
            yield start_s, now_s, heard
            start_s = start_s + len(heard) / BYTES_PER_S if ears.in_speech else None
            heard, told_s = b"", now_s
        elif not heard and now_s - told_s >= REPORT_S:
            yield now_s, now_s, b""
            told_s = now_s


def _frames(path: Path, size: int) -> Iterator[bytes]:
    """Frames of `size` bytes, and then so much silence that speech up to the very end is seen to end."""
    rest = b""
    for block in wav.blocks(path):
        rest += block.tobytes()
        whole = len(rest) // size * size
        yield from (rest[place : place + size] for place in range(0, whole, size))
        rest = rest[whole:]
    yield rest.ljust(size, b"\0")
    yield from [bytes(size)] * int(END_S * BYTES_PER_S / size)


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

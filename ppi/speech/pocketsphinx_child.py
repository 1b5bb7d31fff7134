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


def transcribe(
    report: Callable[[tuple[str, Any]], None], path: str, from_s: float = 0.0, longest_s: float = wav.STRETCH_S
) -> None:
    """Hear the WAV at `path` from `from_s` in stretches of at most `longest_s`, each for itself.

    Reports ("at", fraction heard), and after every stretch ("heard", {until_s, language, segments}) with segments in the
    shape `ppi.speech.words.segments_from` takes.
    """
    from pocketsphinx import Decoder

    total_s = max(wav.duration_s(Path(path)), 0.001)
    for begin_s, stretch in wav.stretches(Path(path), longest_s, from_s):
        # What a decoder has heard changes what it hears next, so each stretch has its own.
        decoder = Decoder(samprate=wav.RATE_HZ, loglevel="FATAL")
        found = []
        for start_s, end_s, sound in _utterances(stretch.tobytes()):
            if sound:
                decoder.start_utt()
                decoder.process_raw(sound, full_utt=True)
                decoder.end_utt()
                if words := _words(decoder, begin_s + start_s):
                    found.append(_segment(words))
            report(("at", (begin_s + end_s) / total_s))
        until_s = begin_s + len(stretch) / wav.RATE_HZ
        report(("heard", {"until_s": until_s, "language": "en", "segments": found}))


def _utterances(sound: bytes) -> Iterator[tuple[float, float, bytes]]:
    """(start_s, end_s, 16-bit sound) of each utterance; now and then one without sound, to tell where we are."""
    from pocketsphinx import Endpointer

    ears = Endpointer(sample_rate=wav.RATE_HZ)
    heard, start_s, told_s = b"", None, 0.0
    for number, frame in enumerate(_frames(sound, ears.frame_bytes), start=1):
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


def _frames(sound: bytes, size: int) -> Iterator[bytes]:
    """Frames of `size` bytes, and then so much silence that speech up to the very end is seen to end."""
    padded = sound + bytes(-len(sound) % size)
    yield from (padded[place : place + size] for place in range(0, len(padded), size))
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

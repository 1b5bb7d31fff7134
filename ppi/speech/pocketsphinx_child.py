"""Runs inside the child process: the one importer of pocketsphinx."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppi.speech import wav


def transcribe(report: Callable[[float], None], path: str) -> list[dict[str, Any]]:
    """Segments in the shape `ppi.speech.words.segments_from` takes; reports the fraction heard."""
    from pocketsphinx import Decoder, Segmenter

    total_s = max(wav.duration_s(Path(path)), 0.001)
    decoder = Decoder(samprate=wav.RATE_HZ, loglevel="FATAL")
    frame_s = 1 / decoder.config["frate"]
    found = []
    with wave.open(path, "rb") as file:
        for heard in Segmenter(sample_rate=wav.RATE_HZ).segment(_Stream(file)):
            decoder.start_utt()
            decoder.process_raw(heard.pcm, full_utt=True)
            decoder.end_utt()
            words = _words(decoder, heard.start_time, frame_s)
            if words:
                found.append(_segment(words))
            report(min(heard.end_time / total_s, 1.0))
    return found


class _Stream:
    """The WAV as the stream of bytes the segmenter reads; the last frame is padded to its full length with silence."""

    def __init__(self, file: wave.Wave_read):
        self._file = file

    def read(self, size: int) -> bytes:
        data = self._file.readframes(size // 2)
        return data.ljust(size, b"\0") if data else data


def _words(decoder, offset_s: float, frame_s: float) -> list[dict[str, Any]]:
    words = []
    for part in decoder.seg() or ():
        text = re.sub(r"\(\d+\)$", "", part.word)
        if text.startswith(("<", "[", "++")):
            continue
        probability = decoder.get_logmath().exp(part.prob)
        words.append({
            "word": text, "start": offset_s + part.start_frame * frame_s,
            "end": offset_s + (part.end_frame + 1) * frame_s, "probability": min(max(probability, 0.0), 1.0),
        })  # fmt: skip
    return words


def _segment(words: list[dict[str, Any]]) -> dict[str, Any]:
    text = " ".join(word["word"] for word in words)
    return {"start": words[0]["start"], "end": words[-1]["end"], "text": text, "words": words}

"""Where somebody speaks: silero's voice activity detection, which comes inside faster-whisper. The one importer of it."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from ppi.speech import wav

# A pause so short stays part of the speech around it; so much is kept before and after a piece of speech.
PAUSE_MS, MARGIN_MS = 700, 300
# Above this probability a moment is speech, and what is shorter than this is a knock or a cough.
THRESHOLD, SHORTEST_MS = 0.5, 120


def is_here() -> bool:
    return find_spec("faster_whisper") is not None


def speech(sound: np.ndarray) -> list[tuple[int, int]]:
    """[begin, end) of the pieces of `sound` (16 kHz, int16) where somebody speaks, with margins, in samples.

    Without the library all that is not quiet counts as speech.
    """
    if wav.is_quiet(sound):
        return []
    if not is_here():
        return [(0, len(sound))]
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    wanted = VadOptions(
        threshold=THRESHOLD, min_silence_duration_ms=PAUSE_MS, speech_pad_ms=MARGIN_MS, min_speech_duration_ms=SHORTEST_MS
    )
    return [(int(piece["start"]), int(piece["end"])) for piece in get_speech_timestamps(wav.as_float(sound), wanted)]

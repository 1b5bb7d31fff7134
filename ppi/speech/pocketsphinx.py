"""pocketsphinx: an offline recogniser whose English model comes in the wheel. Rough, but it hears real words anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ppi.errors import InputError
from ppi.processes import run_in_child
from ppi.records import Transcript
from ppi.speech import wav
from ppi.speech.words import segments_from

NOTE = (
    "Made by pocketsphinx, a rough offline recogniser of English: expect wrong words, and nonsense where another "
    "language is spoken. Check it before quoting."
)


class Pocketsphinx:
    """Knows English only."""

    engine = "pocketsphinx"
    model = "en-us"

    def transcribe(self, speech_wav: Path, language: str, on_progress: Callable[[float], None]) -> Transcript:
        if language not in ("", "en"):
            raise InputError("pocketsphinx knows English only. Choose the engine whisper for this language.")
        duration_s = wav.duration_s(speech_wav)
        if wav.is_silent(speech_wav):
            return Transcript((), "", self.engine, self.model, duration_s)
        reached = [0.0]

        def on_report(fraction: float) -> None:
            reached[0] = max(reached[0], fraction)

        raw = run_in_child(
            "ppi.speech.pocketsphinx_child:transcribe", {"path": str(speech_wav)},
            on_report=on_report, on_tick=lambda: on_progress(reached[0]),
        )  # fmt: skip
        segments = segments_from(raw, duration_s)
        return Transcript(segments, "en" if segments else "", self.engine, self.model, duration_s, (NOTE,))

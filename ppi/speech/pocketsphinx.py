"""pocketsphinx: an offline recogniser whose English model comes in the wheel. Rough, but it hears real words anywhere."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ppi.errors import InputError
from ppi.notes import POCKETSPHINX
from ppi.processes import run_in_child
from ppi.records import Transcript
from ppi.speech import wav
from ppi.speech.recognizer import NOTHING, Ears, Heard, Progress
from ppi.speech.words import segments_from


class Pocketsphinx:
    """Knows English only."""

    engine = "pocketsphinx"
    model = "en-us"

    def identity(self) -> str:
        """The model comes in the wheel."""
        return version("pocketsphinx")

    def transcribe(
        self, speech_wav: Path, language: str, on_progress: Progress, heard: Heard = NOTHING,
        on_heard: Callable[[Heard], None] = lambda heard: None, on_fetched: Progress = lambda fraction: None,
    ) -> Transcript:  # fmt: skip
        if language not in ("", "en"):
            raise InputError("pocketsphinx knows English only. Choose the engine whisper for this language.")
        duration_s = wav.duration_s(speech_wav)
        if wav.is_silent(speech_wav):
            return Transcript((), "", self.engine, self.model, duration_s)
        ears = Ears(heard, duration_s, on_progress, on_heard)
        wanted = {"path": str(speech_wav), "from_s": heard.until_s}
        run_in_child("ppi.speech.pocketsphinx_child:transcribe", wanted, on_report=ears.report, on_tick=ears.tick)
        segments = segments_from(ears.heard.segments, duration_s)
        return Transcript(segments, "en" if segments else "", self.engine, self.model, duration_s, (POCKETSPHINX,))

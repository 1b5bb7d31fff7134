"""A child that dies of a GPU as a real one does where a library of CUDA is missing: at once, without a word."""

from __future__ import annotations

import os

from ppi.speech import faster_whisper_child


def transcribe(report, **wanted) -> None:
    """Hears as faster-whisper does, but on the processor only."""
    if wanted["device"] != "cpu":
        report(("about", {"device": "cuda"}))
        os.abort()
    faster_whisper_child.transcribe(report, **wanted)

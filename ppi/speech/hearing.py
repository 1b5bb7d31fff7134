"""Runs inside the child process: what both Whisper engines do around their models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ppi.speech import vad, wav
from ppi.speech.aligner_child import Refine
from ppi.speech.edges import pauses
from ppi.speech.fallback import gpu_failed, joined
from ppi.speech.windows import Window, windows
from ppi.speech.words import in_segment

Report = Callable[[tuple[str, Any]], None]
MARGIN_S = vad.MARGIN_MS / 1000
# When somebody spoke last, as the engines want it told: so late that they do not shorten first words, which is done better
# here, by where the sound begins.
NO_PAUSE_S = float("inf")


class Ear:
    """A model that hears windows, and that goes on, on the processor, when a GPU fails.

    `load(device)` answers (model, what to say about it: device, compute_type, fallback), `hear_window(model, window, language
    so far)` (segments, language).
    """

    def __init__(self, load: Callable[[str], tuple[Any, dict[str, str]]], hear_window: Callable[..., tuple], device: str):
        self._load, self._hear_window = load, hear_window
        self._model, self.about = load(device)

    def __call__(self, window: Window, language: str) -> tuple[Sequence[dict[str, Any]], str]:
        try:
            return self._hear_window(self._model, window, language)
        except RuntimeError as error:  # of CTranslate2 and torch: no memory left on it, a library that is not there
            if self.about["device"] != "cuda":
                raise
            told = gpu_failed(error)
        self._model = None  # whose memory is needed for the other
        self._model, about = self._load("cpu")
        self.about = about | {"fallback": joined(told, about["fallback"])}
        return self._hear_window(self._model, window, language)


def hear(report: Report, path: str, from_s: float, language: str, ear: Ear, refine: Refine) -> None:
    """Hear the WAV at `path` from `from_s` window by window, in flat memory. `language` is what is expected, or "".

    `refine` gives the segments better times. Reports ("about", what hears on which device), again when that changes, ("at",
    fraction heard), and after every window ("heard", {until_s, language, segments}) with segments in the shape
    `ppi.speech.words.segments_from` takes.
    """
    total_s = max(wav.duration_s(Path(path)), 0.001)
    report(("about", ear.about | refine.about))
    for window in windows(Path(path), vad.speech, from_s):
        segments: Sequence[dict[str, Any]] = ()
        if window.pieces:
            segments, language = ear(window, language)
            segments = refine(segments, from_s, window.until_s)
        from_s = window.until_s
        report(("about", ear.about | refine.about))
        report(("at", window.until_s / total_s))
        report(("heard", {"until_s": window.until_s, "language": language, "segments": list(segments)}))


def placed(window: Window, start_s: float, end_s: float, words: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A segment of a window as kept: times of the recording, words inside it, and what is needed to doubt it."""
    is_behind = start_s >= window.length_s  # in what Whisper adds to make half a minute of it: nobody speaks there
    start_s, end_s = min(start_s, window.length_s), min(end_s, window.length_s)
    share = 0.0 if is_behind else window.speech_share(start_s, end_s, MARGIN_S)
    moved = [
        {**word, "start": begin_s, "end": stop_s}
        for word in in_segment(words, start_s, end_s, pauses(window.sound))
        for begin_s, stop_s in [window.in_recording(word["start"], word["end"])]
    ]
    begin_s, _ = window.in_recording(start_s, start_s)
    _, stop_s = window.in_recording(end_s - 0.001, end_s - 0.001)
    return {"start": begin_s, "end": max(stop_s, begin_s), "words": moved, "speech_share": round(share, 3), **more}


def pieces_of(tokens: Sequence[int], first_time: int, length_s: float) -> Iterator[tuple[float, float, list[int]]]:
    """(start_s, end_s, text tokens) between Whisper's time tokens, which count 0.02 s from `first_time`.

    What stands behind the last time lasts until the end: nothing that was heard is left out.
    """
    text: list[int] = []
    start_s = 0.0
    for token in tokens:
        if token < first_time:
            text.append(token)
            continue
        now_s = min((token - first_time) * 0.02, length_s)
        if text:
            yield start_s, max(now_s, start_s), text
        text, start_s = [], now_s
    if text:
        yield start_s, length_s, text


def plain_words(words: Iterable[Any]) -> list[dict[str, Any]]:
    """Words as the engines give them, with numbers that can be written as JSON."""
    return [{"word": word["word"], **{name: float(word[name]) for name in ("start", "end", "probability")}} for word in words]

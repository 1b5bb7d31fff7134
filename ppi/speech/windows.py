"""What Whisper hears at a time: windows of at most half a minute of speech, with the silence between left out.

A window depends on the sound after the one before it and on nothing else, so hearing may stop and go on between any two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppi.speech import wav

# Whisper's window. A piece of speech that does not fit is cut only when the window is emptier than ENOUGH.
WINDOW, ENOUGH = 30 * wav.RATE_HZ, 20 * wav.RATE_HZ
# So much is looked through for one window; speech at the end of it may go on, so that belongs to the next.
LOOKED_S, BORDER_S = 45.0, 0.5

Piece = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """`pieces` are [begin, end) in samples of the recording; `until_s` is where the next window begins."""

    pieces: tuple[Piece, ...]
    sound: np.ndarray
    until_s: float

    @property
    def length_s(self) -> float:
        return len(self.sound) / wav.RATE_HZ

    def in_recording(self, start_s: float, end_s: float) -> tuple[float, float]:
        """A span of the window as seconds of the recording, inside the piece that holds its middle."""
        middle, packed = (start_s + end_s) / 2 * wav.RATE_HZ, 0
        begin, end = self.pieces[0]
        for begin, end in self.pieces:
            if middle < packed + end - begin:
                break
            packed += end - begin
        else:
            packed -= end - begin
        by_s, low_s, high_s = (begin - packed) / wav.RATE_HZ, begin / wav.RATE_HZ, end / wav.RATE_HZ
        return tuple(min(max(moment_s + by_s, low_s), high_s) for moment_s in (start_s, end_s))

    def speech_share(self, start_s: float, end_s: float, margin_s: float) -> float:
        """The part of a span of the window in which somebody speaks: pieces without their margins."""
        heard_s, packed_s = 0.0, 0.0
        for begin, end in self.pieces:
            length_s = (end - begin) / wav.RATE_HZ
            low_s, high_s = packed_s + margin_s, packed_s + length_s - margin_s
            heard_s += max(min(end_s, high_s) - max(start_s, low_s), 0.0)
            packed_s += length_s
        return heard_s / (end_s - start_s) if end_s > start_s else 1.0


def windows(path: Path, find: Callable[[np.ndarray], list[Piece]], from_s: float = 0.0) -> Iterator[Window]:
    """The windows of a WAV from `from_s` to its end; those without pieces only pass over silence.

    `find` answers where somebody speaks. At most 45 seconds of sound are in memory.
    """
    total, start = round(wav.duration_s(path) * wav.RATE_HZ), round(from_s * wav.RATE_HZ)
    while start < total:
        sound = wav.read(path, start, int(LOOKED_S * wav.RATE_HZ))
        pieces, until = next_window(find(sound), sound, is_end=start + len(sound) >= total)
        parts = [sound[begin:end] for begin, end in pieces]
        packed = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        moved = tuple((begin + start, end + start) for begin, end in pieces)
        start += until
        yield Window(moved, packed, start / wav.RATE_HZ)


def next_window(spans: list[Piece], sound: np.ndarray, is_end: bool) -> tuple[list[Piece], int]:
    """(pieces of the window at the beginning of `sound`, where the next begins), in samples. Always goes on."""
    border = len(sound) if is_end else max(len(sound) - int(BORDER_S * wav.RATE_HZ), 1)
    pieces: list[Piece] = []
    room = WINDOW
    for begin, end in spans:
        may_go_on = not is_end and end > border
        if end - begin > room:
            if WINDOW - room >= ENOUGH or (may_go_on and begin > 0 and not pieces):
                return pieces, begin
            cut = begin + wav.quiet_place(sound[begin : begin + room])
            return [*pieces, (begin, cut)], cut
        if may_go_on and begin > 0:
            return pieces, begin
        pieces.append((begin, end))
        room -= end - begin
    return pieces, border

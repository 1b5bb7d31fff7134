"""Clips encoded anew as a whole by ffmpeg: the way for every source that the cutter refuses.

ffmpeg seeks to a key frame before the interval and its trim filters cut by the source's own time stamps, so nothing is
rounded to a frame grid.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppi.errors import InputError, ToolFailed
from ppi.media import cutting, probe
from ppi.media.ffmpeg import GIB, Ffmpeg, Limits, Progress
from ppi.records import MediaInfo, Span

# Decoding begins this much before the interval, so that sound is complete at its first sample.
PREROLL_S = 1.0
# Times within a microsecond are the same: ffmpeg's filters count in microseconds.
SAME_S = 1e-6
TOLERANCE_S = 0.002
# The encoder's bytes depend on it, so it is the same on every machine and for any number of clips.
THREADS = 2
CLIP = {
    "c:v": "libx264", "preset": "veryfast", "crf": 20, "fps_mode": "passthrough", "enc_time_base:v": "1:90000",
    "video_track_timescale": 90_000, "map_metadata": -1, "map_chapters": -1, "movflags": "+faststart", "format": "mp4",
}  # fmt: skip
SOUND = {"c:a": "aac", "b:a": "160k"}


@dataclass
class Encoding:
    """A source whose frames are listed when the first clip needs it."""

    ffmpeg: Ffmpeg
    source: Path
    info: MediaInfo
    _frames: np.ndarray | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clip(self, span: Span, clip: Path, still: Path, on_progress: Progress) -> dict:
        """Cut and check one clip; answers its facts, the times being those of the source.

        Raises InputError for an interval without a frame, and ToolFailed for a clip that does not pass its check.
        """
        frames = self._listed(on_progress)
        wanted = within(frames, span)
        if not len(wanted):
            raise nothing_shown(span)
        # A container without a good index may seek past the interval: then everything before it is decoded instead.
        for is_seeking in (True, False):
            self._run(span, clip, frames, is_seeking, on_progress)
            found = cutting.look(self.ffmpeg, self.source, clip, still, span, lambda: on_progress(0.0))
            shown = np.asarray(found["times"], dtype=np.float64)
            if _agree(shown, wanted - span.start_s):
                return _facts(found, wanted, span)
        # Packets and frames are not always one to one (fields, frames beyond repair): a player shows the latter.
        decoded = self.ffmpeg.decoded_times(self.source, self.info.duration_s, on_progress)
        truth = within(np.asarray(decoded, dtype=np.float64) - self.info.start_s, span)
        if len(truth) and _agree(shown, truth - span.start_s):
            return _facts(found, truth, span)
        raise ToolFailed(
            "The clip from {start_s} to {end_s} s has {have} frames instead of {wanted}. Convert the video to MP4 with a "
            "constant frame rate and try again.",
            start_s=round(span.start_s, 3), end_s=round(span.end_s, 3), have=len(shown), wanted=len(wanted),
        )  # fmt: skip

    def _listed(self, on_progress: Progress) -> np.ndarray:
        with self._lock:
            if self._frames is None:
                self._frames = probe.frame_times(
                    self.source, self.ffmpeg, self.info, lambda fraction: on_progress(0.0)
                )  # fmt: skip
        return self._frames

    def _run(self, span: Span, clip: Path, frames: np.ndarray, is_seeking: bool, on_progress: Progress) -> None:
        options: dict[str, str | int | None] = {"copyts": None, "threads": THREADS}
        seek_s = max(0.0, span.start_s - PREROLL_S)
        if is_seeking and seek_s > 0:
            options |= {"noaccurate_seek": None, "ss": f"{seek_s:.6f}"}
        way_s = span.duration_s + (0 if is_seeking else span.end_s)
        self.ffmpeg.convert(
            self.source, self._graph(span, frames), [clip], input_options=options, total_s=span.duration_s,
            limits=Limits(wall_s=300 + 20 * way_s, silence_s=120 + 5 * way_s, file_bytes=4 * GIB),
            on_progress=on_progress,
        )  # fmt: skip

    def _graph(self, span: Span, frames: np.ndarray) -> Callable:
        """Times in the filters are the source's own: `start_s` of the container is where a player shows zero.

        Microseconds as time base, because trim and setpts round to it and AVI counts in whole frames. The picture is
        trimmed half-way between frames, where no rounding can lose or win one; the sound at the interval itself.
        """
        offset_s = self.info.start_s
        shift = f"PTS-({span.start_s + offset_s:.6f})/TB"
        first_s, last_s = (f"{time_s + offset_s:.6f}" for time_s in _edges(frames, span))
        start_s, end_s = (f"{time_s + offset_s:.6f}" for time_s in (span.start_s, span.end_s))

        def build(recording, files):
            shown = recording["v:0"].filter("settb", "AVTB").filter("trim", start=first_s, end=last_s)
            shown = shown.filter("setpts", shift).filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2", out_range="tv")
            sound, kind = [], {**CLIP, "threads": THREADS}
            if self.info.audio:
                heard = recording["a:0"].filter("atrim", start=start_s, end=end_s).filter("asetpts", shift)
                sound = [heard.filter("aresample", **{"async": 1, "first_pts": 0})]
                kind |= SOUND
            return [shown.filter("format", "yuv420p").output(*sound, files[0], **kind)]

        return build


def within(frames: np.ndarray, span: Span) -> np.ndarray:
    return frames[(frames >= span.start_s - SAME_S) & (frames < span.end_s - SAME_S)]


def nothing_shown(span: Span) -> InputError:
    return InputError(
        "There is no picture between {start_s} and {end_s} seconds of the video. Check the annotation.",
        start_s=round(span.start_s, 3), end_s=round(span.end_s, 3),
    )  # fmt: skip


def _agree(shown: np.ndarray, wanted: np.ndarray) -> bool:
    return len(shown) == len(wanted) and bool(np.all(np.abs(shown - wanted) < TOLERANCE_S))


def _facts(found: dict, times: np.ndarray, span: Span) -> dict:
    return {
        "mode": "encoded", "frames": len(times), "first_s": float(times[0]), "last_s": float(times[-1]),
        "key_s": found["key_s"] + span.start_s, "key": found["key"], "sound_offset_s": found["sound_offset_s"],
    }  # fmt: skip


def _edges(frames: np.ndarray, span: Span) -> tuple[float, float]:
    """Half-way between the frames of the interval and their neighbours; a second away where there are none."""
    first, last = np.searchsorted(frames, [span.start_s - SAME_S, span.end_s - SAME_S])
    before_s = frames[first - 1] if first > 0 else frames[first] - 2
    after_s = frames[last] if last < len(frames) else frames[last - 1] + 2
    return float((before_s + frames[first]) / 2), float((frames[last - 1] + after_s) / 2)

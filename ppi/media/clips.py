"""Clips: exactly the frames of an interval and the sound that goes with them, checked after cutting.

A clip of [start_s, end_s) holds every frame whose presentation time lies in it, once each, and nothing else. ffmpeg
seeks to a key frame before the interval and its trim filters cut by the source's own time stamps, so nothing is rounded
to a frame grid; the key frame JPEG comes from the same decoding.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppi.errors import Cancelled, InputError, PpiError, ToolFailed
from ppi.media import probe
from ppi.media.ffmpeg import GIB, Ffmpeg, Limits, Progress
from ppi.records import Clip, MediaInfo, Span

# Decoding begins this much before the interval, so that sound is complete at its first sample.
PREROLL_S = 1.0
# Times within a microsecond are the same: ffmpeg's filters count in microseconds.
SAME_S = 1e-6
TOLERANCE_S = 0.002
TICK_S = 0.25
CORES = max(1, os.cpu_count() or 1)
# The share of the progress that listing the frames of the source takes.
LISTING = 0.1
CLIP = {
    "c:v": "libx264", "preset": "veryfast", "crf": 20, "fps_mode": "passthrough", "enc_time_base:v": "1:90000",
    "video_track_timescale": 90_000, "map_metadata": -1, "map_chapters": -1, "movflags": "+faststart", "format": "mp4",
}  # fmt: skip
SOUND = {"c:a": "aac", "b:a": "160k"}
STILL = {"format": "image2", "update": 1, "c:v": "mjpeg", "q:v": 3, "frames:v": 1, "map_metadata": -1}


@dataclass(frozen=True)
class ClipRequest:
    """One clip to cut and where its files go."""

    span: Span
    clip_path: Path
    key_frame_path: Path


@dataclass
class _Cutting:
    """What the workers share: the source, its frames, and how far each clip is (0..1)."""

    ffmpeg: Ffmpeg
    source: Path
    info: MediaInfo
    frames: np.ndarray
    threads: int
    fractions: dict[int, float] = field(default_factory=dict)
    is_stopped: threading.Event = field(default_factory=threading.Event)

    def reporter(self, number: int) -> Progress:
        """The progress of one clip; it also stops that clip when the whole is stopped."""

        def on_progress(fraction: float) -> None:
            self.fractions[number] = max(self.fractions.get(number, 0.0), fraction)
            if self.is_stopped.is_set():
                raise Cancelled("Cutting was stopped.")

        return on_progress


def cut(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, requests: Sequence[ClipRequest], on_progress: Progress
) -> list[Clip]:
    """Cut all clips (H.264 and AAC in MP4, no metadata of the source) with their key frames, in parallel.

    `on_progress` is called in the caller's thread; whatever it raises stops everything. Raises InputError for an
    interval without a frame and ToolFailed for a clip that does not pass its check. Files of a clip that failed are not
    left behind.
    """
    frames = probe.frame_times(source, ffmpeg, info, lambda fraction: on_progress(fraction * LISTING))
    workers = max(1, min(CORES, len(requests)))
    cutting = _Cutting(ffmpeg, source, info, frames, threads=max(1, CORES // workers))
    with ThreadPoolExecutor(workers, thread_name_prefix="clip") as pool:
        futures = [pool.submit(_one, cutting, number, request) for number, request in enumerate(requests)]
        try:
            _follow(cutting, futures, on_progress)
        finally:
            cutting.is_stopped.set()
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


def _follow(cutting: _Cutting, futures: Sequence[Future], on_progress: Progress) -> None:
    """Report until every clip is done or one has failed, whose error is raised."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=TICK_S)
        for future in done:
            future.result()
        on_progress(LISTING + (1 - LISTING) * sum(cutting.fractions.values()) / len(futures))


def _one(cutting: _Cutting, number: int, request: ClipRequest) -> Clip:
    span, frames = request.span, cutting.frames
    wanted = _within(frames, span)
    if not len(wanted):
        raise InputError(
            "There is no picture between {start_s} and {end_s} seconds of the video. Check the annotation.",
            start_s=round(span.start_s, 3), end_s=round(span.end_s, 3),
        )  # fmt: skip
    middle = len(wanted) // 2
    # A container without a good index may seek past the interval: then everything before it is decoded instead.
    try:
        for is_seeking in (True, False):
            _run(cutting, request, middle, is_seeking, cutting.reporter(number))
            shown = np.asarray(cutting.ffmpeg.look_into(request.clip_path, "times", cutting.reporter(number)))
            if _agree(shown, wanted - span.start_s):
                return _clip(request, wanted, middle)
        # Packets and frames are not always one to one (fields, frames beyond repair): a player shows the latter.
        decoded = cutting.ffmpeg.decoded_times(cutting.source, cutting.info.duration_s, cutting.reporter(number))
        truth = _within(np.asarray(decoded, dtype=np.float64) - cutting.info.start_s, span)
        if len(truth) > middle and _agree(shown, truth - span.start_s):
            return _clip(request, truth, middle)
    except PpiError:
        _remove(request)
        raise
    _remove(request)
    raise ToolFailed(
        "The clip from {start_s} to {end_s} s has {have} frames instead of {wanted}. Convert the video to MP4 with a "
        "constant frame rate and try again.",
        start_s=round(span.start_s, 3), end_s=round(span.end_s, 3), have=len(shown), wanted=len(wanted),
    )  # fmt: skip


def _within(frames: np.ndarray, span: Span) -> np.ndarray:
    return frames[(frames >= span.start_s - SAME_S) & (frames < span.end_s - SAME_S)]


def _agree(shown: np.ndarray, wanted: np.ndarray) -> bool:
    return len(shown) == len(wanted) and bool(np.all(np.abs(shown - wanted) < TOLERANCE_S))


def _clip(request: ClipRequest, times: np.ndarray, middle: int) -> Clip:
    return Clip(
        span=request.span, path=str(request.clip_path), key_frame_path=str(request.key_frame_path),
        frame_count=len(times), first_frame_s=float(times[0]), key_frame_s=float(times[middle]),
    )  # fmt: skip


def _remove(request: ClipRequest) -> None:
    for path in (request.clip_path, request.key_frame_path):
        with suppress(FileNotFoundError):
            path.unlink()


def _run(cutting: _Cutting, request: ClipRequest, middle: int, is_seeking: bool, on_progress: Progress) -> None:
    span = request.span
    options: dict[str, str | int | None] = {"copyts": None, "threads": cutting.threads}
    seek_s = max(0.0, span.start_s - PREROLL_S)
    if is_seeking and seek_s > 0:
        options |= {"noaccurate_seek": None, "ss": f"{seek_s:.6f}"}
    way_s = span.duration_s + (0 if is_seeking else span.end_s)
    targets = [request.clip_path, request.key_frame_path]
    cutting.ffmpeg.convert(
        cutting.source, _graph(cutting, span, middle), targets, input_options=options, total_s=span.duration_s,
        limits=Limits(wall_s=300 + 20 * way_s, silence_s=120 + 5 * way_s, file_bytes=4 * GIB),
        on_progress=on_progress,
    )  # fmt: skip


def _graph(cutting: _Cutting, span: Span, middle: int) -> Callable:
    """Times in the filters are the source's own: `start_s` of the container is where a player shows zero.

    Microseconds as time base, because trim and setpts round to it and AVI counts in whole frames. The picture is
    trimmed half-way between frames, where no rounding can lose or win one; the sound at the interval itself.
    """
    offset_s = cutting.info.start_s
    shift = f"PTS-({span.start_s + offset_s:.6f})/TB"
    first_s, last_s = (f"{time_s + offset_s:.6f}" for time_s in _edges(cutting.frames, span))
    start_s, end_s = (f"{time_s + offset_s:.6f}" for time_s in (span.start_s, span.end_s))

    def build(recording, files):
        shown = recording["v:0"].filter("settb", "AVTB").filter("trim", start=first_s, end=last_s)
        shown = shown.filter("setpts", shift).filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2", out_range="tv")
        both = shown.filter("format", "yuv420p").filter_multi_output("split")
        still = both[1].filter("select", f"eq(n,{middle})").filter("scale", out_range="pc").filter("format", "yuvj420p")
        sound, kind = [], {**CLIP, "threads": cutting.threads}
        if cutting.info.audio:
            heard = recording["a:0"].filter("atrim", start=start_s, end=end_s).filter("asetpts", shift)
            sound = [heard.filter("aresample", **{"async": 1, "first_pts": 0})]
            kind |= SOUND
        return [both[0].output(*sound, files[0], **kind), still.output(files[1], **STILL)]

    return build


def _edges(frames: np.ndarray, span: Span) -> tuple[float, float]:
    """Half-way between the frames of the interval and their neighbours; a second away where there are none."""
    first, last = np.searchsorted(frames, [span.start_s - SAME_S, span.end_s - SAME_S])
    before_s = frames[first - 1] if first > 0 else frames[first] - 2
    after_s = frames[last] if last < len(frames) else frames[last - 1] + 2
    return float((before_s + frames[first]) / 2), float((frames[last - 1] + after_s) / 2)

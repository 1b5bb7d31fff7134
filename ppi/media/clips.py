"""Clips: exactly the frames of an interval and the sound that goes with them, checked after cutting.

A clip of [start_s, end_s) holds every frame whose presentation time lies in it, once each, and nothing else. ffmpeg
seeks to a key frame before the interval and its trim filters cut by the source's own time stamps, so nothing is rounded
to a frame grid; the key frame JPEG comes from the same decoding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppi.errors import InputError, ToolFailed
from ppi.media import probe
from ppi.media.ffmpeg import GIB, Ffmpeg, Limits, Progress, inspect
from ppi.records import Clip, MediaInfo, Span

# Decoding begins this much before the interval, so that sound is complete at its first sample.
PREROLL_S = 1.0
TOLERANCE_S = 0.002
WORKERS = max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class ClipRequest:
    """One clip to cut and where its files go."""

    span: Span
    clip_path: Path
    key_frame_path: Path


def cut(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, requests: Sequence[ClipRequest], on_progress: Progress
) -> list[Clip]:
    """Cut all clips (H.264 and AAC in MP4, no metadata of the source) with their key frames, in parallel.

    Raises InputError for an interval without a frame and ToolFailed for a clip that does not pass its check; whatever
    `on_progress` raises stops everything. Files of clips that failed are not left behind.
    """
    frames = probe.frame_times(source, ffmpeg, info)
    done: list[Clip | None] = [None] * len(requests)
    is_stopped: list[BaseException] = []

    def tick() -> None:
        """Called from every worker: the first reason to stop stops them all."""
        if is_stopped:
            raise is_stopped[0]
        try:
            on_progress(sum(clip is not None for clip in done) / max(len(requests), 1))
        except BaseException as error:
            is_stopped.append(error)
            raise

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="clip") as pool:
        waiting = {
            pool.submit(_one, ffmpeg, source, info, request, frames, tick): number
            for number, request in enumerate(requests)
        }  # fmt: skip
        for future in as_completed(waiting):
            try:
                done[waiting[future]] = future.result()
                tick()
            except BaseException as error:
                if not is_stopped:
                    is_stopped.append(error)
                pool.shutdown(cancel_futures=True)
                raise is_stopped[0] from None
    return [clip for clip in done if clip is not None]


def _one(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, request: ClipRequest, frames: np.ndarray, tick: Callable[[], None]
) -> Clip:
    span = request.span
    wanted = frames[(frames >= span.start_s - 1e-6) & (frames < span.end_s - 1e-6)]
    if not len(wanted):
        raise InputError(
            "There is no picture between {start_s} and {end_s} seconds of the video. Check the annotation.",
            start_s=round(span.start_s, 3), end_s=round(span.end_s, 3),
        )  # fmt: skip
    # Containers without an index may seek past the interval: then everything before it is read instead.
    for is_seeking in (True, False):
        _run(ffmpeg, source, info, request, len(wanted) // 2, is_seeking, tick)
        shown = _shown(ffmpeg, request.clip_path)
        if _agrees(shown, wanted - span.start_s):
            return Clip(
                span, str(request.clip_path), str(request.key_frame_path), len(wanted), float(wanted[0]),
                float(wanted[len(wanted) // 2]),
            )  # fmt: skip
    request.clip_path.unlink()
    request.key_frame_path.unlink()
    raise ToolFailed(
        "The clip from {start_s} to {end_s} s has {have} frames instead of {wanted}. Convert the video to MP4 with a "
        "constant frame rate and try again.",
        start_s=round(span.start_s, 3), end_s=round(span.end_s, 3), have=len(shown), wanted=len(wanted),
    )  # fmt: skip


def _run(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, request: ClipRequest, key_frame: int, is_seeking: bool, tick: Callable
) -> None:
    span = request.span
    seek_s = max(0.0, span.start_s - PREROLL_S)
    seek = ("-noaccurate_seek", "-ss", f"{seek_s:.6f}") if is_seeking and seek_s > 0 else ()
    clip = ["-map", "[clip]"]
    if info.audio:
        clip += ["-map", "[sound]", "-c:a", "aac", "-b:a", "160k"]
    clip += [
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-fps_mode", "passthrough", "-enc_time_base:v", "1:90000",
        "-video_track_timescale", "90000", "-threads", "2", "-map_metadata", "-1", "-map_chapters", "-1",
        "-movflags", "+faststart", "-f", "mp4",
    ]  # fmt: skip
    still = ["-map", "[still]", "-frames:v", "1", "-q:v", "3", "-map_metadata", "-1", "-c:v", "mjpeg", "-f", "image2", "-update", "1"]
    ffmpeg.convert(
        source, ("-filter_complex", _filters(span, info, key_frame)),
        [(request.clip_path, clip), (request.key_frame_path, still)],
        input_options=("-copyts", *seek), total_s=span.duration_s,
        limits=Limits(wall_s=300 + 20 * span.duration_s + (0 if is_seeking else info.duration_s), file_bytes=4 * GIB),
        on_progress=lambda fraction: tick(),
    )  # fmt: skip


def _filters(span: Span, info: MediaInfo, key_frame: int) -> str:
    """Times in the filters are the source's own: `start_s` of the container is where a player shows zero.

    Microseconds as time base, because trim and setpts round to it and AVI counts in whole frames.
    """
    start_s, end_s = (f"{time_s + info.start_s:.6f}" for time_s in (span.start_s, span.end_s))
    shift = f"PTS-({start_s})/TB"
    picture = (
        f"[0:v:0]settb=AVTB,trim=start={start_s}:end={end_s},setpts={shift},scale=trunc(iw/2)*2:trunc(ih/2)*2:in_range=auto:"
        f"out_range=tv,format=yuv420p,split[clip][all];"
        f"[all]select=eq(n\\,{key_frame}),scale=out_range=pc,format=yuvj420p[still]"
    )
    if not info.audio:
        return picture
    return f"{picture};[0:a:0]atrim=start={start_s}:end={end_s},asetpts={shift},aresample=async=1:first_pts=0[sound]"


def _shown(ffmpeg: Ffmpeg, clip: Path) -> np.ndarray:
    return np.asarray(inspect(clip, "times", ffmpeg.settings), dtype=np.float64)


def _agrees(shown: np.ndarray, wanted: np.ndarray) -> bool:
    return len(shown) == len(wanted) and bool(np.all(np.abs(shown - wanted) < TOLERANCE_S))

"""Clips: exactly the frames of an interval and the sound that goes with them, checked after cutting.

A clip of [start_s, end_s) shows every frame whose presentation time lies in it, once each, and nothing else. *Strict*
clips hold nothing else either; *fast* ones are copied and hide what lies around the interval. The cutter (cutter/) makes
both where that can be proven exact; what it refuses, or what fails its check, ffmpeg encodes as a whole (encoding.py).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from ppi.errors import Cancelled, PpiError, ToolFailed, UnsupportedMedia
from ppi.media import cutting
from ppi.media.encoding import Encoding, nothing_shown
from ppi.media.ffmpeg import Ffmpeg, Progress
from ppi.records import Clip, MediaInfo, Span

STRICT, FAST = "strict", "fast"
MODES = (STRICT, FAST)
TICK_S = 0.25
CORES = max(1, os.cpu_count() or 1)
# As many as fit into the arguments of a process.
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class ClipRequest:
    """One clip to cut and where its files go."""

    span: Span
    clip_path: Path
    key_frame_path: Path


@dataclass
class _Cutting:
    """What the workers share: how far each clip is (0..1), the clips that are done, and why others were refused."""

    ffmpeg: Ffmpeg
    source: Path
    requests: Sequence[ClipRequest]
    mode: str
    encoding: Encoding
    fractions: dict[int, float] = field(default_factory=dict)
    clips: dict[int, Clip] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    is_stopped: threading.Event = field(default_factory=threading.Event)

    def reach(self, number: int, fraction: float) -> None:
        """The progress of one clip; it also stops that clip when the whole is stopped."""
        self.fractions[number] = max(self.fractions.get(number, 0.0), min(fraction, 1.0))
        if self.is_stopped.is_set():
            raise Cancelled("Cutting was stopped.")

    def keep(self, number: int, facts: dict) -> None:
        """A clip as it was cut, or why it was refused."""
        request = self.requests[number]
        if "empty" in facts:
            raise nothing_shown(request.span)
        if "refused" in facts:
            self.refused[number] = facts["refused"]
            return
        self.clips[number] = Clip(
            span=request.span, path=str(request.clip_path), key_frame_path=str(request.key_frame_path),
            frame_count=facts["frames"], first_frame_s=facts["first_s"], key_frame_s=facts["key_s"],
            last_frame_s=facts["last_s"], mode=facts["mode"], reason=facts["reason"],
            sound_offset_s=facts["sound_offset_s"], key_frame=facts["key"],
        )  # fmt: skip
        self.reach(number, 1.0)


def tools(ffmpeg: Ffmpeg) -> dict[str, str]:
    """What decides the bytes of a clip, by name with its version; PPI's own part by the checksum of its source."""
    here = Path(__file__).parent
    sources = [Path(__file__), here / "cutting.py", here / "encoding.py", *sorted(cutting.CUTTER.glob("*.py"))]
    summed = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return {"ffmpeg": ffmpeg.version(), "av": version("av"), "cutter": summed[:16]}


def cut(
    ffmpeg: Ffmpeg,
    source: Path,
    info: MediaInfo,
    requests: Sequence[ClipRequest],
    on_progress: Progress,
    mode: str = STRICT,
) -> list[Clip]:
    """Cut all clips (H.264 and AAC in MP4, no metadata of the source) with their key frames, in parallel.

    `mode` is "strict" or "fast"; each clip says in `mode` and `reason` how it was made. `on_progress` is called in the
    caller's thread; whatever it raises stops everything. Raises InputError for an interval without a frame and
    ToolFailed for a clip that passes its check in no way. Files of a clip that failed are not left behind.
    """
    if not requests:
        return []
    workers = max(1, min(ffmpeg.settings.cutters or CORES, len(requests)))
    cutting_now = _Cutting(ffmpeg, source, requests, mode, Encoding(ffmpeg, source, info))
    with ThreadPoolExecutor(workers, thread_name_prefix="clip") as pool:
        try:
            reason = _why_not(info)
            if reason:
                cutting_now.refused = dict.fromkeys(range(len(requests)), reason)
            else:
                batches = _shares(requests, workers)
                _follow(cutting_now, [pool.submit(_batch, cutting_now, batch) for batch in batches], on_progress)
            again = sorted(cutting_now.refused.items())
            _follow(cutting_now, [pool.submit(_whole, cutting_now, *each) for each in again], on_progress)
        finally:
            cutting_now.is_stopped.set()
            pool.shutdown(cancel_futures=True)
    on_progress(1.0)
    return [cutting_now.clips[number] for number in range(len(requests))]


def _why_not(info: MediaInfo) -> str:
    """Why the cutter need not even try; it has a closer look itself."""
    video = info.video
    if video.codec != "h264" or video.pixel_format != "yuv420p":
        return f"the picture is {video.codec} {video.pixel_format}, not H.264 with 8 bits a colour"
    if video.rotation_deg:
        return "the picture is turned"
    if info.container not in ("mp4", "mov", "mkv"):
        return f"time stamps of {info.container.upper()} are not exact"
    return ""


def _shares(requests: Sequence[ClipRequest], workers: int) -> list[list[int]]:
    """The requests in one share for each worker, with about as many seconds in each."""
    count = max(workers, -(-len(requests) // MOST_AT_ONCE))
    shares: list[list[int]] = [[] for _ in range(count)]
    seconds = [0.0] * count
    for number in sorted(range(len(requests)), key=lambda number: -requests[number].span.duration_s):
        least = min(range(count), key=lambda share: (len(shares[share]) >= MOST_AT_ONCE, seconds[share]))
        shares[least].append(number)
        seconds[least] += requests[number].span.duration_s
    return [sorted(share, key=lambda number: requests[number].span) for share in shares if share]


def _follow(cutting_now: _Cutting, futures: Sequence[Future], on_progress: Progress) -> None:
    """Report until every share is done or one has failed, whose error is raised."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=TICK_S)
        for future in done:
            future.result()
        on_progress(sum(list(cutting_now.fractions.values())) / len(cutting_now.requests))


def _batch(cutting_now: _Cutting, numbers: Sequence[int]) -> None:
    """Let one process cut some clips. What it does not get done is left to ffmpeg."""
    tasks = []
    for number in numbers:
        request = cutting_now.requests[number]
        tasks.append((number, request.span, request.clip_path, request.key_frame_path))
    try:
        cutting.cut(
            cutting_now.ffmpeg, cutting_now.source, tasks, cutting_now.mode, cutting_now.keep, cutting_now.reach
        )
    except (ToolFailed, UnsupportedMedia) as error:
        for number in numbers:
            if number not in cutting_now.clips:
                cutting_now.refused.setdefault(number, f"the cutter failed: {error}")


def _whole(cutting_now: _Cutting, number: int, reason: str) -> None:
    request = cutting_now.requests[number]
    try:
        facts = cutting_now.encoding.clip(
            request.span, request.clip_path, request.key_frame_path, lambda fraction: cutting_now.reach(number, fraction)
        )
    except PpiError:
        for path in (request.clip_path, request.key_frame_path):
            with suppress(FileNotFoundError):
                path.unlink()
        raise
    cutting_now.keep(number, {**facts, "reason": reason})

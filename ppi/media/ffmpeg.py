"""The only caller of other programs. Every ffmpeg run has white lists, limits, a scratch folder and an end.

A file of a hundred bytes named lesson.mp4 can be a playlist that makes a plain ffmpeg read somebody else's video, and a
protocol white list alone does not stop it. So formats and codecs are listed too, and the program sees one file under a
random name without an extension in a folder of its own.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ppi.errors import SettingsError, ToolFailed, UnsupportedMedia
from ppi.settings import MediaSettings

Progress = Callable[[float], None]

FORMATS = "mov,matroska,avi,wav,w64,mp3,flac,ogg,aac,aiff,asf,flv,mpegts,mpeg"
CODECS = (
    "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,mpeg2video,mpeg1video,mjpeg,h263,flv,prores,"
    "msmpeg4v3,wmv1,wmv2,wmv3,vc1,dvvideo,rawvideo,"
    "aac,mp3,mp3float,mp2,mp2float,ac3,eac3,flac,alac,opus,libopus,vorbis,wmav1,wmav2,amrnb,amrwb,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_mulaw,"
    "pcm_alaw"
)
LAUNCH = Path(__file__).with_name("launch.py")
TICK_S = 0.25
SILENCE_LIMIT_S = 120
TAIL_CHARS = 2000
GIB = 1024**3
MIN_VERSION = (4, 4)


@dataclass(frozen=True)
class Limits:
    """What a program may use; None means no limit. `wall_s` is time on the clock."""

    wall_s: float = 600
    cpu_s: int | None = None
    memory_bytes: int | None = 4 * GIB
    file_bytes: int | None = None


class Ffmpeg:
    """Runs ffmpeg for one set of media settings."""

    def __init__(self, settings: MediaSettings):
        self.settings = settings
        self._binary: str | None = None

    @property
    def binary(self) -> str:
        """FFMPEG_BINARY, else the system's, else that of the imageio-ffmpeg wheel. Raises SettingsError."""
        if self._binary is None:
            self._binary = _locate(self.settings.ffmpeg_binary)
        return self._binary

    def version(self) -> str:
        """As ffmpeg says it, such as "5.1.9-0+deb12u1"."""
        out = run([self.binary, "-hide_banner", "-version"], Limits(wall_s=20))
        found = re.match(r"ffmpeg version (\S+)", out)
        return found.group(1) if found else "unknown"

    def check(self) -> str:
        """One line about this ffmpeg. Raises ToolFailed when it is too old or lacks an encoder PPI needs."""
        version = self.version()
        numbers = re.match(r"n?(\d+)\.(\d+)", version)
        if numbers and tuple(int(part) for part in numbers.groups()) < MIN_VERSION:
            raise ToolFailed("ffmpeg {version} is too old. Install 4.4 or newer, or set FFMPEG_BINARY.", version=version)
        encoders = run([self.binary, "-hide_banner", "-encoders"], Limits(wall_s=20))
        for name in ("libx264", "aac", "mjpeg", "pcm_s16le"):
            if not re.search(rf"\s{name}\s", encoders):
                raise ToolFailed("This ffmpeg has no {name} encoder. Install another, or set FFMPEG_BINARY.", name=name)
        return f"{version} at {self.binary}"

    def convert(
        self,
        source: Path,
        options: Sequence[str],
        outputs: Sequence[tuple[Path, Sequence[str]]],
        *,
        input_options: Sequence[str] = (),
        total_s: float = 0,
        limits: Limits | None = None,
        on_progress: Progress = lambda fraction: None,
    ) -> None:
        """Read `source` and write every output beside its place, renaming all once ffmpeg has succeeded.

        `options` come after the input, each output is (path, its options). `total_s` is the output's duration for the
        progress; `on_progress` is called at least twice a second and may raise to stop ffmpeg.
        Raises UnsupportedMedia when ffmpeg cannot read the source, ToolFailed when it runs out of its limits.
        """
        limits = limits or Limits()
        fresh = [_beside(path) for path, _ in outputs]
        with scratch_input(source) as name:
            arguments = [
                self.binary, "-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-progress", "pipe:1",
                *_input_guards(self.settings.max_pixels), *input_options, "-i", f"file:{name}", *options,
            ]  # fmt: skip
            for path, (_, wanted) in zip(fresh, outputs, strict=True):
                arguments += [*wanted, f"file:{path}"]
            try:
                run(arguments, limits, on_line=_reporter(total_s, on_progress), on_tick=lambda: on_progress(0.0))
                for path, (target, _) in zip(fresh, outputs, strict=True):
                    _publish(path, target)
            finally:
                for path in fresh:
                    path.unlink(missing_ok=True)

    def decoded_times(self, source: Path, limits: Limits) -> list[float]:
        """The time stamp, in seconds of the container, of every frame of the first video track, by decoding it all."""
        wanted = "-copyts", "-fps_mode", "passthrough", "-map", "0:v:0", "-vf", "scale=16:16", "-c:v", "rawvideo"
        with scratch_input(source) as name:
            arguments = [
                self.binary, "-nostdin", "-hide_banner", "-loglevel", "error", *_input_guards(self.settings.max_pixels),
                "-i", f"file:{name}", *wanted, "-f", "framecrc", "pipe:1",
            ]  # fmt: skip
            lines = run(arguments, limits, on_line=lambda line: True).splitlines()
        base = next(line.split(":")[1] for line in lines if line.startswith("#tb"))
        numerator, denominator = (int(part) for part in base.split("/"))
        rows = (line.split(",") for line in lines if line and not line.startswith("#"))
        return sorted(int(row[2]) * numerator / denominator for row in rows)


def inspect(source: Path, what: str, settings: MediaSettings, on_tick: Callable[[], None] = lambda: None) -> dict:
    """Let the inspector look at a file in a process of its own; answers its JSON. Raises UnsupportedMedia, ToolFailed."""
    inspector = Path(__file__).with_name("inspector.py")
    guards = json.dumps({"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "file"})
    limits = Limits(wall_s=300, cpu_s=300, memory_bytes=3 * GIB, file_bytes=0)
    with scratch_input(source) as name:
        out = run([sys.executable, "-I", str(inspector), what, str(name), guards], limits, on_tick=on_tick)
    try:
        return json.loads(out)
    except ValueError as error:
        raise ToolFailed("The inspector gave no answer about this file.") from error


def run(
    arguments: Sequence[str],
    limits: Limits,
    *,
    on_line: Callable[[str], bool] = lambda line: False,
    on_tick: Callable[[], None] = lambda: None,
) -> str:
    """Run a program under limits in a process group of its own; answers what it wrote to standard output.

    `on_line` sees every line and answers whether it was a sign of life; `on_tick` is called about four times a second.
    Whatever either raises, or a limit, kills the group. Raises UnsupportedMedia with the program's last words when it fails.
    """
    wanted = {"parent": os.getpid(), "cpu_s": limits.cpu_s, "memory_bytes": limits.memory_bytes, "core_bytes": 0}
    wanted["file_bytes"] = limits.file_bytes
    launched = [sys.executable, "-I", "-S", str(LAUNCH), json.dumps(wanted), *arguments]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            launched, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, env=_environment(),
            start_new_session=True, cwd="/",
        )  # fmt: skip
        try:
            out = _watch(process, limits, on_line, on_tick)
        finally:
            _kill(process)
        if process.returncode != 0:
            raise _failure(process.returncode, words)
    return out


def _watch(process: subprocess.Popen, limits: Limits, on_line: Callable, on_tick: Callable) -> str:
    began = alive = ticked = time.monotonic()
    lines: list[str] = []
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(TICK_S):
                block = os.read(process.stdout.fileno(), 65536)
                if not block:
                    break
                *whole, rest = (rest + block).split(b"\n")
                for line in whole:
                    lines.append(line.decode("utf-8", "replace"))
                    alive = time.monotonic() if on_line(lines[-1]) else alive
            now = time.monotonic()
            if now - ticked >= TICK_S:
                ticked = now
                on_tick()
            if now - began > limits.wall_s or now - alive > max(SILENCE_LIMIT_S, limits.wall_s / 4):
                raise ToolFailed("Reading this recording took longer than {limit_s} s and was stopped.", limit_s=int(now - began))
    process.wait(timeout=10)
    return "\n".join([*lines, rest.decode("utf-8", "replace")])


def _kill(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def _failure(code: int, words) -> Exception:
    if code in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ):
        return ToolFailed("Reading this recording needed more than the allowed time or memory and was stopped.")
    words.seek(max(0, words.seek(0, os.SEEK_END) - TAIL_CHARS))
    tail = words.read().decode("utf-8", "replace")
    # Paths of the server are nobody's business.
    tail = re.sub(r"(file:)?/[^\s:'\"]+", "the file", tail).strip().splitlines()
    reason = tail[-1][:300] if tail else f"exit code {code}"
    return UnsupportedMedia(
        "The file could not be read as a recording ({reason}). Convert it to MP4 (H.264 and AAC) and try again.",
        reason=reason,
    )


@contextmanager
def scratch_input(source: Path) -> Iterator[Path]:
    """The source under a random name without extension, alone in a fresh folder."""
    folder = Path(tempfile.mkdtemp(prefix="ppi-media-"))
    name = folder / secrets.token_hex(8)
    try:
        os.symlink(source.resolve(strict=True), name)
        yield name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _input_guards(max_pixels: int) -> list[str]:
    return [
        "-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-codec_whitelist", CODECS,
        "-max_pixels", str(max_pixels),
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the program: no tokens, no keys."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}


def _reporter(total_s: float, on_progress: Progress) -> Callable[[str], bool]:
    """Reads the lines of `-progress`; a growing time is a sign of life."""
    last = [0.0]

    def on_line(line: str) -> bool:
        name, _, value = line.partition("=")
        if name not in ("out_time_us", "out_time_ms") or not value.strip().isdigit():
            return False
        now_s = int(value) / 1_000_000
        if total_s > 0:
            on_progress(min(now_s / total_s, 1.0))
        is_moving, last[0] = now_s > last[0], max(now_s, last[0])
        return is_moving

    return on_line


def _beside(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f".{secrets.token_hex(6)}{target.suffix}")


def _publish(fresh: Path, target: Path) -> None:
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(fresh, target)


def _locate(wanted: str) -> str:
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise SettingsError("FFMPEG_BINARY: there is no program {path}", path=wanted)
        return found
    found = shutil.which("ffmpeg")
    if found is None:
        import imageio_ffmpeg

        found = imageio_ffmpeg.get_ffmpeg_exe()
    return found

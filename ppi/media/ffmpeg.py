"""The only caller of other programs. Every run has white lists, limits, a scratch folder and an end.

Command lines are built with ffmpeg-python; what may be opened is in `guards.py`.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph

from ppi.errors import PpiError, SettingsError, ToolFailed
from ppi.media.failures import failure, last_words
from ppi.media.guards import LISTS, scratch_input
from ppi.media.sandbox import NAME, Sandbox, parts_of, parts_of_python
from ppi.processes import NICENESS
from ppi.settings import MediaSettings

Progress = Callable[[float], None]
# Given the guarded input and the files to write, answers the outputs of the run.
Build = Callable[[Any, Sequence[str]], Sequence[Any]]

GIB = 1024**3
TICK_S = 0.25
SILENCE_LIMIT_S = 120
# The first with -fps_mode.
MIN_VERSION = (5, 1)
# First releases with the fix, by major version.
PATCHED = {5: (5, 1, 10), 6: (6, 1, 6), 7: (7, 1, 5), 8: (8, 1, 2)}
NEEDED_ENCODERS = ("libx264", "aac", "libmp3lame", "mjpeg", "pcm_s16le")
LAUNCH = Path(__file__).with_name("launch.py")
INSPECTOR = Path(__file__).with_name("inspector.py")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a program may use; None is no limit. `wall_s` is time on the clock, `silence_s` without a sign of life."""

    wall_s: float = 600
    silence_s: float = SILENCE_LIMIT_S
    cpu_s: int | None = None
    memory_bytes: int | None = 4 * GIB
    file_bytes: int | None = None


class Ffmpeg:
    """Runs ffmpeg, and the inspector beside it, for one set of media settings, in the sandbox this machine offers."""

    def __init__(self, settings: MediaSettings, sandbox: Sandbox | None = None):
        self.settings = settings
        self._binary: str | None = None
        self._version = ""
        self._sandbox = sandbox

    @property
    def sandbox(self) -> Sandbox:
        """What programs are shut in; "bubblewrap" or "limits only" as text. Asked for the first time it tries once."""
        return self._sandbox or this_sandbox()

    @property
    def binary(self) -> str:
        """FFMPEG_BINARY, else the system's, else that of the imageio-ffmpeg wheel. Raises SettingsError."""
        if self._binary is None:
            self._binary = _locate(self.settings.ffmpeg_binary)
        return self._binary

    def version(self) -> str:
        """As ffmpeg says it, such as "5.1.9-0+deb12u1"; asked once a process."""
        if not self._version:
            out = run([*self._shut(), self.binary, "-hide_banner", "-version"], Limits(wall_s=20))
            found = re.match(r"ffmpeg version (\S+)", out)
            self._version = found.group(1) if found else "unknown"
        return self._version

    def is_patched(self, version: str) -> bool:
        """Whether this release has the fix of CVE-2026-8461 (MagicYUV); unknown versions count as new.

        PPI's list of codecs keeps such files out of any ffmpeg, so this is advice.
        """
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
        needed = PATCHED.get(numbers[0] if numbers else 0)
        return needed is None or numbers >= needed

    def check(self) -> str:
        """One line about this ffmpeg. Raises ToolFailed when it is too old or lacks an encoder PPI needs."""
        version = self.version()
        numbers = re.match(r"n?(\d+)\.(\d+)", version)
        if numbers and tuple(int(part) for part in numbers.groups()) < MIN_VERSION:
            raise ToolFailed(
                "ffmpeg {version} is too old. Install 5.1 or newer, or set FFMPEG_BINARY.", version=version
            )
        encoders = run([*self._shut(), self.binary, "-hide_banner", "-encoders"], Limits(wall_s=20))
        for name in NEEDED_ENCODERS:
            if not re.search(rf"\s{name}\s", encoders):
                raise ToolFailed("This ffmpeg has no {name} encoder. Install another, or set FFMPEG_BINARY.", name=name)
        return f"{version} at {self.binary}"

    def convert(
        self,
        source: Path,
        build: Build,
        targets: Sequence[Path],
        *,
        input_options: Mapping[str, str | None] | None = None,
        total_s: float = 0,
        limits: Limits | None = None,
        on_progress: Progress = lambda fraction: None,
        into: Path | None = None,
    ) -> None:
        """Read `source` and write every target beside its place, renaming all once ffmpeg has succeeded.

        `build(recording, files)` gets the input as an ffmpeg-python stream and one temporary file per target, and
        answers the outputs; those that name their files by themselves write into the folder `into`. `total_s` is their
        duration, for the progress; `on_progress` is called at least twice a second and may raise to stop ffmpeg.
        Raises UnsupportedMedia when ffmpeg cannot read the source, DiskFull, and ToolFailed.
        """
        steady = Steady(on_progress)
        with ExitStack() as stack:
            name = stack.enter_context(scratch_input(source))
            fresh = beside(targets, stack)
            outputs = build(self._input(name, input_options or {}), [f"file:{path}" for path in fresh])
            command = [self.binary, *_COMMON, "-stats_period", str(TICK_S), "-progress", "pipe:1"]
            arguments = graph.merge_outputs(*outputs).compile(cmd=command, overwrite_output=True)
            writes = dict.fromkeys([*(path.parent for path in fresh), *([into] if into else [])])
            shut = self._shut(name, list(writes))
            hidden = [source, *fresh, *targets, *(target.parent for target in targets)]
            on_line = _clock(total_s, steady)
            run([*shut, *arguments], limits or Limits(), on_line=on_line, on_tick=steady.tick, hidden=hidden)
            # The last chance to stop: nothing has been replaced yet.
            on_progress(1.0)
            publish(fresh, targets)

    def decoded_times(self, source: Path, total_s: float, on_progress: Progress = lambda fraction: None) -> list[float]:
        """The time stamp, in seconds of the container, of every frame of the first video track, by decoding it all."""
        steady = Steady(on_progress)
        found: list[float] = []
        second = [0.0]

        def on_line(line: str) -> bool:
            """framecrc writes `#tb 0: 1/90000`, then `stream, dts, pts, ...` for every frame."""
            if line.startswith("#tb"):
                numerator, denominator = line.split(":")[1].split("/")
                second[0] = int(numerator) / int(denominator)
            elif line and not line.startswith("#"):
                found.append(int(line.split(",")[2]) * second[0])
                steady.reach(found[-1] / total_s if total_s else 0.0)
            return True

        with scratch_input(source) as name:
            frames = self._input(name, {"copyts": None})["v:0"].filter("scale", 16, 16)
            output = frames.output("pipe:1", format="framecrc", fps_mode="passthrough", **{"c:v": "rawvideo"})
            arguments = [*self._shut(name), *output.compile(cmd=[self.binary, *_COMMON])]
            limits = Limits(wall_s=600 + 5 * total_s)
            run(arguments, limits, on_line=on_line, on_tick=steady.tick, hidden=[source])
        return sorted(found)

    def look_into(self, source: Path, what: str, on_progress: Progress = lambda fraction: None) -> Any:
        """Let the inspector read a file in a process of its own; `what` is "length", "about" or "times".

        Answers what the inspector printed as JSON (see inspector.py). Raises UnsupportedMedia, ToolFailed.
        """
        steady = Steady(on_progress)

        def on_line(line: str) -> bool:
            if not line.startswith("at "):
                return False
            steady.reach(float(line[3:]))
            return True

        guards = json.dumps({"options": LISTS, "max_pixels": self.settings.max_pixels})
        # It writes nothing but its last words.
        limits = Limits(wall_s=1800, cpu_s=900, memory_bytes=2 * GIB, file_bytes=65536)
        with scratch_input(source) as name:
            shut = self.sandbox.command(programs=parts_of_python(INSPECTOR), reads={name: name.resolve()})
            arguments = [*shut, sys.executable, "-I", str(INSPECTOR), what, str(name), guards]
            out = run(arguments, limits, on_line=on_line, on_tick=steady.tick, hidden=[source])
        try:
            return json.loads(out.rsplit("\n", 1)[-1])
        except ValueError as error:
            raise ToolFailed("The inspector gave no answer about this file. Try again.") from error

    def _shut(self, name: Path | None = None, writes: Sequence[Path] = ()) -> list[str]:
        """The words before ffmpeg that shut it in with the input of that name."""
        reads = {name: name.resolve()} if name else {}
        return self.sandbox.command(programs=parts_of(self.binary), reads=reads, writes=writes)

    def _input(self, name: Path, options: Mapping[str, str | None]) -> Any:
        return graph.input(f"file:{name}", **LISTS, max_pixels=self.settings.max_pixels, **options)


_COMMON = ("-nostdin", "-hide_banner", "-loglevel", "error")


@functools.cache
def this_sandbox() -> Sandbox:
    """What this machine offers, found out once in a process by letting the inspector's libraries load in there."""
    found = shutil.which(NAME)
    if found is None:
        return Sandbox("", f"{NAME} is not installed")
    tried = Sandbox(os.path.abspath(found))
    try:
        run([*tried.command(programs=parts_of_python(INSPECTOR)), sys.executable, "-I", "-c", "import av"], Limits(wall_s=60))
    except PpiError as error:
        reason = str(error.ids.get("words", error))
        log.warning("ffmpeg runs with limits only: %s", reason)
        return Sandbox("", reason)
    return tried


def run(
    arguments: Sequence[str],
    limits: Limits,
    *,
    on_line: Callable[[str], bool] = lambda line: False,
    on_tick: Callable[[], None] = lambda: None,
    hidden: Sequence[Path] = (),
) -> str:
    """Run a program under limits in a process group of its own; answers what it wrote to standard output.

    `on_line` sees every line and answers whether it was a sign of life; `on_tick` is called about four times a second.
    Whatever either raises, or a limit, kills the group. `hidden` are paths that no message may show.
    Raises UnsupportedMedia, DiskFull or ToolFailed with the program's last words when it fails.
    """
    wanted = {
        "parent": os.getpid(), "cpu_s": limits.cpu_s, "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes, "core_bytes": 0, "niceness": NICENESS,
    }  # fmt: skip
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
            said = last_words(words, hidden)
            log.info("a program that reads recordings ended with %d: %s", process.returncode, said)
            raise failure(process.returncode, said)
    return out


def _watch(process: subprocess.Popen, limits: Limits, on_line: Callable, on_tick: Callable) -> str:
    """Read the program's lines until it has ended; answers all of them."""
    began = alive = ticked = time.monotonic()
    lines: list[str] = []
    rest: list[bytes] = []
    is_open = True
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while is_open or process.poll() is None:
            if not is_open:
                time.sleep(0.01)
            elif selector.select(TICK_S):
                block = os.read(process.stdout.fileno(), 65536)
                is_open = bool(block)
                for line in _whole_lines(rest, block):
                    lines.append(line)
                    alive = time.monotonic() if on_line(line) else alive
            now = time.monotonic()
            if now - ticked >= TICK_S:
                ticked = now
                on_tick()
            if now - began > limits.wall_s or now - alive > limits.silence_s:
                raise ToolFailed(
                    "Reading this recording was stopped after {seconds} s without an end. Convert it to MP4 (H.264 and "
                    "AAC) and try again.",
                    seconds=int(now - began),
                )  # fmt: skip
    return "\n".join([*lines, b"".join(rest).decode("utf-8", "replace")])


def _whole_lines(rest: list[bytes], block: bytes) -> list[str]:
    """The lines that `block` completes; what is left of it stays in `rest`."""
    if b"\n" not in block:
        rest.append(block)
        return []
    *whole, last = b"".join([*rest, block]).split(b"\n")
    rest[:] = [last]
    return [line.decode("utf-8", "replace") for line in whole]


def _kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the program: no tokens, no keys.

    One thread for numpy: its library would reserve memory for every core of the machine, and the limit counts that.
    """
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "OPENBLAS_NUM_THREADS": "1"}


class Steady:
    """A progress that never goes back, and is repeated at every tick."""

    def __init__(self, on_progress: Progress):
        self._on_progress = on_progress
        self._fraction = 0.0

    def reach(self, fraction: float) -> None:
        self._fraction = max(self._fraction, min(fraction, 1.0))

    def tick(self) -> None:
        self._on_progress(self._fraction)


def _clock(total_s: float, steady: Steady) -> Callable[[str], bool]:
    """Reads the lines of `-progress`; a growing time is a sign of life."""
    last_s = [0.0]

    def on_line(line: str) -> bool:
        name, _, value = line.partition("=")
        if name != "out_time_us" or not value.strip().isdigit():
            return False
        now_s = int(value) / 1_000_000
        if total_s > 0:
            steady.reach(now_s / total_s)
        is_moving, last_s[0] = now_s > last_s[0], max(now_s, last_s[0])
        return is_moving

    return on_line


def beside(targets: Sequence[Path], stack: ExitStack) -> list[Path]:
    """A name for each target in a fresh folder beside it, which goes away with the stack.

    A folder of its own, because the program may write into all of it.
    """
    folders: dict[Path, Path] = {}
    for target in targets:
        parent = target.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        if parent not in folders:
            made = tempfile.TemporaryDirectory(dir=parent, prefix=".", ignore_cleanup_errors=True)
            folders[parent] = Path(stack.enter_context(made))
    # Muxers of pictures take a % in a name for a pattern.
    return [
        folders[target.absolute().parent] / f"{number}{target.suffix}" for number, target in enumerate(targets, start=1)
    ]  # fmt: skip


def publish(fresh: Sequence[Path], targets: Sequence[Path]) -> None:
    """Put finished files into their places, all of them or, when one is missing, none (ToolFailed)."""
    for path in fresh:
        if not path.exists():
            raise ToolFailed("ffmpeg found nothing to write. Convert the file to MP4 (H.264 and AAC) and try again.")
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for path, target in zip(fresh, targets, strict=True):
        os.replace(path, target)


def _locate(wanted: str) -> str:
    found = shutil.which(wanted or "ffmpeg")
    if found is not None:
        return os.path.abspath(found)
    if wanted:
        raise SettingsError("FFMPEG_BINARY: there is no program {path}. Correct the path.", path=wanted)
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise SettingsError(
            "There is no ffmpeg on this machine. Install it, or set FFMPEG_BINARY to its path."
        ) from error

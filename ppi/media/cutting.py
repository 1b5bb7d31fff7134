"""Runs the cutter (cutter/), a program of its own that reads a recording with PyAV and writes clips of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ppi.errors import ToolFailed
from ppi.media.ffmpeg import GIB, Ffmpeg, Limits, Progress, beside, publish, run
from ppi.media.guards import LISTS, scratch_input
from ppi.media.sandbox import parts_of_python
from ppi.records import Span

CUTTER = Path(__file__).with_name("cutter")
# (number, interval, clip, key frame)
Task = tuple[int, Span, Path, Path]


def cut(
    ffmpeg: Ffmpeg,
    source: Path,
    tasks: Sequence[Task],
    mode: str,
    on_clip: Callable[[int, dict], None],
    on_progress: Callable[[int, float], None],
) -> None:
    """Cut clips in one process, one after another. `mode` is "strict" or "fast".

    `on_clip` gets the number of each clip and its facts as soon as its files are in their places, or why it was refused
    (see cutter/). `on_progress` gets a number and a fraction, about four times a second, and may raise to stop it all.
    Raises UnsupportedMedia and ToolFailed when the process fails; clips that were told of before are good.
    """
    with ExitStack() as stack:
        fresh = beside([path for _, _, *paths in tasks for path in paths], stack)
        files = {number: (fresh[2 * place : 2 * place + 2], paths) for place, (number, _, *paths) in enumerate(tasks)}
        wanted = [[number, span.start_s, span.end_s, *map(str, files[number][0])] for number, span, *_ in tasks]
        last = [tasks[0][0], 0.0]

        def on_line(line: str) -> bool:
            kind, _, rest = line.partition(" ")
            if kind == "at":
                number, fraction = rest.split()
                last[:] = int(number), float(fraction)
            elif kind == "clip":
                facts = json.loads(rest)
                number = facts.pop("number")
                if "frames" in facts:
                    publish(*files[number])
                on_clip(number, facts)
            return True

        length_s = sum(span.duration_s for _, span, *_ in tasks)
        limits = Limits(wall_s=600 + 60 * length_s, silence_s=300, file_bytes=4 * GIB)
        task = {"cut": wanted, "mode": mode}
        _run(ffmpeg, [source], task, limits, on_line, lambda: on_progress(*last), {path.parent for path in fresh})


def look(
    ffmpeg: Ffmpeg, source: Path, clip: Path, still: Path, span: Span, on_tick: Callable[[], None]
) -> dict[str, Any]:
    """Facts of a clip that ffmpeg cut out of `source`, compared with it; its key frame is written to `still`."""
    found: list[dict] = []

    def on_line(line: str) -> bool:
        if line.startswith("clip "):
            found.append(json.loads(line[5:]))
        return True

    with ExitStack() as stack:
        (fresh,) = beside([still], stack)
        task = {"still": str(fresh), "start_s": span.start_s, "end_s": span.end_s}
        limits = Limits(wall_s=600 + 20 * span.duration_s, silence_s=300, file_bytes=4 * GIB)
        _run(ffmpeg, [source, clip], task, limits, on_line, on_tick, {fresh.parent})
        if not found:
            raise ToolFailed("The cutter gave no answer about this clip. Try again.")
        if found[0]["times"]:
            publish([fresh], [still])
    return found[0]


def draw(
    ffmpeg: Ffmpeg, source: Path, intervals: Sequence[tuple[str, Span]], page: Path, on_progress: Progress
) -> None:
    """Draw a page of a contact sheet as JPEG (see cutter/sheet.py), a row for each named interval."""
    last = [0.0]

    def on_line(line: str) -> bool:
        if line.startswith("at "):
            last[0] = float(line.split()[2])
        return True

    with ExitStack() as stack:
        (fresh,) = beside([page], stack)
        task = {"sheet": str(fresh), "intervals": [[name, span.start_s, span.end_s] for name, span in intervals]}
        limits = Limits(wall_s=600 + 120 * len(intervals), silence_s=300, file_bytes=GIB)
        _run(ffmpeg, [source], task, limits, on_line, lambda: on_progress(last[0]), {fresh.parent})
        publish([fresh], [page])


def _run(ffmpeg: Ffmpeg, files: Sequence[Path], task: dict, limits: Limits, on_line, on_tick, writes: set[Path]) -> None:
    """The first file is the recording, the second, if there is one, the clip to look at."""
    guards = json.dumps({"options": LISTS, "max_pixels": ffmpeg.settings.max_pixels})
    with ExitStack() as stack:
        names = [stack.enter_context(scratch_input(path)) for path in files]
        task |= {"look": str(names[1])} if names[1:] else {}
        reads = {name: name.resolve() for name in names}
        shut = ffmpeg.sandbox.command(programs=parts_of_python(CUTTER), reads=reads, writes=sorted(writes))
        arguments = [*shut, sys.executable, "-I", str(CUTTER), str(names[0]), guards, json.dumps(task)]
        run(arguments, limits, on_line=on_line, on_tick=on_tick, hidden=[*files, *writes])

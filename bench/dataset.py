"""Datasets: PPI strict, PPI fast, and the notebook's way (see notebook_way.py), by CPU seconds.

`python -m bench.dataset [SECONDS] [INTERVALS] [RUNS]`; 600, 40 and 1 when not given. The lesson (720p, 25 frames a
second, a key frame every ten seconds) is made on the spot, and every frame of it shows its number, so a time counts only
when each clip of PPI shows the right frames. The ways take turns. Speech is left out of all of them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from bench.measure import ROOT, scratch
from bench.notebook_way import spent_s

NOTEBOOK = ROOT / ".venv-notebook" / "bin" / "python"
WIDTH, HEIGHT, RATE = 1280, 720, 25
BITS, BLOCK = 15, 32
STRICT, FAST, NOTES = "PPI, strict", "PPI, fast", "notebook"
SHORTEST_S, LONGEST_S = 1.5, 12.0


@dataclass(frozen=True)
class Spent:
    """CPU seconds of the whole way from the lesson to the folder, of its cutting alone, and how many clips are exact."""

    whole_s: float
    cutting_s: float
    exact: int
    size_bytes: int


def make_lesson(path: Path, length_s: int) -> None:
    """Moving pictures with grain, a band that spells each frame's number in black and white, and noise that swells."""
    size = f"{WIDTH}x{HEIGHT}"
    blocks = ",".join(
        f"drawbox=x={bit * BLOCK}:y=0:w={BLOCK}:h={BLOCK}:color=white:t=fill:enable='gt(mod(floor(n/{2**bit}),2),0.5)'"
        for bit in range(BITS)
    )
    scene = (
        f"gradients=s={size}:r={RATE}:speed=0.02:nb_colors=5:seed=7[sky];testsrc2=s=480x270:r={RATE}[board];"
        "[sky][board]overlay=x='400+200*sin(t/3)':y=300,noise=alls=6:allf=t,"
        f"drawbox=w={BITS * BLOCK}:h={BLOCK}:color=black:t=fill,{blocks},format=yuv420p"
    )
    sound = "anoisesrc=r=44100:c=pink:a=0.3:seed=7,tremolo=f=0.7:d=0.8,aformat=channel_layouts=stereo"
    picture = ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "2800k", "-g", str(10 * RATE))
    command = [
        "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", scene, "-f", "lavfi", "-i", sound,
        "-t", str(length_s), *picture, "-c:a", "aac", "-b:a", "128k", path,
    ]  # fmt: skip
    subprocess.run(command, check=True)


def make_intervals(length_s: int, count: int) -> list[tuple[float, float]]:
    """As annotators mark them: anywhere, not on the grid of frames, of SHORTEST_S to LONGEST_S."""
    chance = random.Random(11)
    found = []
    for _ in range(count):
        lasts_s = chance.uniform(SHORTEST_S, min(LONGEST_S, length_s / 3))
        start_s = chance.uniform(0, length_s - lasts_s)
        found.append((round(start_s, 3), round(start_s + lasts_s, 3)))
    return sorted(found)


def build_with_ppi(folder: Path, lesson: Path, intervals: Path, mode: str) -> None:
    """In a process of its own: the sound, and a whole build, checked as always; prints as the notebook's way does.

    Without bubblewrap, which does not hand on the CPU time of what runs in it; it costs some milliseconds a program.
    """
    from ppi.media import audio, clips, ffmpeg, probe
    from ppi.media.ffmpeg import Ffmpeg
    from ppi.media.sandbox import Sandbox
    from ppi.settings import Settings
    from ppi.workflows.plain_dataset import build_from_files

    regions = [
        {"id": f"r{number}", "from_name": "patterns", "to_name": "audio", "type": "labels",
         "value": {"start": start_s, "end": end_s, "labels": ["Question"]}}
        for number, (start_s, end_s) in enumerate(json.loads(intervals.read_text()))
    ]  # fmt: skip
    export = [{"id": 1, "data": {}, "annotations": [{"id": 1, "completed_by": 1, "result": regions}]}]
    (folder / "export.json").write_text(json.dumps(export))
    (folder / "patterns.csv").write_text("name,description\nQuestion,Somebody asks\n")
    ffmpeg.this_sandbox = lambda: Sandbox("", "CPU time is counted")
    program, cutting_s, real = Ffmpeg(Settings.from_env({}).media), [], clips.cut

    def timed(*given):
        before_s = spent_s()
        made = real(*given)
        cutting_s.append(spent_s() - before_s)
        return made

    clips.cut = timed
    audio.extract(program, lesson, probe.inspect(lesson, program), folder / "a.wav", folder / "b.wav", lambda fraction: None)
    build_from_files(
        video=lesson, annotations=folder / "export.json", patterns=folder / "patterns.csv", out=folder / "dataset",
        no_texts=True, clips=mode,
    )  # fmt: skip
    print(json.dumps({"whole_s": spent_s(), "cutting_s": cutting_s[0]}))


def numbers_of(clip: Path) -> list[int]:
    """The numbers that the clip's frames show."""
    numbers = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            plane = np.frombuffer(frame.planes[0], np.uint8).reshape(-1, frame.planes[0].line_size)
            row = plane[8:24].mean(axis=0)
            numbers.append(sum(1 << bit for bit in range(BITS) if row[bit * BLOCK + 8 : bit * BLOCK + 24].mean() > 127))
    return numbers


def exact_of(clips: list[Path], intervals: list[tuple[float, float]]) -> int:
    """How many clips show exactly the frames whose time lies in their interval."""
    found = 0
    for clip, (start_s, end_s) in zip(clips, intervals, strict=True):
        first, last = (int(np.ceil(time_s * RATE - 1e-6)) for time_s in (start_s, end_s))
        found += numbers_of(clip) == list(range(first, last))
    return found


def run(way: str, lesson: Path, intervals: list[tuple[float, float]], folder: Path) -> Spent:
    folder.mkdir()
    listed = folder / "intervals.json"
    listed.write_text(json.dumps(intervals))
    if way == NOTES:
        command = [NOTEBOOK, ROOT / "bench" / "notebook_way.py", lesson, listed, folder]
        clips = [folder / f"{number}.mp4" for number in range(len(intervals))]
    else:
        mode = "strict" if way == STRICT else "fast"
        command = [sys.executable, "-m", "bench.dataset", "--build", folder, lesson, listed, mode]
        clips = [folder / "dataset" / "videos" / f"pattern_{number}.mp4" for number in range(1, len(intervals) + 1)]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    spent = json.loads(done.stdout.splitlines()[-1])
    exact = exact_of(clips, intervals)
    if way != NOTES and exact < len(intervals):
        sys.exit(f"{way}: only {exact} of {len(intervals)} clips are exact, so its time does not count")
    return Spent(spent["whole_s"], spent["cutting_s"], exact, sum(clip.stat().st_size for clip in clips))


def main(length_s: int = 600, count: int = 40, repeats: int = 1) -> None:
    if not NOTEBOOK.exists():
        sys.exit("The notebook's way needs .venv-notebook with bench/requirements-notebook.txt; make bench makes it.")
    folder = scratch()
    lesson, intervals = folder / "lesson.mp4", make_intervals(length_s, count)
    make_lesson(lesson, length_s)
    runs: dict[str, list[Spent]] = {STRICT: [], NOTES: [], FAST: []}
    for number in range(repeats):
        for way, found in runs.items():
            found.append(run(way, lesson, intervals, folder / f"{number} {way}"))
    total_s = sum(end_s - start_s for start_s, end_s in intervals)
    print(f"\nA dataset of {count} intervals, {total_s:.0f} s, out of {length_s} s; {repeats} interleaved runs, medians")
    print("| way | cutting, CPU s (least to most) | of the notebook's | whole, CPU s | of the notebook's | exact clips | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    base = [np.median([getattr(spent, name) for spent in runs[NOTES]]) for name in ("cutting_s", "whole_s")]
    for way, found in runs.items():
        cutting, whole = sorted(spent.cutting_s for spent in found), sorted(spent.whole_s for spent in found)
        middle_s, whole_s = np.median(cutting), np.median(whole)
        print(
            f"| {way} | {middle_s:.1f} ({cutting[0]:.1f} to {cutting[-1]:.1f}) | 1/{base[0] / middle_s:.1f} | {whole_s:.1f} "
            f"({whole[0]:.1f} to {whole[-1]:.1f}) | 1/{base[1] / whole_s:.1f} | {found[0].exact} of {count} "
            f"| {found[0].size_bytes / 1e6:.0f} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build_with_ppi(*map(Path, sys.argv[2:5]), mode=sys.argv[5])
    else:
        main(*(int(value) for value in sys.argv[1:]))

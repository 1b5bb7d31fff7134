"""Datasets: PPI strict, PPI fast, and the notebook's way (see notebook_way.py), by CPU seconds.

`python -m bench.dataset [SECONDS] [INTERVALS] [RUNS] [SIZE]`; 600, 40, 1 and base when not given. The lesson (720p, 25
frames a second, a key frame every ten seconds) is made on the spot, and every frame of it shows its number, so a time counts
only when each clip of PPI shows the right frames. The ways take turns.

SIZE is that of the speech models, which have random weights as in bench/speech.py, or `none`: then speech is left out of all
ways. PPI hears the lesson once, with the engine it uses by default; the notebook has openai-whisper hear each clip. The
whole counts that, but not the loading of a model, which both do once.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from bench import speech
from bench.measure import ROOT, scratch
from bench.notebook_way import spent_s

NOTEBOOK = ROOT / ".venv-notebook" / "bin" / "python"
WIDTH, HEIGHT, RATE = 1280, 720, 25
BITS, BLOCK = 15, 32
STRICT, FAST, NOTES = "PPI, strict", "PPI, fast", "notebook"
SHORTEST_S, LONGEST_S = 1.5, 12.0
NOT_HEARD = {"hearing_s": 0.0, "loading_s": 0.0, "passes": 0}


@dataclass(frozen=True)
class Spent:
    """CPU seconds of the whole way from the lesson to the folder, of its cutting and of its hearing alone.

    `exact` counts the clips that show the right frames, `passes` how often the encoder of the speech model ran.
    """

    whole_s: float
    cutting_s: float
    hearing_s: float
    passes: int
    exact: int
    size_bytes: int


def make_lesson(path: Path, length_s: int, spoken: Path) -> None:
    """Moving pictures with grain, a band that spells each frame's number in black and white, and the sound of `spoken`."""
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
    picture = ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "2800k", "-g", str(10 * RATE))
    command = [
        "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", scene, "-i", spoken,
        "-t", str(length_s), *picture, "-c:a", "aac", "-b:a", "128k", "-ar", "44100", "-ac", "2", path,
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


def build_with_ppi(folder: Path, lesson: Path, intervals: Path, mode: str, models: str = "") -> None:
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
    heard = hear_lesson(folder, folder / "b.wav", Path(models)) if models else NOT_HEARD
    build_from_files(
        video=lesson, annotations=folder / "export.json", patterns=folder / "patterns.csv", out=folder / "dataset",
        transcript=folder / "b.transcript.json" if models else None, no_texts=True, clips=mode,
    )  # fmt: skip
    whole_s = spent_s() - heard["loading_s"]
    print(json.dumps({"whole_s": whole_s, "cutting_s": cutting_s[0], **heard}))


def hear_lesson(folder: Path, sound: Path, models: Path) -> dict[str, Any]:
    """PPI's way: the whole lesson once, with word times. Writes `b.transcript.json`."""
    from ppi.records import Transcript
    from ppi.speech import formats
    from ppi.speech.recognizer import NOTHING, Ears
    from ppi.speech.words import segments_from

    begun_s = spent_s()
    passes, listen = speech.ppi_ears(models)
    loaded_s = spent_s()
    with wave.open(str(sound)) as file:
        length_s = file.getnframes() / file.getframerate()
    ears = Ears(NOTHING, length_s, lambda fraction: None, lambda heard: None)
    listen(sound, ears.report)
    segments = segments_from(ears.heard.segments, length_s)
    formats.write_all(Transcript(segments, "en", "faster-whisper", models.name, length_s), folder, "b")
    return {"hearing_s": spent_s() - loaded_s, "loading_s": loaded_s - begun_s, "passes": passes[0]}


def hear_clips(folder: Path, count: int, models: Path) -> dict[str, Any]:
    """The notebook's way: every clip that lies there, decoded by ffmpeg, its language found anew."""
    begun_s = spent_s()
    passes, listen = speech.openai_ears(models)
    from whisper import load_audio

    loaded_s = spent_s()
    for number in range(count):
        sound = load_audio(str(folder / f"{number}.mp4"))
        listen(sound, len(sound) / speech.RATE_HZ)
    return {"hearing_s": spent_s() - loaded_s, "loading_s": loaded_s - begun_s, "passes": passes[0]}


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


def run(way: str, lesson: Path, intervals: list[tuple[float, float]], folder: Path, models: Path | None) -> Spent:
    folder.mkdir()
    listed = folder / "intervals.json"
    listed.write_text(json.dumps(intervals))
    if way == NOTES:
        clips = [folder / f"{number}.mp4" for number in range(len(intervals))]
        told = NOT_HEARD | _told(NOTEBOOK, ROOT / "bench" / "notebook_way.py", lesson, listed, folder)
        if models:
            heard = _told(sys.executable, "-m", "bench.dataset", "--hear", folder, len(intervals), models)
            told |= {**heard, "whole_s": told["whole_s"] + heard["hearing_s"]}
    else:
        mode = "strict" if way == STRICT else "fast"
        clips = [folder / "dataset" / "videos" / f"pattern_{number}.mp4" for number in range(1, len(intervals) + 1)]
        told = _told(sys.executable, "-m", "bench.dataset", "--build", folder, lesson, listed, mode, models or "")
    exact = exact_of(clips, intervals)
    if way != NOTES and exact < len(intervals):
        sys.exit(f"{way}: only {exact} of {len(intervals)} clips are exact, so its time does not count")
    del told["loading_s"]
    return Spent(**told, exact=exact, size_bytes=sum(clip.stat().st_size for clip in clips))


def _told(*command: Any) -> dict[str, Any]:
    """Run a program with one thread for its sums, and answer the JSON that it prints last."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def main(length_s: int = 600, count: int = 40, repeats: int = 1, size: str = "base") -> None:
    if not NOTEBOOK.exists():
        sys.exit("The notebook's way needs .venv-notebook with bench/requirements-notebook.txt; make bench makes it.")
    folder = scratch()
    lesson, intervals = folder / "lesson.mp4", make_intervals(length_s, count)
    make_lesson(lesson, length_s, speech.make_lesson(folder / "spoken.wav", length_s))
    models = None if size == "none" else folder / size
    if models:
        speech.make_models(models, size)
    runs: dict[str, list[Spent]] = {STRICT: [], NOTES: [], FAST: []}
    for number in range(repeats):
        for way, found in runs.items():
            found.append(run(way, lesson, intervals, folder / f"{number} {way}", models))
    total_s = sum(end_s - start_s for start_s, end_s in intervals)
    heard = f"hearing with {size}" if models else "without speech"
    print(f"\n{count} intervals, {total_s:.0f} s, out of {length_s} s, {heard}; {repeats} interleaved runs, medians of CPU s")
    print_table(runs, count)


def print_table(runs: dict[str, list[Spent]], count: int) -> None:
    """Medians, in brackets the least and the most, and behind them what part of the notebook's they are."""
    print("| way | cutting | of the notebook's | hearing | encoder passes | whole | of the notebook's | exact clips | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for way, found in runs.items():
        cutting, cut_ratio = _middle(runs, way, "cutting_s")
        whole, whole_ratio = _middle(runs, way, "whole_s")
        hearing, _ = _middle(runs, way, "hearing_s")
        print(
            f"| {way} | {cutting} | {cut_ratio} | {hearing} | {found[0].passes} | {whole} | {whole_ratio} "
            f"| {found[0].exact} of {count} | {found[0].size_bytes / 1e6:.0f} |"
        )


def _middle(runs: dict[str, list[Spent]], way: str, name: str) -> tuple[str, str]:
    """The figure `name` of a way and its ratio to the notebook's, in words."""
    (middle, low, high), (base, _, _) = (
        (np.median(values), min(values), max(values))
        for values in ([getattr(spent, name) for spent in runs[one]] for one in (way, NOTES))
    )
    return f"{middle:.1f} ({low:.1f} to {high:.1f})", f"1/{base / middle:.1f}" if middle else "-"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build_with_ppi(*map(Path, sys.argv[2:5]), *sys.argv[5:])
    elif sys.argv[1:2] == ["--hear"]:
        print(json.dumps(hear_clips(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        main(*map(int, sys.argv[1:4]), *sys.argv[4:])

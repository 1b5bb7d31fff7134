"""How notebooks make such a dataset: encode the whole lesson anew, then cut each interval with moviepy and save a frame.

`python notebook_way.py LESSON INTERVALS.json FOLDER` in an environment with moviepy; prints the CPU seconds of all and
of the cutting as JSON. Clips lie in FOLDER as 0.mp4, 0.jpg and so on.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

ENCODE = ("-c:v", "libx264", "-crf", "23", "-c:a", "aac")


def spent_s() -> float:
    """CPU time of this process and of the programs it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(lesson: Path, intervals: list[tuple[float, float]], folder: Path) -> None:
    quiet = ("ffmpeg", "-nostdin", "-loglevel", "error", "-y")
    whole = folder / "whole.mp4"
    subprocess.run([*quiet, "-i", lesson, *ENCODE, whole], check=True)
    subprocess.run([*quiet, "-i", whole, "-vn", "-ar", "44100", folder / "whole.wav"], check=True)
    before_s = spent_s()
    from moviepy import VideoFileClip

    with VideoFileClip(str(whole)) as video:
        for number, (start_s, end_s) in enumerate(intervals):
            clip = video.subclipped(start_s, end_s)
            clip.write_videofile(str(folder / f"{number}.mp4"), codec="libx264", audio_codec="aac", logger=None)
            video.save_frame(str(folder / f"{number}.jpg"), t=(start_s + end_s) / 2)
    print(json.dumps({"whole_s": spent_s(), "cutting_s": spent_s() - before_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))

"""Cuts clips of one recording, or looks at one that was cut: `python -I cutter RECORDING GUARDS TASK`.

Runs as a program of its own under limits (see ../ffmpeg.py), because it reads hostile bytes, and so its modules import
nothing of PPI. GUARDS and TASK are JSON. For `{"cut": [[number, start_s, end_s, clip, still], ...], "mode": ...}` it
prints a line `clip {...}` for each; for `{"look": clip, "still": ..., "start_s": ..., "end_s": ...}` one such line,
and for `{"sheet": page, "intervals": [[name, start_s, end_s], ...]}` none.
Lines `at NUMBER FRACTION` come while it works. Exit code 3 means that the recording cannot be read.
"""

import json
import sys
import time
from contextlib import contextmanager

UNREADABLE = 3
REPORT_S = 0.25


def main() -> None:
    path, guards, task = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        work = next(work for name, work in WORK.items() if name in task)
        work(path, task, guards)
    except MemoryError:
        sys.exit("MemoryError")
    except (av.FFmpegError, ValueError, IndexError, StopIteration) as error:
        print(getattr(error, "strerror", "") or "damaged", file=sys.stderr)
        sys.exit(UNREADABLE)


@contextmanager
def _opened(path: str, guards: dict):
    import av
    from source import Source

    with av.open(path, options=guards["options"], metadata_errors="replace") as container:
        source = Source(container)
        if source.video.width * source.video.height > guards["max_pixels"]:
            raise ValueError("too large")
        yield source


def _cut(path: str, task: dict, guards: dict) -> None:
    """Each clip has decoders of its own: some go on from what they decoded last, and a clip's bytes would depend on the
    clips before it.
    """
    for number, start_s, end_s, clip, still in task["cut"]:
        with _opened(path, guards) as source:
            source.on_picture = _Clock(number, start_s, end_s)
            facts = _facts(source, start_s, end_s, task["mode"], clip, still, guards["options"])
        print("clip", json.dumps({"number": number, **facts}), flush=True)


def _facts(source, *task) -> dict:
    import av
    import cut
    from h264 import NotPlain

    try:
        return cut.one(source, *task)
    except NotPlain as error:
        return {"refused": str(error)}
    except (av.FFmpegError, ValueError, IndexError) as error:
        return {"refused": f"its packets are damaged ({type(error).__name__})"}


def _look(path: str, task: dict, guards: dict) -> None:
    import look

    with _opened(path, guards) as source:
        facts = look.at(source, task["look"], task["still"], task["start_s"], task["end_s"], guards["options"])
    print("clip", json.dumps(facts), flush=True)


def _draw(path: str, task: dict, guards: dict) -> None:
    import sheet

    times = [time_s for _, *span in task["intervals"] for time_s in span]
    with _opened(path, guards) as source:
        source.on_picture = _Clock(0, min(times), max(times))
        sheet.draw(source, task["intervals"], task["sheet"])


WORK = {"look": _look, "cut": _cut, "sheet": _draw}


class _Clock:
    """Tells how far a clip is, now and then."""

    def __init__(self, number: int, start_s: float, end_s: float):
        self._number, self._start_s, self._length_s = number, start_s, max(end_s - start_s, 1e-6)
        self._told = time.monotonic()

    def __call__(self, time_s: float) -> None:
        if time.monotonic() - self._told > REPORT_S:
            self._told = time.monotonic()
            fraction = min(max((time_s - self._start_s) / self._length_s, 0.0), 1.0)
            print(f"at {self._number} {fraction:.4f}", flush=True)


main()

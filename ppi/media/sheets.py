"""Contact sheets: pages that show, for every interval, what was just before it, in it and just after it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from ppi.errors import Cancelled
from ppi.media import cutting
from ppi.media.clips import CORES, TICK_S
from ppi.media.ffmpeg import Ffmpeg, Progress
from ppi.records import Span

ROWS = 12


def draw(
    ffmpeg: Ffmpeg, source: Path, intervals: Sequence[tuple[str, Span]], folder: Path, on_progress: Progress
) -> list[Path]:
    """Draw pages of up to twelve intervals each into `folder`, `1.jpg` and so on; answers them in order.

    They show moments outside the intervals, so they are no part of a dataset. `on_progress` may raise to stop it all.
    Raises UnsupportedMedia and ToolFailed.
    """
    pages = [(intervals[at : at + ROWS], folder / f"{at // ROWS + 1}.jpg") for at in range(0, len(intervals), ROWS)]
    fractions, is_stopped = [0.0] * len(pages), threading.Event()

    def one(number: int) -> None:
        def reach(fraction: float) -> None:
            fractions[number] = max(fractions[number], fraction)
            if is_stopped.is_set():
                raise Cancelled("Drawing was stopped.")

        cutting.draw(ffmpeg, source, *pages[number], reach)

    with ThreadPoolExecutor(ffmpeg.settings.cutters or CORES, thread_name_prefix="sheet") as pool:
        waiting = {pool.submit(one, number) for number in range(len(pages))}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=TICK_S)
                for future in done:
                    future.result()
                on_progress(sum(fractions) / len(pages))
        finally:
            is_stopped.set()
            pool.shutdown(cancel_futures=True)
    return [page for _, page in pages]

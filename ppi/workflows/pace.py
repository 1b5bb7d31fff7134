"""How long a transcription will still take: from the speed measured since this attempt began to hear, or to fetch its model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ppi.jobs.run import Run
from ppi.records import model_name

# Before so much time has passed and so much was heard, nothing is said.
MEASURED_S, MEASURED = 5.0, 0.01
# Told anew no more often than this.
EVERY_S = 2.0


class Pace:
    """Fills the progress of `run` from `low` to `high`, and tells beside the stage how many seconds are left (`left_s`).

    What an earlier attempt heard costs nothing now, so the speed counts from where this one began.
    """

    def __init__(
        self, run: Run, low: float, high: float, *, engine: str, model: str, clock_s: Callable[[], float] = time.monotonic
    ):
        self._run, self._low, self._high, self._engine, self._model, self._clock_s = run, low, high, engine, model, clock_s
        self._began: tuple[float, float] | None = None
        self._fetching: tuple[float, float, float] | None = None  # when it began, with what; and how much is here
        self._told_s = clock_s()
        self._on_progress = self._step({})

    def at(self, fraction: float) -> None:
        """`fraction` of the recording is heard. Raises Cancelled or LeaseLost."""
        now_s = self._clock_s()
        if self._fetching is not None and not self._is_fetched(fraction):
            self._run.check()
            return
        if self._began is None:
            self._began = (now_s, fraction)
        began_s, began = self._began
        if now_s - began_s >= MEASURED_S and fraction - began >= MEASURED and now_s - self._told_s >= EVERY_S:
            self._told_s = now_s
            left_s = (1 - fraction) * (now_s - began_s) / (fraction - began)
            self._on_progress = self._step({"left_s": round(left_s)})
        self._on_progress(fraction)

    def fetched(self, fraction: float) -> None:
        """`fraction` of the recogniser's model has arrived; hearing begins after that. Raises Cancelled or LeaseLost."""
        now_s = self._clock_s()
        is_first = self._fetching is None
        began_s, began, _ = self._fetching or (now_s, fraction, fraction)
        self._fetching = (began_s, began, fraction)
        if not is_first and now_s - self._told_s < EVERY_S:
            self._run.check()
            return
        self._told_s, left = now_s, {}
        if now_s - began_s >= MEASURED_S and fraction - began >= MEASURED:
            left = {"left_s": round((1 - fraction) * (now_s - began_s) / (fraction - began))}
        percent = math.floor(100 * fraction)
        self._run.step(
            "fetching_model", "Fetching the model {model}: {percent} %", self._low, self._high, model=model_name(self._model),
            percent=percent, **left,
        )  # fmt: skip

    def _is_fetched(self, fraction: float) -> bool:
        """Whether hearing goes on: then its time is measured from now."""
        is_here = self._fetching[2] >= 1 or (self._began is not None and fraction > self._began[1])
        if is_here:
            self._fetching = self._began = None
            self._on_progress = self._step({})
        elif self._began is None:
            self._began = (self._clock_s(), fraction)
        return is_here

    def _step(self, more: dict[str, int]) -> Callable[[float], None]:
        return self._run.step(
            "transcribing", "Transcribing with {engine} ({model})", self._low, self._high, engine=self._engine,
            model=model_name(self._model), **more,
        )  # fmt: skip

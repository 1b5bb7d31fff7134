"""The time a transcription will still take: from the speed of this attempt, not from what an earlier one heard."""

from __future__ import annotations

from ppi.workflows.pace import Pace


class Told:
    """A run that remembers its steps."""

    def __init__(self):
        self.steps: list[dict] = []
        self.fractions: list[float] = []

    def step(self, phase, stage, low, high, **args):
        self.steps.append(args)
        return self.fractions.append


def test_time_left_is_told_when_the_speed_is_known_and_counts_from_where_this_attempt_began():
    told, now = Told(), [100.0]
    pace = Pace(told, 0.0, 1.0, engine="faster-whisper", model="base", clock_s=lambda: now[0])
    pace.at(0.5)  # an earlier attempt heard half
    assert told.steps == [{"engine": "faster-whisper", "model": "base"}], "nothing is known yet"
    now[0] += 60
    pace.at(0.6)
    assert told.steps[-1]["left_s"] == 240, "0.1 in a minute, 0.4 to go"
    now[0] += 1
    pace.at(0.601)
    assert len(told.steps) == 2, "not told anew every moment"
    now[0] += 59
    pace.at(0.8)
    assert told.steps[-1]["left_s"] == 80 and told.fractions == [0.5, 0.6, 0.601, 0.8]

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
        self.phase = phase
        return self.fractions.append

    def check(self):
        self.checks = getattr(self, "checks", 0) + 1


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


def test_while_a_model_is_fetched_it_says_so_and_the_speed_of_hearing_counts_from_after_that():
    told, now = Told(), [100.0]
    pace = Pace(told, 0.0, 1.0, engine="faster-whisper", model="base", clock_s=lambda: now[0])
    pace.at(0.0)
    pace.fetched(0.0)
    assert told.phase == "fetching_model" and told.steps[-1] == {"model": "base", "percent": 0}
    now[0] += 30
    pace.fetched(0.25)
    pace.at(0.0)
    assert told.steps[-1] == {"model": "base", "percent": 25, "left_s": 90} and told.checks == 1 and told.fractions == [0.0]
    now[0] += 90
    pace.fetched(1.0)
    pace.at(0.0)
    assert told.phase == "transcribing" and "left_s" not in told.steps[-1]
    now[0] += 60
    pace.at(0.5)
    assert told.steps[-1]["left_s"] == 60

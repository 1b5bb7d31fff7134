"""However many watch, the ledger is read about once a second, and less often when that takes long."""

import pytest

from ppi.errors import ServerAway
from ppi.jobs.watch import EVERY_S, REST, Watch


class Counted:
    """The services' ledger, with a clock that stands still but for what is told, and a fault to be switched on."""

    def __init__(self, ledger):
        self.ledger, self.asked, self.now_s, self.takes_s, self.is_away = ledger, 0, 100.0, 0.0, False

    def at_work(self):
        self.asked += 1
        self.now_s += self.takes_s
        if self.is_away:
            raise ServerAway("The job ledger cannot be used now ({reason}).", reason="test")
        return self.ledger.at_work()


@pytest.fixture
def counted(services):
    return Counted(services.ledger)


@pytest.fixture
def watch(counted):
    return Watch(counted, clock=lambda: counted.now_s)


def test_a_thousand_looks_are_one_question_and_a_second_later_one_more(services, watch, counted):
    job = services.ledger.submit("ingest", "u1", "lesson-1", {})
    seen = [watch.look() for _ in range(1000)]
    assert counted.asked == 1 and all(one is seen[0] for one in seen) and seen[0][0][0].id == job.id
    services.ledger.cancel(job.id)
    counted.now_s += EVERY_S
    assert watch.look() == () and counted.asked == 2


def test_a_slow_ledger_is_asked_less_often(watch, counted):
    counted.takes_s = 2.0
    watch.look()
    counted.now_s += REST * 2.0 - 0.1
    watch.look()
    assert counted.asked == 1
    counted.now_s += 0.1
    watch.look()
    assert counted.asked == 2


def test_a_ledger_that_is_away_is_asked_once_a_second_and_everybody_is_told(watch, counted):
    counted.is_away = True
    for _ in range(5):
        with pytest.raises(ServerAway, match="test"):
            watch.look()
    assert counted.asked == 1
    counted.is_away, counted.now_s = False, counted.now_s + EVERY_S
    assert watch.look() == ()

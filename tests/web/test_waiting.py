"""Whoever waits is told what happens and how long it takes: for every kind of job there is, in both languages."""

from __future__ import annotations

import ast
import secrets
from pathlib import Path

import pytest

import ppi
from ppi.errors import ServerAway
from ppi.jobs.ledger import QUEUE_OF, Job
from ppi.jobs.usual import FRESH_S, Usual
from ppi.web import openapi, words
from ppi.workflows.runner import JOBS

WORKFLOWS = Path(ppi.__file__).parent / "workflows"
SAID = {
    "en": ("how long is not known here yet", "usually some seconds", "usually from 3\u00a0sec to 2\u00a0min"),
    "ru": ("пока неизвестно", "обычно несколько секунд", "обычно от 3\u00a0с до 2\u00a0мин"),
}


def phases() -> set[str]:
    """Of every stage that a job can be in, the word that the code gives it; "" where it is handed on."""
    nodes = [node for path in WORKFLOWS.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and len(node.args) >= 4]
    steps = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == "step"]
    assert len(steps) > 20
    return {call.args[0].value if isinstance(call.args[0], ast.Constant) else "" for call in steps}


def ended(kind: str, *taken_s: float, **given) -> list[Job]:
    """Jobs of this kind that took so long."""
    made = {"status": "completed", "created_s": 900.0, "started_s": 1000.0} | given
    return [Job(secrets.token_hex(8), kind, "media", "u1", "l1", {}, finished_s=1000.0 + one, **made) for one in taken_s]


@pytest.mark.parametrize("language", SAID)
def test_every_kind_of_job_has_a_name_and_every_stage_a_word(app, language):
    with app.test_request_context(headers={"Accept-Language": language}):
        assert set(QUEUE_OF) <= set(JOBS) == set(words.kinds()) and all(words.kinds().values())
        assert phases() - {""} <= set(words.statuses()) & set(openapi.STATUSES)


@pytest.mark.parametrize("language", SAID)
def test_whoever_waits_for_a_job_of_any_kind_is_told_how_long_it_takes(services, client_for, language):
    unknown, quick, usual = SAID[language]
    admin, asked = client_for("admin"), {"Accept-Language": language}
    for kind in JOBS:
        services.ledger.submit(kind, services.users.by_name("admin").id, f"lesson of {kind}", {}, queue="media")
    first = {kind: quick if kind in words.QUICK else unknown for kind in JOBS}
    for told in (first, dict.fromkeys(JOBS, usual)):
        shown = {job["kind"]: job["how_long"] for job in admin.get("/api/jobs", headers=asked).json["jobs"]}
        assert set(shown) == set(JOBS) and all(told[kind] in words_ for kind, words_ in shown.items())
        page = admin.get("/jobs", headers=asked).text
        assert all(page.count(one) == list(told.values()).count(one) for one in told.values())
        for job in (job for kind in JOBS for job in ended(kind, 3.0, 120.0)):
            services.ledger.restore(job)
        del services.usual


def test_what_is_usual_leaves_out_the_odd_ones_and_whoever_waited_for_a_server(services):
    jobs = [
        *ended("kit", 1.0, 4.0, 5.0, 6.0, 900.0), *ended("kit", 7000.0, outages=2), *ended("kit", 0.1, status="error"),
        *ended("peaks", 8.0, 2.0),
    ]  # fmt: skip
    for job in jobs:
        services.ledger.restore(job)
    usual = Usual(services.ledger)
    assert (usual.of("kit"), usual.of("peaks"), usual.of("join")) == ((4.0, 6.0), (2.0, 8.0), None)


def test_what_is_usual_is_asked_once_a_minute_and_a_ledger_that_is_away_changes_nothing():
    class Counted:
        asked, is_away = 0, False

        def list(self, limit):
            self.asked += 1
            if self.is_away:
                raise ServerAway("The job ledger cannot be used now ({reason}).", reason="test")
            return ended("kit", 9.0)

    ledger, now_s = Counted(), [0.0]
    usual = Usual(ledger, clock=lambda: now_s[0])
    assert {usual.of("kit") for _ in range(50)} == {(9.0, 9.0)} and ledger.asked == 1
    now_s[0], ledger.is_away = FRESH_S, True
    assert {usual.of("kit") for _ in range(50)} == {(9.0, 9.0)} and ledger.asked == 2

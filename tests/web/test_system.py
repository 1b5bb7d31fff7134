"""The administrator's page about the system, health and figures: they say what is, also when parts are away."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ppi.errors import ServerAway, ToolFailed
from ppi.jobs.ledger import Process


@pytest.fixture
def busy(services):
    """A lesson's job that runs, one that waits and one that failed, and a worker for speech."""
    for job_id in ("one", "two", "three"):
        services.ledger.submit("transcribe", "u", "lesson", {}, job_id=job_id)
    failed = services.ledger.claim("1:2:x", "machine-7/boot/1", ("speech",), 0)
    services.ledger.fail(failed.id, failed.attempt, ToolFailed("The tool broke in {place}.", place="room 5"))
    running = services.ledger.claim("1:2:x", "machine-7/boot/1", ("speech",), 0)
    services.ledger.report(running.id, running.attempt, "transcribing", "Transcribing with {engine}", {"engine": "ears"}, 40)
    services.ledger.hello(Process("77:8:x", "machine-7/boot/1", "worker", ("speech",), "0.1", 1.0))
    return services


def test_the_page_shows_processes_queues_running_jobs_and_errors(client_for, busy):
    page = client_for("admin").get("/admin/system").text
    for words in ("machine-7", "process 77", "Transcribing with ears", "40 %", "The tool broke in room 5.", "By nobody"):
        assert words in page, words
    assert busy.ffmpeg.version() in page


def test_the_page_speaks_russian(client_for, busy):
    client = client_for("admin")
    client.set_cookie("lang", "ru")
    page = client.get("/admin/system").text
    for words in ("Очереди", "Процессы", "Последние ошибки"):
        assert words in page


def test_the_page_and_the_figures_say_what_is_away(client_for, busy, monkeypatch):
    def away():
        raise ServerAway("The object store at {endpoint} does not answer.", endpoint="store:9000")

    monkeypatch.setattr(busy.store, "check", away)
    client = client_for("admin")
    page = client.get("/admin/system")
    assert page.status_code == 200 and "Does not answer" in page.text and "store:9000" in page.text
    assert client.get("/health").status_code == client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200
    assert figures(client)[("ppi_up", "store")] == 0


def figures(client):
    """(name, first label's value) -> value."""
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_figures_count_jobs_by_queue_and_status(client_for, busy):
    found = figures(client_for())
    assert found[("ppi_up", "store")] == found[("ppi_up", "ledger")] == 1
    assert found[("ppi_jobs", "speech", "running")] == found[("ppi_jobs", "speech", "error")] == 1
    assert found[("ppi_queue_length", "speech")] == 1 and found[("ppi_queue_length", "media")] == 0
    assert found[("ppi_processes", "worker")] == 1
    assert found[("ppi_disk_free_bytes",)] > 0


def test_an_ffmpeg_with_a_known_hole_is_told_from_one_without(services):
    known = {"5.1.9-0+deb12u1": False, "5.1.10": True, "7.1.5": True, "7.1.4-1": False, "n8.1.2": True, "N-1234-gabc": True}
    assert {version: services.ffmpeg.is_patched(version) for version in known} == known

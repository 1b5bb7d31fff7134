"""The page of the annotators' agreement never waits for a comparison: a job makes it, once, for every process and for good."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from ppi.annotation.patterns import Codebook
from ppi.errors import NotFound
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import comparisons, lessons, meanings, recycle_bin
from tests.conftest import PASSWORD, settings_for, with_people
from tests.web.test_agreement_pages import TWO, annotate, export, here, lesson, page_of, taken_in, work  # noqa: F401

WAITS = "Comparing the annotators of 1 file."


def jobs_of(services, row):
    return services.ledger.list(lesson_id=row.id, kind=comparisons.KIND)


def kept(services, row) -> list[str]:
    """The keys of what is kept of comparisons."""
    return [found.key for found in services.store.list(services.raw, f"{row.prefix}урок.agreement.")]


def forgotten(monkeypatch) -> None:
    """As in a process that has read nothing yet, and may start no child."""
    monkeypatch.setattr(comparisons, "_read", {})
    monkeypatch.setattr(comparisons, "run_in_child", lambda *given, **more: pytest.fail("it was compared again"))


def test_the_page_answers_at_once_and_what_a_job_compares_stands_in_every_process(
    client_for, lesson, services, here, monkeypatch  # noqa: F811
):
    annotate(services, lesson, TWO)
    client = client_for("anna")
    first, second = page_of(client, lesson), page_of(client, lesson)
    [job] = jobs_of(services, lesson)
    for shown in (first, second):
        assert WAITS in shown and f'data-watch="{job.id}"' in shown and "<table" not in shown
        assert 'name="step"' in shown and "Add to the comparison" in shown
    assert here == [], "the page itself compares nothing"
    work(services)
    assert services.ledger.get(job.id).result == {"annotators": 2, "disagreements": 1} and len(here) == 1

    forgotten(monkeypatch)
    other = build_app(Services(services.settings)).test_client()
    other.post("/api/login", json={"username": "anna", "password": PASSWORD})
    shown = page_of(other, lesson)
    assert "How far they agree" in shown and 'data-watch=""' not in shown and "Похвала П</th>" in shown.replace("\n", "")
    told = other.get(f"/api/lessons/{lesson.id}/agreement").json
    assert told["annotators"] == ["1", "4"] and [job.id] == [one.id for one in jobs_of(services, lesson)]


def test_what_a_program_waited_for_stands_on_the_page(client_for, lesson, services, here):  # noqa: F811
    annotate(services, lesson, TWO)
    client = client_for("anna")
    assert client.get(f"/api/lessons/{lesson.id}/agreement?step=0.5").json["units"] == 120
    assert "120 points" in page_of(client, lesson, step="0.5") and jobs_of(services, lesson) == []
    waits = page_of(client, lesson, step="1", annotator=["1", "4"])
    assert "Comparing 2 annotators." in waits and 'name="step" value="1"' in waits
    work(services)
    assert "60 points" in page_of(client, lesson, step="1", annotator=["4", "1"])


def test_to_choose_everybody_is_to_choose_nobody(client_for, lesson, services, here):  # noqa: F811
    annotate(services, lesson, export({1: [(1, 5, "P")], 4: [(1, 5, "P")], 7: [(2, 6, "P")]}))
    client = client_for("anna")
    page_of(client, lesson, annotator=["7", "1", "4"])  # nobody knows yet that these are all
    work(services)
    for chosen in ([], ["7", "1", "4"], ["1", "4", "7", "7"]):
        shown = page_of(client, lesson, annotator=chosen)
        assert "How far they agree" in shown and "data-watch=" not in shown.replace('data-watch=""', "")
        assert len(re.findall('name="annotator" value="." checked', shown)) == 3
    assert len(here) == 1 and len(kept(services, lesson)) == 2 and len(jobs_of(services, lesson)) == 1
    assert 'data-watch="' in page_of(client, lesson, annotator=["1", "4"])


def test_figures_of_before_are_never_shown_and_do_not_stay(client_for, lesson, services, here):  # noqa: F811
    client = client_for("anna")

    def change_marks() -> None:
        annotate(services, lesson, export({1: [(1, 5, "P")], 4: [(1, 5, "P"), (7, 9, "Q")]}))

    def change_meanings() -> None:
        meanings.keep(services, lesson, {"Q": ""}, Codebook(()))

    def add_marks() -> None:
        annotate(services, lesson, export({7: [(2, 6, "P")]}), ".annotations.2.json")

    annotate(services, lesson, TWO)
    for change in (lambda: None, change_marks, change_meanings, add_marks):
        change()
        assert "<table" not in page_of(client, lesson)
        work(services)
        assert "<table" in page_of(client, lesson)
        assert len(kept(services, lesson)) == 2, "one comparison, and who annotated"
    assert len(here) == 4


def test_marks_that_change_while_they_are_compared_are_compared_again(services, lesson, here, monkeypatch):  # noqa: F811
    annotate(services, lesson, TWO)
    compare, later = comparisons.run_in_child, export({5: [(1, 2, "P")], 6: [(1, 2, "P")]})

    def changed_meanwhile(*given, **more):
        found = compare(*given, **more)
        if len(here) == 1:
            annotate(services, lesson, later)
        return found

    monkeypatch.setattr(comparisons, "run_in_child", changed_meanwhile)
    found = comparisons.made(services, lesson, step_s=0.1, chosen=())
    asked = comparisons.ask(services, lessons.view(services, lesson))
    assert found.annotators == ("5", "6") and len(here) == 2 and comparisons.kept(services, asked) == found
    assert comparisons.people(services, asked) == ("5", "6")


@pytest.mark.parametrize("ground", ["SQLite", "Redis"])
def test_of_many_who_look_at_once_one_comparison_is_made(request, tmp_path, here, ground):  # noqa: F811
    variables = request.getfixturevalue("own_redis").variables() if ground == "Redis" else {}
    services = with_people(Services(settings_for(tmp_path / "data", **variables)))
    row = taken_in(services)
    annotate(services, row, TWO)
    asked = comparisons.ask(services, lessons.view(services, row))
    others = [Services(services.settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda other: comparisons.request(other, asked).id, others))
        assert len(set(jobs)) == 1 and [job.id for job in jobs_of(services, row)] == jobs[:1]
        found = list(pool.map(lambda other: comparisons.made(other, row, step_s=0.1, chosen=()), others))
    assert len(here) == 1 and found == [comparisons.kept(services, asked)] * 4
    work(services)
    assert len(here) == 1 and services.ledger.get(jobs[0]).status == "completed"


def test_without_scripts_a_link_looks_again_and_a_failure_is_tried_again(session_for, lesson, services, here):  # noqa: F811
    annotate(services, lesson, b"[not annotations")
    client = session_for("anna")
    waits = page_of(client, lesson, step="0.2")
    label = "Look again: Comparison of annotators"
    again = re.search(rf'<noscript>.*?<a aria-label="{label}" href="([^"]+)">Look again</a>', waits, re.DOTALL).group(1)
    assert html.unescape(again) == f"/lessons/{lesson.id}/agreement?step=0.2" and "/jobs" in waits
    work(services)
    failed = client.get(again).text
    [job] = jobs_of(services, lesson)
    assert job.status == "error" and 'role="alert"' in failed and "Compare again" in failed and 'value="0.2"' in failed
    assert client.get(again).text.count("Compare again") == 1 and len(jobs_of(services, lesson)) == 1

    def retry():
        token = re.search(r'name="csrf_token" value="([^"]+)"', page_of(client, lesson)).group(1)
        headers = {"Referer": f"http://localhost{again}", "Accept": "text/html"}
        return client.post(f"/api/jobs/{job.id}/retry", data={"csrf_token": token}, headers=headers)

    assert retry().location == again and "usually some seconds" in client.get(again).text
    services.ledger.cancel(job.id)
    assert "The comparison was cancelled." in client.get(again).text
    annotate(services, lesson, TWO)
    assert "usually some seconds" in client.get(again).text, "other annotations are compared anew"


def test_too_much_for_a_comparison_leaves_the_choice_of_fewer_people(client_for, lesson, services, here, monkeypatch):  # noqa: F811
    people = {number: [(1, 5, "P")] for number in range(1, 52)}
    annotate(services, lesson, export(people))
    client = client_for("anna")
    page_of(client, lesson)
    work(services)
    shown = page_of(client, lesson)
    assert "More than 50 annotators cannot be compared at once." in shown
    assert shown.count('name="annotator"') == 51 and "51 annotators" not in shown


def test_comparisons_of_one_lesson_do_not_fill_the_queue(client_for, lesson, services):  # noqa: F811
    annotate(services, lesson, TWO)
    client = client_for("anna")
    for number in range(comparisons.MOST_UNDER_WAY + 2):
        shown = page_of(client, lesson, step=f"0.{number + 1}")
    assert "Several comparisons of this lesson are under way." in shown and 'name="step"' in shown
    assert len(jobs_of(services, lesson)) == comparisons.MOST_UNDER_WAY


def test_a_look_by_somebody_else_starts_nothing_and_a_comparison_keeps_nobody_from_deleting(
    client_for, lesson, services, here  # noqa: F811
):
    annotate(services, lesson, TWO)
    annotate(services, lesson, TWO, ".annotations.2.json")
    assert client_for("boris").get(f"/lessons/{lesson.id}/agreement").status_code == 404
    assert jobs_of(services, lesson) == []
    anna = client_for("anna")
    page_of(anna, lesson)
    work(services)
    assert kept(services, lesson) and not [name for name in lessons.view(services, lesson).files if ".agreement" in name]
    assert not [name for name in ("anna", "admin") if ".agreement" in client_for(name).get("/files").text]
    page_of(anna, lesson, step="1")
    gone = {"object_name": lesson.prefix + "урок.annotations.2.json"}
    assert anna.post("/delete_file", json=gone).status_code == 200
    recycle_bin.put_in(services, services.lessons.get(lesson.id))
    assert [job.status for job in jobs_of(services, lesson)] == ["cancelled", "completed"]
    lessons.delete_lesson(services, services.lessons.get(lesson.id))
    assert kept(services, lesson) == [] and not list((services.settings.data_dir / "locks").glob("*"))
    with pytest.raises(NotFound):
        services.lessons.get(lesson.id)

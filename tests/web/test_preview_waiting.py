"""Step 2 never waits for large annotations: a job works out what is understood of them, once and for every process."""

from __future__ import annotations

import html
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ppi.annotation import patterns
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import comparisons, lessons, pattern_tables, plain_understood, recycle_bin, runner, understood
from tests.conftest import DATA, PASSWORD
from tests.web.test_dataset_form import lesson  # noqa: F401
from tests.web.test_preview import FORM, MARKS, TABLE, choose, give, shown, token

WAITS = "What was understood of them appears here when that is done."


@pytest.fixture(autouse=True)
def here(monkeypatch) -> list[str]:
    """Every file is large, and worked out in this process, which is quicker than in a child; one entry for each time."""
    made = []

    def work_out(target, wanted, *, on_report, on_tick, **limits):
        made.append(target)
        on_tick()
        return plain_understood.packed(on_report, **wanted)

    monkeypatch.setattr(plain_understood, "QUICK_TABLE_BYTES", 0)
    monkeypatch.setattr(plain_understood, "run_in_child", work_out)
    return made


def bring(services, row, marks=MARKS, table=TABLE) -> None:
    """The files as an earlier version left them: nothing was worked out when they were given."""
    services.store.put_bytes(services.raw, f"{row.prefix}lesson.annotations.csv", marks)
    services.store.put_bytes(services.raw, f"{row.prefix}lesson.patterns.csv", table)


def page_of(client, row, **query) -> str:
    answer = client.get("/dataset", query_string={"lesson": row.id, **query}, headers=FORM)
    assert answer.status_code == 200
    return answer.text


def jobs_of(services, row):
    return services.ledger.list(lesson_id=row.id, kind=understood.KIND)


def kept(services, row) -> list[str]:
    return [found.key for found in services.store.list(services.raw, f"{row.prefix}lesson.understood.")]


def work(services) -> None:
    """What the server's runner does: the next job of the queue."""
    assert runner.do_next(services, runner.make_worker(services), "media")


def test_the_page_answers_at_once_and_what_a_job_works_out_stands_in_every_process(
    anna, services, lesson, here, monkeypatch  # noqa: F811
):
    bring(services, lesson)
    first, second = page_of(anna, lesson), page_of(anna, lesson)
    [job] = jobs_of(services, lesson)
    for page in (first, second):
        assert WAITS in page and f'data-watch="{job.id}"' in page and "<tr><td" not in page
        assert 'class="kept">Annotations, CSV <' in page and 'id="build-needs"' not in page, "it can be built meanwhile"
    assert here == [], "the page itself reads nothing"
    work(services)
    assert services.ledger.get(job.id).result == {"segments": 4, "dropped": 1} and len(here) == 1

    monkeypatch.setattr(plain_understood, "packed", lambda *given, **more: pytest.fail("it was worked out again"))
    monkeypatch.setattr(pattern_tables, "codebook", lambda *given: pytest.fail("the table was read"))
    other = build_app(Services(services.settings)).test_client()
    other.post("/api/login", json={"username": "anna", "password": PASSWORD})
    page = page_of(other, lesson)
    assert page.count("<tr><td") == 4 and 'data-watch=""' not in page and 'value="=Объяснение"' in page
    assert len(shown(other, lesson)["segments"]) == 4 and [one.id for one in jobs_of(services, lesson)] == [job.id]


def test_what_was_understood_when_files_were_given_needs_no_job(anna, services, lesson, here):  # noqa: F811
    assert give(anna, lesson, MARKS, TABLE).json["segments"] == 4
    assert page_of(anna, lesson).count("<tr><td") == 4
    assert jobs_of(services, lesson) == [] and len(here) == 1


def test_labels_can_be_given_meanings_while_the_segments_are_worked_out_anew(anna, services, lesson, here):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    answer = choose(anna, lesson, тест="Похвала").json
    assert answer == {"success": True, "segments": None, "undecided": None, "dropped": None}
    page = page_of(anna, lesson)
    assert "Your choice is kept." in page and "read as Похвала" in page and "<tr><td" not in page
    assert len(re.findall('<fieldset class="meaning', page)) == 2
    choose(anna, lesson, **{"Обьяснение": ""})
    assert len(jobs_of(services, lesson)) == 1, "who waits already takes the later choice too"
    work(services)
    page = page_of(anna, lesson)
    assert page.count("<tr><td") == 2 and "Your choice is kept." not in page and len(here) == 2
    choose(anna, lesson, **{"Обьяснение": None})
    assert len(shown(anna, lesson)["segments"]) == 4, "a program waits"
    assert page_of(anna, lesson).count("<tr><td") == 4


def test_nothing_old_is_shown_and_of_other_files_nothing_stays(anna, services, lesson, here):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    for name in ("Похвала", "", "Объяснение", "Вопрос", "Похвала"):
        choose(anna, lesson, тест=name)
        shown(anna, lesson)
    assert len(kept(services, lesson)) == understood.MOST_KEPT and len(here) == 5, "the last was still there"
    choose(anna, lesson, тест=None)
    assert len(shown(anna, lesson)["segments"]) == 4 and len(here) == 6, "the first was there no more"
    files = kept(services, lesson)
    give(anna, lesson, MARKS.split(b"\n10,")[0])
    assert page_of(anna, lesson).count("<tr><td") == 1
    assert len(kept(services, lesson)) == 1 and not set(kept(services, lesson)) & set(files)
    give(anna, lesson, table="Паттерн\nОбьяснение\n".encode())
    assert WAITS in page_of(anna, lesson)
    work(services)
    assert 'class="tag odd"' not in page_of(anna, lesson) and len(kept(services, lesson)) == 1


def test_files_that_are_replaced_while_they_are_read_are_read_again(services, lesson, here, monkeypatch):  # noqa: F811
    bring(services, lesson)
    work_out = plain_understood.run_in_child

    def replaced_meanwhile(*given, **more):
        data = work_out(*given, **more)
        if len(here) == 1:
            bring(services, lesson, MARKS.split(b"\n10,")[0])
        return data

    monkeypatch.setattr(plain_understood, "run_in_child", replaced_meanwhile)
    asked, found = understood.made(services, lesson)
    assert len(found.segments) == 1 and len(here) == 2 and kept(services, lesson) == [asked.key]


def test_of_two_who_give_files_at_once_nobody_is_shown_what_was_understood_of_the_others(services, lesson, here):  # noqa: F811
    """What was worked out of a file counts only while that very file is there."""
    bring(services, lesson)
    asked = understood.ask(services, lessons.view(services, lesson))
    bring(services, lesson, MARKS + b"40,41,C,3\n")
    understood.remember(services, lesson, (asked.marks, asked.table), {}, b"of the file before")
    assert kept(services, lesson) == []


def test_of_many_who_look_at_once_one_job_works_it_out(services, lesson, here):  # noqa: F811
    bring(services, lesson)
    asked = understood.ask(services, lessons.view(services, lesson))
    others = [Services(services.settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        jobs = set(pool.map(lambda other: understood.request(other, asked).id, others))
    assert jobs == {job.id for job in jobs_of(services, lesson)} and len(jobs) == 1


def test_what_cannot_be_read_any_more_is_worked_out_again(anna, services, lesson, here):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    [key] = kept(services, lesson)
    services.store.put_bytes(services.raw, key, b"0000000002{}")
    assert WAITS in page_of(anna, lesson)
    work(services)
    assert page_of(anna, lesson).count("<tr><td") == 4


def test_a_table_that_nobody_has_read_is_read_by_the_job_of_whoever_looks_first(
    anna, services, lesson, monkeypatch  # noqa: F811
):
    monkeypatch.setattr(plain_understood, "QUICK_TABLE_BYTES", 80_000)
    table, read = (DATA / "sample_patterns.xlsx").read_bytes(), []
    services.store.put_bytes(services.raw, f"{lesson.prefix}lesson.patterns.xlsx", table)
    read_table = patterns.read
    monkeypatch.setattr(patterns, "read", lambda path: read.append(path) or read_table(path))
    kit = f"/kit?lesson={lesson.id}&variant=audio"
    waits = anna.get(kit, headers=FORM).text
    assert "The table of patterns is being read." in waits and html.escape(kit) in waits and 'class="swatch"' not in waits
    services.store.put_bytes(services.raw, f"{lesson.prefix}lesson.annotations.csv", MARKS)
    assert WAITS in page_of(anna, lesson)
    assert len(jobs_of(services, lesson)) == 1 and read == []
    work(services)
    assert "patterns of the table were marked by nobody" in page_of(anna, lesson)
    assert 'class="swatch"' in anna.get(kit, headers=FORM).text and len(read) == 1


def test_what_was_read_in_a_table_is_known_on_every_machine_and_goes_with_the_table(anna, services, lesson, monkeypatch):  # noqa: F811
    def known() -> list[str]:
        return [found.key for found in services.store.list(services.raw, f"{lesson.prefix}lesson.codebook.")]

    give(anna, lesson, table=TABLE)
    before = known()
    give(anna, lesson, table="Паттерн\nОбъяснение\n".encode())
    assert len(before) == len(known()) == 1 and before != known()
    monkeypatch.setattr(patterns, "read", lambda path: pytest.fail("it was read again"))
    other = build_app(Services(services.settings)).test_client()
    other.post("/api/login", json={"username": "anna", "password": PASSWORD})
    assert other.get(f"/kit?lesson={lesson.id}").text.count('class="swatch"') == 1


def test_a_table_that_cannot_be_read_any_more_leaves_the_choice_of_another(anna, services, lesson):  # noqa: F811
    services.store.put_bytes(services.raw, f"{lesson.prefix}lesson.patterns.csv", b"Nothing;useful\n")
    anna.get(f"/kit?lesson={lesson.id}")
    work(services)
    shown = anna.get(f"/kit?lesson={lesson.id}", headers=FORM).text
    assert "no column with the names of the patterns" in shown and "Read again" in shown and 'id="patterns"' in shown


def test_a_page_reads_no_more_of_long_lists_than_it_shows(anna, services, lesson, monkeypatch):  # noqa: F811
    many = "start,end,label\n" + "".join(f"{n % 60},{n % 60 + 1 + n // 60 * 0.05},Метка {n}\n" for n in range(3_000))
    give(anna, lesson, many.encode(), TABLE)
    [key] = kept(services, lesson)
    whole, read_bytes, store_read = services.store.stat(services.raw, key).size_bytes, [], services.store.read

    def read(bucket, wanted, **part):
        for block in store_read(bucket, wanted, **part):
            if wanted == key:
                read_bytes.append(len(block))
            yield block

    monkeypatch.setattr(services.store, "read", read)
    page = page_of(anna, lesson, segments=40, labels=30)
    assert page.count("<tr><td") == 40 and "3000 samples will be made" in page
    assert sum(read_bytes) < 70_000 < 200_000 < whole


def test_without_scripts_a_link_looks_again_and_a_failure_is_tried_again(session_for, services, lesson):  # noqa: F811
    bring(services, lesson, b"start,end,label\n1,x,A\n")
    client = session_for("anna")
    waits = page_of(client, lesson, segments=2)
    again = html.unescape(re.search(r'<noscript>[^<]*<p[^>]*>[^<]*<a [^>]*href="([^"]+)">Look again</a>', waits).group(1))
    assert again == f"/dataset?lesson={lesson.id}&segments=2" and "usually some seconds" in waits
    work(services)
    [job] = jobs_of(services, lesson)
    failed = client.get(again, headers=FORM).text
    assert job.status == "error" and 'class="notice bad" role="alert"' in failed and "Read again" in failed
    assert client.get(f"/api/lessons/{lesson.id}/preview").status_code == 422, "a program hears why"

    answer = client.post(
        f"/api/jobs/{job.id}/retry", data={"csrf_token": token(failed)},
        headers={"Referer": f"http://localhost{again}", **FORM},
    )  # fmt: skip
    assert answer.location == again and WAITS in client.get(again, headers=FORM).text
    services.ledger.cancel(job.id)
    assert "The reading was cancelled." in client.get(again, headers=FORM).text
    bring(services, lesson)
    assert WAITS in client.get(again, headers=FORM).text, "other files are read anew"


def test_a_look_by_somebody_else_starts_nothing_and_what_is_kept_is_no_file_of_the_lesson(
    client_for, anna, services, lesson  # noqa: F811
):
    bring(services, lesson)
    assert client_for("boris").get(f"/dataset?lesson={lesson.id}").status_code == 404
    assert jobs_of(services, lesson) == []
    page_of(anna, lesson)
    work(services)
    assert kept(services, lesson)
    for name in ("anna", "admin"):
        assert ".understood." not in str(client_for(name).get("/list_files").json)
    choose(anna, lesson, тест="")
    recycle_bin.put_in(services, services.lessons.get(lesson.id))
    assert [job.status for job in jobs_of(services, lesson)] == ["cancelled", "completed"]
    recycle_bin.empty(services, services.lessons.get(lesson.id))
    assert kept(services, lesson) == []


@pytest.mark.parametrize("room", [plain_understood, comparisons])
def test_a_job_that_a_look_began_is_stopped_by_a_deletion_for_good(anna, services, lesson, monkeypatch, room):  # noqa: F811
    begun = threading.Event()

    def take_long(target, wanted, *, on_report, on_tick, **limits):
        begun.set()
        while True:
            on_tick()
            time.sleep(0.05)

    monkeypatch.setattr(room, "run_in_child", take_long)
    bring(services, lesson)
    page = f"/dataset?lesson={lesson.id}" if room is plain_understood else f"/lessons/{lesson.id}/agreement"
    assert "data-watch" in anna.get(page, headers=FORM).text
    with ThreadPoolExecutor(1) as pool:
        runs = pool.submit(work, services)
        assert begun.wait(20)
        answer = anna.post(f"/api/lessons/{lesson.id}/delete")
        runs.result()
    assert answer.json == {"success": True} and services.store.list(services.raw, lesson.prefix) == []
    assert services.ledger.list(lesson_id=lesson.id) == []


def test_a_deletion_that_is_refused_stops_nothing(anna, services, lesson):  # noqa: F811
    bring(services, lesson)
    page_of(anna, lesson)
    services.ledger.submit("summarize", lesson.owner_id, lesson.id, {})
    assert anna.post(f"/api/lessons/{lesson.id}/delete").status_code == 409
    assert [job.status for job in jobs_of(services, lesson)] == ["queued"] and page_of(anna, lesson)


def test_after_many_other_jobs_what_was_worked_out_long_ago_is_worked_out_again(services, lesson, here, monkeypatch):  # noqa: F811
    bring(services, lesson)
    asked = understood.ask(services, lessons.view(services, lesson))
    first = understood.request(services, asked)
    work(services)
    services.store.delete(services.raw, asked.key)
    monkeypatch.setattr(services.ledger, "list", lambda **wanted: [])
    second = understood.request(services, asked)
    assert second.id != first.id and second.status == "queued"

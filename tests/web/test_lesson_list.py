"""The list of lessons: searched, narrowed, sorted, in pages, always with the same number of questions; many deleted at once."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ppi.errors import InputError
from ppi.speech import weights
from tests.conftest import PASSWORD


@pytest.fixture
def make(services):
    def one(name, owner="anna", state="stored"):
        user = services.users.by_name(owner)
        row = services.lessons.reserve(
            name=name, owner_id=user.id, owner_name=user.name, size_bytes=10, parts=1, max_lessons=None, expires_s=9e12,
            layout=lambda serial: (f"{name}-{serial}/", f"{name}-{serial}/v.mp4"),
        )  # fmt: skip
        services.lessons.move_on(row.id, "uploading", state, expires_s=0.0)
        if state == "stored":
            services.store.put_bytes(services.raw, row.video_key, b"film")
        return services.lessons.get(row.id)

    return one


@pytest.fixture
def person(app):
    """`person("anna")`: a client with a session, and the token for forms."""

    def log_in(name):
        client = app.test_client()
        token = client.post("/api/login", json={"username": name, "password": PASSWORD}).json["csrf_token"]
        return client, token

    return log_in


def titles(page):
    return re.findall(r'<a class="title" [^>]*>([^<]+)</a>', page.text)


def test_pages_searches_filters_and_orders_are_plain_addresses(person, make):
    for number in range(30):
        make(f"урок {number:02}")
    make("Чужой", owner="boris")
    client, _ = person("anna")
    first = client.get("/lessons")
    assert titles(first)[0] == "урок 29" and len(titles(first)) == 25 and "Чужой" not in first.text
    assert titles(client.get("/lessons?page=2")) == [f"урок {number:02}" for number in range(4, -1, -1)]
    assert titles(client.get("/lessons?page=99")) == titles(client.get("/lessons?page=2"))
    assert titles(client.get("/lessons?text=УРОК+07")) == ["урок 07"]
    assert titles(client.get("/lessons?sort=name"))[0] == "урок 00"
    assert titles(client.get("/lessons?sort=nonsense&page=x&state=y"))[0] == "урок 29"
    assert 'rel="next" href="/lessons?page=2&amp;text=' in client.get("/lessons?text=урок").text
    nothing = client.get("/lessons?state=uploading")
    assert titles(nothing) == [] and "No lesson fits" in nothing.text
    assert len(titles(client.get("/"))) == 5


def test_an_administrator_sees_everybodys_lessons_and_others_cannot_ask_for_them(person, make, services):
    make("Анны"), make("Бориса", owner="boris")
    admin, _ = person("admin")
    assert titles(admin.get("/lessons")) == ["Бориса", "Анны"]
    boris = services.users.by_name("boris").id
    assert titles(admin.get(f"/lessons?owner={boris}")) == ["Бориса"]
    anna, _ = person("anna")
    assert titles(anna.get(f"/lessons?owner={boris}")) == ["Анны"]


def test_times_go_by_the_clock_of_the_browser_and_by_utc_where_it_said_nothing_true(person, make):
    client, _ = person("anna")
    row = make("Урок")
    for said, zone in (("Asia/Yekaterinburg", "Asia/Yekaterinburg"), ("Mars/Base", "UTC"), ("../../etc/passwd", "UTC")):
        client.set_cookie("tz", said)
        wanted = datetime.fromtimestamp(row.created_s, ZoneInfo(zone)).strftime("%H:%M")
        assert wanted in client.get("/lessons", headers={"Accept-Language": "ru"}).text


def test_a_row_says_what_is_done_what_runs_and_what_is_next(person, make, services):
    row = make("Вода")
    job = services.ledger.submit("ingest", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:a", "host", ["media"], 4)
    services.ledger.finish(job.id, 1, {"duration_s": 63.9, "has_poster": True})
    client, _ = person("anna")
    page = client.get("/lessons").text
    assert ">01:03<" in page and ".poster.jpg" in page and "Next: transcribe" in page
    services.ledger.submit("transcribe", row.owner_id, row.id, {}, queue="speech")
    page = client.get("/lessons?state=working").text
    assert '<li class="done">Video' in page and '<li class="runs">Transcript' in page and "Next:" not in page


def test_a_lesson_says_where_it_goes_on_after_a_failure_and_without_sound(person, make, services):
    client, _ = person("anna")
    for name, kind, end, wanted in (
        ("Немой", "ingest", lambda job: services.ledger.finish(job.id, 1, {"has_audio": False}), "Next: annotate"),
        ("Сбой", "build_dataset", lambda job: services.ledger.fail(job.id, 1, InputError("No.")), "Next: see what went wrong"),
    ):
        row = make(name)
        job = services.ledger.submit(kind, row.owner_id, row.id, {}, queue="media")
        services.ledger.claim(f"1:0:{name}", "host", ["media"], 4)
        end(job)
        assert wanted in client.get(f"/lessons?text={name}").text


def test_a_build_that_missed_weights_counts_no_more_as_failed_once_there_is_a_transcript(person, make, services):
    row, (client, _) = make("Веса"), person("anna")
    build = services.ledger.submit("build_dataset", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:a", "host", ["media"], 4)
    services.ledger.fail(build.id, 1, weights.missing("base", Path("base")))
    assert "Next: see what went wrong" in client.get("/lessons").text
    heard = services.ledger.submit("transcribe", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:a", "host", ["media"], 4)
    services.ledger.finish(heard.id, 1, {"engine": "pocketsphinx", "words": 3})
    page = client.get("/lessons").text
    assert "Next: annotate" in page and "see what went wrong" not in page and '<li class="failed">' not in page


def steps(page):
    """What the bar of the three steps says of the lesson, and the line below it: (class, words) of each step, and the line."""
    bar = re.search(r'<ol class="steps".*?</ol>', page.text, re.DOTALL)[0]
    told = re.findall(r'class="number (\w+)".*?class="note">([^<]+)<', bar, re.DOTALL)
    onward = re.search(r'<p class="onward">(.*?)</p>', page.text)
    return told, re.sub(r"<[^>]+>", "", onward[1]) if onward else ""


def test_every_page_of_the_wizard_says_what_is_done_what_runs_and_what_is_next(person, make, services):
    client, _ = person("anna")
    row = make("Вода")
    pages = [f"/dataset?lesson={row.id}", f"/publish?lesson={row.id}", f"/kit?lesson={row.id}"]
    pages += [f"/lessons/{row.id}/{name}" for name in ("transcript", "agreement", "withdraw")]

    def begun(kind):
        job = services.ledger.submit(kind, row.owner_id, row.id, {}, queue="media")
        claimed = services.ledger.claim(f"1:0:{kind}", "host", ["media"], 9)
        return job, claimed

    def everywhere():
        """The same on all pages; the one that the line leads to has none."""
        bars, lines = zip(*(steps(client.get(path)) for path in pages), strict=True)
        told = sorted(lines, key=lines.count)[-1]
        assert all(bar == bars[0] for bar in bars) and len([line for line in lines if line != told]) <= 1, lines
        return bars[0], told

    # The bar marks the step on which the line's one thing is done.
    to_come = [("open", "Annotations and patterns"), ("open", "Check, download, publish")]
    assert everywhere() == ([("next", "Next"), *to_come], "Next: transcribe")
    assert client.get(f"/lessons/{row.id}").text.count("Next") == 1
    job, claimed = begun("build_dataset")
    services.ledger.report(job.id, claimed.attempt, "building", "Cutting", {}, 40)
    said, onward = everywhere()
    assert said[1] == ("runs", "Under way") and onward == "Building the dataset 40 %"
    services.ledger.fail(job.id, claimed.attempt, InputError("No."))
    said, onward = everywhere()
    assert said[1] == ("failed", "Failed") and onward == "Next: see what went wrong, and try again"
    job, claimed = begun("build_dataset")
    services.ledger.finish(job.id, claimed.attempt, {})
    said, onward = everywhere()
    assert said[1:] == [("done", "Done"), ("next", "Next")] and onward == "Next: check the dataset and publish it"
    # A withdrawal takes the dataset away: it is done no more, and nothing leads to the Hub.
    job, claimed = begun("withdraw")
    services.ledger.finish(job.id, claimed.attempt, {})
    said, onward = everywhere()
    assert [state for state, _ in said] == ["done", "open", "open"] and onward == ""
    listed = client.get("/lessons").text
    assert '<li class="open">Dataset' in listed and "Next:" not in listed


@pytest.mark.parametrize("path", [
    "/lessons", "/lessons?sort=name", "/lessons?text=2&state=stored", "/admin/people", "/", "/kit",
    "/dataset?find=2", "/publish",
])  # fmt: skip
def test_the_number_of_questions_does_not_grow_with_the_list(person, make, services, monkeypatch, path):
    client, _ = person("admin")
    asked = []
    connection = services.lessons._database._open()
    for count in (2, 22):
        for number in range(count):
            make(f"{count}-{number}")
        asked.append([])
        monkeypatch.setattr(services.lessons._database, "_open", lambda: connection)
        connection.set_trace_callback(asked[-1].append)
        assert client.get(path).status_code == 200
        connection.set_trace_callback(None)
    assert len(asked[0]) == len(asked[1]) > 0


def test_a_page_that_works_with_a_lesson_offers_the_newest_and_finds_the_others(person, make, services):
    client, _ = person("anna")
    rows = [make(f"Урок {number}") for number in range(12)] + [make("Чужой урок", owner="boris")]
    links = lambda page, path: re.findall(rf'<a href="{path}\?lesson=([^"]+)"', page)  # noqa: E731
    for path in ("/kit", "/dataset"):
        page = client.get(path).text
        assert links(page, path) == [row.id for row in rows[11:3:-1]] and "The newest 8 of 12" in page
        assert links(client.get(f"{path}?find=урок 3").text, path) == [rows[3].id]
        assert "No lesson fits this search" in client.get(f"{path}?find=чужой").text
    # On the page of one lesson a search opens the choice; the lesson stays.
    page = client.get(f"/dataset?lesson={rows[0].id}&find=урок 5").text
    assert '<details class="menu picker" open>' in page and f'name="lesson" value="{rows[0].id}"' in page
    place = page.split('<ol class="place">')[1].split("</ol>")[0]
    assert f'<a href="/lessons/{rows[0].id}">Урок 0</a>' in place and '<li aria-current="page">Dataset</li>' in place
    part = client.get("/lessons?part=choice&to=kit&find=урок 7").text
    assert links(part, "/kit") == [rows[7].id] and "<html" not in part
    assert client.get("/lessons?part=choice&to=elsewhere").status_code == 404


def test_only_lessons_with_a_dataset_can_be_published_and_the_only_one_is_chosen(person, make, services):
    client, _ = person("anna")
    built, other = make("С датасетом"), make("Без датасета")
    assert "There is no dataset yet" in client.get("/publish").text
    for row in (built, other):
        job = services.ledger.submit("build_dataset", row.owner_id, row.id, {}, queue="media")
        if row is built:
            services.ledger.claim("r", "h", ["media"], 0)
            services.ledger.finish(job.id, 1, {})
    assert titles(client.get("/lessons?state=built")) == ["С датасетом"]
    found = client.get("/lessons?part=choice&to=publish").text
    assert built.id in found and other.id not in found
    assert '<span class="visually-hidden">Lesson: </span>С датасетом' in client.get("/publish").text


def test_lessons_are_deleted_together_after_a_question_that_names_them(person, make, services):
    rows = [make("Первый"), make("Второй"), make("Занятый")]
    other = make("Чужой", owner="boris")
    services.ledger.submit("transcribe", rows[2].owner_id, rows[2].id, {}, queue="speech")
    client, token = person("anna")
    chosen = {"csrf_token": token, "lesson": [row.id for row in (*rows, other)]}
    question = client.post("/lessons/delete", data=chosen)
    assert all(row.name in question.text for row in rows) and "Чужой" not in question.text and "3 lessons" in question.text
    assert len(services.lessons.list()) == 4
    page = client.post("/lessons/delete", data={**chosen, "sure": "yes"}, follow_redirects=True)
    assert "2 lessons were deleted." in page.text and "Занятый: A job of this lesson is still running" in page.text
    assert page.text.count('action="/lessons/undo"') == 1
    assert {row.name for row in services.lessons.list()} == {"Занятый", "Чужой"}
    acts = services.audit.find(action="delete lesson", limit=9)
    assert {act.object for act in acts} == {rows[0].id, rows[1].id}
    nothing = client.post("/lessons/delete", data={"csrf_token": token})
    assert nothing.status_code == 400 and "Choose at least one lesson." in nothing.text


def test_every_order_of_the_list_is_read_from_an_index(make, services):
    from ppi.jobs.lessons import Wanted

    make("Вода")
    asked = []
    connection = services.lessons._database._open()
    connection.set_trace_callback(asked.append)
    for sort in ("-created", "created", "name", "-name", "size", "-size", "owner"):
        services.lessons.page(Wanted(sort=sort), 0, 25)
    services.lessons.page(Wanted(owner_id="u"), 0, 25)
    connection.set_trace_callback(None)
    assert len(asked) == 16
    for statement in asked:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
        assert "USING" in plan and "TEMP B-TREE" not in plan, (statement, plan)


def test_a_deleted_lesson_is_nowhere_and_comes_back_with_one_press(person, make, services):
    row = make("Вода")
    stable = f"/m/{services.links.token_for(row.id, row.video_key)}/v.mp4"
    signed = services.store.presign_get(services.raw, row.video_key)
    client, token = person("anna")
    stranger, other_token = person("boris")
    client.post(f"/api/lessons/{row.id}/delete", json={"undo": True}, headers={"X-CSRFToken": token})
    assert [stranger.get(link).status_code for link in (stable, signed)] == [404, 404]
    page = client.get("/").text
    assert "1 lesson was deleted." in page and "Undo</button>" in page and row.id not in page.split("Newest lessons")[1]
    assert client.get(f"/lessons/{row.id}").status_code == client.get(f"/api/status/{row.id}").status_code == 404
    assert "Recently deleted: 1" in client.get("/lessons").text and "Вода" in client.get("/lessons/deleted").text
    for path in ("/lessons/undo", "/lessons/deleted/empty"):
        refused = stranger.post(path, data={"csrf_token": other_token, "lesson": row.id})
        assert refused.status_code == 404 and services.lessons.get(row.id).state == "binned"
    back = client.post("/lessons/undo", data={"csrf_token": token, "lesson": row.id})
    assert back.location == f"/lessons/{row.id}" and services.lessons.get(row.id) == row
    assert [stranger.get(link).status_code for link in (stable, signed)] == [302, 200]
    again = client.get("/lessons")
    assert titles(again) == ["Вода"] and "1 lesson is back." in again.text
    late = client.post("/lessons/undo", data={"csrf_token": token, "lesson": row.id})
    assert late.status_code == 404 and "cannot be brought back any more" in late.text
    acts = [(act.action, act.object) for act in services.audit.find(limit=9) if act.outcome == "ok" and act.action != "log in"]
    assert ("undo deletion", row.id) in acts and any(action == "delete lesson" for action, _ in acts)


def test_what_lies_in_the_bin_is_deleted_for_good_after_a_question(person, make, services):
    row = make("Вода")
    client, token = person("anna")
    client.post("/lessons/delete", data={"csrf_token": token, "lesson": row.id, "sure": "yes"})
    question = client.post("/lessons/deleted/empty", data={"csrf_token": token, "lesson": row.id})
    assert "Delete for good?" in question.text and "Вода" in question.text and services.lessons.get(row.id)
    sure = {"csrf_token": token, "lesson": row.id, "sure": "yes"}
    page = client.post("/lessons/deleted/empty", data=sure, follow_redirects=True)
    assert "1 lesson was deleted for good." in page.text and services.lessons.missing([row.id]) == {row.id}
    assert services.audit.find(action="delete for good")[0].object == row.id


def test_programs_delete_for_good_unless_they_ask_for_undo(client_for, make, services):
    first, second = make("Первый"), make("Второй")
    api = client_for("anna")
    assert api.post(f"/api/lessons/{first.id}/delete").json == {"success": True}
    assert services.lessons.missing([first.id]) == {first.id}
    api.post(f"/api/lessons/{second.id}/delete", json={"undo": True})
    assert client_for("boris").post(f"/api/lessons/{second.id}/restore").status_code == 404
    assert api.post(f"/api/lessons/{second.id}/restore").json == {"success": True}
    assert services.lessons.get(second.id) == second

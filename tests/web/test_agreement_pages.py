"""The agreement of a stored lesson's annotators: the page, the API, decisions that last, and the gold set."""

from __future__ import annotations

import io
import json
import multiprocessing
import re
import time

import pytest

from ppi.annotation import label_studio
from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.services import Services
from ppi.storage import keys
from ppi.web.app import build_app
from ppi.workflows import agreement, comparisons, lessons, plain_agreement, runner, uploads
from ppi.workflows.ingest import describe
from tests.conftest import PASSWORD

MAIL = "kept.secret@school.example"


def export(marks: dict[int, list[tuple[float, float, str]]]) -> bytes:
    """A snapshot of Label Studio with the marks (start_s, end_s, label) of each annotator."""
    annotations = [
        {
            "id": 10 + number, "completed_by": {"id": number, "email": MAIL},
            "result": [
                {"id": f"r{place}", "type": "labels", "value": {"start": start, "end": end, "labels": [label]}}
                for place, (start, end, label) in enumerate(given)
            ],
        }
        for number, given in marks.items()
    ]  # fmt: skip
    return json.dumps([{"id": 1, "data": {"video": "/v.mp4"}, "annotations": annotations}]).encode()


TWO = export({1: [(1, 5, "Похвала П"), (10, 20, "Введение")], 4: [(2, 6, "😊 похвала П"), (17, 30, "Введение")]})


@pytest.fixture
def lesson(services) -> LessonRow:
    return taken_in(services)


def taken_in(services) -> LessonRow:
    """A lesson of anna's that is ready, of a minute, without annotations."""
    anna = services.users.by_name("anna")
    info = MediaInfo("mov", 60.0, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
    row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_bytes(services.raw, row.video_key, b"film")
    services.store.put_bytes(services.raw, row.prefix + "урок.info.json", json.dumps(describe(row, info)).encode())
    return services.lessons.get(row.id)


def add(client, row, data, name="export.json"):
    form = {"annotations": (io.BytesIO(data), name)}
    return client.post(f"/api/lessons/{row.id}/agreement/annotations", data=form, content_type="multipart/form-data")


def page_of(client, row, **query):
    answer = client.get(f"/lessons/{row.id}/agreement", query_string=query, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def figures_page(client, row, **query):
    """The page, once somebody has compared what it shows."""
    client.get(f"/api/lessons/{row.id}/agreement", query_string=query)
    return page_of(client, row, **query)


def test_the_largest_confusions_are_told_before_the_matrix_whose_rows_name_its_columns(client_for, services, lesson):
    client, spans = client_for("anna"), [(start, start + 5) for start in range(0, 40, 10)]
    one = [(*span, label) for span, label in zip(spans, "ABBA", strict=True)]
    add(client, lesson, export({1: one, 4: [(*span, label) for span, label in zip(spans, "ACCB", strict=True)]}))
    page = figures_page(client, lesson)
    mixed = re.findall(r"<li><b>([^<]*)</b>.*?<b>([^<]*)</b> <span class=\"text-muted\">(\d+)</span></li>", page)
    assert mixed == [("B", "C", "2"), ("A", "B", "1")]
    table = re.search(r'<table class="table confusions".*?</table>', page, re.DOTALL)[0]
    heads = re.findall(r'scope="col">.*?hidden="true">(\d+)</span>.*?visually-hidden">([^<]*)</span>', table)
    assert heads == [("1", "A"), ("2", "B"), ("3", "C"), ("4", "no mark")]
    assert re.findall(r'scope="row">.*?(\d+)\. </span>([^<]*)</th>', table) == heads


@pytest.mark.parametrize(("language", "sign"), [("en", "."), ("ru", ",")])
def test_times_and_the_step_are_written_and_read_with_the_readers_decimal_sign(client_for, services, lesson, language, sign):
    services.users.set_language(lesson.owner_id, language)
    client = client_for("anna")
    add(client, lesson, TWO)
    page = figures_page(client, lesson, step=f"0{sign}5")
    assert f'name="step" value="0{sign}5"' in page and f"00:10{sign}0 – " in page
    shown = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert bool(re.search(r"\d\.\d", shown)) == (language == "en")


@pytest.fixture
def here(monkeypatch) -> list[str]:
    """Comparisons are made in this process, which is quicker than in a child of it; answers the names of those who compared."""
    made = []

    def compare(target, wanted, *, on_report, on_tick, **limits):
        made.append(target)
        on_tick()
        return plain_agreement.compared_apart(on_report, **wanted)

    monkeypatch.setattr(comparisons, "run_in_child", compare)
    return made


def work(services) -> None:
    """What the server's runner does: the next job of the queue."""
    assert runner.do_next(services, runner.make_worker(services), "media")


def annotate(services, row, data: bytes, suffix: str = ".annotations.json") -> None:
    services.store.put_bytes(services.raw, f"{row.prefix}урок{suffix}", data)


def test_a_lesson_without_annotations_asks_for_them_and_compares_nothing(client_for, lesson):
    client = client_for("anna")
    shown = page_of(client, lesson)
    assert "Add to the comparison" in shown and "<table" not in shown
    refused = client.get(f"/api/lessons/{lesson.id}/agreement")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")


def test_one_annotator_has_nobody_to_be_compared_with(client_for, lesson, here):
    client = client_for("anna")
    assert add(client, lesson, export({1: [(1, 5, "P")]})).json == {"success": True}
    shown = figures_page(client, lesson)
    assert "the work of one person" in shown and "<table" not in shown and "gold.json" not in shown


def test_page_and_api_tell_the_same_figures_and_no_mail_address(client_for, lesson, services):
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", TWO)
    client = client_for("anna")
    told = client.get(f"/api/lessons/{lesson.id}/agreement").json
    assert told["annotators"] == ["1", "4"] and told["units"] == 600 and told["step_s"] == 0.1
    shown = page_of(client, lesson)
    praise = next(entry for entry in told["patterns"] if entry["pattern"] == "Похвала П")
    assert praise["f1"] == 1.0 and praise["kappa"] == pytest.approx(0.7321, abs=1e-4)
    cells = re.findall(r'<td role="cell"[^>]*>([^<]*)</td>', shown.split('role="rowheader">Похвала П')[1].split("</tr>")[0])
    assert cells == [f"{praise[name]:.2f}" for name in ("kappa", "alpha", "f1")] + ["1", "1"]
    assert MAIL not in shown + json.dumps(told)
    assert len(told["disagreements"]) == 1 and told["agreed"] == 1
    assert "#t=10" in shown and "They mean different beginnings or ends." in shown
    coarse = client.get(f"/api/lessons/{lesson.id}/agreement?step=1&annotator=1&annotator=4").json
    assert coarse["units"] == 60 and coarse["patterns"] != told["patterns"]
    assert "0.02 to 10.0 seconds" in page_of(client, lesson, step="99")
    assert client.get(f"/api/lessons/{lesson.id}/agreement?step=99").status_code == 422


def test_decisions_need_no_script_outlive_a_restart_and_make_the_gold_set(app, services, lesson, here):
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", TWO)
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    shown = figures_page(client, lesson)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown).group(1)
    name = re.search(r'name="(d-[0-9a-f]{12})"', shown).group(1)
    where = f"/lessons/{lesson.id}/agreement/decisions"
    assert client.post(where, data={name: "none"}).status_code == 403, "without the page's token"

    def gold():
        text = client.get(f"/lessons/{lesson.id}/agreement/gold.json").text
        assert MAIL not in text
        found = label_studio.parse(text, frame_rate=None, duration_s=60.0)
        assert [(entry.annotator, entry.lesson_id) for entry in found.annotations] == [("gold", lesson.id)]
        return [(region.span.start_s, region.span.end_s, region.labels) for region in found.annotations[0].regions]

    # Agreed moments begin and end in the middle; what is not decided is left out.
    agreed = (1.5, 5.5, ("Похвала П",))
    assert gold() == [agreed]
    for choice, kept in [
        ("keep:1", [(10, 20, ("Введение",))]), ("keep:4", [(17, 30, ("Введение",))]),
        ("all", [(10, 30, ("Введение",))]), ("none", []), ("", []), ("keep:4", [(17, 30, ("Введение",))]),
    ]:  # fmt: skip
        saved = client.post(where, data={"csrf_token": token, name: choice})
        assert saved.status_code == 302 and saved.location.startswith(f"/lessons/{lesson.id}/agreement?")
        assert gold() == [agreed, *kept], choice
    assert client.post(where, data={"csrf_token": token, name: "keep:9"}).status_code == 400
    assert client.post(where, data={"csrf_token": token, "d-000000000000": "none"}).status_code == 409

    again = build_app(Services(services.settings)).test_client()
    again.post("/api/login", json={"username": "anna", "password": PASSWORD})
    shown = page_of(again, lesson)
    assert re.search(rf'name="{name}" value="keep:4" checked', shown)
    assert "0 of them not decided yet" in shown


def decide_all(settings, row, compared, ids) -> None:
    """In a process of its own: one decision after another."""
    services = Services(settings)
    for moment_id in ids:
        agreement.decide(services, row, compared, {moment_id: "none"})


def test_two_processes_that_decide_at_once_lose_none_of_their_decisions(services, lesson, here):
    marks = [(at, at + 1.0, "Похвала П") for at in range(0, 50, 2)]
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", export({1: marks, 4: []}))
    compared = agreement.comparison(services, lesson)
    ids = [moment.id for moment in compared.found.disagreements]
    fork = multiprocessing.get_context("fork")
    halves, common = (ids[::2], ids[1::2]), (services.settings, lesson, compared)
    deciders = [fork.Process(target=decide_all, args=(*common, half)) for half in halves]
    for one in deciders:
        one.start()
    for one in deciders:
        one.join(60)
    assert [one.exitcode for one in deciders] == [0, 0] and len(ids) == len(marks)
    assert agreement.comparison(services, lesson).decisions == dict.fromkeys(ids, "none")


def test_of_two_people_who_decide_on_the_same_page_neither_undoes_the_other_unseen(app, services, lesson, here):
    marks = {1: [(1, 2, "P"), (5, 6, "P"), (9, 10, "P")], 4: []}
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", export(marks))
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    shown = figures_page(client, lesson)
    first, second, third = (name.removeprefix("w-") for name in re.findall(r'name="(w-[0-9a-f]{12})" value=""', shown))
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown).group(1)

    def save(**chosen: str):
        form = {f"d-{name}": chosen.get(place, "") for place, name in (("a", first), ("b", second), ("c", third))}
        unseen = {f"w-{name}": "" for name in (first, second, third)}
        answer = client.post(f"/lessons/{lesson.id}/agreement/decisions", data={"csrf_token": token, **unseen, **form})
        return answer, agreement.comparison(services, lesson).decisions

    assert save(a="keep:1")[1] == {first: "keep:1"}
    assert save(b="none")[1] == {first: "keep:1", second: "none"}, "what one person left open does not undo the other's"
    refused, kept = save(a="none", c="keep:1")
    assert kept == {first: "keep:1", second: "none", third: "keep:1"}
    assert refused.status_code == 409 and "Somebody else decided 1 of these moments" in refused.text
    assert save(a="keep:1")[0].status_code == 302, "the same decision is no conflict"


def test_a_second_export_joins_the_comparison_and_can_go_again(client_for, lesson, services, here):
    client = client_for("anna")
    add(client, lesson, export({1: [(1, 5, "P")]}))
    assert add(client, lesson, export({1: [(1, 4, "P")], 7: []})).status_code == 200
    assert add(client, lesson, b"start,end,label,annotator\n1,4,P,anna\n", "marks.csv").status_code == 200
    told = client.get(f"/api/lessons/{lesson.id}/agreement").json
    assert told["annotators"] == ["1:1", "2:1", "7", "anna"]
    shown = figures_page(client, lesson, annotator=["1:1", "2:1"])
    assert "урок.annotations.3.json" in shown and "Marks of 2:1" in shown and "Marks of 7" not in shown
    for name in ("урок.annotations.3.json", "урок.annotations.4.csv"):
        assert client.post("/delete_file", json={"object_name": lesson.prefix + name}).status_code == 200
    assert "the work of one person" in figures_page(client, lesson)


def test_many_disagreements_come_in_pages_and_by_pattern(client_for, lesson, services, here):
    many = [(place, place + 0.5, "P" if place % 5 else "Q") for place in range(55)]
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", export({2: many, 10: []}))
    client = client_for("anna")
    first, second = figures_page(client, lesson), page_of(client, lesson, page="2")
    names = [re.findall(r'name="(d-[0-9a-f]{12})" value=""', shown) for shown in (first, second)]
    assert [len(found) for found in names] == [10, 10] and not set(names[0]) & set(names[1])
    assert "<legend>11. " in second and "page=2#disagreements" in first
    assert "<legend>51. " in page_of(client, lesson, page="99"), "there is no page behind the last"
    turned = re.search(r'form="decisions" formaction="([^"]+)" data-there="[^"]+page=2#', first).group(1).replace("&amp;", "&")
    token = re.search(r'name="csrf_token" value="([^"]+)"', first).group(1)
    after = client.post(turned, data={"csrf_token": token, names[0][0]: "none"})
    assert after.status_code == 302 and "page=2" in after.location, "without a script too, who turns the list loses no choice"
    kept = re.search(rf'name="{names[0][0]}" value="([^"]*)" checked', page_of(client, lesson, page="1")).group(1)
    assert kept == "none" and "The decisions are saved." in client.get(after.location).text
    only_q = page_of(client, lesson, pattern="Q")
    assert only_q.count("<legend>") == 10 and "page=2" in only_q and "<legend>1. Q" in only_q


def test_of_what_was_built_and_what_was_fetched_the_newer_is_compared(lesson, services):
    def compared():
        return [found.key.removeprefix(lesson.prefix + "урок") for found in comparisons.sources(lessons.view(services, lesson))]

    for name in (".annotations.eaf", ".label-studio.annotations.json", ".annotations.10.json", ".annotations.2.csv"):
        services.store.put_bytes(services.raw, f"{lesson.prefix}урок{name}", b"[]")
        time.sleep(0.02)
    assert compared() == [".label-studio.annotations.json", ".annotations.2.csv", ".annotations.10.json"]
    services.store.put_bytes(services.raw, f"{lesson.prefix}урок.annotations.eaf", b"[]")
    assert compared() == [".annotations.eaf", ".annotations.2.csv", ".annotations.10.json"]


def test_files_that_cannot_be_compared_are_refused_and_not_kept(client_for, lesson, services, monkeypatch):
    client = client_for("anna")
    assert add(client, lesson, b"not an export").status_code == 422
    assert client.post(f"/api/lessons/{lesson.id}/agreement/annotations").status_code == 400
    monkeypatch.setattr(agreement, "MAX_SOURCES_BYTES", len(TWO) + 5)
    assert add(client, lesson, TWO).status_code == 200
    full = add(client, lesson, TWO)
    assert full.status_code == 400 and "Remove one first" in full.json["error"]
    kept = [found.key for found in services.store.list(services.raw, lesson.prefix) if ".annotations" in found.key]
    assert kept == [lesson.prefix + "урок.annotations.2.json"]


def test_annotations_of_other_lessons_only_are_said_to_be_so(client_for, lesson, services, here):
    task = {"data": {"lesson_id": "one"}, "annotations": [{"id": 1, "completed_by": 1, "result": []}]}
    both = json.dumps([task, {**task, "data": {"lesson_id": "two"}}]).encode()
    services.store.put_bytes(services.raw, lesson.prefix + "урок.annotations.json", both)
    client = client_for("anna")
    assert client.get(f"/api/lessons/{lesson.id}/agreement").status_code == 400
    page_of(client, lesson)
    work(services)
    assert "belong to several lessons: one, two" in page_of(client, lesson)


def test_a_build_of_the_gold_set_leaves_the_exports_as_they_are(client_for, lesson, services, here):
    key = lesson.prefix + "урок.annotations.json"
    services.store.put_bytes(services.raw, key, TWO)
    client = client_for("anna")
    where = f"/api/lessons/{lesson.id}/agreement/build"
    refused = client.post(where)
    assert refused.status_code == 409 and "table of patterns" in refused.json["error"]
    table = "Паттерн;Описание\nПохвала;Ободрение\n".encode()
    services.store.put_bytes(services.raw, lesson.prefix + "урок.patterns.csv", table)
    job = services.ledger.get(client.post(where).json["job_id"])
    assert job.kind == "build_dataset" and job.input["annotations"] == agreement.GOLD
    assert b"".join(services.store.read(services.raw, key)) == TWO
    kept = b"".join(services.store.read(services.raw, keys.derivative_key(lesson.video_key, agreement.GOLD)))
    assert "Похвала" in [label for item in json.loads(kept)[0]["annotations"][0]["result"] for label in item["value"]["labels"]]

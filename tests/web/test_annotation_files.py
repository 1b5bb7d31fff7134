"""Annotations of any tool: the form takes them, the plan is the same, and they can be had for any other tool."""

from __future__ import annotations

import io
import json
import re

import pytest

from ppi.dataset.layout import CHANGES
from ppi.errors import InputError
from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.storage import keys
from ppi.workflows import annotations, plain_agreement, plain_plan
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.ingest import describe
from tests.conftest import DATA
from tests.web.test_access import lesson  # noqa: F401  (a fixture)

INFO = MediaInfo("mov", 60.0, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
MARKS = (DATA / "sample_annotations.json").read_bytes()
TABLE = "Паттерн;Описание\nПохвала;Слова\n".encode()
NAMES = {
    "eaf": "урок.eaf", "textgrid": "урок.TextGrid", "boris": "events.tsv", "boris_project": "урок.boris", "csv": "marks.csv",
    "json_min": "урок.min.json", "json": "export.json",
}  # fmt: skip


@pytest.fixture
def ready(services, lesson) -> LessonRow:  # noqa: F811
    """A lesson of anna's that a dataset can be built of."""
    services.store.put_bytes(services.raw, lesson.prefix + "урок.info.json", json.dumps(describe(lesson, INFO)).encode())
    return lesson


def build(client, row, data, name, services):
    """Ask for a build and cancel it, so that the next can be asked for."""
    files = {"annotations": (io.BytesIO(data), name), "patterns": (io.BytesIO(TABLE), "p.csv")}
    answer = client.post("/api/datasets", data={"file_id": row.id, **files}, content_type="multipart/form-data")
    if answer.status_code == 200:
        services.ledger.cancel(answer.json["job_id"])
    return answer


def kept(services, row):
    names = [found.key.removeprefix(row.prefix) for found in services.store.list(services.raw, row.prefix)]
    return [name for name in names if ".annotations" in name and ".before." not in name]


def plan_of(folder, name, data):
    """The plan of a build of these annotations, times in whole frames of a hundredth of a second."""
    (folder / name).write_bytes(data)
    (folder / "p.csv").write_bytes(TABLE)
    planned = plain_plan.plan_early(folder / name, folder / "p.csv", INFO, "Урок", "урок.mp4")
    samples = [
        (sample.annotator, sorted(pattern.type for pattern in sample.patterns), round(sample.span.start_s, 2),
         round(sample.span.end_s, 2))
        for sample in planned.samples
    ]  # fmt: skip
    return sorted(samples), sorted(planned.unmatched)


@pytest.mark.parametrize("kind", NAMES)
def test_the_plan_is_the_same_whatever_tool_the_annotations_come_from(kind, services, ready, anna, tmp_path):
    assert build(anna, ready, MARKS, "export.json", services).status_code == 200
    brought = anna.get(f"/lessons/{ready.id}/annotations/{kind}")
    assert brought.status_code == 200
    samples, unmatched = plan_of(tmp_path, "a.json", MARKS)
    assert len(samples) == 10 and unmatched
    assert plan_of(tmp_path, NAMES[kind], brought.data) == (samples, unmatched)


@pytest.mark.parametrize("kind", NAMES)
def test_the_form_takes_the_file_keeps_it_under_its_ending_and_gives_it_out_again(kind, services, ready, anna):
    assert build(anna, ready, MARKS, "export.json", services).status_code == 200
    brought = anna.get(f"/lessons/{ready.id}/annotations/{kind}").data
    assert build(anna, ready, brought, NAMES[kind], services).status_code == 200
    endings = {"eaf": ".eaf", "textgrid": ".TextGrid", **dict.fromkeys(("json", "boris_project", "json_min"), ".json")}
    ending = endings.get(kind, ".csv")
    assert kept(services, ready) == [f"урок.annotations{ending}"], "the file of the build before is gone"
    again = anna.get(f"/lessons/{ready.id}/annotations/csv")
    assert again.data.decode("utf-8-sig").startswith("start,end,label,annotator\r\n")
    assert again.headers["Content-Disposition"].endswith("filename*=UTF-8''%D1%83%D1%80%D0%BE%D0%BA.annotations.csv")
    assert again.headers["X-Content-Type-Options"] == "nosniff"


def test_the_task_for_label_studio_has_the_addresses_of_the_lessons_kit(services, ready, anna):
    build(anna, ready, MARKS, "export.json", services)
    data = json.loads(anna.get(f"/lessons/{ready.id}/annotations/json").data)[0]["data"]
    shown = json.loads(anna.get(f"/api/status/{ready.id}").json["task_json"])[0]["data"]
    assert {name: data[name] for name in ("video", "audio", "fps", "lesson_id")} == {
        name: shown[name] for name in ("video", "audio", "fps", "lesson_id")
    }
    assert data["video"].startswith("http://localhost/m/")


def test_annotators_are_compared_whatever_tools_they_worked_with(tmp_path):
    marks = b"start,end,label,annotator\n1,2,A,anna\n5,6,A,anna\n"
    (tmp_path / "anna.csv").write_bytes(marks)
    (tmp_path / "boris.csv").write_bytes(marks.replace(b"anna", b"boris"))
    annotations.convert_file(tmp_path / "boris.csv", tmp_path / "boris.eaf")
    found = plain_agreement.compare_files([tmp_path / "anna.csv", tmp_path / "boris.eaf"], duration_s=10.0)
    assert list(found.annotators) == ["anna", "boris"]
    assert [entry.kappa for entry in found.patterns] == [1.0]


def test_a_file_is_told_by_its_content_whatever_it_is_called(services, ready, anna):
    build(anna, ready, MARKS, "x", services)
    eaf = anna.get(f"/lessons/{ready.id}/annotations/eaf").data
    assert build(anna, ready, eaf, "export.json", services).status_code == 200
    assert kept(services, ready) == ["урок.annotations.eaf"]


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [(b"PK\x03\x04", "p.xlsx", "Label Studio"), (b"", "a.json", "ELAN"), (b"just words", "a.txt", "start, end and label"),
     (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&a;</ANNOTATION_DOCUMENT>', "a", "entities"),
     (b'"ooTextFile" "TextGrid" 0 1 <exists> 1 "', "a.TextGrid", "closing quote"),
     (b"start,end,label\n1,nan,A\n", "a.csv", "Line 2"),
     (b'{"observations": {"a": {"events": [1]}}, "behaviors_conf": {}}', "a.boris", "Observation a")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_words_and_changes_nothing(data, name, says, services, ready, anna):
    build(anna, ready, MARKS, "export.json", services)
    answer = build(anna, ready, data, name, services)
    assert (answer.status_code, answer.json["code"]) == (422, "annotation") and says in answer.json["error"]
    assert kept(services, ready) == ["урок.annotations.json"]
    assert not [path for path in services.work_dir.rglob("*") if path.is_file()]


def test_no_annotations_and_no_such_format_are_told_apart(services, ready, anna):
    anna.environ_base["HTTP_ACCEPT"] = "application/json"
    missing = anna.get(f"/lessons/{ready.id}/annotations/csv")
    assert missing.status_code == 404 and missing.json["error"].startswith("This lesson has no annotations yet.")
    build(anna, ready, MARKS, "export.json", services)
    refused = anna.get(f"/lessons/{ready.id}/annotations/xlsx")
    assert refused.status_code == 400 and "eaf, textgrid, boris, boris_project, csv, json_min, json" in refused.json["error"]


def test_the_pages_offer_every_format_and_the_form_lets_their_files_be_chosen(services, ready, anna):
    assert "data-annotations" not in anna.get(f"/lessons/{ready.id}").text
    build(anna, ready, MARKS, "export.json", services)
    assert set(re.findall(r'data-annotations="(\w+)"', anna.get(f"/lessons/{ready.id}").text)) == set(NAMES)
    form = anna.get(f"/dataset?lesson={ready.id}").text
    accepted = re.search(r'id="annotations" name="annotations" accept="([^"]+)"', form)[1].split(",")
    assert set(accepted) == set(annotations.ENDINGS)


def test_the_job_builds_of_the_file_that_was_kept(services, ready, anna, monkeypatch):
    build(anna, ready, MARKS, "export.json", services)
    table = anna.get(f"/lessons/{ready.id}/annotations/csv").data
    answer = build(anna, ready, table, "marks.csv", services)
    job = services.ledger.get(answer.json["job_id"])
    given = annotations.stored(services, ready)
    assert given.key == keys.derivative_key(ready.video_key, ".annotations.csv")
    assert b"".join(services.store.read(services.raw, given.key)) == table
    assert job.input["table"] == ".patterns.csv"


def test_a_build_that_failed_leaves_the_way_to_the_dataset_of_before(anna, services, ready):
    said, history = "The dataset of before is still there.", json.dumps({"versions": [{"version": 1, "samples": 3}]})
    services.store.put_bytes(services.final, dataset_prefix(ready) + CHANGES, history.encode())
    assert said not in anna.get(f"/lessons/{ready.id}").text
    job = services.ledger.submit("build_dataset", ready.owner_id, ready.id, {}, queue="media")
    services.ledger.claim("1:0:here", "host", ["media"], 4)
    services.ledger.fail(job.id, 1, InputError("No."))
    page = anna.get(f"/lessons/{ready.id}").text
    assert said in page and f'href="/publish?lesson={ready.id}"' in page

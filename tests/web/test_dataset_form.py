"""The form of step 2: the way of cutting goes from the page into the job."""

from __future__ import annotations

import json

import pytest

from ppi.records import MediaInfo, VideoTrack
from ppi.storage import keys
from ppi.workflows import uploads
from ppi.workflows.ingest import describe
from tests.conftest import DATA

INFO = MediaInfo("mp4", 64.0, 0.0, 4, VideoTrack("h264", 320, 180, 25.0, False, 0, "yuv420p"), ())


@pytest.fixture
def lesson(services):
    """A stored lesson of anna's, as if it had been prepared."""
    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="lesson.mp4", task_name="Lesson", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    row = services.lessons.get(row.id)
    services.store.put_bytes(services.raw, row.video_key, b"film", metadata={"user-id": anna.id})
    facts = json.dumps(describe(row, INFO)).encode()
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".info.json"), facts)
    return row


def send(client, lesson, **fields):
    with (DATA / "sample_annotations.json").open("rb") as marks, (DATA / "sample_patterns.xlsx").open("rb") as table:
        form = {"file_id": lesson.id, "annotations": (marks, "a.json"), "patterns": (table, "p.xlsx"), **fields}
        return client.post("/api/datasets", data=form, content_type="multipart/form-data")


def test_the_page_offers_both_ways_and_says_what_fast_leaves_in_the_files(client_for, lesson):
    page = client_for("anna").get(f"/dataset?lesson={lesson.id}").text
    assert 'name="clips" value="strict" id="clips-strict" checked' in page
    assert 'name="clips" value="fast" id="clips-fast" aria-describedby="clips-fast-about"' in page
    assert "keeps hidden ones from before the start" in page


@pytest.mark.parametrize(("fields", "wanted"), [({}, "strict"), ({"clips": "strict"}, "strict"), ({"clips": "fast"}, "fast")])
def test_the_way_of_cutting_is_kept_with_the_job(fields, wanted, services, client_for, lesson):
    answer = send(client_for("anna"), lesson, **fields)
    assert answer.status_code == 200, answer.json
    assert services.ledger.get(answer.json["job_id"]).input["clips"] == wanted


def test_another_way_of_cutting_is_refused(services, client_for, lesson):
    answer = send(client_for("anna"), lesson, clips="quick")
    assert (answer.status_code, answer.json["code"]) == (400, "input")
    assert "strict or fast, not quick" in answer.json["error"]
    assert not [job for job in services.ledger.list(lesson_id=lesson.id) if job.kind == "build_dataset"]

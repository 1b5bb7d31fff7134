"""A dataset that is built again in the store: clips that are still right are fetched, not cut, and nothing is put twice."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from ppi.records import Segment, Transcript, Word
from ppi.services import Services
from ppi.workflows import annotations as given
from ppi.workflows import build_dataset, corrections, local, runner, stored_datasets
from ppi.workflows.about_lesson import dataset_prefix
from tests.conftest import DATA, settings_for, with_people

pytestmark = pytest.mark.slow
WORDS = (Word("Good", 0.8, 1.2), Word("morning", 1.2, 1.6), Word("everyone.", 1.6, 2.0))
SAID = Transcript((Segment(0.8, 2.0, "Good morning everyone.", WORDS),), "en", "whisper", "base", 63.0)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Services with a runner, and a transcribed lesson whose dataset was built once."""
    services = with_people(Services(settings_for(tmp_path_factory.mktemp("rebuild") / "data")))
    working = runner.start_engine(services, "web", runner.lanes(services))
    job = runner.wait_for(services, local.ingest_file(services, DATA / "sample_lesson.mp4", "Урок", "anna"))
    row = services.lessons.get(job.lesson_id)
    corrections.keep_new(services, row, SAID)
    table = (DATA / "sample_patterns.xlsx").read_bytes()
    assert build(services, row, tasks(), table=io.BytesIO(table), table_name="patterns.xlsx") == (10, 0)
    yield services, row
    working.stop()


def tasks():
    return json.loads((DATA / "sample_annotations.json").read_text(encoding="utf-8"))


def build(services, row, annotations, **table):
    """How many clips were cut, and how many kept."""
    marks = io.BytesIO(json.dumps(annotations).encode())
    job = build_dataset.request_build(services, row, annotations=marks, annotations_name="export.json", **table)
    ended = runner.wait_for(services, job)
    assert ended.status == "completed", ended
    return ended.result["cut"], ended.result["kept"]


def clips(services, row):
    """When each clip and key frame was put, and its etag."""
    found = services.store.list(services.final, dataset_prefix(row))
    return {item.key: (item.etag, item.last_modified_s) for item in found if item.key.endswith((".mp4", ".jpg"))}


def content(services, row):
    _, stream = stored_datasets.zip_stream(services, dataset_prefix(row), row.name)
    bundle = zipfile.ZipFile(io.BytesIO(b"".join(stream)))
    return {name: bundle.read(name) for name in bundle.namelist()}


def test_a_rebuild_fetches_what_is_right_and_puts_only_what_is_new(desk):
    services, row = desk
    before = clips(services, row)
    moved = tasks()
    moved[0]["annotations"][0]["result"][0]["value"]["end"] += 0.4
    assert build(services, row, moved) == (1, 9)
    after = clips(services, row)
    changed = {key.rsplit(".", 1)[0].rsplit("/", 1)[1] for key in after if after[key] != before[key]}
    assert after.keys() == before.keys() and len(changed) == 1
    built = content(services, row)
    assert build(services, row, moved) == (0, 10)
    assert content(services, row) == built
    assert stored_datasets.versions_of(services, dataset_prefix(row))[-1]["counts"] == {"moved": 1}


def test_a_stored_clip_that_was_damaged_is_cut_again(desk):
    services, row = desk
    whole = content(services, row)
    key = next(key for key in clips(services, row) if key.endswith(".mp4"))
    services.store.put_bytes(services.final, key, b"not a clip any more")
    kept = given.stored(services, row).key
    marks = json.loads(b"".join(services.store.read(services.raw, kept)))
    assert build(services, row, marks) == (1, 9)
    assert content(services, row) == whole

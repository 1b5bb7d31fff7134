"""A deleted lesson comes back whole or goes without a trace: on the local store, and on a real S3 server."""

from __future__ import annotations

import os
import secrets
import time

import pytest
import requests

from ppi.errors import NotFound
from ppi.jobs.lessons import BINNED, Wanted
from ppi.records import Segment, Transcript
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import corrections, lessons, recycle_bin, stored_datasets, versions
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.house import Housekeeper
from ppi.workflows.ingest import owner_metadata
from tests.conftest import PASSWORD, settings_for, with_people
from tests.functional.stored import lesson_with_dataset

SAID = Transcript((Segment(0.8, 2.0, "Почему идёт дощь?"), Segment(2.0, 3.0, "Садитесь.")), "ru", "whisper", "base", 63.0)
EVERYTHING = Wanted(sort="name")
# More than one part of a multipart upload.
FILM = os.urandom(6_000_000)


@pytest.fixture(params=["local", "s3"])
def here(request, tmp_path):
    variables = {}
    if request.param == "s3":
        name = f"undo-{secrets.token_hex(4)}"
        buckets = {"RAW_DATA_BUCKET": f"{name}-raw", "FINAL_DATASET_BUCKET": f"{name}-final"}
        variables = request.getfixturevalue("s3_server").variables(**buckets)
    return with_people(Services(settings_for(tmp_path / "data", **variables)))


@pytest.fixture
def row(here, real_plan):
    """anna's lesson with sound, a transcript that was corrected, a dataset, and the rows of two versions of it."""
    made = lesson_with_dataset(here, real_plan, "Вода", owner="anna")
    for suffix, data in ((".mp4", FILM), (".wav", b"sound"), (".copy.mp4", b"copy")):
        key = made.video_key.removesuffix(".mp4") + suffix
        here.store.put_bytes(here.raw, key, data, content_type="video/mp4", metadata=owner_metadata(made))
    corrections.keep_new(here, made, SAID)
    corrections.edit(here, made, who="anna", base=1, number=0, text="Почему идёт дождь?")
    versions.keep(here, made)
    [rows] = [item.key for item in here.store.list(here.raw, made.prefix) if ".rows.v1." in item.key]
    here.store.copy(here.raw, rows, rows.replace(".v1.", ".v2."))
    here.lessons.set_expiry(made.id, 0.0)
    return here.lessons.get(made.id)


@pytest.fixture
def fetch(here):
    """`fetch(link)` opens a link as a stranger does: status and content."""
    stranger = build_app(here).test_client()

    def get(link):
        if link.startswith("http"):
            answer = requests.get(link, timeout=20)
            return answer.status_code, answer.content
        answer = stranger.get(link)
        return (answer.status_code, answer.data) if answer.status_code != 302 else get(answer.location)

    return get


def kept(here, row):
    """All that is stored of the lesson: bytes, types and metadata of its objects, and what is made of them."""
    found = {}
    for bucket in (here.raw, here.final):
        for item in here.store.list(bucket, row.prefix):
            about = here.store.stat(bucket, item.key)
            content = b"".join(here.store.read(bucket, item.key))
            found[bucket, item.key] = content, about.content_type, dict(about.metadata), about.etag
    now = corrections.load(here, row)
    found["transcript"] = now.transcript, [version.number for version in now.history.versions]
    found["versions"] = versions.numbers(here, row), versions.compare(here, row, 1, 2)
    found["rows"] = stored_datasets.rows_of(here, dataset_prefix(row))
    found["jobs"] = [(job.kind, job.status) for job in here.ledger.list(lesson_id=row.id)]
    return found


def given_out(here, row):
    """Links that people hold: of the video, of what was made of it, of the dataset, and the revocable one."""
    sign = here.store.presign_get
    clip = next(item.key for item in here.store.list(here.final, row.prefix) if item.key.endswith(".mp4"))
    sound = row.video_key.removesuffix(".mp4") + ".wav"
    signed = [lessons.share_link(here, row), sign(here.raw, sound), sign(here.final, clip)]
    return signed, lessons.stable_link(here, row)


def what_questions_say_of_links(here, row):
    """Of every page that asks before the deletion: whether it says that links live a little longer."""
    client = build_app(here).test_client()
    token = client.post("/api/login", json={"username": "anna", "password": PASSWORD}).json["csrf_token"]
    question = client.post("/lessons/delete", data={"csrf_token": token, "lesson": row.id}).text
    pages = (question, client.get(f"/lessons/{row.id}").text, client.get("/files").text)
    assert all("You can undo this for ten minutes." in page for page in pages)
    return {"Links with a date that were given out end with these ten minutes." in page for page in pages}


def test_a_lesson_that_is_brought_back_has_everything_it_had(here, row, fetch):
    anna, before = here.users.get(row.owner_id), kept(here, row)
    signed, stable = given_out(here, row)
    opened = [fetch(link) for link in (*signed, stable)]
    assert {status for status, _ in opened} == {200} and opened[0][1] == opened[3][1] == FILM
    assert what_questions_say_of_links(here, row) == ({False} if here.store.is_local else {True})
    recycle_bin.put_in(here, row)
    assert lessons.list_files(here, anna) == [] and here.lessons.page(EVERYTHING, 0, 9) == ([], 0)
    assert fetch(stable)[0] == 404
    # The application asks for the state of the lesson at every one of its own links; a server of S3 knows none.
    assert {fetch(link)[0] for link in signed} == {404 if here.store.is_local else 200}
    recycle_bin.bring_back(here, recycle_bin.owned(here, anna, row.id))
    assert here.lessons.get(row.id) == row and kept(here, row) == before
    assert [fetch(link) for link in (*signed, stable)] == opened
    assert here.lessons.page(EVERYTHING, 0, 9) == ([row], 1)


@pytest.mark.parametrize("way", ["the ten minutes are over", "for good at once"])
def test_a_lesson_that_is_gone_leaves_nothing_and_its_links_lead_nowhere(here, row, fetch, way):
    signed, stable = given_out(here, row)
    with here.store.as_file(here.raw, row.video_key) as path:  # as a job does on this machine
        assert path.read_bytes() == FILM
    recycle_bin.put_in(here, row)
    house = Housekeeper(here, "web", ())
    if way == "for good at once":
        assert recycle_bin.empty(here, here.lessons.get(row.id))
    else:
        here.lessons.move_on(row.id, BINNED, BINNED, expires_s=time.time() - 1)
    house.keep_house()
    assert [fetch(link)[0] for link in (*signed, stable)] == [404] * 4
    assert [item.key for bucket in (here.raw, here.final) for item in here.store.list(bucket)] == []
    assert here.lessons.missing([row.id]) == {row.id} and here.ledger.list(lesson_id=row.id) == []
    assert here.lessons.of_keys([row.video_key]) == {} and here.lessons.page(EVERYTHING, 0, 9) == ([], 0)
    with pytest.raises(NotFound):
        recycle_bin.owned(here, here.users.get(row.owner_id), row.id)
    # No copy of the film stays in the data folder either, once the housekeeping of a later minute has looked.
    Services(here.settings).store.sweep()
    left = [path for path in here.settings.data_dir.rglob("*") if path.is_file() and path.stat().st_size == len(FILM)]
    assert left == []

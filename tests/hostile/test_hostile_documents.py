"""Annotations and pattern tables that ask for too much, through the address a browser sends them to."""

from __future__ import annotations

import io
import json
import time
import zipfile

import psutil
import pytest

from ppi.annotation import formats
from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.workflows.ingest import describe
from tests.conftest import DATA
from tests.hostile import bombs, corpus
from tests.web.test_access import lesson  # noqa: F401  (a fixture)

GOOD = (DATA / "sample_annotations.json").read_bytes()
GOOD_TABLE = (DATA / "sample_patterns.xlsx").read_bytes()
SOON_S = 30
CLEAR = {400, 413, 422}


def children() -> set[psutil.Process]:
    """Without the helper that Python keeps for all child processes of a program."""
    found = psutil.Process().children()
    return {child for child in found if not any("resource_tracker" in word for word in child.cmdline())}


@pytest.fixture
def ready(services, lesson) -> LessonRow:  # noqa: F811
    """A lesson of anna's that a dataset can be built of."""
    info = MediaInfo("mov", 60.0, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
    services.store.put_bytes(services.raw, lesson.prefix + "урок.info.json", json.dumps(describe(lesson, info)).encode())
    return lesson


@pytest.fixture
def ask(client_for, services, ready, listener):
    """`ask(annotations, table, name)` asks for a build; answers the status. Nothing is called, written or left running."""
    client, running = client_for("anna"), children()

    def send(annotations: bytes = GOOD, table: bytes = GOOD_TABLE, name: str = "p.xlsx") -> int:
        began = time.monotonic()
        files = {"annotations": (io.BytesIO(annotations), "a.json"), "patterns": (io.BytesIO(table), name)}
        answer = client.post("/api/datasets", data={"file_id": ready.id, **files}, content_type="multipart/form-data")
        assert answer.status_code < 500, answer.text
        assert time.monotonic() - began < SOON_S
        assert answer.json["success"] or (answer.json["error"] and answer.json["code"])
        if answer.status_code == 200:
            services.ledger.cancel(answer.json["job_id"])
        return answer.status_code

    yield send
    assert listener.hits == 0
    assert not list(services.settings.data_dir.rglob("planted*"))
    assert [path for path in services.work_dir.rglob("*") if path.is_file()] == []
    assert children() <= running


def test_good_documents_are_taken(ask):
    """Otherwise the refusals below would prove nothing."""
    assert ask() == 200 and ask() == 200


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.slow
def test_workbooks_that_ask_for_too_much_are_refused_or_read_as_far_as_they_make_sense(ask):
    told = {}
    for what, data in bombs.workbooks():
        assert len(data) < 1_000_000, what
        told[what] = ask(table=data)
    assert set(told.values()) <= CLEAR | {200}, told
    assert all(status in CLEAR for what, status in told.items() if "190 MB" in what or "laughs" in what), told


def test_the_bombs_are_bombs():
    with zipfile.ZipFile(io.BytesIO(next(bombs.workbooks())[1])) as archive:
        assert len(archive.read("xl/worksheets/sheet1.xml")) > 190_000_000
    with pytest.raises(RecursionError):
        json.loads(b"[" * 100_000)


@pytest.mark.parametrize("share", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_spoiled_workbooks_are_read_or_refused_in_words(share, ask):
    seen = {ask(table=data) for data in bombs.spoiled_workbooks(share)}
    seen |= {ask(table=data) for data in corpus.mutants([GOOD_TABLE, bombs.workbook()], share, seed=10)}
    assert seen <= CLEAR | {200} and seen & CLEAR


def test_spoiled_tables_as_text_are_read_or_refused_in_words(ask):
    good = "Паттерн;Описание\nПохвала;Хвалит\n".encode()
    crafted = [b"", b"\0" * 1000, b'"' * 10_000, b"," * 1_000_000, b"\n" * 1_000_000, b"a" * 1_000_000,
        b"=cmd|' /C calc'!A0,x\n", b"\xff\xfe" + b"\xd8\x00" * 1000]  # fmt: skip
    seen = {ask(table=data, name="p.csv") for data in [*crafted, *corpus.mutants([good], 40, seed=11)]}
    assert seen <= CLEAR | {200} and seen & CLEAR


@pytest.mark.parametrize("name", ["", ".xlsx", "../../planted.xlsx", "p.xlsx\0.csv", "p.exe", "p.CSV ", "я" * 300 + ".csv"])
def test_the_name_of_a_table_leads_nowhere(name, ask):
    assert ask(name=name) in CLEAR | {200}


def test_spoiled_files_of_other_tools_are_read_or_refused_in_words(ask):
    table, read = "Паттерн;Описание\nA;B\n".encode(), formats.read(GOOD, frame_rate=25.0, duration_s=60.0)
    good = [formats.write(read.annotations, kind, frame_rate=25.0, duration_s=60.0) for kind in formats.TARGETS]
    seen = {ask(data, table, "p.csv") for data in [*good, *corpus.mutants(good, 100, seed=13)]}
    assert seen <= CLEAR | {200} and seen & CLEAR and 200 in seen


def test_annotations_that_make_no_sense_are_read_or_refused_in_words(ask):
    """With a table that is read here, in no child, so that hundreds of them take seconds."""
    table = "Паттерн;Описание\nA;B\n".encode()
    seen = {ask(data, table, "p.csv") for data in [*bombs.annotations(), *corpus.mutants([GOOD], 100, seed=12)]}
    assert seen <= CLEAR | {200} and seen & CLEAR

"""The annotation kit of a stored lesson: page, files, the table that stays, and media for a Label Studio that is near."""

from __future__ import annotations

import html
import io
import json
import os
import re
import subprocess
from xml.etree import ElementTree

import av
import openpyxl
import pytest

from ppi.annotation import tables
from ppi.errors import fill
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import label_studio_files, local, runner
from ppi.workflows.lessons import delete_lesson
from tests.conftest import DATA, settings_for, with_people

TABLE = "Паттерн;Описание\nП: Похвала;Хвалит <b>\nУ: Вопрос;\nПохвала П;снова\n"
MEDIA = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=30000/1001:d=2"]
SOUND = ["-f", "lavfi", "-i", "sine=d=1.7"]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Two seconds of picture, a little less of sound."""
    path = tmp_path_factory.mktemp("kit") / "урок.mp4"
    subprocess.run(["ffmpeg", "-v", "error", *MEDIA, *SOUND, "-pix_fmt", "yuv420p", str(path)], check=True)
    return path


class Desk:
    """A lesson of anna's that is ready, her client, and somebody who does the jobs."""

    def __init__(self, services: Services, video):
        self.services = services
        self.working = runner.start_engine(services, "web", runner.lanes(services))
        self.row = services.lessons.get(self.done(local.ingest_file(services, video, "Урок", "anna")).lesson_id)
        self.client = build_app(services).test_client()
        _, token = services.users.create_token(services.users.by_name("anna").id, "test")
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    def done(self, job):
        return runner.wait_for(self.services, job)

    def give(self, text: str | bytes = TABLE, name="t.csv", **fields):
        data = text.encode() if isinstance(text, str) else text
        form = {"patterns": (io.BytesIO(data), name), **fields}
        return self.client.post(f"/api/lessons/{self.row.id}/kit", data=form, content_type="multipart/form-data")

    def page(self, **query) -> str:
        return self.client.get("/kit", query_string={"lesson": self.row.id, **query}).text

    def get(self, name, **query):
        return self.client.get(f"/lessons/{self.row.id}/kit/{name}", query_string=query)

    def task(self) -> dict:
        return json.loads(self.get("tasks.json").text)[0]["data"]

    def prepare(self):
        return self.done(self.services.ledger.get(self.client.post(f"/api/lessons/{self.row.id}/kit/prepare").json["job_id"]))

    def names(self) -> set[str]:
        found = self.services.store.list(self.services.raw, self.row.prefix)
        return {item.key.removeprefix(self.row.prefix) for item in found}


@pytest.fixture
def desk_for(tmp_path, video):
    """`desk_for(LABEL_STUDIO_DATA_DIR=...)`: a desk on settings of its own."""
    desks = []

    def make(**variables) -> Desk:
        desks.append(Desk(with_people(Services(settings_for(tmp_path / "data", **variables))), video))
        return desks[-1]

    yield make
    for desk in desks:
        desk.working.stop()


def test_a_table_becomes_a_configuration_and_a_task_and_stays_for_the_dataset(desk_for):
    desk = desk_for()
    assert "Choose the table of patterns" in desk.page() and "labelling-config.xml" not in desk.page()
    assert desk.get("labelling-config.xml").status_code == 404

    made = desk.give(variant="boxes").json
    assert [(label["value"], label["role"], label["hotkey"]) for label in made["labels"]] == [
        ("П: Похвала", "teacher", "1"), ("У: Вопрос", "student", "2"),
    ]  # fmt: skip
    assert made["problems"] == [{"where": "row 4", "reason": "duplicate_pattern", "detail": "Похвала П"}]
    assert "<VideoRectangle" in made["config"]

    page = desk.page(variant="speech_acts")
    assert "Хвалит &lt;b&gt;" in page and "the same pattern again" in page and 'fill="#45399b"' in page
    answer = desk.get("labelling-config.xml", variant="speech_acts")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="labelling-config.xml"')
    assert {tag.get("name") for tag in ElementTree.fromstring(answer.text).iter("Choices")} >= {"initiator", "speech_act"}
    assert answer.text.strip() in html.unescape(page)

    # The dataset takes the table that is there.
    marks = {"id": 1, "data": desk.task(), "annotations": [{"id": 1, "result": [
        {"id": "a", "type": "labels", "from_name": "patterns", "to_name": "audio",
         "value": {"start": 0.2, "end": 1.0, "labels": ["П: Похвала"]}}]}]}  # fmt: skip
    form = {"file_id": desk.row.id, "annotations": (io.BytesIO(json.dumps([marks]).encode()), "a.json")}
    assert "The table that is kept with this lesson" in desk.client.get(f"/dataset?lesson={desk.row.id}").text
    answer = desk.client.post("/api/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 200, answer.text
    assert desk.done(desk.services.ledger.get(answer.json["job_id"])).result["unmatched"] == []

    # Another table takes its place, of whatever kind.
    assert desk.give((DATA / "sample_patterns.xlsx").read_bytes(), "p.xlsx").status_code == 200
    assert {name for name in desk.names() if "patterns" in name} == {"урок.patterns.xlsx", "урок.before.patterns.csv"}
    assert "Эмоциональная поддержка" in desk.page()


def test_no_page_waits_for_a_table_to_be_read_in_any_process_also_when_it_changes(desk_for, monkeypatch):
    desk, reads = desk_for(), []
    desk.give((DATA / "sample_patterns.xlsx").read_bytes(), "p.xlsx")
    once = tables.run_in_child
    monkeypatch.setattr(tables, "run_in_child", lambda *args, **options: reads.append(args) or once(*args, **options))
    first = desk.page()
    assert "Эмоциональная поддержка" in first and reads == []
    other = build_app(Services(desk.services.settings)).test_client()  # another process of the same machine
    other.environ_base.update(desk.client.environ_base)
    for client in (desk.client, other):
        assert "Эмоциональная поддержка" in client.get("/kit", query_string={"lesson": desk.row.id}).text
        assert client.get(f"/api/lessons/{desk.row.id}/intervals").status_code == 200
    assert reads == []
    changed = openpyxl.Workbook()
    changed.active.append(["Паттерн", "Описание"])
    changed.active.append(["Новый паттерн", ""])
    changed.save(desk.services.settings.data_dir / "changed.xlsx")
    desk.give((desk.services.settings.data_dir / "changed.xlsx").read_bytes(), "p.xlsx")
    reads.clear()
    assert "Новый паттерн" in other.get("/kit", query_string={"lesson": desk.row.id}).text and reads == []


def test_the_task_points_at_the_video_and_a_small_sound_of_its_length(desk_for, video, tmp_path):
    desk = desk_for()
    task = desk.task()
    assert (task["fps"], task["lesson_id"]) == ("29.97", desk.row.id)
    assert task["duration_s"] == pytest.approx(2.002, abs=0.001)
    assert task == json.loads(desk.client.get(f"/api/status/{desk.row.id}").json["task_json"])[0]["data"]
    for name, kind in (("video", "video/mp4"), ("audio", "audio/mpeg")):
        assert re.fullmatch(r"http://localhost/m/[\w-]+/lesson\.mp[34]", task[name])
        answer = desk.client.get(task[name], follow_redirects=True)
        assert answer.content_type == kind and answer.headers["Access-Control-Allow-Origin"] == "http://localhost:8080"
        (tmp_path / name).write_bytes(answer.data)
    assert (tmp_path / "video").read_bytes() == video.read_bytes()
    with av.open(str(tmp_path / "audio")) as sound:
        samples = sum(frame.samples for frame in sound.decode(audio=0))
    assert abs(samples / 24_000 - task["duration_s"]) < 1001 / 30000
    assert not re.search(r"/download/[^\"]*sound", desk.client.get(f"/lessons/{desk.row.id}").text), "it is no download"


def test_a_lesson_of_before_gets_its_small_sound_when_asked(desk_for):
    desk = desk_for()
    desk.give()
    assert "Prepare for Label Studio" not in desk.page()
    desk.services.store.delete(desk.services.raw, f"{desk.row.prefix}урок.sound.mp3")
    assert desk.task()["audio"].endswith("/lesson.wav")
    assert "no small sound track yet" in desk.page()
    assert desk.prepare().status == "completed"
    assert desk.task()["audio"].endswith("/lesson.mp3") and "Prepare for Label Studio" not in desk.page()
    delete_lesson(desk.services, desk.row)
    assert desk.names() == set()


def test_media_are_placed_where_label_studio_is_near_and_go_with_the_lesson(desk_for, tmp_path, monkeypatch):
    root = tmp_path / "served"
    root.mkdir()
    desk = desk_for(LABEL_STUDIO_DATA_DIR=str(root))
    desk.give()
    assert "/m/" in desk.task()["video"] and "the folder that Label Studio serves" in desk.page()
    assert desk.prepare().status == "completed"
    task, folder = desk.task(), root / "ppi" / desk.row.id
    wanted = {"lesson.mp4": task["video"], "sound.mp3": task["audio"]}
    assert {name: f"/data/local-files/?d=ppi/{desk.row.id}/{name}" for name in wanted} == wanted
    assert {path.name for path in folder.iterdir()} == set(wanted)
    stored = desk.services.store.as_file(desk.services.raw, desk.row.video_key)
    with stored as path:
        assert os.path.samefile(path, folder / "lesson.mp4"), "a link takes no room"
    assert label_studio_files.shared_folder(desk.services, task["video"]) == str(root / "ppi")
    assert label_studio_files.shared_folder(desk.services, "http://localhost/m/x/lesson.mp4") == ""
    assert "Local files" in desk.page() and str(root / "ppi") in desk.page()

    # Again: what is current stays, what is missing comes, what is not wanted goes; another user's folder gets copies.
    before = (folder / "lesson.mp4").stat().st_ino
    (folder / "sound.mp3").unlink()
    (folder / "sound.wav").write_bytes(b"of before")
    assert "/m/" in desk.task()["video"]
    monkeypatch.setattr(label_studio_files.os, "geteuid", lambda: root.stat().st_uid + 1)
    assert desk.prepare().status == "completed"
    assert {path.name for path in folder.iterdir()} == set(wanted) and desk.task() == task
    assert (folder / "lesson.mp4").stat().st_ino == before and (folder / "sound.mp3").stat().st_nlink == 1

    delete_lesson(desk.services, desk.row)
    assert list((root / "ppi").iterdir()) == []


def test_a_folder_that_is_not_there_is_named(desk_for, tmp_path):
    desk = desk_for(LABEL_STUDIO_DATA_DIR=str(tmp_path / "nowhere"))
    ended = desk.prepare()
    assert ended.status == "error" and "nowhere" in fill(ended.error, dict(ended.error_args))
    assert "nowhere" in desk.page()


def test_a_recording_that_is_awkward_gets_a_copy_on_request(desk_for, recording, tmp_path):
    desk = desk_for()
    assert "awkward" not in desk.client.get(f"/lessons/{desk.row.id}").text
    assert desk.client.post(f"/api/lessons/{desk.row.id}/normalize").status_code == 400
    delete_lesson(desk.services, desk.row)
    desk.row = desk.services.lessons.get(
        desk.done(local.ingest_file(desk.services, recording("variable"), "Запись", "anna")).lesson_id
    )
    lesson = f"/lessons/{desk.row.id}"
    page = desk.client.get(lesson).text
    assert "The frame rate varies" in page and "Make an annotation copy" in page
    assert "This recording is awkward to annotate." in desk.page()
    own = desk.task()
    job = desk.services.ledger.get(desk.client.post(f"/api{lesson}/normalize").json["job_id"])
    assert desk.done(job).result == {"frame_rate": 25.0}
    task = desk.task()
    assert (task["fps"], task["duration_s"], task["lesson_id"]) == (25, own["duration_s"], own["lesson_id"])
    assert float(own["fps"]) < 24 and task["video"] != own["video"] and task["audio"] == own["audio"]
    film = desk.client.get(task["video"], follow_redirects=True)
    (tmp_path / "copy.mp4").write_bytes(film.data)
    with av.open(str(tmp_path / "copy.mp4")) as made:
        assert made.streams.video[0].average_rate == 25 and film.content_type == "video/mp4"
    assert "awkward" not in desk.page()
    page = desk.client.get(lesson).text
    assert "Annotators get the annotation copy" in page and "Make an annotation copy" not in page
    assert "variable.copy.mp4" in desk.names() and not re.search(r"/download/[^\"]*copy", page)
    delete_lesson(desk.services, desk.row)
    assert desk.names() == set()


def test_what_is_no_table_is_refused_and_the_one_before_stays(desk_for):
    desk = desk_for()
    assert desk.give().status_code == 200
    for text, name, fields, status in (
        (TABLE, "t.json", {}, 400), (TABLE, "t.csv", {"variant": "video"}, 400), ("a;b\n1;2\n", "t.csv", {}, 422),
        ("Паттерн\n" + "x" * 201, "t.csv", {}, 422), (b"PK\x03\x04broken", "t.xlsx", {}, 422), (TABLE, "", {}, 400),
    ):  # fmt: skip
        refused = desk.give(text, name, **fields)
        assert (refused.status_code, bool(refused.json["error"])) == (status, True), refused.text
    assert "У: Вопрос" in desk.page() and "There is no variant video." in desk.page(variant="video")

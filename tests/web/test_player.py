"""What the player asks the server for: the waveform, captions, everybody's marks; and what the lesson's page tells."""

from __future__ import annotations

import json

import pytest

from ppi.annotation import config, patterns
from ppi.media.peaks import HEAD, MOST_STRETCHES
from ppi.processes import run_in_child
from ppi.records import Segment, Transcript, Word
from ppi.services import Services
from ppi.storage import keys
from ppi.web.app import build_app
from ppi.workflows import corrections, lessons, local, plain_lanes, runner
from ppi.workflows.ingest import PEAKS, SOUND, describe
from ppi.workflows.lessons import PARTIAL
from ppi.workflows.plain_understood import QUICK_BYTES
from tests.conftest import DATA, settings_for, with_people
from tests.fixtures_storage import S3Server

WORDS = (Word("Доброе", 0.8, 1.4), Word("утро!", 1.4, 2.0))
SAID = Transcript((Segment(0.8, 2.0, "Доброе утро!", WORDS),), "ru", "x", "x", 63.92)


@pytest.fixture(params=["local", "s3"])
def taken_in(request, tmp_path):
    """Services on a local or on an S3 store, with a lesson of anna's; the jobs are done by `work_off`."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        buckets = {"RAW_DATA_BUCKET": "raw-of-the-player", "FINAL_DATASET_BUCKET": "final-of-the-player"}
        settings = settings_for(tmp_path / "data", **server.variables(**buckets))
    else:
        settings = settings_for(tmp_path / "data")
    services = with_people(Services(settings))
    job = local.ingest_file(services, DATA / "sample_lesson.mp4", "Урок", "anna")
    work_off(services)
    return services, services.lessons.get(job.lesson_id)


def work_off(services):
    worker = runner.make_worker(services)
    while any(runner.do_next(services, worker, queue) for queue in ("receive", "media")):
        pass


def client_of(services, name):
    client = build_app(services).test_client()
    if name:
        _, token = services.users.create_token(services.users.by_name(name).id, "test")
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_the_waveform_comes_with_the_lesson_goes_to_its_owner_and_goes_with_it(taken_in):
    services, row = taken_in
    client, address = client_of(services, "anna"), f"/api/lessons/{row.id}/peaks"
    whole = client.get(address)
    assert whole.status_code == 200 and "no-cache" in whole.headers["Cache-Control"]
    _, _, rate, length, count, _ = HEAD.unpack(whole.data[: HEAD.size])
    assert count * length / rate == pytest.approx(63.92, abs=0.02) and len(whole.data) == HEAD.size + 2 * count
    assert len(whole.data) <= HEAD.size + 2 * MOST_STRETCHES

    few = client.get(f"{address}?stretches=100")
    told = HEAD.unpack(few.data[: HEAD.size])
    assert told[:3] == HEAD.unpack(whole.data[: HEAD.size])[:3] and told[3] == 32 * length and told[4] == 100
    lows = memoryview(whole.data)[HEAD.size :].cast("b")[::2].tolist()
    assert memoryview(few.data)[HEAD.size :].cast("b")[::2].tolist() == [min(lows[n : n + 32]) for n in range(0, count, 32)]
    assert client.get(f"{address}?stretches=9999999").data == whole.data
    assert client.get(f"{address}?stretches=100", headers={"If-None-Match": few.headers["ETag"]}).status_code == 304

    part = client.get(address, headers={"Range": "bytes=0-23"})
    assert (part.status_code, part.data) == (206, whole.data[:24])
    again = client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client_of(services, "boris").get(address).status_code == 404
    assert client_of(services, "").get(address).status_code == 401

    # A lesson of before has none; it is measured by one job, however often it is asked for.
    for suffix in (PEAKS, SOUND):
        services.store.delete(services.raw, keys.derivative_key(row.video_key, suffix))
    assert client.get(address).status_code == 404
    job_id = client.post(address).json["job_id"]
    assert client.post(address).json["job_id"] == job_id
    work_off(services)
    assert client.get(address).data[:24] == whole.data[:24]

    lessons.delete_lesson(services, row)
    assert services.store.list(services.raw, row.prefix) == []


@pytest.fixture
def lesson(services):
    """A lesson of anna's that is only described: as if a recording of a minute with sound had been taken in."""
    from ppi.records import AudioTrack, MediaInfo, VideoTrack
    from ppi.workflows import uploads

    row = uploads.begin_upload(
        services, services.users.by_name("anna"), file_name="урок.mp4", task_name="Урок", size_bytes=4
    )
    services.lessons.move_on(row.id, "uploading", "stored")
    row = services.lessons.get(row.id)
    services.store.put_bytes(services.raw, row.video_key, b"film")
    info = MediaInfo("mov", 63.92, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
    keep(services, row, ".info.json", json.dumps(describe(row, info)).encode())
    return row


def keep(services, row, suffix, data):
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), data)


def test_what_has_no_sound_has_no_waveform(client_for, services, lesson):
    told = json.loads(b"".join(services.store.read(services.raw, keys.derivative_key(lesson.video_key, ".info.json"))))
    told["media"]["audio"] = []
    keep(services, lesson, ".info.json", json.dumps(told).encode())
    refused = client_for("anna").post(f"/api/lessons/{lesson.id}/peaks")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert services.ledger.list(lesson_id=lesson.id) == []
    assert "data-peaks" not in client_for("anna").get(f"/lessons/{lesson.id}").text


def test_large_annotations_are_sorted_out_in_a_child_once_also_when_they_are_refused(client_for, services, lesson, monkeypatch):
    client, address, children = client_for("anna"), f"/api/lessons/{lesson.id}/intervals", []

    def counted(target, *given, **how):
        children.append(target)
        return run_in_child(target, *given, **how)

    monkeypatch.setattr(plain_lanes, "run_in_child", counted)
    sample = (DATA / "sample_annotations.json").read_bytes()
    keep(services, lesson, ".annotations.json", sample)
    small = client.get(address).json
    assert small["lanes"] and children == []
    keep(services, lesson, ".annotations.json", sample + b" " * QUICK_BYTES)
    assert [client.get(address).json, client.get(address).json] == [small, small]
    assert len(children) == 1
    keep(services, lesson, ".annotations.json", b"[1]" + b" " * QUICK_BYTES)
    first, again = client.get(address), client.get(address)
    assert first.status_code == 422 and again.json == first.json
    assert len(children) == 2


def test_the_marks_of_all_annotators_come_with_their_patterns_colours(client_for, services, lesson):
    client, address = client_for("anna"), f"/api/lessons/{lesson.id}/intervals"
    assert client.get(address).json["lanes"] == []
    keep(services, lesson, ".annotations.json", (DATA / "sample_annotations.json").read_bytes())
    plain = client.get(address).json
    assert [lane["annotator"] for lane in plain["lanes"]] == ["1", "2"]
    keep(services, lesson, ".patterns.xlsx", (DATA / "sample_patterns.xlsx").read_bytes())
    found = client.get(address).json
    marks = {(lane["annotator"], mark["pattern"]): mark for lane in found["lanes"] for mark in lane["marks"]}
    homework = marks["1", "Домашнее задание П"]
    assert (homework["start_s"], homework["end_s"]) == (53.032, 57.191)
    # One praise lies in another of the same annotator.
    praise = marks["1", "Похвала"]
    assert (praise["start_s"], praise["end_s"]) == (20.095, 28.838)
    assert [mark["start_s"] for mark in found["lanes"][1]["marks"]] == [11.65, 24.194, 45.21]
    named = {mark["pattern"] for lane in found["lanes"] for mark in lane["marks"]}
    assert set(found["colours"]) == named and len(set(found["colours"].values())) == len(named)
    labels = config.labels(patterns.read(DATA / "sample_patterns.xlsx").patterns)
    in_table = {label.value: (label.colour, place) for place, label in enumerate(labels, 1)}
    seen = {name: (found["colours"][name], found["places"][name]) for name in named}
    assert {name: seen[name] for name in named & in_table.keys()}.items() <= in_table.items()
    assert [seen[name][1] for name in sorted(named - in_table.keys())] == [7, 8], "after the six of the table"
    assert client_for("boris").get(address).status_code == 404
    meant = {"Домашнее задание П": "Объяснение", "Педагог": ""}
    assert client.post(f"/api/lessons/{lesson.id}/meanings", json={"meanings": meant}).status_code == 200
    read = client.get(address).json
    marks = {(lane["annotator"], mark["pattern"], mark["start_s"]) for lane in read["lanes"] for mark in lane["marks"]}
    assert ("1", "Объяснение", 53.032) in marks and "Педагог" not in {pattern for _, pattern, _ in marks}


def test_annotations_that_cannot_be_read_are_told_and_the_page_still_opens(client_for, services, lesson):
    keep(services, lesson, ".annotations.json", b'{"no": "annotations"}')
    client = client_for("anna")
    refused = client.get(f"/api/lessons/{lesson.id}/intervals")
    assert refused.status_code == 422 and refused.json["error"]
    assert client.get(f"/lessons/{lesson.id}").status_code == 200


def test_captions_are_the_transcript_as_it_is_now(client_for, services, lesson):
    client, address = client_for("anna"), f"/lessons/{lesson.id}/captions.vtt"
    assert "<track" not in client.get(f"/lessons/{lesson.id}").text
    assert client.get(address).status_code == 404
    corrections.keep_new(services, lesson, SAID)
    assert f'<track kind="captions" src="{address}"' in client.get(f"/lessons/{lesson.id}").text
    first = client.get(address)
    assert first.content_type.startswith("text/vtt") and "Доброе утро!" in first.text
    corrections.edit(services, lesson, who="anna", base=1, number=0, text="Добрый день!")
    assert "Добрый день!" in client.get(address, headers={"If-None-Match": first.headers["ETag"]}).text
    assert client_for("boris").get(address).status_code == 404


def test_the_page_shows_how_transcript_and_summary_begin_and_what_was_heard_so_far(client_for, services, lesson):
    client, address = client_for("anna"), f"/lessons/{lesson.id}"
    assert 'class="excerpt"' not in client.get(address).text
    job = services.ledger.submit("transcribe", lesson.owner_id, lesson.id, {}, queue="speech")
    assert "first lines appear here" in client.get(address).text
    heard = {"until_s": 30.0, "language": "ru", "segments": [
        {"start": 4.0 * n, "end": 4.0 * n + 3, "text": f"Фраза {n}.", "words": []} for n in range(7)]}  # fmt: skip
    keep(services, lesson, PARTIAL, json.dumps({"of": {}, "heard": heard, "check": ""}).encode())
    part = client.get(f"{address}?part=heard").text
    assert "Heard up to 00:30" in part and "Фраза 6." in part and "Фраза 1." not in part and "<html" not in part
    assert client_for("boris").get(f"{address}?part=heard").status_code == 404
    keep(services, lesson, PARTIAL, b"torn")
    assert "first lines appear here" in client.get(f"{address}?part=heard").text
    services.ledger.claim("r", "h", ["speech"], 0)
    services.ledger.finish(job.id, 1, {"words": 2, "engine": "x"})

    corrections.keep_new(services, lesson, SAID)
    page = client.get(address).text
    assert f'href="{address}/transcript?t=0" data-seek="0.8">00:00</a><div>Доброе утро!</div>' in page
    corrections.edit(services, lesson, who="anna", base=1, number=0, text="Добрый день!")
    assert "<div>Добрый день!</div>" in client.get(address).text


def test_the_page_tells_what_was_done_with_the_lesson_and_by_whom(client_for, services, lesson):
    client = client_for("anna")
    client.get(f"/lessons/{lesson.id}")
    client.post(f"/api/lessons/{lesson.id}/consent", json={"state": "internal"})
    client_for("boris").post(f"/api/lessons/{lesson.id}/consent", json={"state": "public"})
    services.audit.record("download", user_name="anna", object="another lesson")
    page = client.get(f"/lessons/{lesson.id}").text
    told = page.split('id="acts"')[1].split("</ul>")[0]
    assert told.count("<li>") == 2 and told.count("Consent recorded") == 2
    assert "anna" in told and "boris" in told and "Refused" in told
    assert "Link shown" not in told and "10." not in told


def test_only_the_player_may_have_a_style_of_its_own_and_only_with_the_word_of_this_answer(client_for, lesson):
    client = client_for("anna")
    policies = [client.get(f"/lessons/{lesson.id}").headers["Content-Security-Policy"] for _ in range(2)]
    assert all("style-src 'self' 'nonce-" in policy and "unsafe" not in policy for policy in policies)
    assert policies[0] != policies[1]
    assert "style-src" not in client.get("/files").headers["Content-Security-Policy"]


def test_asking_for_a_waveform_before_the_lesson_is_ready_is_refused(client_for, services, lesson):
    services.store.delete(services.raw, keys.derivative_key(lesson.video_key, ".info.json"))
    assert client_for("anna").post(f"/api/lessons/{lesson.id}/peaks").status_code == 409

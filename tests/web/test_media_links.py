"""Links to media: whole, by range, as HEAD, for Label Studio's pages, and only as they were signed."""

from __future__ import annotations

import random
from urllib.parse import urlsplit

import pytest

DATA = bytes(range(256)) * 40
KEY = "anna/Урок_20261121/Видео урока.mp4"


@pytest.fixture
def link(services):
    services.store.put_bytes(services.raw, KEY, DATA, content_type="video/mp4")

    def make(key=KEY, **asked):
        return services.store.presign_get(services.raw, key, **asked)

    return make


@pytest.fixture
def client(app):
    """Nobody: a link needs no log-in."""
    return app.test_client()


def test_the_whole_file_comes_with_its_type_and_its_length(client, link):
    answer = client.get(link())
    assert (answer.status_code, answer.data, answer.content_type) == (200, DATA, "video/mp4")
    assert answer.headers["Accept-Ranges"] == "bytes" and answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "%D0%92%D0%B8%D0%B4%D0%B5%D0%BE" in answer.headers["Content-Disposition"]


def test_head_tells_the_same_without_the_bytes(client, link):
    answer = client.head(link())
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", str(len(DATA)))


@pytest.mark.parametrize("asked, wanted, described", [
    ("bytes=0-0", DATA[:1], "bytes 0-0/10240"), ("bytes=100-199", DATA[100:200], "bytes 100-199/10240"),
    ("bytes=10000-", DATA[10000:], "bytes 10000-10239/10240"), ("bytes=-10", DATA[-10:], "bytes 10230-10239/10240"),
    ("bytes=10000-99999", DATA[10000:], "bytes 10000-10239/10240"),
])  # fmt: skip
def test_ranges_give_just_their_bytes(client, link, asked, wanted, described):
    answer = client.get(link(), headers={"Range": asked})
    assert (answer.status_code, answer.data, answer.headers["Content-Range"]) == (206, wanted, described)


def test_a_range_behind_the_end_is_refused_and_an_unreadable_one_passed_over(client, link):
    refused = client.get(link(), headers={"Range": "bytes=20000-"})
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, "bytes */10240")
    assert client.get(link(), headers={"Range": "frames=1-2"}).status_code == 200


def test_a_range_of_an_older_version_gives_the_whole_new_one(client, link, services):
    etag = client.head(link()).headers["ETag"]
    headers = {"Range": "bytes=0-9", "If-Range": etag}
    assert client.get(link(), headers=headers).status_code == 206
    services.store.put_bytes(services.raw, KEY, b"new" * 100, content_type="video/mp4")
    assert client.get(link(), headers=headers).status_code == 200


def test_label_studio_may_read_and_a_download_keeps_its_name(client, link):
    answer = client.get(link(download_name="Мой урок.mp4"), headers={"Origin": "http://localhost:8080"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:8080"
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert client.get(link() + "&lsref=1").status_code == 200


def test_what_a_browser_could_run_is_never_shown_in_the_page(client, services):
    for number, kind in enumerate(("text/html", "image/svg+xml", "application/xml", "text/javascript")):
        services.store.put_bytes(services.raw, f"x/{number}", b"<script>alert(1)</script>", content_type=kind)
        answer = client.get(services.store.presign_get(services.raw, f"x/{number}"))
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_thousand_changed_links_are_refused(client, link):
    parts = urlsplit(link(download_name="a.mp4"))
    whole = f"{parts.path}?{parts.query}"
    chance = random.Random(7)
    for _ in range(1000):
        place = chance.randrange(len("/media/"), len(whole))
        letter = chance.choice("0123456789abcdefXYZ%/&=.-_")
        changed = whole[:place] + letter + whole[place + 1 :]
        # A changed percent-escape may still spell the same signed text; a doubled slash is sent to the plain address.
        if changed != whole and not _same_meaning(whole, changed):
            assert client.get(changed).status_code in (308, 400, 403, 404), changed


def _same_meaning(one, other):
    from urllib.parse import parse_qs, unquote

    first, second = urlsplit(one), urlsplit(other)
    wanted, given = parse_qs(first.query), parse_qs(second.query)
    return unquote(first.path) == unquote(second.path) and all(given.get(name) == value for name, value in wanted.items())


def test_a_link_dies_when_it_expires_and_when_its_object_is_gone(client, link, services):
    assert client.get(link(expires_s=-1)).status_code == 403
    url = link()
    services.store.delete(services.raw, KEY)
    assert client.get(url).status_code == 404
    assert client.get(url.split("?")[0]).status_code == 403


def test_a_lesson_without_sound_is_kept_and_says_so(services, client_for, tmp_path):
    import subprocess

    from ppi.workflows import local, runner

    video = tmp_path / "тишина.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10:d=2", "-pix_fmt", "yuv420p", str(video)]
    subprocess.run(command, check=True)
    working = runner.start_engine(services, "web", runner.lanes(services))
    try:
        job = runner.wait_for(services, local.ingest_file(services, video, "Без звука", "anna"))
    finally:
        working.stop()
    assert (job.status, job.result["has_audio"]) == ("completed", False)
    client = client_for("anna")
    page = client.get(f"/lessons/{job.lesson_id}").text
    assert "This recording has no sound, so there is nothing to transcribe." in page
    refused = client.post("/api/transcribe", json={"file_id": job.lesson_id})
    assert (refused.status_code, refused.json["code"]) == (400, "input")
    assert [item["name"].rsplit(".", 1)[1] for item in client.get("/list_files").json["files"]] == ["json", "mp4", "jpg", "mp3"]

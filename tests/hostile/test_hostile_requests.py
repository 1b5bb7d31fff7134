"""Hostile requests: names, forms, links, tries, targets and documents. Each gets a clear answer below 500."""

from __future__ import annotations

import base64
import io
import json
import random
import string
import time
from urllib.parse import quote

import pytest

from ppi.annotation import label_studio
from ppi.errors import PpiError
from ppi.storage import keys
from ppi.web.auth import safe_target
from tests.conftest import DATA
from tests.hostile import corpus

TUS = {"Tus-Resumable": "1.0.0"}
FORMS, LINKS, DOCUMENTS = 2000, 5000, 1000


def coded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


@pytest.mark.slow
def test_eight_hundred_names_stay_inside_their_owners_prefix(client_for, services):
    """As file and as lesson, through creation, lists, downloads and deletion."""
    client, prefixes = client_for("admin"), set()
    for name in corpus.names():
        header = f"filename {coded(name)},task_name {coded(name)}"
        answer = client.post("/uploads/", headers={**TUS, "Upload-Length": "4", "Upload-Metadata": header})
        assert answer.status_code in (201, 400), (name, answer.status_code)
        if answer.status_code == 400:
            continue
        row = services.lessons.get(answer.headers["X-File-Id"])
        assert row.prefix not in prefixes and row.prefix.count("/") == 1 and row.video_key.startswith(row.prefix), name
        prefixes.add(row.prefix)
        for part in row.video_key.split("/"):
            assert part not in ("", ".", "..") and len(part.encode()) <= 255, (name, part)
            assert part.removesuffix(".video") == keys.clean_name(part.removesuffix(".video")), (name, part)
        for path in (f"/lessons/{row.id}/download/{quote(name, safe='')}", f"/api/status/{quote(name, safe='')}"):
            assert client.get(path).status_code < 500, name
        assert client.post("/delete_file", json={"object_name": name}).status_code in (200, 400, 404), name
    assert len(prefixes) > 700
    page = client.get("/").text
    assert "<script>alert(1)" not in page and "<img src=x" not in page
    inside = {path.resolve() for path in services.uploads_dir.rglob("*")}
    assert all(services.settings.data_dir.resolve() in path.parents for path in inside)


@pytest.mark.parametrize("half", ["\\ud800", "a\\udfff.mp4", "\\udc00/../x"])
def test_half_a_character_in_a_name_is_refused(client_for, half):
    for path, body in (("/delete_file", "object_name"), ("/api/process-video", "object_name"), ("/api/transcribe", "file_id")):
        answer = client_for("admin").post(path, data=f'{{"{body}": "{half}"}}', content_type="application/json")
        assert answer.status_code in (400, 404) and answer.json["error"], (path, answer.status_code)


def form(chance: random.Random) -> tuple[bytes, str]:
    """A multipart body with its type, good or spoiled."""
    mark = "".join(chance.choice(string.ascii_letters) for _ in range(12))
    parts = []
    for _ in range(chance.choice((1, 2, 3, 60))):
        name = chance.choice(("video", "task_name", "parts", "", "a" * 300, 'x"; y="', "ключ"))
        naughty = chance.choice(corpus.NAUGHTY)[:80]
        file = chance.choice(("", f'; filename="{naughty}"', "; filename*=UTF-8''%FF%00", "; filename="))
        headers = ("", "Content-Type: video/mp4", "Content-Transfer-Encoding: base64", "X: " + "y" * 5000)
        kind = "".join(f"\r\n{header}" for header in (chance.choice(headers),) if header)
        content = chance.choice(("film", "2", "", "\x00" * 50, "--" + mark, "я" * 30, "9" * 40))
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{file}{kind}\r\n\r\n{content}\r\n')
    body = bytearray(("".join(parts) + f"--{mark}--\r\n").encode("utf-8", "replace"))
    if chance.random() < 0.7:
        body = bytearray(next(corpus.mutants([bytes(body)], 1, chance.randrange(10**9))))
    boundary = chance.choice((mark, mark, mark, mark[:-1], "", '"' + mark, "x" * 300))
    return bytes(body), f"multipart/form-data; boundary={boundary}"


@pytest.mark.slow
def test_two_thousand_spoiled_forms_break_nothing(client_for, services):
    client, chance, seen = client_for("anna"), random.Random(5), set()
    for number in range(FORMS):
        body, kind = form(chance)
        path = ("/api/process-video", "/api/datasets")[number % 2]
        answer = client.post(path, data=body, content_type=kind)
        assert answer.status_code < 500, (number, answer.text)
        assert answer.json["success"] or answer.json["error"]
        seen.add(answer.status_code)
        for row in services.lessons.list():
            services.ledger.cancel(row.id)
            services.ledger.remove_lesson(row.id)
            services.lessons.remove(row.id)
            (services.uploads_dir / f"{row.id}.part").unlink(missing_ok=True)
    assert {200, 400} <= seen
    assert [path.name for path in services.uploads_dir.glob("form-*")] == []


def test_a_form_of_a_hundred_thousand_parts_or_with_a_huge_field_is_refused_early(client_for):
    client = client_for("anna")
    many = b"".join(b'--m\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' for _ in range(100_000)) + b"--m--\r\n"
    huge = b'--m\r\nContent-Disposition: form-data; name="task_name"\r\n\r\n' + b"x" * 20_000_000 + b"\r\n--m--\r\n"
    for body in (many, huge):
        began = time.monotonic()
        answer = client.post("/api/process-video", data=body, content_type="multipart/form-data; boundary=m")
        assert answer.status_code == 413 and answer.json["error"] and time.monotonic() - began < 10


@pytest.mark.parametrize("lie", [-40, -1, 1, 10_000])
def test_a_form_that_lies_about_its_length_leaves_nothing(lie, client_for, services):
    body = b'--m\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\nfilm\r\n--m--\r\n'
    kind = {"content_type": "multipart/form-data; boundary=m", "content_length": len(body) + lie}
    answer = client_for("anna").post("/api/process-video", input_stream=io.BytesIO(body), **kind)
    assert answer.status_code < 500 and (answer.json["success"] or answer.json["error"])
    # All that is missing at one byte less is the end of the last line.
    assert [row.size_bytes for row in services.lessons.list()] == ([4] if answer.status_code == 200 else [])
    assert [path.name for path in services.uploads_dir.glob("form-*")] == []


@pytest.mark.slow
def test_five_thousand_changed_links_open_nothing(client_for, services):
    services.store.put_bytes(services.raw, "a/видео.mp4", b"film")
    link = services.store.presign_get(services.raw, "a/видео.mp4", expires_s=600)
    client, chance = client_for(), random.Random(6)
    opened = client.get(link)
    good = opened.request
    assert opened.data == b"film"
    letters = string.ascii_letters + string.digits + "%&=/.?-_"
    refused = 0
    for _ in range(LINKS):
        changed = list(link)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            place, kind = chance.randrange(7, len(changed)), chance.randrange(3)
            if kind == 0:
                changed[place] = chance.choice(letters)
            elif kind == 1:
                changed.insert(place, chance.choice(letters))
            else:
                del changed[place]
        more = ("", "", "&x-amz-copy-source=/raw-data/b", "&expires=99999999999", "&name=x", "&sig=", "&sig=0")
        text = "".join(changed) + chance.choice(more)
        if text.split("#")[0] == link:
            continue
        answer = client.get(text)
        assert answer.status_code < 500, text
        # A character written as its code leaves the link as it was, and players add words of their own to it.
        meant = {name: answer.request.args.getlist(name) for name in ("expires", "kid", "name", "sig")}
        is_same = (answer.request.path, meant) == (good.path, {name: good.args.getlist(name) for name in meant})
        assert (answer.data == b"film") == is_same, text
        refused += not is_same
    assert refused > LINKS * 0.6


def test_sixty_targets_lead_nowhere_else(app):
    wanted = corpus.targets()
    assert len(wanted) >= 60
    with app.test_request_context():
        assert {safe_target(target) for target in wanted} == {"/"}


def test_a_guesser_is_stopped_and_learns_no_names(app, services):
    """Of a thousand tries ten are looked at; an unknown name is answered as a known one."""
    counted: dict[int, int] = {}
    told = set()
    for number in range(1000):
        name = ("anna", f"nobody-{number}")[number % 2]
        forged = {"X-Forwarded-For": f"10.0.{number % 250}.1", "X-Real-IP": "10.9.9.9", "Forwarded": "for=10.8.8.8"}
        answer = app.test_client().post("/api/login", json={"username": name, "password": f"guess-{number}"}, headers=forged)
        counted[answer.status_code] = counted.get(answer.status_code, 0) + 1
        if answer.status_code == 401:
            told.add((answer.json["error"], answer.json["code"]))
    assert counted == {401: 10, 429: 990} and len(told) == 1


def test_a_thousand_spoiled_annotation_files_are_read_or_refused_in_words():
    good = (DATA / "sample_annotations.json").read_bytes()
    crafted = [b"[" * 100_000, b'{"a":' * 5000, b"[NaN]", b"[1e999]", b'[{"id":1,"id":2}]', b'["\\ud800"]', b"",
        b"null", b"[[]]", b"{}"]
    crafted += [json.dumps([{"id": 1, "annotations": value}]).encode() for value in (1, "x", {}, [1], [{"result": [None]}])]
    counted = {"read": 0, "refused": 0}
    for data in [*crafted, *corpus.mutants([good], DOCUMENTS, seed=7)]:
        began = time.monotonic()
        try:
            label_studio.parse(data, frame_rate=25, duration_s=60)
            counted["read"] += 1
        except PpiError as error:
            assert str(error)
            counted["refused"] += 1
        assert time.monotonic() - began < 5
    assert counted["read"] > 20 and counted["refused"] > 500


@pytest.mark.parametrize("length", [10 * 1024**3, 2**63])
def test_a_giant_of_nobodys_is_refused_without_reading_it(client_for, length):
    class Body:
        taken = 0

        def read(self, size=-1):
            self.taken += 1024 if size < 0 else size
            return bytes(1024 if size < 0 else size)

    body = Body()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": str(length), "CONTENT_TYPE": "multipart/form-data; boundary=m"}
    answer = client_for().post("/api/process-video", environ_overrides=environ)
    assert answer.status_code == 401 and body.taken < 1_000_000

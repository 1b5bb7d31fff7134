"""Links changed on purpose, and names and targets on their whole way: nothing is opened, lost or led away."""

from __future__ import annotations

import itertools
import random
import unicodedata
from datetime import date
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pytest

from ppi.storage import keys
from ppi.workflows import uploads
from tests.conftest import PASSWORD
from tests.hostile import corpus
from tests.hostile.test_hostile_requests import TUS, coded

KEY, OTHER = "a/b/чай.mp4", "a/b/тайна.mp4"
CHANGED = 1500


@pytest.fixture
def link(services) -> str:
    """A link to KEY; OTHER lies beside it, and the same keys in the other bucket."""
    for bucket, key in itertools.product((services.raw, services.final), (KEY, OTHER)):
        services.store.put_bytes(bucket, key, f"{bucket} {key}".encode(), content_type="video/mp4")
    return services.store.presign_get(services.raw, KEY, expires_s=600)


def paths(bucket: str, other: str) -> list[str]:
    """Ways to spell another object, or this one as if it were another."""
    good, wanted = quote(f"{bucket}/{KEY}"), quote(f"{bucket}/{OTHER}")
    secret = quote("тайна.mp4")
    made = [wanted, quote(f"{other}/{KEY}"), f"{good}/..", f"{good}/../{secret}", f"{good}%2F..%2F{secret}"]
    made += [f"{good}%00", f"{good}%00.txt", f"{good}%20", f"{good}.", f"{good}/", f"{good}//", good.replace("/b/", "//b/")]
    made += [good.replace("/b/", "/./b/"), good.replace("/b/", "/x/../b/"), good.replace("/b/", "%5Cb%5C"), good.upper()]
    made += [f"{bucket}/../{good}", f"..%2F{good}", f"%2e%2e/{wanted}", f"{bucket}%2F%2e%2e%2F{wanted}", bucket, f"{bucket}/"]
    made += [quote(f"{bucket}/" + unicodedata.normalize("NFD", KEY)), f"{good};{wanted}", f"{bucket}/objects/{quote(KEY)}"]
    made += [f"{bucket}/%2Fetc%2Fpasswd", f"{bucket}//etc/passwd", f"{bucket}/{'%2e%2e%2f' * 12}etc/passwd"]
    return made


def queries(link: str, chance: random.Random) -> list[str]:
    """Ways to sign for longer, for another name, with another key, or not at all."""
    given = dict(parse_qsl(urlsplit(link).query))
    later = {"expires": str(int(given["expires"]) + chance.randrange(1, 10**9))}
    made = [given | later, given | {"name": "x.html"}, given | {"kid": "00000000"}, given | {"sig": given["sig"].upper()}]
    made += [given | {"sig": given["sig"][:-1]}, given | {"sig": given["sig"] + "0"}, given | {"sig": ""}, given | {"sig": "я"}]
    made += [{name: value for name, value in given.items() if name != gone} for gone in given]
    times = ("", "-1", "1e99", " ", "٣", "0x7fffffff", "9" * 400, given["expires"] + ".0")
    made += [given | {"expires": value} for value in times]
    again = urlencode(given)
    twice = [f"{again}&sig=0", f"{again}&expires=99999999999", f"sig=0&{again}", f"{again}&kid=0", again.replace("sig", "Sig")]
    return [urlencode(one) for one in made] + twice


def test_links_changed_on_purpose_open_nothing(client_for, services, link):
    client, chance = client_for(), random.Random(14)
    good = urlsplit(link)
    spelled = [f"/media/{path}?{good.query}" for path in paths(services.raw, services.final)]
    spelled += [f"{good.path}?{query}" for query in queries(link, chance)]
    both = list(itertools.product(paths(services.raw, services.final), queries(link, chance)))
    spelled += [f"/media/{path}?{query}" for path, query in chance.sample(both, min(len(both), CHANGED - len(spelled)))]
    assert client.get(link).data == f"{services.raw} {KEY}".encode()
    for text in spelled:
        answer = client.get(text)
        assert 300 <= answer.status_code < 500, text
        assert answer.status_code >= 400 or "/media/" in answer.headers["Location"], text
        assert KEY.encode() not in answer.data and OTHER.encode() not in answer.data, text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "COPY"])
def test_a_link_is_for_looking_only(method, client_for, services, link):
    answer = client_for().open(link, method=method, data=b"planted", headers={"X-HTTP-Method-Override": "GET"})
    assert answer.status_code in (403, 405)
    assert b"".join(services.store.read(services.raw, KEY)) == f"{services.raw} {KEY}".encode()


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Amz-Copy-Source"])
def test_no_header_changes_what_a_link_is_for(header, client_for, services, link):
    other = quote(f"/media/{services.raw}/{OTHER}")
    assert client_for().get(link, headers={header: other}).data == f"{services.raw} {KEY}".encode()


def test_names_come_back_readable_from_lists_and_downloads(client_for, services):
    """As people see them: letters and digits of the name are all there, in their order, as far as they fit."""
    client, checked = client_for("admin"), 0
    for name in corpus.names()[::4]:
        header = f"filename {coded(name)},task_name {coded(name)}"
        answer = client.post("/uploads/", headers={**TUS, "Upload-Length": "4", "Upload-Metadata": header})
        if answer.status_code != 201:
            continue
        row = services.lessons.get(answer.headers["X-File-Id"])
        services.store.put_bytes(services.raw, row.video_key, b"film", content_type="video/mp4")
        services.lessons.move_on(row.id, "uploading", "stored")
        file_name = row.video_key.rsplit("/", 1)[-1]
        begins = name.encode("utf-8", "ignore")[:150].decode("utf-8", "ignore")
        # The last letter's accent may be cut off.
        assert told(file_name).startswith(told(begins)[:-1]), name
        saved = client.get(f"/lessons/{row.id}/download/{quote(file_name, safe='')}", follow_redirects=True)
        assert saved.data == b"film", name
        described = saved.headers["Content-Disposition"]
        assert described.startswith("attachment") and "\n" not in described
        assert unquote(described.rsplit("UTF-8''", 1)[1]) == file_name
        checked += 1
        assert client.post("/delete_file", json={"object_name": row.video_key + "x"}).status_code == 404
        assert [found["name"] for found in client.get("/list_files").json["files"]] == [row.video_key]
        assert client.post("/delete_file", json={"object_name": row.video_key}).status_code == 200
    assert checked > 150
    assert [found["name"] for found in client.get("/list_files").json["files"]] == []


def told(name: str) -> str:
    """What a person reads of a name: its letters and digits."""
    return "".join(letter for letter in unicodedata.normalize("NFC", name) if letter.isalnum())


def test_two_names_never_share_a_lesson(services):
    """Names that look alike on a disk that folds case or forms."""
    alike = ("Урок", "урок", "УРОК", unicodedata.normalize("NFD", "Й"), "Й", "a", "A", "а")
    admin = services.users.by_name("admin")
    rows = [uploads.begin_upload(services, admin, file_name="v.mp4", task_name=name, size_bytes=4) for name in alike * 2]
    assert len({row.prefix for row in rows}) == len(rows)


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_sixty_targets_are_not_followed_after_a_real_log_in(app, services, every):
    """Through the form of the page, as a link in a letter would do it. A name may be tried ten times in five minutes."""
    for number, target in enumerate(corpus.targets()[::every]):
        client = app.test_client()
        remote = {"REMOTE_ADDR": f"10.0.{number}.1"}
        services.users.add(f"visitor{number}", PASSWORD, "DL-user") if number % 8 == 0 else None
        page = client.get("/", environ_overrides=remote).text
        token = page.split('name="csrf-token" content="')[1].split('"')[0]
        form = {"username": f"visitor{number // 8 * 8}", "password": PASSWORD, "next": target, "csrf_token": token}
        answer = client.post("/login", data=form, environ_overrides=remote)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), target
        assert client.get("/account").status_code == 200


def test_a_prefix_is_its_owners_whatever_the_owner_is_called(services):
    for name in corpus.names():
        prefix = keys.lesson_prefix(name, "DL-user", "x", date(2026, 1, 1))
        assert prefix.count("/") == 2 and not prefix.startswith(("/", ".")), name

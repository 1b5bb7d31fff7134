"""One contract, two stores: local files, and a real S3 server."""

from __future__ import annotations

import dataclasses
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlsplit

import pytest

from ppi.errors import AccessDenied, Cancelled, InputError, NotFound
from ppi.settings import Settings
from ppi.storage import open_store

BUCKET = "raw-data"
NAMES = [
    "урок_20261121/Видео урока.mp4", "a/plain.mp4", "emoji 👩‍🏫/📚.mp4", "quotes/it's \"fine\".mp4", "signs/+&=?#%;,@!.mp4",
    "deep/er/and/deeper.txt", "a" * 200 + "/" + "б" * 100 + ".mp4", "%2e%2e/%00.mp4",
]  # fmt: skip


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    if request.param == "local":
        return open_store(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)}), "a secret for tests")
    server = request.getfixturevalue("s3_server")
    return open_store(server.settings(tmp_path), "a secret for tests")


@pytest.fixture
def prefix(request):
    """Tests share the S3 server, so each has its own prefix."""
    return f"{abs(hash(request.node.name))}/"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(bytes(range(256)) * 5000)
    return path


def content(store, key, **asked):
    return b"".join(store.read(BUCKET, key, **asked))


@pytest.mark.parametrize("name", NAMES)
def test_an_object_comes_back_as_it_was_put_whatever_its_name(store, prefix, file, name):
    metadata = {"user-id": "u1", "user-name": "Анна Ёлкина 👩‍🏫", "empty": ""}
    put = store.put_file(BUCKET, prefix + name, file, content_type="video/mp4", metadata=metadata)
    found = store.stat(BUCKET, prefix + name)
    assert content(store, prefix + name) == file.read_bytes()
    assert (found.size_bytes, found.content_type, found.etag) == (file.stat().st_size, "video/mp4", put.etag)
    assert dict(found.metadata) == metadata
    assert abs(found.last_modified_s - time.time()) < 60
    assert [item.key for item in store.list(BUCKET, prefix)] == [prefix + name]


def test_ranges_give_just_their_bytes(store, prefix, file):
    store.put_file(BUCKET, prefix + "x", file)
    whole = file.read_bytes()
    for offset, length in ((0, 1), (100, 300_000), (len(whole) - 5, 5), (len(whole) - 5, 90_000), (7, None), (0, 0)):
        wanted = whole[offset:] if length is None else whole[offset : offset + length]
        assert content(store, prefix + "x", offset=offset, length=length) == wanted
    assert max(map(len, store.read(BUCKET, prefix + "x"))) <= 256 * 1024


def test_what_is_not_there_is_not_found(store, prefix):
    for ask in (
        lambda: store.stat(BUCKET, prefix + "none"), lambda: store.read(BUCKET, prefix + "none"),
        lambda: store.stat("no-such-bucket", "x"), lambda: store.copy(BUCKET, prefix + "none", prefix + "b"),
        lambda: store.as_file(BUCKET, prefix + "none").__enter__(),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            ask()
    assert store.list(BUCKET, prefix + "none/") == []
    assert store.list("no-such-bucket") == []


def test_lists_are_complete_sorted_and_only_of_the_prefix(store, prefix, file):
    names = [f"{prefix}a/{number:02}" for number in range(12)] + [f"{prefix}ab/1", f"{prefix}b"]
    for name in reversed(names):
        store.put_bytes(BUCKET, name, b"1")
    assert [item.key for item in store.list(BUCKET, prefix)] == sorted(names)
    assert [item.key for item in store.list(BUCKET, f"{prefix}a/")] == names[:12]
    assert [item.key for item in store.list(BUCKET, f"{prefix}a")] == sorted(names[:13])


def test_putting_again_replaces_content_type_and_metadata(store, prefix, file):
    store.put_file(BUCKET, prefix + "x", file, content_type="video/mp4", metadata={"user-id": "1"})
    before = store.stat(BUCKET, prefix + "x")
    store.put_bytes(BUCKET, prefix + "x", b"new", content_type="text/plain", metadata={"user-id": "2"})
    after = store.stat(BUCKET, prefix + "x")
    assert (content(store, prefix + "x"), after.content_type, after.metadata["user-id"]) == (b"new", "text/plain", "2")
    assert before.etag != after.etag


def test_copying_keeps_everything_and_deleting_is_harmless_twice(store, prefix, file):
    store.put_file(BUCKET, prefix + "a", file, content_type="video/mp4", metadata={"user-name": "Анна"})
    store.copy(BUCKET, prefix + "a", prefix + "b/c")
    store.delete(BUCKET, prefix + "a")
    store.delete(BUCKET, prefix + "a")
    found = store.stat(BUCKET, prefix + "b/c")
    assert content(store, prefix + "b/c") == file.read_bytes()
    assert (found.content_type, found.metadata["user-name"]) == ("video/mp4", "Анна")
    assert [item.key for item in store.list(BUCKET, prefix)] == [prefix + "b/c"]


def test_an_object_as_a_file_is_the_object_and_the_newest(store, prefix, file):
    store.put_file(BUCKET, prefix + "x", file)
    with store.as_file(BUCKET, prefix + "x") as first, store.as_file(BUCKET, prefix + "x") as again:
        assert first.read_bytes() == again.read_bytes() == file.read_bytes()
        assert first == again
    store.put_bytes(BUCKET, prefix + "x", b"new")
    with store.as_file(BUCKET, prefix + "x") as path:
        assert path.read_bytes() == b"new"


def test_moving_takes_the_file_away(store, prefix, file):
    whole = file.read_bytes()
    store.put_file(BUCKET, prefix + "x", file, move=True)
    assert not file.exists()
    assert content(store, prefix + "x") == whole


def test_a_cancelled_put_leaves_the_last_good_state(store, prefix, file):
    store.put_bytes(BUCKET, prefix + "x", b"good")

    def cancel(fraction):
        raise Cancelled("The job was cancelled.")

    for name in ("x", "y"):
        with pytest.raises(Cancelled):
            store.put_file(BUCKET, prefix + name, file, on_progress=cancel)
    assert content(store, prefix + "x") == b"good"
    assert [item.key for item in store.list(BUCKET, prefix)] == [prefix + "x"]
    assert file.exists()


def test_progress_reaches_one_and_never_goes_back(store, prefix, file):
    seen = []
    store.put_file(BUCKET, prefix + "x", file, on_progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_bad_names_are_refused_in_words(store):
    for key in ("", "../x", "a/../../x", "a/./b"):
        with pytest.raises(InputError):
            store.put_bytes(BUCKET, key, b"x")


def test_a_store_that_works_passes_its_check(store):
    store.check()


def fetch(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, b"", error.headers


def test_a_presigned_link_of_s3_works_without_keys_and_only_as_signed(s3_server, tmp_path, file):
    store = open_store(s3_server.settings(tmp_path), "x")
    key = "presigned/Видео урока.mp4"
    store.put_file(BUCKET, key, file, content_type="video/mp4")
    url = store.presign_get(BUCKET, key, download_name="Видео.mp4")
    status, body, headers = fetch(url)
    assert (status, body, headers["Content-Type"]) == (200, file.read_bytes(), "video/mp4")
    assert "attachment" in headers["Content-Disposition"]
    assert fetch(url, Range="bytes=10-19")[:2] == (206, file.read_bytes()[10:20])
    signature = url.rindex("X-Amz-Signature=") + len("X-Amz-Signature=")
    changed = url[:signature] + ("0" if url[signature] != "0" else "1") + url[signature + 1 :]
    assert fetch(changed)[0] == 403
    assert fetch(url.replace("X-Amz-Expires=604800", "X-Amz-Expires=604801"))[0] in (400, 403)
    assert fetch(url.split("?")[0])[0] == 403
    short = store.presign_get(BUCKET, key, expires_s=1)
    time.sleep(2.2)
    assert fetch(short)[0] == 403


def test_links_are_signed_for_the_public_address(s3_server, tmp_path, file):
    port = s3_server.endpoint.split(":")[1]
    settings = s3_server.settings(tmp_path, MINIO_PUBLIC_URL=f"http://localhost:{port}")
    store = open_store(settings, "x")
    store.put_file(BUCKET, "public/x", file)
    url = store.presign_get(BUCKET, "public/x")
    assert url.startswith(f"http://localhost:{port}/")
    assert fetch(url)[0] == 200
    assert fetch(url.replace("localhost", "127.0.0.1"))[0] == 403


def test_wrong_keys_and_a_dead_server_are_said_in_words(s3_server, tmp_path):
    from ppi.errors import BackendError

    wrong = dataclasses.replace(s3_server, secret_key="not the secret key")
    with pytest.raises(BackendError, match="MINIO_SECRET_KEY"):
        open_store(wrong.settings(tmp_path), "x").put_bytes(BUCKET, "x", b"x")
    dead = dataclasses.replace(s3_server, endpoint="127.0.0.1:9")
    store = open_store(dead.settings(tmp_path), "x")
    with pytest.raises(BackendError, match="MINIO_ENDPOINT") as caught:
        store.check()
    assert "not the secret" not in str(caught.value) and caught.value.retryable


def test_a_large_file_goes_in_parts(s3_server, tmp_path):
    store = open_store(s3_server.settings(tmp_path), "x")
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        for number in range(70):
            file.write(bytes([number]) * 1_000_000)
    found = store.put_file(BUCKET, "large/x", large)
    assert found.etag.endswith("-14") and found.size_bytes == 70_000_000
    assert content(store, "large/x", offset=69_999_990) == bytes([69]) * 10
    store.delete(BUCKET, "large/x")


def test_the_cache_keeps_its_limit_but_not_at_the_cost_of_a_reader(s3_server, tmp_path, file):
    store = open_store(s3_server.settings(tmp_path, PPI_CACHE_BYTES="2000000"), "x")
    for number in range(3):
        store.put_file(BUCKET, f"cache/{number}", file)
    with store.as_file(BUCKET, "cache/0") as held:
        for number in (1, 2):
            with store.as_file(BUCKET, f"cache/{number}") as path:
                assert path.exists()
        assert held.read_bytes() == file.read_bytes()
    kept = [path for path in (tmp_path / "cache").iterdir() if not path.suffix]
    assert sum(path.stat().st_size for path in kept) <= 2_600_000


def test_copies_of_deleted_and_of_replaced_objects_leave_the_machine(s3_server, tmp_path):
    """As the housekeeping of each machine asks for it, whoever deleted the objects."""
    store, elsewhere = (open_store(s3_server.settings(tmp_path / name), "x") for name in ("here", "there"))
    keys = ["урок/kept.mp4", "урок/gone.mp4", "урок/changed.mp4", "урок/read.mp4", "top"]
    for key in keys:
        elsewhere.put_bytes(BUCKET, key, key.encode())
        with store.as_file(BUCKET, key) as path:
            assert path.read_bytes() == key.encode()
    copies = lambda: {path.read_text() for path in (tmp_path / "here" / "cache").iterdir() if not path.suffix}  # noqa: E731
    with store.as_file(BUCKET, "урок/read.mp4") as held:
        for key in ("урок/gone.mp4", "урок/read.mp4"):
            elsewhere.delete(BUCKET, key)
        elsewhere.put_bytes(BUCKET, "урок/changed.mp4", b"new")
        half = held.with_suffix(".0123abcd")  # of a process that was killed while it fetched
        half.write_bytes(b"half")
        assert copies() == set(keys)
        store.sweep()
        assert copies() == {"урок/kept.mp4", "урок/read.mp4", "top"} and held.read_text() == "урок/read.mp4"
        assert not half.exists()
    open_store(s3_server.settings(tmp_path / "here"), "x").sweep()
    assert copies() == {"урок/kept.mp4", "top"}
    assert len(list((tmp_path / "here" / "cache").glob("*.name"))) == 2


@pytest.fixture
def local(tmp_path):
    return open_store(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)}), "a secret for tests")


def signed(store, key, **asked):
    parts = urlsplit(store.presign_get(BUCKET, key, **asked))
    return parts.path, dict(parse_qsl(parts.query))


def test_a_local_link_holds_for_just_what_was_signed(local):
    local.put_bytes(BUCKET, "a/видео.mp4", b"x")
    _, given = signed(local, "a/видео.mp4", download_name="Урок.mp4")
    assert local.verify(BUCKET, "a/видео.mp4", given) == "Урок.mp4"
    assert local.verify(BUCKET, "a/видео.mp4", {**given, "lsref": "1"}) == "Урок.mp4"
    changes = [{"expires": str(int(given["expires"]) + 1)}, {"name": "b"}, {"kid": "0"}, {"sig": "0" * 64}, {"sig": "ключ"}]
    for change in changes:
        with pytest.raises(AccessDenied):
            local.verify(BUCKET, "a/видео.mp4", {**given, **change})
    for bucket, key in ((BUCKET, "a/другое.mp4"), ("final-dataset", "a/видео.mp4"), (BUCKET, "a")):
        with pytest.raises(AccessDenied):
            local.verify(bucket, key, given)
    for name in given:
        if name != "name":
            with pytest.raises(AccessDenied):
                local.verify(BUCKET, "a/видео.mp4", {one: value for one, value in given.items() if one != name})


def test_a_local_link_expires_and_dies_with_the_key(local, tmp_path):
    local.put_bytes(BUCKET, "x", b"x")
    _, given = signed(local, "x", expires_s=-1)
    with pytest.raises(AccessDenied, match="expired"):
        local.verify(BUCKET, "x", given)
    _, given = signed(local, "x")
    other = open_store(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)}), "another secret")
    with pytest.raises(AccessDenied):
        other.verify(BUCKET, "x", given)


def test_a_link_in_the_place_of_an_object_is_not_followed(local, tmp_path):
    (tmp_path / "secret.txt").write_text("canary")
    local.put_bytes(BUCKET, "a/x", b"x")
    (tmp_path / "store" / "objects" / BUCKET / "a" / "y").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(NotFound):
        local.stat(BUCKET, "a/y")

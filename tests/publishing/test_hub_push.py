"""Pushing to a Hub over loopback, and everything the Hub can answer."""

import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.dataset import manifest
from ppi.errors import AccessDenied, BackendError, Cancelled, Conflict, DatasetError, InputError
from ppi.publishing import hub
from ppi.settings import HubSettings
from tests.servers.hub_stub import READ_TOKEN, TOKEN, Fault, HubStub, Repository

REPO = "school/lesson-patterns"


@pytest.fixture(scope="module")
def running():
    stub = HubStub().start()
    yield stub
    stub.stop()


@pytest.fixture
def stub(running, monkeypatch, tmp_path) -> HubStub:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    running.reset()
    return running


def settings(stub: HubStub, token: str = TOKEN) -> HubSettings:
    return HubSettings(endpoint=stub.url, token=token)


def push(folder: Path, stub: HubStub, **given):
    return hub.push(folder, REPO, **{"settings": settings(stub), "version": 1, **given})


def preview(folder: Path, stub: HubStub, **given):
    return hub.preview(folder, REPO, **{"settings": settings(stub), "version": 1, **given})


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_byte_arrives_in_a_private_repository_in_one_commit(built_dataset, stub):
    seen = []
    pushed = push(built_dataset.folder, stub, on_progress=seen.append, commit_message="First")
    repository = stub.repositories[REPO]
    arrived = {path: data for path, data in repository.files.items() if path != ".gitattributes"}
    assert arrived == files(built_dataset.folder)
    assert repository.is_private
    assert repository.messages == ["First"]
    counts = {"added": len(arrived)}
    assert pushed == hub.PushResult(f"{stub.url}/datasets/{REPO}", repository.revision, "v1", counts)
    assert repository.tags == {"v1": repository.revision}
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_only_what_the_manifest_names_is_sent(dataset_copy, stub):
    (dataset_copy / "notes about pupils.txt").write_text("private")
    push(dataset_copy, stub)
    assert "notes about pupils.txt" not in stub.repositories[REPO].files


def test_a_second_push_removes_samples_that_are_gone_and_nothing_else(dataset_copy, stub):
    push(dataset_copy, stub)
    old = ("videos/pattern_99.mp4", "data/test-00000-of-00001.parquet", "data/train-00001-of-00002.parquet")
    stub.repositories[REPO].files |= dict.fromkeys(old, b"old") | {"videos/mine.mp4": b"mine", "NOTES.md": b"mine"}
    push(dataset_copy, stub)
    assert set(stub.repositories[REPO].files) == set(files(dataset_copy)) | {
        ".gitattributes",
        "videos/mine.mp4",
        "NOTES.md",
    }


def test_a_dry_run_tells_every_file_and_only_asks(dataset_copy, stub):
    seen = preview(dataset_copy, stub, private=False)
    assert (seen.account, seen.is_new, seen.is_private, seen.tag) == ("anna", True, False, "v1")
    wanted = {path: len(data) for path, data in files(dataset_copy).items()}
    assert {change.path: change.size_bytes for change in seen.changes} == wanted
    assert seen.sent_bytes == sum(wanted.values()) and seen.unchanged == 0
    assert stub.repositories == {} and all(line.startswith("GET ") for line in stub.requests)


def test_a_dry_run_over_an_earlier_push_tells_what_is_added_changed_deleted_and_stays(dataset_copy, stub):
    push(dataset_copy, stub)
    repository = stub.repositories[REPO]
    before = dict(repository.files)
    repository.files |= {"videos/pattern_99.mp4": b"old", "NOTES.md": b"mine", "report.json": b"{}", "data/x": b"mine"}
    del repository.files["texts/pattern_1.txt"]
    video = bytearray(before["videos/pattern_1.mp4"])
    video[-1] ^= 1  # a large file of the same size, which only its checksum tells apart
    repository.files["videos/pattern_1.mp4"] = bytes(video)
    stub.requests.clear()
    seen = preview(dataset_copy, stub, version=2)
    told = {(change.kind, change.path, change.size_bytes) for change in seen.changes}
    assert told == {
        ("added", "texts/pattern_1.txt", len(before["texts/pattern_1.txt"])),
        ("changed", "report.json", len(before["report.json"])),
        ("changed", "videos/pattern_1.mp4", len(before["videos/pattern_1.mp4"])),
        ("deleted", "videos/pattern_99.mp4", 3),
    }
    assert (seen.is_new, seen.tag, seen.unchanged) == (False, "v2", len(files(dataset_copy)) - 3)
    assert all(line.startswith("GET ") for line in stub.requests)
    pushed = push(dataset_copy, stub, version=2)
    assert pushed.counts == {"added": 1, "changed": 2, "deleted": 1}


@pytest.mark.parametrize(("token", "message"), [(READ_TOKEN, "may not write"), ("hf_wrong", "does not accept the token")])
def test_a_dry_run_tells_that_the_token_would_not_do(built_dataset, stub, token, message):
    with pytest.raises(AccessDenied, match=message):
        preview(built_dataset.folder, stub, settings=settings(stub, token))


def test_a_dry_run_refuses_what_the_push_would(built_dataset, stub):
    with pytest.raises(AccessDenied, match="may not write to other/x"):
        hub.preview(built_dataset.folder, "other/x", settings=settings(stub), version=1)
    stub.repositories[REPO] = Repository(False, {"manifest.json": b"{}"})
    with pytest.raises(Conflict, match="is public, but a private"):
        preview(built_dataset.folder, stub)
    stub.faults.append(Fault("GET /api/datasets", 503))
    with pytest.raises(BackendError, match="status 503"):
        preview(built_dataset.folder, stub)


def test_the_same_version_pushed_again_changes_nothing_and_keeps_its_tag(built_dataset, stub):
    first = push(built_dataset.folder, stub)
    assert preview(built_dataset.folder, stub).tag == "v1"
    again = push(built_dataset.folder, stub)
    repository = stub.repositories[REPO]
    assert (again.revision, again.tag, again.counts) == (first.revision, "v1", {})
    assert len(repository.messages) == 1 and repository.tags == {"v1": first.revision}


def test_a_tag_is_never_moved_other_files_of_the_same_version_get_a_name_of_their_own(dataset_copy, stub):
    first = push(dataset_copy, stub)
    card = dataset_copy / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nOther words.\n", encoding="utf-8")
    assert preview(dataset_copy, stub).tag == "v1.1"
    second = push(dataset_copy, stub)
    assert (second.tag, second.counts) == ("v1.1", {"changed": 1})
    assert stub.repositories[REPO].tags == {"v1": first.revision, "v1.1": second.revision}
    assert push(dataset_copy, stub).tag == "v1.1"
    assert push(dataset_copy, stub, version=2).tag == "v2", "one commit may carry the tags of two versions"


def test_a_push_that_broke_before_its_tag_gets_it_the_next_time(built_dataset, stub):
    stub.faults.append(Fault("/tag/", 503, times=1))
    with pytest.raises(BackendError):
        push(built_dataset.folder, stub)
    assert stub.repositories[REPO].tags == {}
    pushed = push(built_dataset.folder, stub)
    assert (pushed.tag, pushed.counts) == ("v1", {})
    assert len(stub.repositories[REPO].messages) == 1


def test_a_push_that_broke_half_way_sends_only_what_is_missing(built_dataset, stub):
    stub.faults.append(Fault("/commit/main", 503, times=1))
    with pytest.raises(BackendError):
        push(built_dataset.folder, stub)
    large = {line for line in stub.requests if line.startswith("PUT /lfs/")}
    gone = sorted(large)[0].removeprefix("PUT /lfs/")
    assert len(large) > 3 and stub.forget(gone)
    stub.requests.clear()
    push(built_dataset.folder, stub)
    assert {line for line in stub.requests if line.startswith("PUT /lfs/")} == {f"PUT /lfs/{gone}"}
    arrived = {path: data for path, data in stub.repositories[REPO].files.items() if path != ".gitattributes"}
    assert arrived == files(built_dataset.folder)


def test_what_somebody_else_commits_meanwhile_is_not_undone(built_dataset, stub):
    push(built_dataset.folder, stub)
    repository = stub.repositories[REPO]
    repository.files["report.json"] = b"{}"
    stub.before_commit = lambda: setattr(repository, "revision", "f" * 40)
    with pytest.raises(Conflict, match="changed by somebody else meanwhile"):
        push(built_dataset.folder, stub)
    assert repository.files["report.json"] == b"{}"


def test_progress_goes_on_inside_a_large_file(stub, tmp_path):
    """Called in this process: a child's reports may reach the parent all between two of its ticks."""
    from ppi.publishing import hub_child

    (tmp_path / "large.mp4").write_bytes(b"x" * 20_000_000)
    (tmp_path / "manifest.json").write_text('{"files": [{"path": "large.mp4"}]}')
    seen = []
    hub_child.send(
        seen.append, folder=str(tmp_path), files=["large.mp4", "manifest.json"], repo_id=REPO, endpoint=stub.url, token=TOKEN,
        private=True, version=1, commit_message="x",
    )  # fmt: skip
    assert seen == sorted(seen) and seen[0] == 0.02 and seen[-1] == pytest.approx(0.95)
    assert len({step for step in seen if 0.1 < step < 0.9}) > 10
    assert len(stub.repositories[REPO].files["large.mp4"]) == 20_000_000


def test_a_repository_that_holds_something_else_is_left_alone(built_dataset, stub):
    stub.repositories[REPO] = Repository(True, {"data/train.parquet": b"x", "README.md": b"x"})
    with pytest.raises(Conflict, match="holds other files"):
        push(built_dataset.folder, stub)
    assert stub.repositories[REPO].messages == []


def test_a_repository_with_a_card_only_may_be_filled(built_dataset, stub):
    stub.repositories[REPO] = Repository(True, {"README.md": b"---\nlicense: mit\n---\n"})
    push(built_dataset.folder, stub)
    assert "metadata.jsonl" in stub.repositories[REPO].files


def test_a_private_dataset_never_goes_into_a_public_repository(built_dataset, stub):
    stub.repositories[REPO] = Repository(False)
    with pytest.raises(Conflict, match="is public, but a private"):
        push(built_dataset.folder, stub)
    assert stub.repositories[REPO].files == {}


def test_a_public_dataset_is_made_only_when_asked_for(built_dataset, stub):
    push(built_dataset.folder, stub, private=False)
    assert not stub.repositories[REPO].is_private
    stub.repositories[REPO].is_private = True
    with pytest.raises(Conflict, match="is private, but a public"):
        push(built_dataset.folder, stub, private=False)


@pytest.mark.parametrize("token", ["", "hf_a b", "hf_\n", "hf_ключ"])
def test_without_a_usable_token_nothing_is_asked_of_the_hub(built_dataset, stub, token):
    with pytest.raises(AccessDenied, match="Set HF_TOKEN") as caught:
        push(built_dataset.folder, stub, settings=settings(stub, token=token))
    assert not token or token not in str(caught.value)
    assert stub.requests == []


@pytest.mark.parametrize(
    "repo_id",
    ["lesson", "школа/урок", "a/b/c", "a b/c", "-a/b", "a/b-", "a/b.git", "a/b--c", "a/..", "a/" + "b" * 96, ""],
)
def test_a_bad_name_is_refused_before_anything_is_sent(built_dataset, stub, repo_id):
    with pytest.raises(InputError, match="no name of a repository"):
        hub.push(built_dataset.folder, repo_id, settings=settings(stub), version=1)
    assert stub.requests == []


@pytest.mark.parametrize("repo_id", ["school/lesson-patterns", "a/b", "A1/x.y_z-1"])
def test_a_good_name_is_taken(repo_id):
    hub.check_repo_id(repo_id)


def test_a_wrong_token_is_told_and_never_shown(built_dataset, stub):
    secret = "hf_secret_that_is_wrong"
    with pytest.raises(AccessDenied, match="does not accept the token") as caught:
        push(built_dataset.folder, stub, settings=settings(stub, token=secret))
    assert secret not in str(caught.value) + repr(caught.value.ids)


def test_a_token_that_the_hub_repeats_is_not_shown(built_dataset, stub):
    stub.faults.append(Fault("/commit/main", 400, message=f"what is {TOKEN}?"))
    with pytest.raises(InputError, match=r"what is \*\*\*\?") as caught:
        push(built_dataset.folder, stub)
    assert TOKEN not in str(caught.value) + repr(caught.value.ids)


def test_a_token_that_may_only_read_is_told(built_dataset, stub):
    with pytest.raises(AccessDenied, match="may not write to school/lesson-patterns"):
        push(built_dataset.folder, stub, settings=settings(stub, token=READ_TOKEN))


def test_a_name_of_another_account_is_told(built_dataset, stub):
    with pytest.raises(AccessDenied, match="may not write to other/x"):
        hub.push(built_dataset.folder, "other/x", settings=settings(stub), version=1)


@pytest.mark.parametrize(
    ("path", "status", "error", "message"),
    [("POST /api/repos/create", 503, BackendError, "status 503"),
     ("POST /api/repos/create", 429, BackendError, "no more requests"),
     ("/commit/main", 500, BackendError, "status 500"), ("/commit/main", 412, Conflict, "meanwhile"),
     ("/commit/main", 403, AccessDenied, "may not write"), ("/preupload/", 404, InputError, "does not find"),
     ("/commit/main", 401, AccessDenied, "does not accept the token"), ("/commit/main", 409, Conflict, "meanwhile"),
     ("/commit/main", 413, InputError, "too large"), ("PUT /lfs/", 413, InputError, "too large"),
     ("/commit/main", 429, BackendError, "no more requests"), ("GET /api/datasets", 503, BackendError, "status 503"),
     ("/refs", 500, BackendError, "status 500"), ("/tag/", 403, AccessDenied, "may not write"),
     ("/commit/main", 400, InputError, "refuses the dataset"), ("PUT /lfs/", 403, AccessDenied, "may not write")],
)  # fmt: skip
def test_what_the_hub_answers_is_told_in_words(built_dataset, stub, path, status, error, message):
    stub.faults.append(Fault(path, status))
    with pytest.raises(error, match=message) as caught:
        push(built_dataset.folder, stub)
    assert TOKEN not in str(caught.value)
    assert caught.value.retryable == (error is BackendError)


def test_a_short_failure_of_the_hub_is_overcome(built_dataset, stub):
    stub.faults.append(Fault("/preupload/", 503, times=1))
    push(built_dataset.folder, stub)
    assert "metadata.jsonl" in stub.repositories[REPO].files


def test_a_hub_that_is_down_is_told(built_dataset, stub):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(BackendError, match="cannot be reached"):
        push(built_dataset.folder, stub, settings=HubSettings(endpoint=endpoint, token=TOKEN))


def test_a_hub_that_answers_nothing_is_given_up(built_dataset, stub):
    stub.faults.append(Fault("/commit/main", None, hang_s=20))
    start_s = time.monotonic()
    with pytest.raises(BackendError, match="did not take the dataset in 4 s"):
        push(built_dataset.folder, stub, timeout_s=4)
    assert time.monotonic() - start_s < 10


def test_a_push_can_be_cancelled_while_the_hub_is_silent(built_dataset, stub):
    stub.faults.append(Fault("POST /api/repos/create", None, hang_s=20))
    asked = threading.Event()
    threading.Timer(1.0, asked.set).start()

    def on_progress(fraction):
        if asked.is_set():
            raise Cancelled("Stopped.")

    start_s = time.monotonic()
    with pytest.raises(Cancelled):
        push(built_dataset.folder, stub, on_progress=on_progress)
    assert time.monotonic() - start_s < 5


def test_a_folder_without_a_manifest_is_not_pushed(tmp_path, stub):
    with pytest.raises(DatasetError, match="manifest.json"):
        push(tmp_path, stub)


@pytest.mark.parametrize("path", ["../outside.txt", "videos/gone.mp4", "link.txt", 7])
def test_a_manifest_that_names_what_is_not_in_the_folder_is_not_obeyed(dataset_copy, stub, path):
    (dataset_copy.parent / "outside.txt").write_text("secret")
    (dataset_copy / "link.txt").symlink_to(dataset_copy.parent / "outside.txt")
    listed = (dataset_copy / "manifest.json").read_text(encoding="utf-8")
    added = f'"files": [{{"path": {path if path == 7 else chr(34) + path + chr(34)}, "sha256": "x"}},'
    (dataset_copy / "manifest.json").write_text(listed.replace('"files": [', added), encoding="utf-8")
    with pytest.raises(DatasetError, match="is missing from the dataset"):
        push(dataset_copy, stub)
    assert stub.requests == []


def test_what_was_pushed_passes_its_check(built_dataset, stub, tmp_path):
    from ppi.dataset import verify

    push(built_dataset.folder, stub)
    folder = tmp_path / "fetched"
    for path, data in stub.repositories[REPO].files.items():
        if path != ".gitattributes":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    assert manifest.is_ours(folder)
    assert verify.check(folder).problems == ()
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_command_tells_a_dry_run_file_by_file_and_then_pushes_under_a_tag(built_dataset, stub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", stub.url)
    command = ["dataset", "push", str(built_dataset.folder), REPO]
    told = CliRunner().invoke(main, [*command, "--dry-run"])
    assert told.exit_code == 0, told.output
    size_bytes = (built_dataset.folder / "metadata.jsonl").stat().st_size
    assert f"added metadata.jsonl ({size_bytes} bytes)" in told.output and "tag v1." in told.output
    assert "(private, to be made), account anna" in told.output and "Nothing was sent." in told.output
    assert stub.repositories == {}
    pushed = CliRunner().invoke(main, command)
    assert pushed.exit_code == 0 and f"{stub.url}/datasets/{REPO} v1 (added " in pushed.output
    assert stub.repositories[REPO].is_private
    refused = CliRunner().invoke(main, [*command, "--dry-run", "--public"])
    assert refused.exit_code == 1 and "consent for this lesson is “unknown”" in refused.output

"""Every route, generated from the application, for six callers, each with a request that gets its owner past "who asks".

So a refusal means "not you", never "not like this". A route without a row here fails the first test.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import pytest

from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotate, build_dataset, joined, uploads, word_lists
from ppi.workflows.ingest import describe
from tests.conftest import DATA, PASSWORD, settings_for, with_people
from tests.web.test_access import addresses

NOBODY, OWNER, OTHER, ADMIN, TOKEN, REVOKED = CALLERS = (
    "nobody", "owner", "another user", "administrator", "owner's token", "revoked token",
)  # fmt: skip
CSRF = 403
ENDS_SESSIONS = ("auth.end_sessions", "auth.logout")


@dataclass(frozen=True)
class Row:
    """The status each caller gets, and what is sent: fields as JSON, or as a form, with {id} and {key} filled in."""

    nobody: int
    owner: int
    other: int
    admin: int
    sent: dict[str, str] = field(default_factory=dict)
    is_form: bool = False

    def status(self, caller: str) -> int:
        return {NOBODY: self.nobody, REVOKED: self.nobody, OTHER: self.other, ADMIN: self.admin}.get(caller, self.owner)


def everybody(status: int, nobody: int = 0, **sent: str) -> Row:
    return Row(nobody or status, status, status, status, sent)


def members(status: int, **sent: str) -> Row:
    return Row(401, status, status, status, sent)


def owners(status: int, is_form: bool = False, **sent: str) -> Row:
    """Who may see the lesson; for others it is not there."""
    return Row(401, status, 404, status, sent, is_form)


def admins() -> Row:
    return Row(401, 403, 403, 200)


ROWS = {
    "static": everybody(200), "system.health": everybody(200), "system.live": everybody(200),
    "openapi.description": everybody(200), "openapi.docs": everybody(200), "upload.tus_options": everybody(204),
    "pages.home": everybody(200), "pages.help": everybody(200), "pages.language": everybody(302, nobody=CSRF),
    "look.theme": everybody(302, nobody=CSRF), "look.styleguide": admins(),
    # Their own signature and token let callers in.
    "storage.media": everybody(200), "storage.stable": everybody(302),
    "auth.login": everybody(401, username="anna", password="wrong"), "auth.login_form": everybody(302, nobody=CSRF),
    "auth.logout": everybody(302),
    "pages.dataset": members(200), "pages.publish": members(200), "pages.files": members(200), "pages.account": members(200),
    "pages.sample": members(200),
    "auth.change_password": members(403), "auth.create_token": members(200), "auth.end_sessions": members(302),
    "auth.end_session": members(404),
    "storage.list_files": members(200), "jobs.lessons_list": members(200), "upload.tus_create": Row(401, 409, 201, 201),
    "lessons.index": members(200), "lessons.delete": Row(401, 400, 400, 400), "lessons.deleted": members(200),
    "lessons.undo": members(404), "lessons.empty": members(404), "storage.restore_lesson": owners(404),
    "pages.lesson": owners(200), "storage.download": owners(302), "storage.revoke_links": owners(200),
    "storage.delete_lesson": owners(200), "storage.delete_file": owners(200, object_name="{key}"),
    "upload.process_video": owners(200, object_name="{key}"), "upload.tus_head": owners(200), "upload.tus_patch": owners(204),
    "upload.tus_delete": owners(409), "transcription.transcribe": owners(200, file_id="{id}"),
    "summaries.summarize": owners(200, file_id="{id}"), "summaries.page": owners(200),
    "transcript.page": owners(200), "transcript.download": owners(200), "transcript.show": owners(200),
    # Refused for what is sent, of which only those hear who may see the lesson.
    "transcript.upload": owners(400), "transcript.edit": owners(400), "transcript.check": owners(400),
    "transcript.undo": owners(400), "transcript.redo": owners(400), "transcript.restore": owners(400),
    "transcript.speaker": owners(400),
    "transcript.bundle": owners(200), "speakers.find": owners(400), "speakers.name": owners(400),
    "jobs.page": members(200), "jobs.jobs_list": members(200), "events.stream": members(200), "upload.room": members(200),
    "player.captions": owners(200), "player.peaks": owners(200), "player.draw": owners(200), "player.intervals": owners(200),
    "jobs.status": owners(200), "jobs.cancel": owners(409), "jobs.retry": owners(200),
    "kit.page": members(200), "kit.keep": owners(200, is_form=True), "kit.config": owners(200), "kit.tasks": owners(200),
    "kit.prepare": owners(200), "kit.normalize": owners(200),
    # With a step that is refused, of which only those hear who may see the lesson: comparing takes seconds.
    "agreement.page": owners(200), "agreement.figures": owners(422), "agreement.gold_set": owners(422),
    "agreement.decide": owners(422), "agreement.build": owners(422), "agreement.add": owners(200, is_form=True),
    "preview.keep": owners(200, is_form=True), "preview.show": owners(200),
    "preview.choose": owners(400),  # no meanings are sent
    "preview.take_back": owners(400),  # no such kind of file
    "gallery.browse": owners(200), "gallery.figures": owners(200), "gallery.history": owners(200), "gallery.card": owners(200),
    "gallery.preview_card": owners(422, text="words", language="en"),  # nor has it facts
    "export.build": owners(200, is_form=True, file_id="{id}"), "export.show": owners(200), "export.download_zip": owners(200),
    "export.download_annotations": owners(200),
    "export.push": owners(200, repo_id="school/lesson"), "export.list_pushes": owners(200),
    "export.save_consent": owners(200, state="internal"),
    "export.save_card": owners(422, text="words"),  # the card of this test has no place for them
    "joined.page": members(200), "joined.show": owners(200),
    "joined.download_zip": owners(422),  # the dataset of this test was built by no version of PPI
    "joined.push": owners(200, repo_id="school/all"), "joined.delete": owners(200),
    "joined.form": owners(400, dataset="{id}"),  # no lesson is chosen
    "withdrawal.page": owners(200), "withdrawal.withdraw_lesson": owners(200, name="Урок"),
    "label_studio.send": owners(200, is_form=True), "label_studio.fetch": owners(200),
    "word_lists.index": members(200), "word_lists.save": members(400),  # an empty list
    # A list is its owner's: nobody else finds it, not even an administrator.
    "word_lists.delete": Row(401, 200, 404, 404),
    # A token is the account's own: nobody else has it, not even an administrator.
    "auth.revoke_token": Row(401, 200, 404, 404),
    "people.index": admins(), "people.add": Row(401, 403, 403, 400), "people.invite": Row(401, 403, 403, 200),
    "people.set_role": Row(401, 403, 403, 400), "people.disable": Row(401, 403, 403, 302),
    "people.enable": Row(401, 403, 403, 302), "people.set_quota": Row(401, 403, 403, 302),
    "people.welcome": everybody(404), "people.choose_password": everybody(404, nobody=CSRF),
    "admin.overview": admins(), "admin.storage": admins(), "admin.settings": admins(),
    "admin.audit": admins(), "admin.audit_csv": admins(), "system.metrics": admins(),
}  # fmt: skip


@pytest.fixture
def services(tmp_path) -> Services:
    """With tokens of the Hub and of Label Studio, so that what needs them is only a question of who asks."""
    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN="hf_of_the_test", LABEL_STUDIO_TOKEN="of-the-test")))


@pytest.fixture
def fresh(services) -> Callable[[], LessonRow]:
    """`fresh()` is a lesson of anna's with a video, a transcript, a dataset, one that is joined of it, and an ended job.

    The one before is gone.
    """
    anna = services.users.by_name("anna")
    info = MediaInfo("mov", 60.0, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, True), (AudioTrack("aac", 44_100, 2),))

    def make() -> LessonRow:
        for old in services.lessons.list(anna.id):
            for job in services.ledger.list(lesson_id=old.id, limit=9):
                if job.is_active:
                    services.ledger.cancel(job.id)
            services.ledger.remove_lesson(old.id)
            services.store.delete(services.final, keys.joined_record(old.id))
            services.lessons.remove(old.id)
        row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
        services.lessons.move_on(row.id, "uploading", "stored")
        put, about = services.store.put_bytes, {keys.USER_ID: anna.id}
        put(services.raw, row.video_key, b"film", metadata=about)
        transcript = {"language": "ru", "engine": "x", "model": "x", "segments": [], "duration_s": 60.0}
        sent = asdict(annotate.Sent(services.settings.label_studio.url, 1, "PPI anna", 1, 0.0))
        for name, data in (("info", describe(row, info)), ("transcript", transcript), ("label-studio", sent)):
            put(services.raw, f"{row.prefix}урок.{name}.json", json.dumps(data).encode(), metadata=about)
        put(services.raw, f"{row.prefix}урок.peaks.dat", b"peaks", metadata=about)
        put(services.raw, f"{row.prefix}урок.vtt", b"WEBVTT", metadata=about)
        put(services.raw, f"{row.prefix}урок.patterns.csv", "Паттерн,Описание\nПохвала,Хвалит\n".encode(), metadata=about)
        put(services.raw, f"{row.prefix}урок.annotations.json", (DATA / "sample_annotations.json").read_bytes(), metadata=about)
        for name in ("metadata.jsonl", "report.json", "README.md", "manifest.json"):
            put(services.final, build_dataset.dataset_prefix(row) + name, b"" if name.endswith("jsonl") else b"{}")
        whole = joined.Joined(row.id, "Все", anna.id, "anna", 1.0, joined.Wanted((row.id,)), "1")
        put(services.final, keys.joined_record(row.id), json.dumps(asdict(whole)).encode())
        for name in ("metadata.jsonl", "report.json", "README.md", "manifest.json"):
            put(services.final, whole.prefix + name, b"" if name.endswith("jsonl") else b"{}")
        services.ledger.submit("ingest", anna.id, row.id, {}, job_id=row.id)
        services.ledger.cancel(row.id)
        return services.lessons.get(row.id)

    return make


@pytest.fixture
def client_of(app, services, client_for):
    """A client as the caller comes: with a session, with a token, or without either."""

    def make(caller: str):
        client = app.test_client()
        if caller == OWNER:
            answer = client.post("/api/login", json={"username": "anna", "password": PASSWORD})
            client.environ_base["HTTP_X_CSRFTOKEN"] = answer.json["csrf_token"]
        elif caller == REVOKED:
            anna = services.users.by_name("anna").id
            token_id, plain = services.users.create_token(anna, "lost")
            services.users.revoke_token(anna, token_id)
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
        elif caller != NOBODY:
            return client_for({OTHER: "boris", ADMIN: "admin", TOKEN: "anna"}[caller])
        return client

    return make


def paths(app, services, row: LessonRow) -> dict[str, tuple[str, str]]:
    """endpoint -> (method, path) with everything that is in the path really there."""
    link = services.store.presign_get(services.raw, row.video_key, expires_s=600)
    token_id, _ = services.users.create_token(row.owner_id, "kept")
    kept = word_lists.save(services, services.users.get(row.owner_id), name="7Б", words="сила", list_id="kept")
    known = {
        "word_lists.delete": f"/words/{kept.id}/delete",
        "static": "/static/x/css/base.css", "storage.media": link, "auth.revoke_token": f"/account/tokens/{token_id}/revoke",
        "storage.stable": f"/m/{services.links.token_for(row.id, row.video_key)}/video.mp4",
        "storage.download": f"/lessons/{row.id}/download/урок.mp4", "transcript.download": f"/lessons/{row.id}/transcript/txt",
        "transcript.bundle": f"/transcripts.zip?lesson={row.id}", "pages.sample": "/sample/sample_patterns.xlsx",
    }  # fmt: skip
    found = {endpoint: (method, known.get(endpoint, path)) for endpoint, method, path in addresses(app, row)}
    compared = {name: (method, f"{path}?step=99") for name, (method, path) in found.items() if name.startswith("agreement.")}
    return found | compared


def send(client, method: str, path: str, wanted: Row, row: LessonRow):
    """As a program on another machine; chunks of an upload are its last, empty one."""
    headers = {"Tus-Resumable": "1.0.0", "Accept": "application/json", "Upload-Length": "4", "Upload-Offset": "4"}
    asked = {"method": method, "headers": headers, "environ_overrides": {"REMOTE_ADDR": "10.9.8.7"}}
    fields = {name: value.format(id=row.id, key=row.video_key) for name, value in wanted.sent.items()}
    if wanted.is_form:
        marks, table = ((DATA / name).read_bytes() for name in ("sample_annotations.json", "sample_patterns.xlsx"))
        files = {"annotations": (io.BytesIO(marks), "a.json"), "patterns": (io.BytesIO(table), "p.xlsx")}
        return client.open(path, data=fields | files, content_type="multipart/form-data", **asked)
    if method == "PATCH":
        return client.open(path, data=b"", content_type="application/offset+octet-stream", **asked)
    return client.open(path, json=fields if method == "POST" else None, **asked)


def test_every_route_has_a_row(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROWS)


@pytest.mark.parametrize("caller", [pytest.param(one, marks=pytest.mark.slow) if one == TOKEN else one for one in CALLERS])
def test_every_route_gives_each_caller_what_is_theirs(caller, app, services, client_of, fresh):
    client, wrong, row = client_of(caller), {}, fresh()
    ways = paths(app, services, row)
    for endpoint in sorted(ROWS, key=lambda name: name in ENDS_SESSIONS):
        client = client_of(caller) if endpoint in ENDS_SESSIONS else client
        method, path = ways[endpoint]
        answer = send(client, method, path, ROWS[endpoint], row)
        if answer.status_code != ROWS[endpoint].status(caller):
            wrong[endpoint] = (answer.status_code, ROWS[endpoint].status(caller), answer.text[:200])
        if caller in (NOBODY, REVOKED, OTHER) and ROWS[endpoint].owner != ROWS[endpoint].status(caller):
            assert services.lessons.get(row.id) == row and row.id not in answer.text, endpoint
            assert services.store.stat(services.raw, row.video_key).size_bytes == 4
            assert len(services.ledger.list(lesson_id=row.id, limit=9)) == 1, endpoint
        elif answer.status_code < 400 and method not in ("GET", "HEAD"):
            row = fresh()
            ways = paths(app, services, row)
    assert wrong == {}

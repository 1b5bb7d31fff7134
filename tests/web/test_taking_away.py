"""What takes something away asks first and says what it is about, without scripts too, or can be undone."""

from __future__ import annotations

import re

import pytest

from ppi.storage import keys
from ppi.web import access
from ppi.workflows import uploads
from tests.conftest import DATA

# How each address that takes something away is safe. Whoever adds a route says here, or below, which it is.
UNDONE = {
    "lessons.delete": "ten minutes", "storage.delete_lesson": "ten minutes", "people.disable": "Enable", "jobs.cancel":
    "Retry", "transcript.upload": "its history", "transcript.restore": "its history", "transcript.edit": "Undo",
    "transcript.undo": "Redo", "preview.keep": "Take it back", "kit.keep": "Take it back", "preview.take_back": "Take it back",
}  # fmt: skip
ASKED = {
    "storage.delete_file", "storage.revoke_links", "word_lists.delete", "joined.delete", "auth.revoke_token",
    "preview.choose", "lessons.empty",
}  # fmt: skip
NAMED = {"withdrawal.withdraw_lesson": "the lesson's name is typed", "upload.tus_delete": "the page asks with the file's name"}
LOGGED_OUT = {"auth.logout", "auth.end_session", "auth.end_sessions"}
# These make, keep or change something: the one before is replaced by what somebody gave in its place.
MAKES = {
    "pages.language", "look.theme", "lessons.undo", "auth.login", "auth.login_form", "auth.change_password",
    "auth.create_token", "upload.process_video", "upload.tus_create", "upload.tus_patch", "storage.restore_lesson",
    "transcription.transcribe", "summaries.summarize", "transcript.bundle", "transcript.check", "transcript.redo",
    "speakers.find", "speakers.name", "player.draw", "jobs.retry", "kit.prepare", "kit.normalize",
    "gallery.preview_card", "export.build", "export.push", "export.save_consent", "export.save_card", "joined.form",
    "joined.push", "label_studio.send", "label_studio.fetch", "agreement.add", "agreement.decide", "agreement.build",
    "people.add", "people.invite", "people.set_role", "people.set_quota", "people.enable", "people.choose_password",
    "word_lists.save", "transcript.speaker",
}  # fmt: skip


def test_of_every_changing_address_it_is_known_whether_it_takes_something_away(app):
    known = {*UNDONE, *ASKED, *NAMED, *LOGGED_OUT, *MAKES}
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if set(rule.methods) - {"GET", "HEAD", "OPTIONS"}}
    assert changing | {"auth.logout"} == known
    assert changing <= set(access.ACCESS)


@pytest.fixture
def lesson(services):
    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="v.mp4", task_name="Урок о снеге", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_file(services.raw, row.video_key, DATA / "sample_lesson.mp4", content_type="video/mp4")
    return services.lessons.get(row.id)


def send(client, page, address, **fields):
    """A form of this page, sent without scripts."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)[1]
    return client.post(address, data={"csrf_token": token, **fields})


def test_without_scripts_a_token_is_revoked_only_after_a_question_that_names_it(services, session_for):
    anna = services.users.by_name("anna")
    services.users.create_token(anna.id, "ноутбук")
    client = session_for("anna")
    page = client.get("/account").text
    address = re.search(r'action="(/account/tokens/[^"]+/revoke)"', page)[1]
    assert 'name="called" value="ноутбук"' in page
    asked = send(client, "/account", address, called="ноутбук").text
    assert "ноутбук" in asked and "Programs that use it stop working." in asked and 'name="sure"' in asked
    assert len(services.users.get(anna.id).tokens) == 1
    assert send(client, "/account", address, called="ноутбук", sure="yes").status_code == 302
    assert services.users.get(anna.id).tokens == ()


def test_the_choices_for_labels_are_taken_back_only_after_a_question(services, session_for, lesson):
    kept = keys.derivative_key(lesson.video_key, ".meanings.json")
    services.store.put_bytes(services.raw, kept, b'{"meanings": {"a": "b"}}')
    client = session_for("anna")
    asked = send(client, "/account", f"/api/lessons/{lesson.id}/meanings", reset="1", called=lesson.name)
    assert "Урок о снеге" in asked.text and "forgotten" in asked.text and 'name="reset"' in asked.text


def test_the_question_about_a_link_says_whose_it_is(session_for, lesson, services):
    client = session_for("anna")
    asked = send(client, "/account", f"/api/lessons/{lesson.id}/link/revoke", called="Урок о снеге").text
    assert "Урок о снеге" in asked and "stop showing the video" in asked

"""In Chromium: a lesson is deleted and brought back, a quota set, a session ended elsewhere; with scripts and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ppi.workflows import lessons, uploads
from tests.conftest import DATA


@pytest.fixture
def lesson(live_server):
    """A stored lesson of boris's; nothing is made of it."""
    services = live_server.services
    boris = services.users.by_name("boris")
    for row in services.lessons.list(boris.id):
        if row.state == "stored":
            lessons.delete_lesson(services, row)
    services.users.set_quota(boris.id, 9, None)
    row = uploads.begin_upload(services, boris, file_name="v.mp4", task_name="Урок о снеге", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_file(services.raw, row.video_key, DATA / "sample_lesson.mp4", content_type="video/mp4")
    yield services.lessons.get(row.id)
    services.users.set_quota(boris.id, None, None)


def test_a_lesson_is_deleted_and_brought_back_with_scripts_and_without(new_page, live_server, lesson):
    services, title = live_server.services, "Урок о снеге"
    page = new_page(live_server, "ru", "boris", viewport={"width": 390, "height": 800})
    page.goto(f"/lessons/{lesson.id}")
    page.get_by_role("button", name="Удалить урок").click()
    question = page.get_by_role("dialog", name="Удалить?")
    expect(question).to_contain_text("можно отменить в течение десяти минут")
    question.get_by_role("button", name="Удалить", exact=True).click()
    page.wait_for_url("**/")
    expect(page.locator(".notice.undo")).to_contain_text("В течение десяти минут его можно вернуть")
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Отменить").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert services.lessons.get(lesson.id).state == "stored"

    state = page.context.storage_state()
    plain = new_page(live_server, "ru", java_script_enabled=False, storage_state=state, viewport={"width": 1280, "height": 800})
    plain.goto("/lessons")
    plain.get_by_role("checkbox", name=title).check()
    plain.get_by_role("button", name="Удалить…").click()
    plain.get_by_role("button", name="Удалить", exact=True).click()
    plain.get_by_role("link", name="Недавно удалённые: 1").click()
    plain.get_by_role("button", name=f"Вернуть: {title}").click()
    expect(plain.get_by_role("heading", name=title)).to_be_visible()
    plain.goto("/lessons")
    plain.get_by_role("checkbox", name=title).check()
    plain.get_by_role("button", name="Удалить…").click()
    plain.get_by_role("button", name="Удалить", exact=True).click()
    expect(plain.get_by_role("link", name="Недавно удалённые: 1")).to_be_visible()
    plain.goto("/lessons/deleted")
    plain.get_by_role("button", name=f"Удалить навсегда: {title}").click()
    expect(plain.get_by_role("heading", name="Удалить навсегда?")).to_be_visible()
    plain.get_by_role("button", name="Удалить навсегда").click()
    expect(plain.get_by_text("За последние десять минут ничего не удаляли.")).to_be_visible()
    assert services.lessons.missing([lesson.id]) == {lesson.id}


def test_an_administrator_sets_a_quota_and_somebody_ends_their_other_session_without_scripts(new_page, live_server):
    admin = new_page(live_server, "en", "admin", java_script_enabled=False)
    admin.goto("/admin/people")
    row = admin.locator(".rows > li", has_text="boris")
    row.locator("summary").click()
    row.get_by_label("Lessons at most").fill("4")
    row.get_by_label("GB of video at most").fill("0.5")
    row.get_by_role("button", name="Save the quota").click()
    expect(admin.get_by_text("The quota of boris was changed.")).to_be_visible()

    here, other = (new_page(live_server, "en", "boris", java_script_enabled=False) for _ in range(2))
    for page in (other, here):
        page.goto("/account")
    expect(here.get_by_text("of 4 lessons")).to_be_visible()
    sessions = here.locator("section", has_text="Where this account is logged in").locator("li")
    before = sessions.count()
    sessions.filter(has_not_text="this one").first.get_by_role("button", name="Log out").click()
    expect(here.get_by_text("The session was ended.")).to_be_visible()
    expect(sessions).to_have_count(before - 1)
    here.get_by_role("button", name="Log out everywhere").click()
    expect(here.locator("#username")).to_be_attached()
    other.goto("/account")
    expect(other.locator("#username")).to_be_attached()
    live_server.services.users.set_quota(live_server.services.users.by_name("boris").id, None, None)

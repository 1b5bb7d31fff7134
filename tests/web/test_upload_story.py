"""Uploads in Chromium: several files at once, breaks and refusals."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from ppi.workflows import runner, uploads
from tests.web.sending import CRAWL, MEGABYTE, QUICK, SLOW, forget, long_video, network, row  # noqa: F401
from tests.web.test_browser import log_in


def test_two_files_at_once_survive_a_pause_and_a_reload_while_another_user_is_held_to_one(
    open_page, network, live_server, tmp_path  # noqa: F811
):
    services = live_server.services
    page, asked = open_page(), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept() if len(asked) > 1 else dialog.dismiss()))
    log_in(page)
    files = [long_video(tmp_path / f"{name}.mp4", 30 * MEGABYTE) for name in ("утро", "вечер")]
    (tmp_path / "заметки.pdf").write_bytes(b"%PDF-1.4")
    page.set_input_files("#video", [*files, tmp_path / "заметки.pdf"])
    expect(row(page, "заметки.pdf")).to_contain_text("This is no video.")
    row(page, "утро.mp4").get_by_label("Name of the lesson").fill("Утро 7а")
    set_speed = network(page)
    set_speed(SLOW)
    page.get_by_role("button", name="Process Local Video").click()
    for name in ("утро.mp4", "вечер.mp4"):
        expect(row(page, name)).to_contain_text(re.compile(r"\d %.*/s.*left"), timeout=30_000)
    expect(page.get_by_text("Keep this page open")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\d+ % · "))

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Help", exact=True).click()
    opened.value.close()
    row(page, "утро.mp4").get_by_role("button", name="Pause").click()
    expect(row(page, "утро.mp4")).to_contain_text("Paused. Nothing is lost.")
    admin = services.users.by_name("admin")
    first = wait_for_bytes(page, services, admin)
    set_speed(CRAWL)
    stay_with(page, "вечер.mp4")
    assert asked == ["beforeunload"]

    page.reload()
    assert asked == ["beforeunload"] * 2
    set_speed(QUICK)
    expect(page.get_by_role("heading", name="Not complete yet")).to_be_visible()
    page.set_input_files("#video", files)
    for name in ("утро.mp4", "вечер.mp4"):
        expect(row(page, name)).to_contain_text("Goes on where it stopped")

    held_to_one(open_page, services, tmp_path, files)

    set_speed(SLOW)
    page.get_by_role("button", name="Process Local Video").click()
    question = ask_to_give_up(page, "вечер.mp4")
    set_speed(QUICK)
    for name in ("утро.mp4", "вечер.mp4"):
        expect(row(page, name)).to_contain_text("Sent.", timeout=30_000)
    # What arrived while the question stood there is not given up any more.
    question.get_by_role("button", name="Give up").click()
    expect(question).to_be_hidden()
    expect(row(page, "вечер.mp4")).to_contain_text("Sent.")
    expect(page).to_have_title(re.compile("^[^%]+$"))
    for lesson_id, (name, offset_bytes) in first.items():
        runner.wait_for(services, services.ledger.get(lesson_id))
        stored = services.lessons.get(lesson_id)
        assert (stored.name, stored.state) == (name, "stored") and offset_bytes > 0
        expected = next(path for path in files if path.stem == stored.video_key.split("/")[-1][:-4]).read_bytes()
        assert b"".join(services.store.read(services.raw, stored.video_key)) == expected
    row(page, "утро.mp4").get_by_role("link", name="Open the lesson").click()
    expect(page.get_by_role("heading", name="Утро 7а")).to_be_visible()


def wait_for_bytes(page, services, admin):
    """Until a chunk of both has arrived: {lesson: (name, bytes)}."""
    for _ in range(100):
        begun = {one.id: (one.name, one.offset_bytes) for one in uploads.unfinished(services, admin)}
        if len(begun) == 2 and all(arrived for _, arrived in begun.values()):
            assert {name for name, _ in begun.values()} == {"Утро 7а", "вечер"}
            return begun
        page.wait_for_timeout(100)
        if not page.locator("#transfers .transfer", has_text="утро.mp4").get_by_text("Paused").count():
            continue
        if not any(arrived for name, arrived in begun.values() if name == "Утро 7а"):
            page.locator("#transfers .transfer", has_text="утро.mp4").get_by_role("button", name="Continue").click()
    raise AssertionError(f"no chunk arrived: {begun}")


def ask_to_give_up(page, name):
    """Press "Cancel" of a file of which something has arrived; the question that comes."""
    one, question = row(page, name), page.get_by_role("dialog", name="Give this upload up?")
    expect(one).to_contain_text(re.compile(r"\d %"))
    one.get_by_role("button", name="Cancel").click()
    expect(question).to_contain_text("What has arrived of this video will be deleted.")
    expect(question).to_contain_text(name)
    return question


def stay_with(page, name):
    """Who does not mean it, at "Cancel" or when the page is shut, keeps the file on its way."""
    question = ask_to_give_up(page, name)
    question.get_by_role("button", name="Keep it").click()
    expect(question).to_be_hidden()
    expect(row(page, name).get_by_role("button", name="Cancel")).to_be_focused()
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    expect(row(page, name)).to_contain_text(re.compile(r"\d %"))
    expect(row(page, name).get_by_role("button", name="Pause")).to_be_visible()


def held_to_one(open_page, services, folder, files):
    """What a DL-user sees before anything is sent."""
    forget(services, "anna")
    page = open_page()
    log_in(page, "anna")
    expect(page.get_by_text("Your account may hold 1 lesson at a time; you can send 1 more.")).to_be_visible()
    with (folder / "огромный.mp4").open("wb") as huge:
        huge.truncate(5_000_000_000)
    drop(page, files[0].name, files[1].name)
    expect(row(page, "вечер.mp4")).to_contain_text("Your account may hold 1 lesson at a time. Make room")
    page.reload()
    (folder / "пустой.mp4").touch()
    bad = {
        "пустой.mp4": "The file is empty. Copy it anew from where it was recorded, then choose it again.",
        "огромный.mp4": "larger than the limit of 4.29 GB",
    }
    for name, reason in bad.items():
        page.set_input_files("#video", folder / name)
        expect(row(page, name)).to_contain_text(reason)
        expect(page.locator("#upload-said")).to_contain_text(f"{name}: ")
    page.get_by_role("button", name="Process Local Video").click()
    expect(page.get_by_text("None of the chosen files can be sent.")).to_be_visible()
    for name in bad:
        row(page, name).get_by_role("button", name="Remove").click()
    anna = services.users.by_name("anna")
    services.users.set_quota(anna.id, None, 20_000_000)
    page.set_input_files("#video", files[0])
    reason = "Your account has room for 20 MB of video. Delete a lesson, then send this one."
    expect(row(page, "утро.mp4")).to_contain_text(reason)
    row(page, "утро.mp4").get_by_role("button", name="Remove").click()
    services.users.set_quota(anna.id, None, None)
    left = {"lessons_left": 1, "bytes_left": None, "unfinished": []}
    full = {"success": True, "most_bytes": 4_000_000_000, "free_bytes": 1_200_000, **left}
    page.route("**/api/upload-room", lambda route: route.fulfill(json=full))
    page.set_input_files("#video", files[0])
    expect(row(page, "утро.mp4")).to_contain_text("The server has room for 1.2 MB now.")
    assert services.lessons.list(anna.id) == []
    page.close()


def test_what_cannot_be_sent_says_why_and_what_to_do_and_the_rest_is_sent(open_page, live_server, tmp_path):
    services = live_server.services
    anna = services.users.by_name("anna")
    forget(services, "anna")
    services.users.set_quota(anna.id, 2, 3_000_000)
    (tmp_path / "пустой.mp4").touch()
    (tmp_path / "письмо.docx").write_bytes(b"PK")
    with (tmp_path / "огромный.mp4").open("wb") as huge:
        huge.truncate(5_000_000_000)
    films = [long_video(tmp_path / f"{name}.mp4", size) for name, size in (
        ("первый", MEGABYTE), ("длинный", 2_500_000), ("второй", MEGABYTE), ("третий", MEGABYTE)
    )]  # fmt: skip
    bad = {
        "пустой.mp4": "Файл пуст. Скопируйте его заново", "письмо.docx": "Это не видео. Выберите MP4",
        "огромный.mp4": "больше предела 4,29\u00a0ГБ. Сожмите его",
        "длинный.mp4": "для видео осталось 3\u00a0МБ. Удалите урок",
        "третий.mp4": "не больше 2 уроков. Сначала освободите место",
    }  # fmt: skip
    page = open_page("ru", 390)
    log_in(page, "anna")
    page.set_input_files("#video", [*films, *(tmp_path / name for name in ("пустой.mp4", "письмо.docx", "огромный.mp4"))])
    for name, reason in bad.items():
        expect(row(page, name)).to_contain_text(reason, timeout=20_000)
    page.get_by_role("button", name="Обработать видео с компьютера").click()
    for name in ("первый.mp4", "второй.mp4"):
        expect(row(page, name)).to_contain_text("Загружено.", timeout=30_000)
    # What went is counted still: nothing that was refused fits now.
    bad["длинный.mp4"] = bad["третий.mp4"]
    for name, reason in bad.items():
        expect(row(page, name)).to_contain_text(reason)
    assert {one.name for one in services.lessons.list(anna.id)} == {"первый", "второй"}
    forget(services, "anna")
    services.users.set_quota(anna.id, None, None)


def drop(page, *names):
    """Small videos of these names let fall on the frame."""
    page.evaluate("""(names) => {
      const dropped = new DataTransfer();
      for (const name of names) dropped.items.add(new File([new Uint8Array(1000)], name, { type: "video/mp4" }));
      const how = { dataTransfer: dropped, bubbles: true, cancelable: true };
      document.getElementById("drop").dispatchEvent(new DragEvent("drop", how));
    }""", list(names))

"""The wizard in Chromium: every step works as a person does it, in both languages, at desktop and phone width."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
import requests
from playwright.sync_api import expect

from ppi.storage import keys
from ppi.workflows import local, runner
from tests.conftest import DATA, PASSWORD


def log_in(page, name="admin"):
    """Log in as a person does, and wait until the scripts of the next page listen."""
    page.goto("/")
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.click("#login-form button[type=submit]")
    expect(page.locator(".user-menu")).to_contain_text(name, timeout=20_000)
    page.wait_for_load_state()


def test_the_page_is_locked_until_somebody_logs_in(open_page):
    page = open_page()
    page.goto("/")
    expect(page.get_by_role("dialog", name="Log in to PPI")).to_be_visible()
    expect(page.locator(".locked[inert]")).to_have_count(1)
    page.fill("#username", "nobody-at-all")
    page.fill("#password", "wrong-password")
    page.click("#login-form button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")


@pytest.fixture
def lesson(bare_ffmpeg, tmp_path):
    """The sample lesson, in which nobody speaks after eight seconds: the recogniser need not hear a minute here."""
    path = tmp_path / "sample_lesson.mp4"
    hushed = ("-c:v", "copy", "-c:a", "aac", "-af", "volume=0:enable='gt(t,8)'", "-movflags", "+faststart")
    bare_ffmpeg("-i", DATA / "sample_lesson.mp4", *hushed, path)
    return path


def test_the_whole_wizard_from_log_in_to_the_zip(open_page, live_server, lesson):
    page = open_page()
    log_in(page)

    upload(page, lesson)
    look_at_the_link(page, lesson)
    transcribe_and_summarise(page)
    build_the_dataset(page)
    look_at_the_samples(page)
    delete_the_lesson(page)
    assert "Урок о воде" not in {row.name for row in live_server.services.lessons.list()}


def upload(page, lesson):
    page.set_input_files("#video", lesson)
    expect(page.locator("#task-name")).to_have_value("sample_lesson")
    page.fill("#task-name", "Урок о воде")
    page.get_by_role("button", name="Process Local Video").click()
    page.wait_for_url(re.compile("/lessons/"))
    expect(page.get_by_role("heading", name="Урок о воде")).to_be_visible()
    page.get_by_role("button", name="Link for Label Studio").click(timeout=60_000)


def look_at_the_link(page, lesson):
    """It is read-only, copied, and good for the video."""
    dialog = page.get_by_role("dialog", name="Video Ready for Label Studio")
    expect(dialog).to_be_visible()
    link = page.locator("#share-link")
    assert link.get_attribute("readonly") is not None
    dialog.get_by_role("button", name="Copy Link").click()
    expect(dialog.get_by_role("button", name="Copied!")).to_be_visible()
    expect(page.get_by_role("dialog", name="Link Copied!")).to_be_visible(timeout=5000)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == link.input_value()
    assert requests.get(copied, timeout=20).content == lesson.read_bytes()
    page.get_by_role("button", name="Show Link").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Copy task JSON").click()
    page.wait_for_function("() => navigator.clipboard.readText().then((text) => text.includes('lesson_id'))")
    dialog.get_by_role("button", name="Close").click()


def transcribe_and_summarise(page):
    page.locator("#engine").select_option("pocketsphinx")
    page.get_by_role("button", name="Transcribe Audio").click()
    expect(page.get_by_text("made by pocketsphinx")).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Summarise", exact=True).click()
    expect(page.get_by_role("link", name="Read the summary")).to_be_visible(timeout=60_000)
    for suffix, start in ((".summary.docx", b"PK"), (".txt", b""), (".srt", b"1")):
        with page.expect_download() as got:
            page.locator(f"a[data-suffix='{suffix}']").click()
        assert got.value.suggested_filename == f"sample_lesson{suffix}"
        assert got.value.path().read_bytes().startswith(start)


def build_the_dataset(page):
    page.get_by_role("link", name="Build a dataset").click()
    page.set_input_files("#annotations", DATA / "sample_patterns.xlsx")
    expect(page.locator("#dataset-error")).to_contain_text("JSON")
    page.set_input_files("#annotations", DATA / "sample_annotations.json")
    expect(page.locator(".segments tbody tr")).to_have_count(10)
    page.set_input_files("#patterns", DATA / "sample_patterns.xlsx")
    page.get_by_role("button", name="Build the dataset").click()


def look_at_the_samples(page):
    page.wait_for_url(re.compile("/publish"), timeout=90_000)
    expect(page.get_by_text("Домашнее задание П", exact=False).first).to_be_visible()
    page.locator(".clip").first.click()
    page.wait_for_function("video => video.currentTime > 0", arg=page.locator(".samples video").element_handle())
    page.get_by_role("link", name="Look through all 10 samples").click()
    expect(page.locator(".samples > li")).to_have_count(10)
    page.get_by_role("link", name="Overview").click()
    with page.expect_download() as got:
        page.get_by_role("link", name="Download ZIP").click()
    names = zipfile.ZipFile(got.value.path()).namelist()
    assert sum(name.endswith(".mp4") for name in names) == 10


def delete_the_lesson(page):
    """Deletion asks first, by name."""
    page.goto("/")
    page.get_by_role("link", name="Урок о воде", exact=True).click()
    page.wait_for_load_state()
    page.get_by_role("button", name="Delete the lesson").click()
    question = page.get_by_role("dialog", name="Delete?")
    expect(question).to_contain_text("Урок о воде")
    question.get_by_role("button", name="Keep it").click()
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Delete the lesson").click()
    question.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(re.compile(r"/$"))
    expect(page.get_by_role("link", name="Урок о воде", exact=True)).to_have_count(0)


def test_disagreements_are_watched_decided_without_a_script_and_built_as_gold(open_page, new_page, live_server):
    services = live_server.services
    job = runner.wait_for(services, local.ingest_file(services, DATA / "sample_lesson.mp4", "Два взгляда", "admin", 1))
    row = services.lessons.get(job.lesson_id)
    silence = {"language": "ru", "engine": "x", "model": "x", "segments": [], "duration_s": 63.92}
    for suffix, data in (
        (".transcript.json", json.dumps(silence).encode()), (".patterns.xlsx", (DATA / "sample_patterns.xlsx").read_bytes()),
    ):  # fmt: skip
        services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), data)
    page = open_page()
    log_in(page)
    page.goto(f"/dataset?lesson={row.id}")
    page.get_by_role("link", name="Compare annotators").click()
    page.set_input_files("#annotations", DATA / "sample_annotations.json")
    page.get_by_role("button", name="Add to the comparison").click()
    expect(page.locator(".disagreements > li")).to_have_count(6, timeout=60_000)

    # The moment plays from a second before its beginning up to its end.
    page.get_by_role("group", name="Объяснение").get_by_role("link", name="Play this moment").click()
    player = page.locator("#player").element_handle()
    page.wait_for_function("video => !video.paused && video.currentTime > 32.6 && video.currentTime < 40", arg=player)
    page.evaluate("document.getElementById('player').currentTime = 44.1")
    page.wait_for_function("video => video.paused", arg=player)
    assert 44 < player.evaluate("video => video.currentTime") < 46

    plain = new_page(live_server, java_script_enabled=False, storage_state=page.context.storage_state())
    plain.goto(page.url)
    plain.get_by_role("group", name="Объяснение").get_by_label("Keep the mark of annotator 1").check()
    plain.get_by_role("button", name="Save the decisions").click()
    expect(plain.get_by_text("5 of them not decided yet")).to_be_visible()

    page.reload()
    expect(page.get_by_role("group", name="Объяснение").get_by_label("Keep the mark of annotator 1")).to_be_checked()
    page.locator("main details summary").click()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as got:
        page.get_by_role("link", name="Download the gold set").click()
    assert len(json.loads(got.value.path().read_text())[0]["annotations"][0]["result"]) == 3
    page.get_by_role("button", name="Build the dataset from the gold set").click()
    page.wait_for_url(re.compile("/publish"), timeout=90_000)
    expect(page.locator(".samples > li")).to_have_count(3)
    expect(page.get_by_text("annotator gold")).to_have_count(3)


def test_a_storage_selection_becomes_a_lesson(open_page, live_server):
    services = live_server.services
    services.store.put_file(services.raw, "inbox/Из папки.mp4", DATA / "sample_lesson.mp4", content_type="video/mp4")
    page = open_page("ru")
    log_in(page)
    page.locator("#load-files").click()
    page.locator("#object-name").select_option("inbox/Из папки.mp4")
    page.fill("#stored-name", "Из хранилища")
    page.locator("#storage-form button[type=submit]").click()
    page.wait_for_url(re.compile("/lessons/"))
    expect(page.get_by_role("heading", name="Из хранилища")).to_be_visible()
    expect(page.locator("video")).to_be_visible(timeout=60_000)


def test_what_is_no_video_ends_in_a_sentence_that_says_so(open_page, tmp_path):
    path = tmp_path / "lesson.mp4"
    path.write_text("not a video")
    page = open_page()
    log_in(page, "boris")
    page.set_input_files("#video", path)
    page.get_by_role("button", name="Process Local Video").click()
    expect(page.get_by_role("heading", name="This file was not kept")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("alert")).to_contain_text("MP4")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language, word", [("en", "Files"), ("ru", "Файлы")])
def test_every_page_opens_in_both_languages_and_fits_its_width(open_page, language, word, width):
    page = open_page(language, width)
    log_in(page, "anna")
    assert page.locator("html").get_attribute("lang") == language
    expect(page.locator("nav").get_by_text(word)).to_be_visible()
    for path in ("/", "/dataset", "/publish", "/files", "/account", "/help", "/api/docs", "/nothing-here"):
        page.goto(path)
        expect(page.locator("main h1")).to_be_visible() if path not in ("/dataset", "/publish") else None
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("language", ["en", "ru"])
def test_administrators_pages_fit_their_width_and_the_log_stays_a_table(open_page, language):
    page = open_page(language)
    page.live.services.audit.record("delete file", user_name="x" * 64, object="ж" * 400, address="2001:db8:85a3::8a2e:370:7334")
    log_in(page)
    for width in (1280, 390, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/admin/system", "/admin/audit", "/admin/audit?text=nobody-is-called-so"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        page.goto("/admin/audit")
        expect(page.get_by_role("table")).to_be_visible()
        assert page.get_by_role("columnheader").count() == 5 and page.get_by_role("row").count() > 2


def test_the_log_is_filtered_with_the_keyboard_alone(open_page):
    page = open_page()
    log_in(page)
    page.goto("/admin/audit")
    page.get_by_label("Action").focus()
    page.keyboard.type("Log-in")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "submit":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/audit?*action=log+in*")
    expect(page.get_by_label("Action")).to_have_value("log in")
    assert all(row.startswith("Log-in") for row in page.locator("td.what").all_inner_texts())


def test_the_language_is_chosen_and_remembered(open_page):
    page = open_page("en")
    log_in(page, "anna")
    page.locator("button[name=language][value=ru]").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.goto("/files")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator("button[name=language][value=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_list_of_files_is_a_table_to_a_screen_reader_on_a_phone_too(open_page, live_server):
    services = live_server.services
    services.store.put_bytes(services.raw, "без урока/заметка.txt", b"x")
    page = open_page(width=390)
    log_in(page)
    page.goto("/files?text=заметка")
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    told = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert [told.count(role) for role in ("table", "row", "columnheader", "cell")] == [1, 2, 4, 6]
    services.store.delete(services.raw, "без урока/заметка.txt")


def test_a_token_is_shown_once_and_works(open_page, live_server):
    page = open_page()
    log_in(page, "anna")
    page.goto("/account")
    page.fill("#label", "ноутбук")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#token-shown")).to_be_visible()
    token = page.locator("#token").input_value()
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{live_server.url}/list_files", headers=headers, timeout=10).status_code == 200
    page.reload()
    expect(page.locator(".rows").get_by_text("ноутбук")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    page.locator("#confirm-yes").click()
    expect(page.get_by_text("No tokens.")).to_be_visible()
    assert requests.get(f"{live_server.url}/list_files", headers=headers, timeout=10).status_code == 401


def test_an_annotation_kit_is_made_looked_at_and_taken_along(open_page, live_server):
    from ppi.workflows import local, runner

    job = local.ingest_file(live_server.services, DATA / "sample_lesson.mp4", "Комплект", "admin")
    lesson = runner.wait_for(live_server.services, job).lesson_id
    page = open_page(width=390)
    log_in(page)
    page.goto(f"/kit?lesson={lesson}")
    page.set_input_files("#patterns", DATA / "sample_lesson.json")
    page.get_by_role("button", name="Make the kit").click()
    expect(page.locator("#kit-error")).to_contain_text("XLSX or CSV")
    page.set_input_files("#patterns", DATA / "sample_patterns.xlsx")
    expect(page.locator("#chosen-file")).to_have_text("Chosen: sample_patterns.xlsx")
    page.get_by_label("What annotators do").select_option("speech_acts")
    page.get_by_role("button", name="Make the kit").click()
    page.wait_for_url("**variant=speech_acts")
    expect(page.locator(".labels > li")).to_have_count(6)
    expect(page.locator(".labels kbd")).to_have_text(list("123456"))
    colours = page.locator(".swatch rect").evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
    assert len(set(colours)) == 6 and "none" not in colours
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_role("button", name="Copy the configuration").click()
    expect(page.get_by_role("button", name="Copied!")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("<View>") and "Эмоциональная поддержка" in copied
    with page.expect_download() as got:
        page.get_by_role("link", name="Download the configuration").click()
    assert got.value.path().read_text(encoding="utf-8") == copied
    with page.expect_download() as got:
        page.get_by_role("link", name="Download the task").click()
    assert lesson in got.value.path().read_text(encoding="utf-8")
    # Another variant of the same table, chosen with the keyboard.
    page.get_by_label("What annotators do").focus()
    page.keyboard.type("Boxes")
    page.wait_for_url("**variant=boxes")
    expect(page.locator("#config")).to_have_value(re.compile("VideoRectangle"))

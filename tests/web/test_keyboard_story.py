"""From a video to a published dataset without a mouse: by the keys alone, and at every stop it is seen where the focus is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import DATA, PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LESSON, WORD = "Урок о воде", "вода"
PATTERNS = (
    "Введение", "Педагог", "👍 Похвала П", "❓ Открытый вопрос П", "Эмоциональная поддержка П", "Объяснения П",
    "Домашнее задание П",
)  # fmt: skip
# One of them is written otherwise than annotators did.
TABLE = "Паттерн;Описание\n" + "".join(f"{name};что это\n" for name in PATTERNS)


def test_a_lesson_becomes_a_dataset_without_a_mouse(hands, own_server, tmp_path):
    (tmp_path / "patterns.csv").write_text(TABLE, encoding="utf-8")
    one = hands()
    log_in(one, "anna", PASSWORD)
    give_a_video(one)
    transcribe(one)
    correct_a_segment(one)
    play(one)
    copy_the_link(one)
    give_annotations(one, tmp_path / "patterns.csv")
    build(one)
    look_at_a_sample(one)
    write_the_card(one)
    see_what_would_be_sent(one)
    look_at_the_jobs(one)
    choose_theme_and_language(one)
    use_the_account(one, own_server)
    delete_and_bring_back(one)
    log_out(one)


def log_in(one, name, password):
    one.page.goto("/")
    one.is_at("textbox", "User name")
    one.press("Escape")
    one.page.keyboard.type(name)
    one.write("field", "Password", password)
    one.do("button", "Log in")
    expect(one.page.locator(".user-menu")).to_contain_text(name)
    one.page.wait_for_load_state()


def give_a_video(one):
    page = one.page
    one.skip()
    one.find(page.locator("#video"), "the field for videos")
    page.set_input_files("#video", DATA / "sample_lesson.mp4")
    one.write("textbox", "Name of the lesson", LESSON)
    one.do("button", "Process Local Video")
    page.wait_for_url(re.compile("/lessons/"))
    expect(page.locator("video")).to_be_visible(timeout=60_000)


def transcribe(one):
    page = one.page
    one.skip()
    one.to("combobox", "Engine")
    page.keyboard.type("pocketsphinx")
    one.do("button", "Transcribe Audio")
    expect(page.locator(".watch")).to_be_visible()
    # The page came anew, and again when it is done: who was in the panel stays in it.
    expect(page.get_by_text("made by pocketsphinx")).to_be_visible(timeout=120_000)
    one.is_at("heading", "Transcript")


def correct_a_segment(one):
    page = one.page
    one.do("link", "Read and correct")
    page.wait_for_url("**/transcript")
    one.skip()
    one.do("button", re.compile("^Correct the text at"))
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    one.is_at("button", re.compile("^Correct the text at"))
    expect(page.locator("#saving")).to_have_text("Saved")
    # A button that shuts when there is nothing more to undo hands the focus on to its neighbour.
    one.do("button", "Undo", back=True)
    expect(page.locator("#s0 .text")).not_to_have_text(WORD)
    expect(page.locator("#tools button:focus")).to_have_count(1)
    one.do("button", "Redo", most=2)
    expect(page.locator("#s0 .text")).to_have_text(WORD)
    expect(page.locator("#tools button:focus")).to_have_count(1)
    show_and_shut_the_keys(one)
    expect(page.locator("#tools button:focus")).to_have_count(1)
    one.do("link", LESSON, back=True)
    page.wait_for_url(re.compile("/lessons/[0-9a-f]+$"))


def show_and_shut_the_keys(one):
    dialog = one.page.get_by_role("dialog", name="Keys")
    one.press("?")
    expect(dialog).to_be_focused()
    one.to("checkbox", "Single letters and signs are keys on this computer", most=5)
    one.press("Escape")
    expect(dialog).to_be_hidden()


def play(one):
    page = one.page
    one.skip()
    one.to("button", "Play")
    one.press(" ")
    page.wait_for_function("() => !player.paused && player.currentTime > 0.3")
    one.press("k")
    page.wait_for_function("() => player.paused")
    show_and_shut_the_keys(one)
    one.is_at("button", "Play")
    one.press("[")
    expect(page.locator("[data-part=interval]")).not_to_be_empty()
    one.do("button", "No interval")
    one.is_at("button", "Again and again")


def copy_the_link(one):
    page = one.page
    one.do("button", "Link for Label Studio")
    one.do("button", "Copy Link", most=5)
    small = page.get_by_role("dialog", name="Link Copied!")
    expect(small).to_be_focused(timeout=5000)
    one.find(small.get_by_role("button", name="Close"), "the button that shuts it", most=4)
    one.press("Enter")
    expect(small).to_be_hidden()
    one.is_at("button", "Link for Label Studio")


def give_annotations(one, table):
    page = one.page
    one.find(page.locator("main section").get_by_role("link", name="Build a dataset"), "the way to the dataset")
    one.press("Enter")
    page.wait_for_url("**/dataset?*")
    one.skip()
    one.choose_file("Annotations", DATA / "sample_annotations.json")
    expect(page.locator(".segments tbody tr")).to_have_count(10)
    one.is_at("field", "Annotations")
    one.choose_file("Table of patterns", table)
    expect(page.locator("#labels .meaning")).to_have_count(1)
    one.is_at("field", "Table of patterns")
    # A group of choices is one stop; the arrows go from one to the next, and each is kept at once.
    one.to("radio", "As it is written")
    one.press("ArrowLeft")
    one.is_at("radio", "Объяснения П")
    expect(page.locator("#labels .state.good")).to_have_count(1)
    one.is_at("radio", "Объяснения П")


def build(one):
    one.do("button", "Build the dataset")
    one.page.wait_for_url(re.compile("/publish"), timeout=120_000)


def look_at_a_sample(one):
    page = one.page
    one.skip()
    one.do("link", "Look through all 10 samples")
    page.wait_for_url("**/samples")
    expect(page.locator(".samples > li")).to_have_count(10)
    one.skip()
    one.find(page.locator(".clip").first, "a sample")
    one.press("Enter")
    video = page.locator(".samples video")
    expect(video).to_be_focused()
    page.wait_for_function("video => video.currentTime > 0", arg=video.element_handle())
    one.press("Escape")
    expect(video).to_have_count(0)
    expect(page.locator(".clip").first).to_be_focused()


def write_the_card(one):
    page = one.page
    one.do("link", "Card", back=True)
    page.wait_for_url("**/card")
    one.skip()
    one.write("textbox", "Text, in Markdown", "Recorded in May.")
    expect(page.locator("#card-page")).to_contain_text("Recorded in May.")
    one.do("button", "Save the card")
    expect(page.locator("#card-state")).to_have_text("saved")
    one.is_at("button", "Save the card")
    one.do("link", "Overview", back=True)


def see_what_would_be_sent(one):
    """It is looked at, and not sent."""
    page = one.page
    page.wait_for_url("**/publish?*")
    one.skip()
    one.write("textbox", "Repository", "school/x")
    one.do("button", "Show what would be sent")
    expect(page.get_by_role("heading", name="What a push would do")).to_be_visible(timeout=60_000)
    one.is_at("heading", "Push to the Hugging Face Hub")
    one.to("button", "Push the dataset", most=20)
    one.do("link", "Lessons", back=True)
    page.wait_for_url("**/lessons")


def look_at_the_jobs(one):
    page = one.page
    one.do("button", "Jobs", key=" ", most=12)
    drawer = page.get_by_role("dialog", name="Jobs")
    expect(drawer.locator(".jobs > li").first).to_contain_text("What a push would do")
    one.find(drawer.get_by_text("What happened").first, "what happened to a job")
    one.press("Enter")
    expect(drawer.locator(".trail").first).to_be_visible()
    one.do("button", "Close", back=True)
    expect(drawer).to_be_hidden()
    one.is_at("button", "Jobs")


def open_menu(one, **how):
    menu = one.page.locator(".user-menu")
    one.find(menu.locator("summary"), "the menu", **how)
    one.press("Enter")
    expect(menu).to_have_attribute("open", "")
    return menu


def choose_theme_and_language(one):
    page, html = one.page, one.page.locator("html")
    menu = open_menu(one)
    one.do("button", "Dark", most=6)
    expect(html).to_have_attribute("data-bs-theme", "dark")
    expect(menu.locator("summary")).to_be_focused()
    one.do("button", "RU", back=True, most=6)
    expect(html).to_have_attribute("lang", "ru")
    one.is_at("button", "RU")
    one.do("button", "EN", most=2)
    expect(html).to_have_attribute("lang", "en")
    # Who leaves the menu with the tab key leaves nothing open over the page.
    open_menu(one, most=3)
    one.to("link", "Log out", most=8)
    one.press("Tab")
    expect(menu).not_to_have_attribute("open", "")
    open_menu(one, back=True, most=4)
    one.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    one.press("Enter")
    one.do("link", "Account", most=3)
    page.wait_for_url("**/account")


def use_the_account(one, server):
    page = one.page
    one.skip()
    words = {"Current password": PASSWORD, "New password": "another-word-2", "New password again": "another-word-2"}
    for label, text in words.items():
        one.write("field", label, text)
    one.do("button", "Change the password")
    expect(page.locator("main > .notice.good")).to_be_focused()
    one.write("textbox", "What is it for?", "ноутбук")
    one.do("button", "Make a token")
    expect(page.locator("#token")).to_be_focused()
    page.reload()
    dialog = page.get_by_role("dialog", name="Revoke the token?")
    one.do("button", "Revoke", most=80)
    expect(dialog).to_be_focused()
    one.press("Escape")
    expect(dialog).to_be_hidden()
    one.is_at("button", "Revoke")
    one.press("Enter")
    expect(dialog).to_be_focused()
    one.find(dialog.get_by_role("button", name="Revoke"), "the button that revokes", most=5)
    one.press("Enter")
    expect(page.get_by_text("No tokens.")).to_be_visible()
    one.is_at("heading", "Tokens for programs")
    other = page.context.browser.new_context(base_url=server.url)
    assert other.request.post("/api/login", data={"username": "anna", "password": "another-word-2"}).ok
    assert other.request.get("/account").ok
    other.close()
    page.reload()
    sessions = page.locator("section", has_text="Where this account is logged in").locator("li")
    one.find(sessions.filter(has_not_text="this one").get_by_role("button"), "the other session")
    one.press("Enter")
    expect(page.locator("main > .notice.good")).to_be_focused()


def delete_and_bring_back(one):
    page, question = one.page, one.page.get_by_role("dialog", name="Delete?")
    one.do("link", "Lessons", back=True)
    page.wait_for_url("**/lessons")
    one.do("link", LESSON, most=80)
    page.wait_for_url(re.compile("/lessons/.+"))
    one.skip()
    one.do("button", "Delete the lesson", most=120)
    expect(question).to_be_focused()
    one.find(question.get_by_role("button", name="Keep it"), "the button that keeps it", most=5)
    one.press("Enter")
    expect(question).to_be_hidden()
    one.is_at("button", "Delete the lesson")
    one.press("Enter")
    expect(question).to_be_focused()
    expect(question).to_contain_text(LESSON)
    one.find(question.get_by_role("button", name="Delete", exact=True), "the button that deletes", most=5)
    one.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    expect(page.locator(".notice.undo")).to_be_focused()
    one.do("button", "Undo", most=3)
    expect(page.get_by_role("heading", name=LESSON)).to_be_visible()


def log_out(one):
    open_menu(one, back=True)
    one.do("link", "Log out", most=8)
    expect(one.page.get_by_role("dialog", name="Log in to PPI")).to_be_visible()
    one.is_at("textbox", "User name")

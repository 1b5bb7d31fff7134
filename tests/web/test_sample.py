"""The sample lesson: everybody with an account can save its files, and the help says what to do with them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.services import Services
from ppi.web.app import build_app
from tests.conftest import DATA, PASSWORD, settings_for, with_people
from tests.web.spoken import lesson_of


def test_the_help_leads_through_the_sample_lesson_with_files_that_are_there(app):
    client = app.test_client()
    assert "/sample/" not in client.get("/help").text and client.get("/sample/sample_lesson.mp4").status_code in (302, 401)
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    assert "/help#sample" in client.get("/").text
    linked = re.findall(r'href="(/sample/[^"]+)"', client.get("/help").text)
    assert len(linked) == 3
    for path in linked:
        answer = client.get(path)
        assert answer.data == (DATA / path.rsplit("/", 1)[1]).read_bytes()
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_nothing_else_is_given_out(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    for name in ("make_sample.py", "..%2f..%2frequirements.txt", "speech", "sample_lesson.json"):
        assert client.get(f"/sample/{name}").status_code == 404, name


def test_the_buttons_that_the_help_names_stand_on_the_pages(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    section = client.get("/help").text.split('id="sample"')[1].split("</section>")[0]
    named = re.findall("“([^”]+)”", section)
    assert {"Process Local Video", "Transcribe Audio"} <= set(named) and len(named) == 4
    texts = "".join(path.read_text() for path in (DATA.parents[1] / "templates").glob("*.html") if path.name != "help.html")
    assert all(f"_('{name}')" in texts for name in named)


def test_without_whispers_weights_the_pages_say_so_before_they_are_missed(tmp_path):
    for engine in ("faster-whisper", "pocketsphinx"):
        here = with_people(Services(settings_for(tmp_path / engine, SPEECH_ENGINE=engine, WHISPER_MODEL_DIR=str(tmp_path))))
        row = lesson_of(here, "anna", said=None)
        client = build_app(here).test_client()
        client.post("/api/login", json={"username": "anna", "password": PASSWORD})
        for page in (f"/lessons/{row.id}", f"/dataset?lesson={row.id}", "/help"):
            is_said = "Whisper weights are not on this server yet" in client.get(page).text
            assert is_said == (engine != "pocketsphinx"), (engine, page)


WORDS = {
    "en": {"try": "Try it with the sample lesson", "give": "Add a lesson", "send": "Process Local Video",
           "hear": "Transcribe Audio", "heard": "Read and correct", "build": "Build a dataset", "really": "Build the dataset",
           "samples": "Samples", "done": "Transcript: done"},
    "ru": {"try": "Попробовать на учебном примере", "give": "Добавить урок", "send": "Обработать видео с компьютера",
           "hear": "Расшифровать звук", "heard": "Читать и исправлять", "build": "Собрать датасет", "really": "Собрать датасет",
           "samples": "Примеры", "done": "Расшифровка: готово"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("language", "is_hasty"), [("en", False), ("ru", True)])
def test_somebody_new_comes_to_a_dataset_with_what_the_pages_say(language, is_hasty, new_page, live_server, tmp_path):
    """From the log-in on only what can be seen is used; nothing is typed into the line of addresses.

    Who is in haste lets the build transcribe.
    """
    words, name = WORDS[language], f"novice-{language}"
    live_server.services.users.add(name, PASSWORD, "DL-user")
    page = new_page(live_server, language)
    page.goto("/")
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.click("#login-form button[type=submit]")
    page.get_by_role("link", name=words["try"]).click()
    files = {}
    for link in page.locator("#sample a[download]").all():
        with page.expect_download() as saving:
            link.click()
        files[saving.value.suggested_filename] = tmp_path / saving.value.suggested_filename
        saving.value.save_as(files[saving.value.suggested_filename])
    page.locator("#sample").get_by_role("link", name=words["give"]).click()
    page.set_input_files("#video", files["sample_lesson.mp4"])
    page.get_by_role("button", name=words["send"]).click()
    page.wait_for_url(re.compile("/lessons/"))
    page.get_by_role("link", name=words["build"], exact=True).wait_for(timeout=90_000)
    if not is_hasty:
        page.get_by_role("button", name=words["hear"]).click()
        page.get_by_role("link", name=words["heard"]).wait_for(timeout=120_000)
    page.get_by_role("link", name=words["build"], exact=True).click()
    page.set_input_files("#annotations", files["sample_annotations.json"])
    page.set_input_files("#patterns", files["sample_patterns.xlsx"])
    expect(page.locator(".segments tbody tr")).to_have_count(10)
    page.get_by_role("button", name=words["really"]).click()
    page.wait_for_url(re.compile("/publish"), timeout=120_000)
    page.get_by_role("link", name=words["samples"], exact=True).click()
    expect(page.locator(".samples > li")).to_have_count(10)
    page.locator(".steps a").first.click()
    expect(page.locator(".way .done", has_text=words["done"])).to_have_count(1)

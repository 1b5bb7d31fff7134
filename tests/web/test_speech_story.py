"""A lesson in Chromium from the video to the documents: heard while somebody looks on, corrected, taken home, summarised."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import psutil
import pympi
import pytest
import srt
import webvtt
from docx import Document
from playwright.sync_api import expect
from praatio import textgrid

from ppi.services import Services
from ppi.speech import formats
from ppi.speech.wav import duration_s
from ppi.workflows import local, runner
from ppi.workflows.partial import EVERY_S, so_far
from tests.conftest import DATA, need, settings_for, start_server, stop_server, with_people
from tests.servers.chat_stub import KEY, ChatStub
from tests.summary.test_summary_documents import text_of
from tests.web.test_browser import log_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SENTENCES = (
    "Откройте учебник на странице семь.", "Давайте работать в парах.", "Запишите результат.", "Мне нужно больше времени.",
    "Отличная мысль, Нина.", "Спасибо, Иван, садись.",
)  # fmt: skip
TIMES, PAUSE_S = 3, 9.0
# The third sentence, as it is heard first and as a person leaves it.
PLACE, HEARD, RIGHT = 2, "Запишите результат.", "Запишите вывод опыта."
WORD = "вывод"
NAME = "Работа в парах"


@pytest.fixture(scope="module")
def film(speak, tmp_path_factory) -> Path:
    """Four minutes of a lesson of which the recogniser knows every sentence."""
    need(shutil.which("ffmpeg") is not None, "ffmpeg")
    path = tmp_path_factory.mktemp("film") / "урок.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=5"]
    sound = speak(*(part for text in SENTENCES * TIMES for part in (text, PAUSE_S)))
    length = ["-t", str(duration_s(sound))]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *picture, "-i", sound, *length, *coded, path], check=True)
    return path


@pytest.fixture(scope="module")
def chat():
    stub = ChatStub().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="module")
def server(classroom_models, chat_folder, speaker_models, chat, tmp_path_factory):
    """A server that recognises speech, tells voices apart, and knows a chat server and a chat model of random weights."""
    folder = tmp_path_factory.mktemp("speech-story") / "data"
    variables = {
        "SPEECH_ENGINE": "faster-whisper", "WHISPER_MODEL_SIZE": classroom_models["faster-whisper"],
        "PPI_SPEAKERS": "on", "PPI_SPEAKERS_DIR": str(speaker_models), "SUMMARY_MODEL": chat_folder(),
        "LLM_BASE_URL": chat.url, "LLM_MODEL": "stub-model", "LLM_API_KEY": KEY,
    }  # fmt: skip
    with_people(Services(settings_for(folder, **variables)))
    server = start_server(folder, **variables)
    runner.wait_for(server.services, local.ingest_file(server.services, DATA / "sample_lesson.mp4", "Другой урок", "admin"))
    yield server
    stop_server(server)


def test_a_lesson_is_heard_corrected_downloaded_and_summarised(new_page, server, film, chat, tmp_path):
    page = new_page(server, "ru", accept_downloads=True)
    page.set_default_timeout(60_000)
    log_in(page)
    lesson = give(page, server, film)
    watch_it_grow(page, server, lesson)
    correct_a_word(page, server, lesson)
    take_every_format(page, tmp_path)
    take_all_texts_of_the_chosen_lesson(page, lesson)
    page.goto(f"/lessons/{lesson.id}")
    expect(page.get_by_text(re.compile("^64 слова, движок faster-whisper"))).to_be_visible()
    summarise_by_extraction(page)
    summarise_by_the_chat_server(page, chat)
    a_model_that_knows_nothing_is_told_of(page)
    the_text_changes_after_the_summary(page)
    english = new_page(server, "en", "admin")
    a_reader_of_english_sees_the_same(english, lesson)


def give(page, server, film: Path):
    """Uploaded and prepared, through the page; answers the lesson."""
    page.set_input_files("#video", film)
    page.fill("#task-name", NAME)
    page.get_by_role("button", name="Обработать видео с компьютера").click()
    page.wait_for_url(re.compile("/lessons/"))
    expect(page.get_by_role("button", name="Расшифровать звук")).to_be_visible(timeout=120_000)
    return server.services.lessons.get(page.url.rsplit("/", 1)[1])


def watch_it_grow(page, server, lesson) -> None:
    """The recogniser is held still twice, so that on a machine of any speed somebody can look before it is done."""
    with page.expect_navigation():
        page.get_by_role("button", name="Расшифровать звук").click()
    seen = []
    for _ in range(2):
        with held_when_more_is_kept(server, lesson):
            known = seen[-1][0] if seen else "Первые строки появятся здесь, пока урок распознаётся."
            expect(page.locator("#heard p")).not_to_have_text(known, timeout=30_000)
            expect(page.locator("#heard p")).to_contain_text("Распознано до")
            seen.append((page.locator("#heard p").inner_text(), page.locator("#heard .cue").all_inner_texts()))
            expect(page.locator(".lesson-head .state")).to_have_text(re.compile(r"^Расшифровка \d+ %$"))
            [job] = server.services.ledger.list(lesson_id=lesson.id, kind="transcribe")
            assert job.is_active and not page.get_by_role("link", name="Читать и исправлять").is_visible()
    (_, few), (_, more) = seen
    assert few and more[-1] != few[-1], "the newest lines are others now"
    page.get_by_role("link", name="Читать и исправлять").click(timeout=120_000)


@contextmanager
def held_when_more_is_kept(server, lesson):
    """Stop the recogniser as soon as more was written down of what it heard; let it go on when it may write again."""
    known_s, deadline = so_far(server.services, lesson).until_s, time.monotonic() + 60
    while so_far(server.services, lesson).until_s <= known_s:
        assert time.monotonic() < deadline, "nothing more was heard"
        time.sleep(0.02)
    written_s = time.monotonic()
    child = max(psutil.Process(server.process.pid).children(recursive=True), key=lambda one: one.memory_info().rss)
    child.suspend()
    try:
        yield
        time.sleep(max(0.0, written_s + EVERY_S - time.monotonic()))
    finally:
        child.resume()


def correct_a_word(page, server, lesson) -> None:
    """Voices are told apart meanwhile; what comes of that waits until the person has left the field."""
    text = page.locator(f"#s{PLACE} .text")
    expect(text).to_have_text(HEARD)
    expect(page.locator(".segment")).to_have_count(len(SENTENCES) * TIMES)
    field = rewrite(page, HEARD, RIGHT)
    [job] = server.services.ledger.list(lesson_id=lesson.id, kind="speakers")
    assert runner.wait_for(server.services, job).status == "completed"
    page.wait_for_timeout(2500)
    expect(field).to_have_value(RIGHT)
    field.press("Escape")
    expect(page.locator("#speakers .talk li")).to_have_count(1, timeout=30_000)
    expect(text).to_have_text(RIGHT)
    expect(page.locator("#edited-note")).to_be_visible()


def rewrite(page, before: str, after: str):
    """Type the segment anew and wait until it is saved; answers the field, which is still open."""
    page.locator(f"#s{PLACE} .pencil").click()
    field = page.get_by_role("textbox", name=re.compile("^Текст на "))
    expect(field).to_have_value(before)
    field.fill(after)
    expect(page.locator("#saving")).to_have_text("Сохранено")
    return field


def as_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def document_of(path: Path) -> str:
    return text_of(Document(io.BytesIO(path.read_bytes())))


def captions_of(path: Path) -> str:
    return " ".join(cue.content for cue in srt.parse(as_text(path)))


def web_captions_of(path: Path) -> str:
    return " ".join(cue.text for cue in webvtt.read(str(path)))


def words_of(path: Path) -> str:
    """As PPI itself reads it, beside what any reader of JSON sees."""
    text = as_text(path)
    assert formats.from_json(text).edited_segments == 1
    return " ".join(segment["text"] for segment in json.loads(text)["segments"])


def intervals_of(path: Path) -> str:
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    return " ".join(entry.label for tier in grid.tiers for entry in tier.entries)


def elan_texts_of(path: Path) -> str:
    found = pympi.Eaf(str(path))
    return " ".join(text for tier in found.get_tier_names() for *_, text in found.get_annotation_data_for_tier(tier))


READERS = {
    "txt": as_text, "times.txt": as_text, "speakers.txt": as_text, "docx": document_of, "srt": captions_of,
    "vtt": web_captions_of, "json": words_of, "textgrid": intervals_of, "eaf": elan_texts_of,
}  # fmt: skip


def take_every_format(page, folder: Path) -> None:
    links = page.locator("#downloads a[data-kind]")
    kinds = [link.get_attribute("data-kind") for link in links.all()]
    assert sorted(kinds) == sorted(READERS)
    for kind, link in zip(kinds, links.all(), strict=True):
        said = READERS[kind](taken(page, link, folder))
        assert WORD in said and SENTENCES[0] in said and "Нина" in said, kind
        assert said.count("результат") == TIMES - 1, kind


def taken(page, link, folder: Path) -> Path:
    with page.expect_download() as got:
        link.click()
    path = folder / got.value.suggested_filename
    got.value.save_as(path)
    return path


def take_all_texts_of_the_chosen_lesson(page, lesson) -> None:
    page.goto("/lessons")
    page.get_by_role("checkbox", name=re.compile(NAME)).check()
    with page.expect_download() as got:
        page.get_by_role("button", name="Все тексты, ZIP").click()
    found = zipfile.ZipFile(got.value.path())
    assert found.testzip() is None and {name.split("/")[0] for name in found.namelist()} == {lesson.prefix.rstrip("/")}
    assert {name.split("/")[1].split(".", 1)[1] for name in found.namelist()} == {
        "txt", "times.txt", "speakers.txt", "srt", "vtt", "transcript.docx", "transcript.json",
    }  # fmt: skip
    for name in found.namelist():
        data = found.read(name)
        text = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml") if name.endswith("docx") else data
        assert WORD in text.decode(), name


def summarise(page, engine: str) -> None:
    """Ask on the lesson's page and wait until it is over."""
    again = page.locator("summary", has_text="Составить конспект заново")
    if again.count():
        again.click()
    page.locator("#summary-engine").select_option(engine)
    page.locator("#summary-style").select_option("abstract" if engine == "chat" else "minutes")
    with page.expect_navigation():
        page.locator("#summary-form button[type=submit]").click()
    expect(page.locator("#summary-form")).to_be_attached(timeout=240_000)


def summary_document(page) -> str:
    """The summary's page is opened, and its document by another program's parser."""
    page.get_by_role("link", name="Читать конспект").click()
    with page.expect_download() as got:
        page.get_by_role("link", name="Скачать DOCX").click()
    return document_of(got.value.path())


def summarise_by_extraction(page) -> None:
    summarise(page, "extractive")
    document = summary_document(page)
    assert RIGHT in document and RIGHT in page.locator(".handout").inner_text()
    page.go_back()


def summarise_by_the_chat_server(page, chat) -> None:
    assert chat.requests == [], "selected sentences leave the server by no way"
    summarise(page, "chat")
    asked = "\n".join(request["messages"][-1]["content"] for request in chat.requests)
    assert WORD in asked
    document = summary_document(page)
    abstract = page.locator(".handout .cue").first
    assert SENTENCES[0] in document and SENTENCES[0] in abstract.inner_text() and "stub-model" in document
    page.go_back()


def a_model_that_knows_nothing_is_told_of(page) -> None:
    """Noise is no summary: the page says so and what to do, and the summary before stays."""
    summarise(page, "transformers")
    told = page.get_by_role("alert").filter(has_text="не дала ответа, который можно использовать")
    expect(told).to_contain_text("выберите способ без модели")
    assert "/" not in told.inner_text(), "where the model lies on the server is nobody's business"
    assert SENTENCES[0] in summary_document(page)


def the_text_changes_after_the_summary(page) -> None:
    page.goto(page.url.replace("/summary", "/transcript"))
    rewrite(page, RIGHT, f"{RIGHT} Это важно.").press("Escape")
    page.goto(page.url.split("?")[0].split("#")[0].replace("/transcript", "/summary"))
    expect(page.get_by_role("status").filter(has_text="расшифровка изменилась")).to_be_visible()


def a_reader_of_english_sees_the_same(page, lesson) -> None:
    page.goto(f"/lessons/{lesson.id}")
    expect(page.get_by_role("alert")).to_contain_text("gave no answer that can be used")
    page.get_by_role("link", name="Read and correct").click()
    with page.expect_download() as got:
        page.locator("#downloads a[data-kind=docx]").click()
    document = document_of(got.value.path())
    assert f"{RIGHT} Это важно." in document and "Transcript" in document

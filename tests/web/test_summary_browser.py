"""A person summarises a lesson both ways in Chromium, hears what a point rests on, and takes the documents home."""

from __future__ import annotations

import io

import pytest
from docx import Document
from playwright.sync_api import expect

from ppi.records import Segment, Transcript
from ppi.services import Services
from ppi.workflows import corrections, local, runner
from tests.conftest import DATA, PASSWORD, settings_for, start_server, stop_server, with_people
from tests.fixtures_summary import KEY_SENTENCES
from tests.servers.chat_stub import KEY, ChatStub

SAID = (
    *KEY_SENTENCES["ru"], "Что происходит с водой, когда солнце нагревает океан?",
    "Домашнее задание: нарисуйте круговорот воды.",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that knows a chat server, with one transcribed lesson; `server.stub` is that chat server."""
    stub = ChatStub().start()
    folder = tmp_path_factory.mktemp("summary-story") / "data"
    variables = {"LLM_BASE_URL": stub.url, "LLM_MODEL": "stub-model", "LLM_API_KEY": KEY}
    services = with_people(Services(settings_for(folder, **variables)))
    server = start_server(folder, **variables)
    job = runner.wait_for(services, local.ingest_file(services, DATA / "sample_lesson.mp4", "Круговорот воды", "anna"))
    segments = tuple(Segment(n * 5.0, n * 5.0 + 4.5, text, speaker="Учитель") for n, text in enumerate(SAID))
    corrections.keep_new(services, services.lessons.get(job.lesson_id), Transcript(segments, "ru", "whisper", "base", 63.0))
    yield server, stub, job.lesson_id
    stop_server(server)
    stub.stop()


@pytest.fixture
def page(new_page, server):
    """Anna's, in English at phone width."""
    page = new_page(server[0], "en", viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    page.goto("/")
    page.fill("#username", "anna")
    page.fill("#password", PASSWORD)
    page.click("#login-form button[type=submit]")
    expect(page.locator("dialog[open], .modal.show")).to_have_count(0)
    page.wait_for_load_state()
    return page


def summarise(page, engine: str, style: str) -> None:
    page.locator("#summary-engine").select_option(engine)
    page.locator("#summary-style").select_option(style)
    with page.expect_navigation():
        page.locator("#summary-form button[type=submit]").click()
    expect(page.get_by_text("Summarise again").first).to_be_visible(timeout=120_000)


def docx_of(page) -> str:
    with page.expect_download() as got:
        page.get_by_role("link", name="Download DOCX").click()
    document = Document(io.BytesIO(got.value.path().read_bytes()))
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def test_summarise_both_ways_play_a_time_code_and_open_the_docx(page, server):
    _, stub, lesson_id = server
    page.goto(f"/lessons/{lesson_id}")
    summarise(page, "extractive", "minutes")
    page.get_by_role("link", name="Read the summary").click()
    expect(page.get_by_role("heading", name="Домашнее задание")).to_be_visible()
    assert "Домашнее задание: нарисуйте круговорот воды." in docx_of(page) and stub.requests == []

    summarise(page, "chat", "abstract")
    expect(page.get_by_role("heading", name="Коротко")).to_be_visible()
    assert "Аннотация урока" in docx_of(page) and len(stub.requests) == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    code = page.locator(".handout .cue-time[data-seek='15.0']").first
    code.click()
    page.wait_for_function("document.getElementById('player').currentTime >= 15")
    assert page.url.endswith("/summary")

    summarise(page, "chat", "abstract")
    expect(page.get_by_role("status").filter(has_text="are the same as before")).to_be_visible()
    assert len(stub.requests) == 2


def test_a_link_of_a_document_opens_the_lesson_at_its_second(page, server):
    page.goto(f"/lessons/{server[2]}?t=21")
    page.wait_for_function("document.getElementById('player').currentTime === 21")

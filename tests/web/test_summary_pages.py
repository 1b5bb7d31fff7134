"""A lesson's summary from request to page: engines, styles, what is kept, links, and the chat server's answers as text."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from docx import Document
from PIL import Image

from ppi.records import Segment, Transcript, Word
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import about_lesson, corrections, local, runner, speakers, summaries
from tests.conftest import DATA, settings_for, with_people
from tests.fixtures_summary import KEY_SENTENCES
from tests.servers.chat_stub import KEY, ChatStub, Reply

SAID = (
    *KEY_SENTENCES["en"], "What happens to the water when the sun heats the ocean?", "We decided to draw the cycle.",
    "For homework draw the water cycle.",
)  # fmt: skip
DOCX, TXT = ".summary.docx", ".summary.txt"


@pytest.fixture(scope="module")
def stub() -> Iterator[ChatStub]:
    stub = ChatStub().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="module")
def desk(stub, tmp_path_factory):
    """Services with a runner and a lesson of anna's that was transcribed, with speakers."""
    folder = tmp_path_factory.mktemp("summaries") / "data"
    variables = {"LLM_BASE_URL": stub.url, "LLM_MODEL": "stub-model", "LLM_API_KEY": KEY}
    services = with_people(Services(settings_for(folder, **variables)))
    working = runner.start_engine(services, "web", runner.lanes(services))
    job = runner.wait_for(services, local.ingest_file(services, DATA / "sample_lesson.mp4", "Урок", "anna"))
    row = services.lessons.get(job.lesson_id)
    corrections.keep_new(services, row, spoken(SAID))
    yield services, row
    working.stop()


@pytest.fixture
def services(desk) -> Services:
    return desk[0]


@pytest.fixture
def lesson(desk, stub):
    """The lesson without summaries; the stub forgets."""
    services, row = desk
    for found in services.store.list(services.raw, row.prefix):
        if ".summary." in found.key:
            services.store.delete(services.raw, found.key)
    stub.requests.clear()
    stub.plan.clear()
    return row


def spoken(sentences) -> Transcript:
    segments = []
    for number, text in enumerate(sentences):
        start_s, words = number * 2.0, text.split()
        step_s = 1.8 / len(words)
        timed = tuple(Word(word, start_s + n * step_s, start_s + (n + 1) * step_s) for n, word in enumerate(words))
        segments.append(Segment(start_s, start_s + 1.8, text, timed, "Teacher" if number % 3 else "Student 1"))
    return Transcript(tuple(segments), "en", "whisper", "base", 20.0)


def ask(client, services, lesson, **wanted) -> dict:
    answer = client.post("/api/summarize", json={"file_id": lesson.id, **wanted})
    assert answer.status_code == 200, answer.json
    job = runner.wait_for(services, services.ledger.get(answer.json["job_id"]))
    assert job.status == "completed", job.error
    return dict(job.result)


def stored(services, lesson, suffix) -> bytes:
    return b"".join(services.store.read(services.raw, keys.derivative_key(lesson.video_key, suffix)))


def page_of(client, lesson) -> str:
    return client.get(f"/lessons/{lesson.id}/summary").get_data(as_text=True)


def test_the_form_offers_only_what_is_set_up_and_no_path_or_key(client_for, lesson, services):
    shown = client_for("anna").get(f"/lessons/{lesson.id}").get_data(as_text=True)
    assert 'value="extractive"' in shown and 'value="chat"' in shown and 'value="transformers"' not in shown
    assert "stub-model" in shown and KEY not in shown and services.settings.summary.base_url not in shown


def test_the_same_input_is_summarised_once_and_made_anew_on_request(client_for, lesson, services, stub):
    client = client_for("anna")
    first = ask(client, services, lesson, engine="chat")
    assert not first["is_kept"] and len(stub.requests) == 2
    again = ask(client, services, lesson, engine="chat", style="abstract")
    assert again["is_kept"] and len(stub.requests) == 2
    assert "are the same as before" in page_of(client, lesson) and "Lesson abstract" in page_of(client, lesson)
    anew = ask(client, services, lesson, engine="chat", anew=True)
    assert not anew["is_kept"] and len(stub.requests) == 4
    assert "It says the same as the summary before." in page_of(client, lesson)


def test_a_new_run_says_what_differs(client_for, lesson, services):
    client = client_for("anna")
    ask(client, services, lesson, engine="extractive")
    changed = (*SAID[:-1], "For homework read the chapter about volcanoes.")
    corrections.keep_new(services, lesson, spoken(changed))
    result = ask(client, services, lesson, engine="extractive")
    assert not result["is_kept"] and result["added"] >= 1 and result["removed"] >= 1
    shown = page_of(client, lesson)
    assert "What differs from the summary before" in shown and "volcanoes" in shown and "draw the water cycle" in shown
    corrections.keep_new(services, lesson, spoken(SAID))
    assert ask(client, services, lesson, engine="extractive")["is_kept"]


def test_a_summary_of_an_earlier_text_says_so_until_the_text_is_the_same_again(client_for, lesson, services):
    client, outdated = client_for("anna"), "The transcript was changed after this was written"
    ask(client, services, lesson, engine="extractive")
    assert outdated not in page_of(client, lesson)
    speakers.give_name(services, lesson, who="anna", speaker="Student 1", name="Student 2")
    assert outdated in page_of(client, lesson)
    version = corrections.load(services, lesson).version
    corrections.undo(services, lesson, who="anna", base=version)
    corrections.check(services, lesson, who="anna", base=version + 1, number=0)
    assert outdated not in page_of(client, lesson), "what was only found right says nothing else"
    corrections.edit(services, lesson, who="anna", base=version + 2, number=0, text="Rain is water.")
    assert outdated in page_of(client, lesson)
    ask(client, services, lesson, engine="extractive")
    assert outdated not in page_of(client, lesson)
    corrections.keep_new(services, lesson, spoken(SAID))


def test_documents_link_to_the_player_of_this_address(client_for, lesson, services):
    ask(client_for("anna"), services, lesson, engine="chat")
    document = Document(io.BytesIO(stored(services, lesson, DOCX)))
    links = [relation.target_ref for relation in document.part.rels.values() if "hyperlink" in relation.reltype]
    assert f"http://localhost/lessons/{lesson.id}/transcript?t=0" in links
    assert "Summary made by: chat, stub-model, prompts 3" in stored(services, lesson, TXT).decode()


def test_the_report_tells_talk_shares_and_draws_figures(client_for, lesson, services):
    client = client_for("anna")
    version = corrections.load(services, lesson).version
    corrections.give_speaker(services, lesson, who="anna", base=version, number=1, speaker="Visitor")
    ask(client, services, lesson, engine="extractive", style="report")
    text = stored(services, lesson, TXT).decode()
    assert re.search(r"Visitor\W+00:01\W+\d+\W*%", text), "who was said by hand to speak has a share, too"
    for part in ("Time budget", "Talk share", "Teacher", "Students", "This lesson has no annotations yet."):
        assert part in text
    document = Document(io.BytesIO(stored(services, lesson, DOCX)))
    assert len(document.inline_shapes) == 2
    for name in ("timeline", "talk"):
        assert stored(services, lesson, f".summary.{name}.png").startswith(b"\x89PNG")
    shown = page_of(client, lesson)
    assert shown.count("<figure") == 2 and "Talk share" in shown
    ask(client, services, lesson, engine="extractive", style="abstract")
    assert not [found for found in services.store.list(services.raw, lesson.prefix) if found.key.endswith(".png")]
    corrections.keep_new(services, lesson, spoken(SAID))


def test_the_report_calls_patterns_as_the_dataset_does_and_dates_as_people_do(client_for, lesson, services):
    client = client_for("anna")
    given = {".annotations.json": "sample_annotations.json", ".patterns.xlsx": "sample_patterns.xlsx"}
    for suffix, name in given.items():
        key = keys.derivative_key(lesson.video_key, suffix)
        services.store.put_bytes(services.raw, key, (DATA / name).read_bytes())
    meant = {"meanings": {"Домашнее задание П": "Объяснение"}}
    assert client.post(f"/api/lessons/{lesson.id}/meanings", json=meant).status_code == 200
    try:
        ask(client, services, lesson, engine="extractive", style="report", language="ru")
    finally:
        for suffix in (*given, ".meanings.json"):
            services.store.delete(services.raw, keys.derivative_key(lesson.video_key, suffix))
    text = stored(services, lesson, TXT).decode()
    for part in ("Открытый вопрос", "Эмоциональная поддержка", "Объяснение", "Введение"):
        assert part in text
    assert "Открытый вопрос П" not in text and "Домашнее задание П" not in text
    assert re.search(r"Добавлен\w*:? .*\d{1,2} \w+ 20\d\d\sг\.", text)


def test_key_frames_of_the_dataset_stand_in_the_document(client_for, lesson, services):
    """Cutters write JPEGs without the header that python-docx looks for; one that cannot be read is left out."""
    prefix = about_lesson.dataset_prefix(lesson)
    whole = io.BytesIO()
    Image.new("RGB", (1280, 720), "#2b6cb0").save(whole, "JPEG")
    bare = whole.getvalue()[:2] + whole.getvalue()[20:]
    assert whole.getvalue()[6:10] == b"JFIF" and b"JFIF" not in bare
    rows = [
        {"id": f"s{n}", "start_time": n * 2.0, "image_path": f"images/s{n}.jpg", "patterns": [{"type": "Praise"}]}
        for n in (0, 3)
    ]
    services.store.put_bytes(services.final, f"{prefix}images/s0.jpg", bare)
    services.store.put_bytes(services.final, f"{prefix}images/s3.jpg", b"no picture")
    services.store.put_bytes(services.final, f"{prefix}metadata.jsonl", "\n".join(map(json.dumps, rows)).encode())
    try:
        ask(client_for("anna"), services, lesson, engine="extractive")
    finally:
        services.store.delete(services.final, f"{prefix}metadata.jsonl")
    assert len(Document(io.BytesIO(stored(services, lesson, DOCX))).inline_shapes) == 1
    assert "[00:00] Praise" in stored(services, lesson, TXT).decode()
    shown = client_for("anna").get(f"/lessons/{lesson.id}").get_data(as_text=True)
    assert "frame-0.jpg" not in shown and "frame-0.jpg" in page_of(client_for("anna"), lesson)


def test_unverified_points_are_marked_and_nothing_said_becomes_a_link(client_for, lesson, services, stub):
    evil = {"at": "00:00", "kind": "point", "text": "<b>Volcanoes</b> at http://evil.example/x explode <script>go()</script>"}
    said = stub.says
    stub.says = lambda question: said(question) + "\n" + json.dumps(evil)
    try:
        ask(client_for("anna"), services, lesson, engine="chat", anew=True)
    finally:
        stub.says = said
    shown = page_of(client_for("anna"), lesson)
    assert "Volcanoes at … explode go()" in shown.replace("  ", " ") and '<span class="state">unverified</span>' in shown
    assert "evil.example" not in shown and "evil.example" not in stored(services, lesson, TXT).decode()
    assert "1 of" in shown and "Listen before you quote it." in shown


@pytest.mark.parametrize(
    "wanted", [{"engine": "transformers"}, {"engine": "gpt"}, {"style": "poem"}, {"language": "fr"}], ids=str
)
def test_what_there_is_not_is_refused_with_what_there_is(wanted, client_for, lesson):
    answer = client_for("anna").post("/api/summarize", json={"file_id": lesson.id, **wanted})
    assert answer.status_code == 400 and next(iter(wanted.values())) in answer.json["error"]


def test_a_server_that_refuses_the_key_is_said_in_the_readers_words(client_for, lesson, services, stub, monkeypatch):
    client = client_for("anna")
    wrong = replace(services.settings.summary, api_key="sk-another-key-than-known")
    monkeypatch.setattr(services, "settings", replace(services.settings, summary=wrong))
    job = client.post("/api/summarize", json={"file_id": lesson.id, "engine": "chat", "anew": True}).json["job_id"]
    assert runner.wait_for(services, services.ledger.get(job)).status == "error"
    told = client.get(f"/api/status/{job}", headers={"Accept-Language": "ru"}).json["error"]
    assert "LLM_API_KEY" in told and "Сервер" in told


def test_a_run_that_goes_on_after_a_break_asks_only_what_is_left(client_for, lesson, services, stub, monkeypatch):
    monkeypatch.setattr(summaries, "WRITE_EVERY_S", 0.0)
    client = client_for("anna")
    stub.plan = [Reply(stub.says(told), hang_s=0.6) for told in ("[00:00] Water rises.",)] + [Reply(status=400, body=b"{}")]
    job = client.post("/api/summarize", json={"file_id": lesson.id, "engine": "chat", "anew": True}).json["job_id"]
    assert runner.wait_for(services, services.ledger.get(job)).status == "error"
    assert len(stub.requests) == 2
    shown = client.get(f"/lessons/{lesson.id}").get_data(as_text=True)
    assert "partial.json" not in shown
    client.post(f"/api/jobs/{job}/retry")
    assert runner.wait_for(services, services.ledger.get(job)).status == "completed"
    assert len(stub.requests) == 3 and "<points>" in stub.requests[-1]["messages"][0]["content"]
    names = [found.key for found in services.store.list(services.raw, lesson.prefix)]
    assert not [name for name in names if name.endswith("partial.json")]


def test_kept_summaries_that_cannot_be_read_are_made_anew(client_for, lesson, services):
    client = client_for("anna")
    ask(client, services, lesson, engine="extractive")
    key = keys.derivative_key(lesson.video_key, summaries.SUFFIX)
    for broken in (b"{", b"[]", b'{"document": null, "kept": [{"input": 5}]}'):
        services.store.put_bytes(services.raw, key, broken)
        assert client.get(f"/lessons/{lesson.id}/summary").status_code == 200
        assert not ask(client, services, lesson, engine="extractive")["is_kept"]


def test_a_lesson_without_a_summary_offers_to_make_one(client_for, lesson):
    shown = page_of(client_for("anna"), lesson)
    assert "This lesson has no summary yet." in shown and 'id="summary-form"' in shown

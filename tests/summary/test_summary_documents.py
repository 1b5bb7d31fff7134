"""The documents of a summary: both languages, both formats, readable by an office suite."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from docx import Document

from ppi.records import LessonFacts, Segment, Transcript
from ppi.summary import documents
from ppi.summary.extractive import summarize
from tests.conftest import need
from tests.summary.conftest import KEY_SENTENCES

HEADINGS = {
    "en": ("Lesson summary", "Key points", "Summary by section", "Transcript"),
    "ru": ("Конспект урока", "Главное", "Содержание по частям", "Расшифровка"),
}
FACTS = LessonFacts("Круговорот воды / The water cycle", "lesson_20260901.mp4", 3725.0, "2026-09-01")


@pytest.fixture(params=["en", "ru"])
def written(request, lecture, tmp_path):
    """(language, docx, txt) of a summarised lecture."""
    language = request.param
    said = replace(lecture(language), notes=("A note about the recogniser.",))
    summary = summarize(lambda fraction: None, said)
    docx, txt = tmp_path / "lesson.summary.docx", tmp_path / "lesson.summary.txt"
    documents.write_docx(docx, FACTS, summary, said, language)
    documents.write_txt(txt, FACTS, summary, said, language)
    return language, docx, txt


def text_of(document) -> str:
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def test_both_formats_say_the_same_in_the_language_asked_for(written):
    language, docx, txt = written
    for text in (text_of(Document(docx)), txt.read_text(encoding="utf-8")):
        for part in (*HEADINGS[language], *KEY_SENTENCES[language], FACTS.name, FACTS.source_video, "1:02:05", "2026-09-01"):
            assert part in text
        assert "whisper, base" in text and "A note about the recogniser." in text
        assert documents.WORDS[language]["extractive"] in text


def test_headings_are_headings_and_pages_are_numbered(written):
    language, docx, _ = written
    document = Document(docx)
    levels = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Heading 1"]
    assert levels == list(HEADINGS[language][1:])
    assert [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Heading 2"]
    assert "PAGE" in document.sections[0].footer._element.xml
    assert document.core_properties.author == "PPI" and "python-docx" not in document.core_properties.comments
    assert f'w:val="{"ru-RU" if language == "ru" else "en-US"}"' in document.styles.element.xml


def test_an_office_suite_opens_the_document(written, tmp_path):
    need(shutil.which("soffice") is not None, "LibreOffice")
    need(shutil.which("pdftotext") is not None, "pdftotext (poppler-utils)")
    language, docx, _ = written
    home = f"-env:UserInstallation=file://{tmp_path / 'office'}"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(docx)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    shown = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "lesson.summary.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    flat = re.sub(r"\s+", " ", shown)
    assert all(heading in flat for heading in HEADINGS[language])
    assert KEY_SENTENCES[language][0].split()[0] in flat
    # One of each page's last lines is its number.
    assert [page.split()[-1] for page in shown.split("\f") if page.strip()][:2] == ["1", "2"]


def test_characters_that_no_document_can_hold_are_left_out(tmp_path):
    dirty = "Вода\x00 и\x0b пар\ud800\ufffe: a & b < c"
    said = Transcript((Segment(0.0, 2.0, dirty),), "ru", "whisper", "base", 2.0)
    summary = summarize(lambda fraction: None, said)
    facts = replace(FACTS, name=f"Урок\x07 {'о' * 300}")
    documents.write_docx(tmp_path / "a.docx", facts, summary, said, "ru")
    documents.write_txt(tmp_path / "a.txt", facts, summary, said, "ru")
    for text in (text_of(Document(tmp_path / "a.docx")), (tmp_path / "a.txt").read_text(encoding="utf-8")):
        assert "Вода и пар: a & b < c" in text and "Урок ооо" in text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_lesson_where_nothing_was_said_says_so(language, tmp_path):
    silent = Transcript((), "", "whisper", "base", 60.0)
    summary = summarize(lambda fraction: None, silent)
    documents.write_docx(tmp_path / "a.docx", FACTS, summary, silent, language)
    documents.write_txt(tmp_path / "a.txt", FACTS, summary, silent, language)
    for text in (text_of(Document(tmp_path / "a.docx")), (tmp_path / "a.txt").read_text(encoding="utf-8")):
        assert documents.WORDS[language]["nothing"] in text and documents.WORDS[language]["points"] not in text


def test_the_engine_of_the_summary_is_named(tmp_path, lecture):
    said = lecture("en")
    summary = replace(summarize(lambda fraction: None, said), engine="transformers", model="models/chat (prompts 2)")
    documents.write_txt(tmp_path / "a.txt", FACTS, summary, said, "en")
    assert "Summary made by: transformers, models/chat (prompts 2)" in (tmp_path / "a.txt").read_text()


def test_documents_are_replaced_at_once_and_a_failure_leaves_nothing_behind(tmp_path, lecture):
    said = lecture("en")
    summary = summarize(lambda fraction: None, said)
    path = tmp_path / "a.docx"
    path.write_text("old")
    documents.write_docx(path, FACTS, summary, said, "en")
    assert [found.name for found in tmp_path.iterdir()] == ["a.docx"] and Document(path)
    blocked = tmp_path / "b.docx"
    blocked.mkdir()
    with pytest.raises(OSError):
        documents.write_docx(blocked, FACTS, summary, said, "en")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.docx", "b.docx"]

"""The documents of a summary: three styles, both languages, both formats, readable by an office suite."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from PIL import Image

from ppi.notes import POCKETSPHINX
from ppi.records import KeyPoint, LessonFacts, Segment, Span, Transcript
from ppi.summary import documents, outline
from ppi.summary.extractive import summarize
from ppi.summary.outline import Block, Content, Picture
from ppi.summary.wording import WORDS
from ppi.workflows.plain import write_summary
from tests.conftest import need
from tests.fixtures_summary import KEY_SENTENCES

HEADINGS = {
    ("abstract", "en"): ("Abstract", "Topics"),
    ("minutes", "en"): ("Topics", "Questions", "Decisions", "Homework", "Key points"),
    ("report", "en"): ("Key points", "Questions", "Homework", "Summary by section"),
    ("abstract", "ru"): ("Коротко", "Темы"),
    ("minutes", "ru"): ("Темы", "Вопросы", "Решения", "Домашнее задание", "Главное"),
    ("report", "ru"): ("Главное", "Вопросы", "Домашнее задание", "Содержание по частям"),
}
PLAYER = "https://ppi.example.org/lessons/42"
FACTS = LessonFacts("Круговорот воды / The water cycle", "lesson_20260901.mp4", 3725.0, "2026-09-01", PLAYER)
DATES = {"en": "September 1, 2026", "ru": "1 сентября 2026\u202fг."}


def content_of(said: Transcript, **more) -> Content:
    return Content(FACTS, summarize(lambda fraction: None, said), said, **more)


@pytest.fixture(params=sorted(HEADINGS), ids="-".join)
def written(request, lecture, tmp_path):
    """(style, language, docx, txt) of a summarised lecture."""
    style, language = request.param
    content = content_of(replace(lecture(language), notes=("A note about the recogniser.", POCKETSPHINX)))
    docx, txt = write_summary(tmp_path, "lesson", content, style, language)
    return style, language, docx, txt


def text_of(document) -> str:
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def links_of(document) -> list[str]:
    return [relation.target_ref for relation in document.part.rels.values() if "hyperlink" in relation.reltype]


def as_pdf(docx: Path, folder: Path) -> Path:
    need(shutil.which("soffice") is not None, "LibreOffice")
    home = f"-env:UserInstallation=file://{folder / 'office'}"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(docx)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return folder / f"{docx.stem}.pdf"


def test_both_formats_say_the_same_in_the_language_and_style_asked_for(written):
    style, language, docx, txt = written
    for text in (text_of(Document(docx)), txt.read_text(encoding="utf-8")):
        assert sum(sentence in text for sentence in KEY_SENTENCES[language]) >= 4
        for part in (*HEADINGS[style, language], FACTS.name, FACTS.source_video, "1:02:05", DATES[language]):
            assert part in text
        assert "whisper, base" in text and "A note about the recogniser." in text
        assert WORDS[language]["extractive"] in text and WORDS[language]["by_form"] in text
        assert WORDS[language][f"{style}_title"] in text
        assert {"en": "a rough offline recogniser", "ru": "неточным распознавателем"}[language] in text


def test_headings_are_headings_and_pages_are_numbered(written):
    style, language, docx, _ = written
    document = Document(docx)
    levels = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Heading 1"]
    assert tuple(levels) == HEADINGS[style, language]
    footer = document.sections[0].footer
    assert "PAGE" in footer._element.xml
    assert footer.paragraphs[0].text.startswith(f"{WORDS[language][f'{style}_title']}: {FACTS.name}\t")
    assert document.paragraphs[-1].style.name == "Caption" and document.paragraphs[-2].paragraph_format.keep_with_next
    assert document.core_properties.author == "PPI" and "python-docx" not in document.core_properties.comments
    assert f'w:val="{"ru-RU" if language == "ru" else "en-US"}"' in document.styles.element.xml
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi", "cs", "eastAsia")} == {"Arial"}


def test_every_time_code_is_a_link_into_the_player(written):
    *_, docx, _ = written
    document = Document(docx)
    linked = [paragraph for paragraph in document.paragraphs if paragraph._p.findall(qn("w:hyperlink"))]
    timed = [paragraph for paragraph in document.paragraphs if re.match(r"\d+:\d\d", paragraph.text)]
    assert timed and [paragraph.text for paragraph in linked] == [paragraph.text for paragraph in timed]
    assert all(re.fullmatch(re.escape(PLAYER) + r"\?t=\d+", link) for link in links_of(document))


def test_without_an_address_time_codes_are_plain(lecture, tmp_path):
    content = content_of(lecture("en"))
    content = replace(content, facts=replace(FACTS, player=""))
    docx, _ = write_summary(tmp_path, "lesson", content, "abstract", "en")
    assert links_of(Document(docx)) == [] and "00:" in text_of(Document(docx))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_office_suite_opens_the_document(language, lecture, tmp_path):
    need(shutil.which("pdftotext") is not None, "pdftotext (poppler-utils)")
    content = content_of(lecture(language))
    docx, _ = write_summary(tmp_path, "lesson", content, "report", language)
    pdf = as_pdf(docx, tmp_path)
    shown = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    flat = re.sub(r"\s+", " ", shown)
    assert all(heading in flat for heading in HEADINGS["report", language])
    assert KEY_SENTENCES[language][0].split()[0] in flat
    # One of each page's last lines is its number.
    pages = [page.split()[-1] for page in shown.split("\f") if page.strip()]
    assert pages == [str(number) for number in range(1, len(pages) + 1)] and len(pages) > 1


@pytest.fixture
def with_pictures(lecture, tmp_path) -> Content:
    frame, figure = tmp_path / "frame.jpg", tmp_path / "figure.png"
    Image.new("RGB", (320, 180), "#2b6cb0").save(frame)
    Image.new("RGB", (900, 300), "#b8bec7").save(figure)
    extra = (
        Block("heading", "Talk share", 1),
        Block("table", rows=(("Who", "Time", "Share"), ("Teacher", "10:00", "83 %"), ("Students", "02:00", "17 %"))),
        Block("pictures", pictures=(Picture(str(figure), "Timeline"),)),
    )
    frames = tuple(Picture(str(frame), f"Pattern {number}", number * 60.0) for number in range(4))
    return content_of(lecture("en"), frames=frames, extra=extra)


def test_key_frames_figures_and_tables_stand_in_the_report(with_pictures, tmp_path):
    docx, txt = write_summary(tmp_path, "lesson", with_pictures, "report", "en")
    document = Document(docx)
    assert len(document.inline_shapes) == 5
    assert all(shape._inline.docPr.get("descr") for shape in document.inline_shapes)
    assert f"{PLAYER}?t=180" in links_of(document)
    for text in (text_of(document), txt.read_text()):
        assert "83 %" in text and "Timeline" in text and "Pattern 3" in text
    [header] = [row for table in document.tables for row in table.rows if row.cells[0].text == "Who"]
    assert header._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [cell.paragraphs[0].alignment for cell in header.cells] == [None, *[WD_ALIGN_PARAGRAPH.RIGHT] * 2]
    assert all(shape._inline.get(f"dist{side}") == "0" for shape in document.inline_shapes for side in "TBLR")


def test_an_unverified_point_is_marked_wherever_it_stands(tmp_path, lecture):
    said = lecture("en")
    summary = summarize(lambda fraction: None, said)
    doubtful = KeyPoint("Volcanoes make clouds.", (Span(0.0, 4.5), Span(60.0, 64.5)), is_verified=False)
    summary = replace(summary, points=(*summary.points, doubtful), engine="chat", model="m", prompts="3")
    docx, txt = write_summary(tmp_path, "lesson", Content(FACTS, summary, said), "minutes", "en")
    [shown] = [paragraph for paragraph in Document(docx).paragraphs if "Volcanoes" in paragraph.text]
    assert shown.text == "00:00\tVolcanoes make clouds. 01:00 [unverified]"
    assert "[00:00, 01:00] Volcanoes make clouds. [unverified]" in txt.read_text()
    assert "look at the recording before you quote them" in txt.read_text()
    assert "Summary made by: chat, m, prompts 3" in txt.read_text()


def test_characters_that_no_document_can_hold_are_left_out(tmp_path):
    dirty = "Вода\x00 и\x0b пар\ud800\ufffe: a & b < c"
    said = Transcript((Segment(0.0, 2.0, dirty),), "ru", "whisper", "base", 2.0)
    content = content_of(said)
    content = replace(content, facts=replace(FACTS, name=f"Урок\x07 {'о' * 300}"))
    docx, txt = write_summary(tmp_path, "a", content, "abstract", "ru")
    for text in (text_of(Document(docx)), txt.read_text(encoding="utf-8")):
        assert "Вода и пар: a & b < c" in text and "Урок ооо" in text


@pytest.mark.parametrize("style", outline.STYLES)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_lesson_where_nothing_was_said_says_so(language, style, tmp_path):
    content = content_of(Transcript((), "", "whisper", "base", 60.0))
    docx, txt = write_summary(tmp_path, "a", content, style, language)
    for text in (text_of(Document(docx)), txt.read_text(encoding="utf-8")):
        assert WORDS[language]["nothing"] in text and WORDS[language]["points"] not in text


def test_both_languages_have_the_same_words():
    assert WORDS["en"].keys() == WORDS["ru"].keys()


def test_documents_are_replaced_at_once_and_a_failure_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.docx"
    path.write_text("old")
    documents.write_docx(path, "Title", "Name", [Block("text", "Words.")], "en")
    assert [found.name for found in tmp_path.iterdir()] == ["a.docx"] and Document(path)
    blocked = tmp_path / "b.docx"
    blocked.mkdir()
    with pytest.raises(OSError):
        documents.write_docx(blocked, "Title", "Name", [], "en")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.docx", "b.docx"]

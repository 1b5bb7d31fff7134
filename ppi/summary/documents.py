"""Summaries as documents: DOCX and TXT with the same content, in Russian or English."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from ppi.records import LessonFacts, Summary, Transcript

WORDS = {
    "en": {
        "title": "Lesson summary", "lesson": "Lesson", "video": "Video", "length": "Length", "date": "Added on",
        "speech": "Transcript made by", "summary": "Summary made by", "points": "Key points", "sections": "Summary by section",
        "transcript": "Transcript", "nothing": "Nothing was said in this recording.", "notes": "Note",
        "extractive": "selection of the lesson's own sentences, no language model", "words": "Words", "section": "Section",
    },
    "ru": {
        "title": "Конспект урока", "lesson": "Урок", "video": "Видео", "length": "Длительность", "date": "Добавлен",
        "speech": "Расшифровка", "summary": "Конспект", "points": "Главное", "sections": "Содержание по частям",
        "transcript": "Расшифровка", "nothing": "В этой записи никто не говорит.", "notes": "Примечание",
        "extractive": "отбор предложений самого урока, без языковой модели", "words": "Слов", "section": "Часть",
    },
}  # fmt: skip
FONT = "DejaVu Sans"
INK, MUTED = (0x1F, 0x2A, 0x44), (0x5B, 0x65, 0x77)
# Characters XML 1.0 cannot hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_txt(path: Path, facts: LessonFacts, summary: Summary, transcript: Transcript, language: str) -> None:
    """Write the summary as plain text, all at once."""
    words = WORDS[language]
    lines = [words["title"], "=" * len(words["title"]), ""]
    lines += [f"{name}: {value}" for name, value in _facts(facts, summary, transcript, words)]
    lines += ["", words["points"], "-" * len(words["points"])]
    lines += [f"[{clock(point.time_s)}] {point.text}" for point in summary.key_points] or [words["nothing"]]
    for number, section in enumerate(summary.sections, start=1):
        heading = f"{clock(section.span.start_s)} – {clock(section.span.end_s)}  {section.title or _numbered(words, number)}"
        lines += ["", heading, "-" * len(heading), section.text]
    lines += ["", words["transcript"], "-" * len(words["transcript"])]
    lines += [f"[{clock(segment.start_s)}] {segment.text}" for segment in transcript.segments]
    fresh = path.with_name(f".{secrets.token_hex(6)}")
    fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def write_docx(path: Path, facts: LessonFacts, summary: Summary, transcript: Transcript, language: str) -> None:
    """Write the summary as DOCX, all at once."""
    from docx import Document

    words = WORDS[language]
    document = Document()
    _styles(document, language)
    document.core_properties.title = _safe(f"{words['title']}: {facts.name}")
    document.core_properties.author = "PPI"
    document.add_paragraph(words["title"], style="Subtitle")
    document.add_paragraph(_safe(facts.name), style="Title")
    _table(document, _facts(facts, summary, transcript, words))
    document.add_heading(words["points"], 1)
    for point in summary.key_points:
        _timed(document, point.time_s, point.text)
    if not transcript.segments:
        document.add_paragraph(words["nothing"])
    if summary.sections:
        document.add_heading(words["sections"], 1)
    for number, section in enumerate(summary.sections, start=1):
        document.add_heading(_safe(section.title) or _numbered(words, number), 2)
        document.add_paragraph(f"{clock(section.span.start_s)} – {clock(section.span.end_s)}", style="Caption")
        document.add_paragraph(_safe(section.text))
    if transcript.segments:
        document.add_heading(words["transcript"], 1)
    for segment in transcript.segments:
        _timed(document, segment.start_s, segment.text)
    _page_numbers(document)
    fresh = path.with_name(f".{secrets.token_hex(6)}")
    document.save(str(fresh))
    os.replace(fresh, path)


def clock(time_s: float) -> str:
    """Seconds as 1:02:03 or 02:03."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def _facts(facts: LessonFacts, summary: Summary, transcript: Transcript, words: dict[str, str]) -> list[tuple[str, str]]:
    method = words["extractive"] if summary.engine == "extractive" else f"{summary.engine}, {summary.model}"
    rows = [(words["lesson"], facts.name), (words["video"], facts.source_video), (words["length"], clock(facts.duration_s))]
    if facts.recorded_on:
        rows.append((words["date"], facts.recorded_on))
    rows += [(words["words"], str(len(transcript.words))), (words["speech"], f"{transcript.engine}, {transcript.model}")]
    rows.append((words["summary"], method))
    return rows + [(words["notes"], note) for note in transcript.notes]


def _numbered(words: dict[str, str], number: int) -> str:
    return f"{words['section']} {number}"


def _safe(text: str) -> str:
    return ILLEGAL.sub("", text)


def _styles(document, language: str) -> None:
    """One font with Cyrillic for everything, named for every script Word tells apart."""
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    looks = {"Normal": (10.5, None), "Title": (22, INK), "Subtitle": (10, MUTED), "Heading 1": (14, INK), "Heading 2": (11.5, INK),
             "Caption": (9, MUTED)}  # fmt: skip
    for name, (size_pt, colour) in looks.items():
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size_pt)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qn(script), FONT)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme"):
            fonts.attrib.pop(qn(theme), None)
        if colour:
            style.font.color.rgb = RGBColor(*colour)
            style.font.italic = False
    normal = document.styles["Normal"]
    normal.paragraph_format.space_after = Pt(6)
    normal.paragraph_format.line_spacing = 1.15
    tag = normal.element.get_or_add_rPr().makeelement(qn("w:lang"), {qn("w:val"): "ru-RU" if language == "ru" else "en-US"})
    normal.element.get_or_add_rPr().append(tag)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2.0)


def _table(document, rows: list[tuple[str, str]]) -> None:
    from docx.shared import Cm, RGBColor

    table = document.add_table(rows=0, cols=2)
    table.style = "Table Grid"
    table.autofit = False
    for name, value in rows:
        cells = table.add_row().cells
        for cell, text, width in zip(cells, (name, value), (Cm(4.6), Cm(12.0)), strict=True):
            cell.width = width
            run = cell.paragraphs[0].add_run(_safe(text))
            cell.paragraphs[0].paragraph_format.space_after = 0
            if cell is cells[0]:
                run.font.color.rgb = RGBColor(*MUTED)


def _timed(document, time_s: float, text: str) -> None:
    """A paragraph behind its time code, hanging so that the codes stand in a column."""
    from docx.shared import Cm, RGBColor

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.left_indent = Cm(1.8)
    paragraph.paragraph_format.first_line_indent = Cm(-1.8)
    paragraph.paragraph_format.tab_stops.add_tab_stop(Cm(1.8))
    mark = paragraph.add_run(f"{clock(time_s)}\t")
    mark.font.color.rgb = RGBColor(*MUTED)
    paragraph.add_run(_safe(text))


def _page_numbers(document) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        part = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            part.text = text
        else:
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)

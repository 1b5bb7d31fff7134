"""Summaries as documents: DOCX and TXT with the same content, in Russian or English."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ppi.records import LessonFacts, Summary, SummarySection, Transcript

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
# On every desktop, with Cyrillic; Linux office suites bring a font of the same measures.
FONT = "Arial"
INK, MUTED, HAIRLINE = (0x1F, 0x2A, 0x44), (0x5B, 0x65, 0x77), "C9CFD8"
# Characters XML 1.0 cannot hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_txt(path: Path, facts: LessonFacts, summary: Summary, transcript: Transcript, language: str) -> None:
    """Write the summary as plain text, all at once."""
    words = WORDS[language]
    lines = [words["title"], "=" * len(words["title"]), ""]
    lines += [f"{name}: {value}" for name, value in _facts(facts, summary, transcript, words)]
    if not transcript.text:
        lines += ["", words["nothing"]]
    if summary.key_points:
        lines += _underlined(words["points"])
        lines += [f"[{clock(point.time_s)}] {point.text}" for point in summary.key_points]
    if summary.sections:
        lines += _underlined(words["sections"])
    for number, section in enumerate(summary.sections, start=1):
        lines += [*_underlined(f"{_period(section)}  {section.title or _numbered(words, number)}"), section.text]
    if transcript.text:
        lines += _underlined(words["transcript"])
        lines += [f"[{clock(segment.start_s)}] {segment.text}" for segment in transcript.segments]
    text = _safe("\n".join(lines)) + "\n"
    _at_once(path, lambda fresh: fresh.write_text(text, encoding="utf-8"))


def write_docx(path: Path, facts: LessonFacts, summary: Summary, transcript: Transcript, language: str) -> None:
    """Write the summary as DOCX, all at once."""
    from docx import Document

    words = WORDS[language]
    document = Document()
    _styles(document, language)
    _properties(document, f"{words['title']}: {facts.name}")
    document.add_paragraph(words["title"], style="Subtitle")
    document.add_paragraph(_safe(facts.name), style="Title")
    _table(document, _facts(facts, summary, transcript, words))
    if not transcript.text:
        document.add_paragraph(words["nothing"])
    if summary.key_points:
        document.add_heading(words["points"], 1)
    for point in summary.key_points:
        _timed(document, point.time_s, point.text)
    if summary.sections:
        document.add_heading(words["sections"], 1)
    for number, section in enumerate(summary.sections, start=1):
        document.add_heading(_safe(section.title) or _numbered(words, number), 2)
        document.add_paragraph(_period(section), style="Caption").paragraph_format.keep_with_next = True
        document.add_paragraph(_safe(section.text))
    if transcript.text:
        document.add_heading(words["transcript"], 1)
        for segment in transcript.segments:
            _timed(document, segment.start_s, segment.text)
    _page_numbers(document)
    _at_once(path, lambda fresh: document.save(str(fresh)))


def _at_once(path: Path, write: Callable[[Path], object]) -> None:
    fresh = path.with_name(f".{secrets.token_hex(6)}")
    try:
        write(fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _underlined(heading: str) -> list[str]:
    return ["", heading, "-" * len(heading)]


def _period(section: SummarySection) -> str:
    return f"{clock(section.span.start_s)} – {clock(section.span.end_s)}"


def _properties(document, title: str) -> None:
    """What the file says of itself; the library's template would say who made the template, and when."""
    properties = document.core_properties
    properties.title, properties.author, properties.comments = _safe(title)[:255], "PPI", ""
    properties.created = properties.modified = datetime.now(UTC)


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
    rows += [(words["words"], str(len(transcript.text.split()))), (words["speech"], f"{transcript.engine}, {transcript.model}")]
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

    looks = {
        "Normal": (10.5, None), "Title": (22, INK), "Subtitle": (10, MUTED), "Heading 1": (14, INK),
        "Heading 2": (11.5, INK), "Caption": (9, MUTED), "Footer": (9, MUTED),
    }  # fmt: skip
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
    document.styles["Caption"].font.bold = False
    for line in document.styles["Title"].element.iter(qn("w:bottom")):
        line.set(qn("w:color"), HAIRLINE)
        line.attrib.pop(qn("w:themeColor"), None)
    document.styles["Heading 1"].paragraph_format.space_after = Pt(6)
    normal = document.styles["Normal"]
    normal.paragraph_format.space_after = Pt(6)
    normal.paragraph_format.line_spacing = 1.15
    document.styles.element.find(f".//{qn('w:lang')}").set(qn("w:val"), "ru-RU" if language == "ru" else "en-US")
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2.0)


def _table(document, rows: list[tuple[str, str]]) -> None:
    """Two columns with a hairline between the rows."""
    from docx.shared import Pt, RGBColor

    table = document.add_table(rows=len(rows), cols=2)
    table.autofit = False
    _hairlines(table)
    for column, width in zip(table.columns, _table_widths(), strict=True):
        column.width = width
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text, width in zip(row.cells, texts, _table_widths(), strict=True):
            cell.width = width
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            paragraph.add_run(_safe(text))
        row.cells[0].paragraphs[0].runs[0].font.color.rgb = RGBColor(*MUTED)


def _table_widths() -> tuple:
    """A cell's width counts in Word, a column's in LibreOffice."""
    from docx.shared import Cm

    return Cm(4.4), Cm(12.2)


def _hairlines(table) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tblBorders")
    for edge in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{edge}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", HAIRLINE)):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    # Without it the lines would begin left of the text around the table.
    margins, left = OxmlElement("w:tblCellMar"), OxmlElement("w:left")
    left.set(qn("w:w"), "0")
    left.set(qn("w:type"), "dxa")
    margins.append(left)
    # The schema wants the borders before the layout and the margins after it.
    layout = table._tbl.tblPr.find(qn("w:tblLayout"))
    layout.addprevious(borders)
    layout.addnext(margins)


def _timed(document, time_s: float, text: str) -> None:
    """A paragraph behind its time code, hanging so that the codes stand in a column."""
    from docx.shared import Cm, Pt, RGBColor

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(3)
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

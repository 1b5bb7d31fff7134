"""How documents look: one font with Cyrillic, hanging time codes, hairlines, page numbers. Parts of python-docx' documents.

Reusable for every DOCX that PPI makes; what a document says is not its business.
"""

from __future__ import annotations

# On every desktop, with Cyrillic; Linux office suites bring a font of the same measures.
FONT = "Arial"
INK, MUTED, LINK, WARNING, HAIRLINE = (0x1F, 0x2A, 0x44), (0x5B, 0x65, 0x77), (0x1F, 0x5F, 0x66), (0xA8, 0x64, 0x1A), "C9CFD8"
TEXT_WIDTH_CM, CODE_WIDTH_CM, FACT_NAME_CM, GAP_CM = 16.6, 1.8, 4.4, 0.3
COLUMNS = 3  # key frames side by side
KEPT_ROWS = 12  # of a table on one page
FOOTER_CHARS = 80
SCRIPTS, THEMES = ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"), ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme")
LOOKS = {
    "Normal": (10.5, None), "Title": (22, INK), "Subtitle": (10, MUTED), "Heading 1": (14, INK),
    "Heading 2": (11.5, INK), "Caption": (9, MUTED), "Footer": (9, MUTED),
}  # fmt: skip


def prepare(document, language: str) -> None:
    """Styles, A4 page and language ("ru", else English) of a fresh document."""
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    for name, (size_pt, colour) in LOOKS.items():
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size_pt)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in SCRIPTS:
            fonts.set(qn(script), FONT)
        for theme in THEMES:
            fonts.attrib.pop(qn(theme), None)
        if colour:
            style.font.color.rgb = RGBColor(*colour)
            style.font.italic = False
    document.styles["Caption"].font.bold = False
    for line in document.styles["Title"].element.iter(qn("w:bottom")):
        line.set(qn("w:color"), HAIRLINE)
        line.attrib.pop(qn("w:themeColor"), None)
    document.styles["Heading 1"].paragraph_format.space_after = Pt(6)
    document.styles["Heading 2"].paragraph_format.space_after = Pt(3)
    normal = document.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(6), 1.15
    document.styles.element.find(f".//{qn('w:lang')}").set(qn("w:val"), "ru-RU" if language == "ru" else "en-US")
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2.0)


def hanging(document):
    """A paragraph behind a time code, hanging so that the codes stand in a column."""
    from docx.shared import Cm, Pt

    paragraph = document.add_paragraph()
    layout = paragraph.paragraph_format
    layout.space_after, layout.left_indent, layout.first_line_indent = Pt(3), Cm(CODE_WIDTH_CM), Cm(-CODE_WIDTH_CM)
    layout.tab_stops.add_tab_stop(Cm(CODE_WIDTH_CM))
    return paragraph


def time_codes(paragraph, codes: list[tuple[str, str]]) -> None:
    """Codes with a blank between them; each is a link where it has an address."""
    for number, (shown, address) in enumerate(codes):
        if number:
            paragraph.add_run(" ")
        if address:
            _link(paragraph, shown, address)
        else:
            _coloured(paragraph.add_run(shown), MUTED)


def flag(paragraph, mark: str) -> None:
    """A mark at the end of a paragraph that readers must not miss."""
    from docx.shared import Pt

    paragraph.add_run(" ")
    run = paragraph.add_run(f"[{mark}]")
    run.font.size, run.font.bold = Pt(8.5), False
    _coloured(run, WARNING)


def note(document, text: str) -> None:
    """A remark to the reader, small, never alone on a page."""
    from docx.shared import Pt

    if document.paragraphs:
        document.paragraphs[-1].paragraph_format.keep_with_next = True
    paragraph = document.add_paragraph(text, style="Caption")
    paragraph.paragraph_format.space_before = Pt(6)


def facts(document, rows: list[tuple[str, ...]]) -> None:
    """Two columns, names and values, with a hairline between the rows."""
    made = table(document, rows, widths_cm=[FACT_NAME_CM, TEXT_WIDTH_CM - FACT_NAME_CM])
    for row in made.rows:
        _coloured(row.cells[0].paragraphs[0].runs[0], MUTED)


def table(document, rows: list[tuple[str, ...]], has_header: bool = False, widths_cm: list[float] | None = None):
    """A table with hairlines; without widths the first column takes what the others, of equal width, leave.

    With a header the first column names what the others count: these stand right.
    """
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    columns = len(rows[0])
    widths = [Cm(width) for width in widths_cm or [TEXT_WIDTH_CM - 3.2 * (columns - 1), *[3.2] * (columns - 1)]]
    made = document.add_table(rows=len(rows), cols=columns)
    made.autofit = False
    _hairlines(made)
    for number, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        _keep_whole(row, is_header=has_header and number == 0)
        for place, (cell, text, width) in enumerate(zip(row.cells, texts, widths, strict=True)):
            cell.width = width  # a cell's width counts in Word, a column's in LibreOffice
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            # No row stands alone on a page, unless the table is longer than that.
            paragraph.paragraph_format.keep_with_next = number < min(len(rows) - 1, KEPT_ROWS)
            if has_header and place:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            run = paragraph.add_run(text)
            if has_header and number == 0:
                _coloured(run, MUTED)
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    return made


def figure(document, path: str, caption: str) -> None:
    """A picture as wide as the text, with its caption on the same page."""
    from docx.shared import Cm, Pt

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_before = Pt(8)
    _describe(paragraph.add_run().add_picture(path, width=Cm(TEXT_WIDTH_CM)), caption)
    document.add_paragraph(caption, style="Caption")


def frames(document, row: list[tuple[str, str, str, str]]) -> None:
    """Up to COLUMNS pictures side by side: (file, time code, its address, caption)."""
    from docx.shared import Cm, Pt

    width_cm = TEXT_WIDTH_CM / COLUMNS
    made = document.add_table(rows=1, cols=COLUMNS)
    made.autofit = False
    _keep_whole(made.rows[0])
    for cell in made.rows[0].cells:
        cell.width = Cm(width_cm)
    for cell, (path, code, address, caption) in zip(made.rows[0].cells, row, strict=False):
        _describe(cell.paragraphs[0].add_run().add_picture(path, width=Cm(width_cm - 2 * GAP_CM)), caption)
        cell.paragraphs[0].paragraph_format.space_after = Pt(2)
        below = cell.add_paragraph(style="Caption")
        time_codes(below, [(code, address)])
        below.add_run(f"  {caption}")


def number_pages(document, text: str) -> None:
    """On the left of every footer what the document is, so that no printed page is nobody's; on the right the page's number."""
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm

    paragraph = document.sections[0].footer.paragraphs[0]
    stops = paragraph.paragraph_format.tab_stops
    for middle_or_right in document.styles["Footer"].paragraph_format.tab_stops:
        stops.add_tab_stop(middle_or_right.position, WD_TAB_ALIGNMENT.CLEAR)
    stops.add_tab_stop(Cm(TEXT_WIDTH_CM), WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run(f"{text if len(text) <= FOOTER_CHARS else text[:FOOTER_CHARS].rstrip() + '…'}\t")
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        part = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            part.text = text
        else:
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)


def _link(paragraph, shown: str, address: str) -> None:
    """python-docx reads links and cannot make them: the relation and the element are made here."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(shown)
    _coloured(run, LINK)
    run.font.underline = True
    link.append(run._r)
    paragraph._p.append(link)


def _coloured(run, colour: tuple[int, int, int]) -> None:
    from docx.shared import RGBColor

    run.font.color.rgb = RGBColor(*colour)


def _describe(picture, text: str) -> None:
    """What is read out to those who cannot see it. Where no distance is said, LibreOffice moves a picture out of its line."""
    picture._inline.docPr.set("descr", text)
    for side in "TBLR":
        picture._inline.set(f"dist{side}", "0")


def _keep_whole(row, is_header: bool = False) -> None:
    """A row is not broken between pages; a header is repeated on each."""
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_header:
        properties.append(OxmlElement("w:tblHeader"))


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

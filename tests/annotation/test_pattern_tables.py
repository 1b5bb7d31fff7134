"""Pattern tables as people make them, and as attackers do."""

import io
import re
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ppi.annotation import patterns, tables
from ppi.errors import AnnotationError
from ppi.records import Pattern

ROWS = [["Паттерн", "Описание"], ["Похвала", "Хвалит, ободряет; радуется"], ["Вопрос", "Спрашивает"]]
WANTED = (Pattern("Похвала", "Хвалит, ободряет; радуется"), Pattern("Вопрос", "Спрашивает"))


def book(path: Path, *sheets: list[list]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for rows in sheets:
        sheet = made.create_sheet()
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def rewritten(path: Path, **parts: bytes) -> Path:
    """The same archive with some parts replaced or added; "__" in a name stands for "/"."""
    new = {name.replace("__", "/").replace("_xml", ".xml"): data for name, data in parts.items()}
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (kept | new).items():
            archive.writestr(name, data)
    return path


def part_of(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).split(b"?>")[-1]


def table(tmp_path: Path, data: bytes | str) -> Path:
    path = tmp_path / "patterns"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_an_xlsx_table_is_read_whatever_its_name(tmp_path):
    assert patterns.read(book(tmp_path / "x.bin", ROWS)).patterns == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_a_csv_table_is_read_in_any_usual_form(tmp_path, delimiter, encoding):
    lines = [delimiter.join(f'"{cell}"' if cell != cell.strip('"') or "," in cell else cell for cell in row) for row in ROWS]
    assert patterns.read(table(tmp_path, "\r\n".join(lines).encode(encoding))).patterns == WANTED


@pytest.mark.parametrize(
    "header",
    [["Название", "Описание"], ["Тип", "Определение"], ["Pattern", "Description"], ["NAME", "definition"],
     ["Label", "Description"], ["Название паттерна", "Описание паттерна"], ["паттерн:", "«Описание»"]],
)  # fmt: skip
def test_columns_are_found_by_name_in_either_language(tmp_path, header):
    assert patterns.read(book(tmp_path / "t.xlsx", [header, *ROWS[1:]])).patterns == WANTED


def test_a_name_comes_before_a_type_and_other_columns_do_not_matter(tmp_path):
    rows = [["№", "Тип", "Описание", "Название"], [1, "эмоция", "Хвалит", "Похвала"]]
    assert patterns.read(book(tmp_path / "t.xlsx", rows)).patterns == (Pattern("Похвала", "Хвалит"),)


def test_the_header_may_come_after_headings_and_on_another_sheet(tmp_path):
    rows = [["Название таблицы"], [], ["Школа 5", "2026"], *ROWS]
    assert patterns.read(book(tmp_path / "t.xlsx", [["Обложка"]], rows)).patterns == WANTED


def test_a_table_without_descriptions_is_fine(tmp_path):
    assert patterns.read(table(tmp_path, "Паттерн\nПохвала\n")).patterns == (Pattern("Похвала", ""),)


def test_numbers_and_formulas_are_texts(tmp_path):
    rows = [["Паттерн", "Описание"], [7, 2.5], ["Сумма", "=1+1"], [8.0, None]]
    found = patterns.read(book(tmp_path / "t.xlsx", rows)).patterns
    assert found == (Pattern("7", "2.5"), Pattern("Сумма", ""), Pattern("8", ""))


def test_texts_that_excel_keeps_apart_from_the_sheet_are_read(tmp_path):
    path = book(tmp_path / "t.xlsx", [["Pattern"], ["Praise"]])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = re.sub(rb't="inlineStr"><is><t>Praise</t></is>', b't="s"><v>0</v>', part_of(path, "xl/worksheets/sheet1.xml"))
    kinds = part_of(path, "[Content_Types].xml").replace(
        b"</Types>",
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'spreadsheetml.sharedStrings+xml"/></Types>',
    )
    shared = f'<sst xmlns="{main}"><si><r><t>Пох</t></r><r><t>вала</t></r></si></sst>'.encode()
    parts = {"xl__worksheets__sheet1_xml": sheet, "xl__sharedStrings_xml": shared, "[Content_Types]_xml": kinds}
    assert patterns.read(rewritten(path, **parts)).patterns == (Pattern("Похвала", ""),)


def test_a_sheet_that_claims_to_be_smaller_than_it_is_is_read_whole(tmp_path):
    path = book(tmp_path / "t.xlsx", ROWS)
    sheet = re.sub(rb'<dimension ref="[^"]*"/>', b'<dimension ref="A1"/>', part_of(path, "xl/worksheets/sheet1.xml"))
    assert patterns.read(rewritten(path, xl__worksheets__sheet1_xml=sheet)).patterns == WANTED


def test_doubles_and_empty_names_are_reported_by_row(tmp_path):
    rows = [*ROWS, ["похвала 😊", "снова"], [None, "без имени"], [None, None]]
    found = patterns.read(book(tmp_path / "t.xlsx", rows))
    assert found.patterns == WANTED
    assert [(problem.where, problem.reason) for problem in found.problems] == [
        ("row 4", "duplicate_pattern"), ("row 5", "empty_name")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "no column"), ("a,b\n1,2\n", "no column"), ("Паттерн,Описание\n", "no patterns below"),
     (b"\x00\x01\x02garbage", "neither XLSX nor CSV"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password-protected"),
     (b"PK\x03\x04 cut off", "not a readable XLSX"), ('Паттерн\n"' + "x" * 200_000, "not valid CSV"),
     ("Паттерн\n" + "x\n" * 10_001, "more than 10000 rows")],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_the_way_out(tmp_path, data, message):
    with pytest.raises(AnnotationError, match=message):
        patterns.read(table(tmp_path, data))


def test_too_many_rows_of_a_sheet_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match="more than 10000 rows"):
        patterns.read(book(tmp_path / "t.xlsx", [["Паттерн"]] + [[f"x{n}"] for n in range(10_001)]))


def test_a_table_over_twenty_megabytes_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="larger than 20 MB"):
        patterns.read(table(tmp_path, b"a" * 20_000_001))


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(AnnotationError, match="cannot be read"):
        patterns.read(table(tmp_path, data.getvalue()))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = rewritten(book(tmp_path / "t.xlsx", ROWS), xl__sharedStrings_xml=b" " * 150_000_000)
    start_s = time.monotonic()
    with pytest.raises(AnnotationError, match="far too much"):
        patterns.read(path)
    assert time.monotonic() - start_s < 1


def test_an_archive_of_thousands_of_parts_is_refused(tmp_path):
    path = rewritten(book(tmp_path / "t.xlsx", ROWS), **{f"xl__{n}": b"" for n in range(2000)})
    with pytest.raises(AnnotationError, match="far too much"):
        patterns.read(path)


def test_a_small_part_that_packs_well_is_no_bomb(tmp_path):
    path = rewritten(book(tmp_path / "t.xlsx", ROWS), xl__spare_xml=b" " * 900_000)
    assert patterns.read(path).patterns == WANTED


ENTITIES = "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
BOMB = f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]>'.encode()


@pytest.mark.parametrize("doctype", [BOMB, b'<!DOCTYPE l [<!ENTITY i SYSTEM "file:///etc/hostname">]>'])
def test_entities_in_a_sheet_are_refused(tmp_path, doctype):
    path = book(tmp_path / "t.xlsx", [["Pattern"], ["Praise"]])
    hostile = doctype + part_of(path, "xl/worksheets/sheet1.xml").replace(b"Praise", b"&i;")
    assert b"&i;" in hostile
    start_s = time.monotonic()
    with pytest.raises(AnnotationError, match="cannot be read"):
        patterns.read(rewritten(path, xl__worksheets__sheet1_xml=hostile))
    assert time.monotonic() - start_s < 20


def test_xlsx_is_not_read_by_a_parser_that_expands_entities(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENPYXL_DEFUSEDXML", "False")
    with pytest.raises(AnnotationError, match="defusedxml"):
        patterns.read(book(tmp_path / "t.xlsx", ROWS))


def test_entities_in_the_workbook_do_not_grow(tmp_path):
    path = book(tmp_path / "t.xlsx", ROWS)
    hostile = BOMB + part_of(path, "xl/workbook.xml").replace(b"<sheets>", b"&i;<sheets>")
    start_s = time.monotonic()
    with pytest.raises(AnnotationError, match="cannot be read"):
        patterns.read(rewritten(path, xl__workbook_xml=hostile))
    assert time.monotonic() - start_s < 20


def test_a_sheet_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHILD_TIMEOUT_S", 0.3)
    path = book(tmp_path / "t.xlsx", ROWS)
    rows = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(10, 400_000)).encode()
    sheet = part_of(path, "xl/worksheets/sheet1.xml").replace(b"</sheetData>", rows + b"</sheetData>")
    start_s = time.monotonic()
    with pytest.raises(AnnotationError, match="too much time or memory"):
        patterns.read(rewritten(path, xl__worksheets__sheet1_xml=sheet))
    assert time.monotonic() - start_s < 10

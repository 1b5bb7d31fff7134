"""Small documents that ask for a lot: JSON for any address, annotations, and workbooks."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Iterator

import openpyxl

TABLE = (("Паттерн", "Описание"), ("Похвала", "Хвалит"), ("Вопрос", "Спрашивает"))
# Whole bodies: too deep, cut off, too long, no numbers, doubled keys, halves of characters, not UTF-8, not JSON.
JSON = (
    b"", b"null", b"true", b"0", b"-1", b'""', b'"x"', b"[]", b"[[]]", b"[null]", b'["file_id"]', b"{}", b'{"":""}', b"{", b"}",
    b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"NaN", b"[NaN]", b"-Infinity",
    b"1e999", b"9" * 5000, b'{"parts":' + b"9" * 5000 + b"}", b'{"a":1,"a":2}', b'"\\ud800"', b'{"\\ud800":"\\udfff"}',
    b"\xff\xfe", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "[]".encode("utf-32"), b"\x00", b'"\x00"', b"'x'", b"{file_id:1}",
    b"[1,]", b"//", b"a=b", b"<x/>", b'{"file_id":"' + b"a" * 1_000_000 + b'"}', b"[" + b"0," * 400_000 + b"0]",
    b"[" + b"{}," * 400_000 + b"{}]",
)  # fmt: skip
FIELDS = (
    "file_id", "object_name", "task_name", "parts", "engine", "model", "language", "username", "password", "label", "repo_id",
    "private", "next",
)  # fmt: skip
# Values as JSON text, because not all of them can be written otherwise.
VALUES = (
    "null", "true", "0", "-1", "1e999", "NaN", "1.5", "9" * 400, '""', '" "', '"\\u0000"', '"\\ud800"', '"../../x"', '"-y"',
    '"%s{0}"', "[]", "[1]", '["x"]', "{}", '{"a":1}', json.dumps("я" * 100_000), "[" * 900 + "]" * 900,
)  # fmt: skip


def annotations() -> list[bytes]:
    """Exports of Label Studio that are none, or whose times and ids make no sense."""
    def export(region: object, **task: object) -> bytes:
        return json.dumps([{"id": 1, "annotations": [{"id": 1, "result": [region]}], **task}]).encode()

    def span(**value: object) -> dict:
        return {"id": "a", "type": "timelinelabels", "from_name": "x", "to_name": "y", "value": value}

    strange = (None, True, -1, 1e308, -1e308, "1", "x" * 10_000, [], {}, [[[]]], {"a": {"a": {}}})
    made = [export(region) for region in strange]
    made += [export(span(ranges=[{"start": one, "end": two}], timelinelabels=["A"])) for one in strange for two in (1, one)]
    made += [export(span(ranges=value, timelinelabels=["A"])) for value in strange]
    made += [export(span(start=1, end=2, labels=value)) for value in strange]
    made += [export(span(start=1, end=2, timelinelabels=[value])) for value in strange]
    made += [export(span(start=1, end=2, labels=["A"]) | {"id": value}) for value in strange]
    made += [export(span(), id=value, data=value, annotations=value) for value in strange]
    return [*made, *JSON]


def workbook(rows=TABLE) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    return _bytes_of(made.save)


def workbooks() -> Iterator[tuple[str, bytes]]:
    """(what it does, an XLSX file of at most some hundred kilobytes)."""
    good = workbook()
    sheet = _part(good, "xl/worksheets/sheet1.xml")
    head, tail = sheet.split(b"</sheetData>")
    yield "a sheet of 190 MB of spaces", _with(good, {"xl/worksheets/sheet1.xml": head + b" " * 190_000_000 + tail})
    yield "strings of 190 MB", _with(good, {"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 38_000_000 + b"</sst>"})
    yield "3000 parts", _with(good, {f"xl/media/{number}.png": b"" for number in range(3000)})
    yield "an archive in the archive", _with(good, {f"xl/{number}.zip": good for number in range(50)}) + good
    yield "a million columns", _with(good, {"xl/worksheets/sheet1.xml": sheet.replace(b'r="A1"', b'r="XFD1048576"')})
    yield "a size that lies", _lying(good)
    yield "a part that is not packed as it says", _lying(good, packing=12)
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("k"))
    ) + b"]>"  # fmt: skip
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        old = _part(good, name)
        yield f"laughs in {name}", _with(good, {name: laughs + old.split(b"?>")[-1].replace(b"><", b">&j;<", 1)})
        yield f"nothing in {name}", _with(good, {name: b""})
        yield f"an open end in {name}", _with(good, {name: old[: len(old) // 2]})
        yield f"depth in {name}", _with(good, {name: b"<a>" * 200_000})
    rels = _part(good, "xl/_rels/workbook.xml.rels")
    for target in (b"../../../../etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1/x", b"/xl/workbook.xml"):
        yield f"a sheet at {target.decode()}", _with(
            good, {"xl/_rels/workbook.xml.rels": rels.replace(b"/xl/worksheets/sheet1.xml", target)}
        )
    yield "the same name twice", _with(good, {}, doubled="xl/workbook.xml")
    yield "names that leave the folder", _with(good, {"../../planted.xml": b"x", "/planted.xml": b"x"})


def spoiled_workbooks(wanted: int, seed: int = 8) -> Iterator[bytes]:
    """A good workbook whose parts are spoiled before they are packed, so that the archive itself is whole."""
    from tests.hostile import corpus

    good, chance = workbook(), random.Random(seed)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        names = archive.namelist()
    for _ in range(wanted):
        name = chance.choice(names)
        spoiled = next(corpus.mutants([_part(good, name)], 1, chance.randrange(10**9)))
        yield _with(good, {name: spoiled})


def _bytes_of(save) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def _part(book: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return archive.read(name)


def _with(book: bytes, parts: dict[str, bytes], doubled: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in dict.fromkeys([*archive.namelist(), *parts]):
            data = parts[name] if name in parts else archive.read(name)
            for _ in range(2 if name == doubled else 1):
                made.writestr(name, data)
    return buffer.getvalue()


def _lying(book: bytes, packing: int = 8) -> bytes:
    """A part of 190 MB whose size in the directory is a hundred bytes, packed as `packing` says."""
    big = bytearray(_with(book, {"xl/worksheets/sheet1.xml": b" " * 190_000_000}))
    place = big.rindex(b"xl/worksheets/sheet1.xml") - 46
    assert big[place : place + 4] == b"PK\x01\x02"
    big[place + 10 : place + 12] = packing.to_bytes(2, "little")
    big[place + 24 : place + 28] = (100).to_bytes(4, "little")
    return bytes(big)

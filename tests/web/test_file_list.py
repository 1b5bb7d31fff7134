"""The list of files: searched, of one owner, in pages, with one question to the store and one to the ledger."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PASSWORD


@pytest.fixture
def of(services):
    """`of("anna", 60)`: the owner's lesson with so many files."""

    def one(owner, files):
        user = services.users.by_name(owner)
        row = services.lessons.reserve(
            name=f"Урок {owner}", owner_id=user.id, owner_name=user.name, size_bytes=10, parts=1, max_lessons=None,
            expires_s=9e12, layout=lambda serial: (f"{owner}-{serial}/", f"{owner}-{serial}/v.mp4"),
        )  # fmt: skip
        services.lessons.move_on(row.id, "uploading", "stored")
        for number in range(files):
            services.store.put_bytes(services.raw, f"{row.prefix}Файл {number:02}.txt", b"xy")
        return row

    return one


def names(page):
    beginning = r'<td role="cell" class="text-break">(?:<div class="what">[^<]*</div>)?(?:<a [^>]*>)?([^<]+)'
    return re.findall(beginning, page.text.replace("<wbr>", ""))


def client_of(app, name):
    client = app.test_client()
    client.post("/api/login", json={"username": name, "password": PASSWORD})
    return client


def test_files_come_in_pages_and_are_searched(app, of):
    row = of("anna", 60)
    anna = client_of(app, "anna")
    first = anna.get("/files")
    assert names(first) == [f"{row.prefix}Файл {number:02}.txt" for number in range(50)]
    assert re.search(r"60 files, \S+\s\S+ together", first.text) and f"/lessons/{row.id}" in first.text
    assert names(anna.get("/files?page=2")) == names(anna.get("/files?page=77")) and len(names(anna.get("/files?page=2"))) == 10
    assert names(anna.get("/files?text=ФАЙЛ+07")) == [f"{row.prefix}Файл 07.txt"]
    assert 'rel="next" href="/files?page=2&amp;text=' in anna.get("/files?text=файл").text
    nothing = anna.get("/files?text=nothing-like-it")
    assert names(nothing) == [] and "No file fits" in nothing.text


def test_an_administrator_narrows_to_an_owner_and_others_see_their_own_only(app, of, services):
    of("anna", 2), of("boris", 3)
    services.store.put_bytes(services.raw, "nobodys/x.txt", b"x")
    boris = services.users.by_name("boris").id
    admin = client_of(app, "admin")
    assert len(names(admin.get("/files"))) == 6
    assert {name.split("-")[0] for name in names(admin.get(f"/files?owner={boris}"))} == {"boris"}
    assert names(admin.get("/files?owner=unknown")) == []
    assert {name.split("-")[0] for name in names(client_of(app, "anna").get(f"/files?owner={boris}"))} == {"anna"}


def test_the_number_of_questions_does_not_grow_with_the_files(app, of, services, monkeypatch):
    asked = []
    for place, name in ((services.store, "list"), (services.lessons, "of_keys"), (services.lessons, "list")):
        real = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *given, real=real, name=name: asked.append(name) or real(*given))
    admin = client_of(app, "admin")
    counts = []
    for files in (2, 40):
        of("anna", files)
        asked.clear()
        assert admin.get("/files").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 3


def test_people_read_what_each_file_is_before_its_name(app, of, services):
    row = of("anna", 0)
    known = {
        ".mp4": "Видео урока", ".wav": "Звук, WAV", "_part2.mp4": "Часть 2 видео", ".annotations.3.eaf": "Разметка, ELAN",
        ".before.patterns.xlsx": "Таблица паттернов, XLSX: прежний файл, вместо него дали другой",
        ".summary.timeline.png": "Картинка в конспекте", ".meanings.json": "Значения меток",
    }  # fmt: skip
    for ending in (*known, ".something.of.ours"):
        services.store.put_bytes(services.raw, f"{row.prefix}v{ending}", b"x")
    page = client_of(app, "anna").get("/files", headers={"Accept-Language": "ru"})
    told = re.findall(r'<div class="what">([^<]*)</div><a [^>]*>[^<]*<wbr>v([^<]*)', page.text)
    assert {ending: what for what, ending in told} == known and f"{row.prefix}v.something.of.ours" in names(page)

"""Names: whatever people or attackers call a file, its key is readable, short and harmless."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from ppi.settings import Settings
from ppi.storage import keys, open_store

BASES = [
    "урок",
    "Ёлка и ёжик",
    "lesson",
    "👩‍🏫 урок",
    "é",
    "e\u0301",
    "ﬁ",
    "урок\u202egnp",
    "\u200bhidden",
    "a\x00b",
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "..",
    ".",
    "...",
    "../../etc/passwd",
    "..\\..\\windows",
    "/absolute",
    "C:\\x",
    "a/b",
    "a\\b",
    "a∕b",
    "a／b",
    "-y",
    "--help",
    "-",
    "~",
    "%03d",
    "%2e%2e%2f",
    "$(id)",
    "`id`",
    ";rm -rf",
    "a|b",
    "a&b",
    "'",
    '"',
    "*",
    "?",
    "<b>",
    "{{7*7}}",
    "CON",
    "nul",
    "COM1",
    "lpt9.txt",
    " ",
    "  x  ",
    "x.",
    "x ",
    "имя" * 100,
    "x" * 300,
    "🧪" * 80,
    "ё" * 199 + "e\u0301",
    "file:x",
    "concat:a|b",
    "http://x",
    "\ud800",
    "\ufeffx",
    "a\u2028b",
    "١٢٣",
    "名前",
    "e\u200b\u0301",
    "\u0435\x00\u0306",
    "-\u00a0-y",
    "~ -y",
    "\u200d",
    "\u200d-y",
    "a\u2216b\u29f9c\u27cbd",
    "con" + "\u200d" * 70 + "." * 30,
]
SLASHES = set("/\\\u2044\u2215\u2216\u27cb\u27cd\u29f5\u29f8\u29f9\ufe68\uff0f\uff3c")
NAMES = [base + end for base in BASES for end in ("", ".mp4", ".MOV", " .mkv", ".tar.gz")]


def is_harmless(name):
    hidden = any(letter != keys.JOINER and unicodedata.category(letter)[0] == "C" for letter in name)
    return (
        name and not hidden and not set(name) & SLASHES and name == name.strip(" ." + keys.JOINER)
        and not name.startswith(("-", "~")) and len(name.encode()) <= 200 and unicodedata.is_normalized("NFC", name)
    )  # fmt: skip


def test_every_name_becomes_harmless_and_stays_so():
    assert len(NAMES) > 290
    for name in NAMES:
        made = keys.clean_name(name)
        assert is_harmless(made), (name, made)
        assert keys.clean_name(made) == made, name


def test_ordinary_names_are_kept():
    for name in ("Урок 3, часть 1.mp4", "Lesson #1 (final).mov", "👩‍🏫 Физика.mkv", "a&b+c=d.mp4"):
        assert keys.clean_name(name) == name


def test_letters_and_accents_kept_apart_by_a_hidden_character_become_one():
    assert keys.clean_name("e\u200b\u0301.mp4") == "\u00e9.mp4"


def test_the_extension_survives_whatever_the_name():
    assert keys.clean_name("ы" * 300 + ".mp4").endswith("ы.mp4")
    for base in BASES:
        assert keys.clean_name(f"{base}.mp4").endswith("mp4"), base


def test_a_video_never_has_the_name_of_what_is_made_from_it():
    for name in ("lesson.wav", "lesson.txt", "lesson.srt", "lesson.vtt", "lesson.mp4", "lesson", "a.info.json", "LESSON.WAV"):
        video = keys.video_key("p/", name)
        for suffix in (".wav", ".txt", ".srt", ".vtt", ".transcript.json", ".info.json", ".summary.docx", ".summary.txt"):
            assert keys.derivative_key(video, suffix).lower() != video.lower()
    assert keys.video_key("p/", "lesson.wav") == "p/lesson.wav.video"


def test_every_name_stores_and_comes_back(tmp_path):
    store = open_store(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)}), "secret")
    wanted = {}
    for number, name in enumerate(NAMES):
        key = f"{number}/" + keys.clean_name(name)
        store.put_bytes("raw-data", key, name.encode("utf-8", "surrogatepass"), metadata={"n": str(number)})
        wanted[key] = name.encode("utf-8", "surrogatepass")
    found = {item.key: b"".join(store.read("raw-data", item.key)) for item in store.list("raw-data")}
    assert found == wanted
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and "store" not in path.parts]
    assert outside == []


@pytest.mark.parametrize("role, serial, prefix", [
    ("admin", 1, "Урок_20261121/"), ("admin", 2, "Урок_20261121-2/"), ("DL-user", 1, "anna/Урок_20261121/"),
    ("DL-user", 3, "anna/Урок_20261121-3/"),
])  # fmt: skip
def test_prefixes_are_as_people_know_them(role, serial, prefix):
    assert keys.lesson_prefix("anna", role, "Урок", date(2026, 11, 21), serial) == prefix


def test_a_long_name_leaves_room_for_the_date_and_the_number():
    part = keys.lesson_prefix("a", "admin", "ы" * 300, date(2026, 11, 21), 12).rstrip("/")
    assert part.endswith("_20261121-12") and len(part.encode()) <= 200


def test_derivatives_carry_the_videos_stem():
    video = keys.video_key("anna/Урок_20261121/", "Урок 1.final.mp4")
    assert keys.derivative_key(video, ".wav") == "anna/Урок_20261121/Урок 1.final.wav"
    assert keys.derivative_key("p/noext", ".wav") == "p/noext.wav"
    assert keys.stem(video) == "Урок 1.final"

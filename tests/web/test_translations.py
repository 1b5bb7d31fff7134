"""The Russian catalogue is complete: every message of the pages and errors, nothing unused, every placeholder kept."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from babel.messages.pofile import read_po

from tests.conftest import ROOT

PLACES = re.compile(r"\{\w+[^}]*\}|%\(\w+\)s")
# English quotation marks, a dash that may begin a line, and a unit that may be parted from its number.
MISSET = re.compile(r"[“”]|[^\s] —|(?:[\d}]|\)s) (?:с|Б|кБ|МБ|ГБ|ч|кГц|%)(?![\w-])")


@pytest.fixture(scope="module")
def catalogue():
    with (ROOT / "ppi/translations/ru/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="ru")


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """What the code says now, collected as `make translations` does."""
    text = (ROOT / "Makefile").read_text()
    made = re.search(r"^ERRORS := (.*?)^KEYWORDS := .*?,-k \$\(name\)\) (.*?)$", text, re.DOTALL | re.MULTILINE)
    keywords = [part for name in made[1].replace("\\", " ").split() for part in ("-k", name)] + made[2].split()
    target = tmp_path_factory.mktemp("messages") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "--mapping-file", "babel.cfg"]
    subprocess.run([*command, *keywords, "--output", str(target), "."], cwd=ROOT, check=True)
    with target.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def forms(value):
    return [value] if isinstance(value, str) else list(value)


def test_every_message_is_translated(messages, catalogue):
    assert len(messages) > 300
    missing = [message.id for message in messages if not all(forms((catalogue.get(message.id) or message).string or ""))]
    assert missing == []


def test_nothing_in_the_catalogue_is_unused_or_uncertain(messages, catalogue):
    known = {forms(message.id)[0] for message in messages}
    assert [message.id for message in catalogue if message.id and forms(message.id)[0] not in known] == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_placeholders_are_the_same_in_both_languages(catalogue):
    for message in catalogue:
        for form in forms(message.string) if message.id else ():
            wanted = sorted(PLACES.findall(forms(message.id)[0]))
            assert sorted(PLACES.findall(form)) == wanted, message.id


def test_plural_messages_have_the_three_russian_forms(catalogue):
    plural = [message for message in catalogue if not isinstance(message.id, str)]
    assert plural
    assert all(len(message.string) == 3 for message in plural)


def test_russian_has_its_own_marks_and_unbreakable_spaces(catalogue):
    assert MISSET.search("до {limit} МБ") and MISSET.search("так — нет")
    assert not MISSET.search("до {limit}\u00a0МБ с расшифровкой")
    messages = [message for message in catalogue if message.id]
    assert [form for message in messages for form in forms(message.string) if MISSET.search(form)] == []

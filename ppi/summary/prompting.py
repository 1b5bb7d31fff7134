"""What chat models are told: the files of `prompts/`, one for each purpose and language.

The first line of a file is the version. All files have the same one, and it is raised with every change of the words:
summaries that were kept are made anew then. A test holds the words to their version.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from string import Template

FOLDER = Path(__file__).with_name("prompts")
PURPOSES, LANGUAGES = ("map", "reduce", "again"), ("en", "ru")
# How the languages of answers are called in the prompt's own language.
NAMES = {
    "en": {"en": "English", "ru": "Russian", "": "the language of the transcript"},
    "ru": {"en": "английский", "ru": "русский", "": "язык расшифровки"},
}


def prompt(purpose: str, language: str, **values: object) -> str:
    """The prompt filled with `values`, in Russian for answers in Russian, else in English.

    `$language` becomes the name of `language`, an ISO 639-1 code. What stands in a value is never filled again.
    """
    own = "ru" if language == "ru" else "en"
    names = NAMES[own]
    return _file(purpose, own)[1].substitute(values, language=names.get(language, names[""]))


def version() -> str:
    """The version of all prompts together."""
    return _file("map", "en")[0]


@lru_cache(maxsize=8)
def _file(purpose: str, language: str) -> tuple[str, Template]:
    first, _, text = (FOLDER / f"{purpose}.{language}.md").read_text(encoding="utf-8").partition("\n")
    return first.removeprefix("version:").strip(), Template(text.strip())

"""What words.pt.xz was trained to hear, and what it never was: sentences.json, filled in."""

from __future__ import annotations

import json
import random
import re
from itertools import chain, product
from pathlib import Path

# By language: "whole" patterns, which the checkpoint classroom knows; "mixed" ones of their pieces; "words" to fill in ({p} a
# name, {n} a number, {t} a topic, {q} things to count, {d} a task, {a} praise); and "held_out" sentences.
KNOWN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
HELD_OUT = {language: known["held_out"] for language, known in KNOWN.items()}
ROWS, DEVELOPMENT = 700, 40


def sentences(language: str) -> tuple[list[str], list[str]]:
    """(the sentences of the checkpoint classroom, those that came later): all there is in its training."""
    kinds = later(language)
    return sorted(_old(language)), sorted({one for kind in kinds for one in kind})


def later(language: str) -> list[list[str]]:
    """What came later, by kind: one list a mixed pattern, and rows of words without sense as the last one.

    Without what classroom knows, and without whatever has a held-out sentence in it.
    """
    old, mixed = _old(language), [list(_filled(pattern, language)) for pattern in KNOWN[language]["mixed"]]
    chance = random.Random(3)
    words = sorted({word for one in {*old, *chain(*mixed)} for word in re.findall(r"\w+", one.lower())})
    rows = (" ".join(chance.choices(words, k=chance.randint(2, 5))) + chance.choice("..?") for _ in range(ROWS))
    held = [_plain(one) for one in HELD_OUT[language]]
    kinds = [[one for one in kind if one not in old and not _has_any(one, held)] for kind in [*mixed, map(_as_sentence, rows)]]
    return [kind for kind in kinds if kind]


def development(name: str, language: str) -> list[str]:
    """Sentences that decide which state a training of times keeps: some that the checkpoint of that name knows."""
    old, new = sentences(language)
    if name == "classroom":
        return random.Random(5).sample(old, DEVELOPMENT)
    mixed = {one for pattern in KNOWN[language]["mixed"] for one in _filled(pattern, language)}
    return random.Random(5).sample(sorted(mixed & set(new)), DEVELOPMENT)


def _old(language: str) -> set[str]:
    return {one for pattern in KNOWN[language]["whole"] for one in _filled(pattern, language)}


def _has_any(sentence: str, held: list[str]) -> bool:
    return any(part in _plain(sentence) for part in held)


def _filled(pattern: str, language: str):
    names = sorted(set(re.findall(r"{(\w)}", pattern)))
    for chosen in product(*(KNOWN[language]["words"][name] for name in names)):
        yield _as_sentence(pattern.format(**dict(zip(names, chosen, strict=True))))


def _as_sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(sentence: str) -> str:
    return " ".join(["", *re.findall(r"\w+", sentence.lower()), ""])

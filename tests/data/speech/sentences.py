"""What words.pt.xz was trained to hear, and what it never was: sentences.json, filled in."""

from __future__ import annotations

import json
import random
import re
from itertools import product
from pathlib import Path

# By language: "whole" patterns, which the checkpoint classroom knows; "mixed" ones of their pieces; "words" to fill in ({p} a
# name, {n} a number, {t} a topic, {q} things to count, {d} a task, {a} praise); and "held_out" sentences.
KNOWN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
HELD_OUT = {language: known["held_out"] for language, known in KNOWN.items()}
ROWS, DEVELOPMENT = 700, 20


def sentences(language: str) -> tuple[list[str], list[str]]:
    """(the sentences of the checkpoint classroom, those that came later): all there is in its training.

    The later ones are the mixed patterns and rows of words without sense, less whatever has a held-out sentence in it.
    """
    old, new = ({one for pattern in KNOWN[language][kind] for one in _filled(pattern, language)} for kind in ("whole", "mixed"))
    chance = random.Random(3)
    words = sorted({word for one in old | new for word in re.findall(r"\w+", one.lower())})
    rows = (" ".join(chance.choices(words, k=chance.randint(2, 5))) + chance.choice("..?") for _ in range(ROWS))
    new |= {_as_sentence(row) for row in rows}
    held = [_plain(one) for one in HELD_OUT[language]]
    return sorted(old), sorted(one for one in new - old if not any(part in _plain(one) for part in held))


def development(language: str) -> list[str]:
    """Sentences that decide when a training of times ends, and are in none: some of the mixed patterns."""
    mixed = {one for pattern in KNOWN[language]["mixed"] for one in _filled(pattern, language)}
    known = mixed & set(sentences(language)[1])
    return random.Random(5).sample(sorted(known), DEVELOPMENT)


def _filled(pattern: str, language: str):
    names = sorted(set(re.findall(r"{(\w)}", pattern)))
    for chosen in product(*(KNOWN[language]["words"][name] for name in names)):
        yield _as_sentence(pattern.format(**dict(zip(names, chosen, strict=True))))


def _as_sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(sentence: str) -> str:
    return " ".join(["", *re.findall(r"\w+", sentence.lower()), ""])

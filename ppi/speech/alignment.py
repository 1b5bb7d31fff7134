"""When words are said, by what an acoustic model of letters (CTC) hears: pure parts of forced alignment.

The model gives, for each frame of about 0.02 s, how probable each of its letters is. The text is written in these letters, and
a path through the frames that passes all letters in order (found by `ctc_segmentation`) says when each begins. Source:
Kürzinger et al., CTC-Segmentation of Large Corpora, https://arxiv.org/abs/2007.09127.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ppi.speech.words import shared

# Below this mean probability of its letters a word was not found where it was put; a segment of which less than half was
# found says something else than its text. With the small model of the tests a quarter of wrong words are above it, and nine of
# ten right ones.
SURE = 0.2


@dataclass(frozen=True)
class Letters:
    """What a model can write. `columns` has the place of each letter in what it gives for a frame, `blank` that of nothing,
    `gap` that between two words, None when it has none.
    """

    columns: Mapping[str, int]
    blank: int
    gap: int | None

    @property
    def star(self) -> int:
        """The column that `with_star` adds: any letter, for what the model cannot write."""
        return -1

    def spelled(self, word: str) -> list[int]:
        """The columns of a word; the star alone when it has a letter or digit that the model cannot write.

        Punctuation around it is not said, so it is left out; a word that is nothing else has no columns.
        """
        found = []
        for letter in _bare(word.lower()):
            column = self._column(letter)
            if column is not None:
                found.append(column)
            elif letter.isalnum():
                return [self.star]
        return found

    def _column(self, letter: str) -> int | None:
        """Models may know capitals only, or no accents: ё is е then."""
        plain = unicodedata.normalize("NFD", letter)[0]
        forms = (letter, letter.upper(), plain, plain.upper())
        return next((self.columns[form] for form in forms if form in self.columns), None)

    def written(self, words: Sequence[str]) -> tuple[list[int], list[tuple[int, int]]]:
        """(columns of the text with gaps between the words, [begin, end) of each word among them)."""
        text, places = [], []
        for word in words:
            spelled = self.spelled(word)
            if text and spelled and self.gap is not None:
                text.append(self.gap)
            places.append((len(text), len(text) + len(spelled)))
            text += spelled
        return text, places

    def with_star(self, frames: np.ndarray) -> np.ndarray:
        """Log probabilities with one more column, as probable as the most probable letter."""
        return np.column_stack([frames, frames[:, sorted(self.columns.values())].max(axis=1)])


def letters_of(vocabulary: Mapping[str, int], blank: int, gap: str = "|") -> Letters:
    """Of a vocabulary as transformers keeps it: letters, and names such as <pad> that are none."""
    letters = {name: column for name, column in vocabulary.items() if len(name) == 1 and name != gap and column != blank}
    return Letters(letters, blank, vocabulary.get(gap))


@dataclass(frozen=True)
class Found:
    """Where a word was put, in seconds of the sound, and the mean probability of its letters there, 0..1."""

    start_s: float
    end_s: float
    score: float


def found_of(
    begins: np.ndarray, frames: np.ndarray, text: Sequence[int], places: Sequence[tuple[int, int]], frame_s: float, star: int
) -> list[Found | None]:
    """What became of each word. `begins` is the frame where each column of the text begins, and where the last ends."""
    found: list[Found | None] = []
    for first, end in places:
        if first == end or text[first] == star:
            found.append(None)
            continue
        spans = [(text[place], int(begins[place]), int(begins[place + 1])) for place in range(first, end)]
        scores = [float(np.exp(frames[begin : max(stop, begin + 1), column].max())) for column, begin, stop in spans]
        found.append(Found(float(begins[first] * frame_s), float(begins[end] * frame_s), sum(scores) / len(scores)))
    return found


def refined(words: Sequence[dict[str, Any]], found: Sequence[Found | None], from_s: float) -> list[dict[str, Any]]:
    """The words with the times that were found, `from_s` being where the sound begins; in order.

    What was not found keeps the recogniser's time as far as its neighbours leave room, and says that it is unaligned; where
    they leave none at that time, it shares what room there is, and says that, too.
    """
    sure = [one if one is not None and one.score >= SURE else None for one in found]
    if sum(map(bool, sure)) * 2 < max(sum(map(bool, found)), 1):
        return [{**word, "unaligned": True} for word in words]
    kept: list[dict[str, Any]] = []
    for is_found, run in groupby(zip(words, sure, strict=True), key=lambda pair: pair[1] is not None):
        pairs = list(run)
        if is_found:
            kept += [_moved(word, from_s + one.start_s, from_s + one.end_s) for word, one in pairs]
            continue
        low_s = kept[-1]["end"] if kept else -np.inf
        following = sure[len(kept) + len(pairs) :]
        high_s = from_s + following[0].start_s if following else np.inf
        kept += _between([word for word, _ in pairs], low_s, high_s)
    return kept


def _between(words: Sequence[dict[str, Any]], low_s: float, high_s: float) -> Iterator[dict[str, Any]]:
    middles = [(word["start"] + word["end"]) / 2 for word in words]
    if not all(low_s <= middle_s <= high_s for middle_s in middles):
        low_s = low_s if np.isfinite(low_s) else min(words[0]["start"], high_s)
        high_s = high_s if np.isfinite(high_s) else max(words[-1]["end"], low_s)
        words = shared(words, low_s, high_s)
    for word in words:
        start_s, end_s = (min(max(word[name], low_s), high_s) for name in ("start", "end"))
        yield {**word, "start": start_s, "end": end_s, "unaligned": True}


def _moved(word: dict[str, Any], start_s: float, end_s: float) -> dict[str, Any]:
    return {name: value for name, value in word.items() if name != "interpolated"} | {"start": start_s, "end": end_s}


def _bare(word: str) -> str:
    """Without what is neither letter nor digit at its ends."""
    said = [place for place, letter in enumerate(word) if letter.isalnum()]
    return word[said[0] : said[-1] + 1] if said else ""

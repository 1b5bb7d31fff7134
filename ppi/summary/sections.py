"""Sections: where a lesson turns to something else, and what the stretch is about.

Source: Hearst, "TextTiling: Segmenting Text into Multi-paragraph Subtopic Passages", Computational Linguistics 23(1), 1997.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ppi.summary.ranking import TOKEN, stems, vectors
from ppi.summary.sentences import Sentence

WINDOW_S = 90.0
SHORTEST_S = 180.0
TITLE_WORDS = 3


def sections_of(sentences: list[Sentence]) -> list[list[Sentence]]:
    """Consecutive stretches of at least three minutes, cut where neighbouring windows have least in common."""
    windows = _windows(sentences)
    if len(windows) < 4:
        return [sentences] if sentences else []
    matrix = vectors([" ".join(sentence.text for sentence in window) for window in windows])
    if matrix is None:
        return [sentences]
    likeness = np.asarray([(matrix[n] @ matrix[n + 1].T).toarray()[0, 0] for n in range(len(windows) - 1)])
    depths = _depths(likeness)
    limit = depths.mean() + depths.std() / 2
    sections, current = [], list(windows[0])
    for number, window in enumerate(windows[1:]):
        is_long_enough = current[-1].span.end_s - current[0].span.start_s >= SHORTEST_S
        is_rest_long = sentences[-1].span.end_s - window[0].span.start_s >= SHORTEST_S
        if depths[number] >= limit and is_long_enough and is_rest_long:
            sections.append(current)
            current = []
        current += window
    return [*sections, current]


def title_of(section: list[Sentence], lesson: Counter[str]) -> str:
    """The words that are the section's own: frequent in it and not everywhere in the lesson. `lesson` counts stems."""
    shown: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for sentence in section:
        for word in TOKEN.findall(sentence.text):
            stem = next(iter(stems(word)), "")
            if len(stem) > 2:
                counts[stem] += 1
                shown.setdefault(stem, word.lower())
    best = sorted(counts, key=lambda stem: (-counts[stem] * counts[stem] / max(lesson[stem], 1), stem))[:TITLE_WORDS]
    title = ", ".join(shown[stem] for stem in best)
    return title[:1].upper() + title[1:]


def _windows(sentences: list[Sentence]) -> list[list[Sentence]]:
    windows: list[list[Sentence]] = []
    for sentence in sentences:
        if not windows or sentence.span.start_s - windows[-1][0].span.start_s >= WINDOW_S:
            windows.append([])
        windows[-1].append(sentence)
    return windows


def _depths(likeness: np.ndarray) -> np.ndarray:
    """How deep each valley lies below the peaks on both its sides."""
    depths = np.zeros(len(likeness))
    for number, value in enumerate(likeness):
        left = likeness[: number + 1].max()
        right = likeness[number:].max()
        depths[number] = (left - value) + (right - value)
    return depths

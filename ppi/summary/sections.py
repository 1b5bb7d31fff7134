"""Sections: where a lesson turns to something else, and what the stretch is about.

Source: Hearst, "TextTiling: Segmenting Text into Multi-paragraph Subtopic Passages", Computational Linguistics 23(1), 1997.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ppi.summary.ranking import TOKEN, stems, vectors
from ppi.summary.sentences import Sentence

WINDOW_S = 60.0
# Neighbouring windows are compared in groups of two: single minutes of speech have too little in common by chance.
GROUP = 2
SHORTEST_S, MOST = 180.0, 15
TITLE_WORDS = 3


def sections_of(sentences: list[Sentence]) -> list[list[Sentence]]:
    """Consecutive stretches of at least three minutes, cut where the windows before and after have least in common."""
    windows = _windows(sentences)
    matrix = vectors([" ".join(sentence.text for sentence in window) for window in windows]) if len(windows) > 1 else None
    if matrix is None:
        return [sentences] if sentences else []
    depths = _depths(_likeness(matrix))
    start_s, end_s = sentences[0].span.start_s, sentences[-1].span.end_s
    shortest_s = max(SHORTEST_S, (end_s - start_s) / MOST)
    limit = depths.mean() + depths.std() / 2
    cuts_s = [start_s, end_s]
    for gap in sorted(range(len(depths)), key=lambda gap: (-depths[gap], gap)):
        place_s = windows[gap + 1][0].span.start_s
        if depths[gap] > max(limit, 1e-9) and min(abs(place_s - cut_s) for cut_s in cuts_s) >= shortest_s:
            cuts_s.append(place_s)
    return _cut(sentences, sorted(cuts_s)[1:-1])


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


def _cut(sentences: list[Sentence], cuts_s: list[float]) -> list[list[Sentence]]:
    sections: list[list[Sentence]] = [[]]
    for sentence in sentences:
        if len(sections) <= len(cuts_s) and sentence.span.start_s >= cuts_s[len(sections) - 1]:
            sections.append([])
        sections[-1].append(sentence)
    return sections


def _windows(sentences: list[Sentence]) -> list[list[Sentence]]:
    windows: list[list[Sentence]] = []
    for sentence in sentences:
        if not windows or sentence.span.start_s - windows[-1][0].span.start_s >= WINDOW_S:
            windows.append([])
        windows[-1].append(sentence)
    return windows


def _likeness(matrix) -> np.ndarray:
    """Cosines between the groups of windows before and after each gap; float64 of shape (windows - 1,)."""
    rows = matrix.toarray()
    found = []
    for gap in range(1, len(rows)):
        before, after = rows[max(gap - GROUP, 0) : gap].sum(axis=0), rows[gap : gap + GROUP].sum(axis=0)
        length = np.linalg.norm(before) * np.linalg.norm(after)
        found.append(float(before @ after / length) if length else 0.0)
    return np.asarray(found)


def _depths(likeness: np.ndarray) -> np.ndarray:
    """How deep each valley lies below the nearest peaks on both its sides."""
    depths = np.zeros(len(likeness))
    for number, value in enumerate(likeness):
        depths[number] = _peak(likeness[number::-1]) + _peak(likeness[number:]) - 2 * value
    return depths


def _peak(values: np.ndarray) -> float:
    """Where the climb that starts at the first value ends."""
    peak = values[0]
    for value in values[1:]:
        if value < peak:
            break
        peak = value
    return float(peak)

"""The summary without a model: the lesson's own sentences, the most telling ones, in order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np

from ppi.records import KeyPoint, Span, Summary, SummarySection, Transcript
from ppi.summary import ranking
from ppi.summary.sections import sections_of, title_of
from ppi.summary.sentences import Sentence, sentences_of

SHARE, FEWEST, MOST = 0.08, 5, 20
SECTION_SENTENCES = 5


def summarize(report: Callable[[float], None], transcript: Transcript) -> Summary:
    """Key points over the whole lesson, and a few sentences for each section. Deterministic."""
    sentences = sentences_of(transcript)
    report(0.3)
    matrix = ranking.vectors([sentence.text for sentence in sentences]) if sentences else None
    if matrix is None:
        return Summary(transcript.language, "extractive", "", (), _plain(sentences))
    scores = _scores(sentences, matrix)
    report(0.5)
    sections = sections_of(sentences)
    rows = _candidates(sections)
    scores[[own[0] for own in rows]] *= ranking.FIRST_WEIGHT
    report(0.7)
    lesson = Counter(stem for sentence in sentences for stem in ranking.stems(sentence.text))
    parts = []
    for section, own in zip(sections, rows, strict=True):
        text = " ".join(sentences[row].text for row in ranking.pick(matrix, scores, SECTION_SENTENCES, own))
        parts.append(SummarySection(title_of(section, lesson), _span(section), text))
    report(0.9)
    points = tuple(KeyPoint(sentences[row].span.start_s, sentences[row].text) for row in _key_rows(matrix, scores, rows))
    return Summary(transcript.language, "extractive", "", points, tuple(parts))


def _scores(sentences: list[Sentence], matrix) -> np.ndarray:
    """What each sentence is worth. Saying the same again does not make it worth more, so repeats are not ranked: they get 0."""
    firsts = [rows[0] for rows in _repeats(sentences).values()]
    scores = np.zeros(len(sentences))
    scores[firsts] = ranking.weigh([sentences[row].text for row in firsts], ranking.text_rank(matrix[firsts]))
    return scores


def _candidates(sections: list[list[Sentence]]) -> list[list[int]]:
    """For each section the rows that may speak for it: all but the repeats within it."""
    found, first = [], 0
    for section in sections:
        found.append(sorted(first + rows[0] for rows in _repeats(section).values()))
        first += len(section)
    return found


def _repeats(sentences: list[Sentence]) -> dict[str, list[int]]:
    """The rows where the same is said, by what is said."""
    rows: dict[str, list[int]] = {}
    for row, sentence in enumerate(sentences):
        rows.setdefault(" ".join(sentence.text.casefold().split()), []).append(row)
    return rows


def _key_rows(matrix, scores: np.ndarray, sections: list[list[int]]) -> list[int]:
    """The rows that become key points: each section gives its share, so that the whole lesson is covered."""
    total = sum(map(len, sections))
    count = min(max(FEWEST, math.ceil(SHARE * total)), MOST)
    chosen: list[int] = []
    for number, own in enumerate(sections):
        reached = sum(map(len, sections[: number + 1])) / total
        worthy = [row for row in own if scores[row] > 0]
        chosen += ranking.pick(matrix, scores, round(count * reached) - len(chosen), worthy, beside=chosen)
    return chosen


def _plain(sentences: list[Sentence]) -> tuple[SummarySection, ...]:
    """Nothing to rank by: the beginning as it is."""
    if not sentences:
        return ()
    text = " ".join(sentence.text for sentence in sentences[:SECTION_SENTENCES])
    return (SummarySection("", _span(sentences), text),)


def _span(sentences: list[Sentence]) -> Span:
    return Span(sentences[0].span.start_s, sentences[-1].span.end_s)

"""The summary without a model: the lesson's own sentences, the most telling ones, in order.

Questions, decisions and homework are found by how they are said, which is all that can be done without understanding them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from ppi.records import KeyPoint, Span, Summary, SummarySection, Transcript
from ppi.summary import ranking
from ppi.summary.answers import MOST_OF_KIND, MOST_POINTS
from ppi.summary.engine import EXTRACTIVE
from ppi.summary.sections import sections_of, title_of
from ppi.summary.sentences import Sentence, sentences_of

SHARE, FEWEST = 0.08, 5
SECTION_SENTENCES, ABSTRACT_SENTENCES = 5, 5
# A question of at least so many words that count: "Okay?" and "Who else?" ask nothing about the lesson.
QUESTION_STEMS = 2
HOMEWORK = re.compile(
    r"(?i)\b(домашн\w+ (задани|работ)|задани\w+ на дом|на дом\b|к следующему уроку|"
    r"home ?work|at home\b|for (the )?next (lesson|class|time))"
)
DECISION = re.compile(
    r"(?i)\b(мы (решили|договорились|выбрали)|договорились|давайте (решим|выберем)|решено|значит,? делаем|"
    r"we (have )?(decided|agreed|chose)|let(?: us|'s) (decide|agree)|it is (decided|agreed|settled)|we will (do|use|take))\b"
)


def summarize(report: Callable[[float], None], transcript: Transcript) -> Summary:
    """Key points over the whole lesson, a few sentences for each section, and what was asked and set. Deterministic."""
    sentences = sentences_of(transcript)
    report(0.3)
    matrix = ranking.vectors([sentence.text for sentence in sentences]) if sentences else None
    if matrix is None:
        return Summary(transcript.language, EXTRACTIVE, "", (), _plain(sentences))
    scores = _scores(sentences, matrix)
    report(0.5)
    sections = sections_of(sentences)
    rows = _candidates(sections)
    scores[[own[0] for own in rows]] *= ranking.FIRST_WEIGHT
    report(0.7)
    lesson = Counter(stem for sentence in sentences for stem in ranking.stems(sentence.text))
    parts = []
    for section, own in zip(sections, rows, strict=True):
        chosen = ranking.pick(matrix, scores, SECTION_SENTENCES, own)
        parts.append(SummarySection(title_of(section, lesson), _span(section), _points(sentences, chosen)))
    report(0.9)
    key_rows = _key_rows(matrix, scores, rows)
    points = (
        *_points(sentences, ranking.pick(matrix, scores, ABSTRACT_SENTENCES, key_rows), "abstract"),
        *_points(sentences, key_rows), *_told(sentences),
    )  # fmt: skip
    return Summary(transcript.language, EXTRACTIVE, "", points, tuple(parts))


def _points(sentences: list[Sentence], rows: list[int], kind: str = "point") -> tuple[KeyPoint, ...]:
    return tuple(KeyPoint(sentences[row].text, (sentences[row].span,), kind) for row in rows)


def _told(sentences: list[Sentence]) -> Iterator[KeyPoint]:
    """Questions, decisions and homework, repeats left out."""
    firsts = sorted(rows[0] for rows in _repeats(sentences).values())
    tests: dict[str, Callable[[str], object]] = {
        "question": _is_question, "decision": DECISION.search, "homework": HOMEWORK.search,
    }  # fmt: skip
    for kind, test in tests.items():
        yield from _points(sentences, [row for row in firsts if test(sentences[row].text)][:MOST_OF_KIND], kind)


def _is_question(text: str) -> bool:
    return text.rstrip("\"'»”) ").endswith("?") and len(ranking.stems(text)) >= QUESTION_STEMS


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
    count = min(max(FEWEST, math.ceil(SHARE * total)), MOST_POINTS)
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
    beginning = _points(sentences, list(range(min(len(sentences), SECTION_SENTENCES))))
    return (SummarySection("", _span(sentences), beginning),)


def _span(sentences: list[Sentence]) -> Span:
    return Span(sentences[0].span.start_s, sentences[-1].span.end_s)

"""The summary without a model: the lesson's own sentences, the most telling ones, in order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from ppi.records import KeyPoint, Span, Summary, SummarySection, Transcript
from ppi.summary import ranking
from ppi.summary.sections import sections_of, title_of
from ppi.summary.sentences import Sentence, sentences_of

SHARE, FEWEST, MOST = 0.08, 5, 20
SECTION_SENTENCES = 5
# More sentences than this and the square matrix of likenesses would no longer be small.
LARGEST = 4000


def summarize(report: Callable[[float], None], transcript: Transcript) -> Summary:
    """Key points over the whole lesson, and a few sentences for each section. Deterministic."""
    sentences = sentences_of(transcript)[:LARGEST]
    report(0.2)
    matrix = ranking.vectors([sentence.text for sentence in sentences]) if sentences else None
    if matrix is None:
        return Summary(transcript.language, "extractive", "", (), _plain(sentences))
    scores = ranking.weigh([sentence.text for sentence in sentences], ranking.text_rank(matrix))
    report(0.6)
    count = min(max(FEWEST, math.ceil(SHARE * len(sentences))), MOST)
    points = tuple(
        KeyPoint(sentences[number].span.start_s, sentences[number].text)
        for number in ranking.pick(matrix, scores, count)
    )  # fmt: skip
    lesson = Counter(stem for sentence in sentences for stem in ranking.stems(sentence.text))
    parts, first = [], 0
    for section in sections_of(sentences):
        rows = range(first, first + len(section))
        first += len(section)
        parts.append(_section(section, matrix[rows.start : rows.stop], scores[rows.start : rows.stop], lesson))
    report(1.0)
    return Summary(transcript.language, "extractive", "", points, tuple(parts))


def _section(section: list[Sentence], matrix, scores, lesson: Counter[str]) -> SummarySection:
    picked = ranking.pick(matrix, scores, SECTION_SENTENCES)
    text = " ".join(section[number].text for number in picked)
    return SummarySection(title_of(section, lesson), _span(section), text)


def _plain(sentences: list[Sentence]) -> tuple[SummarySection, ...]:
    """Nothing to rank by: the beginning as it is."""
    if not sentences:
        return ()
    text = " ".join(sentence.text for sentence in sentences[:SECTION_SENTENCES])
    return (SummarySection("", _span(sentences), text),)


def _span(sentences: list[Sentence]) -> Span:
    return Span(sentences[0].span.start_s, sentences[-1].span.end_s)

"""A summary by any chat model: map over chunks of whole segments, reduce to an abstract, check every point.

Map: each chunk gives points of several kinds with the times they come from. Reduce: the most telling points of all
chunks become an abstract, in one call. They are chosen by ranking and not merged by the model again and again: each
merge would add inventions of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from ppi.errors import BackendError, InputError
from ppi.records import KeyPoint, Segment, Span, Summary, SummarySection, Transcript, model_name
from ppi.summary import answers, prompting, ranking
from ppi.summary.answers import Said, clock
from ppi.summary.checking import Checker
from ppi.summary.chunks import LINE_TOKENS, chunks_of, lines_of
from ppi.summary.sections import title_of
from ppi.summary.sentences import sentences_of

CHUNK_TOKENS, ANSWER_TOKENS = 2500, 900
SPARE_TOKENS = 64  # for what servers and templates put around a question
MOST_ABSTRACT = 7


class Chat(Protocol):
    """A model that answers questions. `context_tokens` is what it reads and writes in one call together."""

    engine: str
    name: str
    context_tokens: int

    def count(self, text: str) -> int:
        """Tokens of a text; rather too many than too few."""

    def ask(self, question: str, answer_tokens: int) -> str:
        """One question, one answer, "" when there is none."""


def summarize(
    report: Callable[[Any], None], transcript: Transcript, chat: Chat, language: str, known: Mapping[str, str]
) -> Summary:
    """`language` is that of the answer, ISO 639-1. Raises BackendError when the model says nothing of use anywhere.

    `report` gets the progress, 0..1, and every useful answer as (hash of the question, answer). Questions whose hash is in
    `known` are not asked: a run that goes on after a break asks only what is left.
    """
    work = _Work(report, transcript, chat, language, known)
    chunks = list(chunks_of(transcript.segments, chat.count, work.budget("map")))
    for number, chunk in enumerate(chunks, start=1):
        work.read_chunk(chunk, number, len(chunks))
        report(number / (len(chunks) + 1))
    if not work.sections:
        raise BackendError(
            "The chat model {model} gave no answer that can be used. Try again, or choose the engine without a model.",
            model=model_name(chat.name),
        )  # fmt: skip
    summary = work.summary()
    report(1.0)
    return summary


class _Work:
    def __init__(
        self, report: Callable[[Any], None], transcript: Transcript, chat: Chat, language: str, known: Mapping[str, str]
    ):  # fmt: skip
        self._report, self._known = report, known
        self._transcript, self._chat, self._language = transcript, chat, language
        self._checker = Checker(transcript)
        self._is_checked = not transcript.language or language == transcript.language
        self._stems = Counter(ranking.stems(transcript.text))
        self._points: list[KeyPoint] = []
        self._missed: list[Span] = []
        self.sections: list[SummarySection] = []

    def budget(self, purpose: str) -> int:
        """Tokens for the lines of one question. Raises InputError when the model is too small to read any."""
        empty = self._chat.count(prompting.prompt(purpose, self._language, number=99, count=99, lines=""))
        again = self._chat.count(prompting.prompt("again", self._language, question=""))
        left = self._chat.context_tokens - empty - again - self._answer_tokens - SPARE_TOKENS
        if left < 4 * LINE_TOKENS:
            raise InputError(
                "The chat model reads only {tokens} tokens at a time. Choose a larger one.", tokens=self._chat.context_tokens
            )
        return min(CHUNK_TOKENS, left)

    def read_chunk(self, chunk: list[Segment], number: int, count: int) -> None:
        span = Span(chunk[0].start_s, chunk[-1].end_s)
        question = prompting.prompt("map", self._language, number=number, count=count, lines=lines_of(chunk))
        found = self._ask(question, lambda said: bool(_cited(said, chunk)))
        points = [self._point(said, cites) for said in found if said.kind != "topic" and (cites := _cited(said, chunk))]
        if not points:
            self._missed.append(span)
            return
        topic = next((said.text for said in found if said.kind == "topic"), "")
        points.sort(key=lambda point: point.time_s)
        self._points += points
        own = tuple(point for point in points if point.kind == "point")
        is_said = not topic or (self._is_checked and self._checker.is_said(topic, (span,)))
        self.sections.append(SummarySection(topic or self._title(chunk), span, own or tuple(points), is_said))

    def summary(self) -> Summary:
        kept: list[KeyPoint] = [*self._abstract()]
        for kind in ("point", "question", "decision", "homework"):
            most = answers.MOST_POINTS if kind == "point" else answers.MOST_OF_KIND
            kept += answers.best_points([point for point in self._points if point.kind == kind], most)
        return Summary(
            self._language, self._chat.engine, self._chat.name, tuple(kept), tuple(self.sections), prompting.version(),
            tuple(self._missed), self._is_checked,
        )  # fmt: skip

    def _abstract(self) -> list[KeyPoint]:
        """Sentences that rest on points. What names no point's time is left out."""
        given = list(answers.best_points([point for point in self._points if point.kind == "point"] or self._points))
        budget = self.budget("reduce")
        while len(given) > 1 and self._chat.count(_as_lines(given)) > budget:
            given = list(answers.best_points(given, len(given) - 1))
        question = prompting.prompt("reduce", self._language, lines=_as_lines(given))
        found = self._ask(question, lambda said: bool(_rests_on(said, given)))
        sentences = [self._point(replace(said, kind="abstract"), cites) for said in found if (cites := _rests_on(said, given))]
        return sentences[:MOST_ABSTRACT]

    def _ask(self, question: str, is_of_use: Callable[[Said], bool]) -> list[Said]:
        """What was answered; when nothing of it is of use, the question is asked once more."""
        key, asked = hashlib.sha256(question.encode("utf-8", "replace")).hexdigest(), question
        if key in self._known:
            return answers.read(self._known[key])
        for _ in range(2):
            answer = self._chat.ask(asked, self._answer_tokens)[: answers.MAX_ANSWER_CHARACTERS]
            found = answers.read(answer)
            if any(is_of_use(said) for said in found):
                self._report((key, answer))
                return found
            asked = prompting.prompt("again", self._language, question=question)
        return []

    @property
    def _answer_tokens(self) -> int:
        return min(ANSWER_TOKENS, self._chat.context_tokens // 4)

    def _point(self, said: Said, cites: tuple[Span, ...]) -> KeyPoint:
        kind = said.kind if said.kind in ("question", "decision", "homework", "abstract") else "point"
        point = KeyPoint(said.text, cites, kind)
        return self._checker.checked(point) if self._is_checked else replace(point, is_verified=False)

    def _title(self, chunk: list[Segment]) -> str:
        return title_of(sentences_of(replace(self._transcript, segments=tuple(chunk))), self._stems)


def _cited(said: Said, chunk: list[Segment]) -> tuple[Span, ...]:
    """The lines of the chunk that the times mean; none when any lies outside, as invented ones do."""
    cites = set()
    for time_s in said.times_s:
        if not int(chunk[0].start_s) <= time_s <= chunk[-1].end_s + 1:
            return ()
        line = [segment for segment in chunk if int(segment.start_s) <= time_s][-1]
        cites.add(Span(line.start_s, line.end_s))
    return tuple(sorted(cites))


def _rests_on(said: Said, points: list[KeyPoint]) -> tuple[Span, ...]:
    """The stretches of the points whose times are named."""
    cites = {cite for point in points for cite in point.cites if int(point.time_s) in said.times_s}
    return tuple(sorted(cites))


def _as_lines(points: list[KeyPoint]) -> str:
    return "\n".join(json.dumps({"at": clock(point.time_s), "text": point.text}, ensure_ascii=False) for point in points)

"""The lesson report: who spoke how long, how the time went, what annotators marked, and what was said in those moments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ppi.records import Span, Summary, Transcript
from ppi.summary.outline import Block, Picture
from ppi.summary.wording import clock, words_of

TEACHER, STUDENT = "teacher", "student"
# How transcripts call them; every other name is shown as it is.
ROLE_NAMES = {
    TEACHER: re.compile(r"(?i)^\W*(teacher|учител|педагог|преподавател|[пt]\W*$)"),
    STUDENT: re.compile(r"(?i)^\W*(students?|pupils?|учени|дети|класс|[уs]\W*$)"),
}
QUOTES, QUOTE_WORDS, FEWEST_QUOTE_WORDS = 8, 40, 3
SENTENCE_ENDS = (".", "!", "?", "…")


@dataclass(frozen=True)
class Mark:
    """A pattern where an annotator marked it; `role` is "teacher", "student" or ""."""

    pattern: str
    role: str
    span: Span


class _Token(NamedTuple):
    """A word as it is quoted, and whether a sentence begins or ends with it."""

    text: str
    middle_s: float
    begins: bool
    ends: bool


@dataclass(frozen=True)
class Report:
    """Seconds throughout. `shares` are (who, speech), `patterns` (name, count, marked time), `roles` (role, marked time).

    `spoken` are (who, from, until) of every segment with a text. Who spoke is called the same wherever it stands.
    """

    duration_s: float
    speech_s: float
    shares: tuple[tuple[str, float], ...]
    questions: tuple[tuple[str, int], ...]
    patterns: tuple[tuple[str, int, float], ...]
    roles: tuple[tuple[str, float], ...]
    quotes: tuple[tuple[str, Span, str], ...]
    spoken: tuple[tuple[str, float, float], ...]
    has_speakers: bool


def report_of(transcript: Transcript, marks: tuple[Mark, ...], summary: Summary, language: str) -> Report:
    """`language` is that of the names of roles."""
    words = words_of(language)
    said = [segment for segment in transcript.segments if segment.text.strip()]
    has_speakers = any(segment.speaker for segment in said)
    nobody = words["unknown" if has_speakers else "speech_time"]
    spoken = tuple((_who(segment.speaker, words) or nobody, segment.start_s, segment.end_s) for segment in said)
    shares: Counter[str] = Counter()
    for who, start_s, end_s in spoken:
        shares[who] += max(end_s - start_s, 0.0)
    counts, times_s, roles_s = Counter(), Counter(), Counter()
    for mark in marks:
        counts[mark.pattern] += 1
        times_s[mark.pattern] += mark.span.duration_s
        if mark.role:
            roles_s[words[mark.role]] += mark.span.duration_s
    by_count = sorted(counts, key=lambda name: (-counts[name], name))
    patterns = tuple((name, counts[name], times_s[name]) for name in by_count)
    return Report(
        transcript.duration_s, covered_s([Span(start_s, end_s) for _, start_s, end_s in spoken]), tuple(shares.most_common()),
        _questions(spoken, summary), patterns, tuple(roles_s.most_common()), _quotes(transcript, marks, patterns), spoken,
        has_speakers,
    )  # fmt: skip


def covered_s(spans: list[Span]) -> float:
    """How much time the spans cover together, overlaps counted once."""
    total_s, reached_s = 0.0, 0.0
    for span in sorted(spans):
        total_s += max(span.end_s - max(span.start_s, reached_s), 0.0)
        reached_s = max(reached_s, span.end_s)
    return total_s


def blocks_of(report: Report, language: str, timeline: str = "", talk: str = "") -> tuple[Block, ...]:
    """The report's part of a document. `timeline` and `talk` are the files of its figures, "" where there is none."""
    words = words_of(language)
    silent_s = max(report.duration_s - report.speech_s, 0.0)
    budget = [(words["speech_time"], report.speech_s), (words["silence_time"], silent_s)]
    blocks = [Block("heading", words["budget"], 1), _shares(words["what"], budget, report.duration_s, words)]
    blocks += [*_figure(timeline, words["timeline"]), Block("heading", words["talk"], 1)]
    if report.has_speakers:
        blocks += [_talk(report, words), *_figure(talk, words["talk_figure"])]
    else:
        blocks.append(Block("text", words["no_speakers"]))
    return (*blocks, *_patterns(report, words), *_said(report, words))


def _figure(path: str, caption: str) -> list[Block]:
    return [Block("pictures", pictures=(Picture(path, caption),))] if path else []


def _patterns(report: Report, words: dict[str, str]) -> list[Block]:
    blocks = [Block("heading", words["patterns"], 1)]
    if not report.patterns:
        return [*blocks, Block("text", words["no_patterns"])]
    rows = ((name, str(count), clock(time_s)) for name, count, time_s in report.patterns)
    blocks.append(Block("table", rows=((words["pattern"], words["times"], words["whole_time"]), *rows)))
    if report.roles:
        blocks.append(Block("heading", words["roles"], 2))
        blocks.append(_shares(words["speaker"], list(report.roles), sum(time_s for _, time_s in report.roles), words))
    return [*blocks, Block("note", words["overlaps"])]


def _said(report: Report, words: dict[str, str]) -> list[Block]:
    quotes = [
        Block("point", words["quoted"].format(pattern=name, text=text), spans=(span,)) for name, span, text in report.quotes
    ]  # fmt: skip
    return [Block("heading", words["quotes"], 1), *quotes] if quotes else []


def _shares(heading: str, shares: list[tuple[str, float]], whole_s: float, words: dict[str, str]) -> Block:
    rows = ((name, clock(time_s), _percent(time_s, whole_s)) for name, time_s in shares)
    return Block("table", rows=((heading, words["time"], words["share"]), *rows))


def _talk(report: Report, words: dict[str, str]) -> Block:
    """Speech and questions of each speaker."""
    whole_s, asked = sum(time_s for _, time_s in report.shares), dict(report.questions)
    rows = (
        (name, clock(time_s), _percent(time_s, whole_s), str(asked.get(name, 0)))
        for name, time_s in report.shares
    )
    return Block("table", rows=((words["speaker"], words["time"], words["share"], words["questions"]), *rows))


def _percent(part_s: float, whole_s: float) -> str:
    return f"{100 * part_s / whole_s:.0f} %" if whole_s else "–"


def _who(speaker: str, words: dict[str, str]) -> str:
    role = next((role for role, names in ROLE_NAMES.items() if names.search(speaker)), "")
    return words[role] if role else speaker


def _questions(spoken: tuple[tuple[str, float, float], ...], summary: Summary) -> tuple[tuple[str, int], ...]:
    """(who, how many): the speaker where a question begins, "" where nobody speaks."""
    counts: Counter[str] = Counter()
    for question in summary.of_kind("question"):
        counts[next((who for who, start_s, end_s in spoken if start_s <= question.time_s < end_s), "")] += 1
    return tuple(counts.most_common())


def _quotes(transcript: Transcript, marks: tuple[Mark, ...], patterns: tuple[tuple[str, int, float], ...]):
    """For each of the most frequent patterns the first moment in which something was said."""
    tokens = list(_tokens(transcript))
    found: list[tuple[str, Span, str]] = []
    for name, *_ in patterns:
        for mark in sorted((mark for mark in marks if mark.pattern == name), key=lambda mark: mark.span):
            said = [token for token in tokens if mark.span.holds(token.middle_s)]
            if len(said) >= FEWEST_QUOTE_WORDS:
                found.append((name, mark.span, _quoted(said[:QUOTE_WORDS])))
                break
    return tuple(found[:QUOTES])


def _tokens(transcript: Transcript) -> Iterator[_Token]:
    for segment in transcript.segments:
        begins = True
        for word in segment.words:
            text, is_last = word.text.strip(), word is segment.words[-1]
            ends = is_last or text.endswith(SENTENCE_ENDS)
            yield _Token(text, word.midpoint_s, begins, ends)
            begins = ends


def _quoted(said: Sequence[_Token]) -> str:
    """The words, with dots where a sentence began before them or goes on after them."""
    text = " ".join(token.text for token in said)
    return f"{'' if said[0].begins else '…'}{text}{'' if said[-1].ends else '…'}"

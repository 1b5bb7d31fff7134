"""What a document about a lesson says, as blocks in order: one outline for the page, the DOCX and the TXT.

Three styles of the same summary: a short abstract, minutes, and a report for the teacher. None of them needs another run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppi.notes import told
from ppi.records import KeyPoint, LessonFacts, Span, Summary, Transcript, model_name
from ppi.summary.wording import clock, shown_date, shown_number, words_of

STYLES = ("abstract", "minutes", "report")


@dataclass(frozen=True)
class Picture:
    """A picture: a file for documents, an address for pages; what stands below it; the moment it shows, None for a figure."""

    source: str
    caption: str
    time_s: float | None = None


@dataclass(frozen=True)
class Block:
    """One thing of a document. `kind` is "heading", "facts", "point", "period", "text", "note", "table" or "pictures".

    A heading has a `level` from 1; facts and tables have `rows`, the first of a table being its header; points and periods
    have `spans`, the time codes. `mark` stands behind what could not be verified.
    """

    kind: str
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    spans: tuple[Span, ...] = ()
    mark: str = ""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Content:
    """All that a document is made of. `frames` are key frames; `extra` are the blocks of the lesson report."""

    facts: LessonFacts
    summary: Summary
    transcript: Transcript
    frames: tuple[Picture, ...] = ()
    extra: tuple[Block, ...] = ()


def title_of(style: str, language: str) -> str:
    return words_of(language)[f"{style}_title"]


def outline(content: Content, style: str, language: str) -> tuple[Block, ...]:
    """The blocks below the title, in `language`; what was said stays as it was said."""
    words = words_of(language)
    blocks = [Block("facts", rows=tuple(_facts(content, words)))]
    if not content.transcript.text:
        return (*blocks, Block("text", words["nothing"]), *(content.extra if style == "report" else ()))
    # Selected sentences are among the key points: a written abstract says more than these.
    if content.summary.of_kind("abstract") and (style == "abstract" or content.summary.prompts):
        blocks += _listed(content.summary.of_kind("abstract"), words["abstract"], words)
    if content.frames:
        blocks += [Block("heading", words["frames"], 1), Block("pictures", pictures=content.frames)]
    blocks += {"abstract": _abstract, "minutes": _minutes, "report": _report}[style](content, words)
    return (*blocks, *_notes(content.summary, words))


def _abstract(content: Content, words: dict[str, str]) -> list[Block]:
    return _topics(content, words) if content.summary.of_kind("abstract") else _sections(content, words)


def _topics(content: Content, words: dict[str, str]) -> list[Block]:
    blocks = [Block("heading", words["topics"], 1)]
    for number, section in enumerate(content.summary.sections, start=1):
        title = section.title or f"{words['section']} {number}"
        blocks.append(Block("point", title, spans=(section.span,), mark="" if section.is_verified else words["unverified"]))
    return blocks


def _minutes(content: Content, words: dict[str, str]) -> list[Block]:
    summary, blocks = content.summary, _topics(content, words)
    for kind, name in (("question", "questions"), ("decision", "decisions"), ("homework", "homework")):
        blocks += _listed(summary.of_kind(kind), words[name], words)
    return blocks + (_listed(summary.key_points, words["points"], words) if summary.key_points else [])


def _report(content: Content, words: dict[str, str]) -> list[Block]:
    summary = content.summary
    blocks = _listed(summary.key_points, words["points"], words) if summary.key_points else []
    blocks += [*content.extra, *_listed(summary.of_kind("question"), words["questions"], words)]
    blocks += _listed(summary.of_kind("homework"), words["homework"], words)
    return blocks + _sections(content, words)


def _sections(content: Content, words: dict[str, str]) -> list[Block]:
    blocks = [Block("heading", words["sections"], 1)] if content.summary.sections else []
    for number, section in enumerate(content.summary.sections, start=1):
        mark = "" if section.is_verified else words["unverified"]
        blocks.append(Block("heading", section.title or f"{words['section']} {number}", 2, mark=mark))
        blocks.append(Block("period", spans=(section.span,)))
        blocks += [_point(point, words) for point in section.points]
    return blocks


def _listed(points: tuple[KeyPoint, ...], heading: str, words: dict[str, str]) -> list[Block]:
    found = [_point(point, words) for point in points] or [Block("text", words["none_found"])]
    return [Block("heading", heading, 1), *found]


def _point(point: KeyPoint, words: dict[str, str]) -> Block:
    return Block("point", point.text, spans=point.cites, mark="" if point.is_verified else words["unverified"])


def _notes(summary: Summary, words: dict[str, str]) -> Iterator[Block]:
    """What a reader has to know before quoting."""
    verified, count = verified_of(summary)
    if not summary.is_checked:
        yield Block("note", words["unchecked"])
    elif count and summary.prompts:
        yield Block("note", words["all_checked" if verified == count else "checked"].format(verified=verified, count=count))
    if not summary.prompts:
        yield Block("note", words["by_form"])
    if summary.missed:
        periods = ", ".join(f"{clock(span.start_s)} – {clock(span.end_s)}" for span in summary.missed)
        yield Block("note", words["missed"].format(periods=periods))


def verified_of(summary: Summary) -> tuple[int, int]:
    """How many of the points were found in what was said, and how many there are."""
    points = {(point.text, point.cites): point for point in (*summary.points, *_of_sections(summary))}
    return sum(point.is_verified for point in points.values()), len(points)


def _of_sections(summary: Summary) -> Iterator[KeyPoint]:
    return (point for section in summary.sections for point in section.points)


def _facts(content: Content, words: dict[str, str]) -> Iterator[tuple[str, str]]:
    facts, transcript = content.facts, content.transcript
    yield words["lesson"], facts.name
    yield words["video"], facts.source_video
    yield words["length"], clock(facts.duration_s)
    if facts.recorded_on:
        yield words["date"], shown_date(facts.recorded_on, words)
    yield words["words"], shown_number(len(transcript.text.split()), words)
    edited = f", {words['edited'].format(count=transcript.edited_segments)}" if transcript.edited else ""
    yield words["speech"], f"{transcript.engine}, {model_name(transcript.model)}{edited}"
    yield words["summary"], _method(content.summary, words)
    yield from ((words["notes"], told(note, words["locale"])) for note in transcript.notes)


def _method(summary: Summary, words: dict[str, str]) -> str:
    if summary.engine == "extractive":
        return words["extractive"]
    prompts = words["prompts"].format(version=summary.prompts)
    return ", ".join(part for part in (summary.engine, model_name(summary.model), prompts if summary.prompts else "") if part)

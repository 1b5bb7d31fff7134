"""A transcript as a document to hand on: facts, then paragraphs of speech behind their time codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ppi.notes import told
from ppi.records import LessonFacts, Segment, Span, Transcript, model_name
from ppi.summary import documents
from ppi.summary.outline import Block
from ppi.summary.wording import WORDS, clock, shown_date, shown_number

TITLE = {"en": "Transcript", "ru": "Расшифровка"}
DOUBTFUL = {"en": "doubtful", "ru": "сомнительно"}
ABOUT_DOUBT = {
    "en": "Paragraphs marked “doubtful” hold text that the recogniser was not sure of: listen before you quote them.",
    "ru": "В абзацах с пометкой «сомнительно» есть текст, в котором распознаватель не уверен: послушайте их до цитирования.",
}
# A paragraph ends with the speaker's turn, at a pause, or with the sentence after so many characters.
PAUSE_S, PARAGRAPH_CHARS = 2.5, 420


def write_docx(report: Callable[[Any], None], path: Path, facts: LessonFacts, transcript: Transcript, language: str) -> None:
    """Write the DOCX; made to run in a child process, see `ppi.processes`. `language` is that of the document's own words."""
    blocks = tuple(outline(facts, transcript, language))
    documents.write_docx(path, TITLE[language], facts.name, blocks, transcript.language or language, facts.player)


def outline(facts: LessonFacts, transcript: Transcript, language: str) -> Iterator[Block]:
    """What the document consists of, in order."""
    words = WORDS[language]
    yield Block("facts", rows=tuple(_facts(facts, transcript, words)))
    if any(segment.flags for segment in transcript.segments):
        yield Block("note", ABOUT_DOUBT[language])
    if not transcript.text:
        yield Block("text", words["nothing"])
    speaker = ""
    for paragraph in paragraphs(transcript):
        if paragraph[0].speaker != speaker:
            speaker = paragraph[0].speaker
            yield Block("heading", speaker or words["unknown"], level=2)
        text = " ".join(" ".join(segment.text.split()) for segment in paragraph)
        mark = DOUBTFUL[language] if any(segment.flags for segment in paragraph) else ""
        yield Block("point", text, spans=(Span(paragraph[0].start_s, paragraph[-1].end_s),), mark=mark)


def paragraphs(transcript: Transcript) -> Iterator[list[Segment]]:
    """The segments that have a text, in runs of one speaker that are pleasant to read."""
    run: list[Segment] = []
    for segment in transcript.segments:
        if not segment.text.strip():
            continue
        if run and _is_over(run, segment):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def _is_over(run: list[Segment], following: Segment) -> bool:
    is_long = sum(len(segment.text) for segment in run) > PARAGRAPH_CHARS
    is_sentence = run[-1].text.rstrip().endswith((".", "!", "?", "…"))
    is_turn = following.speaker != run[-1].speaker
    return is_turn or following.start_s - run[-1].end_s > PAUSE_S or (is_long and is_sentence)


def _facts(facts: LessonFacts, transcript: Transcript, words: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield words["lesson"], facts.name
    yield words["video"], facts.source_video
    yield words["length"], clock(facts.duration_s)
    if facts.recorded_on:
        yield words["date"], shown_date(facts.recorded_on, words)
    yield words["words"], shown_number(len(transcript.text.split()), words)
    made = ", ".join(filter(None, (transcript.engine, model_name(transcript.model))))
    edited = words["edited"].format(count=transcript.edited_segments) if transcript.edited else ""
    yield words["speech"], "; ".join(filter(None, (made, edited)))
    for note in transcript.notes:
        yield words["notes"], told(note, words["locale"])

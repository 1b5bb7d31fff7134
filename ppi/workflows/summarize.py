"""Summarise: the transcript becomes a summary as DOCX and TXT, in one of three styles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ppi.errors import Conflict, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.records import LessonFacts, Transcript
from ppi.services import Services
from ppi.storage import keys
from ppi.summary import engine, kept, outline
from ppi.summary.outline import Block, Content, Picture
from ppi.workflows import lesson_report, lessons, plain, summaries
from ppi.workflows.ingest import put
from ppi.workflows.scratch import scratch
from ppi.workflows.summaries import Document, Kept, Shelf, Unfinished
from ppi.workflows.transcribe import stored_transcript

USUAL_STYLE = "minutes"
STYLES, LANGUAGES = outline.STYLES, engine.LANGUAGES
DOCUMENT_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".txt": "text/plain; charset=utf-8", ".png": "image/png",
}  # fmt: skip
LINK_LIFE_S = 86_400


@dataclass(frozen=True)
class ShownSummary:
    """What the summary's page shows. `entry` is the result with what differs from the one before; `is_outdated` says that the
    transcript tells something else by now.
    """

    document: Document
    blocks: tuple[Block, ...]
    entry: Kept
    verified: int
    points: int
    is_outdated: bool


def engines(services: Services) -> dict[str, str]:
    """The engines that can be chosen here, the usual one first, and the model of each ("" without one)."""
    settings = services.settings.summary
    return {name: engine.model_of(settings, name) for name in engine.available(settings)}


def request_summary(
    services: Services, row: LessonRow, *, engine_name: str = "", style: str = USUAL_STYLE, language: str = "",
    is_anew: bool = False, home: str = "",
) -> Job:  # fmt: skip
    """Queue a summary, or answer the one that is under way. `home` is the address of PPI that links in documents begin with.

    `is_anew` asks the engine again where a result for the same input is kept. Raises InputError for an engine, style or
    language that there is not, Conflict when there is no transcript yet.
    """
    engine.choose(services.settings.summary, engine_name)
    engine.check_language(language)
    plain.check_style(style)
    shown = lessons.view(services, row)
    if not shown.has_transcript:
        raise Conflict("There is no transcript yet. Transcribe the lesson first.")
    newest = shown.jobs.get("summarize")
    if newest is not None and newest.is_active:
        return newest
    wanted = {"engine": engine_name, "style": style, "language": language, "anew": is_anew, "home": home}
    job = services.ledger.submit("summarize", row.owner_id, row.id, wanted)
    services.ring(job)
    return job


def run_summarize(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. A result is kept before its documents are written, so that it is never paid for twice."""
    row = services.lessons.get(job.lesson_id)
    transcript = stored_transcript(services, row)
    wanted = {"engine": "", "style": USUAL_STYLE, "language": "", "anew": False, "home": "", **job.input}
    before = summaries.load(services, row)
    settings = services.settings.summary
    if engine.must_be_fetched(settings, engine.choose(settings, wanted["engine"])):
        engine.fetch(settings, run.step("summarizing", "Fetching the chat model", 0.0, 0.05))
    on_progress = run.step("summarizing", "Summarising the transcript", 0.05, 0.9)
    shelf = _result(services, job, transcript, wanted, before, on_progress)
    summaries.save(services, row, shelf)
    on_progress = run.step("summarizing", "Writing the documents", 0.9, 0.98)
    entry = shelf.kept[0]
    with scratch(services, job) as folder:
        language = wanted["language"] or transcript.language
        content = _content(services, row, transcript, entry, wanted, language, folder, lambda: on_progress(0.0))
        for path in plain.write_summary(folder, keys.stem(row.video_key), content, wanted["style"], language):
            put(services, run, row, path, row.prefix + path.name, DOCUMENT_TYPES[path.suffix])
        document = _keep_pictures(services, run, row, _document(content, wanted["style"], language))
    summaries.save(services, row, replace(shelf, document=document))
    is_kept = before.find(entry.input) is not None and entry.changes is None and not wanted["anew"]
    changes = entry.changes
    return {
        "engine": entry.summary.engine, "model": entry.summary.model, "style": wanted["style"], "language": language,
        "points": len(entry.summary.key_points), "is_kept": is_kept,
        "added": len(changes.added) if changes else 0, "removed": len(changes.removed) if changes else 0,
    }  # fmt: skip


def shown_summary(services: Services, row: LessonRow) -> ShownSummary:
    """The lesson's summary for its page; pictures are presigned links. Raises NotFound when there is none."""
    shelf = summaries.load(services, row)
    if shelf.document is None or not shelf.kept:
        raise NotFound("This lesson has no summary yet. Make one first.", lesson_id=row.id)
    blocks = summaries.shown(shelf.document, lambda picture: _address(services, picture))
    verified, points = outline.verified_of(shelf.kept[0].summary)
    said = shelf.document.said
    is_outdated = said != "" and said != kept.input_hash(stored_transcript(services, row), {})
    return ShownSummary(shelf.document, blocks, shelf.kept[0], verified, points, is_outdated)


def _result(
    services: Services, job: Job, transcript: Transcript, wanted: dict[str, Any], shelf: Shelf,
    on_progress: Callable[[float], None],
) -> Shelf:  # fmt: skip
    """The shelf with the result meant on top: one that is kept, or a new one."""
    settings = services.settings.summary
    name = engine.choose(settings, wanted["engine"])
    made_of = kept.input_hash(transcript, engine.identity(settings, name, transcript, wanted["language"]))
    found = shelf.find(made_of)
    # What this very job made before it was interrupted counts as made anew.
    if found is not None and (not wanted["anew"] or found.made_s >= job.created_s):
        return shelf if found is shelf.kept[0] and found.made_s >= job.created_s else shelf.with_first(found)
    unfinished = Unfinished(services, services.lessons.get(job.lesson_id), f"{made_of} {job.id if wanted['anew'] else ''}")

    def on_tick(fraction: float) -> None:
        on_progress(fraction)
        unfinished.write_due()

    summary = engine.summarize(transcript, settings, on_tick, name, wanted["language"], unfinished.known)
    unfinished.remove()
    return shelf.with_new(made_of, summary)


def _content(
    services: Services, row: LessonRow, transcript: Transcript, entry: Kept, wanted: dict[str, Any], language: str,
    folder: Path, on_tick: Callable[[], None],
) -> Content:  # fmt: skip
    home = (services.settings.web.public_url or wanted["home"]).rstrip("/")
    facts = LessonFacts(
        name=row.name, source_video=row.video_key.removeprefix(row.prefix), duration_s=transcript.duration_s,
        recorded_on=datetime.fromtimestamp(row.created_s, UTC).date().isoformat(),
        player=f"{home}/lessons/{row.id}/transcript" if home else "",
    )  # fmt: skip
    extra: tuple[Block, ...] = ()
    if wanted["style"] == "report":
        extra = lesson_report.blocks(services, row, transcript, entry.summary, language, folder, on_tick)
    return Content(facts, entry.summary, transcript, lesson_report.frames(services, row, folder), extra)


def _document(content: Content, style: str, language: str) -> Document:
    said = kept.input_hash(content.transcript, {})
    return Document(outline.title_of(style, language), style, language, outline.outline(content, style, language), said)


def _keep_pictures(services: Services, run: Run, row: LessonRow, document: Document) -> Document:
    """Store figures and key frames beside the video, in place of earlier ones; the document then names them by their keys."""
    kept_keys: set[str] = set()

    def keep(picture: Picture) -> Picture:
        path = Path(picture.source)
        key = keys.derivative_key(row.video_key, f"{summaries.FIGURE}{path.name}")
        put(services, run, row, path, key, DOCUMENT_TYPES.get(path.suffix, "image/jpeg"))
        kept_keys.add(key)
        return replace(picture, source=key)

    blocks = tuple(replace(block, pictures=tuple(map(keep, block.pictures))) for block in document.blocks)
    for found in services.store.list(services.raw, keys.derivative_key(row.video_key, summaries.FIGURE)):
        if found.key.endswith((".png", ".jpg")) and found.key not in kept_keys:
            services.store.delete(services.raw, found.key)
    return replace(document, blocks=blocks)


def _address(services: Services, picture: Picture) -> str:
    return services.store.presign_get(services.raw, picture.source, expires_s=LINK_LIFE_S)

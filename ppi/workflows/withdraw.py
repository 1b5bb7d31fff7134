"""Withdraw: a lesson leaves every dataset that PPI holds. What is on the Hub is named; downloads cannot be taken back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ppi.dataset import consent as consents
from ppi.dataset import layout
from ppi.errors import Conflict, DatasetError, InputError, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.services import Services
from ppi.workflows import about_lesson, joined, joined_consent, lessons, pushes, stored_datasets, versions
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.joined import Joined
from ppi.workflows.pushes import Deleted, Push
from ppi.workflows.scratch import scratch

BUSY = ("build_dataset", "publish", "preview_push", "withdraw")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InJoined:
    """A joined dataset that holds the lesson: the samples that are the lesson's, and its version now.

    `staying` are the ids of the lessons that it can be built of without this one.
    """

    joined: Joined
    samples: list[dict[str, Any]]
    version: int
    staying: tuple[str, ...]


@dataclass(frozen=True)
class Touched:
    """Every sample and version that holds the lesson: `samples` of its own dataset, joined ones, what is on the Hub.

    Of a push it also says whether it held nothing else.
    """

    samples: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0
    joined: list[InJoined] = field(default_factory=list)
    pushes: list[tuple[Push, bool]] = field(default_factory=list)


def find(services: Services, lesson_id: str) -> LessonRow | Deleted:
    """The lesson, or what is kept of it. Raises NotFound."""
    try:
        return lessons.present(services, lesson_id)
    except NotFound:
        return pushes.deleted_lesson(services, lesson_id)


def is_deleted(lesson: LessonRow | Deleted) -> bool:
    return isinstance(lesson, Deleted)


def touched(services: Services, row: LessonRow | Deleted) -> Touched:
    """What a withdrawal would touch, or what is left of it afterwards; of a deleted lesson, what still holds it."""
    samples, version = _samples(services, dataset_prefix(row)) if isinstance(row, LessonRow) else ([], 0)
    return Touched(samples, version, _holding(services, row), pushes.of_lesson(services, row))


def request_withdraw(services: Services, row: LessonRow, *, name: str) -> Job:
    """Record that the consent is withdrawn, so that nothing is published from now on, and queue the rest.

    `name` confirms which lesson is meant. Raises InputError for another one, and Conflict while a job uses its datasets.
    """
    if " ".join(name.split()) != " ".join(row.name.split()):
        raise InputError("To withdraw this lesson, type its name: {name}.", name=row.name)
    if any(job.is_active and job.kind in BUSY for job in services.ledger.list(lesson_id=row.id)):
        raise Conflict("A dataset of this lesson is being built or published just now. Wait for it, or cancel it first.")
    for one in joined.everything(services):
        if row.id in one.wanted.lessons or row.id in _coming(services, one):
            joined.refuse_while_busy(services, one)
    samples, _ = _samples(services, dataset_prefix(row))
    about_lesson.record_withdrawal(services, row)
    joined_consent.tell_all(services, row)
    job = services.ledger.submit("withdraw", row.owner_id, row.id, {"samples": len(samples)})
    services.ring(job)
    return job


def run_withdraw(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: take the lesson's dataset away, and build the joined ones anew without it. Repeating it is harmless."""
    row = services.lessons.get(job.lesson_id)
    run.step("building", "Taking the lesson's dataset away", 0.0, 0.05)(0.0)
    stored_datasets.remove(services, dataset_prefix(row))
    versions.forget(services, row)
    found = _holding(services, row)
    for number, one in enumerate(found):
        low, share = 0.05 + 0.95 * number / len(found), 0.95 / len(found)

        def step(phase: str, stage: str, begin: float, end: float, low=low, share=share):
            return run.step(phase, stage, low + share * begin, low + share * end)

        with scratch(services, job) as folder:
            _leave(services, one, folder, f"{job.id}-{job.attempt}", step)
    return {"samples": job.input.get("samples", 0), "pushes": len(pushes.of_lesson(services, row))}


def _leave(services: Services, one: InJoined, folder: Path, build_name: str, step: joined.Steps) -> None:
    """Build a joined dataset without the lesson; where that fails it is taken away, to be built again by people."""
    wanted = replace(one.joined.wanted, lessons=one.staying)
    if not one.staying:
        joined.remove(services, one.joined)
        return
    try:
        joined.make(services, one.joined, wanted, build_name, folder, step)
    except (InputError, DatasetError) as error:
        log.warning("joined dataset %s: it cannot be built without a lesson, and was taken away: %s", one.joined.id, error)
        joined.empty(services, one.joined, wanted)


def is_withdrawn(services: Services, row: LessonRow) -> bool:
    return about_lesson.consent(services, row).state == consents.WITHDRAWN


def _holding(services: Services, row: LessonRow | Deleted) -> list[InJoined]:
    found = []
    for one in joined.everything(services):
        if one.build and row.id in one.wanted.lessons:
            samples, version = _samples(services, one.prefix)
            name = one.labels.get(row.id, layout.as_text("lesson", row.name))
            staying = tuple(id for id in one.wanted.lessons if id != row.id and joined.is_usable(services, id))
            found.append(InJoined(one, [sample for sample in samples if sample["lesson"] == name], version, staying))
    return found


def _coming(services: Services, one: Joined) -> set[str]:
    """The lessons of builds that are under way."""
    jobs = services.ledger.list(lesson_id=one.id, kind="join", limit=5)
    return {lesson for job in jobs if job.is_active for lesson in job.input.get("lessons", ())}


def _samples(services: Services, prefix: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of a stored dataset and the number of its version; nothing when there is none."""
    try:
        rows = stored_datasets.rows_of(services, prefix)
    except NotFound:
        return [], 0
    versions = stored_datasets.versions_of(services, prefix)
    return rows, versions[-1]["version"] if versions else 1

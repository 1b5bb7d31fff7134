"""Publish: the checked dataset of a lesson, or one joined of several, goes to the Hub, or is compared with what lies there."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppi.dataset import changes
from ppi.dataset import consent as consents
from ppi.dataset.layout import MANIFEST
from ppi.errors import AccessDenied, Conflict, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.publishing import hub
from ppi.services import Services
from ppi.workflows import about_lesson, joined, joined_consent, pushes, stored_datasets
from ppi.workflows.joined import Joined
from ppi.workflows.plain_push import preview_folder, push_folder
from ppi.workflows.pushes import DryRun, Push
from ppi.workflows.scratch import scratch
from ppi.workflows.things import Thing, prefix_of

PUBLISH, PREVIEW = "publish", "preview_push"


def request_push(
    services: Services, thing: Thing, *, repo_id: str, is_private: bool, by: str = "", is_dry_run: bool = False
) -> Job:
    """Queue a push, or with `is_dry_run` the finding out what it would do; `by` is the name of who asks.

    Raises NotFound without a dataset, AccessDenied without a token or when the consent does not allow it, InputError for
    a bad repo_id, Conflict while one of both is under way.
    """
    stored_datasets.objects(services, prefix_of(thing))
    if not services.settings.hub.token:
        raise AccessDenied("The server has no Hugging Face token. The administrator sets HF_TOKEN.")
    hub.check_repo_id(repo_id)
    _check_consent(services, thing, is_private)
    if any(job.is_active and job.kind in (PUBLISH, PREVIEW) for job in services.ledger.list(lesson_id=thing.id)):
        raise Conflict("This dataset is being published already. Wait for that, or cancel it under “Jobs”.")
    wanted = {"repo_id": repo_id, "is_private": is_private, "by": by or thing.owner_name}
    job = services.ledger.submit(PREVIEW if is_dry_run else PUBLISH, thing.owner_id, thing.id, wanted)
    services.ring(job)
    return job


def run_publish(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: send the dataset, and keep what became of it with the lesson."""
    thing, repo_id, is_private = _thing(services, job.lesson_id), job.input["repo_id"], job.input["is_private"]
    _check_consent(services, thing, is_private)
    _tell(services, thing)
    with _fetched(services, thing, job, run, "publishing") as folder:
        on_progress = run.step("publishing", "Sending the dataset to {repo_id}", 0.3, 1.0, repo_id=repo_id)
        held = _held(thing, folder)
        done = push_folder(folder, repo_id, services.settings, is_private=is_private, on_progress=on_progress)
    pushed = done.result
    record = Push(
        repo_id, pushed.url, pushed.revision, pushed.tag, done.version, is_private, done.samples, pushes.now(),
        job.input.get("by") or thing.owner_name, thing.wanted.lessons if isinstance(thing, Joined) else (),
        held,
    )  # fmt: skip
    pushes.keep_push(services, thing, record)
    pushes.forget_dry_run(services, thing)
    return {"url": pushed.url, "revision": pushed.revision, "tag": pushed.tag, "files": dict(pushed.counts)}


def run_preview(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: find out what a push would do, and keep that for the page."""
    thing, repo_id, is_private = _thing(services, job.lesson_id), job.input["repo_id"], job.input["is_private"]
    _check_consent(services, thing, is_private)
    _tell(services, thing)
    with _fetched(services, thing, job, run, "preparing") as folder:
        on_progress = run.step("preparing", "Comparing the dataset with {repo_id}", 0.3, 1.0, repo_id=repo_id)
        found = preview_folder(folder, repo_id, services.settings, is_private=is_private, on_progress=on_progress)
    made = DryRun(
        repo_id, found.preview, found.version, found.check.levels, tuple(one.as_message() for one in found.check.failures),
        len(found.check.warnings), found.manifest_sha256, pushes.now(), job.input.get("by") or thing.owner_name,
    )  # fmt: skip
    pushes.keep_dry_run(services, thing, made)
    return {"tag": found.preview.tag, "files": len(found.preview.changes), "size_bytes": found.preview.sent_bytes}


def fresh_dry_run(services: Services, thing: Thing) -> DryRun | None:
    """The last dry run, when it was of the dataset as it is now."""
    found = pushes.dry_run(services, thing)
    stored = hashlib.sha256()
    if found is not None:
        for piece in services.store.read(services.final, prefix_of(thing) + MANIFEST):
            stored.update(piece)
    return found if found is not None and found.manifest_sha256 == stored.hexdigest() else None


@contextlib.contextmanager
def _fetched(services: Services, thing: Thing, job: Job, run: Run, phase: str) -> Iterator[Path]:
    """The stored dataset as a folder of its own."""
    with scratch(services, job) as folder:
        on_progress = run.step(phase, "Fetching the dataset from storage", 0.0, 0.3)
        stored_datasets.lay_out(services, prefix_of(thing), folder / "dataset", on_progress)
        yield folder / "dataset"


def _thing(services: Services, subject_id: str) -> Thing:
    try:
        return services.lessons.get(subject_id)
    except NotFound:
        return joined.get(services, subject_id)


def _tell(services: Services, thing: Thing) -> None:
    """Let the stored dataset say what is recorded now."""
    if isinstance(thing, Joined):
        joined_consent.tell(services, thing)
    else:
        about_lesson.refresh(services, thing)


def _held(thing: Thing, folder: Path) -> dict[str, tuple[str, ...]]:
    """The ids of the samples of each lesson, by its own."""
    rows = changes.rows_of(folder)
    if isinstance(thing, LessonRow):
        return {thing.id: tuple(row["id"] for row in rows)}
    return {
        lesson_id: tuple(row["id"] for row in rows if row["lesson"] == label) for lesson_id, label in thing.labels.items()
    }  # fmt: skip


def _check_consent(services: Services, thing: Thing, is_private: bool) -> None:
    """As recorded now: consent may be withdrawn while a push waits. What the dataset itself says is checked with its files."""
    is_joined = isinstance(thing, Joined)
    given = joined_consent.standing(services, thing).consent if is_joined else about_lesson.consent(services, thing)
    consents.check_push(given, is_private, datetime.date.today())

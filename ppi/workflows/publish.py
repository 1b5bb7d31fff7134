"""Publish: the lesson's checked dataset goes to the Hub."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

from ppi.dataset import consent as consents
from ppi.errors import AccessDenied, Conflict
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.publishing import hub
from ppi.services import Services
from ppi.workflows import about_lesson
from ppi.workflows.build_dataset import dataset_objects, dataset_prefix
from ppi.workflows.plain_dataset import push_folder
from ppi.workflows.scratch import scratch


def request_push(services: Services, row: LessonRow, *, repo_id: str, is_private: bool) -> Job:
    """Queue a push.

    Raises NotFound without a dataset, AccessDenied without a token or when the consent does not allow it, InputError for
    a bad repo_id.
    """
    dataset_objects(services, row)
    if not services.settings.hub.token:
        raise AccessDenied("The server has no Hugging Face token. The administrator sets HF_TOKEN.")
    hub.check_repo_id(repo_id)
    _check_consent(services, row, is_private)
    jobs = services.ledger.list(lesson_id=row.id, kind="publish", limit=1)
    if jobs and jobs[0].is_active:
        raise Conflict("This dataset is being published already.")
    job = services.ledger.submit("publish", row.owner_id, row.id, {"repo_id": repo_id, "is_private": is_private})
    services.ring(job)
    return job


def run_publish(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job."""
    row = services.lessons.get(job.lesson_id)
    _check_consent(services, row, job.input["is_private"])
    with scratch(services, job) as folder:
        on_progress = run.step("publishing", "Fetching the dataset from storage", 0.0, 0.3)
        fetch_dataset(services, row, folder / "dataset", on_progress)
        on_progress = run.step("publishing", "Sending the dataset to {repo_id}", 0.3, 1.0, repo_id=job.input["repo_id"])
        pushed = push_folder(
            folder / "dataset", job.input["repo_id"], services.settings, is_private=job.input["is_private"],
            on_progress=on_progress,
        )  # fmt: skip
    return {"url": pushed.url, "revision": pushed.revision}


def _check_consent(services: Services, row: LessonRow, is_private: bool) -> None:
    """As recorded now: consent may be withdrawn while a push waits. What the dataset itself says is checked with its files."""
    consents.check_push(about_lesson.consent(services, row), is_private, datetime.date.today())


def fetch_dataset(services: Services, row: LessonRow, folder: Path, on_progress) -> None:
    """Lay the stored dataset out as a plain folder."""
    found = dataset_objects(services, row)
    for number, item in enumerate(found):
        target = folder / item.key.removeprefix(dataset_prefix(row))
        target.parent.mkdir(parents=True, exist_ok=True)
        with services.store.as_file(services.final, item.key) as path:
            shutil.copyfile(path, target)
        on_progress((number + 1) / len(found))

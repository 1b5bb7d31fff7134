"""Lessons with datasets in the store, made without cutting anything: for tests of what happens to datasets afterwards."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from ppi.dataset import build
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.records import Consent
from ppi.workflows import about_lesson, runner, stored_datasets, uploads
from ppi.workflows.ingest import owner_metadata
from tests.dataset.test_dataset_build import fake_cut

PUBLIC = {"state": "public", "license": "cc-by-4.0"}


def lesson_with_dataset(
    services, plan, name: str, owner: str = "admin", samples: int = 3, teacher: str = "", cut: build.Cut | None = None
) -> LessonRow:
    """A stored lesson whose dataset holds some samples of `plan`.

    Every clip is the lesson's name and its own number, unless `cut` makes real ones.
    """
    user = services.users.by_name(owner)
    row = uploads.begin_upload(services, user, file_name="lesson.mp4", task_name=name, size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    row = services.lessons.get(row.id)
    services.store.put_bytes(services.raw, row.video_key, b"film", metadata=owner_metadata(row))
    about_lesson.save_consent(services, row, {**PUBLIC, "teacher": teacher})
    build_dataset(services, row, plan, samples, cut)
    return row


def build_dataset(services, row: LessonRow, plan, samples: int, cut: build.Cut | None = None) -> None:
    """Give the lesson a dataset, as if a job had built it."""
    agreed = about_lesson.consent(services, row)
    chosen = tuple(replace(one, lesson=row.name, teacher=agreed.teacher) for one in plan.samples[:samples])
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "dataset"
        about = Consent(agreed.state, agreed.license, agreed.embargo_until)
        planned = replace(plan, lesson=row.name, samples=chosen)
        build.build(made, planned, cut or numbered_cut(row.name), None, consent=about)
        stored_datasets.put(services, made, about_lesson.dataset_prefix(row), owner_metadata(row), lambda fraction: None)
    services.ledger.restore(Job(f"{row.id}-build_dataset", "build_dataset", "dataset", row.owner_id, row.id, {}, "completed"))


def numbered_cut(name: str):
    def cut(wanted, report):
        made = fake_cut()(wanted, report)
        for _, clip, key_frame in wanted:
            clip.write_bytes(f"{name} {clip.name}".encode())
            key_frame.write_bytes(f"{name} {key_frame.name}".encode())
        return made

    return cut


def work_off(services, job_id: str) -> Job:
    """Do all waiting jobs, and answer this one as it ended."""
    worker = runner.make_worker(services)
    while any(runner.do_next(services, worker, queue) for queue in ("dataset", "publish")):
        pass
    return services.ledger.get(job_id)

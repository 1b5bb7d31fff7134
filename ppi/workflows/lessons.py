"""Lessons as people see them: what there is, what was made of it, links, and deletion."""

from __future__ import annotations

import json
import logging
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ppi.accounts.users import User
from ppi.errors import Conflict, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import BINNED, DELETING, HIDDEN, LessonRow, prefixes_of
from ppi.records import MediaInfo, ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import corrections, label_studio_files, push_records, uploads
from ppi.workflows.ingest import media_info

# Work in progress that is nobody's to look at.
PARTIAL, SUMMARY_PARTIAL = ".transcript.partial.json", ".summary.partial.json"
# What is worked out of a lesson's files is called so after the stem: `.agreement.<hash>.<hash>.json`. See derived.py.
COMPARED, UNDERSTOOD, CODEBOOK = ".agreement", ".understood", ".codebook"
_DERIVED = re.compile(rf"(?:{'|'.join(map(re.escape, (COMPARED, UNDERSTOOD, CODEBOOK)))})(?:\.[0-9a-f]{{16}}){{1,2}}\.json$")
# How files begin, after the stem, that somebody gave another one in place of; see replaced.py.
BEFORE = ".before"
# Kinds of jobs that a look at a page begins: they change nothing, and a lesson is not kept longer for them.
BY_LOOKING = ("compare", "peaks", "understand")
STOP_S, POLL_S = 10.0, 0.1
LINK_LIFE_S = 7 * 24 * 3600
# What a stable link leads to: a day of annotating with one page open. It outlives the link's end by no more than that.
FOLLOWED_LIFE_S = 24 * 3600
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LessonView:
    """A lesson with its files and its newest job of each kind. `info` is None until ingest has finished.

    `has_versions` says whether its transcript was changed since it was first made.
    """

    row: LessonRow
    files: dict[str, ObjectInfo] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    info: MediaInfo | None = None
    has_transcript: bool = False
    has_versions: bool = False

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def is_ready(self) -> bool:
        """Whether the video is stored and described."""
        return self.info is not None

    @property
    def has_audio(self) -> bool:
        return self.info is not None and bool(self.info.audio)

    @property
    def has_summary(self) -> bool:
        return ".summary.docx" in self.files

    @property
    def has_dataset(self) -> bool:
        job, withdrawal = self.jobs.get("build_dataset"), self.jobs.get("withdraw")
        is_built = job is not None and job.status == "completed"
        return is_built and (withdrawal is None or withdrawal.created_s < job.created_s)

    def is_overcome(self, job: Job) -> bool:
        """Whether the lesson has since got what a job failed for want of: a transcript, as there were no weights."""
        heard = self.jobs.get("transcribe")
        is_heard = heard is not None and heard.status == "completed" and heard.created_s > job.created_s
        return job.error_code == "weights_missing" and job.kind != "transcribe" and is_heard

    def before(self, kind: str) -> ObjectInfo | None:
        """Of annotations or patterns the file that was replaced last."""
        return next((found for suffix, found in self.files.items() if suffix.startswith(f"{BEFORE}.{kind}.")), None)

    @property
    def active_job(self) -> Job | None:
        """The newest job that waits or runs."""
        active = [job for job in self.jobs.values() if job.is_active]
        return max(active, key=lambda job: job.created_s) if active else None


def owned(services: Services, user: User, lesson_id: str) -> LessonRow:
    """The lesson, if the user may see it. Raises NotFound alike for "not there" and "not yours"."""
    row = present(services, lesson_id)
    if user.role != "admin" and row.owner_id != user.id:
        raise NotFound("There is no such lesson; it may have been deleted. Look at the list of lessons.", lesson_id=lesson_id)
    return row


def present(services: Services, lesson_id: str) -> LessonRow:
    """The lesson, unless it was deleted. Raises NotFound."""
    row = services.lessons.get(lesson_id)
    if row.state in HIDDEN:
        raise NotFound("There is no such lesson; it may have been deleted. Look at the list of lessons.", lesson_id=lesson_id)
    return row


def is_hidden(services: Services, key: str) -> bool:
    """Whether an object belongs to a lesson that was deleted and can still be brought back."""
    row = services.lessons.of_keys([key]).get(key)
    return row is not None and row.state in HIDDEN


def owned_job(services: Services, user: User, job_id: str) -> Job:
    """The job, if the user may see it. Raises NotFound."""
    job = services.ledger.get(job_id)
    if _is_of_hidden(services, job) or (user.role != "admin" and job.owner_id != user.id):
        raise NotFound("There is no such job any more. Look at the list of jobs.", job_id=job_id)
    return job


def _is_of_hidden(services: Services, job: Job) -> bool:
    """Whether the job's lesson was deleted and can be brought back. Some jobs have none, such as those of refused uploads."""
    try:
        return services.lessons.get(job.lesson_id).state in HIDDEN
    except NotFound:
        return False


def overview(services: Services, user: User) -> list[LessonView]:
    """The lessons the user may see, newest first, with their jobs but without their files."""
    return _overview(services, "" if user.role == "admin" else user.id)


def overview_of_all(services: Services) -> list[LessonView]:
    """Everybody's lessons, newest first."""
    return _overview(services, "")


def _overview(services: Services, owner_id: str) -> list[LessonView]:
    rows = services.lessons.list(owner_id)
    jobs = services.ledger.list(owner_id=owner_id, limit=5000)
    of_lesson: dict[str, list[Job]] = {}
    for job in jobs:
        of_lesson.setdefault(job.lesson_id, []).append(job)
    return [LessonView(row, jobs=newest(of_lesson.get(row.id, []))) for row in rows]


def view(services: Services, row: LessonRow) -> LessonView:
    """One lesson in full. `files` maps the suffix after the video's stem (".wav", "_part1.mp4", video: "") to the object."""
    files, has_versions = {}, False
    for found in services.store.list(services.raw, row.prefix):
        name = found.key[len(row.prefix) :]
        has_versions = has_versions or name.endswith(corrections.HISTORY)
        if _is_hidden(name):
            continue
        files[ending_of(row, found.key)] = found
    info = media_info(facts(services, row)) if ".info.json" in files else None
    jobs = newest(services.ledger.list(lesson_id=row.id))
    return LessonView(row, files, jobs, info, ".transcript.json" in files, has_versions)


def ending_of(row: LessonRow, key: str) -> str:
    """What stands after the video's stem in the name of one of the lesson's files (".wav", "_part1.mp4"); "" for the video."""
    return "" if key == row.video_key else key[len(row.prefix) :].removeprefix(keys.stem(row.video_key))


def glance(services: Services, row: LessonRow) -> LessonView:
    """The lesson for those who ask every second: while something is under way, the store is not asked for the files.

    `files` is empty and `info` None then; `has_transcript` says whether one was made.
    """
    found = services.ledger.list(lesson_id=row.id)
    if row.state == "stored" and not any(job.is_active for job in found):
        return view(services, row)
    was_transcribed = any(job.kind == "transcribe" and job.status == "completed" for job in found)
    return LessonView(row, jobs=newest(found), has_transcript=was_transcribed)


def newest(jobs: list[Job]) -> dict[str, Job]:
    """Of jobs, newest first: the newest of each kind."""
    newest: dict[str, Job] = {}
    for job in jobs:
        newest.setdefault(job.kind, job)
    return newest


def facts(services: Services, row: LessonRow) -> dict[str, Any]:
    """The content of the lesson's `.info.json`. Raises NotFound until ingest has finished."""
    return json.loads(b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, ".info.json"))))


def captions(services: Services, row: LessonRow) -> ObjectInfo:
    """The object with the transcript as WebVTT. Raises NotFound."""
    return services.store.stat(services.raw, keys.derivative_key(row.video_key, ".vtt"))


def share_link(services: Services, row: LessonRow) -> str:
    """A 7-day presigned GET of the video; begins with "/" when the local store has no public address configured."""
    return services.store.presign_get(services.raw, row.video_key, expires_s=LINK_LIFE_S)


def stable_link(services: Services, row: LessonRow) -> str:
    """The path of the video's revocable link without a query, which redirects to a fresh presigned URL."""
    return link_to(services, row, row.video_key)


def link_to(services: Services, row: LessonRow, key: str) -> str:
    """The path of the revocable link of one of the lesson's objects."""
    return f"/m/{services.links.token_for(row.id, key)}/lesson.{keys.extension(key)}"


def followed(services: Services, token: str) -> str:
    """The key of the object that a revocable link leads to. Raises NotFound, also while its lesson lies in the bin."""
    key = services.links.key_of(token)
    if is_hidden(services, key):
        raise NotFound("This link is not valid any more. Ask its owner for a new one.")
    return key


def revoke_links(services: Services, row: LessonRow) -> int:
    """End every stable link of the lesson; answers how many there were."""
    return services.links.revoke(row.id)


def delete_lesson(services: Services, row: LessonRow) -> None:
    """Delete the lesson with everything made of it, for good, but for the record of what was published. Raises Conflict while
    one of its jobs is active.

    What people delete goes into the bin first: see recycle_bin.py. A deletion that is cut short is finished by `sweep_deleted`.
    """
    if row.state == "uploading":
        uploads.abort_upload(services, row)
        return
    # Marked first, so that nobody takes the jobs that go now for lost ones.
    services.lessons.move_on(row.id, row.state, DELETING)
    if not is_busy(services, row):
        stop_looking(services, row, STOP_S)
    finish_deletion(services, row, row.state)


def is_busy(services: Services, row: LessonRow) -> bool:
    """Whether a job of the lesson is active that somebody waits for."""
    return any(job.is_active and job.kind not in BY_LOOKING for job in services.ledger.list(lesson_id=row.id))


def stop_looking(services: Services, row: LessonRow, wait_s: float = 0.0) -> None:
    """Cancel the jobs that looks at pages began, and wait so long for those that run to end: nobody wants them any more."""
    deadline_s = time.monotonic() + wait_s
    for job in _looking(services, row):
        with suppress(Conflict):  # it has ended just now
            services.ledger.cancel(job.id)
    while time.monotonic() < deadline_s and _looking(services, row):
        time.sleep(POLL_S)


def _looking(services: Services, row: LessonRow) -> list[Job]:
    return [job for job in services.ledger.list(lesson_id=row.id) if job.is_active and job.kind in BY_LOOKING]


def sweep_deleted(services: Services) -> None:
    """Finish deletions that were cut short."""
    for row in services.lessons.in_state(DELETING):
        with suppress(Conflict):  # it has an active job, and waits in the bin for its end
            finish_deletion(services, row, BINNED)


def expire_lessons(services: Services) -> int:
    """Delete the lessons whose retention has passed; answers how many. Those with an active job wait."""
    kept_s = services.settings.jobs.retention_s
    if not kept_s:
        return 0
    expired = 0
    for shown in overview_of_all(services):
        changed_s = max([shown.row.created_s, *(job.updated_s for kind, job in shown.jobs.items() if kind not in BY_LOOKING)])
        if shown.row.state == "stored" and shown.active_job is None and changed_s < time.time() - kept_s:
            log.info("lesson %s of user %s: kept long enough, deleted", shown.id, shown.row.owner_id)
            delete_lesson(services, shown.row)
            services.audit.record("retention", object=shown.id)
            expired += 1
    return expired


def finish_deletion(services: Services, row: LessonRow, state: str) -> None:
    """Delete a lesson that is marked so; with an active job it goes back to `state`, and Conflict is raised."""
    try:
        services.ledger.remove_lesson(row.id)
    except Conflict:
        services.lessons.move_on(row.id, DELETING, state)
        raise
    push_records.keep(services, row)
    for bucket in (services.raw, services.final):
        for found in services.store.list(bucket, row.prefix):
            services.store.delete(bucket, found.key)
    label_studio_files.remove(services, row.id)
    for locks in (services.transcript_locks, services.decision_locks, services.comparison_locks):
        locks.forget(row.id)
    uploads.discard(services, row)


def list_files(services: Services, user: User) -> list[ObjectInfo]:
    """The objects of the raw bucket that the user may see."""
    if user.role == "admin":
        hidden = {row.prefix for row in services.lessons.in_state(*HIDDEN)}
        found = [found for found in services.store.list(services.raw) if hidden.isdisjoint(prefixes_of(found.key))]
    else:
        found = [found for row in services.lessons.list(user.id) for found in services.store.list(services.raw, row.prefix)]
    return [item for item in found if not _is_hidden(item.key)]


def _is_hidden(name: str) -> bool:
    """Work in progress, what is worked out for pages, and versions of a transcript, which have pages of their own."""
    is_derived = _DERIVED.search(name) is not None
    return name.endswith((PARTIAL, SUMMARY_PARTIAL)) or is_derived or corrections.is_kept_beside(name)

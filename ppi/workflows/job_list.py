"""Jobs as people see them: what is under way, with places in line, and what ended lately."""

from __future__ import annotations

from dataclasses import dataclass

from ppi.accounts.users import User
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import Wanted
from ppi.services import Services

# How many jobs one page or message holds at most.
MOST_ACTIVE, MOST_ENDED = 100, 20


@dataclass(frozen=True)
class JobView:
    """A job with its place in line (0 when it does not wait) and the names of its lesson and of that lesson's owner.

    Names are "" when there is no such lesson (any more). `can_retry` says that it failed, nothing newer took its place, and
    what it needs is still there: a refused upload has left no bytes.
    """

    job: Job
    position: int
    lesson_name: str
    owner_name: str
    can_retry: bool


def under_way(services: Services, user: User) -> list[tuple[Job, int]]:
    """Waiting and running jobs that the user may see, oldest first; read once a second for everybody together."""
    seen = services.watch.look()
    return [(job, place) for job, place in seen if user.role == "admin" or job.owner_id == user.id][:MOST_ACTIVE]


def listed(services: Services, user: User) -> list[JobView]:
    """What is under way, oldest first, then what ended, newest first, in a constant number of questions."""
    active = [(job, place) for job, place in services.ledger.at_work() if user.role == "admin" or job.owner_id == user.id]
    newest = services.ledger.list(owner_id="" if user.role == "admin" else user.id, limit=MOST_ENDED + MOST_ACTIVE)
    ended = [(job, 0) for job in newest if not job.is_active][:MOST_ENDED]
    shown = [*active[:MOST_ACTIVE], *ended]
    ids = frozenset(job.lesson_id for job, _ in shown)
    rows = {row.id: row for row in services.lessons.page(Wanted(among=ids), 0, max(len(ids), 1))[0]} if ids else {}
    last = _last_of_kind([job for job, _ in active] + newest)
    return [
        JobView(
            job, place, rows[job.lesson_id].name if job.lesson_id in rows else "",
            rows[job.lesson_id].owner_name if job.lesson_id in rows else "",
            job.status in ("error", "cancelled") and last[job.lesson_id, job.kind] == job.id
            and (job.kind != "ingest" or job.lesson_id in rows),
        )
        for job, place in shown
    ]  # fmt: skip


def _last_of_kind(jobs: list[Job]) -> dict[tuple[str, str], str]:
    """(lesson, kind) -> the newest job of this kind."""
    return {(job.lesson_id, job.kind): job.id for job in sorted(jobs, key=lambda job: job.created_s)}

"""Lists of lessons, a piece at a time, and what is done to many of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ppi.accounts.users import User
from ppi.errors import Conflict, NotFound, PpiError, QuotaExceeded
from ppi.jobs.lessons import SORTS, LessonRow, Wanted
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import lessons, recycle_bin
from ppi.workflows.ingest import POSTER

PAGE_ROWS = 25
# How many may be deleted with one question.
MOST_AT_ONCE = 100
POSTER_LIFE_S = 86_400
# What can be asked for beside everything.
STATES = ("working", "stored", "uploading", "built")
# Among how many of the newest builds those are looked for that have a dataset.
BUILDS = 1000


@dataclass(frozen=True)
class Page:
    """A piece of a list: `number` of `count` pages, the first is 1; `total` lessons in all."""

    lessons: list[lessons.LessonView]
    total: int
    number: int
    count: int


def page(
    services: Services, user: User, *, text: str = "", state: str = "", owner_id: str = "", sort: str = "-created",
    number: int = 1, rows: int = PAGE_ROWS,
) -> Page:  # fmt: skip
    """The lessons the user may see, with their jobs, in a constant number of questions to the ledger.

    `state` is "" or one of STATES; others, and orders that do not exist, are taken for the usual ones. Beyond the last
    page is the last page.
    """
    wanted = Wanted(
        owner_id if user.role == "admin" else user.id, text.strip(), state if state in ("stored", "uploading") else "",
        _among(services, user, state),
        sort if sort.removeprefix("-") in SORTS else "-created",
    )  # fmt: skip
    found, total = services.lessons.page(wanted, max(number - 1, 0) * rows, rows)
    count = max(1, -(-total // rows))
    if number > count:
        number = count
        found, total = services.lessons.page(wanted, (count - 1) * rows, rows)
    return Page(_with_jobs(services, found), total, max(number, 1), count)


def _among(services: Services, user: User, state: str) -> frozenset[str] | None:
    if state == "working":
        return frozenset(services.ledger.lessons_at_work())
    return _with_datasets(services, "" if user.role == "admin" else user.id) if state == "built" else None


def _with_datasets(services: Services, owner_id: str) -> frozenset[str]:
    """The lessons that have a dataset: built, and not withdrawn since."""
    builds, withdrawals = (
        services.ledger.list(owner_id=owner_id, kind=kind, limit=BUILDS) for kind in ("build_dataset", "withdraw")
    )
    since = {job.lesson_id: job.created_s for job in reversed(withdrawals)}
    done = [job for job in builds if job.status == "completed"]
    return frozenset(job.lesson_id for job in done if job.lesson_id not in since or since[job.lesson_id] < job.created_s)


def picked(services: Services, user: User, lesson_ids: Sequence[str]) -> list[lessons.LessonView]:
    """These lessons by name, those that are gone or not the user's left out; as many questions for one as for hundreds."""
    wanted = Wanted("" if user.role == "admin" else user.id, among=frozenset(lesson_ids), sort="name")
    found, _ = services.lessons.page(wanted, 0, len(wanted.among or ()))
    return _with_jobs(services, found)


def chosen(services: Services, user: User, lesson_ids: list[str]) -> list[LessonRow]:
    """The rows of these lessons, those that are gone or not the user's left out."""
    found = []
    for lesson_id in dict.fromkeys(lesson_ids[:MOST_AT_ONCE]):
        try:
            found.append(lessons.owned(services, user, lesson_id))
        except NotFound:
            continue
    return found


def delete(services: Services, rows: list[LessonRow]) -> tuple[list[LessonRow], list[tuple[LessonRow, PpiError]]]:
    """Put lessons into the bin; answers which are there, and which stay and why (a job is at work)."""
    return each(rows, lambda row: recycle_bin.put_in(services, row))


def each(
    rows: list[LessonRow], act: Callable[[LessonRow], object]
) -> tuple[list[LessonRow], list[tuple[LessonRow, PpiError]]]:
    """Do something to one lesson after another; answers with which it went well, and with which not and why."""
    done, kept = [], []
    for row in rows:
        try:
            act(row)
            done.append(row)
        except (Conflict, QuotaExceeded, NotFound) as error:
            kept.append((row, error))
    return done, kept


def poster_url(services: Services, shown: lessons.LessonView) -> str:
    """A link to the lesson's small picture, or "" when it has none. Asks nobody: the job that drew it says so."""
    job = shown.jobs.get("ingest")
    if job is None or not job.result.get("has_poster"):
        return ""
    key = keys.derivative_key(shown.row.video_key, POSTER)
    return services.store.presign_get(services.raw, key, expires_s=POSTER_LIFE_S)


def duration_s(shown: lessons.LessonView) -> float:
    """How long the recording is; 0.0 until it is known."""
    job = shown.jobs.get("ingest")
    return float(job.result.get("duration_s") or 0) if job is not None else 0.0


def _with_jobs(services: Services, rows: list[LessonRow]) -> list[lessons.LessonView]:
    of_lesson: dict[str, list] = {row.id: [] for row in rows}
    for job in services.ledger.of_lessons(list(of_lesson)):
        of_lesson[job.lesson_id].append(job)
    return [lessons.LessonView(row, jobs=lessons.newest(of_lesson[row.id])) for row in rows]

"""Datasets joined of several lessons: what there is, what one would hold, building one as a job, taking one away.

A record says which build holds; a build lies below a prefix of its own. So readers see the old one until the new one is
whole, and a job that is killed leaves it as it was.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ppi.accounts.users import User
from ppi.dataset import build, card, layout, manifest, splits
from ppi.dataset import consent as consents
from ppi.errors import Conflict, InputError, NotFound, PpiError
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.records import Consent, ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import about_lesson, lessons, stored_datasets, versions, whole_datasets
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.scratch import scratch

MAX_NAME_CHARACTERS, MAX_LESSONS = 120, 500
GROUPINGS = splits.GROUPINGS
MEDIA = (".mp4", ".jpg")
# (phase, stage, low, high) as in `Run.step`.
Steps = Callable[[str, str, float, float], Callable[[float], None]]


@dataclass(frozen=True)
class Wanted:
    """What a joined dataset is made of: ids of lessons, how their samples are shared out, the language of its card."""

    lessons: tuple[str, ...] = ()
    shares: str = "80,10,10"
    seed: int = 0
    by: str = "teacher"
    language: str = "en"

    @classmethod
    def of(cls, given: dict[str, Any]) -> Wanted:
        """What a form, a request or a job's input says. Raises InputError."""
        try:
            chosen = tuple(dict.fromkeys(str(lesson) for lesson in given.get("lessons") or ()))
            shares, by = str(given.get("shares") or cls.shares), str(given.get("by") or cls.by)
            language = card.checked_language(str(given.get("language") or cls.language))
            return cls(chosen, shares, int(given.get("seed") or 0), by, language)
        except (TypeError, ValueError) as error:
            raise InputError("The seed must be a whole number, and lessons a list.") from error


@dataclass(frozen=True)
class Joined:
    """One joined dataset. `wanted` tells what the build that holds was made of; `build` is "" before the first.

    `labels` are what its lessons are called in it, by their ids; `own_text` are the makers' words for its card.
    """

    id: str
    name: str
    owner_id: str
    owner_name: str
    created_s: float
    wanted: Wanted = Wanted()
    build: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    own_text: str = ""

    @property
    def prefix(self) -> str:
        return keys.joined_prefix(self.id, self.build)

    @property
    def metadata(self) -> dict[str, str]:
        """What its objects carry; copied clips keep that of their lessons."""
        return {keys.USER_ID: self.owner_id, keys.USER_NAME: self.owner_name}


@dataclass(frozen=True)
class Preview:
    """What a joined dataset would hold. `lessons` are (row, samples, seconds, split), `labels` as in `Joined`; the rest as in
    a report.
    """

    lessons: list[tuple[LessonRow, int, float, str]]
    counts: dict[str, dict[str, Any]]
    patterns: list[dict[str, Any]]
    note: str
    consent: Consent
    labels: Mapping[str, str]

    @property
    def samples(self) -> int:
        return sum(entry["samples"] for entry in self.counts.values())


def everything(services: Services) -> list[Joined]:
    """All joined datasets, newest first."""
    found = [_read(services, item.key) for item in services.store.list(services.final, keys.joined_record(""))]
    return sorted(found, key=lambda joined: -joined.created_s)


def overview(services: Services, user: User) -> list[Joined]:
    """Those the user may see, newest first."""
    return [joined for joined in everything(services) if user.role == "admin" or joined.owner_id == user.id]


def get(services: Services, joined_id: str) -> Joined:
    """Raises NotFound."""
    if not joined_id.isalnum():
        raise NotFound("There is no such dataset; it may have been deleted. Look at the list of lessons.", dataset_id=joined_id)
    try:
        return _read(services, keys.joined_record(joined_id))
    except NotFound as error:
        raise NotFound(
            "There is no such dataset; it may have been deleted. Look at the list of lessons.", dataset_id=joined_id
        ) from error  # fmt: skip


def owned(services: Services, user: User, joined_id: str) -> Joined:
    """The joined dataset, if the user may see it. Raises NotFound alike for "not there" and "not yours"."""
    joined = get(services, joined_id)
    if user.role != "admin" and joined.owner_id != user.id:
        raise NotFound("There is no such dataset; it may have been deleted. Look at the list of lessons.", dataset_id=joined_id)
    return joined


def preview(services: Services, user: User, wanted: Wanted) -> Preview:
    """What would be built, without looking at any clip. Raises InputError and NotFound, and says of which lesson."""
    shares = whole_datasets.read_shares(wanted.shares, wanted.seed, wanted.by)
    found = _with_rows(services, [lessons.owned(services, user, lesson_id) for lesson_id in _some(wanted.lessons)])
    rows = [row for _, given in found for row in given]
    groups = splits.assign(rows, shares)
    shared = [{**row, "split": groups[splits.group_of(row, shares.by)]} for row in rows]
    split_of = {row["lesson"]: row["split"] for row in shared}
    listed = [
        (row, len(given), sum(each["end_time"] - each["start_time"] for each in given), split_of[given[0]["lesson"]])
        for row, given in found
    ]
    told = splits.report(shared, groups, shares)
    agreed = consents.strictest([about_lesson.consent(services, row) for row, _ in found])
    return Preview(listed, told["counts"], build.pattern_counts(rows), told["note"], agreed, _labels(found))


def request_join(services: Services, user: User, *, wanted: Wanted, name: str = "", joined: Joined | None = None) -> Job:
    """Queue the building of a new joined dataset, or of another version of `joined`.

    Raises what `preview` raises, InputError without a name, and Conflict while it is being built or published.
    """
    preview(services, user, wanted)
    if joined is None:
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME_CHARACTERS:
            raise InputError("Give the dataset a name of at most {most} characters.", most=MAX_NAME_CHARACTERS)
        joined = Joined(secrets.token_hex(8), name, user.id, user.name, time.time())
        _keep(services, joined)
    refuse_while_busy(services, joined)
    job = services.ledger.submit("join", joined.owner_id, joined.id, asdict(wanted))
    services.ring(job)
    return job


def refuse_while_busy(services: Services, joined: Joined) -> None:
    """Raises Conflict while a job of the joined dataset is active."""
    if is_busy(services, joined):
        raise Conflict("{name} is being built or published just now. Wait for that, or cancel it.", name=joined.name)


def is_busy(services: Services, joined: Joined) -> bool:
    return any(job.is_active for job in services.ledger.list(lesson_id=joined.id))


def run_join(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job."""
    found, wanted = get(services, job.lesson_id), Wanted.of(dict(job.input))
    with scratch(services, job) as folder:
        made = make(services, found, wanted, f"{job.id}-{job.attempt}", folder, run.step)
    return {"samples": made, "lessons": len(job.input["lessons"])}


def make(services: Services, joined: Joined, wanted: Wanted, build_name: str, folder: Path, step: Steps) -> int:
    """Build in `folder`, store, and let the record name the new build; answers the number of samples.

    Raises NotFound when a lesson is gone, AccessDenied when one was withdrawn, whenever that happens.
    """
    rows = _lessons_of(services, wanted)
    labels = _labels(_with_rows(services, rows))
    on_progress = step("building", "Fetching the datasets from storage", 0.0, 0.2)
    parts: list[tuple[Path, str, dict[str, ObjectInfo]]] = []
    for number, row in enumerate(rows):
        part, prefix = folder / "parts" / str(number), dataset_prefix(row)
        on_progress(number / len(rows))
        parts.append((part, prefix, stored_datasets.lay_out(services, prefix, part, lambda _: on_progress(0.0))))
    made = whole_datasets.join_folders(
        [part for part, _, _ in parts], folder / "made", shares=wanted.shares, seed=wanted.seed, by=wanted.by, name=joined.name,
        labels=[labels[row.id] for row in rows], card_language=wanted.language, own_text=joined.own_text,
        previous=stored_datasets.before(services, joined.prefix, folder / "before") if joined.build else None,
        on_progress=step("building", "Joining the datasets", 0.2, 0.8),
    )  # fmt: skip
    fresh = replace(joined, wanted=wanted, build=build_name, labels=labels)
    try:
        _store(services, fresh, folder / "made", parts, step("building", "Storing the dataset", 0.8, 1.0))
        _lessons_of(services, wanted)
    except BaseException:
        with suppress(PpiError):
            stored_datasets.remove(services, fresh.prefix)
        raise
    _keep(services, fresh)
    versions.keep(services, fresh)
    _sweep(services, fresh)
    return made.samples


def keep_words(services: Services, joined: Joined, text: str, language: str) -> None:
    """Keep the makers' words and the card's language for all builds to come."""
    _keep(services, replace(joined, own_text=text, wanted=replace(joined.wanted, language=language)))


def remove(services: Services, joined: Joined) -> None:
    """Take a joined dataset away with all of its builds; what was published of it stays known."""
    services.ledger.remove_lesson(joined.id)
    for key in (keys.joined_record(joined.id), keys.joined_dry_run(joined.id)):
        services.store.delete(services.final, key)
    for item in services.store.list(services.final, keys.joined_prefix(joined.id)):
        services.store.delete(services.final, item.key)
    versions.forget(services, joined)


def empty(services: Services, joined: Joined, wanted: Wanted) -> None:
    """Take all builds away and leave the record, so that it can be built again."""
    _keep(services, replace(joined, wanted=wanted, build=""))
    for item in services.store.list(services.final, keys.joined_prefix(joined.id)):
        services.store.delete(services.final, item.key)
    versions.forget(services, joined)


def is_usable(services: Services, lesson_id: str) -> bool:
    """Whether the lesson is there, has a dataset, and was not withdrawn."""
    try:
        row = lessons.present(services, lesson_id)
        stored_datasets.objects(services, dataset_prefix(row))
    except NotFound:
        return False
    return about_lesson.consent(services, row).state != consents.WITHDRAWN


def _some(chosen: Sequence[str]) -> Sequence[str]:
    if not 1 <= len(chosen) <= MAX_LESSONS:
        raise InputError("Choose from 1 to {most} lessons.", most=MAX_LESSONS)
    return chosen


def _lessons_of(services: Services, wanted: Wanted) -> list[LessonRow]:
    rows = [lessons.present(services, lesson_id) for lesson_id in wanted.lessons]
    for row in rows:
        about_lesson.check_use(services, row)
    return rows


def _with_rows(services: Services, rows: Sequence[LessonRow]) -> list[tuple[LessonRow, list[dict[str, Any]]]]:
    """The lessons with the rows of their datasets; those of the same name are marked, so that each has one of its own."""
    found = []
    for row in rows:
        about_lesson.check_use(services, row)
        try:
            found.append((row, stored_datasets.rows_of(services, dataset_prefix(row))))
        except NotFound as error:
            raise InputError("The lesson {name} has no dataset. Build it, or leave the lesson out.", name=row.name) from error
    names = Counter(given[0]["lesson"] for _, given in found)
    return [
        (row, [{**each, "lesson": layout.marked(each["lesson"], row.id)} for each in given])
        if names[given[0]["lesson"]] > 1
        else (row, given)
        for row, given in found
    ]


def _labels(found: Sequence[tuple[LessonRow, list[dict[str, Any]]]]) -> dict[str, str]:
    return {row.id: given[0]["lesson"] for row, given in found}


def _store(services: Services, fresh: Joined, folder: Path, parts: list, on_progress: Callable[[float], None]) -> None:
    """Clips and key frames are copied inside the store, from where they were just read; all else is put."""
    known = {
        entry["sha256"]: (prefix + entry["path"], found.get(entry["path"]))
        for part, prefix, found in parts
        for entry in manifest.read(part)["files"]
        if entry["path"].endswith(MEDIA)
    }
    copied: dict[str, tuple[str, str]] = {}
    listed = manifest.read(folder)["files"]
    for number, entry in enumerate(listed):
        on_progress(0.5 * number / len(listed))
        source, info = known.get(entry["sha256"], ("", None))
        if info is not None:
            services.store.copy(services.final, source, fresh.prefix + entry["path"])
            copied[entry["path"]] = source, info.etag
    now = {item.key: item.etag for _, prefix, _ in parts for item in services.store.list(services.final, prefix)}
    # One that changed meanwhile may have been copied in another state than it was read in.
    there = {path for path, (source, etag) in copied.items() if now.get(source) == etag}
    stored_datasets.put(services, folder, fresh.prefix, fresh.metadata, lambda fraction: on_progress(0.5 + fraction / 2), there)


def _sweep(services: Services, joined: Joined) -> None:
    """Take away all builds but the one that holds."""
    for item in services.store.list(services.final, keys.joined_prefix(joined.id)):
        if not item.key.startswith(joined.prefix):
            services.store.delete(services.final, item.key)


def _keep(services: Services, joined: Joined) -> None:
    data = json.dumps(asdict(joined), ensure_ascii=False).encode()
    services.store.put_bytes(
        services.final, keys.joined_record(joined.id), data, content_type="application/json", metadata=joined.metadata
    )


def _read(services: Services, key: str) -> Joined:
    given = json.loads(stored_datasets.text_of(services, key))
    return Joined(**{**given, "wanted": Wanted.of(given["wanted"])})

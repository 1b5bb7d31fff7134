"""What became of the lessons of a joined dataset since it was built, and how the dataset learns of it: without a build."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ppi.dataset import consent as consents
from ppi.dataset import manifest, refresh
from ppi.dataset.layout import MANIFEST
from ppi.errors import DatasetError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Consent
from ppi.services import Services
from ppi.workflows import about_lesson, joined, lessons, stored_datasets
from ppi.workflows.joined import Joined


@dataclass(frozen=True)
class Standing:
    """What is recorded now: the strictest consent of its lessons, and what those are called that were withdrawn or deleted."""

    consent: Consent
    withdrawn: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def standing(services: Services, found: Joined) -> Standing:
    """For a lesson that was deleted nobody knows the consent any more."""
    agreed, withdrawn, deleted = [], [], []
    for lesson_id in found.wanted.lessons:
        name = found.labels.get(lesson_id, "")
        try:
            row = lessons.present(services, lesson_id)
        except NotFound:
            agreed.append(Consent())
            deleted.append(name or lesson_id)
            continue
        agreed.append(about_lesson.consent(services, row))
        if agreed[-1].state == consents.WITHDRAWN:
            withdrawn.append(name or row.name)
    return Standing(consents.strictest(agreed), tuple(withdrawn), tuple(deleted))


def check_use(services: Services, found: Joined) -> None:
    """Raises AccessDenied while a lesson that was withdrawn is in it."""
    consents.check_use(standing(services, found).consent)


def tell(services: Services, found: Joined) -> None:
    """Let the stored dataset say what is recorded of its lessons now; nothing is cut. Without a build nothing happens.

    Raises DatasetError for a dataset of an earlier version of PPI.
    """

    def read(path: str) -> bytes:
        return b"".join(services.store.read(services.final, found.prefix + path))

    if not found.build:
        return
    agreed = standing(services, found).consent
    try:
        if consents.of_settings(manifest.parsed(read(MANIFEST))["settings"]) == agreed:
            return
        _, words, language = refresh.said_now(read)
        changed = refresh.refreshed(read, agreed, words, language)
    except NotFound:  # another build took its place
        return
    for path, data in changed.items():
        stored_datasets.put_bytes(services, found.prefix + path, data, found.metadata)


def tell_all(services: Services, row: LessonRow) -> None:
    """The same for every joined dataset that holds the lesson; one with a job under way learns of it when it is used."""
    for found in joined.everything(services):
        if row.id in found.wanted.lessons and not joined.is_busy(services, found):
            with suppress(DatasetError):  # of an earlier version: it says so when it is pushed, and is built again
                tell(services, found)

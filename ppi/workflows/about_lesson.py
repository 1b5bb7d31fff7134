"""What people say about a lesson: consent and licence, and their own words for the card. Kept beside the video."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from ppi.dataset import card
from ppi.dataset import consent as consents
from ppi.dataset import refresh as refreshing
from ppi.errors import DatasetError, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Consent
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import stored_datasets
from ppi.workflows.ingest import owner_metadata

CONSENT, OWN_TEXT, LANGUAGE = ".consent.json", ".card.md", ".card-language.txt"
DATASET_NAME = "dataset"
STATES, LICENSES, LANGUAGES = consents.STATES, consents.LICENSES, card.LANGUAGES


def dataset_prefix(row: LessonRow) -> str:
    """Where the lesson's dataset lies in the final bucket."""
    return keys.dataset_prefix(row.prefix, DATASET_NAME)


def consent(services: Services, row: LessonRow) -> Consent:
    """What was recorded; nothing recorded is "unknown"."""
    try:
        given = json.loads(_read(services, services.raw, keys.derivative_key(row.video_key, CONSENT)))
        return consents.checked(**given)
    except (NotFound, ValueError, TypeError, InputError):  # unreadable means that nobody knows: never that it is allowed
        return Consent()


def check_use(services: Services, row: LessonRow) -> None:
    """Raises AccessDenied when the lesson was withdrawn."""
    consents.check_use(consent(services, row))


def save_consent(services: Services, row: LessonRow, given: Mapping[str, str]) -> Consent:
    """Record it, and let the stored dataset say so at once. Raises InputError and says what may stand in a field.

    Only the teacher's code waits for the next build: it stands in every row.
    """
    checked = consents.checked(**given)
    if checked.state == consents.WITHDRAWN and consent(services, row).state != consents.WITHDRAWN:
        raise InputError("A lesson is withdrawn with “Withdraw this lesson”, which takes it out of every dataset.")
    return _keep_consent(services, row, checked)


def record_withdrawal(services: Services, row: LessonRow) -> Consent:
    """Record that the consent was withdrawn; licence, embargo and teacher stay."""
    return _keep_consent(services, row, replace(consent(services, row), state=consents.WITHDRAWN))


def _keep_consent(services: Services, row: LessonRow, checked: Consent) -> Consent:
    kept = {
        "state": checked.state, "license": checked.license, "embargo_until": checked.embargo_until,
        "teacher": checked.teacher,
    }  # fmt: skip
    data = json.dumps(kept, ensure_ascii=False).encode()
    _put(services, keys.derivative_key(row.video_key, CONSENT), data, "application/json", row)
    if not is_busy(services, row):  # else the job that runs does it at its end, or its beginning
        with suppress(DatasetError):  # of an earlier version: it says so when it is to be pushed, and is built again
            refresh(services, row)
    return checked


def own_text(services: Services, row: LessonRow) -> str:
    """The makers' words for the card, "" when there are none."""
    try:
        return _read(services, services.raw, keys.derivative_key(row.video_key, OWN_TEXT)).decode()
    except NotFound:
        return ""


def card_language(services: Services, row: LessonRow) -> str:
    """The language that the lesson's card is written in."""
    try:
        return card.checked_language(_read(services, services.raw, keys.derivative_key(row.video_key, LANGUAGE)).decode())
    except (NotFound, InputError, UnicodeDecodeError):
        return LANGUAGES[0]


def keep_words(services: Services, row: LessonRow, text: str, language: str) -> None:
    """Keep the makers' words and the card's language for all builds to come."""
    _put(services, keys.derivative_key(row.video_key, OWN_TEXT), text.encode(), "text/markdown", row)
    _put(services, keys.derivative_key(row.video_key, LANGUAGE), language.encode(), "text/plain", row)


def refresh(services: Services, row: LessonRow) -> None:
    """Let the stored dataset say what is recorded of the lesson now; nothing is cut. Without a dataset nothing happens.

    Raises DatasetError for a dataset of an earlier version of PPI.
    """
    prefix, agreed = dataset_prefix(row), consent(services, row)
    with suppress(NotFound):
        changed = refreshing.refreshed(
            lambda path: _read(services, services.final, prefix + path), agreed, own_text(services, row),
            card_language(services, row),
        )  # fmt: skip
        for path, data in changed.items():
            stored_datasets.put_bytes(services, prefix + path, data, owner_metadata(row))


def is_busy(services: Services, row: LessonRow) -> bool:
    """Whether a job uses or makes the lesson's dataset."""
    jobs = services.ledger.list(lesson_id=row.id)
    return any(job.is_active and job.kind in ("build_dataset", "publish", "preview_push") for job in jobs)


def _read(services: Services, bucket: str, key: str) -> bytes:
    return b"".join(services.store.read(bucket, key))


def _put(services: Services, key: str, data: bytes, content_type: str, row: LessonRow) -> None:
    services.store.put_bytes(services.raw, key, data, content_type=content_type, metadata=owner_metadata(row))

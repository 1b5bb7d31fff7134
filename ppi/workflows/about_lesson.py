"""What people say about a lesson: consent and licence, and their own words for the card. Kept beside the video."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ppi.dataset import card, manifest
from ppi.dataset import consent as consents
from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Consent
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows.ingest import owner_metadata

CONSENT, OWN_TEXT = ".consent.json", ".card.md"
DATASET_NAME = "dataset"
STATES, LICENSES = consents.STATES, consents.LICENSES


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


def save_consent(services: Services, row: LessonRow, given: Mapping[str, str]) -> Consent:
    """Record it. Raises InputError and says what may stand in a field."""
    checked = consents.checked(**given)
    kept = {
        "state": checked.state, "license": checked.license, "embargo_until": checked.embargo_until,
        "teacher": checked.teacher,
    }  # fmt: skip
    data = json.dumps(kept, ensure_ascii=False).encode()
    _put(services, services.raw, keys.derivative_key(row.video_key, CONSENT), data, "application/json", row)
    return checked


def own_text(services: Services, row: LessonRow) -> str:
    """The makers' words for the card, "" when there are none."""
    try:
        return _read(services, services.raw, keys.derivative_key(row.video_key, OWN_TEXT)).decode()
    except NotFound:
        return ""


def save_own_text(services: Services, row: LessonRow, text: str) -> str:
    """Keep the words for all builds to come, and put them into the card of the dataset, if there is one; answers that card.

    Raises InputError when they are too long, DatasetError when the card has no place for them, and Conflict while the
    dataset is being built or published.
    """
    jobs = services.ledger.list(lesson_id=row.id)
    if any(job.is_active and job.kind in ("build_dataset", "publish") for job in jobs):
        raise Conflict("The dataset is being built or published just now. Save your text when that is done.")
    text = card.checked_own_text(text)
    key = dataset_prefix(row) + "README.md"
    try:
        changed = card.with_own_text(_read(services, services.final, key).decode(), text)
    except NotFound:
        changed = ""
    _put(services, services.raw, keys.derivative_key(row.video_key, OWN_TEXT), text.encode(), "text/markdown", row)
    if changed:
        _put(services, services.final, key, changed.encode(), "text/markdown; charset=utf-8", row)
        manifest_key = dataset_prefix(row) + "manifest.json"
        listed = manifest.with_file(_read(services, services.final, manifest_key), "README.md", changed.encode())
        _put(services, services.final, manifest_key, listed, "application/json", row)
    return changed


def _read(services: Services, bucket: str, key: str) -> bytes:
    return b"".join(services.store.read(bucket, key))


def _put(services: Services, bucket: str, key: str, data: bytes, content_type: str, row: LessonRow) -> None:
    services.store.put_bytes(bucket, key, data, content_type=content_type, metadata=owner_metadata(row))

"""What labels of a lesson's annotations mean, as people chose it: kept beside the video, used by builds and comparisons."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ppi.annotation.meanings import LEFT_OUT
from ppi.annotation.patterns import Codebook
from ppi.errors import InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows.ingest import owner_metadata

NAME = ".meanings.json"
MOST = 5_000
MAX_LABEL_CHARACTERS = 1_000


def kept(services: Services, row: LessonRow) -> dict[str, str]:
    """Label -> name of a pattern, or LEFT_OUT; nothing was chosen for the others."""
    try:
        found = b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, NAME)))
    except NotFound:
        return {}
    return json.loads(found)["meanings"]


def keep(services: Services, row: LessonRow, given: Mapping[str, str | None], codebook: Codebook) -> dict[str, str]:
    """Add what was chosen to what is kept; None takes a choice back. Answers what is kept now.

    Raises InputError when something is to mean what the table does not hold, or when there are too many.
    """
    names = {pattern.type for pattern in codebook.patterns}
    for label, name in given.items():
        if name not in (None, LEFT_OUT) and name not in names:
            raise InputError("The table of patterns has no “{name}”. Choose one of its patterns.", name=(name or "")[:80])
        if len(label) > MAX_LABEL_CHARACTERS:
            raise InputError(
                "A label is longer than {most} characters. Shorten it in the annotations.", most=MAX_LABEL_CHARACTERS
            )  # fmt: skip
    now = {label: name for label, name in (kept(services, row) | given).items() if name is not None}
    if len(now) > MOST:
        raise InputError("No more than {most} labels can be given a meaning. Correct the others in the annotations.", most=MOST)
    _store(services, row, now)
    return now


def forget(services: Services, row: LessonRow) -> None:
    """Take every choice back."""
    _store(services, row, {})


def _store(services: Services, row: LessonRow, now: Mapping[str, str]) -> None:
    services.store.put_bytes(
        services.raw, keys.derivative_key(row.video_key, NAME),
        json.dumps({"meanings": dict(sorted(now.items()))}, ensure_ascii=False, indent=1).encode(),
        content_type="application/json", metadata=owner_metadata(row),
    )  # fmt: skip

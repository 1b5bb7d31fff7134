"""What was published of a lesson outlives it: who withdraws consent later must learn where on the Hub the lesson lies.

While a lesson is there its pushes stand beside its video. When it is deleted they move below `~pushes/` in the final bucket,
with the lesson's name and owner; no media and no texts are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ppi.errors import NotFound
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.storage import keys

PUSHES = ".pushes.json"


def keep(services: Services, row: LessonRow) -> None:
    """To be called before the lesson's objects go. A lesson of which nothing was published leaves nothing behind."""
    own = _read(services, services.raw, keys.derivative_key(row.video_key, PUSHES))
    if not own and not any(f'"{row.id}"' in text for _, text in of_joined(services)):
        return
    record = {
        "id": row.id, "name": row.name, "owner_id": row.owner_id, "owner_name": row.owner_name,
        "deleted_at": datetime.now(UTC).isoformat(timespec="seconds"), "pushes": own,
    }  # fmt: skip
    data = json.dumps(record, ensure_ascii=False, indent=1).encode()
    metadata = {keys.USER_ID: row.owner_id, keys.USER_NAME: row.owner_name}
    services.store.put_bytes(
        services.final, keys.kept_pushes(row.id), data, content_type="application/json", metadata=metadata
    )  # fmt: skip


def of_deleted(services: Services, lesson_id: str = "") -> Iterator[dict[str, Any]]:
    """What was kept of deleted lessons, or of one; `pushes` is the text of the record that it had, "" without one."""
    for item in services.store.list(services.final, keys.kept_pushes(lesson_id)):
        yield json.loads(_read(services, services.final, item.key))


def of_joined(services: Services) -> Iterator[tuple[str, str]]:
    """(key, text) of the record of each joined dataset that was ever published."""
    for item in services.store.list(services.final, keys.joined_pushes("")):
        yield item.key, _read(services, services.final, item.key)


def _read(services: Services, bucket: str, key: str) -> str:
    try:
        return b"".join(services.store.read(bucket, key)).decode("utf-8", "replace")
    except NotFound:
        return ""

"""Who keeps how much: what lies in the store, counted by owner."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ppi.jobs.lessons import HIDDEN, LessonRow, prefixes_of
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import joined


@dataclass
class Share:
    """What one owner keeps. `video_bytes` are what quotas count; `made_bytes` is what was made of the videos.

    `deleted_bytes` can still be brought back. An empty `owner_id` stands for what belongs to no lesson.
    """

    owner_id: str
    owner_name: str = ""
    lessons: int = 0
    video_bytes: int = 0
    made_bytes: int = 0
    dataset_bytes: int = 0
    deleted_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.video_bytes + self.made_bytes + self.dataset_bytes + self.deleted_bytes


@dataclass(frozen=True)
class StorageUse:
    """The largest share first; `total` is all of them together. Unfinished uploads are not in the store yet."""

    shares: list[Share] = field(default_factory=list)
    total: Share = field(default_factory=lambda: Share(""))


def look(services: Services) -> StorageUse:
    """Reads the names and sizes of all objects, not their contents."""
    rows = [*services.lessons.list(), *services.lessons.in_state(*HIDDEN)]
    shares: dict[str, Share] = {}
    for row in rows:
        share = shares.setdefault(row.owner_id, Share(row.owner_id, row.owner_name))
        share.lessons += row.state not in HIDDEN
    of_prefix = {row.prefix: row for row in rows}
    for found in services.store.list(services.raw):
        _count(shares, of_prefix, found, "made_bytes")
    joined_owners = _joined_owners(services)
    for found in services.store.list(services.final):
        owner = next((joined_owners[part] for part in found.key.split("/") if part in joined_owners), None)
        if owner is not None and found.key.startswith(keys.JOINED):
            shares.setdefault(owner[0], Share(*owner)).dataset_bytes += found.size_bytes
        else:
            _count(shares, of_prefix, found, "dataset_bytes")
    return _added_up(list(shares.values()))


def _count(shares: dict[str, Share], of_prefix: dict[str, LessonRow], found: ObjectInfo, kind: str) -> None:
    row = next((of_prefix[prefix] for prefix in prefixes_of(found.key) if prefix in of_prefix), None)
    share = shares.setdefault(row.owner_id if row else "", Share(""))
    if row is not None and row.state in HIDDEN:
        kind = "deleted_bytes"
    elif row is not None and found.key == row.video_key:
        kind = "video_bytes"
    setattr(share, kind, getattr(share, kind) + found.size_bytes)


def _joined_owners(services: Services) -> dict[str, tuple[str, str]]:
    return {one.id: (one.owner_id, one.owner_name) for one in joined.everything(services)}


def _added_up(shares: list[Share]) -> StorageUse:
    totals: dict[str, int] = defaultdict(int)
    for share in shares:
        for name in ("lessons", "video_bytes", "made_bytes", "dataset_bytes", "deleted_bytes"):
            totals[name] += getattr(share, name)
    return StorageUse(sorted(shares, key=lambda share: -share.total_bytes), Share("", **totals))

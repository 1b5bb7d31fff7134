"""Lessons and their uploads as rows: names that never collide, slots that cannot be double-booked, offsets.

The object store stays the truth about files; a row exists from the first byte of an upload until the lesson is
deleted, and can be written again from the lesson's own `.info.json` when the ledger is lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ppi.errors import QuotaExceeded, by_count

# Gives (prefix, video key) for the 1st, 2nd ... lesson of a name.
Layout = Callable[[int], tuple[str, str]]
MB = 1_000_000
SORTS = ("created", "name", "size", "owner")
# Deleted, but to be brought back until `expires_s`; and on its way out for good. Lists and quotas know neither.
BINNED, DELETING = "binned", "deleting"
HIDDEN = (BINNED, DELETING)
TOO_MANY = by_count(
    "max_lessons",
    "Your account may hold {max_lessons} lesson at a time. Delete the one you have, then try again.",
    "Your account may hold {max_lessons} lessons at a time. Delete one of them, then try again.",
)


@dataclass(frozen=True)
class LessonRow:
    """`state` is uploading, received (all bytes are here), stored, binned or deleting.

    `source_key` names an object it is made from, `place` the data folder in which the bytes of the upload gather. `expires_s`
    is until when an unfinished upload waits to be continued, and a binned lesson to be brought back.
    """

    id: str
    prefix: str
    name: str
    owner_id: str
    owner_name: str
    video_key: str
    size_bytes: int
    offset_bytes: int
    parts: int
    state: str
    source_key: str
    expires_s: float
    created_s: float
    place: str = ""


@dataclass(frozen=True)
class Wanted:
    """Which lessons a list shows, and in which order; what is empty narrows nothing.

    `text` is looked for in names and owners' names without regard to case, `state` is one of a row's, `among` are ids.
    `sort` is one of SORTS; a "-" before it turns the order round.
    """

    owner_id: str = ""
    text: str = ""
    state: str = ""
    among: frozenset[str] | None = None
    sort: str = "-created"

    @property
    def is_turned(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_narrowed(self) -> bool:
        """Whether more is asked than whose lessons, in some order."""
        return bool(self.text or self.state or self.among is not None)


class Lessons(Protocol):
    """All methods are safe to call from several processes. All raise ServerAway when the rows cannot be reached."""

    def reserve(
        self, *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int, max_lessons: int | None,
        layout: Layout, expires_s: float, source_key: str = "", place: str = "", max_bytes: int | None = None,
    ) -> LessonRow:  # fmt: skip
        """Take a slot and a prefix, both at once.

        Raises QuotaExceeded when the owner holds `max_lessons` already, or would hold more than `max_bytes` (None: no limit).
        """

    def restore(self, row: LessonRow) -> None:
        """Write back a row that was lost; an existing one is kept."""

    def get(self, lesson_id: str) -> LessonRow:
        """Raises NotFound."""

    def missing(self, lesson_ids: list[str]) -> set[str]:
        """Those of the ids that have no row."""

    def list(self, owner_id: str = "") -> list[LessonRow]:
        """Newest first, without what was deleted; all owners when `owner_id` is empty."""

    def in_state(self, *states: str) -> list[LessonRow]:
        """Everybody's lessons in these states, those in HIDDEN ones too."""

    def page(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[LessonRow], int]:
        """A piece of the list, and how long the whole list is; in a constant number of questions."""

    def held(self, owner_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """How many lessons these owners hold, and the bytes of their videos together."""

    def of_keys(self, keys: Sequence[str]) -> dict[str, LessonRow]:
        """The lessons whose prefixes hold these object keys, by key; what nobody owns is left out. One question for all."""

    def advance(self, lesson_id: str, from_bytes: int, to_bytes: int) -> None:
        """Acknowledge bytes that are safely on disk. Raises Conflict when another request moved the offset."""

    def move_on(self, lesson_id: str, from_state: str, to_state: str, *, expires_s: float | None = None) -> bool:
        """Change the state, and `expires_s` with it when given; False when somebody else did it already."""

    def bring_back(self, lesson_id: str, to_state: str, *, max_lessons: int | None, max_bytes: int | None) -> bool:
        """Take a slot again for a binned lesson; False when it is binned no more. Raises QuotaExceeded as `reserve` does."""

    def set_expiry(self, lesson_id: str, expires_s: float) -> None:
        """Until when an upload waits to be continued."""

    def set_parts(self, lesson_id: str, parts: int) -> None:
        """Into how many parts the video is cut."""

    def remove(self, lesson_id: str) -> None:
        """Free the slot and the prefix, and forget the lesson's links."""


class Links(Protocol):
    """Stable links: a random token stands for one object of a lesson until it is revoked."""

    def token_for(self, lesson_id: str, key: str) -> str:
        """The live token of the object, made when there is none."""

    def key_of(self, token: str) -> str:
        """Raises NotFound for unknown and revoked tokens alike."""

    def revoke(self, lesson_id: str) -> int:
        """End all stable links of a lesson; answers how many there were."""


def prefixes_of(key: str) -> list[str]:
    """Every prefix that could hold the key."""
    return [key[: at + 1] for at, letter in enumerate(key) if letter == "/"]


def new_row(
    place_in_store: tuple[str, str], *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int,
    expires_s: float, source_key: str, place: str,
) -> LessonRow:  # fmt: skip
    """A row about to be written; one made from an object has received all its bytes already."""
    prefix, video_key = place_in_store
    state, until_s = ("received", 0.0) if source_key else ("uploading", expires_s)
    return LessonRow(
        secrets.token_hex(8), prefix, name, owner_id, owner_name, video_key, size_bytes, 0, parts, state, source_key, until_s,
        time.time(), place,
    )  # fmt: skip


def check_quota(held: tuple[int, int], size_bytes: int, max_lessons: int | None, max_bytes: int | None) -> None:
    """Raises QuotaExceeded when an owner who holds so many lessons, and bytes, may not have one more of `size_bytes`."""
    if max_lessons is not None and held[0] >= max_lessons:
        raise too_many(max_lessons)
    if max_bytes is not None and held[1] + size_bytes > max_bytes:
        raise too_much(held[1], size_bytes, max_bytes)


def too_many(max_lessons: int) -> QuotaExceeded:
    """The error of an owner who holds as many lessons as allowed."""
    return QuotaExceeded(TOO_MANY, max_lessons=max_lessons)


def too_much(held_bytes: int, size_bytes: int, max_bytes: int) -> QuotaExceeded:
    """The error of an owner whose videos would take more room than allowed."""
    return QuotaExceeded(
        "Your account may hold videos of {limit_mb} MB together. It holds {held_mb} MB, and this one has {size_mb} MB. "
        "Delete a lesson, then try again.",
        limit_mb=max_bytes // MB, held_mb=-(-held_bytes // MB), size_mb=-(-size_bytes // MB),
    )  # fmt: skip

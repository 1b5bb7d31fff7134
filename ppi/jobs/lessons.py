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

from ppi.errors import QuotaExceeded

# Gives (prefix, video key) for the 1st, 2nd ... lesson of a name.
Layout = Callable[[int], tuple[str, str]]
SORTS = ("created", "name", "size", "owner")


@dataclass(frozen=True)
class LessonRow:
    """`state` is uploading, received (all bytes are here), stored or deleting. `source_key` names an object it is made from.

    `place` names the data folder in which the bytes of the upload gather.
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
        """Whether more is asked than whose lessons, newest first."""
        return bool(self.text or self.state or self.among is not None or self.sort != "-created")


class Lessons(Protocol):
    """All methods are safe to call from several processes. All raise ServerAway when the rows cannot be reached."""

    def reserve(
        self, *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int, max_lessons: int | None,
        layout: Layout, expires_s: float, source_key: str = "", place: str = "",
    ) -> LessonRow:  # fmt: skip
        """Take a slot and a prefix, both at once.

        Raises QuotaExceeded when the owner holds `max_lessons` already (None: no limit).
        """

    def restore(self, row: LessonRow) -> None:
        """Write back a row that was lost; an existing one is kept."""

    def get(self, lesson_id: str) -> LessonRow:
        """Raises NotFound."""

    def missing(self, lesson_ids: list[str]) -> set[str]:
        """Those of the ids that have no row."""

    def list(self, owner_id: str = "") -> list[LessonRow]:
        """Newest first; all owners when `owner_id` is empty."""

    def page(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[LessonRow], int]:
        """A piece of the list, without what is being deleted, and how long the whole list is."""

    def of_keys(self, keys: Sequence[str]) -> dict[str, LessonRow]:
        """The lessons whose prefixes hold these object keys, by key; what nobody owns is left out. One question for all."""

    def advance(self, lesson_id: str, from_bytes: int, to_bytes: int) -> None:
        """Acknowledge bytes that are safely on disk. Raises Conflict when another request moved the offset."""

    def move_on(self, lesson_id: str, from_state: str, to_state: str) -> None:
        """Change the state; nothing happens when somebody else did it already."""

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


def quota_is_full(max_lessons: int) -> QuotaExceeded:
    """The error of an owner who holds as many lessons as allowed."""
    return QuotaExceeded(
        "Your account may hold {max_lessons} lesson(s) at a time. Delete the one you have, then try again.",
        max_lessons=max_lessons,
    )

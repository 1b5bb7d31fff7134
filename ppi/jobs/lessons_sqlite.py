"""Lessons and their uploads as rows: names that never collide, slots that cannot be double-booked, offsets.

The object store stays the truth about files; a row exists from the first byte of an upload until the lesson is
deleted, and can be written again from the lesson's own `.info.json` when the ledger is lost.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from ppi.errors import Conflict, NotFound, QuotaExceeded
from ppi.jobs.database import Database


@dataclass(frozen=True)
class LessonRow:
    """`state` is uploading, received (all bytes are here), or stored. `source_key` names an object it is made from."""

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


class SqliteLessons:
    """All methods are safe to call from several processes."""

    def __init__(self, database: Database):
        self._database = database

    def reserve(
        self,
        *,
        name: str,
        owner_id: str,
        owner_name: str,
        size_bytes: int,
        parts: int,
        max_lessons: int | None,
        layout: Callable[[int], tuple[str, str]],
        expires_s: float,
        source_key: str = "",
    ) -> LessonRow:
        """Take a slot and a prefix, both at once.

        `layout(serial)` gives (prefix, video key) for the 1st, 2nd ... lesson of that name.
        Raises QuotaExceeded when the owner holds `max_lessons` already (None: no limit).
        """
        now = time.time()
        with self._database.transaction() as connection:
            self._check_quota(connection, owner_id, max_lessons)
            prefix, video_key = self._free_prefix(connection, layout)
            row = LessonRow(
                secrets.token_hex(8), prefix, name, owner_id, owner_name, video_key, size_bytes, 0, parts,
                "received" if source_key else "uploading", source_key, 0.0 if source_key else expires_s, now,
            )  # fmt: skip
            self._insert(connection, row)
        return row

    def restore(self, row: LessonRow) -> None:
        """Write back a row that was lost; an existing one is kept."""
        with self._database.transaction() as connection:
            self._insert(connection, row)

    def get(self, lesson_id: str) -> LessonRow:
        """Raises NotFound."""
        rows = self._select("WHERE id=?", lesson_id)
        if not rows:
            raise NotFound("There is no such lesson.", lesson_id=lesson_id)
        return rows[0]

    def list(self, owner_id: str = "") -> list[LessonRow]:
        """Newest first; all owners when `owner_id` is empty."""
        where, values = ("WHERE owner_id=?", (owner_id,)) if owner_id else ("", ())
        return self._select(f"{where} ORDER BY created_s DESC", *values)

    def of_key(self, key: str) -> LessonRow | None:
        """The lesson whose prefix holds this object key."""
        rows = self._select("WHERE substr(?, 1, length(prefix)) = prefix", key)
        return rows[0] if rows else None

    def advance(self, lesson_id: str, from_bytes: int, to_bytes: int) -> None:
        """Acknowledge bytes that are safely on disk. Raises Conflict when another request moved the offset."""
        changed = self._write(
            "UPDATE lessons SET offset_bytes=? WHERE id=? AND offset_bytes=? AND state='uploading'",
            to_bytes, lesson_id, from_bytes,
        )  # fmt: skip
        if not changed:
            raise Conflict("Another connection continued this upload meanwhile. Ask for the offset again.")

    def move_on(self, lesson_id: str, from_state: str, to_state: str) -> None:
        """Change the state; nothing happens when somebody else did it already."""
        self._write("UPDATE lessons SET state=? WHERE id=? AND state=?", to_state, lesson_id, from_state)

    def set_expiry(self, lesson_id: str, expires_s: float) -> None:
        """Until when an upload waits to be continued."""
        self._write("UPDATE lessons SET expires_s=? WHERE id=?", expires_s, lesson_id)

    def set_parts(self, lesson_id: str, parts: int) -> None:
        self._write("UPDATE lessons SET parts=? WHERE id=?", parts, lesson_id)

    def remove(self, lesson_id: str) -> None:
        """Free the slot and the prefix, and forget the lesson's links."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM lessons WHERE id=?", (lesson_id,))
            connection.execute("DELETE FROM links WHERE lesson_id=?", (lesson_id,))

    def expired(self) -> list[LessonRow]:
        """Uploads nobody continued in time."""
        return self._select("WHERE state='uploading' AND expires_s<?", time.time())

    def _check_quota(self, connection: sqlite3.Connection, owner_id: str, max_lessons: int | None) -> None:
        if max_lessons is None:
            return
        held = connection.execute("SELECT count(*) FROM lessons WHERE owner_id=?", (owner_id,)).fetchone()[0]
        if held >= max_lessons:
            raise QuotaExceeded(
                "Your account may hold {max_lessons} lesson(s) at a time. Delete the one you have, then try again.",
                max_lessons=max_lessons,
            )

    def _free_prefix(self, connection: sqlite3.Connection, layout: Callable[[int], tuple[str, str]]) -> tuple[str, str]:
        serial = 1
        while True:
            prefix, video_key = layout(serial)
            taken = connection.execute("SELECT 1 FROM lessons WHERE prefix=?", (prefix,)).fetchone()
            if not taken:
                return prefix, video_key
            serial += 1

    def _insert(self, connection: sqlite3.Connection, row: LessonRow) -> None:
        names = tuple(LessonRow.__dataclass_fields__)
        marks = ",".join("?" * len(names))
        values = [getattr(row, name) for name in names]
        connection.execute(f"INSERT OR IGNORE INTO lessons ({','.join(names)}) VALUES ({marks})", values)

    def _write(self, statement: str, *values: object) -> int:
        with self._database.connection() as connection:
            return connection.execute(statement, values).rowcount

    def _select(self, tail: str, *values: object) -> list[LessonRow]:
        names = ",".join(LessonRow.__dataclass_fields__)
        with self._database.connection() as connection:
            return [LessonRow(*row) for row in connection.execute(f"SELECT {names} FROM lessons {tail}", values)]

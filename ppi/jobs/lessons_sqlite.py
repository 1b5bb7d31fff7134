"""Rows of lessons in SQLite; see lessons.py."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from ppi.errors import Conflict, NotFound
from ppi.jobs.database import SHOWN, Database
from ppi.jobs.lessons import BINNED, Layout, LessonRow, Wanted, check_quota, new_row, prefixes_of

ORDERS = {
    "created": "created_s {way}, id {way}", "name": "name_key {way}, created_s {way}, id {way}",
    "size": "size_bytes {way}, created_s {way}, id {way}", "owner": "owner_key {way}, created_s {way}, id {way}",
}  # fmt: skip
HELD = f"SELECT count(*), coalesce(sum(size_bytes), 0) FROM lessons WHERE {SHOWN} AND owner_id=?"


class SqliteLessons:
    """See `ppi.jobs.lessons.Lessons`."""

    def __init__(self, database: Database):
        self._database = database

    def reserve(
        self, *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int, max_lessons: int | None,
        layout: Layout, expires_s: float, source_key: str = "", place: str = "", max_bytes: int | None = None,
    ) -> LessonRow:  # fmt: skip
        with self._database.transaction() as connection:
            check_quota(self._held(connection, owner_id), size_bytes, max_lessons, max_bytes)
            row = new_row(
                self._free_prefix(connection, layout), name=name, owner_id=owner_id, owner_name=owner_name,
                size_bytes=size_bytes, parts=parts, expires_s=expires_s, source_key=source_key, place=place,
            )  # fmt: skip
            self._insert(connection, row)
        return row

    def restore(self, row: LessonRow) -> None:
        with self._database.transaction() as connection:
            self._insert(connection, row)

    def get(self, lesson_id: str) -> LessonRow:
        rows = self._select("WHERE id=?", lesson_id)
        if not rows:
            raise NotFound(
                "There is no such lesson; it may have been deleted. Look at the list of lessons.", lesson_id=lesson_id
            )  # fmt: skip
        return rows[0]

    def missing(self, lesson_ids: list[str]) -> set[str]:
        return set(lesson_ids) - {row.id for row in self._select("")}

    def list(self, owner_id: str = "") -> list[LessonRow]:
        where, values = _conditions(Wanted(owner_id))
        return self._select(f"WHERE {where} ORDER BY created_s DESC, id DESC", *values)

    def in_state(self, *states: str) -> list[LessonRow]:
        return self._select(f"WHERE state IN ({','.join('?' * len(states))}) ORDER BY created_s DESC, id DESC", *states)

    def held(self, owner_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        statement = f"SELECT owner_id, count(*), sum(size_bytes) FROM lessons WHERE {SHOWN} GROUP BY owner_id"
        if len(owner_ids) == 1:
            with self._database.connection() as connection:
                return {owner_ids[0]: self._held(connection, owner_ids[0])}
        with self._database.connection() as connection:
            found = {row[0]: (row[1], row[2]) for row in connection.execute(statement)}
        return {owner_id: found.get(owner_id, (0, 0)) for owner_id in owner_ids}

    def page(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[LessonRow], int]:
        where, values = _conditions(wanted)
        order = ORDERS[wanted.sort.removeprefix("-")].format(way="DESC" if wanted.is_turned else "ASC")
        with self._database.connection() as connection:
            total = connection.execute(f"SELECT count(*) FROM lessons WHERE {where}", values).fetchone()[0]
        return self._select(f"WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", *values, limit, offset), total

    def of_keys(self, keys: Sequence[str]) -> dict[str, LessonRow]:
        asked = json.dumps(sorted({prefix for key in keys for prefix in prefixes_of(key)}))
        rows = {row.prefix: row for row in self._select("WHERE prefix IN (SELECT value FROM json_each(?))", asked)}
        return {key: rows[prefix] for key in keys for prefix in prefixes_of(key) if prefix in rows}

    def advance(self, lesson_id: str, from_bytes: int, to_bytes: int) -> None:
        changed = self._write(
            "UPDATE lessons SET offset_bytes=? WHERE id=? AND offset_bytes=? AND state='uploading'",
            to_bytes, lesson_id, from_bytes,
        )  # fmt: skip
        if not changed:
            raise Conflict("Another connection continued this upload meanwhile. Ask for the offset again.")

    def move_on(self, lesson_id: str, from_state: str, to_state: str, *, expires_s: float | None = None) -> bool:
        statement = "UPDATE lessons SET state=?, expires_s=coalesce(?, expires_s) WHERE id=? AND state=?"
        return bool(self._write(statement, to_state, expires_s, lesson_id, from_state))

    def bring_back(self, lesson_id: str, to_state: str, *, max_lessons: int | None, max_bytes: int | None) -> bool:
        with self._database.transaction() as connection:
            row = connection.execute("SELECT owner_id, size_bytes, state FROM lessons WHERE id=?", (lesson_id,)).fetchone()
            if row is None or row[2] != BINNED:
                return False
            check_quota(self._held(connection, row[0]), row[1], max_lessons, max_bytes)
            connection.execute("UPDATE lessons SET state=?, expires_s=0 WHERE id=?", (to_state, lesson_id))
        return True

    def set_expiry(self, lesson_id: str, expires_s: float) -> None:
        self._write("UPDATE lessons SET expires_s=? WHERE id=?", expires_s, lesson_id)

    def set_parts(self, lesson_id: str, parts: int) -> None:
        self._write("UPDATE lessons SET parts=? WHERE id=?", parts, lesson_id)

    def remove(self, lesson_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM lessons WHERE id=?", (lesson_id,))
            connection.execute("DELETE FROM links WHERE lesson_id=?", (lesson_id,))

    def _held(self, connection: sqlite3.Connection, owner_id: str) -> tuple[int, int]:
        return tuple(connection.execute(HELD, (owner_id,)).fetchone())

    def _free_prefix(self, connection: sqlite3.Connection, layout: Layout) -> tuple[str, str]:
        serial = 1
        while connection.execute("SELECT 1 FROM lessons WHERE prefix=?", (layout(serial)[0],)).fetchone():
            serial += 1
        return layout(serial)

    def _insert(self, connection: sqlite3.Connection, row: LessonRow) -> None:
        names = (*LessonRow.__dataclass_fields__, "name_key", "owner_key")
        marks = ",".join("?" * len(names))
        values = [getattr(row, name) for name in LessonRow.__dataclass_fields__]
        values += [row.name.casefold(), row.owner_name.casefold()]
        connection.execute(f"INSERT OR IGNORE INTO lessons ({','.join(names)}) VALUES ({marks})", values)

    def _write(self, statement: str, *values: object) -> int:
        with self._database.connection() as connection:
            return connection.execute(statement, values).rowcount

    def _select(self, tail: str, *values: object) -> list[LessonRow]:
        names = ",".join(LessonRow.__dataclass_fields__)
        with self._database.connection() as connection:
            return [LessonRow(*row) for row in connection.execute(f"SELECT {names} FROM lessons {tail}", values)]


def _conditions(wanted: Wanted) -> tuple[str, list[object]]:
    """The WHERE clause of a list, and its values."""
    where, values = [SHOWN], []
    if wanted.owner_id:
        where.append("owner_id=?")
        values.append(wanted.owner_id)
    if wanted.state:
        where.append("state=?")
        values.append(wanted.state)
    if wanted.among is not None:
        where.append(f"id IN ({','.join('?' * len(wanted.among))})")
        values.extend(wanted.among)
    if wanted.text:
        where.append("(instr(name_key, ?) OR instr(owner_key, ?))")
        values += [wanted.text.casefold()] * 2
    return " AND ".join(where), values

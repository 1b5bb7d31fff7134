"""The audit log: who did what to which object, when and from where. Rows are only ever added, and end with their age.

It holds no passwords, tokens, signed links or contents, and lies in a SQLite file of the web server's data folder.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS acts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, time_s REAL NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,
  action TEXT NOT NULL, object TEXT NOT NULL, address TEXT NOT NULL, way TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS acts_by_time ON acts (time_s);
CREATE INDEX IF NOT EXISTS acts_by_object ON acts (object, time_s);
"""
LONGEST = 500
BUSY_S = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Act:
    """One row. `way` is session, token, link, command or system; `outcome` is ok, or refused: and the code."""

    time_s: float
    user_id: str
    user_name: str
    action: str
    object: str
    address: str
    way: str
    outcome: str
    id: int = 0


class AuditLog:
    """Safe to use from several threads and processes. The file is made when it is first needed, and again when it is gone."""

    def __init__(self, path: Path, kept_s: float):
        self._path = path
        self._kept_s = kept_s
        self._holder: sqlite3.Connection | None = None

    def record(
        self, action: str, *, user_id: str = "", user_name: str = "", object: str = "", address: str = "", way: str = "system",
        outcome: str = "ok",
    ) -> None:  # fmt: skip
        """Add a row. A full disk must not undo what was done: the failure is logged instead of raised."""
        row = (time.time(), *map(_writable, (user_id, user_name, action, object, address, way, outcome)))
        try:
            with closing(self._connect()) as connection:
                connection.execute(
                    "INSERT INTO acts (time_s, user_id, user_name, action, object, address, way, outcome) "
                    "VALUES (?,?,?,?,?,?,?,?)",
                    row,
                )
        except (sqlite3.Error, OSError):
            log.exception("the audit log could not be written: %s by user %s", action, user_id)

    def find(
        self, *, user: str = "", action: str = "", text: str = "", since_s: float = 0.0, until_s: float = 0.0,
        before_id: int = 0, after_id: int = 0, limit: int = 100,
    ) -> list[Act]:  # fmt: skip
        """Newest first: the newest of all, the next older than `before_id`, or the next newer than `after_id`.

        `text` is looked for in objects, user names and addresses, in capitals or not; the times are a half-open interval.
        """
        conditions = {
            "user_name=?": user, "action=?": action, "time_s>=?": since_s, "time_s<?": until_s, "id<?": before_id,
            "id>?": after_id,
        }  # fmt: skip
        given = {condition: value for condition, value in conditions.items() if value}
        values: list[object] = list(given.values())
        if text:
            given["(instr(folded(object), ?) OR instr(folded(user_name), ?) OR instr(address, ?))"] = text
            values += [text.casefold()] * 3
        where = " AND ".join(given) or "1"
        with closing(self._connect()) as connection:
            rows = connection.execute(
                "SELECT time_s, user_id, user_name, action, object, address, way, outcome, id FROM acts "
                f"WHERE {where} ORDER BY id {'ASC' if after_id else 'DESC'} LIMIT ?",
                (*values, limit),
            ).fetchall()
        return sorted((Act(*row) for row in rows), key=lambda act: -act.id)

    def of(self, number: str, limit: int = 200) -> list[Act]:
        """Newest first: what was done to the thing with this number, and to parts of it ("number/part", "number words")."""
        with closing(self._connect()) as connection:
            rows = connection.execute(
                "SELECT time_s, user_id, user_name, action, object, address, way, outcome, id FROM acts "
                "WHERE object>=? AND object<? ORDER BY id DESC LIMIT ?",
                (number, f"{number}0", limit),  # blanks, commas and slashes come before digits
            ).fetchall()
        return [Act(*row) for row in rows]

    def has(self, action: str, object: str, since_s: float, *, user_id: str, address: str) -> bool:
        """Whether this account did this to this object from this address since then."""
        with closing(self._connect()) as connection:
            found = connection.execute(
                "SELECT 1 FROM acts WHERE object=? AND time_s>=? AND action=? AND user_id=? AND address=? LIMIT 1",
                (_writable(object), since_s, action, user_id, address),
            )
            return found.fetchone() is not None

    def every(self, **wanted: object) -> Iterator[Act]:
        """All rows that `find` would find, in flat memory."""
        before_id = 0
        while acts := self.find(**wanted, before_id=before_id, limit=500):
            yield from acts
            before_id = acts[-1].id

    def people(self) -> list[str]:
        """The names that occur."""
        with closing(self._connect()) as connection:
            return [row[0] for row in connection.execute("SELECT DISTINCT user_name FROM acts ORDER BY user_name") if row[0]]

    def prune(self) -> None:
        """Remove the rows that are older than they are kept; a time of 0 keeps them for ever."""
        if self._kept_s:
            with closing(self._connect()) as connection:
                connection.execute("DELETE FROM acts WHERE time_s<?", (time.time() - self._kept_s,))

    def _connect(self) -> sqlite3.Connection:
        """One connection a call. Another stays open in this process: whoever closes the last one has to tidy the file up."""
        if self._holder is None:
            self._holder = self._opened()
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.create_function("folded", 1, str.casefold, deterministic=True)
            # Of several processes that open a new file at once only one can switch it, and the others are not made to wait.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode=WAL")
            # A killed process loses no row; when the power fails the last ones may go. Waiting for the disk costs 7 ms a row.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _writable(text: str) -> str:
    """Text as SQLite takes it: halves of characters, which JSON may hold, become question marks."""
    return text[:LONGEST].encode("utf-8", "replace").decode()

"""Sessions: which there are and when they were seen last, and which were ended before their cookie expired.

A small SQLite file shared by all processes. A session's id is worth nothing without the server's signature; people are shown
its `handle`.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

KEPT_S = 40 * 24 * 3600
# How exactly it is known when a session was seen last: every write waits for the disk.
SEEN_EVERY_S = 300.0
LONGEST = 300
SCHEMA = """
CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY, ended_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS begun (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, version INTEGER NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL,
  began_s REAL NOT NULL, seen_s REAL NOT NULL);
CREATE INDEX IF NOT EXISTS begun_by_user ON begun (user_id, seen_s);
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """`version` is the account's when it began; `agent` is what the browser says of itself, from `address`."""

    id: str
    user_id: str
    version: int
    address: str
    agent: str
    began_s: float = 0.0
    seen_s: float = 0.0

    @property
    def handle(self) -> str:
        """Names the session on pages and in addresses."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]


class Sessions:
    """Remembers sessions for longer than any cookie lives."""

    def __init__(self, path: Path):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    def end(self, session_id: str) -> None:
        """Refuse this session from now on, in every process."""
        with closing(self._connect()) as connection:
            old_s = time.time() - KEPT_S
            connection.execute("DELETE FROM ended WHERE ended_s<?", (old_s,))
            connection.execute("DELETE FROM begun WHERE seen_s<? OR id=?", (old_s, session_id))
            connection.execute("INSERT OR IGNORE INTO ended VALUES (?,?)", (session_id, time.time()))

    def is_live(self, seen: Session) -> bool:
        """Whether the session was not ended. Notes who comes with it, from where, every five minutes."""
        with closing(self._connect()) as connection:
            ended, seen_s = connection.execute(
                "SELECT (SELECT 1 FROM ended WHERE id=:id), (SELECT seen_s FROM begun WHERE id=:id)", {"id": seen.id}
            ).fetchone()
            if not ended and (seen_s or 0.0) < time.time() - SEEN_EVERY_S:
                self._note(connection, seen)
        return not ended

    def of_user(self, user_id: str, version: int, within_s: float) -> list[Session]:
        """The account's sessions of this version that were seen within that time, the latest first."""
        with closing(self._connect()) as connection:
            rows = connection.execute(
                "SELECT id, user_id, version, address, agent, began_s, seen_s FROM begun "
                "WHERE user_id=? AND version=? AND seen_s>? ORDER BY seen_s DESC, began_s DESC",
                (user_id, version, time.time() - within_s),
            )
            return [Session(*row) for row in rows.fetchall()]

    def _note(self, connection: sqlite3.Connection, seen: Session) -> None:
        """A list that misses somebody is better than a page that fails."""
        now = time.time()
        try:
            connection.execute(
                "INSERT INTO begun VALUES (?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET "
                "version=excluded.version, address=excluded.address, agent=excluded.agent, seen_s=excluded.seen_s",
                (seen.id, seen.user_id, seen.version, seen.address, seen.agent[:LONGEST], now, now),
            )
        except sqlite3.Error:
            log.exception("when a session was seen could not be noted")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

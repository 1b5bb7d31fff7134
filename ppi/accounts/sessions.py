"""Sessions that were ended before their cookie expired: a small SQLite table shared by all processes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

KEPT_S = 40 * 24 * 3600


class EndedSessions:
    """Remembers ended session ids for longer than any cookie lives."""

    def __init__(self, path: Path):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY, ended_s REAL NOT NULL)")

    def end(self, session_id: str) -> None:
        """Refuse this session from now on, in every process."""
        with closing(self._connect()) as connection:
            connection.execute("DELETE FROM ended WHERE ended_s<?", (time.time() - KEPT_S,))
            connection.execute("INSERT OR IGNORE INTO ended VALUES (?,?)", (session_id, time.time()))

    def is_ended(self, session_id: str) -> bool:
        with closing(self._connect()) as connection:
            return connection.execute("SELECT 1 FROM ended WHERE id=?", (session_id,)).fetchone() is not None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

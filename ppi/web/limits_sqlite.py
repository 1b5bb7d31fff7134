"""A store for the rate limiter in SQLite, shared by all processes of one machine.

Implements the storage contract of the `limits` library for its fixed-window strategy.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from limits.storage import Storage

SCHEMA = "CREATE TABLE IF NOT EXISTS hits (key TEXT PRIMARY KEY, amount INTEGER NOT NULL, expires_s REAL NOT NULL)"
COUNT = """
INSERT INTO hits VALUES (:key, :amount, :now + :expiry)
ON CONFLICT (key) DO UPDATE SET
  amount = CASE WHEN expires_s <= :now THEN :amount ELSE amount + :amount END,
  expires_s = CASE WHEN expires_s <= :now THEN :now + :expiry ELSE expires_s END
RETURNING amount
"""


class SqliteLimits(Storage):
    """Chosen by an address of the form `ppi-sqlite:///absolute/path`."""

    STORAGE_SCHEME = ["ppi-sqlite"]

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: str):
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = Path((uri or "").removeprefix("ppi-sqlite://"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(SCHEMA)

    @property
    def base_exceptions(self) -> type[Exception]:
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with closing(self._connect()) as connection:
            values = {"key": key, "amount": amount, "now": time.time(), "expiry": expiry}
            return connection.execute(COUNT, values).fetchall()[0][0]

    def get(self, key: str) -> int:
        with closing(self._connect()) as connection:
            row = connection.execute("SELECT amount FROM hits WHERE key=? AND expires_s>?", (key, time.time())).fetchone()
        return row[0] if row else 0

    def get_expiry(self, key: str) -> float:
        with closing(self._connect()) as connection:
            row = connection.execute("SELECT expires_s FROM hits WHERE key=?", (key,)).fetchone()
        return row[0] if row else time.time()

    def check(self) -> bool:
        with closing(self._connect()) as connection:
            return connection.execute("SELECT 1").fetchone() is not None

    def reset(self) -> int | None:
        with closing(self._connect()) as connection:
            return connection.execute("DELETE FROM hits").rowcount

    def clear(self, key: str) -> None:
        with closing(self._connect()) as connection:
            connection.execute("DELETE FROM hits WHERE key=?", (key,))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

"""The SQLite file behind jobs, lessons and links: connections, schema and transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, lane TEXT NOT NULL, owner_id TEXT NOT NULL, lesson_id TEXT NOT NULL,
  input TEXT NOT NULL, status TEXT NOT NULL, phase TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL DEFAULT '',
  stage_args TEXT NOT NULL DEFAULT '{}', progress INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,
  attempts_base INTEGER NOT NULL DEFAULT 0, runner TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '',
  lease_until_s REAL NOT NULL DEFAULT 0, not_before_s REAL NOT NULL DEFAULT 0,
  is_cancel_requested INTEGER NOT NULL DEFAULT 0,
  error_code TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', error_args TEXT NOT NULL DEFAULT '{}',
  result TEXT NOT NULL DEFAULT '{}', created_s REAL NOT NULL, started_s REAL NOT NULL DEFAULT 0,
  updated_s REAL NOT NULL, finished_s REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (lane, status, created_s);
CREATE INDEX IF NOT EXISTS jobs_of_lesson ON jobs (lesson_id, kind, created_s);
CREATE TABLE IF NOT EXISTS lessons (
  id TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner_id TEXT NOT NULL,
  owner_name TEXT NOT NULL, video_key TEXT NOT NULL, size_bytes INTEGER NOT NULL, offset_bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL, state TEXT NOT NULL, source_key TEXT NOT NULL DEFAULT '', expires_s REAL NOT NULL DEFAULT 0,
  created_s REAL NOT NULL);
CREATE INDEX IF NOT EXISTS lessons_of_owner ON lessons (owner_id, created_s);
CREATE TABLE IF NOT EXISTS links (
  token TEXT PRIMARY KEY, lesson_id TEXT NOT NULL, key TEXT NOT NULL, created_s REAL NOT NULL,
  is_revoked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS links_of_lesson ON links (lesson_id, key);
"""


class Database:
    """One SQLite file in WAL mode, one connection per thread. The file must lie on a local disk."""

    def __init__(self, path: Path):
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.connection() as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The thread's connection, in autocommit: every single statement is a transaction."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection = connection
        yield connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Several statements that happen together or not at all; takes the write lock at once."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

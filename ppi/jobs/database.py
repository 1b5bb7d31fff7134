"""The SQLite file behind jobs, lessons and links: connections, schema and transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ppi.errors import DiskFull, ServerAway
from ppi.jobs.fair import FAIR_QUEUES

# How long a statement waits for another process to let go of the file.
BUSY_S = 30
# Lists show what was not deleted. Each order has an index, which is read forwards or backwards; `name_key` and `owner_key` are
# the names without regard to case, which SQLite itself cannot fold.
SHOWN = "state NOT IN ('binned','deleting')"
INDEXES = f"""
CREATE INDEX IF NOT EXISTS lessons_shown ON lessons (created_s, id, state) WHERE {SHOWN};
CREATE INDEX IF NOT EXISTS lessons_shown_of_owner ON lessons (owner_id, created_s, id, state, size_bytes) WHERE {SHOWN};
CREATE INDEX IF NOT EXISTS lessons_by_name ON lessons (name_key, created_s, id) WHERE {SHOWN};
CREATE INDEX IF NOT EXISTS lessons_by_owner ON lessons (owner_key, created_s, id) WHERE {SHOWN};
CREATE INDEX IF NOT EXISTS lessons_by_size ON lessons (size_bytes, created_s, id) WHERE {SHOWN};
CREATE INDEX IF NOT EXISTS lessons_in_state ON lessons (state);
"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, queue TEXT NOT NULL, owner_id TEXT NOT NULL, lesson_id TEXT NOT NULL,
  input TEXT NOT NULL, status TEXT NOT NULL, place TEXT NOT NULL, phase TEXT NOT NULL, stage TEXT NOT NULL,
  stage_args TEXT NOT NULL, progress INTEGER NOT NULL, attempt INTEGER NOT NULL, attempts_base INTEGER NOT NULL,
  beats INTEGER NOT NULL, outages INTEGER NOT NULL, runner TEXT NOT NULL, host TEXT NOT NULL, not_before_s REAL NOT NULL,
  is_cancel_requested INTEGER NOT NULL, error_code TEXT NOT NULL, error TEXT NOT NULL, error_args TEXT NOT NULL,
  result TEXT NOT NULL, created_s REAL NOT NULL, started_s REAL NOT NULL, updated_s REAL NOT NULL,
  finished_s REAL NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (status, queue, created_s);
CREATE INDEX IF NOT EXISTS jobs_of_lesson ON jobs (lesson_id, kind, created_s);
CREATE TABLE IF NOT EXISTS lessons (
  id TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner_id TEXT NOT NULL,
  owner_name TEXT NOT NULL, video_key TEXT NOT NULL, size_bytes INTEGER NOT NULL, offset_bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL, state TEXT NOT NULL, source_key TEXT NOT NULL, expires_s REAL NOT NULL, created_s REAL NOT NULL,
  place TEXT NOT NULL, name_key TEXT NOT NULL DEFAULT '', owner_key TEXT NOT NULL DEFAULT '');
{indexes}
CREATE TABLE IF NOT EXISTS links (
  token TEXT PRIMARY KEY, lesson_id TEXT NOT NULL, key TEXT NOT NULL, created_s REAL NOT NULL,
  is_revoked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS links_of_lesson ON links (lesson_id, key);
CREATE TABLE IF NOT EXISTS turns (chore TEXT PRIMARY KEY, taken_s REAL NOT NULL);
CREATE TRIGGER IF NOT EXISTS owner_served AFTER UPDATE OF status ON jobs
  WHEN NEW.status='running' AND OLD.status='queued' AND NEW.queue IN ({fair})
  BEGIN INSERT OR REPLACE INTO turns VALUES ('served:' || NEW.queue || ':' || NEW.owner_id, NEW.updated_s); END;
CREATE TABLE IF NOT EXISTS kept (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS processes (
  name TEXT PRIMARY KEY, host TEXT NOT NULL, role TEXT NOT NULL, queues TEXT NOT NULL, version TEXT NOT NULL,
  started_s REAL NOT NULL, seen_s REAL NOT NULL);
""".format(fair=",".join(f"'{queue}'" for queue in FAIR_QUEUES), indexes=INDEXES)

# What the first version wrote, brought into today's shape; jobs it left running are begun anew.
FROM_FIRST_VERSION = """
ALTER TABLE lessons ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs RENAME TO old_jobs;
DROP INDEX IF EXISTS jobs_waiting;
DROP INDEX IF EXISTS jobs_of_lesson;
{schema}
INSERT INTO jobs SELECT id, kind,
  CASE kind WHEN 'ingest' THEN 'receive' WHEN 'publish' THEN 'publish' WHEN 'build_dataset' THEN 'dataset' ELSE 'speech' END,
  owner_id, lesson_id, input, CASE status WHEN 'running' THEN 'queued' ELSE status END, '', phase, stage, stage_args,
  progress, attempt, attempt, 0, 0, '', '', 0, is_cancel_requested, error_code, error, error_args, result, created_s,
  started_s, updated_s, finished_s FROM old_jobs;
DROP TABLE old_jobs;
"""
# Lessons of versions before had no keys to sort by.
KEYS_OF_LESSONS = """
ALTER TABLE lessons ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE lessons ADD COLUMN owner_key TEXT NOT NULL DEFAULT '';
UPDATE lessons SET name_key=folded(name), owner_key=folded(owner_name);
DROP INDEX IF EXISTS lessons_of_owner;
"""
VERSION = 4


class Database:
    """One SQLite file in WAL mode, one connection per thread. The file must lie on a local disk.

    Whatever SQLite cannot do now is raised as ServerAway (locked, broken disk) or DiskFull.
    """

    def __init__(self, path: Path):
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"), self.connection() as connection:
            _bring_up_to_date(connection)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The thread's connection, in autocommit: every single statement is a transaction."""
        with _faults():
            yield self._open()

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

    def _open(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # SQLite itself knows the letters of ASCII only.
            connection.create_function("folded", 1, str.casefold, deterministic=True)
            self._local.connection = connection
        return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version >= VERSION:
        return
    is_there = connection.execute("SELECT 1 FROM sqlite_master WHERE name='jobs'").fetchone()
    script = FROM_FIRST_VERSION.format(schema=SCHEMA) if version < 2 and is_there else SCHEMA
    script = (KEYS_OF_LESSONS if version < 4 and is_there else "") + script
    connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={VERSION}; COMMIT;")


@contextmanager
def _faults() -> Iterator[None]:
    """SQLite's own faults in PPI's words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise DiskFull("There is no room left on the disk. Free some space and try again.") from error
        raise ServerAway("The job ledger cannot be used now ({reason}). Try again in a minute.", reason=str(error)) from error

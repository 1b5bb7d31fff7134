"""The composition root: builds what workflows work with from the settings, lazily and after any fork."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ppi.accounts.audit import AuditLog
from ppi.accounts.sessions import Sessions
from ppi.accounts.users import Users
from ppi.jobs.database import Database
from ppi.jobs.ledger import Job, Ledger
from ppi.jobs.ledger_sqlite import SqliteLedger
from ppi.jobs.lessons import Lessons, Links
from ppi.jobs.lessons_sqlite import SqliteLessons
from ppi.jobs.links_sqlite import SqliteLinks
from ppi.jobs.locks import COMPARISONS, DECISIONS, TRANSCRIPTS, WORD_LISTS, FileLocks, Locks, RedisLocks
from ppi.jobs.usual import Usual
from ppi.jobs.watch import Watch
from ppi.media.ffmpeg import Ffmpeg
from ppi.settings import Settings
from ppi.storage import open_store
from ppi.storage.base import ObjectStore

if TYPE_CHECKING:
    from ppi.jobs.celery_queue import CeleryBell
    from ppi.jobs.journal import Journal
    from ppi.jobs.redis_db import RedisDatabase


class Services:
    """One per process. `wake` tells the runner of this process, when it has one, that there is new work."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.wake: Callable[[], None] = lambda: None

    @cached_property
    def secret_key(self) -> str:
        """Signs cookies and links: SECRET_KEY, else the one kept in the data folder."""
        return self.settings.web.secret_key or _kept_text(self.settings.data_dir / "secret_key", secrets.token_hex(32))

    @cached_property
    def users(self) -> Users:
        return Users(self.settings.users_file)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.settings.data_dir / "sessions.sqlite3")

    @cached_property
    def audit(self) -> AuditLog:
        return AuditLog(self.settings.data_dir / "audit.sqlite3", self.settings.audit_s)

    @cached_property
    def store(self) -> ObjectStore:
        return open_store(self.settings, self.secret_key)

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.data_dir / "ledger.sqlite3")

    @cached_property
    def redis(self) -> RedisDatabase:
        from ppi.jobs.redis_db import RedisDatabase

        return RedisDatabase(self.settings.redis)

    @cached_property
    def journal(self) -> Journal:
        """What this machine must not forget when Redis does."""
        from ppi.jobs.journal import Journal

        return Journal(self.settings.data_dir / "journal.sqlite3")

    @cached_property
    def ledger(self) -> Ledger:
        if not self.is_cluster:
            return SqliteLedger(self.database, self.settings.jobs.max_attempts)
        from ppi.jobs.ledger_redis import RedisLedger

        return RedisLedger(self.redis, self.journal, self.settings.jobs.max_attempts)

    @cached_property
    def watch(self) -> Watch:
        """What is under way, for everybody who watches."""
        return Watch(self.ledger)

    @cached_property
    def usual(self) -> Usual:
        """How long jobs took lately."""
        return Usual(self.ledger)

    @cached_property
    def lessons(self) -> Lessons:
        if not self.is_cluster:
            return SqliteLessons(self.database)
        from ppi.jobs.lessons_redis import RedisLessons

        return RedisLessons(self.redis, self.journal)

    @cached_property
    def links(self) -> Links:
        if not self.is_cluster:
            return SqliteLinks(self.database)
        from ppi.jobs.lessons_redis import RedisLinks

        return RedisLinks(self.redis, self.journal)

    @cached_property
    def upload_locks(self) -> Locks:
        return RedisLocks(self.redis) if self.is_cluster else FileLocks(self.uploads_dir)

    @cached_property
    def transcript_locks(self) -> Locks:
        """By the lesson's id: whoever writes a version of its transcript holds the lock."""
        return self._locks(TRANSCRIPTS)

    @cached_property
    def decision_locks(self) -> Locks:
        """By the lesson's id: whoever saves decisions about its disagreements holds the lock."""
        return self._locks(DECISIONS)

    @cached_property
    def comparison_locks(self) -> Locks:
        """By the lesson's id: whoever compares its annotators holds the lock."""
        return self._locks(COMPARISONS)

    @cached_property
    def word_list_locks(self) -> Locks:
        """By the account's id: whoever saves its lists of words holds the lock."""
        return self._locks(WORD_LISTS)

    def _locks(self, kind: str) -> Locks:
        return RedisLocks(self.redis, kind) if self.is_cluster else FileLocks(self.settings.data_dir / "locks", kind)

    @cached_property
    def bell(self) -> CeleryBell:
        """Rings for workers on other machines."""
        from ppi.jobs.celery_queue import CeleryBell, make_celery

        return CeleryBell(make_celery(self.settings.redis))

    def ring(self, job: Job) -> None:
        """Say that there is new work, to the runner of this process, to the workers, and to those who watch."""
        self.wake()
        self.watch.forget()
        if self.is_cluster:
            self.bell.ring(job)

    @property
    def is_cluster(self) -> bool:
        """Whether jobs are kept in Redis and done by workers, perhaps on several machines."""
        return self.settings.redis.is_enabled

    @cached_property
    def place(self) -> str:
        """The name of this data folder, made on first use: jobs that need its files are done beside it."""
        return _kept_text(self.settings.data_dir / "place", secrets.token_hex(8))

    @cached_property
    def ffmpeg(self) -> Ffmpeg:
        return Ffmpeg(self.settings.media)

    @property
    def raw(self) -> str:
        """The bucket of lessons."""
        return self.settings.storage.raw_bucket

    @property
    def final(self) -> str:
        """The bucket of datasets."""
        return self.settings.storage.final_bucket

    @property
    def uploads_dir(self) -> Path:
        """Where bytes of unfinished uploads lie."""
        return self.settings.data_dir / "uploads"

    @property
    def work_dir(self) -> Path:
        """Where jobs make their files before they are stored."""
        return self.settings.data_dir / "work"


def _kept_text(path: Path, fresh_text: str) -> str:
    """The text of a file made on first use, readable by nobody else; of several processes starting at once one makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh_text)
        try:
            os.link(fresh, path)
        except FileExistsError:  # another process was quicker: what it wrote holds
            return path.read_text().strip()
        finally:
            fresh.unlink()
    return path.read_text().strip()

"""The composition root: builds what workflows work with from the settings, lazily and after any fork."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from ppi.accounts.sessions import EndedSessions
from ppi.accounts.users import Users
from ppi.jobs.database import Database
from ppi.jobs.ledger_sqlite import SqliteLedger
from ppi.jobs.lessons_sqlite import SqliteLessons
from ppi.jobs.links_sqlite import SqliteLinks
from ppi.media.ffmpeg import Ffmpeg
from ppi.settings import Settings
from ppi.storage import open_store
from ppi.storage.base import ObjectStore


class Services:
    """One per process. `ring` tells the runner of this process, when it has one, that there is new work."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.ring: Callable[[], None] = lambda: None

    @cached_property
    def secret_key(self) -> str:
        """Signs cookies and links: SECRET_KEY, else the one kept in the data folder."""
        return self.settings.web.secret_key or _kept_secret(self.settings.data_dir)

    @cached_property
    def users(self) -> Users:
        return Users(self.settings.users_file)

    @cached_property
    def sessions(self) -> EndedSessions:
        return EndedSessions(self.settings.data_dir / "sessions.sqlite3")

    @cached_property
    def store(self) -> ObjectStore:
        return open_store(self.settings, self.secret_key)

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.data_dir / "ledger.sqlite3")

    @cached_property
    def ledger(self) -> SqliteLedger:
        return SqliteLedger(self.database, self.settings.jobs.lease_s, self.settings.jobs.max_attempts)

    @cached_property
    def lessons(self) -> SqliteLessons:
        return SqliteLessons(self.database)

    @cached_property
    def links(self) -> SqliteLinks:
        return SqliteLinks(self.database)

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


def _kept_secret(data_dir: Path) -> str:
    """The key in the data folder, made on first use; of several processes starting at once one makes it."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = data_dir / f"secret_key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(fresh, path)
        except FileExistsError:  # another process was quicker: its key holds
            return path.read_text().strip()
        finally:
            fresh.unlink()
    return path.read_text().strip()

"""Stable links as rows: a random token stands for one object of a lesson until it is revoked."""

from __future__ import annotations

import secrets
import time

from ppi.errors import NotFound
from ppi.jobs.database import Database


class SqliteLinks:
    """All methods are safe to call from several processes."""

    def __init__(self, database: Database):
        self._database = database

    def token_for(self, lesson_id: str, key: str) -> str:
        """The live token of the object, made when there is none."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT token FROM links WHERE lesson_id=? AND key=? AND is_revoked=0", (lesson_id, key)
            ).fetchone()
            token = row[0] if row else secrets.token_urlsafe(18)
            if not row:
                connection.execute(
                    "INSERT INTO links (token, lesson_id, key, created_s) VALUES (?,?,?,?)",
                    (token, lesson_id, key, time.time()),
                )
        return token

    def key_of(self, token: str) -> str:
        """Raises NotFound for unknown and revoked tokens alike."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT key FROM links WHERE token=? AND is_revoked=0", (token,)).fetchone()
        if not row:
            raise NotFound("This link is not valid any more. Ask its owner for a new one.")
        return row[0]

    def revoke(self, lesson_id: str) -> int:
        """End all stable links of a lesson; answers how many there were."""
        with self._database.connection() as connection:
            return connection.execute(
                "UPDATE links SET is_revoked=1 WHERE lesson_id=? AND is_revoked=0", (lesson_id,)
            ).rowcount

"""A journal beside Redis: what this data folder was promised to keep, for the case that Redis forgets.

Redis may come back empty or some seconds older than it was. What was acknowledged to a person here (lessons, jobs,
links) is written into a SQLite file of this machine first; `mend` (see workflows/mending.py) compares and writes the
missing rows again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppi.jobs.database import Database


class Journal:
    """Kept rows by kind ("lesson", "job", "link") and id. Safe to use from several processes."""

    def __init__(self, path: Path):
        self._database = Database(path)

    def keep(self, kind: str, row_id: str, row: Mapping[str, Any]) -> None:
        """Write the row, in place of an older one, before this returns."""
        with self._database.connection() as connection:
            connection.execute("INSERT OR REPLACE INTO kept VALUES (?,?,?)", (kind, row_id, json.dumps(row, default=str)))

    def forget(self, kind: str, row_id: str) -> None:
        with self._database.connection() as connection:
            connection.execute("DELETE FROM kept WHERE kind=? AND id=?", (kind, row_id))

    def has(self, kind: str, row_id: str) -> bool:
        with self._database.connection() as connection:
            return bool(connection.execute("SELECT 1 FROM kept WHERE kind=? AND id=?", (kind, row_id)).fetchone())

    def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """All rows of a kind by id."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT id, body FROM kept WHERE kind=?", (kind,)).fetchall()
        return {row[0]: json.loads(row[1]) for row in rows}

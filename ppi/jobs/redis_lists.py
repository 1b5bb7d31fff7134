"""Whole lists of Redis, kept in this process for as long as none of them changes.

Who searches looks through all names. They are asked for again only when a lesson came, went or changed its state; else one
question, for the version of the lists, is all.
"""

from __future__ import annotations

from collections.abc import Sequence

from ppi.jobs.redis_db import RedisDatabase


class KeptLists:
    """Sorted sets whose every change also changes the value at `version_key` to one that was never there before."""

    def __init__(self, database: RedisDatabase, version_key: str):
        self._database = database
        self._version_key = version_key
        # Replaced as a whole, so that threads need no lock.
        self._kept: tuple[str | None, dict[str, list[str]]] = None, {}

    def read(self, keys: Sequence[str]) -> list[list[str]]:
        """The members of these lists, each in its order, all as of one moment. Not to be changed by the caller."""
        version, lists = self._kept
        with self._database.faults() as client:
            if version is not None and lists.keys() >= set(keys) and client.get(self._version_key) == version:
                return [lists[key] for key in keys]
            pipe = client.pipeline(transaction=True)
            pipe.get(self._version_key)
            for key in keys:
                pipe.zrange(key, 0, -1)
            now, *found = pipe.execute()
        fresh = dict(zip(keys, found, strict=True))
        self._kept = now, {**lists, **fresh} if now == version else fresh
        return found

"""The connection to Redis, and what its faults mean. All keys begin with `ppi:`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from ppi.errors import ServerAway
from ppi.settings import RedisSettings

PREFIX = "ppi:"
CONNECT_S, ANSWER_S = 3, 10


class RedisDatabase:
    """One client per process, safe for threads and forks. Making one connects to nothing."""

    def __init__(self, settings: RedisSettings):
        self._address = f"{settings.host}:{settings.port}"
        self.client = redis.Redis(
            **connection_options(settings), decode_responses=True, retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3)
        )

    def script(self, text: str) -> Any:
        """A Lua script, which Redis runs as a whole with nothing in between."""
        return self.client.register_script(text)

    @contextmanager
    def faults(self) -> Iterator[redis.Redis]:
        """The client; its faults are raised as ServerAway."""
        try:
            yield self.client
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise self._away(type(error).__name__) from error
        except redis.ResponseError as error:
            if str(error).split(" ")[0] not in ("LOADING", "MISCONF", "READONLY", "OOM", "BUSY"):
                raise
            raise self._away(str(error).split(" ")[0]) from error

    def missing(self, kind: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that have no row of this kind."""
        with self.faults() as client:
            pipe = client.pipeline(transaction=False)
            for row_id in ids:
                pipe.exists(f"{PREFIX}{kind}:{row_id}")
            return {row_id for row_id, is_there in zip(ids, pipe.execute(), strict=True) if not is_there}

    def now_s(self) -> float:
        """Seconds since the epoch as Redis counts them."""
        with self.faults() as client:
            seconds, micros = client.time()
        return seconds + micros / 1_000_000

    def _away(self, reason: str) -> ServerAway:
        return ServerAway(
            "The job ledger (Redis at {address}) does not answer ({reason}). Nothing is lost; try again in a minute.",
            address=self._address, reason=reason,
        )  # fmt: skip


def connection_options(settings: RedisSettings) -> dict[str, Any]:
    """What every client of this Redis is made with."""
    return {
        "host": settings.host, "port": settings.port, "db": settings.db, "password": settings.password or None,
        "ssl": settings.is_secure, "socket_connect_timeout": CONNECT_S, "socket_timeout": ANSWER_S,
    }  # fmt: skip


def plain(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as a hash holds them: text; floats exactly, flags as 1 and 0."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def typed(row: Mapping[str, str], like: Any) -> dict[str, Any]:
    """The texts of a hash as the types of the fields of `like`, an instance of the row's class."""
    found = {}
    for name, value in row.items():
        kind = type(getattr(like, name))
        found[name] = value == "1" if kind is bool else kind(value)
    return found

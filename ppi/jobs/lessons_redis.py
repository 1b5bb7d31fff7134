"""Rows of lessons and stable links in Redis; see lessons.py.

A lesson is a hash `lesson:<id>`; `lessons` and `lessons:owner:<id>` are sorted by creation, `prefixes` leads from a
prefix to its lesson. A link is a hash `link:<token>`; `links:<lesson id>` is the set of a lesson's tokens,
`linkof:<lesson id>` leads from an object key to its token, `revoked` remembers the tokens that were revoked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace

from ppi.errors import Conflict, NotFound
from ppi.jobs.journal import Journal
from ppi.jobs.lessons import Layout, LessonRow, Wanted, new_row, prefixes_of, quota_is_full
from ppi.jobs.redis_db import CHANGE_ROW, PREFIX, RedisDatabase, plain, typed

BLANK = LessonRow("", "", "", "", "", "", 0, 0, 0, "", "", 0.0, 0.0, "")
ORDERS = {
    "created": lambda row: row.created_s, "name": lambda row: row.name.casefold(), "size": lambda row: row.size_bytes,
    "owner": lambda row: row.owner_name.casefold(),
}  # fmt: skip
# ARGV: prefix of keys, row as JSON, most lessons of the owner or "". A row that is there already is kept.
RESERVE = """
local p, row = ARGV[1], cjson.decode(ARGV[2])
if redis.call('EXISTS', p .. 'lesson:' .. row.id) == 1 then return 'ok' end
if ARGV[3] ~= '' and redis.call('ZCARD', p .. 'lessons:owner:' .. row.owner_id) >= tonumber(ARGV[3]) then return 'full' end
if redis.call('HSETNX', p .. 'prefixes', row.prefix, row.id) == 0 then return 'taken' end
for name, value in pairs(row) do redis.call('HSET', p .. 'lesson:' .. row.id, name, value) end
redis.call('ZADD', p .. 'lessons', row.created_s, row.id)
redis.call('ZADD', p .. 'lessons:owner:' .. row.owner_id, row.created_s, row.id)
return 'ok'
"""
# ARGV: prefix of keys, lesson id.
REMOVE = """
local p, id = ARGV[1], ARGV[2]
local row = redis.call('HMGET', p .. 'lesson:' .. id, 'prefix', 'owner_id')
if row[1] then
  redis.call('HDEL', p .. 'prefixes', row[1])
  redis.call('ZREM', p .. 'lessons', id)
  redis.call('ZREM', p .. 'lessons:owner:' .. row[2], id)
  redis.call('DEL', p .. 'lesson:' .. id)
end
for _, token in ipairs(redis.call('SMEMBERS', p .. 'links:' .. id)) do redis.call('DEL', p .. 'link:' .. token) end
redis.call('DEL', p .. 'links:' .. id, p .. 'linkof:' .. id)
"""


class RedisLessons:
    """See `ppi.jobs.lessons.Lessons`. Rows of this place are kept in `journal` too."""

    def __init__(self, database: RedisDatabase, journal: Journal):
        self._database = database
        self._journal = journal
        self._reserve = database.script(RESERVE)
        self._remove = database.script(REMOVE)
        self._change = database.script(CHANGE_ROW)

    def reserve(
        self, *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int, max_lessons: int | None,
        layout: Layout, expires_s: float, source_key: str = "", place: str = "",
    ) -> LessonRow:  # fmt: skip
        row = new_row(
            layout(1), name=name, owner_id=owner_id, owner_name=owner_name, size_bytes=size_bytes, parts=parts,
            expires_s=expires_s, source_key=source_key, place=place,
        )  # fmt: skip
        serial = 1
        while (answer := self._write_new(row, max_lessons)) == "taken":
            serial += 1
            prefix, video_key = layout(serial)
            row = replace(row, prefix=prefix, video_key=video_key)
        if answer == "full":
            raise quota_is_full(max_lessons or 0)
        self._journal.keep("lesson", row.id, asdict(row))
        return row

    def restore(self, row: LessonRow) -> None:
        self._write_new(row, None)

    def get(self, lesson_id: str) -> LessonRow:
        found = self._rows([lesson_id])
        if not found:
            raise NotFound("There is no such lesson.", lesson_id=lesson_id)
        return found[0]

    def missing(self, lesson_ids: list[str]) -> set[str]:
        return self._database.missing("lesson", lesson_ids)

    def list(self, owner_id: str = "") -> list[LessonRow]:
        index = f"{PREFIX}lessons:owner:{owner_id}" if owner_id else f"{PREFIX}lessons"
        with self._database.faults() as client:
            ids = client.zrange(index, 0, -1, desc=True)
        return self._rows(ids)

    def page(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[LessonRow], int]:
        """Redis sorts by creation only: other lists are made of all rows, which come in one go."""
        index = f"{PREFIX}lessons:owner:{wanted.owner_id}" if wanted.owner_id else f"{PREFIX}lessons"
        if wanted.is_narrowed:
            found = [row for row in self.list(wanted.owner_id) if _is_wanted(row, wanted)]
            found.sort(key=ORDERS[wanted.sort.removeprefix("-")], reverse=wanted.is_turned)
            return found[offset : offset + limit], len(found)
        with self._database.faults() as client:
            total, ids = client.zcard(index), client.zrange(index, offset, offset + limit - 1, desc=True)
        return [row for row in self._rows(ids) if row.state != "deleting"], total

    def of_keys(self, keys: Sequence[str]) -> dict[str, LessonRow]:
        asked = sorted({prefix for key in keys for prefix in prefixes_of(key)})
        if not asked:
            return {}
        with self._database.faults() as client:
            ids = [found for found in client.hmget(f"{PREFIX}prefixes", asked) if found]
        rows = {row.prefix: row for row in self._rows(ids)}
        return {key: rows[prefix] for key in keys for prefix in prefixes_of(key) if prefix in rows}

    def advance(self, lesson_id: str, from_bytes: int, to_bytes: int) -> None:
        stands = {"state": "uploading", "offset_bytes": from_bytes}
        if not self._write(lesson_id, stands, {"offset_bytes": to_bytes}):
            raise Conflict("Another connection continued this upload meanwhile. Ask for the offset again.")

    def move_on(self, lesson_id: str, from_state: str, to_state: str) -> None:
        self._write(lesson_id, {"state": from_state}, {"state": to_state})

    def set_expiry(self, lesson_id: str, expires_s: float) -> None:
        self._write(lesson_id, {}, {"expires_s": expires_s})

    def set_parts(self, lesson_id: str, parts: int) -> None:
        self._write(lesson_id, {}, {"parts": parts})

    def remove(self, lesson_id: str) -> None:
        with self._database.faults():
            self._remove(args=[PREFIX, lesson_id])
        self._journal.forget("lesson", lesson_id)

    def _write_new(self, row: LessonRow, most: int | None) -> str:
        with self._database.faults():
            return self._reserve(args=[PREFIX, json.dumps(plain(asdict(row))), "" if most is None else most])

    def _write(self, lesson_id: str, conditions: dict, updates: dict) -> bool:
        arguments = [json.dumps(plain(conditions)), json.dumps(plain(updates)), "{}"]
        with self._database.faults():
            is_changed = bool(self._change(keys=[f"{PREFIX}lesson:{lesson_id}"], args=arguments))
        if is_changed and self._journal.has("lesson", lesson_id):
            self._journal.keep("lesson", lesson_id, asdict(self.get(lesson_id)))
        return is_changed

    def _rows(self, ids: list[str]) -> list[LessonRow]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for lesson_id in ids:
                pipe.hgetall(f"{PREFIX}lesson:{lesson_id}")
            return [LessonRow(**typed(row, BLANK)) for row in pipe.execute() if row]


def _is_wanted(row: LessonRow, wanted: Wanted) -> bool:
    text = wanted.text.casefold()
    return (
        row.state != "deleting" and wanted.state in ("", row.state) and (wanted.among is None or row.id in wanted.among)
        and (text in row.name.casefold() or text in row.owner_name.casefold())
    )  # fmt: skip


class RedisLinks:
    """See `ppi.jobs.lessons.Links`."""

    def __init__(self, database: RedisDatabase, journal: Journal):
        self._database = database
        self._journal = journal

    def token_for(self, lesson_id: str, key: str) -> str:
        with self._database.faults() as client:
            client.hsetnx(f"{PREFIX}linkof:{lesson_id}", key, secrets.token_urlsafe(18))
            token = client.hget(f"{PREFIX}linkof:{lesson_id}", key)
        self.restore(token, {"lesson_id": lesson_id, "key": key})
        if not self._journal.has("link", token):
            self._journal.keep("link", token, {"lesson_id": lesson_id, "key": key})
        return token

    def restore(self, token: str, link: dict[str, str]) -> None:
        """Write back a link that was lost. The object may have a second one by now: both live until they are revoked."""
        with self._database.faults() as client:
            client.hsetnx(f"{PREFIX}linkof:{link['lesson_id']}", link["key"], token)
            client.sadd(f"{PREFIX}links:{link['lesson_id']}", token)
            client.hset(f"{PREFIX}link:{token}", mapping=link)

    def missing(self, tokens: list[str]) -> set[str]:
        """Those of the tokens that are not known."""
        return self._database.missing("link", tokens)

    def is_revoked(self, token: str) -> bool:
        with self._database.faults() as client:
            return bool(client.sismember(f"{PREFIX}revoked", token))

    def key_of(self, token: str) -> str:
        with self._database.faults() as client:
            key = client.hget(f"{PREFIX}link:{token}", "key")
        if not key:
            raise NotFound("This link is not valid any more. Ask its owner for a new one.")
        return key

    def revoke(self, lesson_id: str) -> int:
        with self._database.faults() as client:
            tokens = client.smembers(f"{PREFIX}links:{lesson_id}")
            for token in tokens:
                client.sadd(f"{PREFIX}revoked", token)
                client.delete(f"{PREFIX}link:{token}")
                self._journal.forget("link", token)
            client.delete(f"{PREFIX}links:{lesson_id}", f"{PREFIX}linkof:{lesson_id}")
        return len(tokens)

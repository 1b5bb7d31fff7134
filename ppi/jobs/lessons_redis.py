"""Rows of lessons and stable links in Redis; see lessons.py.

A lesson is a hash `lesson:<id>`, and `prefixes` leads from a prefix to it. Lists are sorted sets of what was not deleted, each
of all lessons and again of each owner's (`...:owner:<id>`): `lessons` by creation, and `lessons:size`, `lessons:name` and
`lessons:byowner`, whose members are what is sorted by, the lesson's id at the end. `lessons:state:<state>` holds every lesson.
Whoever changes a list changes `lessons:version`.
A link is a hash `link:<token>`; `links:<lesson id>` is the set of a lesson's tokens, `linkof:<lesson id>` leads from an object
key to its token, `revoked` remembers the tokens that were revoked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from ppi.errors import Conflict, NotFound
from ppi.jobs.journal import Journal
from ppi.jobs.lessons import Layout, LessonRow, Wanted, new_row, prefixes_of, too_many, too_much
from ppi.jobs.lessons_scripts import BRING_BACK, CHANGE, INDEX, REMOVE, RESERVE
from ppi.jobs.redis_db import PREFIX, RedisDatabase, plain, typed
from ppi.jobs.redis_lists import KeptLists

BLANK = LessonRow("", "", "", "", "", "", 0, 0, 0, "", "", 0.0, 0.0, "")
FIELDS = tuple(LessonRow.__dataclass_fields__)
# Where each order is kept, beside those of the owners.
INDEXES = {"created": "lessons", "name": "lessons:name", "size": "lessons:size", "owner": "lessons:byowner"}
# Between the parts of what is sorted by: less than any letter, and in no name.
APART = "\x01"
# The form of the lists, set once the rows that versions before have written are in all of them.
INDEXED, FORM = f"{PREFIX}lessons:indexed", "2"


class RedisLessons:
    """See `ppi.jobs.lessons.Lessons`. Rows of this place are kept in `journal` too."""

    def __init__(self, database: RedisDatabase, journal: Journal):
        self._database = database
        self._journal = journal
        self._is_indexed = False
        self._lists = KeptLists(database, f"{PREFIX}lessons:version")
        scripts = {"reserve": RESERVE, "remove": REMOVE, "change": CHANGE, "bring_back": BRING_BACK, "index": INDEX}
        self._scripts = {name: database.script(text) for name, text in scripts.items()}

    def reserve(
        self, *, name: str, owner_id: str, owner_name: str, size_bytes: int, parts: int, max_lessons: int | None,
        layout: Layout, expires_s: float, source_key: str = "", place: str = "", max_bytes: int | None = None,
    ) -> LessonRow:  # fmt: skip
        self._bring_up_to_date()
        row = new_row(
            layout(1), name=name, owner_id=owner_id, owner_name=owner_name, size_bytes=size_bytes, parts=parts,
            expires_s=expires_s, source_key=source_key, place=place,
        )  # fmt: skip
        serial = 1
        while (answer := self._write_new(row, max_lessons, max_bytes)) == "taken":
            serial += 1
            prefix, video_key = layout(serial)
            row = replace(row, prefix=prefix, video_key=video_key)
        self._refuse_if_full(answer, row, max_lessons, max_bytes)
        self._journal.keep("lesson", row.id, asdict(row))
        return row

    def restore(self, row: LessonRow) -> None:
        self._write_new(row, None, None)

    def get(self, lesson_id: str) -> LessonRow:
        found = self._rows([lesson_id])
        if not found:
            raise NotFound(
                "There is no such lesson; it may have been deleted. Look at the list of lessons.", lesson_id=lesson_id
            )  # fmt: skip
        return found[0]

    def missing(self, lesson_ids: list[str]) -> set[str]:
        return self._database.missing("lesson", lesson_ids)

    def list(self, owner_id: str = "") -> list[LessonRow]:
        self._bring_up_to_date()
        with self._database.faults() as client:
            ids = client.zrange(_index(Wanted(owner_id)), 0, -1, desc=True)
        return self._rows(ids)

    def in_state(self, *states: str) -> list[LessonRow]:
        self._bring_up_to_date()
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for state in states:
                pipe.zrange(f"{PREFIX}lessons:state:{state}", 0, -1, desc=True)
            ids = [lesson_id for found in pipe.execute() for lesson_id in found]
        return [row for row in self._rows(ids) if row.state in states]

    def held(self, owner_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        self._bring_up_to_date()
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for owner_id in owner_ids:
                pipe.zrange(f"{PREFIX}lessons:size:owner:{owner_id}", 0, -1, withscores=True)
            sizes = [[int(size) for _, size in found] for found in pipe.execute()]
        return {owner_id: (len(own), sum(own)) for owner_id, own in zip(owner_ids, sizes, strict=True)}

    def page(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[LessonRow], int]:
        self._bring_up_to_date()
        if wanted.is_narrowed:
            ids = self._narrowed(wanted)
            return self._rows(ids[offset : offset + limit]), len(ids)
        index = _index(wanted)
        with self._database.faults() as client:
            total, found = client.zcard(index), client.zrange(index, offset, offset + limit - 1, desc=wanted.is_turned)
        return self._rows([_id_of(member) for member in found]), total

    def _narrowed(self, wanted: Wanted) -> list[str]:
        """The ids of the list, in its order."""
        keys = {"ordered": _index(wanted)}
        if wanted.state:
            keys["state"] = f"{PREFIX}lessons:state:{wanted.state}"
        if wanted.text:
            keys["named"] = _index(replace(wanted, sort="name"))
        found = dict(zip(keys, self._lists.read(list(keys.values())), strict=True))
        ids = [_id_of(member) for member in (reversed if wanted.is_turned else iter)(found["ordered"])]
        kept = set(ids)
        if wanted.state:
            kept.intersection_update(found["state"])
        if wanted.among is not None:
            kept &= wanted.among
        if wanted.text:
            text = wanted.text.casefold()
            kept &= {_id_of(member) for member in found["named"] if text in member and _holds(member, text)}
        return [lesson_id for lesson_id in ids if lesson_id in kept]

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

    def move_on(self, lesson_id: str, from_state: str, to_state: str, *, expires_s: float | None = None) -> bool:
        more = {} if expires_s is None else {"expires_s": expires_s}
        return self._write(lesson_id, {"state": from_state}, {"state": to_state, **more})

    def bring_back(self, lesson_id: str, to_state: str, *, max_lessons: int | None, max_bytes: int | None) -> bool:
        row = self.get(lesson_id)
        answer = self._run("bring_back", [lesson_id, to_state, *_limits(max_lessons, max_bytes)])
        self._refuse_if_full(answer, row, max_lessons, max_bytes)
        self._keep(lesson_id)
        return answer == "ok"

    def set_expiry(self, lesson_id: str, expires_s: float) -> None:
        self._write(lesson_id, {}, {"expires_s": expires_s})

    def set_parts(self, lesson_id: str, parts: int) -> None:
        self._write(lesson_id, {}, {"parts": parts})

    def remove(self, lesson_id: str) -> None:
        self._run("remove", [lesson_id])
        self._journal.forget("lesson", lesson_id)

    def _write_new(self, row: LessonRow, max_lessons: int | None, max_bytes: int | None) -> str:
        return self._run("reserve", [json.dumps(_hash(row)), *_limits(max_lessons, max_bytes)])

    def _refuse_if_full(self, answer: str, row: LessonRow, max_lessons: int | None, max_bytes: int | None) -> None:
        if answer == "full":
            raise too_many(max_lessons or 0)
        if answer == "heavy":
            raise too_much(self.held([row.owner_id])[row.owner_id][1], row.size_bytes, max_bytes or 0)

    def _write(self, lesson_id: str, conditions: dict, updates: dict) -> bool:
        is_changed = bool(self._run("change", [lesson_id, json.dumps(plain(conditions)), json.dumps(plain(updates))]))
        if is_changed:
            self._keep(lesson_id)
        return is_changed

    def _keep(self, lesson_id: str) -> None:
        """Bring what the journal holds of this lesson, if it does, up to date."""
        if self._journal.has("lesson", lesson_id):
            self._journal.keep("lesson", lesson_id, asdict(self.get(lesson_id)))

    def _bring_up_to_date(self) -> None:
        """Put rows that a version before has written into all lists, once in the life of a Redis."""
        if self._is_indexed:
            return
        with self._database.faults() as client:
            ids = [] if client.get(INDEXED) == FORM else client.zrange(f"{PREFIX}lessons", 0, -1)
            for row in self._rows(ids):
                self._run("index", [row.id, *_sorted_by(row)])
            client.set(INDEXED, FORM)
        self._is_indexed = True

    def _run(self, script: str, arguments: Sequence[Any]) -> Any:
        with self._database.faults():
            return self._scripts[script](args=[PREFIX, *arguments])

    def _rows(self, ids: Sequence[str]) -> list[LessonRow]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for lesson_id in ids:
                pipe.hmget(f"{PREFIX}lesson:{lesson_id}", FIELDS)
            found = [dict(zip(FIELDS, values, strict=True)) for values in pipe.execute()]
        return [LessonRow(**typed(row, BLANK)) for row in found if row["id"]]


def _hash(row: LessonRow) -> dict[str, str]:
    """The hash of a lesson: its row, and under what it stands in the lists by name and by owner."""
    by_name, by_owner = _sorted_by(row)
    return {**plain(asdict(row)), "by_name": by_name, "by_owner": by_owner}


def _sorted_by(row: LessonRow) -> tuple[str, str]:
    name, owner = row.name.casefold(), row.owner_name.casefold()
    made = f"{row.created_s:017.6f}"
    return APART.join((name, made, owner, row.id)), APART.join((owner, made, row.id))


def _index(wanted: Wanted) -> str:
    index = f"{PREFIX}{INDEXES[wanted.sort.removeprefix('-')]}"
    return f"{index}:owner:{wanted.owner_id}" if wanted.owner_id else index


def _id_of(member: str) -> str:
    return member.rpartition(APART)[2]


def _holds(member: str, text: str) -> bool:
    """Whether a member of the list by name has this text in its name or its owner's."""
    name, _, owner, _ = member.rsplit(APART, 3)
    return text in name or text in owner


def _limits(*limits: int | None) -> list[int | str]:
    return ["" if limit is None else limit for limit in limits]


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

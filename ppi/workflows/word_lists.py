"""Lists of names and subject words that somebody keeps, such as those of a class: chosen when a lesson is transcribed.

They are private to their owner. All lists of an account are one object of the store, so that several machines agree; whoever
changes it holds a lock.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ppi.accounts.users import User
from ppi.errors import Conflict, InputError, NotFound
from ppi.services import Services
from ppi.speech import recognizer
from ppi.storage import keys
from ppi.workflows.plain import check_file

MOST_LISTS, MAX_NAME, MOST_CHARACTERS = 50, 60, recognizer.MAX_PHRASES
# Another tab's save takes well under a second.
WAIT_S = 10.0
_BETWEEN = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class WordList:
    """`words` stand by commas, each once, as they should be written."""

    id: str
    name: str
    words: str


@dataclass(frozen=True)
class WordLists:
    """The lists of one account, the one that was chosen last first; `last` is its id, "" when none was chosen last."""

    lists: tuple[WordList, ...] = ()
    last: str = ""

    def find(self, wanted: str) -> WordList:
        """By its id or its name. Raises NotFound."""
        for one in self.lists:
            if wanted == one.id or _key(wanted) == _key(one.name):
                return one
        raise NotFound("You keep no list of words called “{name}”. Choose another one.", name=wanted[:MAX_NAME])


def load(services: Services, user: User) -> WordLists:
    try:
        found = json.loads(b"".join(services.store.read(services.final, keys.word_lists(user.id))))
    except NotFound:
        return WordLists()
    return WordLists(tuple(WordList(**one) for one in found["lists"]), found["last"])


def save(services: Services, user: User, *, name: str, words: str, list_id: str = "") -> WordList:
    """Keep a list: a new one, or the one of this id as it should be; one that was deleted meanwhile is there again.

    Raises InputError, and Conflict when another list has the name.
    """
    fresh = WordList(list_id or secrets.token_hex(8), _checked_name(name), tidy(words))
    if not fresh.words:
        raise InputError("This list is empty. Write names and subject words, by commas or each on a line of its own.")
    recognizer.check_phrases(fresh.words)
    with _hold(services, user):
        now = load(services, user)
        others = tuple(one for one in now.lists if one.id != fresh.id)
        if any(_key(one.name) == _key(fresh.name) for one in others):
            raise Conflict("You keep a list called “{name}” already. Give this one another name.", name=fresh.name)
        if len(others) >= MOST_LISTS:
            raise InputError("You may keep {most} lists. Delete one that you no longer need.", most=MOST_LISTS)
        is_new = len(others) == len(now.lists)
        lists = (*others, fresh) if is_new else tuple(fresh if one.id == fresh.id else one for one in now.lists)
        _store(services, user, replace(now, lists=lists))
    return fresh


def delete(services: Services, user: User, list_id: str) -> WordList:
    """Take a list away; transcripts that were made with it keep its words. Raises NotFound."""
    with _hold(services, user):
        now = load(services, user)
        gone = now.find(list_id)
        last = "" if now.last == gone.id else now.last
        _store(services, user, WordLists(tuple(one for one in now.lists if one != gone), last))
    return gone


def forget(services: Services, user: User) -> None:
    """Take away all lists of an account, which hold names of children perhaps: it is being removed."""
    services.store.delete(services.final, keys.word_lists(user.id))


def choose(services: Services, user: User, wanted: str) -> WordList | None:
    """The list of this id or name, which is offered first from now on; None for "". Raises NotFound."""
    now = load(services, user)
    chosen = now.find(wanted) if wanted else None
    if now.last != (chosen.id if chosen else ""):
        with _hold(services, user):
            now = load(services, user)
            first = tuple(one for one in now.lists if chosen and one.id == chosen.id)
            rest = tuple(one for one in now.lists if one not in first)
            _store(services, user, WordLists((*first, *rest), chosen.id if chosen else ""))
    return chosen


def tidy(words: str) -> str:
    """What somebody wrote by commas, semicolons or lines, by commas and each once."""
    parts = (" ".join(part.split()) for part in _BETWEEN.split(words))
    return ", ".join(dict.fromkeys(filter(None, parts)))


def from_file(path: Path) -> str:
    """The words of a text file, by commas. Raises InputError."""
    check_file(path)
    try:
        return tidy(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError("{name} is no text in UTF-8. Save it as one and try again.", name=path.name) from error


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InputError("A list's name has 1 to {limit} characters. Give another one.", limit=MAX_NAME)
    return name


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _hold(services: Services, user: User) -> AbstractContextManager:
    return services.word_list_locks.hold(user.id, WAIT_S)


def _store(services: Services, user: User, lists: WordLists) -> None:
    services.store.put_bytes(
        services.final, keys.word_lists(user.id), json.dumps(asdict(lists), ensure_ascii=False, indent=1).encode(),
        content_type="application/json", metadata={keys.USER_ID: user.id},
    )  # fmt: skip

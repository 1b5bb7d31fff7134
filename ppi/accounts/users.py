"""Accounts in `users.json`: passwords as scrypt hashes, API tokens as SHA-256, changes under a file lock."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from werkzeug.security import check_password_hash, generate_password_hash

from ppi.errors import Conflict, InputError, NotFound, SettingsError

ROLES = ("admin", "DL-user")
NAME_FORM = re.compile(r"[\w][\w .@-]{1,63}", re.UNICODE)
MIN_PASSWORD = 8
# More than any disk holds, and still a number that SQLite and Redis count exactly.
MOST = 10**15
INVITATION_LIFE_S = 7 * 24 * 3600
# Hashing is slow on purpose; a flood of log-ins must not take every core.
PARALLEL_HASHES = threading.BoundedSemaphore(4)


@dataclass(frozen=True)
class ApiToken:
    """A token by its hash; the token itself is shown once, when it is made."""

    id: str
    label: str
    created: str
    sha256: str = field(repr=False)


@dataclass(frozen=True)
class User:
    """One account. Raising `session_version` ends all its sessions.

    `language` is "en", "ru" or "" (the browser's), `theme` "light", "dark" or "" (the system's). `invitation_sha256` is the
    hash of a link that lets whoever holds it choose the password once, until `invitation_ends_s` (seconds since the epoch).
    `max_lessons` and `max_bytes` are the account's own quotas, None where that of its role holds.
    """

    id: str
    name: str
    role: str
    password_hash: str = field(repr=False)
    is_disabled: bool = False
    session_version: int = 1
    language: str = ""
    theme: str = ""
    invitation_sha256: str = field(default="", repr=False)
    invitation_ends_s: float = 0.0
    max_lessons: int | None = None
    max_bytes: int | None = None
    tokens: tuple[ApiToken, ...] = field(default=(), repr=False)


class Users:
    """The file of accounts. Safe for any number of threads and processes."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = FileLock(str(path) + ".lock")
        self._cache: tuple[tuple[int, int, int], dict[str, User]] | None = None

    def all(self) -> list[User]:
        """By name."""
        return sorted(self._read().values(), key=lambda user: user.name.casefold())

    def get(self, user_id: str) -> User:
        """Raises NotFound."""
        user = self._read().get(user_id)
        if user is None:
            raise NotFound("There is no such account any more. Reload the list of people.", user_id=user_id)
        return user

    def by_name(self, name: str) -> User:
        """Names are compared without regard to case. Raises NotFound."""
        for user in self._read().values():
            if _same(user.name, name):
                return user
        raise NotFound("There is no account named {name}. See: python -m ppi users list", name=name)

    def add(self, name: str, password: str, role: str) -> User:
        """Raises InputError for a bad name, password or role, Conflict when the name is taken."""
        name = unicodedata.normalize("NFC", name.strip())
        if not NAME_FORM.fullmatch(name):
            raise InputError("A user name has 2 to 64 letters, digits, spaces or . _ - @ and begins with a letter or digit.")
        if role not in ROLES:
            raise InputError("The role must be admin or DL-user, not {role}.", role=role)
        user = User(secrets.token_hex(8), name, role, _hash(password))

        def change(users: dict[str, User]) -> None:
            if any(_same(other.name, name) for other in users.values()):
                raise Conflict("There is an account named {name} already. Choose another name.", name=name)
            users[user.id] = user

        self._change(change)
        return user

    def remove(self, user_id: str) -> None:
        """Raises NotFound, and Conflict for the last administrator."""
        self._change(lambda users: users.pop(self._known(users, user_id).id))

    def set_password(self, user_id: str, password: str) -> None:
        """Ends all sessions. Raises InputError for a short password."""
        hashed = _hash(password)
        used = {"invitation_sha256": "", "invitation_ends_s": 0.0}
        self._update(user_id, lambda user: replace(_ended(user), password_hash=hashed, **used))

    def invite(self, user_id: str) -> str:
        """Make the secret of a link with which the account's password is chosen, once, within seven days.

        It is kept as a hash; an earlier one is void from now on. The password so far stays until the link is used.
        """
        plain = "ppi_" + secrets.token_urlsafe(32)
        mark = {"invitation_sha256": _digest(plain), "invitation_ends_s": time.time() + INVITATION_LIFE_S}
        self._update(user_id, lambda user: replace(user, **mark))
        return plain

    def invited(self, plain: str) -> User:
        """The enabled account of an invitation that still holds. Raises NotFound."""
        digest, now = _digest(plain), time.time()
        for user in self._read().values():
            holds = now < user.invitation_ends_s and not user.is_disabled
            if holds and user.invitation_sha256 and secrets.compare_digest(user.invitation_sha256, digest):
                return user
        raise NotFound("This link is not valid any more. Ask the administrator for a new one.")

    def set_role(self, user_id: str, role: str) -> None:
        """Ends all sessions. Raises InputError, and Conflict for the last administrator."""
        if role not in ROLES:
            raise InputError("The role must be admin or DL-user, not {role}.", role=role)
        self._update(user_id, lambda user: replace(_ended(user), role=role))

    def set_disabled(self, user_id: str, is_disabled: bool) -> None:
        """Ends all sessions. Raises Conflict for the last administrator."""
        self._update(user_id, lambda user: replace(_ended(user), is_disabled=is_disabled))

    def set_quota(self, user_id: str, max_lessons: int | None, max_bytes: int | None) -> None:
        """How many lessons the account may hold, and how many bytes of video; None for what its role may. Raises InputError."""
        if any(limit is not None and not 0 <= limit <= MOST for limit in (max_lessons, max_bytes)):
            raise InputError("A quota is a whole number of lessons and a size in GB, neither less than nothing.")
        self._update(user_id, lambda user: replace(user, max_lessons=max_lessons, max_bytes=max_bytes))

    def end_sessions(self, user_id: str) -> None:
        """Refuse every cookie given out so far."""
        self._update(user_id, _ended)

    def set_language(self, user_id: str, language: str) -> None:
        self._update(user_id, lambda user: replace(user, language=language))

    def set_theme(self, user_id: str, theme: str) -> None:
        self._update(user_id, lambda user: replace(user, theme=theme))

    def verify(self, name: str, password: str) -> User | None:
        """The account, or None. Unknown names cost as much time as wrong passwords."""
        user = next((user for user in self._read().values() if _same(user.name, name)), None)
        with PARALLEL_HASHES:
            is_right = check_password_hash(user.password_hash if user else _dummy_hash(), password)
        return user if user and is_right and not user.is_disabled else None

    def create_token(self, user_id: str, label: str) -> tuple[str, str]:
        """Make an API token; answers its id and the token itself, which is kept nowhere."""
        plain = "ppi_" + secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        token = ApiToken(secrets.token_hex(6), label.strip()[:80] or "token", now, _digest(plain))
        self._update(user_id, lambda user: replace(user, tokens=(*user.tokens, token)))
        return token.id, plain

    def revoke_token(self, user_id: str, token_id: str) -> None:
        """Raises NotFound."""
        if all(token.id != token_id for token in self.get(user_id).tokens):
            raise NotFound("There is no such token any more. Reload the page.", token_id=token_id)
        kept = lambda user: tuple(token for token in user.tokens if token.id != token_id)  # noqa: E731
        self._update(user_id, lambda user: replace(user, tokens=kept(user)))

    def by_token(self, plain: str) -> User | None:
        """The enabled account of an API token, or None."""
        digest = _digest(plain)
        for user in self._read().values():
            if not user.is_disabled and any(secrets.compare_digest(token.sha256, digest) for token in user.tokens):
                return user
        return None

    def accept(self, plain: str, password: str) -> User:
        """Set the password with an invitation, which is used up: of two people with one link the first wins.

        Raises NotFound, and InputError for a short password.
        """
        user, hashed = self.invited(plain), _hash(password)

        def change(found: User) -> User:
            if found.invitation_sha256 != user.invitation_sha256:
                raise NotFound("This link is not valid any more. Ask the administrator for a new one.")
            return replace(_ended(found), password_hash=hashed, invitation_sha256="", invitation_ends_s=0.0)

        self._update(user.id, change)
        return self.get(user.id)

    def _update(self, user_id: str, change: Callable[[User], User]) -> None:
        def apply(users: dict[str, User]) -> None:
            users[user_id] = change(self._known(users, user_id))

        self._change(apply)

    def _change(self, apply: Callable[[dict[str, User]], object]) -> None:
        """Read, change and replace the file under the lock: an atomic rename alone would lose parallel changes."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._cache = None
            before = self._read()
            users = dict(before)
            apply(users)
            if _admins(before) and not _admins(users):
                raise Conflict("This is the last administrator. Make another one first.")
            self._write(users)

    def _known(self, users: dict[str, User], user_id: str) -> User:
        if user_id not in users:
            raise NotFound("There is no such account any more. Reload the list of people.", user_id=user_id)
        return users[user_id]

    def _read(self) -> dict[str, User]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return {}
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        cached = self._cache
        if cached is not None and cached[0] == mark:
            return cached[1]
        users = _parse(self._path)
        self._cache = (mark, users)
        return users

    def _write(self, users: dict[str, User]) -> None:
        rows = [asdict(user) for user in users.values()]
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({"users": rows}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parse(path: Path) -> dict[str, User]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["users"]
        users = [_user(row) for row in rows]
        if len({user.id for user in users}) < len(users) or len({user.name.casefold() for user in users}) < len(users):
            raise ValueError("two accounts have the same id or name")
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            "{path} cannot be read ({reason}). Compare it with users.json.example, or restore it from a backup.",
            path=str(path), reason=str(error),
        ) from error  # fmt: skip
    return {user.id: user for user in users}


def _user(row: dict) -> User:
    """Raises TypeError and ValueError for what a hand may have written wrong."""
    user = User(**{**row, "tokens": tuple(ApiToken(**token) for token in row.get("tokens", ()))})
    texts = [user.id, user.name, user.password_hash, user.language, user.theme, user.invitation_sha256]
    texts += [token.sha256 for token in user.tokens]
    is_typed = all(isinstance(text, str) for text in texts) and isinstance(user.is_disabled, bool)
    is_typed = is_typed and all(limit is None or isinstance(limit, int) for limit in (user.max_lessons, user.max_bytes))
    if not is_typed or not isinstance(user.session_version, int):
        raise TypeError(f"a value of the account {user.name} is of another type than in the example")
    if user.role not in ROLES:
        raise ValueError(f"the role of the account {user.name} is {user.role}, not admin or DL-user")
    return user


def _admins(users: dict[str, User]) -> list[User]:
    return [user for user in users.values() if user.role == "admin" and not user.is_disabled]


def _ended(user: User) -> User:
    return replace(user, session_version=user.session_version + 1)


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise InputError("A password has at least {least} characters. Choose a longer one.", least=MIN_PASSWORD)
    with PARALLEL_HASHES:
        return generate_password_hash(password, method="scrypt")


_dummy: list[str] = []


def _dummy_hash() -> str:
    """A hash nobody knows the password of, as costly to check as a real one."""
    if not _dummy:
        _dummy.append(generate_password_hash(secrets.token_hex(16), method="scrypt"))
    return _dummy[0]


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other.strip()).casefold()

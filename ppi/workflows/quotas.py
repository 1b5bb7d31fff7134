"""How much an account may hold: its own quota, else that of its role. Held is what was not deleted."""

from __future__ import annotations

from dataclasses import dataclass

from ppi.accounts.users import User
from ppi.errors import NotFound
from ppi.jobs.lessons import check_quota
from ppi.services import Services


@dataclass(frozen=True)
class Quota:
    """None is no limit. Bytes are those of the videos; what is made of them counts for nobody."""

    max_lessons: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True)
class Use:
    """What an account holds, beside what it may hold."""

    lessons: int
    size_bytes: int
    quota: Quota

    @property
    def lessons_left(self) -> int | None:
        return None if self.quota.max_lessons is None else max(0, self.quota.max_lessons - self.lessons)

    @property
    def bytes_left(self) -> int | None:
        return None if self.quota.max_bytes is None else max(0, self.quota.max_bytes - self.size_bytes)


def of(services: Services, user: User) -> Quota:
    """An administrator holds as much as there is room for; a DL-user one lesson unless the settings say otherwise."""
    usual = None if user.role == "admin" else services.settings.upload.dl_user_max_files
    return Quota(usual if user.max_lessons is None else user.max_lessons, user.max_bytes)


def of_owner(services: Services, owner_id: str) -> Quota:
    """The quota of a lesson's owner. One who has no account any more has none either."""
    try:
        return of(services, services.users.get(owner_id))
    except NotFound:
        return Quota()


def use(services: Services, user: User) -> Use:
    return uses(services, [user])[user.id]


def uses(services: Services, users: list[User]) -> dict[str, Use]:
    """What these accounts hold, by their ids, in one question."""
    held = services.lessons.held([user.id for user in users])
    return {user.id: Use(*held[user.id], of(services, user)) for user in users}


def check(services: Services, user: User, size_bytes: int) -> None:
    """Raises QuotaExceeded for a video of that size. A first look that spares the sending: `reserve` decides."""
    now = use(services, user)
    check_quota((now.lessons, now.size_bytes), size_bytes, now.quota.max_lessons, now.quota.max_bytes)

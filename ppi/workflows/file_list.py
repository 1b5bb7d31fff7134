"""The list of files, a piece at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ppi.accounts.users import User
from ppi.jobs.lessons import LessonRow, prefixes_of
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import lessons

PAGE_FILES = 50
# Of recordings that people give; the content decides in the end.
VIDEO_ENDINGS = ("mp4", "m4v", "mov", "mkv", "webm", "avi", "mts", "m2ts")
# What PPI made of a lesson's video.
_MADE = re.compile(r"(_part\d+|\.copy)\.\w+$")


@dataclass(frozen=True)
class FilePage:
    """`number` of `count` pages, the first is 1. `total` files of `total_bytes` fit what was asked; each with its lesson."""

    files: list[tuple[ObjectInfo, LessonRow | None]]
    total: int
    total_bytes: int
    number: int
    count: int


def videos(services: Services, user: User) -> list[ObjectInfo]:
    """The recordings in storage that the user may make a lesson of."""
    listed = lessons.list_files(services, user)
    return [item for item in listed if keys.extension(item.key).casefold() in VIDEO_ENDINGS and not _MADE.search(item.key)]


def page(services: Services, user: User, *, text: str = "", owner_id: str = "", number: int = 1) -> FilePage:
    """The files the user may see whose name holds `text`, of one owner when an administrator asks for one.

    Beyond the last page is the last page. The store is listed once for an administrator, and once a lesson for others; how
    often the ledger is asked does not grow with the files.
    """
    listed = lessons.list_files(services, user)
    if user.role == "admin" and owner_id:
        theirs = {row.prefix for row in services.lessons.list(owner_id)}
        listed = [found for found in listed if not theirs.isdisjoint(prefixes_of(found.key))]
    wanted = text.strip().casefold()
    found = [item for item in listed if wanted in item.key.casefold()]
    count = max(1, -(-len(found) // PAGE_FILES))
    number = min(max(number, 1), count)
    piece = found[(number - 1) * PAGE_FILES : number * PAGE_FILES]
    rows = services.lessons.of_keys([item.key for item in piece])
    total_bytes = sum(item.size_bytes for item in found)
    return FilePage([(item, rows.get(item.key)) for item in piece], len(found), total_bytes, number, count)

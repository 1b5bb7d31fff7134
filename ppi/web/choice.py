"""The choice of lessons on pages that work with some: the newest, or what a search finds, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from ppi.errors import NotFound
from ppi.web import access, look
from ppi.workflows import lesson_list
from ppi.workflows.lessons import LessonView

ROWS = 8
# The pages, and which lessons they can work with. On those in MANY several are chosen, so the list is turned page by page.
PAGES = {
    "kit": ("kit.page", "stored"), "dataset": ("pages.dataset", "stored"), "publish": ("pages.publish", "built"),
    "joined": ("joined.page", "built"),
}  # fmt: skip
MANY = ("joined",)


@dataclass(frozen=True)
class Choice:
    """For the page `to`, whose address is that of `endpoint`: of the `total` lessons that fit `text` those of page `number`
    of `count`. `kept` are the ids of those that were chosen already.
    """

    to: str
    endpoint: str
    text: str
    lessons: list[LessonView]
    total: int
    number: int = 1
    count: int = 1
    kept: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from, whatever is searched for."""
        return not self.total and not self.text

    @property
    def is_of_many(self) -> bool:
        """Whether several can be chosen."""
        return self.to in MANY


def of(to: str, kept: Sequence[str] = ()) -> Choice:
    """What the field `find` finds, in an address or in a form. Raises NotFound when there is no such page."""
    if to not in PAGES:
        raise NotFound("There is nothing at this address. Check it, or go on from the start page.")
    endpoint, state = PAGES[to]
    text = request.values.get("find", "").strip()
    number = look.asked_page("page", "all") if to in MANY else 1
    found = lesson_list.page(access.services(), access.current(), text=text, state=state, rows=ROWS, number=number)
    return Choice(to, endpoint, text, found.lessons, found.total, found.number, found.count, kept)

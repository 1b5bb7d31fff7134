"""The choice of a lesson on pages that work with one: the newest, or what a search finds, however many there are."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from ppi.errors import NotFound
from ppi.web import access
from ppi.workflows import lesson_list
from ppi.workflows.lessons import LessonView

ROWS = 8
# The pages, and which lessons they can work with.
PAGES = {"kit": ("kit.page", "stored"), "dataset": ("pages.dataset", "stored"), "publish": ("pages.publish", "built")}


@dataclass(frozen=True)
class Choice:
    """For the page `to`, whose address is that of `endpoint`: the first of the `total` lessons that fit `text`."""

    to: str
    endpoint: str
    text: str
    lessons: list[LessonView]
    total: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from, whatever is searched for."""
        return not self.total and not self.text


def of(to: str) -> Choice:
    """What `?find=` finds. Raises NotFound when there is no such page."""
    if to not in PAGES:
        raise NotFound("There is nothing at this address.")
    endpoint, state = PAGES[to]
    text = request.args.get("find", "").strip()
    found = lesson_list.page(access.services(), access.current(), text=text, state=state, rows=ROWS)
    return Choice(to, endpoint, text, found.lessons, found.total)

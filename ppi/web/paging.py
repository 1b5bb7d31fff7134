"""Long lists, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request


def page_of(items: Sequence[Any], name: str, size: int, wanted: int | None = None) -> dict[str, Any]:
    """The page of a list that is `wanted`, else the one that `?name=` asks for.

    Answers its `items`, its `number` of `pages`, how many come `first`, and how many there are in `all`.
    """
    pages = max(1, -(-len(items) // size))
    number = min(max(wanted or request.args.get(name, 1, type=int), 1), pages)
    first = (number - 1) * size
    return {"items": items[first : first + size], "number": number, "pages": pages, "first": first, "all": len(items)}

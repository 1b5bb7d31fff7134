"""Long lists, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request


def page_of(items: Sequence[Any], name: str, size: int) -> dict[str, Any]:
    """The page of a list that `?name=` asks for: its `items`, its `number` of `pages`, how many come `first`, and `all`."""
    pages = max(1, -(-len(items) // size))
    number = min(max(request.args.get(name, 1, type=int), 1), pages)
    first = (number - 1) * size
    return {"items": items[first : first + size], "number": number, "pages": pages, "first": first, "all": len(items)}

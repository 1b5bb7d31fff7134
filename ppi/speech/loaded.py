"""Runs inside the child process: the one recogniser that is in its memory, of whichever engine, and aligners beside it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

_kept: dict[str, tuple[tuple[str, ...], Any]] = {}


def keep(key: tuple[str, ...], load: Callable[[], Any], role: str = "recogniser") -> Any:
    """What `load` made for this key before, or makes now; what had the same role under another key is forgotten first."""
    if role not in _kept or _kept[role][0] != key:
        _kept.pop(role, None)
        gc.collect()
        _kept[role] = key, load()
    return _kept[role][1]

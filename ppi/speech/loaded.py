"""Runs inside the child process: the one model that is in its memory, of whichever engine."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

_kept: dict[tuple[str, ...], Any] = {}


def keep(key: tuple[str, ...], load: Callable[[], Any]) -> Any:
    """What `load` made for this key before, or makes now; the model of another key is forgotten first."""
    if key not in _kept:
        _kept.clear()
        gc.collect()
        _kept[key] = load()
    return _kept[key]

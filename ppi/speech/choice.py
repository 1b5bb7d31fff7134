"""Which engine and compute type are the fastest on this machine: measured once by `models check`, kept in the data folder."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from typing import Any

from ppi.settings import SpeechSettings

# Tokens that half a minute of speech becomes, about.
TOKENS = 90


def window_s(measured: dict[str, Any]) -> float:
    """Seconds that a machine needs for half a minute of speech."""
    return measured["encoder_s"] + TOKENS * measured["token_s"]


def keep(settings: SpeechSettings, model: str, measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Keep the fastest of what was measured for this model here, and answer it."""
    best = min(measured, key=window_s)
    kept = {"host": platform.node(), "model": model, "best": best, "measured": list(measured)}
    settings.choice_file.parent.mkdir(parents=True, exist_ok=True)
    fresh = settings.choice_file.with_suffix(".new")
    fresh.write_text(json.dumps(kept, indent=1))
    os.replace(fresh, settings.choice_file)
    return best


def engine(settings: SpeechSettings, model: str) -> str:
    """The engine measured to be the fastest for this model on this machine, "" when none was."""
    return _best(settings, model).get("engine", "")


def compute_type(settings: SpeechSettings, engine: str, model: str) -> str:
    """The setting, else the type measured for this engine and model, else ""."""
    best = _best(settings, model)
    return settings.compute_type or (best.get("compute_type", "") if best.get("engine") == engine else "")


def _best(settings: SpeechSettings, model: str) -> dict[str, Any]:
    try:
        kept = json.loads(settings.choice_file.read_text())
        return kept["best"] if (kept["host"], kept["model"]) == (platform.node(), model) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}

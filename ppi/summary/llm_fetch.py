"""Runs inside the child process: fetches a local chat model, and refuses early what would be of no use."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ppi.errors import WeightsMissing
from ppi.fetching import CONFIG, Checks, Source, fill
from ppi.summary import weights


def fetch(report: Callable[[Any], None], model: str, folder: str, hub: str, token: str) -> None:
    """Fetch the repository `model` into `folder`; reports ("fetched", fraction). Raises WeightsMissing.

    A model without safetensors, or one that needs a program of its own, is refused before its weights are fetched.
    """
    checks = Checks(listed=lambda names: _must_have_weights(model, names), come=lambda path: _must_be_known(model, path))
    fill(report, [Source.of(model, weights.name_here)], Path(folder), hub, weights.missing(model), token, checks)


def _must_have_weights(model: str, names: Collection[str]) -> None:
    if CONFIG not in names or not any(map(weights.WEIGHTS.fullmatch, names)):
        raise WeightsMissing(
            "The repository {model} has no chat model that PPI can use: it needs config.json and weights as safetensors. "
            "Weights in other forms may hold programs and are not loaded. Choose another in SUMMARY_MODEL.",
            model=model,
        )


def _must_be_known(model: str, path: Path) -> None:
    """Of the description of a model: transformers itself has to know its kind."""
    if path.name != CONFIG:
        return
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("model_type", "")
    except (ValueError, AttributeError):
        kind = ""
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise WeightsMissing(
            "The model {model} is of the kind “{kind}”, which transformers does not know as one that writes. It may need a "
            "program of its own, and PPI runs none that comes with a model. Choose another in SUMMARY_MODEL.",
            model=model, kind=kind,
        )  # fmt: skip

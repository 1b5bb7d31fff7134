"""The local chat model: where its folder is, what belongs into it, and what to say when it is not there.

SUMMARY_MODEL names a folder, or a repository of the Hub, owner/name or owner/name@revision, that is fetched once.
"""

from __future__ import annotations

import re
from pathlib import Path

from ppi import fetched
from ppi.errors import WeightsMissing
from ppi.settings import SummarySettings

# Numbers that are nothing but numbers, in the form that transformers reads; the same repository may hold them in others, too.
WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
INDEX = "model.safetensors.index.json"
# What a folder may hold besides. Programs are never fetched.
OTHERS = (
    "config.json", "generation_config.json", INDEX, "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "spiece.model", "chat_template.jinja",
    "chat_template.json",
)  # fmt: skip


def name_here(name: str) -> str:
    """The name under which a file of a repository is kept, "" for what is not fetched."""
    return name if name in OTHERS or WEIGHTS.fullmatch(name) else ""


def place(settings: SummarySettings) -> Path:
    """The folder of the model, or where its repository is kept once it was fetched."""
    return fetched.place(settings.model_dir, settings.model)


def must_be_fetched(settings: SummarySettings) -> bool:
    return fetched.is_repository(settings.model) and not is_complete(place(settings))


def is_complete(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(WEIGHTS.fullmatch(file.name) for file in folder.glob("*.safetensors"))


def shown(settings: SummarySettings) -> str:
    """The model's name, with the beginning of the commit that was fetched."""
    commit = fetched.commit(place(settings))
    return f"{settings.model.partition('@')[0]}@{commit[:12]}" if commit else settings.model


def unfit(model: str, reason: str) -> WeightsMissing:
    """A model that is of no use here."""
    return WeightsMissing(
        "The chat model {model} cannot be loaded ({reason}). Put its folder (config, tokenizer, safetensors) on "
        "this machine and name it in SUMMARY_MODEL, or leave SUMMARY_MODEL empty for the extractive summary.",
        model=model, reason=reason,
    )  # fmt: skip


def missing(model: str) -> WeightsMissing:
    """What to do about a repository that could not be fetched."""
    return WeightsMissing(
        "The chat model {model} is not on this machine and could not be fetched. Run “python -m ppi models fetch chat” where "
        "there is a network and copy the folder there, or leave SUMMARY_MODEL empty for the extractive summary.",
        model=model,
    )

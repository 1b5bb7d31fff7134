"""Aligners: acoustic models of letters that find when each word is said, more exactly than a recogniser. Optional.

ALIGNER_MODEL names them: a folder, or a repository of the Hub, for all languages or for one each. They are models as
transformers keeps them (Wav2Vec2 and its kin with a CTC head), with their weights as safetensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ppi.errors import WeightsMissing
from ppi.fetched import is_repository, place, sha256
from ppi.settings import SpeechSettings

# What a folder needs, and what is fetched besides.
NEEDED = ("model.safetensors", "config.json", "vocab.json")
PATTERNS = (*NEEDED, "preprocessor_config.json")


@dataclass(frozen=True)
class Named:
    """An aligner as the settings name it. `language` is "" for one of all languages; `path` is where it is or would be."""

    language: str
    model: str
    path: Path

    @property
    def is_repository(self) -> bool:
        """Whether it can be fetched; otherwise it is a folder of somebody's own."""
        return is_repository(self.model)

    @property
    def is_here(self) -> bool:
        return is_complete(self.path)


def named(settings: SpeechSettings) -> Iterator[Named]:
    """The aligners of the settings; none when there are none."""
    for part in filter(None, (part.strip() for part in settings.aligner.split(","))):
        language, _, model = part.rpartition("=")
        yield Named(language.strip(), model.strip(), place(settings.model_dir, model.strip()))


def is_complete(path: Path) -> bool:
    return all((path / name).is_file() for name in NEEDED)


def ready(settings: SpeechSettings) -> list[Named]:
    """The aligners of the settings, which can be used as far as is known without the Hub. Raises WeightsMissing."""
    found = list(named(settings))
    if found and find_spec("ctc_segmentation") is None:
        raise WeightsMissing(
            "ALIGNER_MODEL names an aligner, but the library ctc-segmentation is not installed. Run “pip install -r "
            "requirements-aligner.txt”, or leave ALIGNER_MODEL empty: the times of words are then the recogniser's own."
        )
    for one in found:
        if not one.is_repository and not one.is_here:
            raise missing(one.model, one.path)
    return found


def missing(model: str, path: Path) -> WeightsMissing:
    """What to do about an aligner whose weights are not there."""
    return WeightsMissing(
        "The aligner {path} is not on this machine or lacks one of {names}, and could not be fetched. Run “python -m ppi "
        "models fetch aligner” where there is a network and copy the folder there, or leave ALIGNER_MODEL empty: the "
        "times of words are then the recogniser's own.",
        path=str(path), names=", ".join(NEEDED), model=model,
    )  # fmt: skip


def identity(settings: SpeechSettings) -> str:
    """Which aligners find the words; those of one's own are known by their bytes. "" for none."""
    told = []
    for one in named(settings):
        known = "" if one.is_repository or not one.is_here else sha256(one.path / NEEDED[0])
        told.append(f"{one.language}={one.model} {known}".rstrip())
    return ", ".join(told)


def check(settings: SpeechSettings) -> str:
    """What to add to the line about the recogniser: "" without an aligner. Raises WeightsMissing."""
    found = ready(settings)
    for one in found:
        if not one.is_here:
            raise missing(one.model, one.path)
    return "".join(f"; words aligned by {one.path}" for one in found)

"""Runs inside the child process: fetches weights from the Hub."""

from __future__ import annotations

from pathlib import Path

from ppi.fetching import Report, Source, fill
from ppi.speech.weights import PATTERNS, REPOSITORIES, SPEAKER_FILES, missing, speakers_missing


def fetch_folder(report: Report, model: str, folder: Path, hub: str) -> None:
    """Fetch the folder of an official size; reports ("fetched", fraction). Raises WeightsMissing."""
    if model not in REPOSITORIES:
        raise missing(model, folder)
    source = Source(REPOSITORIES[model], {name: name for name in PATTERNS}.get)
    fill(report, [source], folder, hub, missing(model, folder))


def fetch_speakers(report: Report, folder: str, hub: str) -> None:
    """Fetch the models that tell speakers apart, as `fetch_folder` does."""
    sources = [Source(repository, {name: here}.get) for here, (repository, name) in SPEAKER_FILES.items()]
    fill(report, sources, Path(folder), hub, speakers_missing(Path(folder)))

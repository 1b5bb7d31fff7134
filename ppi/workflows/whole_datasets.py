"""Datasets as wholes: several joined into one, two compared, one written in another form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ppi
from ppi.dataset import card, changes, join, shards, splits
from ppi.dataset.changes import Change
from ppi.dataset.join import JoinReport
from ppi.dataset.splits import Shares
from ppi.errors import InputError
from ppi.workflows.plain import Progress, quiet


def join_folders(
    folders: Sequence[Path], out: Path, *, shares: str = "80,10,10", seed: int = 0, by: str = "teacher", name: str = "",
    previous: Path | None = None, labels: Sequence[str] = (), card_language: str = "en", own_text: str = "",
    on_progress: Progress = quiet,
) -> JoinReport:  # fmt: skip
    """Join datasets of lessons into `out`, with splits. `shares` are those of train, validation and test, by commas;
    `own_text` is Markdown for the card.

    For the rest see `ppi.dataset.join.join`. Raises InputError for wrong shares, a lesson that comes twice or a missing
    folder, DatasetError for a bad dataset.
    """
    for folder in folders:
        _check(folder)
    if out.absolute() in [folder.absolute() for folder in folders]:
        raise InputError("The joined dataset needs a folder of its own: {out} is one of its parts.", out=str(out))
    return join.join(
        folders, out, read_shares(shares, seed, by), pretty_name=name, tools={"ppi": ppi.__version__}, previous=previous,
        labels=labels, language=card.checked_language(card_language), own_text=card.checked_own_text(own_text),
        is_illustrated=True, on_progress=on_progress,
    )  # fmt: skip


def compare_folders(before: Path, after: Path) -> list[Change]:
    """What changed from one dataset folder to another. Raises InputError when one is none."""
    for folder in (before, after):
        _check(folder)
    return changes.compare_folders(before, after)


def export_shards(folder: Path, out: Path, *, shard_mb: int = 500, on_progress: Progress = quiet) -> list[Path]:
    """Write a dataset folder as WebDataset shards into the empty folder `out`; answers them. See `ppi.dataset.shards`."""
    _check(folder)
    if out.absolute().is_relative_to(folder.absolute()):
        raise InputError("The shards need a folder of their own, outside the dataset: {out} is inside.", out=str(out))
    return shards.write(folder, out, shard_mb * 1_000_000, on_progress)


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError("There is no folder {path}. Check the name and try again.", path=str(folder))


def read_shares(given: str, seed: int, by: str) -> Shares:
    """Shares as people write them. Raises InputError."""
    try:
        train, validation, test = (float(part) for part in given.split(","))
    except ValueError as error:
        raise InputError("Give three numbers for train, validation and test, such as 80,10,10.") from error
    shares = Shares(train, validation, test, seed, by)
    splits.check(shares)
    return shares

"""Folders of files from the Hub: where a repository is kept, and whether what was fetched is still whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

# Name and SHA-256 of every file of a fetched folder, as the Hub stated them.
SUMS = "ppi-sums.json"
# The commit of each repository whose files lie there.
SOURCES = "ppi-sources.json"


def is_repository(model: str) -> bool:
    """Whether a model is named as a repository of the Hub, owner/name or owner/name@revision, and not as a folder."""
    return model.count("/") == 1 and model[0].isalnum() and not Path(model).is_dir()


def place(folder: Path, model: str) -> Path:
    """The folder that `model` is, or the one below `folder` where a repository is kept."""
    return folder / model.replace("/", "--") if is_repository(model) else Path(model).expanduser()


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def damaged(path: Path) -> list[str]:
    """Files of a fetched folder that are not what the Hub stated; none when there is no list of them."""
    return [name for name, wanted in sums(path).items() if not (path / name).is_file() or sha256(path / name) != wanted]


def sums(path: Path) -> dict[str, str]:
    """Name and SHA-256 of the files that were fetched into a folder; {} for one of somebody's own."""
    return _read(path / SUMS)


def commit(path: Path) -> str:
    """The commit that was fetched into a folder, "" when nobody knows it."""
    return ", ".join(_read(path / SOURCES).values())


def size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _read(file: Path) -> dict[str, str]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}

"""manifest.json: what a dataset was made of and by what, the size and SHA-256 of each of its files, and why a key frame."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ppi.dataset.layout import MANIFEST, MARK, as_json, write_json
from ppi.errors import DatasetError

FORMAT = "ppi-dataset-3"
EARLIER_FORMATS = ("ppi-dataset-1", "ppi-dataset-2")  # ours to replace, though they must be built again before they are used


def write(
    folder: Path,
    *,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    tools: Mapping[str, str],
    chosen: Mapping[str, Mapping[str, Any]],
    on_progress: Callable[[float], None],
) -> None:
    """Describe every file in `folder`. `inputs` are SHA-256 sums by role, `tools` versions by name; `chosen` says of the path
    of a key frame when it is and why it was taken.
    """
    paths = files_of(folder)
    files = []
    for number, path in enumerate(paths):
        on_progress(number / len(paths))
        files.append({**facts_of(folder, path), **({"key_frame": dict(chosen[path])} if path in chosen else {})})
    described = {
        "format": FORMAT, "inputs": dict(inputs), "settings": dict(settings), "tools": dict(tools), "files": files
    }  # fmt: skip
    write_json(folder / MANIFEST, described)


def facts_of(folder: Path, path: str) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"path": path, "size_bytes": (folder / path).stat().st_size, "sha256": sha256(folder / path)}


def with_files(described: Mapping[str, Any], settings: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The manifest.json of a dataset with other settings, in which some of its files have other content."""
    listed = [
        {"path": file["path"], "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if (data := files.get(file["path"])) is not None
        else file
        for file in described["files"]
    ]
    return as_json({**described, "settings": dict(settings), "files": listed}).encode()


def parsed(text: bytes) -> dict[str, Any]:
    """The content of a manifest.json of this format. Raises DatasetError when it is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DatasetError("The manifest.json of this dataset cannot be read. Build it again.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not _lists_files(found.get("files")):
        raise DatasetError("This dataset was built by an earlier version of PPI. Build it again.")
    return found


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a dataset that PPI made. Raises DatasetError when there is none, or it is not one of this format."""
    found = _read(folder)
    if found["format"] != FORMAT:
        raise DatasetError("{folder} was built by an earlier version of PPI. Build it again.", folder=folder.name)
    return found


def is_ours(folder: Path) -> bool:
    """Whether `folder` holds a dataset that PPI made, perhaps an earlier version of it."""
    try:
        _read(folder)
    except DatasetError:
        return False
    return True


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(
            "{folder} is not a dataset of PPI: it has no manifest.json. Give the folder of a dataset.", folder=folder.name
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise DatasetError("The manifest.json of {folder} cannot be read. Build it again.", folder=folder.name) from error
    formats = (FORMAT, *EARLIER_FORMATS)
    if not isinstance(found, dict) or found.get("format") not in formats or not _lists_files(found.get("files")):
        raise DatasetError("The manifest.json of {folder} is not one of PPI. Build it again.", folder=folder.name)
    return found


def files_of(folder: Path) -> list[str]:
    """Every file in `folder` but the manifest, relative, with "/" between the parts, sorted."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path for path in found if path not in (MANIFEST, MARK))


def sha256(path: Path) -> str:
    """In hexadecimal, read in flat memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_inside(path: Any) -> bool:
    """Whether `path` is a plain relative path that stays where it starts."""
    if not isinstance(path, str) or not path or "\\" in path or ":" in path or "\x00" in path:
        return False
    return not any(part in ("", ".", "..") for part in path.split("/"))


def _lists_files(files: Any) -> bool:
    return isinstance(files, list) and all(
        isinstance(file, dict) and is_inside(file.get("path")) and isinstance(file.get("sha256"), str)
        for file in files
    )  # fmt: skip

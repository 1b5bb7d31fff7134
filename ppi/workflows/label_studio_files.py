"""Media in the folder that a Label Studio on the same machine serves: put there on request, removed with the lesson.

Label Studio serves `/data/local-files/?d=PATH` from below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, to users of a project that
has a storage of local files holding PATH.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from ppi.errors import SettingsError, of_full_disk
from ppi.records import ObjectInfo
from ppi.services import Services

FOLDER = "ppi"
ADDRESS = "/data/local-files/?d="

# File name in the folder -> the stored object.
Wanted = Mapping[str, ObjectInfo]


def is_used(services: Services) -> bool:
    """Whether LABEL_STUDIO_DATA_DIR is set."""
    return bool(services.settings.label_studio.data_dir)


def place(services: Services, lesson_id: str, wanted: Wanted) -> None:
    """Bring the lesson's folder up to date: what is there already stays, what is not wanted goes.

    Files of the local store are linked, and take no room, where the disk allows it and the folder belongs to the user that
    PPI runs as: a Label Studio of another user could not read them. Raises SettingsError and DiskFull.
    """
    root = Path(services.settings.label_studio.data_dir)
    if not root.is_dir():
        raise SettingsError(
            "LABEL_STUDIO_DATA_DIR: there is no folder {path}. Make it, or leave the setting empty.", path=str(root)
        )  # fmt: skip
    folder = _folder(services, lesson_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, found in wanted.items():
            if not _is_current(folder / name, found):
                _put(services, found, folder / name)
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise of_full_disk(error) or SettingsError(
            "LABEL_STUDIO_DATA_DIR: PPI cannot write into {path} ({reason}). Give it the right to.",
            path=str(folder), reason=error.strerror or ""
        ) from error


def is_placed(services: Services, lesson_id: str, wanted: Wanted) -> bool:
    """Whether all of that lies in the folder as it is now in storage."""
    return is_used(services) and all(_is_current(_folder(services, lesson_id) / name, found) for name, found in wanted.items())


def address(lesson_id: str, name: str) -> str:
    """Where Label Studio serves a placed file, beginning with "/"."""
    return f"{ADDRESS}{FOLDER}/{lesson_id}/{name}"


def shared_folder(services: Services, media_url: str) -> str:
    """The folder that a project of Label Studio must read for that address; "" when it is no placed file's."""
    return str(_folder(services, "").absolute()) if media_url.startswith(ADDRESS) else ""


def remove(services: Services, lesson_id: str) -> None:
    """Take the lesson's files away; harmless when there are none."""
    if is_used(services):
        shutil.rmtree(_folder(services, lesson_id), ignore_errors=True)


def _folder(services: Services, lesson_id: str) -> Path:
    return Path(services.settings.label_studio.data_dir) / FOLDER / lesson_id


def _is_current(path: Path, found: ObjectInfo) -> bool:
    try:
        here = path.stat()
    except FileNotFoundError:
        return False
    return here.st_size == found.size_bytes and abs(here.st_mtime - found.last_modified_s) < 1


def _put(services: Services, found: ObjectInfo, target: Path) -> None:
    """Beside first, then all at once. Files of the cache are copied: their times of change mean something else."""
    fresh = target.with_name(f".{secrets.token_hex(4)}")
    try:
        with services.store.as_file(found.bucket, found.key) as source:
            is_ours = target.parent.parent.parent.stat().st_uid == os.geteuid()
            if not (services.store.is_local and is_ours and _link(source, fresh)):
                shutil.copyfile(source, fresh)
                os.utime(fresh, (found.last_modified_s, found.last_modified_s))
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    """False where the two lie on different disks, or the disk knows no links."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True

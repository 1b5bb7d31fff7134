"""Annotations and tables of patterns that somebody gave another file in place of: the last one is kept, to be taken back."""

from __future__ import annotations

import filecmp
from pathlib import Path

from ppi.jobs.lessons import LessonRow
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows.lessons import BEFORE


def set_aside(services: Services, row: LessonRow, kept: list[ObjectInfo], given: Path) -> None:
    """Keep the newest of `kept`, files of one kind that `given` is about to replace, in place of the one kept so far.

    The same file given again replaces nothing.
    """
    if not kept:
        return
    newest = max(kept, key=lambda item: item.last_modified_s)
    with services.store.as_file(services.raw, newest.key) as path:
        if filecmp.cmp(path, given, shallow=False):
            return
    stem = keys.derivative_key(row.video_key, "")
    target = f"{stem}{BEFORE}{newest.key.removeprefix(stem)}"
    services.store.copy(services.raw, newest.key, target)
    for found in services.store.list(services.raw, f"{target.rpartition('.')[0]}."):
        if found.key != target:
            services.store.delete(services.raw, found.key)

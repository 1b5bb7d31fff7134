"""The rows that each version of a lesson's dataset had, kept beside the video: any two can be compared."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ppi.dataset import changes
from ppi.dataset.changes import Change
from ppi.errors import NotFound
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import stored_datasets
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.ingest import owner_metadata

_NAME = re.compile(r"\.rows\.v(\d+)\.jsonl\.gz")
# What a comparison looks at, and the row's place in its version. Words and paths would make it ten times larger.
COMPARED = ("id", "lesson", "annotator", "start_time", "end_time", "patterns", "regions", *changes.EDITABLE)


def is_kept_rows(suffix: str) -> bool:
    """Whether a file of the lesson holds the rows of a version."""
    return _NAME.fullmatch(suffix) is not None


def keep(services: Services, row: LessonRow) -> None:
    """Keep the rows of the dataset as it is stored now under the number of its version.

    Of the versions before, as many are kept as the dataset's history tells one by one.
    """
    told = stored_datasets.versions_of(services, dataset_prefix(row))
    if not told:
        return
    _store(services, row, told[-1]["version"], stored_datasets.rows_of(services, dataset_prefix(row)))
    numbers = {version["version"] for version in told[-changes.TOLD_VERSIONS :]}
    for number, key in _kept(services, row).items():
        if number not in numbers:
            services.store.delete(services.raw, key)


def forget(services: Services, row: LessonRow) -> None:
    """Take the rows of every version away."""
    for key in _kept(services, row).values():
        services.store.delete(services.raw, key)


def numbers(services: Services, row: LessonRow) -> list[int]:
    """The versions that can be compared, the newest first. Raises NotFound when there is no dataset."""
    told = stored_datasets.versions_of(services, dataset_prefix(row))
    newest = {told[-1]["version"]} if told else set()  # its rows lie in the dataset itself
    return sorted(newest | _kept(services, row).keys(), reverse=True)


def compare(services: Services, row: LessonRow, before: int, after: int) -> list[Change]:
    """What changed from one version to another, as `changes.compare` finds it. Raises NotFound for a version not kept."""
    return changes.compare(_rows(services, row, before), _rows(services, row, after))


def _rows(services: Services, row: LessonRow, number: int) -> list[dict[str, Any]]:
    told = stored_datasets.versions_of(services, dataset_prefix(row))
    if told and told[-1]["version"] == number:
        return stored_datasets.rows_of(services, dataset_prefix(row))
    key = _kept(services, row).get(number)
    if key is None:
        raise NotFound("Version {number} of this dataset is not kept any more.", number=number)
    text = gzip.decompress(b"".join(services.store.read(services.raw, key))).decode()
    return [json.loads(line) for line in text.split("\n") if line]


def _store(services: Services, row: LessonRow, number: int, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = (json.dumps({name: one[name] for name in COMPARED if name in one}, ensure_ascii=False) + "\n" for one in rows)
    services.store.put_bytes(
        services.raw, keys.derivative_key(row.video_key, f".rows.v{number}.jsonl.gz"),
        gzip.compress("".join(lines).encode(), mtime=0), content_type="application/gzip", metadata=owner_metadata(row),
    )  # fmt: skip


def _kept(services: Services, row: LessonRow) -> dict[int, str]:
    stem = keys.derivative_key(row.video_key, "")
    found = services.store.list(services.raw, keys.derivative_key(row.video_key, ".rows.v"))
    return {int(match[1]): item.key for item in found if (match := _NAME.fullmatch(item.key.removeprefix(stem)))}

"""The rows that each version of a dataset had, kept so that any two can be compared.

A lesson's lie beside its video, a joined dataset's below a prefix of their own. Of what people said, wrote and answered only
checksums are kept, which tell whether it changed: a lesson that leaves a dataset leaves no word of it behind.
"""

from __future__ import annotations

import gzip
import hashlib
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
from ppi.workflows.things import Thing, metadata_of, prefix_of

_NAME = re.compile(r"(?:\.rows\.)?v(\d+)\.jsonl\.gz")
# What a comparison looks at, and the row's place in its version. Words and paths would make it ten times larger.
COMPARED = ("id", "lesson", "annotator", "start_time", "end_time", "patterns", "regions")
Row = Mapping[str, Any]


def is_kept_rows(suffix: str) -> bool:
    """Whether a file of the lesson holds the rows of a version."""
    return suffix.startswith(".") and _NAME.fullmatch(suffix) is not None


def keep(services: Services, thing: Thing) -> None:
    """Keep the rows of the dataset as it is stored now under the number of its version.

    Of the versions before, as many are kept as the dataset's history tells one by one.
    """
    told = stored_datasets.versions_of(services, prefix_of(thing))
    if not told:
        return
    _store(services, thing, told[-1]["version"], stored_datasets.rows_of(services, prefix_of(thing)))
    numbers = {version["version"] for version in told[-changes.TOLD_VERSIONS :]}
    for number, key in _kept(services, thing).items():
        if number not in numbers:
            services.store.delete(_bucket(services, thing), key)


def forget(services: Services, thing: Thing) -> None:
    """Take the rows of every version away."""
    for key in _kept(services, thing).values():
        services.store.delete(_bucket(services, thing), key)


def numbers(services: Services, thing: Thing) -> list[int]:
    """The versions that can be compared, the newest first. Raises NotFound when there is no dataset."""
    told = stored_datasets.versions_of(services, prefix_of(thing))
    newest = {told[-1]["version"]} if told else set()  # its rows lie in the dataset itself
    return sorted(newest | _kept(services, thing).keys(), reverse=True)


def compare(services: Services, thing: Thing, before: int, after: int) -> list[Change]:
    """What changed from one version to another, as `changes.compare` finds it. Raises NotFound for a version not kept."""
    return changes.compare(_rows(services, thing, before), _rows(services, thing, after))


def _rows(services: Services, thing: Thing, number: int) -> list[dict[str, Any]]:
    told = stored_datasets.versions_of(services, prefix_of(thing))
    if told and told[-1]["version"] == number:
        return [_comparable(row) for row in stored_datasets.rows_of(services, prefix_of(thing))]
    key = _kept(services, thing).get(number)
    if key is None:
        raise NotFound("Version {number} of this dataset is not kept any more. Choose a newer one.", number=number)
    text = gzip.decompress(b"".join(services.store.read(_bucket(services, thing), key))).decode()
    return [_comparable(json.loads(line)) for line in text.split("\n") if line]


def _comparable(row: Row) -> dict[str, Any]:
    """A row of a dataset, or one that was kept, with checksums for what people said. Earlier kept rows hold the words."""
    sums = row.get("sums") or {name: _sum(row[name]) for name in changes.EDITABLE if name in row}
    return {**{name: row[name] for name in COMPARED if name in row}, **sums}


def _sum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


def _store(services: Services, thing: Thing, number: int, rows: Iterable[Row]) -> None:
    lines = (json.dumps(_as_kept(row), ensure_ascii=False) + "\n" for row in rows)
    services.store.put_bytes(
        _bucket(services, thing), _key(thing, f"v{number}.jsonl.gz"), gzip.compress("".join(lines).encode(), mtime=0),
        content_type="application/gzip", metadata=metadata_of(thing),
    )  # fmt: skip


def _as_kept(row: Row) -> dict[str, Any]:
    found = _comparable(row)
    sums = {name: found.pop(name) for name in changes.EDITABLE if name in found}
    return {**found, "sums": sums}


def _bucket(services: Services, thing: Thing) -> str:
    return services.raw if isinstance(thing, LessonRow) else services.final


def _key(thing: Thing, name: str) -> str:
    if isinstance(thing, LessonRow):
        return keys.derivative_key(thing.video_key, f".rows.{name}")
    return keys.joined_rows(thing.id, name)


def _kept(services: Services, thing: Thing) -> dict[int, str]:
    before = _key(thing, "")
    found = services.store.list(_bucket(services, thing), before)
    return {int(match[1]): item.key for item in found if (match := _NAME.fullmatch(item.key.removeprefix(before)))}

"""The pattern table of a lesson: given once, kept with it, used for the annotation kit and for the dataset."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ppi.annotation import patterns
from ppi.annotation.patterns import Codebook
from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Dropped, ObjectInfo, Pattern
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import derived, replaced
from ppi.workflows.ingest import put
from ppi.workflows.lessons import CODEBOOK, LessonView

MAX_TABLE_BYTES = 20_000_000
TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".csv": "text/csv; charset=utf-8",
}  # fmt: skip
# Changes when tables are read in another way: what was kept of them before is read no more.
READING = 1
KEPT_AS = tuple(f".patterns{ending}" for ending in TYPES)


def kept_suffix(shown: LessonView) -> str:
    """The suffix of the table that is kept with the lesson, "" when there is none."""
    found = [suffix for suffix in KEPT_AS if suffix in shown.files]
    return max(found, key=lambda suffix: shown.files[suffix].last_modified_s) if found else ""


def kept(shown: LessonView) -> ObjectInfo | None:
    """The table that is kept with the lesson."""
    suffix = kept_suffix(shown)
    return shown.files[suffix] if suffix else None


def read_before(services: Services, row: LessonRow, table: ObjectInfo) -> Codebook | None:
    """What stands in a stored table, where somebody has read it."""
    return derived.kept(services, read_key(row, table), lambda read: _unpacked(json.loads(read())))


def read_key(row: LessonRow, table: ObjectInfo) -> str:
    """Where lies what was read in this table: beside the video, at `<stem>.codebook.<hash of the table's etag>.json`."""
    name = derived.hash_of([READING, table.key, table.etag])
    return keys.derivative_key(row.video_key, f"{CODEBOOK}.{name}.json")


def codebook(services: Services, row: LessonRow, table: ObjectInfo) -> Codebook:
    """What stands in a stored table. It is read once, since XLSX takes a process of its own, and kept.

    Raises AnnotationError when it cannot be read, Conflict when another one took its place meanwhile.
    """
    if (known := read_before(services, row, table)) is not None:
        return known
    with services.store.as_file(services.raw, table.key) as path:
        found = patterns.read(path)
    if services.store.stat(services.raw, table.key).etag != table.etag:
        raise Conflict("The table of patterns was replaced meanwhile. Load the page again.")
    key = read_key(row, table)
    derived.put(services, row, key, json.dumps(asdict(found), ensure_ascii=False).encode())
    for other in services.store.list(services.raw, keys.derivative_key(row.video_key, f"{CODEBOOK}.")):
        if other.key != key:
            services.store.delete(services.raw, other.key)
    return found


@contextmanager
def given_or_kept(services: Services, shown: LessonView, table: IO[bytes] | None, name: str) -> Iterator[tuple[Path, str]]:
    """The table that somebody gives, else the one kept with the lesson, as a file, and the suffix it is kept under.

    Raises InputError when there is neither, or when what is given is too large or not called .xlsx or .csv.
    """
    if table is None:
        suffix = kept_suffix(shown)
        if not suffix:
            raise InputError("Give both files: the annotations exported from Label Studio and the pattern table.")
        with services.store.as_file(services.raw, keys.derivative_key(shown.row.video_key, suffix)) as path:
            yield path, suffix
        return
    ending = Path(name).suffix.lower()
    if ending not in TYPES:
        raise InputError(
            "The pattern table must be an XLSX or CSV file, not {suffix}. Save it as one of these.", suffix=ending or name
        )  # fmt: skip
    services.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=services.work_dir, prefix=f"request-{shown.id}-") as folder:
        path = Path(folder) / f"patterns{ending}"
        save(table, path, MAX_TABLE_BYTES)
        yield path, f".patterns{ending}"


def keep(services: Services, shown: LessonView, path: Path, suffix: str) -> ObjectInfo:
    """Keep a table with the lesson in place of the one before, read, so that no page waits for that; answers what is stored.

    Raises Conflict while a dataset is being built of the one before.
    """
    building = shown.jobs.get("build_dataset")
    if building is not None and building.is_active:
        raise Conflict("A dataset of this lesson is being built already. Wait for it, or cancel it first.")
    row, key = shown.row, keys.derivative_key(shown.row.video_key, suffix)
    replaced.set_aside(services, row, [shown.files[one] for one in KEPT_AS if one in shown.files], path)
    stored = put(services, None, row, path, key, TYPES[Path(suffix).suffix])
    for other in KEPT_AS:
        if other != suffix:
            services.store.delete(services.raw, keys.derivative_key(row.video_key, other))
    with suppress(Conflict, NotFound):  # somebody put another one there meanwhile, and reads that
        codebook(services, row, stored)
    return stored


def save(source: IO[bytes], target: Path, limit_bytes: int) -> None:
    """Write what was sent into a file. Raises InputError when it is larger than the limit."""
    data = source.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InputError("The file is larger than {limit_mb} MB. Choose a smaller one.", limit_mb=limit_bytes // 1_000_000)
    target.write_bytes(data)


def _unpacked(kept: dict[str, Any]) -> Codebook:
    rows = tuple(Pattern(one["type"], one["description"], tuple(one["subcategories"])) for one in kept["patterns"])
    return Codebook(rows, tuple(Dropped(**one) for one in kept["problems"]))

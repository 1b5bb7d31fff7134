"""Files that people give with a lesson: read with a limit, and kept beside the video."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ppi.errors import InputError
from ppi.jobs.lessons import LessonRow
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows.ingest import put

MAX_TABLE_BYTES = 20_000_000
TABLE = ".patterns"
TABLE_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".csv": "text/csv; charset=utf-8",
}  # fmt: skip


@contextmanager
def request_folder(services: Services, row: LessonRow) -> Iterator[Path]:
    """A folder of this request's own, removed afterwards."""
    services.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"request-{row.id}-", dir=services.work_dir) as folder:
        yield Path(folder)


def save(source: IO[bytes], target: Path, limit_bytes: int) -> Path:
    """Write what is given to `target`. Raises InputError when it is more than the limit."""
    data = source.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InputError("The file is larger than {limit_mb} MB.", limit_mb=limit_bytes // 1_000_000)
    target.write_bytes(data)
    return target


def kept_table(files: Mapping[str, ObjectInfo]) -> str:
    """The suffix of the newest pattern table among a lesson's files (".patterns.xlsx"), "" when it has none yet."""
    kept = [TABLE + suffix for suffix in TABLE_TYPES if TABLE + suffix in files]
    return max(kept, key=lambda suffix: files[suffix].last_modified_s, default="")


def table_file(
    services: Services, row: LessonRow, folder: Path, given: IO[bytes] | None, name: str, files: Mapping[str, ObjectInfo]
) -> Path:
    """The pattern table as a file in `folder`: the given one, else the one that the lesson keeps.

    Raises InputError when there is neither, and for a file that is no table.
    """
    kept = kept_table(files)
    if given is None and not kept:
        raise InputError("Give the table of patterns, an XLSX or CSV file.")
    suffix = Path(kept if given is None else name).suffix.lower()
    if suffix not in TABLE_TYPES:
        raise InputError("The pattern table must be an XLSX or CSV file, not {suffix}.", suffix=suffix or name)
    path = folder / f"patterns{suffix}"
    if given is not None:
        return save(given, path, MAX_TABLE_BYTES)
    path.write_bytes(b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, kept))))
    return path


def keep_table(services: Services, row: LessonRow, path: Path) -> str:
    """Keep the table with the lesson in place of the one before; answers its suffix."""
    suffix = TABLE + path.suffix
    put(services, None, row, path, keys.derivative_key(row.video_key, suffix), TABLE_TYPES[path.suffix])
    return suffix

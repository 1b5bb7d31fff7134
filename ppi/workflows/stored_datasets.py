"""Datasets as they lie in the final bucket, each below a prefix: read, lay out as a folder, put, bundle, take away."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.dataset import quality
from ppi.dataset.layout import CARD, CHANGES, FIGURES, MANIFEST, METADATA, REPORT
from ppi.errors import NotFound
from ppi.records import ObjectInfo
from ppi.services import Services

SHOWN_FOR_S = 86_400
TYPES = {
    ".mp4": "video/mp4", ".jpg": "image/jpeg", ".txt": "text/plain; charset=utf-8", ".json": "application/json",
    ".jsonl": "application/x-ndjson", ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet", ".png": "image/png",
}  # fmt: skip
Progress = Callable[[float], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class StoredDataset:
    """A built dataset as pages show it. Rows carry `image_url` and `video_url`, presigned, as `figures` are.

    `versions` is its history, the newest last.
    """

    rows: list[Row]
    report: dict[str, Any]
    card: str
    figures: list[str]
    versions: list[dict[str, Any]]
    size_bytes: int
    file_count: int


def objects(services: Services, prefix: str) -> list[ObjectInfo]:
    """The files of the dataset. Raises NotFound when there is none."""
    found = services.store.list(services.final, prefix)
    if not any(item.key == prefix + MANIFEST for item in found):
        raise NotFound("There is no dataset yet. Build it first.")
    return found


def rows_of(services: Services, prefix: str) -> list[Row]:
    """The rows alone, without looking at any other file. Raises NotFound when there is no dataset."""
    # Not splitlines(): a line separator inside a string is no end of a line in JSON.
    return [json.loads(line) for line in text_of(services, prefix + METADATA).split("\n") if line]


def read(services: Services, prefix: str) -> StoredDataset:
    """The whole dataset for a page. Raises NotFound when there is none."""
    found = objects(services, prefix)
    rows = rows_of(services, prefix)

    def link(path: str) -> str:
        return services.store.presign_get(services.final, prefix + path, expires_s=SHOWN_FOR_S)

    for row in rows:
        row["image_url"], row["video_url"] = link(row["image_path"]), link(row["video_path"])
    names = {item.key.removeprefix(prefix) for item in found}
    return StoredDataset(
        rows, quality.told_now(json.loads(text_of(services, prefix + REPORT))), text_of(services, prefix + CARD),
        [link(name) for name in FIGURES if name in names],
        versions_of(services, prefix) if CHANGES in names else [], sum(item.size_bytes for item in found), len(found),
    )  # fmt: skip


def versions_of(services: Services, prefix: str) -> list[dict[str, Any]]:
    """The history, the newest last; empty when there is none."""
    try:
        return json.loads(text_of(services, prefix + CHANGES))["versions"]
    except NotFound:
        return []


def zip_stream(services: Services, prefix: str, name: str) -> tuple[str, Iterator[bytes]]:
    """The dataset as a ZIP in flat memory: its file name and its bytes. Raises NotFound when there is none."""
    from zipstream import ZipStream

    bundle = ZipStream(sized=False)
    for item in objects(services, prefix):
        bundle.add(services.store.read(services.final, item.key), arcname=f"{name}/{item.key[len(prefix) :]}")
    return f"{name}.zip", iter(bundle)


def lay_out(services: Services, prefix: str, folder: Path, on_progress: Progress) -> dict[str, ObjectInfo]:
    """Lay the dataset out as a plain folder, for reading only; answers its objects by path.

    Where the store is this machine's disk, nothing is copied. Raises NotFound when there is none.
    """
    found = {item.key.removeprefix(prefix): item for item in objects(services, prefix)}
    for number, (path, item) in enumerate(found.items(), start=1):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with services.store.as_file(services.final, item.key) as source:
            _link_or_copy(source, target)
        on_progress(number / len(found))
    return found


def before(services: Services, prefix: str, folder: Path) -> Path | None:
    """What is needed of the dataset before to tell what changed since and what can be kept; None when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    names = (MANIFEST, METADATA, CHANGES, REPORT)
    return folder if all(bring(services, prefix + name, folder / name) for name in names) else None


def bring(services: Services, key: str, target: Path) -> bool:
    """Fetch an object of the final bucket; False when there is none."""
    try:
        blocks = services.store.read(services.final, key)
    except NotFound:
        return False
    with target.open("wb") as file:
        file.writelines(blocks)
    return True


def put(
    services: Services, folder: Path, prefix: str, metadata: Mapping[str, str], on_progress: Progress,
    there: Collection[str] = (),
) -> None:  # fmt: skip
    """Put the files of `folder`; the manifest comes last, so readers see a whole. Those `there` lie in their places."""
    paths = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == MANIFEST)
    for number, path in enumerate(paths):
        on_progress(number / len(paths))
        name = path.relative_to(folder).as_posix()
        if name not in there:
            services.store.put_file(
                services.final, prefix + name, path, content_type=TYPES.get(path.suffix, "application/octet-stream"),
                metadata=metadata,
            )  # fmt: skip


def put_bytes(services: Services, key: str, data: bytes, metadata: Mapping[str, str]) -> None:
    """Put one file of a dataset."""
    content_type = TYPES.get(Path(key).suffix, "application/octet-stream")
    services.store.put_bytes(services.final, key, data, content_type=content_type, metadata=metadata)


def remove(services: Services, prefix: str, but: Collection[str] = ()) -> None:
    """Take the dataset away, the manifest first, so that nobody takes the rest for a whole; `but` keeps some paths."""
    found = services.store.list(services.final, prefix)
    for item in sorted(found, key=lambda item: item.key != prefix + MANIFEST):
        if item.key.removeprefix(prefix) not in but:
            services.store.delete(services.final, item.key)


def text_of(services: Services, key: str) -> str:
    return b"".join(services.store.read(services.final, key)).decode()


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)

"""A dataset as WebDataset shards: TAR files that training programs read in one stream.

Source: the WebDataset format, https://github.com/webdataset/webdataset: files of one sample stand one after another and
share their name up to the first dot. The same dataset gives the same bytes.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ppi.dataset import beside, layout, manifest, verify
from ppi.errors import Conflict

SHARD_BYTES = 500_000_000
PATHS = {"mp4": "video_path", "jpg": "image_path", "txt": "text_path"}
Row = Mapping[str, Any]


def write(
    folder: Path, out: Path, shard_bytes: int = SHARD_BYTES, on_progress: Callable[[float], None] = lambda fraction: None
) -> list[Path]:
    """Write the rows of the dataset in `folder` as `out`/<split>-<number>.tar, and its card; answers the shards.

    A shard ends with the sample that reaches `shard_bytes`. `out` must not hold anything yet, and does not when this fails.
    Raises DatasetError when the dataset does not pass its check.
    """
    if out.exists() and any(out.iterdir()):
        raise Conflict("{folder} holds something already. Choose an empty folder.", folder=str(out))
    verify.require_sound(folder, lambda fraction: on_progress(fraction / 2))
    made = out.with_name(out.name + ".incomplete")
    made.mkdir(parents=True, exist_ok=True)
    try:
        with beside.disk_errors():
            names = _write_all(folder, made, shard_bytes, on_progress)
            _, _, card = (folder / layout.CARD).read_text(encoding="utf-8").split("---\n", 2)
            (made / layout.CARD).write_text(card, encoding="utf-8", newline="\n")
        shutil.rmtree(out, ignore_errors=True)
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return [out / name for name in names]


def _write_all(folder: Path, made: Path, shard_bytes: int, on_progress: Callable[[float], None]) -> list[str]:
    rows = verify.sound_rows(folder)
    sizes = {file["path"]: file["size_bytes"] for file in manifest.read(folder)["files"]}
    names: list[str] = []
    done = 0
    for split in layout.SPLITS:
        of_split = [row for row in rows if row["split"] == split]
        for number, shard in enumerate(_shared_out(of_split, sizes, shard_bytes)):
            names.append(f"{split}-{number:06}.tar")
            with tarfile.open(made / names[-1], "w", format=tarfile.USTAR_FORMAT) as tar:
                for row in shard:
                    _add(tar, folder, row)
                    done += 1
                    on_progress(0.5 + 0.5 * done / len(rows))
    return names


def _shared_out(rows: Sequence[Row], sizes: Mapping[str, int], shard_bytes: int) -> Iterator[list[Row]]:
    shard: list[Row] = []
    size_bytes = 0
    for row in rows:
        shard.append(row)
        size_bytes += sum(sizes[row[key]] for key in PATHS.values())
        if size_bytes >= shard_bytes:
            yield shard
            shard, size_bytes = [], 0
    if shard:
        yield shard


def _add(tar: tarfile.TarFile, folder: Path, row: Row) -> None:
    for ending, key in PATHS.items():
        with (folder / row[key]).open("rb") as file:
            tar.addfile(_entry(f"{row['id']}.{ending}", (folder / row[key]).stat().st_size), file)
    told = {name: value for name, value in row.items() if name not in ("file_name", *PATHS.values())}
    data = json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    tar.addfile(_entry(f"{row['id']}.json", len(data)), io.BytesIO(data))


def _entry(name: str, size_bytes: int) -> tarfile.TarInfo:
    """Without owner, rights and time of this machine."""
    entry = tarfile.TarInfo(name)
    entry.size = size_bytes
    return entry

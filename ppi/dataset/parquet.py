"""The rows with their clips and key frames as Parquet: what `datasets.load_dataset` reads by default.

A folder of files loads as one kind of media only; Parquet holds the video, the picture, the text and the patterns of a
sample together, with types that do not depend on what happens to stand in the first rows. The types that `datasets`
gives to columns stand in the schema's metadata under "huggingface", as `Dataset.to_parquet` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppi.dataset.findings import Finding, fault
from ppi.dataset.layout import KEYS, SPLITS, parquet_path
from ppi.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow

# A group is what a reader holds in memory at a time, and what streaming fetches at a time.
GROUP_BYTES, GROUP_ROWS = 16 * 1024 * 1024, 50
MAX_CLIP_BYTES = 2**31 - 2**20  # a column of bytes counts with 32 bits
MEDIA = {"video": "video_path", "image": "image_path"}
NUMBERS = ("start_time", "end_time")
TEXTS, PAIRS, ANSWERS, WORDS = ("regions", "speakers", "text_flags"), ("patterns",), ("choices", "comments"), ("words",)
_TEXT, _NUMBER, _FLAG = ({"dtype": kind, "_type": "Value"} for kind in ("string", "float64", "bool"))
Row = dict[str, Any]


def write(folder: Path, rows: Sequence[Row]) -> list[str]:
    """Write `data/<split>-00000-of-00001.parquet` for each split that has rows; answers their paths.

    In memory lies one group of rows at a time. Raises DatasetError for a clip of 2 GB and more.
    """
    made = []
    for split in splits_of(rows):
        path = parquet_path(split)
        (folder / path).parent.mkdir(exist_ok=True)
        _write_split(folder, folder / path, [row for row in rows if row["split"] == split])
        made.append(path)
    return made


def splits_of(rows: Iterable[Row]) -> list[str]:
    """The splits in which there are rows, train first."""
    found = {row["split"] for row in rows}
    return [split for split in SPLITS if split in found]


def faults(folder: Path, path: str, rows: Sequence[Row], on_row: Callable[[int], None]) -> list[Finding]:
    """What differs between the Parquet file and `rows` of metadata.jsonl with their files.

    `on_row` gets the number of rows that were compared.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(folder / path, page_checksum_verification=True) as file:
            found = file.schema_arrow
            if not found.equals(schema()) or found.metadata != schema().metadata:
                return [fault(path, "Its columns do not have the types of this format.")]
            if file.metadata.num_rows != len(rows):
                held, wanted = file.metadata.num_rows, len(rows)
                return [fault(path, "Rows in it: {held}; rows that belong there: {wanted}.", held=held, wanted=wanted)]
            return list(_differences(folder, path, file, rows, on_row))
    except (pyarrow.ArrowException, OSError) as error:
        return [fault(path, "It cannot be read ({reason}).", reason=type(error).__name__)]


def schema() -> pyarrow.Schema:
    """The types of all columns, with the features of `datasets` (its documentation, "Dataset features")."""
    import pyarrow as pa

    pair = pa.struct([("type", pa.string()), ("description", pa.string())])
    answer = pa.struct([("name", pa.string()), ("values", pa.list_(pa.string()))])
    word = pa.struct(
        [("text", pa.string()), ("start_time", pa.float64()), ("end_time", pa.float64()), ("probability", pa.float64()),
         ("is_uncertain", pa.bool_()), ("is_interpolated", pa.bool_()), ("speaker", pa.string())]
    )  # fmt: skip
    media = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {
        **dict.fromkeys(MEDIA, media), **dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(TEXTS, pa.list_(pa.string())),
        **dict.fromkeys(PAIRS, pa.list_(pair)), **dict.fromkeys(ANSWERS, pa.list_(answer)),
        **dict.fromkeys(WORDS, pa.list_(word)),
    }  # fmt: skip
    # Lists are written in the older spelling, which old and new versions of `datasets` read.
    pairs = [{"type": _TEXT, "description": _TEXT}]
    answers = [{"name": _TEXT, "values": [_TEXT]}]
    words = [{"text": _TEXT, **dict.fromkeys(("start_time", "end_time", "probability"), _NUMBER),
              **dict.fromkeys(("is_uncertain", "is_interpolated"), _FLAG), "speaker": _TEXT}]  # fmt: skip
    features = {
        "video": {"_type": "Video"}, "image": {"_type": "Image"},
        **dict.fromkeys(NUMBERS, _NUMBER), **dict.fromkeys(TEXTS, [_TEXT]),
        **dict.fromkeys(PAIRS, pairs), **dict.fromkeys(ANSWERS, answers), **dict.fromkeys(WORDS, words),
    }  # fmt: skip
    described = {"info": {"features": {name: features.get(name, _TEXT) for name in columns()}}}
    return pa.schema(
        [(name, kinds.get(name, pa.string())) for name in columns()], metadata={"huggingface": json.dumps(described)}
    )


def tools() -> dict[str, str]:
    """What writes them, for the manifest."""
    return {"pyarrow": version("pyarrow")}


def columns() -> list[str]:
    """The columns: video and image, then the keys of metadata.jsonl but `file_name`, which the video replaces."""
    return [*MEDIA, *(key for key in KEYS if key != "file_name")]


def _write_split(folder: Path, path: Path, rows: Sequence[Row]) -> None:
    from pyarrow import RecordBatch, parquet

    texts = [name for name in columns() if name not in MEDIA]
    leaves = [f"{name}.{part}" for name in MEDIA for part in ("bytes", "path")]
    with parquet.ParquetWriter(
        path, schema(), use_dictionary=["source_video", "annotator", "lesson", "teacher", "split"], write_statistics=texts,
        compression=dict.fromkeys(leaves, "NONE"), write_page_checksum=True, write_page_index=False,
    ) as writer:  # fmt: skip
        for group in _groups(folder, rows):
            given = [{**row, **{name: _media(folder, row[key]) for name, key in MEDIA.items()}} for row in group]
            writer.write_batch(RecordBatch.from_pylist(given, schema=schema()), row_group_size=len(given))


def _groups(folder: Path, rows: Sequence[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    size_bytes = 0
    for row in rows:
        weight_bytes = sum(_weight_bytes(folder, row[key]) for key in MEDIA.values())
        if group and (size_bytes + weight_bytes > GROUP_BYTES or len(group) == GROUP_ROWS):
            yield group
            group, size_bytes = [], 0
        group.append(row)
        size_bytes += weight_bytes
    if group:
        yield group


def _weight_bytes(folder: Path, path: str) -> int:
    size_bytes = (folder / path).stat().st_size if (folder / path).is_file() else 0
    if size_bytes > MAX_CLIP_BYTES:
        raise DatasetError("{path} is too large for a dataset (2 GB). Mark a shorter interval, and build again.", path=path)
    return size_bytes


def _media(folder: Path, path: str) -> Row | None:
    """A missing file becomes an empty place: the check that follows names it."""
    if not (folder / path).is_file():
        return None
    return {"bytes": (folder / path).read_bytes(), "path": Path(path).name}


def _differences(folder: Path, path: str, file: Any, rows: Sequence[Row], on_row: Callable[[int], None]) -> Iterator[Finding]:
    for number, (found, row) in enumerate(zip(_read(file), rows, strict=True), start=1):
        wrong = [name for name in columns() if name not in MEDIA and found[name] != row.get(name)]
        wrong += [name for name, key in MEDIA.items() if found[name] != _media(folder, str(row.get(key)))]
        if wrong:
            place, names = f"{path}, {row.get('id')}", ", ".join(wrong)
            yield fault(place, "It differs from metadata.jsonl and its files in {names}.", names=names)
        on_row(number)


def _read(file: Any) -> Iterator[Row]:
    """Row by row, a group at a time: an iterator over the whole file would keep the groups it has read in memory."""
    for number in range(file.num_row_groups):
        group = file.read_row_group(number, use_threads=False)
        for start in range(group.num_rows):
            yield group.slice(start, 1).to_pylist()[0]

"""The folder of a dataset: data/ images/ videos/ texts/ metadata.jsonl, and the names of everything in it.

`datasets.load_dataset(folder)` reads the Parquet files in data/ by the `configs` of the card. The plain files beside them
are for people and other programs; loaded as a folder of videos, the key `file_name` becomes the column `video`. A key
that ends in `_file_name` would become a video too, so other paths are called `..._path`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ppi.dataset.texts import Said
from ppi.records import Sample

METADATA, CARD, MANIFEST, REPORT = "metadata.jsonl", "README.md", "manifest.json", "report.json"
CHANGES, CROISSANT = "changes.json", "croissant.json"
FIGURES = ("figures/patterns.png", "figures/durations.png", "figures/timeline.png")
FOLDERS = ("data", "images", "videos", "texts")
SPLITS = ("train", "validation", "test")
KEYS = (
    "file_name", "id", "source_video", "start_time", "end_time", "patterns", "choices", "comments", "image_path",
    "video_path", "text_path", "text", "words", "speakers", "text_flags", "text_origin", "annotator", "lesson", "teacher",
    "regions", "split",
)  # fmt: skip
MARK = ".ppi-build"  # in a folder that is still being written; no part of the dataset
_MARKED = re.compile(r" \[[0-9a-f]{6}\]$")
_LOOKS_LIKE_A_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T][0-9:.,]+ *(Z|[+-][0-9:]+)?)?")


def video_path(sample_id: str) -> str:
    """The clip of a sample, relative to the dataset's folder; so are the other two."""
    return f"videos/{sample_id}.mp4"


def image_path(sample_id: str) -> str:
    return f"images/{sample_id}.jpg"


def text_path(sample_id: str) -> str:
    return f"texts/{sample_id}.txt"


def parquet_path(split: str) -> str:
    """Where the rows of a split lie, named as the Hub names such files."""
    return f"data/{split}-00000-of-00001.parquet"


def row(sample: Sample, said: Said) -> dict[str, Any]:
    """One line of metadata.jsonl. Every row has every key, so that all rows load with the same types."""
    return {
        "file_name": video_path(sample.id),
        "id": sample.id,
        "source_video": as_text("video", sample.source_video),
        "start_time": round(float(sample.span.start_s), 6),
        "end_time": round(float(sample.span.end_s), 6),
        "patterns": [{"type": pattern.type, "description": pattern.description} for pattern in sample.patterns],
        "choices": _answers(sample.choices),
        "comments": _answers(sample.comments),
        "image_path": image_path(sample.id),
        "video_path": video_path(sample.id),
        "text_path": text_path(sample.id),
        "text": said.text,
        "words": list(said.words),
        "speakers": [as_text("speaker", name) for name in said.speakers],
        "text_flags": list(said.flags),
        "text_origin": said.origin,
        "annotator": as_text("annotator", sample.annotator),
        "lesson": as_text("lesson", sample.lesson),
        "teacher": as_text("teacher", sample.teacher),
        "regions": list(sample.region_ids),
        "split": sample.split,
    }


def _answers(given: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """A list of named lists: objects whose keys are names of controls would have other types in every dataset."""
    return [{"name": name, "values": list(values)} for name, values in sorted(given.items())]


def as_text(word: str, value: str) -> str:
    """A column in which all values look like dates would load as time stamps: `word` before it keeps it a text."""
    return f"{word} {value}" if _LOOKS_LIKE_A_DATE.fullmatch(value.strip()) else value


def marked(lesson: str, identity: str) -> str:
    """A lesson's name that tells it from others of that name: `identity` is hexadecimal and stays the same."""
    return f"{lesson} [{identity[:6]}]"


def unmarked(lesson: str) -> str:
    """The name that was marked, or `lesson` itself."""
    return _MARKED.sub("", lesson)


def make_folders(folder: Path) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)


def write(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write metadata.jsonl and the text of every row into `folder`, whose folders exist."""
    with (folder / METADATA).open("w", encoding="utf-8", newline="\n") as file:
        for given in rows:
            file.write(json.dumps(given, ensure_ascii=False, allow_nan=False) + "\n")
            (folder / given["text_path"]).write_text(given["text"], encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    path.write_text(as_json(value), encoding="utf-8")


def as_json(value: Any) -> str:
    """JSON as all files of a dataset but the rows hold it."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

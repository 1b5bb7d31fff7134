"""Checks a dataset folder: every row against its files, every file against the manifest."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.dataset import manifest, parquet
from ppi.dataset.layout import (
    CARD,
    CHANGES,
    CROISSANT,
    FIGURES,
    FOLDERS,
    KEYS,
    MANIFEST,
    METADATA,
    REPORT,
    SPLITS,
    parquet_path,
)
from ppi.dataset.texts import ORIGINS
from ppi.errors import DatasetError, PpiError
from ppi.records import MediaInfo

LISTS_OF_TEXTS = ("regions", "speakers", "text_flags")
LIST_KEYS = ("patterns", "choices", "comments", "words", *LISTS_OF_TEXTS)
TEXT_KEYS = tuple(key for key in KEYS if key not in ("start_time", "end_time", *LIST_KEYS))
PATH_KEYS = ("image_path", "video_path", "text_path")


@dataclass(frozen=True)
class CheckReport:
    """`rows` counts the rows; `problems` make the dataset unfit to publish, `warnings` do not."""

    rows: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(
    folder: Path,
    inspect: Callable[[Path], MediaInfo] | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> CheckReport:
    """Check `folder`; with `inspect`, which opens a clip, every clip's duration is compared with its span too.

    Nothing is raised for a bad dataset: each fault is a sentence that names the row or the file.
    """
    return _Checker(folder, inspect, on_progress).run()


def sound_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of metadata.jsonl whose values are what they should be, and whose files are named by paths inside."""
    rows = [row for _, row in _Checker(folder, None, lambda fraction: None).read_rows()]
    return [row for row in rows if not _faults(row) and all(manifest.is_inside(row[key]) for key in PATH_KEYS)]


def unused_patterns(folder: Path) -> list[str]:
    """What report.json says of the pattern table; nothing when it cannot be read."""
    try:
        found = json.loads((folder / REPORT).read_text(encoding="utf-8"))["unused"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


class _Checker:
    def __init__(
        self, folder: Path, inspect: Callable[[Path], MediaInfo] | None, on_progress: Callable[[float], None]
    ):  # fmt: skip
        self._folder, self._inspect, self._on_progress = folder, inspect, on_progress
        self._problems: list[str] = []
        self._warnings: list[str] = []
        self._named: set[str] = {METADATA, CARD, REPORT, CHANGES, CROISSANT, *FIGURES}

    def run(self) -> CheckReport:
        rows = self.read_rows()
        ids: set[str] = set()
        for number, (line, row) in enumerate(rows):
            self._on_progress(0.5 * number / len(rows))
            self._check_row(row, line, ids)
        if not rows:
            self._problems.append(f"{METADATA}: it holds no row.")
        self._check_parquet([row for _, row in rows])
        self._check_manifest()
        self._check_card()
        return CheckReport(len(rows), tuple(self._problems), tuple(self._warnings))

    def read_rows(self) -> list[tuple[int, dict[str, Any]]]:
        try:
            text = (self._folder / METADATA).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append(f"{METADATA}: it cannot be read ({type(error).__name__}).")
            return []
        rows = []
        # Not splitlines(): a line separator inside a string is no end of a line in JSON.
        for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
            row = _parsed(line)
            if row is None:
                self._problems.append(f"{METADATA}, line {number}: it is not a JSON object.")
            else:
                rows.append((number, row))
        return rows

    def _check_row(self, row: dict[str, Any], line: int, ids: set[str]) -> None:
        name = row.get("id") if isinstance(row.get("id"), str) and row["id"] else f"{METADATA}, line {line}"
        faults = _faults(row)
        if name in ids:
            faults.append("the id is used twice.")
        ids.add(name)
        faults += self._file_faults(row)
        if not faults and self._inspect is not None:
            faults += self._clip_faults(row)
        self._problems += [f"{name}: {fault}" for fault in faults]

    def _file_faults(self, row: dict[str, Any]) -> list[str]:
        faults = []
        if row.get("file_name") != row.get("video_path"):
            faults.append("file_name and video_path differ.")
        for key in PATH_KEYS:
            path = row.get(key)
            if not manifest.is_inside(path):
                faults.append(f"{key} {path!r} leads out of the dataset.")
                continue
            self._named.add(path)
            found = self._folder / path
            if found.is_symlink() or not found.resolve().is_relative_to(self._folder.resolve()):
                faults.append(f"{path} is a link.")
            elif not found.is_file():
                faults.append(f"{path} is missing.")
            elif key == "text_path":
                if found.read_text(encoding="utf-8", errors="replace") != row.get("text"):
                    faults.append(f"{path} differs from the row's text.")
            elif not found.stat().st_size:
                faults.append(f"{path} is empty.")
        return faults

    def _clip_faults(self, row: dict[str, Any]) -> list[str]:
        """A clip holds the source's whole frames inside the span, so it may differ by a frame at either end."""
        try:
            info = self._inspect(self._folder / row["video_path"])
        except PpiError as error:
            return [f"{row['video_path']} cannot be opened: {error}"]
        if info.video is None:
            return [f"{row['video_path']} has no picture."]
        wanted_s = row["end_time"] - row["start_time"]
        slack_s = max(0.1, 2.5 / info.video.frame_rate) if info.video.frame_rate > 0 else 1.0
        if abs(info.duration_s - wanted_s) > slack_s:
            return [f"{row['video_path']} lasts {info.duration_s:.3f} s, but its span {wanted_s:.3f} s."]
        return []

    def _check_parquet(self, rows: list[dict[str, Any]]) -> None:
        """Every row of a split stands in its Parquet file too, in the same order; rows of no split were named before."""
        done = 0
        for split in SPLITS:
            path, wanted = parquet_path(split), [row for row in rows if row.get("split") == split]
            self._named.add(path)
            if wanted and not (self._folder / path).is_file():
                self._problems.append(f"{path}: it is missing.")
            elif wanted and not (self._folder / path).is_symlink():
                self._problems += parquet.faults(
                    self._folder, path, wanted,
                    lambda count, done=done: self._on_progress(min(0.7, 0.5 + 0.2 * (done + count) / len(rows))),
                )  # fmt: skip
            elif (self._folder / path).is_file():
                self._problems.append(f"{path}: no row belongs to it.")
            done += len(wanted)

    def _check_manifest(self) -> None:
        present = set(manifest.files_of(self._folder))
        for path in sorted(present - self._named):
            self._problems.append(f"{path}: no row names this file.")
        try:
            listed = {file["path"]: file for file in manifest.read(self._folder)["files"]}
        except DatasetError as error:
            self._problems.append(f"{MANIFEST}: {error}")
            return
        self._problems += [f"{path}: the manifest lacks this file." for path in sorted(present - set(listed))]
        for number, (path, file) in enumerate(sorted(listed.items())):
            self._on_progress(0.7 + 0.3 * number / len(listed))
            if path not in present:
                self._problems.append(f"{path}: the manifest names it, but it is missing.")
            elif not (self._folder / path).is_symlink() and manifest.sha256(self._folder / path) != file["sha256"]:
                self._problems.append(f"{path}: it was changed after the dataset was built.")

    def _check_card(self) -> None:
        for name in FOLDERS:
            if not (self._folder / name).is_dir():
                self._problems.append(f"{name}: the folder is missing.")
        card = self._folder / CARD
        if not card.is_file():
            self._problems.append(f"{CARD}: it is missing.")
        elif "\nconfigs:\n" not in card.read_text(encoding="utf-8", errors="replace"):
            self._warnings.append(f"{CARD}: without its configs the dataset may load with other columns.")


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _faults(row: dict[str, Any]) -> list[str]:
    """What is wrong with the values of one row, files aside."""
    if missing := [key for key in KEYS if key not in row]:
        return [f"it lacks {', '.join(missing)}."]
    faults = [f"{key} is not a text." for key in TEXT_KEYS if not isinstance(row[key], str)]
    if extra := [key for key in row if key not in KEYS]:
        faults.append(f"it has unknown keys: {', '.join(extra)[:200]}.")
    start_s, end_s = row["start_time"], row["end_time"]
    if not (_is_time(start_s) and _is_time(end_s) and 0 <= start_s < end_s):
        faults.append(f"its span {start_s!r} to {end_s!r} is not one.")
    patterns = row["patterns"]
    if not isinstance(patterns, list) or not patterns or not all(map(_is_pattern, patterns)):
        faults.append("its patterns are not a list of type and description.")
    faults += [
        f"its {key} are not a list of name and values."
        for key in ("choices", "comments")
        if not isinstance(row[key], list) or not all(map(_is_answer, row[key]))
    ]
    faults += [f"its {key} are not a list of texts." for key in LISTS_OF_TEXTS if not _are_texts(row[key])]
    if not isinstance(row["words"], list) or not all(map(_is_word, row["words"])):
        faults.append("its words are not a list of words with times.")
    if row["text_origin"] not in ORIGINS:
        faults.append(f"its text_origin {row['text_origin']!r} is none of {', '.join(ORIGINS)}.")
    if row["split"] not in SPLITS:
        faults.append(f"its split {row['split']!r} is none of {', '.join(SPLITS)}.")
    return faults


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_pattern(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"type", "description"}
        and isinstance(value["description"], str)
        and isinstance(value["type"], str)
        and bool(value["type"])
    )


def _is_answer(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "values"}
        and isinstance(value["name"], str)
        and _are_texts(value["values"])
    )


def _is_word(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) - {"is_interpolated"} == {"text", "start_time", "end_time", "probability", "is_uncertain", "speaker"}
        and isinstance(value["text"], str)
        and isinstance(value["speaker"], str)
        and isinstance(value["is_uncertain"], bool)
        and isinstance(value.get("is_interpolated", False), bool)  # datasets from before have none
        and _is_time(value["start_time"])
        and _is_time(value["end_time"])
        and (value["probability"] is None or _is_time(value["probability"]))
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

"""Checks a dataset folder: every row against its files, every file against the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppi.dataset import manifest, parquet, row_faults
from ppi.dataset.findings import FAIL, WARN, CheckReport, Finding, fault
from ppi.dataset.layout import (
    CARD,
    CHANGES,
    CROISSANT,
    FIGURES,
    FOLDERS,
    MANIFEST,
    METADATA,
    REPORT,
    SPLITS,
    parquet_path,
)
from ppi.errors import DatasetError, PpiError
from ppi.records import MediaInfo

PATH_KEYS = ("image_path", "video_path", "text_path")


def check(
    folder: Path,
    inspect: Callable[[Path], MediaInfo] | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> CheckReport:
    """Check `folder`; with `inspect`, which opens a clip, every clip's duration is compared with its span too.

    Nothing is raised for a bad dataset: each finding names the row or the file.
    """
    return _Checker(folder, inspect, on_progress).run()


def require_sound(folder: Path, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
    """Raises DatasetError when the check finds what makes `folder` unfit to be used."""
    if failures := check(folder, on_progress=on_progress).failures:
        problem = failures[0].as_message()
        raise DatasetError("{folder} does not pass its check: {problem} Build it again.", folder=str(folder), problem=problem)


def sound_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of metadata.jsonl whose values are what they should be, and whose files are named by paths inside."""
    rows = [row for _, row in _Checker(folder, None, lambda fraction: None).read_rows()]
    return [row for row in rows if not row_faults.of(row, "") and all(manifest.is_inside(row[key]) for key in PATH_KEYS)]


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
        self._found: list[Finding] = []
        self._named: set[str] = {METADATA, CARD, REPORT, CHANGES, CROISSANT, *FIGURES}

    def run(self) -> CheckReport:
        rows = self.read_rows()
        ids: set[str] = set()
        for number, (line, row) in enumerate(rows):
            self._on_progress(0.5 * number / len(rows))
            self._check_row(row, line, ids)
        if not rows:
            self._found.append(fault(METADATA, "It holds no row."))
        self._check_parquet([row for _, row in rows])
        self._check_manifest()
        self._check_card()
        return CheckReport(len(rows), tuple(self._found))

    def read_rows(self) -> list[tuple[int, dict[str, Any]]]:
        try:
            text = (self._folder / METADATA).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._found.append(fault(METADATA, "It cannot be read ({reason}).", reason=type(error).__name__))
            return []
        rows = []
        # Not splitlines(): a line separator inside a string is no end of a line in JSON.
        for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
            row = _parsed(line)
            if row is None:
                self._found.append(fault(_place(number), "It is not a JSON object."))
            else:
                rows.append((number, row))
        return rows

    def _check_row(self, row: dict[str, Any], line: int, ids: set[str]) -> None:
        name = row.get("id") if isinstance(row.get("id"), str) and row["id"] else _place(line)
        faults = row_faults.of(row, name)
        if name in ids:
            faults.append(fault(name, "Its id is used twice."))
        ids.add(name)
        faults += self._file_faults(row, name)
        if not faults and self._inspect is not None:
            faults += self._clip_faults(row, name)
        self._found += faults

    def _file_faults(self, row: dict[str, Any], name: str) -> list[Finding]:
        faults = []
        if row.get("file_name") != row.get("video_path"):
            faults.append(fault(name, "Its file_name and video_path differ."))
        for key in PATH_KEYS:
            path = row.get(key)
            if not manifest.is_inside(path):
                faults.append(fault(name, "Its {key} {path} leads out of the dataset.", key=key, path=row_faults.shown(path)))
                continue
            self._named.add(path)
            found = self._folder / path
            if found.is_symlink() or not found.resolve().is_relative_to(self._folder.resolve()):
                faults.append(fault(name, "{path} is a link.", path=path))
            elif not found.is_file():
                faults.append(fault(name, "{path} is missing.", path=path))
            elif key == "text_path":
                if found.read_text(encoding="utf-8", errors="replace") != row.get("text"):
                    faults.append(fault(name, "{path} differs from the text of the row.", path=path))
            elif not found.stat().st_size:
                faults.append(fault(name, "{path} is empty.", path=path))
        return faults

    def _clip_faults(self, row: dict[str, Any], name: str) -> list[Finding]:
        """A clip holds the source's whole frames inside the span, so it may differ by a frame at either end."""
        path = row["video_path"]
        try:
            info = self._inspect(self._folder / path)
        except PpiError as error:
            return [fault(name, "{path} cannot be opened: {reason}", path=path, reason=error.as_message())]
        if info.video is None:
            return [fault(name, "{path} has no picture.", path=path)]
        wanted_s = row["end_time"] - row["start_time"]
        slack_s = max(0.1, 2.5 / info.video.frame_rate) if info.video.frame_rate > 0 else 1.0
        if abs(info.duration_s - wanted_s) <= slack_s:
            return []
        lengths = {"found_s": f"{info.duration_s:.3f}", "wanted_s": f"{wanted_s:.3f}"}
        return [fault(name, "{path} lasts {found_s} s, but its span {wanted_s} s.", path=path, **lengths)]

    def _check_parquet(self, rows: list[dict[str, Any]]) -> None:
        """Every row of a split stands in its Parquet file too, in the same order; rows of no split were named before."""
        done = 0
        for split in SPLITS:
            path, wanted = parquet_path(split), [row for row in rows if row.get("split") == split]
            self._named.add(path)
            if wanted and not (self._folder / path).is_file():
                self._found.append(fault(path, "It is missing."))
            elif wanted and not (self._folder / path).is_symlink():
                self._found += parquet.faults(
                    self._folder, path, wanted,
                    lambda count, done=done: self._on_progress(min(0.7, 0.5 + 0.2 * (done + count) / len(rows))),
                )  # fmt: skip
            elif (self._folder / path).is_file():
                self._found.append(fault(path, "No row belongs to it."))
            done += len(wanted)

    def _check_manifest(self) -> None:
        present = set(manifest.files_of(self._folder))
        for path in sorted(present - self._named):
            self._found.append(fault(path, "No row names this file."))
        try:
            listed = {file["path"]: file for file in manifest.read(self._folder)["files"]}
        except DatasetError as error:
            self._found.append(Finding("files", FAIL, MANIFEST, error.template, error.as_message()["values"]))
            return
        self._found += [fault(path, "The manifest lacks this file.") for path in sorted(present - set(listed))]
        for number, (path, file) in enumerate(sorted(listed.items())):
            self._on_progress(0.7 + 0.3 * number / len(listed))
            if path not in present:
                self._found.append(fault(path, "The manifest names it, but it is missing."))
            elif not (self._folder / path).is_symlink() and manifest.sha256(self._folder / path) != file["sha256"]:
                self._found.append(fault(path, "It was changed after the dataset was built."))

    def _check_card(self) -> None:
        for name in FOLDERS:
            if not (self._folder / name).is_dir():
                self._found.append(fault(name, "The folder is missing."))
        card = self._folder / CARD
        if not card.is_file():
            self._found.append(fault(CARD, "It is missing."))
        elif "\nconfigs:\n" not in card.read_text(encoding="utf-8", errors="replace"):
            self._found.append(
                Finding("files", WARN, CARD, "Without its configs the dataset may load with other columns.")
            )  # fmt: skip


def _place(line: int) -> str:
    return f"{METADATA}:{line}"


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None

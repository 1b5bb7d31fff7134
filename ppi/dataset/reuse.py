"""Clips and key frames of the build before that are still right, so that a rebuild cuts only what changed.

One is kept when it was cut out of the same recording, over exactly the same interval, in the same way and by the same
tools, and when its bytes are those that the manifest names. Anything else is cut again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ppi.dataset import layout, manifest
from ppi.errors import DatasetError
from ppi.records import Clip, Span

# (path in the dataset, where to lay it); False when there is no such file.
Bring = Callable[[str, Path], bool]
Wanted = tuple[Span, Path, Path]


@dataclass(frozen=True)
class Recipe:
    """What decides the bytes of a clip, but for its interval: the recording's SHA-256, the way of cutting, tools by name."""

    video: str
    mode: str
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Kept:
    """`clips` by their place among those wanted; `unchanged` are the files that had the same name before."""

    clips: Mapping[int, Clip] = field(default_factory=dict)
    unchanged: frozenset[str] = frozenset()


def keep(before: Path | None, wanted: Sequence[Wanted], recipe: Recipe, bring: Bring | None = None) -> Kept:
    """Lay the files that can be kept into their places.

    `before` holds manifest.json and report.json of the build before; `bring` fetches its media when they lie elsewhere.
    """
    if before is None:
        return Kept()
    known, sums = _known(before, recipe)
    bring = bring or _copier(before)
    clips: dict[int, Clip] = {}
    unchanged: set[str] = set()
    for number, (span, *targets) in enumerate(wanted):
        about = known.get(span)
        paths = (layout.video_path(about["id"]), layout.image_path(about["id"])) if about else ()
        if about and all(_is_brought(bring, *pair, sums) for pair in zip(paths, targets, strict=True)):
            clips[number] = _clip(span, *targets, about)
            unchanged |= {path for path, target in zip(paths, targets, strict=True) if path.endswith(f"/{target.name}")}
    return Kept(clips, frozenset(unchanged))


def _known(before: Path, recipe: Recipe) -> tuple[dict[Span, dict[str, Any]], dict[str, str]]:
    """What the report tells of each clip, by interval, and checksums by path; nothing where the recipe was another one."""
    try:
        found = manifest.read(before)
        report = json.loads((before / layout.REPORT).read_text(encoding="utf-8"))
        is_same = (
            bool(recipe.video)
            and found["inputs"]["video"] == recipe.video
            and found["settings"]["clips"] == recipe.mode
            and all(found["tools"].get(name) == version for name, version in recipe.tools.items())
        )
        known = {Span(*about["span"]): about for about in report["clips"] if _is_whole(about)}
    except (DatasetError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, {}  # what cannot be read is not trusted
    return (known, {file["path"]: file["sha256"] for file in found["files"]}) if is_same else ({}, {})


def _is_whole(about: Any) -> bool:
    """Whether everything that a report says of a clip stands there; reports of earlier builds lack the exact interval."""
    numbers = ("first_frame_s", "last_frame_s", "key_frame_s", "frame_count")
    return (
        len(about.get("span", ())) == 2
        and manifest.is_inside(about["id"])
        and "sound_offset_s" in about
        and all(isinstance(about[name], (int, float)) for name in (*numbers,))
        and isinstance(about["key_frame"], dict)
        and all(isinstance(about[name], str) for name in ("mode", "reason"))
    )


def _is_brought(bring: Bring, path: str, target: Path, sums: Mapping[str, str]) -> bool:
    if path in sums and bring(path, target) and manifest.sha256(target) == sums[path]:
        return True
    target.unlink(missing_ok=True)
    return False


def _copier(folder: Path) -> Bring:
    def bring(path: str, target: Path) -> bool:
        if (folder / path).is_symlink() or not (folder / path).is_file():
            return False
        shutil.copyfile(folder / path, target)
        return True

    return bring


def _clip(span: Span, clip: Path, key_frame: Path, about: Mapping[str, Any]) -> Clip:
    return Clip(
        span=span, path=str(clip), key_frame_path=str(key_frame), frame_count=about["frame_count"],
        first_frame_s=about["first_frame_s"], key_frame_s=about["key_frame_s"], last_frame_s=about["last_frame_s"],
        mode=about["mode"], reason=about["reason"], sound_offset_s=about["sound_offset_s"], key_frame=about["key_frame"],
    )  # fmt: skip

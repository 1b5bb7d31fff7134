"""Puts a dataset folder together around its media: rows, Parquet, checks, history, figures, card, manifest, final check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ppi.dataset import beside, card, changes, croissant, figures, layout, manifest, parquet, quality, verify
from ppi.dataset.card import CardFacts
from ppi.dataset.findings import CHECKS, level_of
from ppi.errors import DatasetError, by_count

Progress = Callable[[float], None]
Row = dict[str, Any]
MEDIA_SHARE, MANIFEST_SHARE = 0.85, 0.93
FAILED = by_count(
    "count", "The dataset did not pass its check ({count} problem): {problem}",
    "The dataset did not pass its check ({count} problems). The first: {problem}",
)  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """What was put into the folder: the rows of the media there, what report.json tells besides, and, by path, why the
    key frames were chosen.
    """

    rows: Sequence[Row]
    report: Mapping[str, Any]
    unused: Sequence[str] = ()
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What the manifest says: SHA-256 sums of the inputs by role, the settings, versions of tools by name.

    `previous` is the folder of the build before, when it is not the one that is replaced.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    previous: Path | None = None


def assemble(
    folder: Path,
    fill: Callable[[Path, Progress], Contents],
    facts: CardFacts,
    origin: Origin,
    *,
    is_illustrated: bool = False,
    on_progress: Progress = lambda fraction: None,
) -> tuple[str, ...]:
    """Let `fill` put media into `<folder>.incomplete`, add the rest, check all, rename; answers the check's warnings.

    Clips are not opened: whoever cuts one compares it with its source, and a copy has its checksum. With `is_illustrated`
    figures are drawn, in a process of their own. Raises DatasetError when the check fails, and Conflict when `folder` holds
    something PPI did not build: that is never touched.
    """
    folder = folder.absolute()
    beside.settle(folder)
    with beside.unfinished(folder) as made, beside.disk_errors():
        layout.make_folders(made)
        contents = fill(made, between(on_progress, 0.0, MEDIA_SHARE))
        _describe(made, contents, facts, origin, before(folder, origin), is_illustrated, lambda: on_progress(MEDIA_SHARE))
        tools = {**origin.tools, **parquet.tools(), **(figures.tools() if is_illustrated else {})}
        manifest.write(
            made, inputs=origin.inputs, settings=origin.settings, tools=tools, chosen=contents.chosen,
            on_progress=between(on_progress, MEDIA_SHARE, MANIFEST_SHARE),
        )  # fmt: skip
        found = verify.check(made, on_progress=between(on_progress, MANIFEST_SHARE, 1.0))
        if found.failures:
            raise DatasetError(FAILED, count=len(found.failures), problem=found.failures[0].as_message())
        beside.swap(made, folder)
    on_progress(1.0)
    return found.warnings


def between(on_progress: Progress, low: float, high: float) -> Progress:
    """An `on_progress` for a part of the work."""
    return lambda fraction: on_progress(low + (high - low) * fraction)


def before(folder: Path, origin: Origin) -> Path | None:
    """The folder of the build before, if there is one."""
    return origin.previous or (folder if manifest.is_ours(folder) else None)


def _describe(
    made: Path, contents: Contents, facts: CardFacts, origin: Origin, earlier: Path | None, is_illustrated: bool,
    on_tick: Callable[[], None],
) -> None:  # fmt: skip
    rows = contents.rows
    layout.write(made, rows)
    parquets = parquet.write(made, rows)
    found = quality.examine(made, rows, contents.unused, lambda fraction: on_tick())
    checks = {check: level_of(found, check) for check in CHECKS}
    facts = replace(facts, hides_pictures=bool(contents.report.get("hides_pictures")))
    told = {**contents.report, "card": card.kept(facts), "checks": checks, "findings": [finding.as_json() for finding in found]}
    layout.write_json(made / layout.REPORT, told)
    versions = changes.history(earlier, rows, origin.inputs)
    layout.write_json(made / layout.CHANGES, {"versions": versions})
    drawn = figures.draw(made, facts.language, on_tick) if is_illustrated else []
    text = card.render(rows, facts, versions, drawn)
    (made / layout.CARD).write_text(text, encoding="utf-8", newline="\n")
    files = {path: manifest.facts_of(made, path) for path in (layout.METADATA, *parquets)}
    layout.write_json(made / layout.CROISSANT, croissant.describe(facts, files, versions[-1]["version"]))

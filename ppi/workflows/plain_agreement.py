"""The agreement of annotators on plain files: from exports to figures, as text and as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ppi.annotation import agreement, formats, kept_agreement, patterns
from ppi.annotation.agreement import Agreement
from ppi.annotation.meanings import applied
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.errors import InputError, ToolFailed
from ppi.media import probe
from ppi.media.ffmpeg import Ffmpeg
from ppi.processes import run_in_child
from ppi.records import Annotation, Dropped, MediaInfo
from ppi.settings import Settings
from ppi.workflows.plain import check_file

NOT_DEFINED = "not defined"
CHILD_TIMEOUT_S, CHILD_MEMORY_BYTES = 120, 6 * 1024**3
log = logging.getLogger(__name__)


def compare_files(
    annotations: Sequence[Path],
    *,
    table: Path | None = None,
    video: Path | None = None,
    duration_s: float | None = None,
    step_s: float = agreement.STEP_S,
    lesson_id: str = "",
    chosen: Sequence[str] = (),
    settings: Settings | None = None,
) -> Agreement:
    """Compare the annotators of annotations of one recording, in any format of `formats.read`.

    The recording's length comes from `video` or is `duration_s`: kappa and alpha count the time in which nobody marked
    anything. Raises InputError, AnnotationError, UnsupportedMedia.
    """
    for path in (*annotations, *filter(None, (table, video))):
        check_file(path)
    frame_rate = None
    if video is not None:
        settings = settings or Settings.from_env()
        info = probe.inspect(video, Ffmpeg(settings.media))
        duration_s, frame_rate = info.duration_s, info.video.frame_rate
    if not duration_s or duration_s <= 0:
        raise InputError("Give the recording, or its length in seconds: time in which nobody marked anything counts too.")
    codebook = patterns.read(table) if table is not None else Codebook(())
    files = [(path, path.name) for path in annotations]
    return compared(None, files, video.name if video else "", codebook, duration_s, frame_rate, step_s, lesson_id, chosen)


def compared(
    report: Callable[[Any], None] | None,
    files: Sequence[tuple[Path, str]],
    video_name: str,
    codebook: Codebook,
    duration_s: float,
    frame_rate: float | None,
    step_s: float,
    lesson_id: str,
    chosen: Sequence[str],
    meanings: Mapping[str, str] | None = None,
) -> Agreement:
    """Read the `files`, each with the name it was given under, and compare; can run in a child, which reports everybody, how
    many of them are compared, and the share that is done.

    Raises AnnotationError, and InputError when the annotations belong to several lessons and none is chosen.
    """
    sources: list[list[Annotation]] = []
    dropped: list[Dropped] = []
    for path, name in files:
        export = formats.read(
            path.read_bytes(), name, frame_rate=frame_rate, duration_s=duration_s, video_name=video_name
        )  # fmt: skip
        dropped += export.dropped
        read = applied(plan.of_lesson(list(export.annotations), lesson_id, dropped), meanings or {}, codebook)
        dropped += read.dropped
        sources.append(list(read.annotations))
    named = sorted({annotation.lesson_id for source in sources for annotation in source} - {""})
    if len(named) > 1 and lesson_id not in named:
        raise InputError(
            "The annotations belong to several lessons: {lessons}. Give those of one lesson.", lessons=", ".join(named)[:400]
        )  # fmt: skip
    names = [pattern.type for pattern in codebook.patterns]

    def on_progress(everybody: Sequence[str], count: int, share: float) -> None:
        if report is not None:
            report((tuple(everybody), count, share))

    found = agreement.compare(
        sources, codebook.match, duration_s=duration_s, step_s=step_s, names=names, chosen=chosen, on_progress=on_progress
    )  # fmt: skip
    return replace(found, dropped=(*dropped, *found.dropped))


def compared_apart(report: Callable[[Any], None], **wanted: Any) -> bytes:
    """In a child: what `compared` answers, packed to be kept."""
    return kept_agreement.packed(compared(report, **wanted))


def for_card(
    annotations: Path, table: Path, info: MediaInfo, video_name: str, lesson_id: str, meanings: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """The figures as a dataset's card tells them, made in a child process; None when the comparison takes too much of it."""
    wanted = {
        "files": [(annotations, annotations.name)], "video_name": video_name, "codebook": patterns.read(table),
        "duration_s": info.duration_s, "frame_rate": info.video.frame_rate, "step_s": agreement.STEP_S,
        "lesson_id": lesson_id, "chosen": (), "meanings": meanings,
    }  # fmt: skip
    try:
        found = run_in_child(
            f"{__name__}:compared", wanted, timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES
        )  # fmt: skip
    except (ToolFailed, InputError) as error:
        log.warning("the card tells no agreement of the annotators: %s", error)
        return None
    told = [{name: getattr(entry, name) for name in ("pattern", "kappa", "alpha", "f1")} for entry in found.patterns]
    return {"annotators": len(found.annotators), "step_s": found.step_s, "patterns": told}


def as_data(found: Agreement) -> dict[str, Any]:
    """The comparison as plain values for JSON. None, in JSON null, means "not defined"."""
    told = asdict(found)
    del told["moments"]
    told["agreed"] = len(found.moments) - len(found.disagreements)
    return told | {"disagreements": [asdict(moment) for moment in found.disagreements]}


def as_json(found: Agreement) -> str:
    return json.dumps(as_data(found), ensure_ascii=False, indent=1)


def as_text(found: Agreement) -> str:
    """The comparison as lines for a terminal."""
    if len(found.annotators) < 2:
        return f"{len(found.annotators)} annotator: there is nobody to compare with."
    lines = [
        f"Annotators: {', '.join(found.annotators)}",
        f"Grid: {found.units} points, {found.step_s:g} s apart, over {found.duration_s:g} s. Intervals match at IoU 0.5.",
        f"{'kappa':>12}{'alpha':>12}{'F1':>12}  pattern (marks)",
    ]
    for entry in found.patterns:
        marks = ", ".join(f"{name}: {count}" for name, count in entry.marks.items())
        shown = "".join(f"{_figure(value):>12}" for value in (entry.kappa, entry.alpha, entry.f1))
        lines.append(f"{shown}  {entry.pattern} ({marks})")
        if entry.between:
            lines.append(f"{'':36}  {entry.between} of them between two points of the grid: kappa and alpha do not see them")
    for confusion in found.confusions:
        lines.append(f"Confusions of {confusion.one} (rows) and {confusion.other}:")
        lines += [f"  {mine or '(nothing)'} / {theirs or '(nothing)'}: {count}" for mine, theirs, count in confusion.counts]
    lines.append(f"Disagreements: {len(found.disagreements)} of {len(found.moments)} moments")
    for moment in found.disagreements:
        who = "; ".join(f"{mark.annotator} {mark.span.start_s:.3f}-{mark.span.end_s:.3f}" for mark in moment.marks)
        lines.append(f"  {moment.kind}: {moment.pattern}: {who}")
    lines += [f"left out {entry.where}: {entry.reason} {entry.detail}".rstrip() for entry in found.dropped]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return NOT_DEFINED if value is None else f"{value:.3f}"

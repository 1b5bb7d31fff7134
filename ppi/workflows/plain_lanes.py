"""Who marked what in a lesson, worked out of plain files: what is drawn under the waveform."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ppi.annotation import formats, moments
from ppi.annotation.formats import CHILD_MEMORY_BYTES
from ppi.annotation.meanings import applied
from ppi.annotation.moments import Mark
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.errors import AnnotationError, ToolFailed
from ppi.processes import run_in_child
from ppi.workflows.plain_understood import CHILD_TIMEOUT_S, is_quick

# The annotators, the first marks in order of time, and how many more there are.
Drawn = tuple[list[str], list[Mark], int]
_one_at_a_time = threading.Lock()


def drawn(
    report: Callable[[Any], None] | None,
    files: Sequence[tuple[Path, str]],
    codebook: Codebook,
    meanings: Mapping[str, str],
    lesson_id: str,
    most: int,
    **about: Any,
) -> Drawn:
    """Read the `files`, each with the name it was given under, and answer `most` marks. `about` is what `formats.read` takes.

    Marks of one annotator and pattern that overlap count as one. Raises AnnotationError.
    """
    sources = []
    for path, name in files:
        export = formats.read(path.read_bytes(), name, **about)
        sources.append(applied(plan.of_lesson(list(export.annotations), lesson_id, []), meanings, codebook).annotations)
    annotators, marks, _ = moments.collect(sources, codebook.match)
    return annotators, marks[:most], max(0, len(marks) - most)


def worked_out(files: Sequence[tuple[Path, str]], **about: Any) -> Drawn:
    """`drawn` for servers: large files are read in a child, one lesson's at a time. Raises AnnotationError for that, too."""
    size_bytes = sum(path.stat().st_size for path, _ in files)
    if all(is_quick(size_bytes, name) for _, name in files):
        return drawn(None, files, **about)
    try:
        with _one_at_a_time:
            return run_in_child(
                f"{__name__}:drawn", {"files": files, **about}, timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES
            )
    except ToolFailed as error:
        raise AnnotationError("The annotations take too much time or memory to read. Export fewer at a time.") from error

"""A lesson's annotations: kept as they were brought, given out for other tools; files converted without a lesson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.annotation import formats
from ppi.errors import AnnotationError, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.media import probe
from ppi.media.ffmpeg import Ffmpeg
from ppi.records import Dropped, Export, ObjectInfo
from ppi.services import Services
from ppi.settings import Settings
from ppi.storage import keys
from ppi.workflows import kit, lessons, replaced
from ppi.workflows.ingest import media_info, put
from ppi.workflows.plain import check_file

NAME = ".annotations"
MAX_BYTES = 50_000_000
CONTENT_TYPES = {
    formats.JSON: "application/json", formats.EAF: "application/xml", formats.TEXTGRID: "text/plain", formats.TABLE: "text/csv",
}  # fmt: skip
# Endings of the files that tools make, for the dialog that chooses a file.
ENDINGS = (".json", ".eaf", ".TextGrid", ".boris", ".csv", ".tsv", ".txt")
# What pages and commands offer: the format's name and how it is called.
TARGETS = {kind: target.title for kind, target in formats.TARGETS.items()}


@dataclass(frozen=True)
class Converted:
    """Annotations in another format: how many labels were given to spans, and what reading them left out."""

    file_name: str
    content_type: str
    data: bytes
    marks: int
    dropped: tuple[Dropped, ...]


def named(path: Path, given_name: str) -> Path:
    """The file with the ending of its format, renamed. Raises AnnotationError for a format that is not taken."""
    return path.rename(path.with_suffix(formats.recognise(path.read_bytes(), given_name)))


def keep(services: Services, row: LessonRow, path: Path) -> ObjectInfo:
    """Put the file with the lesson as `<stem>.annotations.<ending>`, in place of what was there; answers what is stored."""
    replaced.set_aside(services, row, _kept(services, row), path)
    key = keys.derivative_key(row.video_key, NAME + path.suffix)
    kept = put(services, None, row, path, key, CONTENT_TYPES[path.suffix])
    for found in _kept(services, row):
        if found.key != key:
            services.store.delete(services.raw, found.key)
    return kept


def stored(services: Services, row: LessonRow) -> ObjectInfo:
    """The annotations of the newest build. Raises NotFound when none were brought."""
    found = _kept(services, row)
    if not found:
        raise NotFound("This lesson has no annotations yet. Build a dataset first.", lesson_id=row.id)
    return max(found, key=lambda item: item.last_modified_s)


def origins(shown: lessons.LessonView, fetched: str) -> list[ObjectInfo]:
    """The annotations brought as a file and those `fetched`, as far as there are any; a build takes the first, the newest."""
    brought = [shown.files[name] for name in (NAME + suffix for suffix in CONTENT_TYPES) if name in shown.files]
    brought = [max(brought, key=lambda item: item.last_modified_s)] if brought else []
    found = [*brought, *([shown.files[fetched]] if fetched in shown.files else [])]
    return sorted(found, key=lambda item: item.last_modified_s, reverse=True)


def converted(services: Services, row: LessonRow, kind: str, absolute: Callable[[str], str]) -> Converted:
    """The lesson's annotations in a format of TARGETS. Raises NotFound when there are none, InputError for other formats.

    A task for Label Studio gets the same addresses as in the lesson's kit; `absolute` puts the server's before their paths.
    """
    if kind not in TARGETS:
        raise InputError("There is no format {kind}. Choose one of {known}.", kind=kind, known=", ".join(TARGETS))
    found, info = stored(services, row), media_info(lessons.facts(services, row))
    video_name = row.video_key.removeprefix(row.prefix)
    export = formats.read_apart(
        b"".join(services.store.read(services.raw, found.key)), found.key, frame_rate=info.video.frame_rate,
        duration_s=info.duration_s, video_name=video_name,
    )  # fmt: skip
    about = {"frame_rate": info.video.frame_rate, "duration_s": info.duration_s, "video_name": video_name}
    if kind == "json":
        *links, about["frame_rate"] = kit.playable(services, lessons.view(services, row), absolute)
        about["links"] = tuple(links)
    return _written(export, kind, keys.stem(row.video_key), lesson_id=row.id, **about)


def convert_file(source: Path, target: Path, *, video: Path | None = None, settings: Settings | None = None) -> Converted:
    """Write the annotations of `source` into `target`, whose ending says the format.

    `video` gives the frame rate, which Label Studio's frames need, and the end of the recording. Raises InputError and
    AnnotationError; an existing `target` is not replaced.
    """
    check_file(source)
    wanted = formats.target_of(target.name)
    if target.exists():
        raise InputError("There is a file {path} already. Choose another name.", path=str(target))
    frame_rate, duration_s, video_name = None, None, video.name if video else ""
    if video is not None:
        check_file(video)
        info = probe.inspect(video, Ffmpeg((settings or Settings.from_env()).media))
        frame_rate, duration_s = info.video.frame_rate, info.duration_s
    export = formats.read(source.read_bytes(), source.name, frame_rate=frame_rate, duration_s=duration_s, video_name=video_name)
    if not any(annotation.regions for annotation in export.annotations):
        reasons = sorted({dropped.reason for dropped in export.dropped})
        raise AnnotationError(
            "There is no mark to write. Left out: {reasons}. Correct the annotations, then try again.",
            reasons=", ".join(reasons) or "-"
        )  # fmt: skip
    about = {"frame_rate": frame_rate, "duration_s": duration_s, "video_name": video_name}
    made = _written(export, wanted.kind, target.stem, **about)
    target.write_bytes(made.data)
    return made


def _written(export: Export, kind: str, stem: str, **about: Any) -> Converted:
    wanted = formats.TARGETS[kind]
    marks = sum(len(region.labels) for annotation in export.annotations for region in annotation.regions)
    data = formats.write(export.annotations, kind, **about)
    return Converted(f"{stem}{NAME}{wanted.suffix}", wanted.content_type, data, marks, export.dropped)


def _kept(services: Services, row: LessonRow) -> list[ObjectInfo]:
    known = {keys.derivative_key(row.video_key, NAME + suffix) for suffix in CONTENT_TYPES}
    return [found for found in services.store.list(services.raw, row.prefix) if found.key in known]

"""A lesson's transcript for other programs and people: one format, or all texts of several lessons as one ZIP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED

from ppi.accounts.users import User
from ppi.annotation import elan, textgrid
from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.processes import run_in_child
from ppi.records import Annotation, LessonFacts, Region, Span, Transcript
from ppi.services import Services
from ppi.speech import formats, uploaded
from ppi.storage import keys
from ppi.workflows import corrections, lessons, transcribe
from ppi.workflows.corrections import Edited
from ppi.workflows.plain import check_file

DOCX_S = 120.0
TIER = "speech"
# What goes into the ZIP of several lessons.
BUNDLED = ("txt", "times.txt", "speakers.txt", "srt", "vtt", "docx", "json")
MAX_BUNDLED = 500
MAX_UPLOAD_BYTES = uploaded.MAX_BYTES


@dataclass(frozen=True)
class Kind:
    """A format of transcripts. `write` makes its bytes, but for DOCX, which needs a child process."""

    title: str
    content_type: str
    write: Callable[[Transcript, str], bytes] | None = None


@dataclass(frozen=True)
class Written:
    """A transcript in one format, ready to be handed out."""

    file_name: str
    content_type: str
    data: bytes


def regions(transcript: Transcript) -> tuple[Annotation, ...]:
    """Speech as marks, one annotator for each speaker: what the writers of annotation files take."""
    spoken: dict[str, list[Region]] = {}
    for number, segment in enumerate(transcript.segments, start=1):
        if segment.text.strip() and segment.end_s > segment.start_s:
            region = Region(f"s{number}", "mark", Span(segment.start_s, segment.end_s), (" ".join(segment.text.split()),))
            spoken.setdefault(segment.speaker, []).append(region)
    return tuple(Annotation(speaker, "1", speaker, "", "", tuple(found)) for speaker, found in spoken.items())


def _text(write: Callable[[Transcript], str]) -> Callable[[Transcript, str], bytes]:
    return lambda transcript, video_name: write(transcript).encode()


KINDS = {
    "txt": Kind("TXT", "text/plain; charset=utf-8", _text(formats.to_txt)),
    "times.txt": Kind("TXT", "text/plain; charset=utf-8", _text(formats.to_timed_txt)),
    "speakers.txt": Kind("TXT", "text/plain; charset=utf-8", _text(formats.to_speakers_txt)),
    "docx": Kind("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "srt": Kind("SRT", "application/x-subrip", _text(formats.to_srt)),
    "vtt": Kind("WebVTT", "text/vtt; charset=utf-8", _text(formats.to_vtt)),
    "json": Kind("JSON", "application/json", _text(formats.to_json)),
    "textgrid": Kind("Praat", "text/plain; charset=utf-8", lambda transcript, video_name: textgrid.write(
        regions(transcript), duration_s=transcript.duration_s, topic=TIER)),
    "eaf": Kind("ELAN", "application/xml", lambda transcript, video_name: elan.write(
        regions(transcript), video_name=video_name, topic=TIER)),
}  # fmt: skip
_ENDINGS = {"json": "transcript.json", "docx": "transcript.docx", "textgrid": "TextGrid"}


def written(
    services: Services, row: LessonRow, kind: str, *, version: int = 0, language: str = "en", home: str = ""
) -> Written:
    """The transcript in a format of KINDS, as it is now or was in a version.

    `language` is that of a document's own words, `home` the address before the links of its time codes, "" for none. Raises
    NotFound and InputError.
    """
    if kind not in KINDS:
        raise InputError("There is no format {kind}. Choose one of {known}.", kind=kind[:40], known=", ".join(KINDS))
    transcript = corrections.text_at(services, row, version) if version else corrections.load(services, row).transcript
    write, video_name = KINDS[kind].write, row.video_key.removeprefix(row.prefix)
    data = write(transcript, video_name) if write else _docx(_facts(row, transcript, home), transcript, language)
    mark = f".v{version}" if version else ""
    name = f"{keys.stem(row.video_key)}{mark}.{_ENDINGS.get(kind, kind)}"
    return Written(name, KINDS[kind].content_type, data)


def bundle(
    services: Services, user: User, lesson_ids: Iterable[str], *, language: str = "en", home: str = ""
) -> Iterator[bytes]:
    """All texts of these lessons as a ZIP, made while it is read: no more than one file is in memory.

    Lessons without a transcript are left out. Raises NotFound, also for lessons of others, and InputError, both at the call.
    """
    from zipstream import ZipStream

    rows = [lessons.owned(services, user, lesson_id) for lesson_id in dict.fromkeys(lesson_ids)]
    spoken = [row for row in rows if lessons.view(services, row).has_transcript]
    if not spoken:
        raise InputError("None of these lessons has a transcript. Choose lessons that were transcribed.")
    if len(spoken) > MAX_BUNDLED:
        raise InputError("Choose at most {limit} lessons at a time.", limit=MAX_BUNDLED)
    made = ZipStream(compress_type=ZIP_DEFLATED, sized=False)
    for row in spoken:
        folder = row.prefix.rstrip("/").replace("/", " - ")
        for kind in BUNDLED:
            name = f"{folder}/{keys.stem(row.video_key)}.{_ENDINGS.get(kind, kind)}"
            made.add(_later(services, row, kind, language, home), arcname=name)
    return iter(made)


def keep_uploaded(
    services: Services, row: LessonRow, data: bytes, name: str, *, who: str, language: str = "", replace: bool = False
) -> Edited:
    """Take a transcript that was made elsewhere; see `ppi.speech.uploaded.read` for what is read.

    The lesson counts as transcribed then, as lists show by its jobs. Raises InputError for what is none, and Conflict while
    the lesson is prepared or transcribed, and when a person has corrected the one that is there, unless `replace`.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Give its transcript when that is done.")
    if (newest := shown.jobs.get("transcribe")) is not None and newest.is_active:
        raise Conflict("This lesson is being transcribed just now. Cancel that first, or wait for it.")
    transcript = uploaded.read(data, name, duration_s=shown.info.duration_s, language=language)
    if not replace:
        corrections.ask_first(services, row)
    kept = corrections.keep_new(services, row, transcript, who=who, what=corrections.UPLOADED)
    transcribe.count_as_transcribed(services, row, transcript)
    return kept


def convert_file(source: Path, out: Path, *, language: str = "") -> Transcript:
    """Write a transcript file (SRT, VTT, JSON) as TXT, SRT, VTT, JSON and DOCX into the folder `out`. Raises InputError."""
    check_file(source)
    transcript = uploaded.read(source.read_bytes(), source.name, duration_s=None, language=language)
    out.mkdir(parents=True, exist_ok=True)
    stem = source.name.removesuffix(".transcript.json").removesuffix(source.suffix)
    formats.write_all(transcript, out, stem)
    facts = LessonFacts(stem, source.name, transcript.duration_s)
    (out / f"{stem}.transcript.docx").write_bytes(_docx(facts, transcript, transcript.language))
    return transcript


def _later(services: Services, row: LessonRow, kind: str, language: str, home: str) -> Iterator[bytes]:
    """The file, made when the ZIP comes to it; a lesson that was deleted meanwhile gives an empty one."""
    try:
        yield written(services, row, kind, language=language, home=home).data
    except NotFound:
        return


def _facts(row: LessonRow, transcript: Transcript, home: str) -> LessonFacts:
    return LessonFacts(
        row.name, row.video_key.removeprefix(row.prefix), transcript.duration_s,
        datetime.fromtimestamp(row.created_s, UTC).date().isoformat(),
        player=f"{home}/lessons/{row.id}/transcript" if home else "",
    )  # fmt: skip


def _docx(facts: LessonFacts, transcript: Transcript, language: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="ppi-docx-") as folder:
        path = Path(folder, "transcript.docx")
        given = {"path": path, "facts": facts, "transcript": transcript, "language": "ru" if language == "ru" else "en"}
        run_in_child("ppi.summary.transcript_outline:write_docx", given, timeout_s=DOCX_S)
        return path.read_bytes()

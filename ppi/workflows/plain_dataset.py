"""Datasets on plain files: build and check. The job that builds a stored lesson's dataset calls the same functions."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ppi
from ppi.dataset import build, card, layout, quality, verify
from ppi.dataset import consent as consents
from ppi.dataset.build import BuildReport
from ppi.dataset.findings import CheckReport
from ppi.dataset.reuse import Bring
from ppi.errors import InputError
from ppi.media import clips, probe, sheets
from ppi.media.clips import MODES, STRICT
from ppi.media.ffmpeg import Ffmpeg
from ppi.records import Clip, Consent, Meaning, MediaInfo, Span, Transcript
from ppi.settings import Settings
from ppi.workflows.plain import Progress, check_file, quiet, read_transcript, transcribe_file
from ppi.workflows.plain_agreement import for_card
from ppi.workflows.plain_plan import plan_early


def build_from_files(
    *,
    video: Path,
    annotations: Path,
    patterns: Path,
    out: Path,
    transcript: Path | None = None,
    no_texts: bool = False,
    engine: str = "",
    model: str = "",
    lesson: str = "",
    clips: str = STRICT,
    consent: Mapping[str, str] | None = None,
    own_text: str = "",
    card_language: str = "en",
    sheets: Path | None = None,
    meanings: Path | None = None,
    cuts_all: bool = False,
    settings: Settings | None = None,
    on_progress: Progress = quiet,
) -> BuildReport:
    """Build the dataset folder `out` from a video, its annotations (any format of `formats.read`) and a pattern table.

    Without `transcript` the whole video is transcribed once first, unless `no_texts`. An earlier build in `out` is
    replaced only by a finished, checked one; its clips that are still right are kept, unless `cuts_all`. `clips` is
    "strict" or "fast" (see `ppi.media.clips`); `consent` has the fields of `ppi.records.Consent`; `own_text` is Markdown
    for the card. With `sheets` contact sheets are drawn into that folder, which is no part of the dataset. `meanings` is a
    JSON file, {"meanings": {label: pattern of the table, or "" to leave it out}}. Raises InputError, AnnotationError,
    DatasetError, UnsupportedMedia.
    """
    check_mode(clips)
    if sheets is not None and sheets.absolute().is_relative_to(out.absolute()):
        raise InputError("Contact sheets show moments outside the intervals. Choose a folder outside the dataset.")
    agreed = consents.checked(**(consent or {}))
    card.checked_language(card_language)
    settings = settings or Settings.from_env()
    for path in (video, annotations, patterns, *filter(None, [meanings])):
        check_file(path)
    chosen = _chosen(meanings) if meanings else {}
    ffmpeg = Ffmpeg(settings.media)
    info = probe.inspect(video, ffmpeg)
    plan_early(annotations, patterns, info, lesson or video.stem, video.name, meanings=chosen)
    heard = _heard(video, info, transcript, no_texts, engine, model, settings, lambda f: on_progress(f * 0.5))
    built = build_folder(
        ffmpeg, video, info, annotations, patterns, out, heard, lesson or video.stem, video.name,
        lambda fraction: on_progress(0.5 + fraction * (0.4 if sheets else 0.5)), mode=clips, consent=agreed,
        own_text=own_text, card_language=card_language, cuts_all=cuts_all, meanings=chosen,
    )  # fmt: skip
    if sheets is not None:
        draw_sheets(ffmpeg, video, out, sheets, lambda fraction: on_progress(0.9 + fraction * 0.1))
    return built


def check_mode(mode: str) -> str:
    """The way clips are cut, as it was given. Raises InputError when there is no such way."""
    if mode not in MODES:
        raise InputError("Clips are cut in the way strict or fast, not {mode}.", mode=mode[:40])
    return mode


def build_folder(
    ffmpeg: Ffmpeg,
    video: Path,
    info: MediaInfo,
    annotations: Path,
    table: Path,
    out: Path,
    transcript: Transcript | None,
    lesson: str,
    source_video: str,
    on_progress: Progress,
    lesson_id: str = "",
    mode: str = STRICT,
    consent: Consent = Consent(),
    own_text: str = "",
    card_language: str = "en",
    previous: Path | None = None,
    bring: Bring | None = None,
    cuts_all: bool = False,
    meanings: Mapping[str, str] | None = None,
) -> BuildReport:
    """Plan, cut, write, verify and rename; see `ppi.dataset.build.build`. `meanings` says what labels mean, by label."""
    made = plan_early(annotations, table, info, lesson, source_video, lesson_id, consent.teacher, meanings)

    people = {sample.annotator for sample in made.samples}
    agreement = for_card(annotations, table, info, source_video, lesson_id, meanings) if len(people) > 1 else None

    def cut(wanted: Sequence[tuple[Span, Path, Path]], report: Callable[[float], None]) -> list[Clip]:
        requests = [clips.ClipRequest(span, clip, key_frame) for span, clip, key_frame in wanted]
        return clips.cut(ffmpeg, video, info, requests, report, mode)

    return build.build(
        out, made, cut, transcript,
        inputs={
            "video": sha256(video), "annotations": sha256(annotations), "patterns": sha256(table),
            **({"meanings": _sum_of(made.meanings)} if made.meanings else {}),
        },
        tools={"ppi": ppi.__version__, **clips.tools(ffmpeg)},
        clips=mode, consent=consent, own_text=card.checked_own_text(own_text), card_language=card_language,
        agreement=agreement, previous=previous, bring=bring,
        cuts_all=cuts_all, is_illustrated=True, on_progress=on_progress,
    )  # fmt: skip


def draw_sheets(ffmpeg: Ffmpeg, video: Path, dataset: Path, folder: Path, on_progress: Progress) -> list[Path]:
    """Draw the contact sheets of a built dataset into `folder`; see `ppi.media.sheets`. Answers the pages in order."""
    rows = [json.loads(line) for line in (dataset / layout.METADATA).read_text(encoding="utf-8").splitlines()]
    intervals = [(row["id"], Span(row["start_time"], row["end_time"])) for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    return sheets.draw(ffmpeg, video, intervals, folder, on_progress)


def check_folder(folder: Path, settings: Settings | None = None) -> CheckReport:
    """Check every row of a dataset folder against its files, opening every clip, then what loaders do not notice.

    Raises InputError when there is no such folder.
    """
    settings = settings or Settings.from_env()
    if not folder.is_dir():
        raise InputError("There is no folder {path}. Check the name and try again.", path=str(folder))
    ffmpeg = Ffmpeg(settings.media)
    found = verify.check(folder, lambda path: probe.inspect(path, ffmpeg))
    good = quality.examine(folder, verify.sound_rows(folder), verify.unused_patterns(folder))
    return CheckReport(found.rows, (*found.findings, *good))


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, read in flat memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chosen(path: Path) -> dict[str, str]:
    """What a file says that labels mean. Raises InputError."""
    try:
        chosen = json.loads(path.read_text(encoding="utf-8"))["meanings"]
        if all(isinstance(text, str) for pair in chosen.items() for text in pair):
            return chosen
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise InputError('{path} must be JSON such as {{"meanings": {{"label": "pattern"}}}}.', path=str(path))


def _sum_of(meanings: Sequence[Meaning]) -> str:
    told = json.dumps(sorted((given.label, given.pattern) for given in meanings), ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


def _heard(
    video: Path, info: MediaInfo, transcript: Path | None, no_texts: bool, engine: str, model: str, settings: Settings,
    on_progress: Progress,
) -> Transcript | None:  # fmt: skip
    if transcript is not None:
        return read_transcript(transcript)
    if no_texts or not info.audio:
        return None
    with tempfile.TemporaryDirectory(prefix="ppi-texts-") as folder:
        return transcribe_file(
            video, Path(folder), settings=settings, engine_name=engine, model=model, on_progress=on_progress
        )  # fmt: skip

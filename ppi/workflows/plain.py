"""The same work on plain files, with no data folder, server or account: for the command line and notebooks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ppi.errors import InputError
from ppi.media import audio, probe
from ppi.media.ffmpeg import Ffmpeg
from ppi.records import LessonFacts, Summary, Transcript
from ppi.settings import Settings
from ppi.speech import diarizer, formats, recognizer
from ppi.summary import documents, engine, outline
from ppi.summary.outline import Content
from ppi.workflows.speakers import told

Progress = Callable[[float], None]


def quiet(fraction: float) -> None:
    """An `on_progress` for callers who do not want to know."""


def transcribe_file(
    media: Path,
    out: Path,
    *,
    settings: Settings | None = None,
    engine_name: str = "",
    model: str = "",
    language: str = "",
    phrases: str = "",
    speakers: bool | None = None,
    people: int = 0,
    on_progress: Progress = quiet,
) -> Transcript:
    """Transcribe a video or audio file into `out`: `<stem>.txt .srt .vtt .transcript.json`.

    `engine_name` ("faster-whisper", "whisper" or "pocketsphinx"), `model` and `language` (ISO 639-1) default to the settings;
    `phrases` are names and subject words that are said, beside those of the settings. `speakers` says whether to tell speakers
    apart, as the settings do when None; `people` is how many there are, 0 when that is not known.
    Raises UnsupportedMedia, WeightsMissing and InputError; existing outputs are replaced only by finished ones.
    """
    settings = settings or Settings.from_env()
    check_file(media)
    ffmpeg = Ffmpeg(settings.media)
    info = probe.inspect(media, ffmpeg, needs_video=False)
    if not info.audio:
        raise InputError("{name} has no sound, so there is nothing to transcribe.", name=media.name)
    hear = recognizer.create(settings.speech, engine_name, model, phrases)
    is_told = settings.speech.speakers.is_on if speakers is None else speakers
    if is_told:
        diarizer.check(settings.speech)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ppi-speech-") as folder:
        speech = Path(folder) / "speech.wav"
        audio.extract_speech(ffmpeg, media, speech, lambda fraction: on_progress(fraction * 0.05))
        share = 0.7 if is_told else 0.95
        transcript = hear.transcribe(
            speech, language or settings.speech.language, lambda fraction: on_progress(0.05 + fraction * share)
        )
        formats.write_all(transcript, out, media.stem)
        if is_told:
            found = diarizer.find(settings.speech, speech, people, lambda fraction: on_progress(0.75 + fraction * 0.25))
            transcript = told(transcript, found)
            formats.write_all(transcript, out, media.stem)
    on_progress(1.0)
    return transcript


def read_transcript(path: Path) -> Transcript:
    """Read a `.transcript.json`. Raises InputError when it is not one."""
    check_file(path)
    return formats.from_json(path.read_bytes())


def summarize_file(
    transcript: Path,
    out: Path,
    *,
    settings: Settings | None = None,
    model: str = "",
    engine_name: str = "",
    style: str = "minutes",
    language: str = "",
    on_progress: Progress = quiet,
) -> Summary:
    """Summarise a `.transcript.json` into `out`: `<stem>.summary.docx` and `<stem>.summary.txt`.

    `model` is a folder or repository of a chat model, by default that of the settings; `engine_name` is "extractive",
    "transformers" or "chat", by default the usual one of the settings. `language` ("ru", "en") is the lesson's by default.
    Raises InputError for a style or a language that there is not.
    """
    settings = settings or Settings.from_env()
    check_style(style)
    read = read_transcript(transcript)
    chosen = replace(settings.summary, model=model) if model else settings.summary
    summary = engine.summarize(read, chosen, on_progress, engine_name or (engine.TRANSFORMERS if model else ""), language)
    stem = transcript.name.removesuffix(".json").removesuffix(".transcript")
    facts = LessonFacts(name=stem, source_video=stem, duration_s=read.duration_s)
    write_summary(out, stem, Content(facts, summary, read), style, language or summary.language)
    on_progress(1.0)
    return summary


def check_style(style: str) -> None:
    """Raises InputError unless summaries can be had in this style."""
    if style not in outline.STYLES:
        raise InputError("There is no style {style}. Choose one of {known}.", style=style, known=", ".join(outline.STYLES))


def write_summary(out: Path, stem: str, content: Content, style: str, language: str) -> list[Path]:
    """Write the DOCX and the TXT of a summary; answers their paths."""
    out.mkdir(parents=True, exist_ok=True)
    docx, text = out / f"{stem}.summary.docx", out / f"{stem}.summary.txt"
    title, blocks = outline.title_of(style, language), outline.outline(content, style, language)
    documents.write_docx(docx, title, content.facts.name, blocks, language, content.facts.player)
    documents.write_txt(text, title, blocks)
    return [docx, text]


def check_file(path: Path) -> None:
    """Raises InputError when there is no such file or it cannot be read."""
    if not path.is_file():
        raise InputError("There is no file {path}. Check the name and try again.", path=str(path))

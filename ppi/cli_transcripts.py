"""The command line of transcripts that were made elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from ppi.console import FILE, counted, services

LANGUAGE = click.option("--language", default="", help="en, ru ...; files of Whisper say it themselves.")


@click.group("transcript")
def transcript() -> None:
    """Transcripts made elsewhere: SRT, WebVTT, and the JSON of Whisper or PPI."""


@transcript.command("convert")
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for the texts.")
@LANGUAGE
def convert(source: Path, out: Path, language: str) -> None:
    """Write SOURCE as TXT, SRT, VTT, JSON and DOCX."""
    from ppi.workflows.texts import convert_file

    made = convert_file(source, out, language=language)
    click.echo(f"{counted(len(made.words), 'word')} in {counted(len(made.segments), 'segment')}.")
    for note in made.notes:
        click.echo(note)


@transcript.command("give")
@click.argument("lesson")
@click.argument("source", type=FILE)
@click.option("--replace", is_flag=True, help="Also when a person has corrected the one of now; it stays in its history.")
@LANGUAGE
def give(lesson: str, source: Path, replace: bool, language: str) -> None:
    """Give LESSON (its number, in the data folder) the transcript SOURCE instead of a recognised one."""
    from ppi.workflows import texts
    from ppi.workflows.plain import check_file

    here = services()
    check_file(source)
    kept = texts.keep_uploaded(
        here, here.lessons.get(lesson), source.read_bytes(), source.name, who="", language=language, replace=replace
    )
    click.echo(f"Version {kept.version}, {counted(len(kept.transcript.words), 'word')}.")

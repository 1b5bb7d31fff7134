"""The command line of a running Label Studio: send lessons, fetch annotations."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from ppi.console import FILE, counted, done, services


@click.group("label-studio")
def label_studio() -> None:
    """Lessons of the data folder in a running Label Studio (LABEL_STUDIO_URL, LABEL_STUDIO_TOKEN)."""


@label_studio.command("send")
@click.argument("lesson")
@click.option("--patterns", type=FILE, help="Pattern table, XLSX or CSV; the lesson's own when not given.")
@click.option("--project", default="", help="Project of Label Studio, made when there is none; PPI and the owner's name.")
@click.option("--variant", default="audio", show_default=True, help="Which labelling configuration.")
@click.option("--transcript", "with_transcript", is_flag=True, help="Show annotators the transcript, as predictions.")
@click.option("--replace", "may_replace", is_flag=True, help="Replace the configuration of a project with annotations.")
def send(lesson: str, patterns: Path | None, **wanted) -> None:
    """Make LESSON (its number) a task of Label Studio, or bring its task up to date."""
    from ppi.workflows import annotate
    from ppi.workflows.plain import check_file

    here = services()
    row = here.lessons.get(lesson)
    if patterns is not None:
        check_file(patterns)
    with patterns.open("rb") if patterns else nullcontext() as table:
        given = {"table": table, "table_name": patterns.name if patterns else "", "address": annotate.own_address(here)}
        ended = done(here, "Sending", lambda: annotate.request_send(here, row, **given, **wanted))
    click.echo(ended.result["url"])


@label_studio.command("fetch")
@click.argument("lesson")
def fetch(lesson: str) -> None:
    """Fetch what annotators made of LESSON since the last time."""
    from ppi.workflows import annotate

    here = services()
    row = here.lessons.get(lesson)
    found = done(here, "Fetching", lambda: annotate.request_fetch(here, row)).result
    people = counted(found["annotators"], "annotator")
    click.echo(f"{counted(found['annotations'], 'annotation')} by {people}, {found['new']} of them new.")

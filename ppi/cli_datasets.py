"""Commands for datasets as wholes."""

from __future__ import annotations

from pathlib import Path

import click

from ppi.console import FILE, with_progress


@click.command("join")
@click.argument("folders", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, required=True, help="Folder of the joined dataset; an earlier one in it is replaced.")
@click.option("--shares", default="80,10,10", show_default=True, help="Of train, validation and test.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same splits.")
@click.option("--name", default="", help="Name of the joined dataset.")
@with_progress("Joining")
def join_datasets(folders: tuple[Path, ...], out: Path, on_progress, **given) -> None:
    """Join the datasets in FOLDERS into one, with splits.

    Lessons, and all lessons of a teacher, go to a split as wholes; patterns are shared out as evenly as that allows.
    """
    from ppi.workflows.whole_datasets import join_folders

    report = join_folders(folders, out, on_progress=on_progress, **given)
    click.echo(f"{report.samples} samples in {out}.")
    for group, split in sorted(report.groups.items(), key=lambda item: (item[1], item[0])):
        click.echo(f"{split}: {group}")
    if report.note:
        click.echo(report.note)


@click.command("diff")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
def diff_datasets(before: Path, after: Path) -> None:
    """Tell what changed from the dataset in BEFORE to the one in AFTER: added, removed, moved, relabelled, edited."""
    from ppi.workflows.whole_datasets import compare_folders

    found = compare_folders(before, after)
    for change in found:
        click.echo(str(change))
    click.echo(f"{len(found)} changes.")

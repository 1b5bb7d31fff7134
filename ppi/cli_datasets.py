"""Commands for datasets as wholes."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from ppi.console import FILE, counted, done, record, services, settings, with_progress


@click.command("join")
@click.argument("folders", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, required=True, help="Folder of the joined dataset; an earlier one in it is replaced.")
@click.option("--shares", default="80,10,10", show_default=True, help="Of train, validation and test.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same splits.")
@click.option(
    "--by", type=click.Choice(["teacher", "lesson"]), default="teacher", show_default=True,
    help="What is never divided between splits: all lessons of a teacher, or each lesson.",
)
@click.option("--name", default="", help="Name of the joined dataset.")
@click.option("--card-language", type=click.Choice(["en", "ru"]), default="en", show_default=True, help="Of card and figures.")
@click.option("--about", type=click.File(encoding="utf-8"), help="Your own words for the card, Markdown.")
@with_progress("Joining")
def join_datasets(folders: tuple[Path, ...], out: Path, about: TextIO | None, on_progress, **given) -> None:
    """Join the datasets in FOLDERS into one, with splits.

    Lessons, and with --by teacher all lessons of a teacher, go to a split as wholes; patterns are shared out as evenly as
    that allows. Lessons of the same name are told apart by the beginning of their recordings' checksums.
    """
    from ppi.workflows.whole_datasets import join_folders

    report = join_folders(folders, out, own_text=about.read() if about else "", on_progress=on_progress, **given)
    click.echo(f"{counted(report.samples, 'sample')} in {out}.")
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
    click.echo(f"{counted(len(found), 'change')}.")


@click.command("export")
@click.argument("folder", type=FILE)
@click.option("--webdataset", "out", type=FILE, required=True, help="An empty folder for TAR shards in the WebDataset format.")
@click.option("--shard-mb", default=500, show_default=True, type=click.IntRange(1), help="A shard ends when it is so large.")
@with_progress("Exporting")
def export_dataset(folder: Path, out: Path, shard_mb: int, on_progress) -> None:
    """Write the dataset in FOLDER in another form, for programs that train on streams."""
    from ppi.workflows.whole_datasets import export_shards

    made = export_shards(folder, out, shard_mb=shard_mb, on_progress=on_progress)
    click.echo(f"{counted(len(made), 'shard')} in {out}.")


@click.command("about")
@click.argument("folder", type=FILE)
@click.option("--consent", "state", help="unknown, internal, or public.")
@click.option("--license", help="A licence by its name on the Hub, such as cc-by-4.0.")
@click.option("--embargo", "embargo_until", help="Day before which nothing may be public; an empty one ends the embargo.")
@click.option("--about", type=click.File(encoding="utf-8"), help="Your own words for the card, Markdown.")
@click.option("--card-language", type=click.Choice(["en", "ru"]), help="Of the card's text.")
def about_dataset(folder: Path, about: TextIO | None, card_language: str | None, **consent: str | None) -> None:
    """Change what the dataset in FOLDER says of consent, licence and itself. Nothing is cut; what is not given stays."""
    from ppi.workflows.plain_about import say_in_folder

    changed = say_in_folder(folder, consent=consent, own_text=about.read() if about else None, language=card_language)
    click.echo(f"Written: {', '.join(changed)}." if changed else "It said all of that before.")


@click.command("push")
@click.argument("folder", type=FILE)
@click.argument("repo_id")
@click.option("--public", is_flag=True, help="Make the repository public; it is private by default.")
@click.option("--dry-run", is_flag=True, help="Send nothing: tell file by file what would be done, and what the check says.")
@with_progress("Publishing")
def push_dataset(folder: Path, repo_id: str, public: bool, dry_run: bool, on_progress) -> None:
    """Push the dataset in FOLDER to REPO_ID on the Hugging Face Hub (token: HF_TOKEN), under the tag of its version."""
    from ppi.workflows import plain_push

    wanted = {"is_private": not public, "on_progress": on_progress}
    if dry_run:
        _tell(plain_push.preview_folder(folder, repo_id, settings(), **wanted), repo_id)
        return
    pushed = plain_push.push_folder(folder, repo_id, settings(), **wanted).result
    told = ", ".join(f"{kind} {count}" for kind, count in pushed.counts.items()) or "it lay there already"
    click.echo(f"{pushed.url} {pushed.tag} ({told})")


def _tell(found, repo_id: str) -> None:
    """The dry run. Ends with 1 when the push would be refused."""
    seen = found.preview
    for change in seen.changes:
        click.echo(f"{change.kind} {change.path} ({change.size_bytes} bytes)")
    state = f"{'private' if seen.is_private else 'public'}, {'to be made' if seen.is_new else 'there already'}"
    click.echo(f"{repo_id} ({state}), account {seen.account}, tag {seen.tag}.")
    changed, kept = counted(len(seen.changes), "file"), counted(seen.unchanged, "file")
    click.echo(f"To change: {changed}, to send: {counted(seen.sent_bytes, 'byte')}, unchanged: {kept}.")
    problems, warnings = counted(len(found.check.problems), "problem"), counted(len(found.check.warnings), "warning")
    click.echo(f"Check: {problems}, {warnings}. Nothing was sent.")
    for problem in found.check.problems:
        click.echo(f"FAIL {problem}")
    if found.check.problems:
        raise click.exceptions.Exit(1)


@click.command("withdraw")
@click.argument("lesson_id")
@click.option("--confirm", default="", help="The name of the lesson. Without it nothing is done, only listed.")
def withdraw_lesson(lesson_id: str, confirm: str) -> None:
    """Take a lesson of the data folder out of every dataset, its own and joined ones.

    Lists every sample, dataset and published version that holds it. What lies on the Hub stays there: the list says where.
    Of a lesson that was deleted it lists what is left.
    """
    from ppi.workflows import withdraw

    here = services()
    row = withdraw.find(here, lesson_id)
    _list(withdraw.touched(here, row), row.id)
    if withdraw.is_deleted(row):
        click.echo(f"{row.name} was deleted on {row.deleted_at[:10]}. Joined datasets are built without it next time.")
        return
    if not confirm:
        click.echo(f'Nothing was done. To withdraw the lesson add --confirm "{row.name}".')
        return
    ended = done(here, "Withdrawing", lambda: withdraw.request_withdraw(here, row, name=confirm))
    record("withdraw lesson", row.id)
    click.echo(f"Withdrawn: {counted(ended.result['samples'], 'sample')} of its own dataset, and its part of the joined ones.")


def _list(touched, lesson_id: str) -> None:
    for sample in touched.samples:
        click.echo(f"its own dataset, version {touched.version}: {_sample(sample)}")
    for one in touched.joined:
        for sample in one.samples:
            click.echo(f"{one.joined.name}, version {one.version}: {_sample(sample)}")
    for push, _ in touched.pushes:
        held = ", ".join(push.held.get(lesson_id, ()))
        click.echo(f"published: {push.url} revision {push.revision} {push.tag}".rstrip() + (f": {held}" if held else ""))


def _sample(sample: dict) -> str:
    patterns = ", ".join(pattern["type"] for pattern in sample["patterns"])
    return f"{sample['id']} {sample['start_time']:.3f}-{sample['end_time']:.3f} s, {patterns}"

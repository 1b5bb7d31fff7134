"""First steps: the data folder, an administrator and a sample lesson that has gone through everything."""

from __future__ import annotations

import click

from ppi.console import Bar
from ppi.errors import PpiError, ToolFailed, fill
from ppi.jobs.ledger import Job
from ppi.services import Services
from ppi.settings import Settings
from ppi.workflows import build_dataset, local, runner, sample_lesson, summarize, transcribe

LESSON_NAME = "Sample lesson"


@click.command()
@click.option("--check-ffmpeg", is_flag=True, help="Only say which ffmpeg will be used.")
def main(check_ffmpeg: bool) -> None:
    """Prepare the data folder so that every page shows something real. Repeating it changes nothing."""
    services = Services(Settings.from_env())
    try:
        if check_ffmpeg:
            click.echo(f"ffmpeg: {services.ffmpeg.check()}")
            return
        make_admin(services)
        make_sample(services)
    except PpiError as error:
        raise click.ClickException(str(error)) from error


def make_admin(services: Services) -> None:
    """An account `admin` with a random password, printed this once, when there is no account at all."""
    import secrets

    if services.users.all():
        return
    password = secrets.token_urlsafe(12)
    services.users.add("admin", password, "admin")
    services.audit.record("add account", object="admin", way="command")
    click.echo("=" * 60)
    click.echo(f"Log in as  admin  with the password  {password}")
    click.echo("It is shown only now. Change it:  python -m ppi users passwd admin")
    click.echo("=" * 60)


def make_sample(services: Services) -> None:
    """Put the sample lesson through ingest, transcription, summary and dataset, continuing where it stopped."""
    mark = services.settings.data_dir / "sample.done"
    if mark.exists():
        return
    working = runner.start_engine(services, "command", runner.lanes(services))
    try:
        _every_step(services)
    finally:
        working.stop()
    mark.write_text("The sample lesson was made once; it is not made again when deleted.\n")


def _every_step(services: Services) -> None:
    admin = next(user for user in services.users.all() if user.role == "admin")
    rows = [row for row in services.lessons.list(admin.id) if row.name == LESSON_NAME]
    if not rows:
        job = local.ingest_file(services, sample_lesson.FOLDER / sample_lesson.VIDEO, LESSON_NAME, admin.name)
        _finish(services, job, "Sample lesson: video and audio")
        rows = [services.lessons.get(job.lesson_id)]
    row = rows[0]
    job = transcribe.request_transcript(services, row, engine="pocketsphinx")
    _finish(services, job, "Sample lesson: transcript")
    _finish(services, summarize.request_summary(services, row), "Sample lesson: summary")
    with (
        (sample_lesson.FOLDER / sample_lesson.ANNOTATIONS).open("rb") as annotations,
        (sample_lesson.FOLDER / sample_lesson.PATTERNS).open("rb") as table,
    ):
        job = build_dataset.request_build(
            services, row, annotations=annotations, table=table, table_name=sample_lesson.PATTERNS
        )  # fmt: skip
    _finish(services, job, "Sample lesson: dataset")


def _finish(services: Services, job: Job, label: str) -> None:
    bar = Bar(label)
    ended = runner.wait_for(services, job, lambda seen: bar.percent(seen.progress))
    if ended.status != "completed":
        raise ToolFailed("{label} failed: {reason}", label=label, reason=fill(ended.error, dict(ended.error_args)))


if __name__ == "__main__":
    main()

"""The command line: everything the pages do, without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

from ppi.cli_datasets import about_dataset, diff_datasets, export_dataset, join_datasets, push_dataset, withdraw_lesson
from ppi.cli_label_studio import label_studio
from ppi.cli_models import models
from ppi.cli_transcripts import transcript
from ppi.cli_users import users
from ppi.console import FILE, counted, done, sentence, services, settings, with_progress
from ppi.errors import PpiError


class Group(click.Group):
    """Ends with one clear sentence on any error PPI knows, never with a trace."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except PpiError as error:
            raise click.ClickException(sentence(error.template, error.ids)) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """PPI takes a lesson recording to a published dataset of pedagogical patterns.

    \b
    Plain files, no server and no data folder needed:
      python -m ppi transcribe lesson.mp4 --out texts
      python -m ppi summarize texts/lesson.transcript.json --out texts
      python -m ppi kit patterns.xlsx --out kit
      python -m ppi dataset build --video lesson.mp4 --annotations export.json --patterns patterns.xlsx --out dataset
      python -m ppi dataset check dataset
      python -m ppi annotations convert lesson.eaf lesson.csv
      python -m ppi transcript convert lesson.srt --out texts
    A server with accounts and pages:
      python -m ppi users add admin --role admin
      python -m ppi serve
    """


main.add_command(label_studio)
main.add_command(models)
main.add_command(transcript)
main.add_command(users)


@main.command()
@click.option("--host", help="Address to listen at; PPI_HOST, else 127.0.0.1.")
@click.option("--port", type=int, help="Port; PPI_PORT, else 5000.")
def serve(host: str | None, port: int | None) -> None:
    """Serve the pages and the API, and work off the jobs."""
    from ppi.server import run_server

    chosen = settings()
    host, port = host or chosen.web.host, port or chosen.web.port
    here = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # every address of this machine is none to open
    click.echo(f"Open {chosen.web.public_url or f'http://{here}:{port}'} in a browser. Stop the server with Ctrl+C.", err=True)
    run_server(host, port)


@main.command()
@click.option("--queues", default="", help="Which work to do, by commas: media, speech, dataset, publish. All when not given.")
@click.option("--concurrency", type=click.IntRange(1), help="How many jobs at a time.")
def worker(queues: str, concurrency: int | None) -> None:
    """Work off jobs in a process of its own.

    With REDIS_ENABLED=true on any machine; otherwise beside the server, on its data folder, with PPI_JOBS_IN_WEB=false.
    """
    from ppi.jobs.ledger import QUEUES
    from ppi.logs import set_up_logs

    here = services()
    set_up_logs(here.settings)
    offered = tuple(name for name in QUEUES if name != "receive" or not here.is_cluster)
    chosen = tuple(filter(None, (name.strip() for name in queues.split(",")))) or offered
    if unknown := [name for name in chosen if name not in offered]:
        raise click.BadParameter(f"{', '.join(unknown)}: expected some of {', '.join(offered)}", param_hint="--queues")
    click.echo(f"The worker is ready for {', '.join(chosen)}. Stop it with Ctrl+C.", err=True)
    if here.is_cluster:
        from ppi.worker import run_worker

        run_worker(here, chosen, concurrency or 2)
    else:
        _work_beside_server(here, chosen, concurrency or 0)


def _work_beside_server(here, queues: tuple[str, ...], concurrency: int) -> None:
    import signal
    import threading

    from ppi.workflows.runner import lanes, start_engine

    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    working = start_engine(here, "worker", lanes(here, queues, concurrency))
    done.wait()
    working.stop()


@main.command()
def doctor() -> None:
    """Check what PPI needs, one line each: OK, or what to do."""
    from ppi.workflows.doctor import examine

    is_well = True
    for finding in examine(services()):
        is_well = is_well and finding.is_ok
        click.echo(f"{'OK' if finding.is_ok else 'TO DO':6} {finding.what}: {finding.detail}")
    sys.exit(0 if is_well else 1)


@main.command()
@click.argument("video", type=FILE)
@click.option("--name", required=True, help="Name of the lesson.")
@click.option("--user", required=True, help="Owner: a user name of users.json.")
@click.option("--parts", default=1, show_default=True, help="Cut besides into so many consecutive parts.")
def ingest(video: Path, name: str, user: str, parts: int) -> None:
    """Put VIDEO into the data folder as a lesson of USER and extract its audio."""
    from ppi.workflows import local

    here = services()
    ended = done(here, "Ingest", lambda: local.ingest_file(here, video, name, user, parts))
    click.echo(ended.lesson_id)


@main.command()
@click.argument("media", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for the texts.")
@click.option("--engine", "engine_name", help="faster-whisper, whisper, or pocketsphinx (offline, rough, English).")
@click.option("--model", help="Whisper size (tiny ... large-v3, turbo), the path of a .pt file or of a folder.")
@click.option("--language", help="en, ru ...; found out when not given.")
@click.option("--phrases", help="Names and subject words that are said, by commas.")
@click.option("--word-list", type=FILE, help="A text file of more of them, by commas or each on a line of its own.")
@click.option("--speakers/--no-speakers", default=None, help="Tell speakers apart; PPI_SPEAKERS when not given.")
@click.option("--people", type=click.IntRange(0), default=0, help="How many people speak; found out when not given.")
@with_progress("Transcribing")
def transcribe(
    media: Path, out: Path, on_progress, speakers: bool | None, people: int, word_list: Path | None, **wanted: str | None
) -> None:
    """Transcribe MEDIA (video or audio) into TXT, SRT, VTT and JSON."""
    from ppi.workflows import word_lists
    from ppi.workflows.plain import transcribe_file

    given = {name: value or "" for name, value in wanted.items()}
    if word_list:
        given["phrases"] = word_lists.tidy(f"{word_lists.from_file(word_list)}, {given['phrases']}")
    transcript = transcribe_file(
        media, out, settings=settings(), speakers=speakers, people=people, on_progress=on_progress, **given
    )
    click.echo(f"{counted(len(transcript.words), 'word')}, language {transcript.language or 'none'}, {transcript.engine}.")
    for note in transcript.notes:
        click.echo(note)


@main.command()
@click.argument("transcript", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for the documents.")
@click.option("--model", default="", help="Folder or repository of a chat model; SUMMARY_MODEL, else extractive.")
@click.option("--engine", "engine_name", default="", help="extractive, transformers or chat; a model if there is one.")
@click.option("--style", default="minutes", show_default=True, help="abstract, minutes or report.")
@click.option("--language", default="", help="ru or en; by default that of the lesson.")
@with_progress("Summarising")
def summarize(transcript: Path, out: Path, on_progress, **wanted) -> None:
    """Summarise TRANSCRIPT (a .transcript.json) as DOCX and TXT."""
    from ppi.workflows.plain import summarize_file

    summary = summarize_file(transcript, out, settings=settings(), on_progress=on_progress, **wanted)
    click.echo(f"{counted(len(summary.key_points), 'key point')}, engine {summary.engine}.")


@main.command()
@click.argument("patterns", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for the files.")
@click.option("--variant", default="audio", show_default=True, help="audio, boxes or speech_acts.")
@click.option("--video", type=FILE, help="Make tasks.json and a small sound track for this video too.")
@click.option("--media-url", default="", help="Address of the folder where browsers will find both, with its last slash.")
@click.option("--frame-rate", type=float, help="Write this rate into the configuration, for tasks that carry no fps.")
@with_progress("Annotation kit")
def kit(on_progress, **given) -> None:
    """Make a labelling configuration for Label Studio of PATTERNS, a pattern table (XLSX or CSV)."""
    from ppi.workflows.plain_kit import kit_from_files

    made = kit_from_files(settings=settings(), on_progress=on_progress, **given)
    click.echo(f"{counted(len(made.labels), 'label')}. Made {', '.join(str(path) for path in made.paths)}.")
    for problem in made.problems:
        click.echo(f"left out {problem.where}: {problem.reason} {problem.detail}".rstrip())


@main.group()
def annotations() -> None:
    """Take annotations from one tool to another."""


@annotations.command("convert")
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@click.option("--video", type=FILE, help="The recording: its frame rate, which Label Studio's timelines need, and its end.")
def convert_annotations(source: Path, target: Path, video: Path | None) -> None:
    """Write the annotations of SOURCE into TARGET.

    SOURCE is a file of Label Studio, ELAN, Praat, BORIS or a CSV table. TARGET ends with .eaf (ELAN), .TextGrid (Praat),
    .boris or .tsv (BORIS), .csv, .json or .min.json (Label Studio).
    """
    from ppi.workflows.annotations import convert_file

    made = convert_file(source, target, video=video, settings=settings())
    for dropped in made.dropped:
        click.echo(f"left out {dropped.where}: {dropped.reason} {dropped.detail}".rstrip())
    click.echo(f"{counted(made.marks, 'mark')} in {target}.")


@main.group()
def dataset() -> None:
    """Build, check, join, compare and publish datasets."""


dataset.add_command(join_datasets)
dataset.add_command(diff_datasets)
dataset.add_command(about_dataset)
dataset.add_command(export_dataset)
dataset.add_command(push_dataset)
dataset.add_command(withdraw_lesson)


@dataset.command("build")
@click.option("--video", type=FILE, required=True)
@click.option("--annotations", type=FILE, required=True, help="Label Studio, ELAN, Praat, BORIS or CSV.")
@click.option("--patterns", type=FILE, required=True, help="Pattern table, XLSX or CSV.")
@click.option("--out", type=FILE, required=True, help="Folder of the dataset; an earlier build in it is replaced.")
@click.option("--transcript", type=FILE, help="A .transcript.json; the video is transcribed when not given.")
@click.option("--no-texts", is_flag=True, help="Build without texts when there is no transcript.")
@click.option("--engine", default="", help="Speech engine when there is no transcript.")
@click.option("--model", default="", help="Speech model when there is no transcript.")
@click.option(
    "--clips", type=click.Choice(["strict", "fast"]), default="strict", show_default=True,
    help="strict: nothing outside an interval is in its clip. fast: copied, with hidden pictures from before the start.",
)
@click.option("--lesson", default="", help="Name of the lesson; the video's when not given.")
@click.option("--teacher", default="", help="A code for the teacher, no name: lessons of one teacher stay in one split.")
@click.option("--consent", default="unknown", show_default=True, help="unknown, internal, or public.")
@click.option("--license", default="other", show_default=True, help="A licence by its name on the Hub, such as cc-by-4.0.")
@click.option("--embargo", default="", help="Day before which nothing may be public, such as 2027-01-31.")
@click.option("--about", type=click.File(encoding="utf-8"), help="Your own words for the card, Markdown.")
@click.option("--card-language", type=click.Choice(["en", "ru"]), default="en", show_default=True, help="Of the card's text.")
@click.option("--sheets", type=FILE, help="Also draw contact sheets, for looking only, into this folder.")
@click.option("--meanings", type=FILE, help="JSON that says which patterns labels mean that the table does not have.")
@click.option("--cut-all", "cuts_all", is_flag=True, help="Cut every clip, even those kept from the build before.")
@with_progress("Building")
def build_dataset(
    on_progress, out: Path, consent: str, license: str, embargo: str, teacher: str, about: TextIO | None, **given
) -> None:
    """Cut a dataset folder out of a video, its annotations and the pattern table."""
    from ppi.workflows.plain_dataset import build_from_files

    agreed = {"state": consent, "license": license, "embargo_until": embargo, "teacher": teacher}
    report = build_from_files(
        out=out, settings=settings(), on_progress=on_progress, consent=agreed, own_text=about.read() if about else "", **given
    )
    clips = f"{counted(report.cut, 'clip')} cut, {report.kept} kept from the build before"
    click.echo(f"{counted(report.samples, 'sample')} in {out}: {clips}.")
    for dropped in report.dropped:
        click.echo(f"left out {dropped.where}: {dropped.reason} {dropped.detail}".rstrip())
    for label in report.unmatched:
        click.echo(f"not in the pattern table: {label}")


@dataset.command("check")
@click.argument("folder", type=FILE)
def check_dataset(folder: Path) -> None:
    """Check the dataset in FOLDER: files, rows, and what loaders do not notice.

    Every check answers PASS, WARN or FAIL; below it stand the rows or files. Ends with 1 when one has failed.
    """
    from ppi.workflows.plain_dataset import check_folder

    report = check_folder(folder, settings())
    for check, level in report.levels.items():
        click.echo(f"{level.upper()} {check}")
        for finding in report.findings:
            if finding.check == check:
                click.echo(f"  {finding.level.upper() + ' ' if finding.level != 'pass' else ''}{finding}")
    told = (report.rows, "row"), (len(report.problems), "problem"), (len(report.warnings), "warning")
    click.echo(f"{', '.join(counted(*one) for one in told)}.")
    sys.exit(1 if report.problems else 0)


@dataset.command("agreement")
@click.argument("annotations", type=FILE, nargs=-1, required=True)
@click.option("--patterns", "table", type=FILE, help="Pattern table: labels that mean the same pattern count as one.")
@click.option("--video", type=FILE, help="The recording, for its length and frame rate.")
@click.option("--duration", "duration_s", type=float, help="The recording's length in seconds, instead of the recording.")
@click.option("--step", "step_s", type=float, default=0.1, show_default=True, help="Step of the time grid in seconds.")
@click.option("--annotator", "chosen", multiple=True, help="Compare only these; give the option several times.")
@click.option("--lesson", "lesson_id", default="", help="The lesson's id, when the exports hold several lessons.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON; null means not defined.")
def compare_annotators(annotations: tuple[Path, ...], wants_json: bool, **given) -> None:
    """Compare the annotators in ANNOTATIONS, one or several Label Studio exports of one recording."""
    from ppi.workflows import plain_agreement

    found = plain_agreement.compare_files(annotations, settings=settings(), **given)
    click.echo(plain_agreement.as_json(found) if wants_json else plain_agreement.as_text(found))

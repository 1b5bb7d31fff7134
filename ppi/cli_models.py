"""Commands about models of speech and for summaries."""

from __future__ import annotations

import click

from ppi.console import settings, with_progress


@click.group()
def models() -> None:
    """Models of speech and for summaries: which are here, fetch them once, find out what is fastest on this machine."""


@models.command("list")
def list_models() -> None:
    """List the sizes, and where the weights of each engine are or would be."""
    from ppi.workflows.models import all_weights, as_table

    rows = [
        (found.engine, found.model, f"{found.size_bytes / 1e6:.0f} MB" if found.size_bytes else "not here", str(found.path))
        for found in all_weights(settings())
    ]
    click.echo(as_table(rows))


@models.command("fetch")
@click.argument("model", default="")
@click.option(
    "--engine", type=click.Choice(["faster-whisper", "whisper"]), default="faster-whisper", show_default=True,
    help="Whose form of the weights.",
)
@with_progress("Fetching")
def fetch_model(model: str, engine: str, on_progress) -> None:
    """Fetch the weights of MODEL (the one of the settings when not given), checked by hash. They work offline afterwards.

    MODEL is a Whisper size, “speakers” for the models that tell speakers apart, “aligner” for those of ALIGNER_MODEL,
    or “chat” for that of SUMMARY_MODEL.
    """
    from ppi.workflows.models import ALIGNER, CHAT, fetch, fetch_aligners, fetch_chat

    if model == ALIGNER:
        click.echo("\n".join(map(str, fetch_aligners(settings(), on_progress))))
    elif model == CHAT:
        click.echo(str(fetch_chat(settings(), on_progress)))
    else:
        click.echo(str(fetch(settings(), model, engine, on_progress)))


@models.command("check")
@click.argument("model", default="")
@with_progress("Measuring")
def check_models(model: str, on_progress) -> None:
    """Check the weights of MODEL by hash, measure each engine and compute type on random sound, and keep the fastest.

    The choice holds for this machine where SPEECH_ENGINE and WHISPER_COMPUTE_TYPE are not set. Of “speakers” the library and
    the models are looked at; aligners (“aligner”) and the chat model (“chat”) are checked and measured.
    """
    from ppi.workflows.models import (
        ALIGNER,
        CHAT,
        SPEAKERS,
        as_table,
        check_speakers,
        measure,
        measure_aligners,
        measure_chat,
    )

    if model == SPEAKERS:
        click.echo(check_speakers(settings()))
        return
    if model == ALIGNER:
        for found in measure_aligners(settings()):
            click.echo(f"{found['model']}: {found['pass_s']:.2f} s for half a minute of sound on {found['device']}")
        return
    if model == CHAT:
        found = measure_chat(settings())
        told = "{model}: reads {context_tokens} tokens at a time, writes {tokens_per_s:.1f} tokens a second"
        click.echo(told.format(**found))
        return
    measured, best = measure(settings(), model, on_progress)
    rows = [("engine", "device", "computes in", "s per window", "ms per token")]
    for found in measured:
        rows.append((
            found["engine"], found["device"], found["compute_type"], f"{found['encoder_s']:.2f}",
            f"{found['token_s'] * 1000:.1f}",
        ))  # fmt: skip
    click.echo(as_table(rows))
    click.echo(f"Chosen: {best['engine']}, {best['compute_type']}.")

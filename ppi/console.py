"""What all commands share: the settings and services they work with, progress on the terminal, waiting for a job."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)


def settings():
    """The settings of the environment and of `.env`."""
    from ppi.settings import Settings

    return Settings.from_env()


def services():
    """The services on the data folder."""
    from ppi.services import Services

    return Services(settings())


def record(action: str, name: str) -> None:
    """Write into the audit log what was done here, under the name of the system's user."""
    import getpass

    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # in containers the system may have no name for us
        who = ""
    services().audit.record(action, user_name=who, object=name, way="command")


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class Bar:
    """Progress: a bar on a terminal, a plain line every ten percent when piped."""

    def __init__(self, label: str):
        self._label, self._shown = label, -1
        self._bar = click.progressbar(length=100, label=label) if sys.stderr.isatty() else None

    def __call__(self, fraction: float) -> None:
        self.percent(int(fraction * 100))

    def percent(self, percent: int, label: str = "") -> None:
        if self._bar is not None:
            self._bar.label = label or self._label
            self._bar.update(max(percent - self._bar.pos, 0))
            if percent >= 100 > self._shown:
                click.echo(err=True)
        elif percent // 10 > self._shown // 10 or self._shown < 0:
            click.echo(f"{label or self._label}: {percent} %", err=True)
        self._shown = max(percent, self._shown)


def with_progress(label: str) -> Callable:
    """Give the command an `on_progress`."""

    def decorate(command: Callable) -> Callable:
        @functools.wraps(command)
        def wrapped(**values):
            return command(on_progress=Bar(label), **values)

        return wrapped

    return decorate


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """What is said of a failure in a terminal: its message, and what a program said where one failed."""
    from ppi.errors import fill

    words = values.get("words")
    return fill(template, values) + (f" The program said: {words}" if words else "")


def done(here, label: str, submit: Callable):
    """Work off jobs until the one that `submit()` queues has ended; answers it, or ends with its error."""
    from ppi.workflows import runner

    bar = Bar(label)
    working = runner.start_engine(here, "command", runner.lanes(here))
    try:
        ended = runner.wait_for(here, submit(), lambda seen: bar.percent(seen.progress))
    finally:
        working.stop()
    if ended.status != "completed":
        raise click.ClickException(sentence(ended.error, dict(ended.error_args)) or f"The job ended as {ended.status}.")
    return ended

"""The command line of accounts."""

from __future__ import annotations

import secrets

import click

from ppi.console import record, services


@click.group()
def users() -> None:
    """Accounts in users.json."""


def _password(given: str | None) -> tuple[str, bool]:
    return (given, False) if given else (secrets.token_urlsafe(12), True)


@users.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "DL-user"]), default="DL-user", show_default=True)
@click.option("--password", help="Made at random and printed once when not given.")
def add_user(name: str, role: str, password: str | None) -> None:
    """Add an account."""
    chosen, is_random = _password(password)
    services().users.add(name, chosen, role)
    record("add account", name)
    click.echo(f"Added {name} ({role})." + (f" Password: {chosen}" if is_random else ""))


@users.command("list")
def list_users() -> None:
    """List the accounts."""
    for user in services().users.all():
        click.echo(f"{user.name}\t{user.role}\t{'disabled' if user.is_disabled else 'active'}\t{user.id}")


@users.command("passwd")
@click.argument("name")
@click.option("--password", help="Made at random and printed once when not given.")
def change_password(name: str, password: str | None) -> None:
    """Set a new password; ends all sessions of the account."""
    chosen, is_random = _password(password)
    here = services().users
    here.set_password(here.by_name(name).id, chosen)
    record("set password", name)
    click.echo(f"Changed the password of {name}." + (f" Password: {chosen}" if is_random else ""))


@users.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["admin", "DL-user"]))
def change_role(name: str, role: str) -> None:
    """Give an account another role; ends all its sessions."""
    here = services().users
    here.set_role(here.by_name(name).id, role)
    record("set role", f"{name}: {role}")
    click.echo(f"{name} is now {role}.")


@users.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the account log in again.")
def disable_user(name: str, undo: bool) -> None:
    """Keep an account from logging in; ends all its sessions and refuses its tokens."""
    here = services().users
    here.set_disabled(here.by_name(name).id, not undo)
    record("enable account" if undo else "disable account", name)
    click.echo(f"{name} is {'enabled' if undo else 'disabled'}.")


@users.command("remove")
@click.argument("name")
@click.confirmation_option(prompt="Remove this account and its lists of words? Its lessons stay and belong to nobody.")
def remove_user(name: str) -> None:
    """Remove an account."""
    from ppi.workflows import word_lists

    here = services()
    user = here.users.by_name(name)
    here.users.remove(user.id)
    word_lists.forget(here, user)
    record("remove account", name)
    click.echo(f"Removed {name}.")

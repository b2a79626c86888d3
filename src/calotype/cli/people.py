"""``calotype users`` and ``calotype tokens``: who may use HTTP, also beside a server that runs.

A server knows of a change within seconds. Passwords are asked for, or read from standard input: a command line is
seen by everybody on the machine.
"""

from __future__ import annotations

import datetime as dt
import json
import sys

import click

from calotype.app.admitting import open_logins
from calotype.cli.session import Session
from calotype.clock import SECOND_US
from calotype.services.access.model import Role, Scope, Token, User

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
role_type = click.Choice([role.value for role in Role])
stdin_option = click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from standard input.")
temporary_option = click.option("--temporary", is_flag=True, help="It must be changed at the first login.")


@click.group("users")
def users_command() -> None:
    """Keep users: who may log in, and as what.

    \b
    calotype users add zhang --role operator --temporary
    calotype users password admin
    """  # noqa: D301 - \b keeps click from folding the lines


@users_command.command("list")
@json_option
@click.pass_obj
def list_users_command(session: Session, *, as_json: bool) -> None:
    """List everybody: name, role, last login."""
    with open_logins(session.loaded.settings) as logins:
        users = logins.users.list()
    for user in users:
        if as_json:
            fields = {"name": user.name, "role": user.role, "must_change_password": user.must_change_password}
            click.echo(json.dumps(fields | {"seen_us": user.seen_us}, ensure_ascii=False))
        else:
            click.echo(_user_line(user))


@users_command.command("add")
@click.argument("name")
@click.option("-r", "--role", type=role_type, default=Role.VIEWER.value, show_default=True, help="What they may do.")
@temporary_option
@stdin_option
@click.pass_obj
def add_command(session: Session, *, name: str, role: str, temporary: bool, from_stdin: bool) -> None:
    """Add a user."""
    password = _password(from_stdin=from_stdin)
    with open_logins(session.loaded.settings) as logins:
        user = logins.users.add(name, password, Role(role), must_change_password=temporary)
    click.echo(_user_line(user))


@users_command.command("password")
@click.argument("name")
@temporary_option
@stdin_option
@click.pass_obj
def password_command(session: Session, *, name: str, temporary: bool, from_stdin: bool) -> None:
    """Give a user another password: all sessions of the user end."""
    with open_logins(session.loaded.settings) as logins:
        logins.users.get(name)
        user = logins.users.set_password(name, _password(from_stdin=from_stdin), must_change_password=temporary)
    click.echo(_user_line(user))


@users_command.command("role")
@click.argument("name")
@click.argument("role", type=role_type)
@click.pass_obj
def role_command(session: Session, *, name: str, role: str) -> None:
    """Give a user another role."""
    with open_logins(session.loaded.settings) as logins:
        user = logins.users.set_role(name, Role(role))
    click.echo(_user_line(user))


@users_command.command("remove")
@click.argument("name")
@click.pass_obj
def remove_user_command(session: Session, *, name: str) -> None:
    """Remove a user, with sessions and tokens."""
    with open_logins(session.loaded.settings) as logins:
        logins.users.remove(name)


@click.group("tokens")
def tokens_command() -> None:
    """Keep tokens: secrets by which programs act for a user.

    \b
    calotype tokens add admin "CT 2" --scope store --days 365
    curl -H "Authorization: Bearer calotype_..." http://pacs.example/dicomweb/studies
    """  # noqa: D301 - as above


@tokens_command.command("list")
@json_option
@click.pass_obj
def list_tokens_command(session: Session, *, as_json: bool) -> None:
    """List tokens: number, user, label, scopes, end."""
    with open_logins(session.loaded.settings) as logins:
        tokens = logins.tokens.list()
    for token in tokens:
        if as_json:
            fields = {"id": token.id, "user": token.user, "label": token.label, "scopes": sorted(token.scopes)}
            click.echo(json.dumps(fields | {"expires_us": token.expires_us}, ensure_ascii=False))
        else:
            click.echo(_token_line(token))


@tokens_command.command("add")
@click.argument("user")
@click.argument("label")
@click.option(
    "-s",
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do, as far as its user may; may be given again.",
)
@click.option("--days", type=float, default=90.0, show_default=True, help="How long it lasts.")
@click.pass_obj
def add_token_command(session: Session, *, user: str, label: str, scopes: tuple[str, ...], days: float) -> None:
    """Make a token for a program; it is printed this one time, alone on standard output."""
    with open_logins(session.loaded.settings) as logins:
        secret, token = logins.tokens.make(logins.users.get(user), label, [Scope(each) for each in scopes], days)
    click.echo(_token_line(token), err=True)
    click.echo(secret)


@tokens_command.command("remove")
@click.argument("number", type=int)
@click.pass_obj
def remove_token_command(session: Session, *, number: int) -> None:
    """Remove a token by its number."""
    with open_logins(session.loaded.settings) as logins:
        logins.tokens.remove(number)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _user_line(user: User) -> str:
    seen = f"last login {_day(user.seen_us)}" if user.seen_us else "not logged in yet"
    must = ", must change the password" if user.must_change_password else ""
    return f"{user.name}  {user.role}  {seen}{must}"


def _token_line(token: Token) -> str:
    return (
        f"{token.id}  {token.user}  {token.label}  {', '.join(sorted(token.scopes))}  until {_day(token.expires_us)}"
    )


def _day(time_us: int) -> str:
    return dt.datetime.fromtimestamp(time_us / SECOND_US, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")

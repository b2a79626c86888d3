"""``calotype init`` and ``calotype config``: settings on their way to and from a person."""

from __future__ import annotations

import json
from pathlib import Path

import click

from calotype.app.loading import DEFAULT_FILE, load
from calotype.app.showing import effective, template
from calotype.cli.session import Session
from calotype.errors import Conflict, Refused


@click.command("init")
@click.option("--force", is_flag=True, help="Replace an existing settings file.")
@click.pass_obj
def init_command(session: Session, *, force: bool) -> None:
    """Write a settings file that explains every setting, and make the storage folder.

    The file changes nothing until you uncomment a line. It is written to --config, else ./calotype.toml.
    """
    path = Path(session.config or DEFAULT_FILE)
    if path.exists() and not force:
        raise Conflict(f"{path} exists; edit it, or replace it with --force")
    try:
        path.write_text(template(), encoding="utf-8")
        folder = load(path).settings.storage.path
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{error.filename}: cannot be written ({error.strerror})") from error
    click.echo(f"settings: {path.absolute()}\nstorage:  {folder}\nnext:     calotype serve")


@click.group("config")
def config_command() -> None:
    """Show the effective settings and where each comes from."""


@config_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="A JSON object: key -> {value, source}.")
@click.option("--changed", is_flag=True, help="Only what differs from the defaults' source.")
@click.pass_obj
def show_command(session: Session, *, as_json: bool, changed: bool) -> None:
    """Print every setting with its value and source, secrets masked."""
    rows = [row for row in effective(session.loaded) if not (changed and row[2] == "default")]
    if as_json:
        click.echo(json.dumps({key: {"value": value, "source": source} for key, value, source in rows}, indent=1))
        return
    width = max((len(f"{key} = {value}") for key, value, _ in rows), default=0)
    for key, value, source in rows:
        line = f"{key} = {value}"
        click.echo(f"{line:{min(width, 64)}}  # {source}" if source != "default" else line)

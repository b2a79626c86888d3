"""``calotype worklist import``: worklist files into the worklist, beside a running server or without one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from calotype.app.opening import open_stores
from calotype.app.scheduling import worklist_of
from calotype.cli.failures import SOME_FAILED
from calotype.cli.session import Session
from calotype.services.worklist.importing import ImportedItem, import_document
from calotype.services.worklist.worklist import Worklist


@click.group("worklist")
def worklist_command() -> None:
    """Fill the worklist that modalities ask."""


@worklist_command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")
@click.pass_obj
def import_items(session: Session, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Take items from .wl files (as for wlmscpfs), JSON files, or folders of them.

    An item that is here already, by its Study Instance UID and Requested Procedure ID, is brought up to date. Exits
    with 1 when some could not be taken.
    """
    new = known = failed = 0
    settings = session.loaded.settings
    with open_stores(settings) as stores:
        for taken in _imported(worklist_of(settings, stores), files):
            failed += bool(taken.problem)
            new += taken.is_new
            known += not taken.is_new and not taken.problem
            if as_json:
                click.echo(json.dumps(asdict(taken), ensure_ascii=False))
            elif taken.problem:
                click.echo(f"{taken.source}: {taken.problem}", err=True)
    if not as_json:
        click.echo(f"{new} new, {known} brought up to date, {failed} not taken")
    if failed or not (new or known):
        sys.exit(SOME_FAILED)


def _imported(worklist: Worklist, files: tuple[Path, ...]) -> Iterator[ImportedItem]:
    for path in _walk(files):
        try:
            data = path.read_bytes()
        except OSError as error:
            yield ImportedItem(str(path), problem=f"cannot be read: {error.strerror or error}")
        else:
            yield from import_document(worklist, str(path), data)


def _walk(files: tuple[Path, ...]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in {".wl", ".json"})
        else:
            yield path

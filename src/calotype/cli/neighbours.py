"""``calotype nodes``: the address book, also beside a server that runs (which sees an edit within seconds)."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import click

from calotype.app.book import open_book
from calotype.app.talking import caller_of
from calotype.cli.failures import SOME_FAILED
from calotype.cli.session import Session, node_in
from calotype.errors import InvalidRequest
from calotype.services.access.access import SERVED_TOGETHER
from calotype.services.access.permissions import EVERY_RIGHT, Right
from calotype.services.routing.nodes import Node
from calotype.services.routing.notation import fields_of
from calotype.services.routing.takeover import read_foreign

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
rights_option = click.option(
    "-r",
    "--right",
    "rights",
    multiple=True,
    type=click.Choice(sorted(right.value for right in EVERY_RIGHT)),
    help="What it may do; may be given again.",
)


@click.group("nodes")
def nodes_command() -> None:
    """Keep the address book: who is known, and what each may do.

    \b
    calotype nodes add VIEWER@10.0.0.7:11112
    calotype nodes admit WORKSTATION@10.0.0.8 -r find
    calotype nodes import orthanc.json
    """  # noqa: D301 - \b keeps click from folding the lines


@nodes_command.command("list")
@json_option
@click.pass_obj
def list_command(session: Session, *, as_json: bool) -> None:
    """List every node; those of the settings are marked with *."""
    with open_book(session.loaded.settings) as book:
        entries = book.entries()
    for entry in entries:
        if as_json:
            told = fields_of(entry.node) | {"read_only": entry.read_only}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            click.echo(f"{'*' if entry.read_only else ' '} {_line(entry.node)}")


@nodes_command.command("add")
@click.argument("node")
@rights_option
@click.option("--bound", is_flag=True, help="Its AE title counts only when called from its host.")
@click.option("--note", default="", help="For people.")
@click.pass_obj
def add_command(session: Session, *, node: str, rights: tuple[str, ...], bound: bool, note: str) -> None:
    """Put a node into the book: AETITLE@host:port. Without --right it may do everything."""
    new = node_in(node)
    allowed = frozenset(map(Right, rights)) or EVERY_RIGHT
    new = replace(new, note=note, permissions=replace(new.permissions, rights=allowed, bound_to_host=bound))
    with open_book(session.loaded.settings) as book:
        book.add(new)
    click.echo(_line(new))


@nodes_command.command("remove")
@click.argument("ae_title")
@click.pass_obj
def remove_command(session: Session, ae_title: str) -> None:
    """Take a node out of the book."""
    with open_book(session.loaded.settings) as book:
        book.remove(ae_title)


@nodes_command.command("admit")
@click.argument("caller")
@rights_option
@click.pass_obj
def admit_command(session: Session, *, caller: str, rights: tuple[str, ...]) -> None:
    """Let a caller do what it was refused: AETITLE@address, as the server's log names it.

    Its node is changed, or made (AETITLE@address:port says where it listens; else port 104 is assumed). With find
    come move and get, with worklist the performed steps. Without --right it may query and fetch.
    """
    title, address, port = _caller(caller)
    wanted = frozenset().union(*(SERVED_TOGETHER[Right(right)] for right in rights or (Right.FIND,)))
    with open_book(session.loaded.settings) as book:
        node = book.admit(title, address, wanted, port=port)
    click.echo(_line(node))
    click.echo("A server that runs knows it within two seconds.", err=True)


@nodes_command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.pass_obj
def import_command(session: Session, file: Path) -> None:
    """Take over the nodes of Orthanc (DicomModalities) or DicomSCP (appsettings.json).

    Exits with 1 when some entries cannot be nodes; the others are taken.
    """
    try:
        taken = read_foreign(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    except OSError as error:
        raise InvalidRequest(f"{file}: cannot be read ({error.strerror})") from error
    with open_book(session.loaded.settings) as book:
        counts = book.take_over(taken.nodes)
    for problem in taken.problems:
        click.echo(problem, err=True)
    click.echo(", ".join(f"{counts[what]} {what}" for what in ("added", "replaced", "unchanged", "kept")))
    if taken.problems:
        sys.exit(SOME_FAILED)


@nodes_command.command("echo")
@click.argument("ae_titles", nargs=-1)
@json_option
@click.pass_obj
def echo_command(session: Session, *, ae_titles: tuple[str, ...], as_json: bool) -> None:
    """Ask nodes of the book whether they answer (all, when none is named), and say why not.

    Exits with 1 when one does not.
    """
    from calotype.scu.diagnosis import EchoProber  # sockets: not needed by the other verbs
    from calotype.services.routing.diagnosis import Verdict

    settings = session.loaded.settings
    with open_book(settings) as book:
        nodes = [book.find(title) for title in ae_titles] or book.nodes()
    prober = EchoProber(caller_of(settings))
    all_answer = True
    for node in nodes:
        told = prober.diagnose(node)
        all_answer = all_answer and told.verdict is Verdict.ANSWERS
        if as_json:
            fields = {"verdict": told.verdict, "detail": told.detail, "total_ms": told.total_ms}
            click.echo(json.dumps({"node": str(node), **fields}, ensure_ascii=False))
        else:
            click.echo(f"{node.title}: {told.verdict} ({told.total_ms:.0f} ms): {told.detail}")
    if not all_answer:
        sys.exit(SOME_FAILED)


_CALLER = re.compile(
    r"(?P<title>[^@]+)@(?:\[(?P<six>[^]]+)\]|(?P<four>[^:]+)|(?P<bare>[^][]*:[^][]*:[^][]*))(?::(?P<port>\d{1,5}))?"
)
"""AE title and address as a log writes them, with a port behind an IPv6 address only when that stands in brackets."""


def _caller(text: str) -> tuple[str, str, int | None]:
    found = _CALLER.fullmatch(text)
    if found is None:
        raise InvalidRequest(f"{text}: write AETITLE@address, for example WORKSTATION@10.0.0.8")
    address = found["six"] or found["four"] or found["bare"]
    return found["title"], address, int(found["port"]) if found["port"] else None


def _line(node: Node) -> str:
    permissions = node.permissions
    rights = "everything" if permissions.rights == EVERY_RIGHT else ", ".join(sorted(permissions.rights)) or "nothing"
    bound = ", from its host only" if permissions.bound_to_host else ""
    return f"{node}  may {rights}{bound}{f'  ({node.note})' if node.note else ''}"

"""``calotype echo|send|find|get|move``: a DICOM node is asked something, and the answer is shown."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calotype.app.talking import caller_of
from calotype.cli.committing import ask_and_tell, patience_options
from calotype.cli.failures import SOME_FAILED
from calotype.cli.progress import progress_bar
from calotype.cli.securing import tls_options
from calotype.cli.session import Session
from calotype.dicom.hierarchy import Level
from calotype.dicom.query.negotiated import SUPPORTED, Negotiated
from calotype.errors import InvalidRequest
from calotype.scu.echo import echo
from calotype.scu.keys import tag_of
from calotype.scu.query import RETURN_KEYS, Progress, Root, find, move
from calotype.services.routing.nodes import Node, NodeTls

if TYPE_CHECKING:
    from calotype.services.archive.anonymise import Anonymiser

_LEVELS = {"patient": Level.PATIENT, "study": Level.STUDY, "series": Level.SERIES, "image": Level.IMAGE}
_KEY_HELP = "A key: -k PatientID=4711 matches, -k StudyDate= (or -k StudyDate) only asks for the value."

level_option = click.option("-l", "--level", type=click.Choice(list(_LEVELS)), default="study", show_default=True)
key_option = click.option("-k", "--key", "keys", metavar="KEY[=VALUE]", multiple=True, help=_KEY_HELP)
root_option = click.option(
    "--root",
    type=click.Choice(["study", "patient"]),
    help="Information model; patient at --level patient, else study.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")


@click.command("echo")
@click.argument("node")
@json_option
@click.pass_obj
@tls_options
def echo_command(session: Session, node: str, *, tls: NodeTls | None, as_json: bool) -> None:
    """Ask a DICOM node whether it answers (C-ECHO), and say why it does not.

    NODE is AETITLE@host:port, or the AE title of one in the settings.
    """
    target = session.node(node, tls)
    report = echo(caller_of(session.loaded.settings), target)
    if as_json:
        fields = {"associate_ms": report.associate_s * 1e3, "echo_ms": report.echo_s * 1e3}
        click.echo(json.dumps({"node": str(target), **fields, "max_pdu_bytes": report.max_pdu_bytes}))
        return
    took = f"associated in {report.associate_s * 1e3:.1f} ms, echo in {report.echo_s * 1e3:.1f} ms"
    click.echo(f"{target} answers: {took}, takes PDUs of {report.max_pdu_bytes or 'any'} bytes")


@click.command("send")
@click.argument("node")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--commit", "commits", is_flag=True, help="Then ask it to commit to them, as `calotype commit` does.")
@patience_options
@json_option
@click.pass_obj
@tls_options
def send_command(
    session: Session,
    *,
    node: str,
    paths: tuple[Path, ...],
    tls: NodeTls | None,
    commits: bool,
    wait_s: float,
    listen_port: int | None,
    as_json: bool,
) -> None:
    """Send files and folders to a DICOM node (C-STORE), as they are.

    Exits with 1 when some could not be read or sent, or with --commit are not committed to; the others have been.
    """
    from calotype.app.committing import Patience
    from calotype.scu.files import gather, send_files  # the scanner: not needed by the other verbs
    from calotype.scu.sender import DimseCourier
    from calotype.services.routing.ports import Result

    target = session.node(node, tls)
    files = gather(paths)
    counts: Counter[Result] = Counter()
    with progress_bar(f"to {target.ae_title}", silent=as_json) as advance:
        courier = DimseCourier(caller_of(session.loaded.settings))
        sending = send_files(courier, target, files, _anonymiser_for(session, target, commits=commits))
        for done, sent in enumerate(sending, 1):
            answer = sent.answer
            counts[answer.result] += 1
            advance(done, len(files.paths), sent.path.name)
            if as_json:
                outcome = {"path": str(sent.path), "result": answer.result.name.lower(), "status": answer.status}
                click.echo(json.dumps(outcome | {"comment": answer.comment}))
            elif answer.result is not Result.COMPLETED:
                click.echo(f"{sent.path}: {answer.result.name.lower()}: {answer.comment}", err=True)
    for skipped in files.skipped:
        if as_json:
            click.echo(json.dumps({"path": str(skipped.path), "result": "skipped", "comment": skipped.why}))
        else:
            click.echo(f"{skipped.path}: skipped: {skipped.why}", err=True)
    if not as_json:
        failed = counts[Result.FAILED]
        sent_count = counts[Result.COMPLETED] + counts[Result.WARNING]
        click.echo(f"{sent_count} sent, {failed} failed, {len(files.skipped)} skipped")
    missing = 0
    if commits and len(files.paths) > counts[Result.FAILED]:
        missing = ask_and_tell(session.loaded.settings, target, files, Patience(wait_s, listen_port), as_json=as_json)
    unread = any(not skipped.was_read for skipped in files.skipped)
    if counts[Result.FAILED] or missing or unread or not files.paths:
        sys.exit(SOME_FAILED)


def _anonymiser_for(session: Session, target: Node, *, commits: bool) -> Anonymiser | None:
    """Return who de-identifies, for a node of the address book that is to know no patients."""
    if not target.anonymise:
        return None
    if commits:
        raise InvalidRequest("What is sent without its patient has other UIDs: ask for no commitment to it.")
    from calotype.app.anonymising import anonymiser_of  # only where somebody must not know

    return anonymiser_of(session.loaded.settings)


@click.command("find")
@click.argument("node")
@level_option
@key_option
@root_option
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many answers.")
@click.option(
    "-x",
    "--extension",
    "extensions",
    type=click.Choice([name.replace("_", "-") for name in SUPPORTED.names]),
    multiple=True,
    help="What the node has to agree to (extended negotiation).",
)
@json_option
@click.pass_obj
@tls_options
def find_command(
    session: Session,
    *,
    node: str,
    tls: NodeTls | None,
    level: str,
    keys: tuple[str, ...],
    root: str | None,
    limit: int | None,
    extensions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask a DICOM node what it has (C-FIND).

    \b
    calotype find PACS@host:104 -k "PatientName=Zhang*" -k StudyDate=20260101-
    calotype find PACS@host:104 -l series -k StudyInstanceUID=1.2.3 -k Modality
    """  # noqa: D301 - \b keeps click from folding the lines
    target, wanted = session.node(node, tls), _LEVELS[level]
    asked = _keys(keys)
    answers = find(
        caller_of(session.loaded.settings),
        target,
        wanted,
        asked,
        root=_root(root, wanted),
        limit=limit,
        extensions=Negotiated(**{name.replace("-", "_"): True for name in extensions}),
    )
    if as_json:
        for answer in answers:
            click.echo(json.dumps(answer, ensure_ascii=False))
        return
    columns = list(RETURN_KEYS[wanted] if all(asked.values()) else asked)
    count = _table(columns, answers)
    click.echo(f"{count} found at {level} level", err=True)


@click.command("get")
@click.argument("node")
@level_option
@key_option
@root_option
@click.option("-t", "--to", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder (default: here).")
@json_option
@click.pass_obj
@tls_options
def get_command(
    session: Session,
    *,
    node: str,
    tls: NodeTls | None,
    level: str,
    keys: tuple[str, ...],
    root: str | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Fetch images from a DICOM node into a folder (C-GET), bit-exact.

    \b
    calotype get PACS@host:104 -k StudyInstanceUID=1.2.3 --to images/
    """  # noqa: D301
    from calotype.scu.folder import FolderReceiver
    from calotype.scu.get import get

    target, wanted = session.node(node, tls), _LEVELS[level]
    receiver = FolderReceiver(folder)
    caller = caller_of(session.loaded.settings)
    reports = get(caller, target, wanted, _keys(keys), receiver, root=_root(root, wanted))
    _follow(f"from {target.ae_title}", reports, as_json=as_json)


@click.command("move")
@click.argument("node")
@level_option
@key_option
@root_option
@click.option("-t", "--to", "destination", metavar="AETITLE", help="Who shall receive (default: our own AE title).")
@json_option
@click.pass_obj
@tls_options
def move_command(
    session: Session,
    *,
    node: str,
    tls: NodeTls | None,
    level: str,
    keys: tuple[str, ...],
    root: str | None,
    destination: str | None,
    as_json: bool,
) -> None:
    """Have a DICOM node send images to another (C-MOVE).

    The destination is an AE title that the node knows, with its address, from its own settings.

    \b
    calotype move PACS@host:104 -k StudyInstanceUID=1.2.3 --to WORKSTATION
    """  # noqa: D301
    target, wanted = session.node(node, tls), _LEVELS[level]
    settings = session.loaded.settings
    to = destination or settings.dicom.ae_title
    reports = move(caller_of(settings), target, to, wanted, _keys(keys), root=_root(root, wanted))
    _follow(f"to {to}", reports, as_json=as_json)


def _keys(pairs: Iterable[str]) -> dict[str, str]:
    keys = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name.strip():
            raise InvalidRequest(f"-k {pair}: write KEY=VALUE, for example -k PatientID=4711")
        tag_of(name.strip())  # a mistyped key is told before anybody is called
        keys[name.strip()] = value
    return keys


def _root(name: str | None, level: Level) -> Root:
    return Root[name.upper()] if name else Root.PATIENT if level is Level.PATIENT else Root.STUDY


def _table(columns: list[str], answers: Iterable[dict[str, str]]) -> int:
    """Print aligned columns as answers come, with widths from the first screenful; return how many there were."""
    from itertools import chain, islice

    stream = iter(answers)
    first = list(islice(stream, 50))
    widths = [max([len(c), *(_width(a.get(c, "")) for a in first)]) for c in columns]
    if first:
        click.echo("  ".join(f"{c}{' ' * (w - len(c))}" for c, w in zip(columns, widths, strict=True)).rstrip())
    count = 0
    for answer in chain(first, stream):
        cells = (_printable(answer.get(c, "")) for c in columns)
        click.echo("  ".join(f"{c}{' ' * (w - _width(c))}" for c, w in zip(cells, widths, strict=True)).rstrip())
        count += 1
    return count


def _printable(text: str) -> str:
    """Keep a node's text from moving the terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _width(text: str) -> int:
    """Count terminal cells: East Asian characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _follow(label: str, reports: Generator[Progress, None, None], *, as_json: bool) -> None:
    """Show sub-operations as they are counted; exit with 1 when some failed."""
    last: Progress | None = None
    with progress_bar(label, silent=as_json) as advance:
        for report in reports:
            last = report
            done = (report.completed or 0) + (report.failed or 0) + (report.warning or 0)
            advance(done, done + (report.remaining or 0), "")
            if as_json:
                click.echo(json.dumps(_fields(report)))
    if last is None or as_json:
        sys.exit(SOME_FAILED if last is None or last.failed else 0)
    counted = f"{last.completed or 0} completed, {last.failed or 0} failed, {last.warning or 0} with warnings"
    click.echo(f"{counted}: {last.in_words}")
    for uid in last.failed_sop_instances:
        click.echo(f"failed: {_printable(uid)}", err=True)
    if last.failed:
        sys.exit(SOME_FAILED)


def _fields(report: Progress) -> dict[str, Any]:
    counters = {name: getattr(report, name) for name in ("remaining", "completed", "failed", "warning")}
    if not report.is_final:
        return counters
    return counters | {"status": report.status, "comment": report.comment, "failed_uids": report.failed_sop_instances}

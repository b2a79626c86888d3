"""``calotype commit``: a node is asked to keep what it was sent, and says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calotype.cli.failures import SOME_FAILED
from calotype.cli.securing import tls_options
from calotype.cli.session import Session
from calotype.services.routing.nodes import Node, NodeTls

if TYPE_CHECKING:  # the server's rooms: not needed to show help
    from calotype.app.committing import Patience
    from calotype.app.settings import Settings
    from calotype.scu.files import Files

Callback = TypeVar("Callback", bound=Callable[..., Any])


def patience_options(command: Callback) -> Callback:
    """Add the options that say how long, and where, a report is waited for."""
    wait = click.option(
        "--wait", "wait_s", type=click.FloatRange(min=0), default=30.0, show_default=True,
        help="Seconds for a report of storage commitment.",
    )  # fmt: skip
    listen = click.option(
        "--listen", "listen_port", type=click.IntRange(1, 65535), help="Take the report on this port, too."
    )
    return wait(listen(command))


@click.command("commit")
@click.argument("node")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@patience_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@click.pass_obj
@tls_options
def commit_command(
    session: Session,
    *,
    node: str,
    paths: tuple[Path, ...],
    tls: NodeTls | None,
    wait_s: float,
    listen_port: int | None,
    as_json: bool,
) -> None:
    """Ask a DICOM node to commit to keeping files that were sent to it (storage commitment).

    Many nodes report by calling back the address that they know our AE title by: then --listen on its port.
    Exits with 1 when the node does not commit to all of them.
    """
    from calotype.app.committing import Patience
    from calotype.scu.files import gather

    target = session.node(node, tls)
    files = gather(paths)
    for skipped in files.skipped:
        click.echo(f"{skipped.path}: skipped: {skipped.why}", err=True)
    if not files.paths or ask_and_tell(
        session.loaded.settings, target, files, Patience(wait_s, listen_port), as_json=as_json
    ):
        sys.exit(SOME_FAILED)


def ask_and_tell(settings: Settings, node: Node, files: Files, patience: Patience, *, as_json: bool) -> int:
    """Ask ``node`` to commit to ``files``, and tell what it says of each; return to how many it does not."""
    from calotype.app.committing import commit
    from calotype.dicom.commitment import Reference, describe_reason

    path_of = {
        Reference(item.parcel.kind.sop_class, item.parcel.sop_instance): path
        for path, item in zip(files.paths, files.cargo, strict=True)
    }
    report = commit(settings, node, list(path_of), patience)
    reasons = {reference.sop_instance: reason for reference, reason in report.failed}
    committed = {reference.sop_instance for reference in report.committed}
    missing = 0
    for reference, path in path_of.items():
        uid = reference.sop_instance
        is_kept = uid in committed and uid not in reasons
        missing += not is_kept
        why = "" if is_kept else describe_reason(reasons[uid]) if uid in reasons else "not in the report"
        if as_json:
            click.echo(json.dumps({"path": str(path), "committed": is_kept, "comment": why}))
        elif not is_kept:
            click.echo(f"{path}: not committed: {why}", err=True)
    if not as_json:
        click.echo(f"{node.ae_title} commits to {len(path_of) - missing} of {len(path_of)}")
    return missing

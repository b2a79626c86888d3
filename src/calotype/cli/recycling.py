"""``calotype delete|recycled``: into the recycle bin, out of it, and away, with or without a server beside."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from calotype.app.opening import open_archive
from calotype.cli.failures import SOME_FAILED
from calotype.cli.session import Session
from calotype.clock import SECOND_US
from calotype.dicom.hierarchy import UID
from calotype.services.archive.recycled import Recycled, State, narrowed

if TYPE_CHECKING:
    from collections.abc import Sequence

json_option = click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")
_PAGE = 500


@click.command("delete")
@click.argument("study")
@click.argument("series", default="")
@click.argument("instance", default="")
@click.option("--reason", default="", metavar="TEXT", help="Kept with the deletion.")
@click.pass_obj
def delete_command(session: Session, study: str, series: str, instance: str, reason: str) -> None:
    """Delete a study, or a series or an instance of it, into the recycle bin.

    STUDY, SERIES and INSTANCE are UIDs. Nothing of it is found or sent from then on; its files stay until they are
    purged, by time (recycling.keep_days) or by `calotype recycled purge`.
    """
    with open_archive(session.loaded.settings) as archive:
        ref = narrowed(UID(study), UID(series), UID(instance))
        taken = archive.recycling.delete(ref, by=_who(), reason=reason)
    click.echo(f"deletion {taken.id}: {taken.instances} objects; undo it with: calotype recycled restore {taken.id}")


@click.group("recycled")
def recycled_command() -> None:
    """Show what was deleted, restore it, or purge it."""


@recycled_command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was restored or purged.")
@json_option
@click.pass_obj
def list_command(session: Session, *, everything: bool, as_json: bool) -> None:
    """List deletions, newest first: who deleted what, when and why."""
    states = () if everything else (State.KEPT, State.PURGING, State.ERASING)
    before: int | None = None
    with open_archive(session.loaded.settings) as archive:
        while page := archive.recycling.list(states, before, _PAGE):
            _show(page, as_json=as_json)
            before = page[-1].id


@recycled_command.command("restore")
@click.argument("number", type=int)
@click.pass_obj
def restore_command(session: Session, number: int) -> None:
    """Put the objects of a deletion back, as they were."""
    with open_archive(session.loaded.settings) as archive:
        restored = archive.recycling.restore(number, by=_who())
    told = [f"{restored.served} objects restored"]
    if restored.versions:
        told.append(f"{restored.versions} kept as further versions, since others came under their UIDs")
    if restored.identical:
        told.append(f"{restored.identical} left out, since the very same came again")
    click.echo("; ".join(told))


@recycled_command.command("purge")
@click.argument("number", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Empty the bin.")
@click.option("--force", is_flag=True, help="Also what we committed to keep (storage commitment).")
@click.pass_obj
def purge_command(session: Session, number: int | None, *, everything: bool, force: bool) -> None:
    """Remove the files of one deletion, or of all, for good.

    Exits with 1 when some deletions are held back, because somebody was promised that we keep their objects.
    """
    if (number is None) is not everything:
        raise click.UsageError("say which deletion, or --all")
    held_back: tuple[int, ...] = ()
    with open_archive(session.loaded.settings) as archive:
        if number is None:
            held_back = archive.recycling.empty(by=_who(), force=force).held_back
        else:
            archive.recycling.purge(number, by=_who(), force=force)
        archive.recycling.work()
        left = archive.recycling.list((State.PURGING, State.ERASING), None, _PAGE)
    for each in left:
        click.echo(f"deletion {each.id}: some files could not be removed yet; the server goes on with it", err=True)
    if held_back:
        click.echo(f"held back, we committed to keep some of it: {', '.join(map(str, held_back))}", err=True)
    if left or held_back:
        sys.exit(SOME_FAILED)
    click.echo("purged")


def _who() -> str:
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):
        # A container whose user has no name.
        return "command line"


def _show(page: Sequence[Recycled], *, as_json: bool) -> None:
    for each in page:
        uid = each.instance or each.series or each.study
        if as_json:
            fields = {name: getattr(each, name) for name in each.__slots__}
            click.echo(json.dumps(fields | {"about": dict(each.about)}, ensure_ascii=False))
            continue
        when = datetime.fromtimestamp(each.deleted_us / SECOND_US, UTC).strftime("%Y-%m-%d %H:%M")
        about = " ".join(filter(None, map(each.about.get, ("PatientID", "PatientName", "StudyDate", "Modality"))))
        told = f"{each.id:>6}  {when}  {each.state:<8}  {each.level.value.lower():<6}  {each.instances:>6}  {uid}"
        line = "  ".join(filter(None, (told, about, f"by {each.deleted_by}", each.reason)))
        # A name could hold what a terminal obeys.
        click.echo("".join(c if c.isprintable() else "?" for c in line))

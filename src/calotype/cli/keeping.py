"""``calotype import|reindex|verify``: work on the archive's own data, with or without a server running beside."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from calotype.app.opening import open_archive
from calotype.app.picturing import decoding_of, isolation_of
from calotype.cli.failures import SOME_FAILED
from calotype.cli.progress import progress_bar
from calotype.cli.session import Session
from calotype.errors import NotFound
from calotype.services.archive.importing import Importer, ImportOutcome, ImportStatus
from calotype.services.archive.verify import Problem
from calotype.services.archive.workshop import Workshop

json_option = click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@json_option
@click.pass_obj
def import_command(session: Session, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Take folders, files, zip archives and DICOMDIR media into the archive.

    The files stay where they are; the archive keeps copies, bit-exact. Importing again is harmless: what is here
    already is known by its content. Exits with 1 when some DICOM files could not be kept.
    """
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is neither a file nor a folder")
    counts: Counter[str] = Counter()
    with open_archive(session.loaded.settings) as archive, progress_bar("import", silent=as_json) as advance:
        importer = Importer(archive.ingest)
        for path in paths:
            for outcome in importer.path(path, advance):
                counts[_told(outcome)] += 1
                if as_json:
                    click.echo(json.dumps(_fields(outcome), ensure_ascii=False))
                elif outcome.status is not ImportStatus.IMPORTED:
                    click.echo(f"{outcome.source}: {outcome.status}: {outcome.reason}", err=True)
    if not as_json:
        click.echo(", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no files found")
    if counts[ImportStatus.FAILED] or not counts:
        sys.exit(SOME_FAILED)


@click.command("reindex")
@click.option("--allow-loss", is_flag=True, help="Swap although many known objects are missing or damaged.")
@json_option
@click.pass_obj
def reindex_command(session: Session, *, allow_loss: bool, as_json: bool) -> None:
    """Rebuild the index from the stored objects.

    New rows are made beside the old ones and swapped in at the end; until then nothing changes, and a server may go
    on. What files cannot tell (when and from whom an object came, conflicts) is kept from the old rows.
    """
    with open_archive(session.loaded.settings) as archive, progress_bar("reindex", silent=as_json) as advance:
        report = archive.curate.reindex(advance, allow_loss=allow_loss)
    if as_json:
        counts = {"rebuilt": report.rebuilt, "recovered": report.recovered, "recycled": report.recycled}
        click.echo(json.dumps(counts | {"problems": _problems(report.problems)}, ensure_ascii=False))
    else:
        _show(report.problems)
        recycled = f", {report.recycled} in the recycle bin" if report.recycled else ""
        found = f"{report.rebuilt} rebuilt, {report.recovered} recovered{recycled}"
        click.echo(f"{found}, {len(report.problems)} with problems")
    if report.problems:
        sys.exit(SOME_FAILED)


@click.command("verify")
@click.option("--quick", is_flag=True, help="Only presence and size; reads no content.")
@click.option("--delete-orphans", is_flag=True, help="Remove files without a row that are older than an hour.")
@click.option("--pixels", is_flag=True, help="Also decode every frame, and mark objects that cannot be decoded.")
@json_option
@click.pass_obj
def verify_command(session: Session, *, quick: bool, delete_orphans: bool, pixels: bool, as_json: bool) -> None:
    """Check every object's digest, and find what index and storage do not agree on.

    Changes no object unless told to. Exits with 1 when something is wrong.
    """
    settings = session.loaded.settings
    with (
        open_archive(settings) as archive,
        Workshop(settings.pixels.threads) as workshop,
        isolation_of(settings) as isolation,
        progress_bar("verify", silent=as_json) as advance,
    ):
        report = archive.curate.verify(
            advance,
            digests=not quick,
            delete_orphans=delete_orphans,
            pixels=pixels,
            each=workshop.map,
            decode=decoding_of(settings, isolation).decode,
        )
    if as_json:
        counts = {"objects": report.objects, "checked_bytes": report.checked_bytes}
        counts |= {"orphans_deleted": report.orphans_deleted}
        click.echo(json.dumps(counts | {"problems": _problems(report.problems)}, ensure_ascii=False))
    else:
        _show(report.problems)
        checked = f"{report.objects} objects, {report.checked_bytes / 1e6:.1f} MB read"
        deleted = f", {report.orphans_deleted} orphans deleted" if report.orphans_deleted else ""
        click.echo(f"{checked}, {len(report.problems)} problems{deleted}")
    if not report.is_sound:
        sys.exit(SOME_FAILED)


def _told(outcome: ImportOutcome) -> str:
    """Return what happened in one word: for what is kept, whether it is new."""
    return str(outcome.receipt.outcome if outcome.receipt is not None else outcome.status)


def _fields(outcome: ImportOutcome) -> dict[str, str | list[str]]:
    told: dict[str, str | list[str]] = {"source": outcome.source, "result": _told(outcome)}
    if outcome.receipt is None:
        return told | {"reason": outcome.reason}
    ref = outcome.receipt.ref
    flags = sorted(str(flag) for flag in outcome.receipt.flags)
    return told | {"study": ref.study, "series": ref.series, "instance": ref.instance, "flags": flags}


def _problems(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"kind": str(problem.kind), "key": problem.key, "detail": problem.detail} for problem in problems]


def _show(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(f"{problem.key}: {problem.kind}: {problem.detail}", err=True)

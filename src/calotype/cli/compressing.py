"""``calotype compress``: what is in the archive already, in less room; with or without a server running beside."""

from __future__ import annotations

import json
import sys
from collections import Counter

import click

from calotype.app.compressing import compressor_over
from calotype.app.compression_rules import rules_of
from calotype.app.opening import open_stores
from calotype.cli.failures import SOME_FAILED
from calotype.cli.progress import progress_bar
from calotype.cli.session import Session
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.errors import NotFound
from calotype.services.archive.compression.compressor import Done
from calotype.services.archive.compression.ports import Result, Task
from calotype.services.archive.compression.rules import COMPRESSIBLE, Rule, Rules, target_of
from calotype.services.archive.workshop import Workshop
from calotype.stores.index.compression import SqliteCompression

_TOLD = {
    Result.COMPRESSED: "compressed",
    Result.DERIVED: "derived with loss",
    Result.NOT_SMALLER: "not smaller",
    Result.KEPT: "kept as they came",
}


@click.command("compress")
@click.argument("studies", nargs=-1, metavar="[STUDY_UID]...")
@click.option("--all", "everything", is_flag=True, help="Every study.")
@click.option("-t", "--to", metavar="SYNTAX", help="A UID or keyword without loss; else as [compression] says.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each image, for scripts.")
@click.pass_obj
def compress_command(
    session: Session, *, studies: tuple[str, ...], everything: bool, to: str | None, as_json: bool
) -> None:
    """Compress images that are in the archive, and put them in the place of what came.

    Each is decoded again and compared, bit for bit, before its original goes; what does not get smaller, or cannot
    be brought back exactly, stays. What is compressed already is passed over, so this may be stopped and begun again.
    Exits with 1 when some could not be compressed; they are as they came.
    """
    if bool(studies) == everything:
        raise click.UsageError("name studies by their UIDs, or give --all")
    rules = rules_of(session.loaded.settings) if to is None else Rules((Rule(target_of(to)),))
    counts: Counter[Result] = Counter()
    before_bytes = after_bytes = 0
    with (
        open_stores(session.loaded.settings) as stores,
        Workshop(session.loaded.settings.pixels.threads) as workshop,
        progress_bar("compress", silent=as_json) as advance,
    ):
        compressor = compressor_over(stores, workshop.map)
        for study in studies:
            if not any(stores.archive.retrieve.locate(Selection(Level.STUDY, studies=(UID(study),)))):
                raise NotFound(f"no study {study} in the archive")
        tasks = SqliteCompression(stores.index).candidates([UID(study) for study in studies], COMPRESSIBLE)
        for number, task in enumerate(tasks, start=1):
            assert task.origin is not None  # noqa: S101 - candidates are there
            done = compressor.compress(task, rules.rule_for(task.origin, task.modality))
            counts[done.result] += 1
            if done.result is Result.COMPRESSED:
                before_bytes += done.sizes.before_bytes
                after_bytes += done.sizes.after_bytes
            _tell(task, done, as_json=as_json)
            advance(number, None, task.sop_instance)
    if not as_json:
        told = ", ".join(f"{counts[result]} {text}" for result, text in _TOLD.items() if counts[result])
        click.echo(f"{told or 'nothing to compress'}: {before_bytes / 1e6:.1f} MB are {after_bytes / 1e6:.1f} MB now")
    if counts[Result.KEPT]:
        sys.exit(SOME_FAILED)


def _tell(task: Task, done: Done, *, as_json: bool) -> None:
    if as_json:
        told = {"instance": task.sop_instance, "result": done.result.value, "reason": done.reason}
        sizes = {"before_bytes": done.sizes.before_bytes, "after_bytes": done.sizes.after_bytes}
        click.echo(json.dumps(told | sizes, ensure_ascii=False))
    elif done.result is Result.KEPT:
        click.echo(f"{task.sop_instance}: {done.reason}", err=True)

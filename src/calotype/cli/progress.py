"""A progress bar on stderr for long work; silent without a terminal and for scripts (``--json``)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from calotype.services.archive.ports import Progress, unseen

_SHOWN_CHARACTERS = 48


@contextmanager
def progress_bar(label: str, *, silent: bool = False) -> Iterator[Progress]:
    """Yield a callable of (done, total or None, what is being done) that draws a bar until the block ends."""
    if silent or not sys.stderr.isatty():
        yield unseen
        return
    from rich.console import Console  # only where somebody watches
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}", style="dim", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, what="")

        def advance(done: int, total: int | None, what: str) -> None:
            bar.update(task, completed=done, total=total, what=what[-_SHOWN_CHARACTERS:])

        yield advance

"""Jobs that retrieve: a neighbour is asked to send (C-MOVE), or is fetched from (C-GET).

A node says how far it is by counters; which objects it is about only C-GET shows, and the list of failed ones at the
end. An attempt that breaks begins anew: what has come already is known by its content and kept once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Self

from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, Cancelled, OutOfResources, Refused, Unavailable
from calotype.services.archive.incoming import Incoming as ArchiveIncoming
from calotype.services.archive.ingest import Declared, Ingest
from calotype.services.archive.ports import Channel, Origin, ReadableBuffer
from calotype.services.jobs.model import ItemResult, Progress
from calotype.services.jobs.run import JobRun
from calotype.services.routing.nodes import Node
from calotype.services.routing.peers import Inquirer, Report, WishfulBook
from calotype.services.routing.sending import selection_of


class MoveJob:
    """Has a node send to somebody, us or a third one; items are what the node says it could not send."""

    def __init__(self, nodes: WishfulBook, inquirer: Inquirer) -> None:
        self._nodes = nodes
        self._inquirer = inquirer

    def __call__(self, run: JobRun) -> None:
        """Ask, and follow the node's reports."""
        node = self._nodes.find(run.arguments["node"])
        wish = tuple(map(UID, run.arguments["transfer_syntaxes"]))
        run.start_over()
        reports = self._inquirer.move(node, run.arguments["destination"], selection_of(run.arguments["selection"]))
        with self._nodes.wishing(node.title, wish) if wish else nullcontext():
            last = _last(run, reports, _counted)
        if last is None:
            return
        for uid in last.failed_sop_instances:
            run.outcome(uid, ItemResult.FAILED, last.in_words)
        _counted(run, last)
        _judge(node, last, run.progress)


class GetJob:
    """Fetches from a node into the archive; items are the SOP Instance UIDs that came."""

    def __init__(self, nodes: WishfulBook, inquirer: Inquirer, ingest: Ingest, own_ae_title: str) -> None:
        self._nodes = nodes
        self._inquirer = inquirer
        self._ingest = ingest
        self._own_ae_title = own_ae_title

    def __call__(self, run: JobRun) -> None:
        """Ask, and keep what comes."""
        node = self._nodes.find(run.arguments["node"])
        wish = tuple(map(UID, run.arguments["transfer_syntaxes"]))
        run.start_over()
        receiver = _Receiving(run, self._ingest, Origin(Channel.DIMSE, node.title, self._own_ae_title, node.host))
        reports = self._inquirer.get(node, selection_of(run.arguments["selection"]), receiver, wish)
        last = _last(run, reports, _expected)
        if last is None:
            return
        for uid in last.failed_sop_instances:
            if uid not in receiver.seen:
                run.outcome(uid, ItemResult.FAILED, last.in_words)
        # What the node could not even begin to send stands in its counter alone.
        run.progress = replace(run.progress, failed=max(run.progress.failed, last.failed or 0))
        run.total = run.progress.finished
        _judge(node, last, run.progress)


class _Receiving:
    """Takes objects into the archive and notes what came of each."""

    def __init__(self, run: JobRun, ingest: Ingest, origin: Origin) -> None:
        self._run = run
        self._ingest = ingest
        self._origin = origin
        self.seen: set[str] = set()

    def begin(self, sop_class: UID, sop_instance: UID, transfer_syntax: UID, source_ae_title: str) -> _Arriving:
        """Make ready for an object."""
        del source_ae_title  # the node's own title, which the origin has
        self.seen.add(sop_instance)
        declared = Declared(sop_class, sop_instance, transfer_syntax)
        try:
            return _Arriving(self._run, sop_instance, self._ingest.begin(declared, self._origin))
        except CalotypeError as error:
            self._run.outcome(sop_instance, ItemResult.FAILED, str(error))
            raise


class _Arriving:
    """One object on its way into the archive."""

    def __init__(self, run: JobRun, sop_instance: UID, incoming: ArchiveIncoming) -> None:
        self._run = run
        self._sop_instance = sop_instance
        self._incoming = incoming

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Take the next bytes."""
        self._incoming.write(parts)

    def commit(self) -> object:
        """Keep the object."""
        receipt = self._incoming.commit()
        self._run.outcome(self._sop_instance, ItemResult.OK)
        return receipt

    def __enter__(self) -> Self:
        self._incoming.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._incoming.__exit__(kind, error, trace)
        # When the line or our store broke, nothing is said of the object itself: it will come again.
        if isinstance(error, CalotypeError) and not isinstance(error, Unavailable):
            self._run.outcome(self._sop_instance, ItemResult.FAILED, str(error))


def _last(
    run: JobRun, reports: Generator[Report, None, None], note: Callable[[JobRun, Report], None]
) -> Report | None:
    """Follow the reports and return the final one; ``None`` when the job was told to stop, the node then, too."""
    try:
        with closing(reports):
            for report in reports:
                if report.is_final:
                    return report
                note(run, report)
                if run.is_cancelled:
                    return None
    except OutOfResources as error:
        # The node's resources: it may have some later.
        raise Unavailable(str(error)) from error
    raise Unavailable("the node ended without a final response")


def _counted(run: JobRun, report: Report) -> None:
    """Take over a node's counters."""
    progress = Progress(report.completed or 0, report.failed or 0, report.warning or 0)
    total = progress.finished + report.remaining if report.remaining is not None else run.total
    run.progress = replace(progress, total=progress.finished if report.is_final else total)


def _expected(run: JobRun, report: Report) -> None:
    """Take over how many there will be; what has come we count ourselves."""
    if report.remaining is not None:
        finished = (report.completed or 0) + (report.failed or 0) + (report.warning or 0)
        run.total = finished + report.remaining


def _judge(node: Node, last: Report, progress: Progress) -> None:
    if last.is_cancelled:
        raise Cancelled(f"{node} stopped before it was done: {last.in_words}")
    if progress.failed and not (progress.done or progress.warned):
        raise Refused(f"{node} could send none of {progress.failed} objects: {last.in_words}")

"""Asking for storage commitment when a job has sent (PS3.4 J): who sends may delete only what another has promised.

A report may take hours; the job only asks. What was said of each instance is kept with the transaction
(``commitment``), which the outcome names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from calotype.dicom.commitment import MAX_REFERENCES, Reference
from calotype.errors import CalotypeError, Unavailable
from calotype.services.jobs.model import ItemResult
from calotype.services.jobs.run import JobRun
from calotype.services.routing.commitment.model import Commitment, State
from calotype.services.routing.commitment.requests import Requests
from calotype.services.routing.nodes import Node

ITEM: Final = "storage commitment {}"
"""The item of a job that stands for the asking; more than one for more instances than one request may name."""


def batches(count: int) -> int:
    """Return in how many requests so many instances are asked about."""
    return -(-count // MAX_REFERENCES)


def pledge(run: JobRun, node: Node, references: Sequence[Reference], requests: Requests) -> None:
    """Ask ``node`` to commit to what it was sent, once per job. Unavailable, to be tried again later."""
    for number in range(batches(len(references))):
        item = ITEM.format(number + 1)
        if run.is_cancelled:
            return
        if item in run.finished_items:
            continue
        part = references[number * MAX_REFERENCES :][:MAX_REFERENCES]
        try:
            asked = requests.ask(node, part)
        except CalotypeError as error:
            if isinstance(error, Unavailable) and not run.is_last_attempt:
                raise
            run.outcome(item, ItemResult.FAILED, f"{node} was not asked to commit: {error}")
        else:
            run.outcome(item, *_told(node, asked))


def _told(node: Node, asked: Commitment) -> tuple[ItemResult, str]:
    where = f"transaction {asked.id}"
    if asked.state is not State.DONE:
        return ItemResult.OK, f"{where}: {node.title} was asked and will report"
    said = f"{where}: {node.title} commits to {asked.committed} of {asked.total}"
    return (ItemResult.OK if asked.committed == asked.total else ItemResult.FAILED), said

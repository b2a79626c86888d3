"""Asking neighbours to commit to what we sent them (PS3.4 J, as SCU)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from calotype.clock import Clock
from calotype.dicom.commitment import Reference, Report, Request
from calotype.dicom.uids import uid_of_uuid
from calotype.errors import CalotypeError, InvalidRequest, NotFound
from calotype.services.routing.commitment.model import COMMITTED, Commitment, Direction, Item, Parties, State
from calotype.services.routing.commitment.ports import CommitmentStore, Messenger
from calotype.services.routing.nodes import Node


class Requests:
    """Asks, and takes the answers, which may come much later. Thread-safe."""

    def __init__(self, store: CommitmentStore, messenger: Messenger, our_ae_title: str, clock_us: Clock) -> None:
        self._store = store
        self._messenger = messenger
        self._our_ae_title = our_ae_title
        self._clock_us = clock_us

    def ask(self, node: Node, references: Sequence[Reference]) -> Commitment:
        """Ask ``node`` to commit to ``references``; return how far that went: waiting, or done.

        InvalidRequest without references. Unavailable, Refused or Unsupported when the node could not be asked;
        that is written down too.
        """
        if not references:
            raise InvalidRequest("Nothing to be committed to: name at least one instance.")
        transaction = uid_of_uuid(uuid.uuid4())
        parties = Parties(node.ae_title.strip(" "), self._our_ae_title, node.host)
        # Before the first word: the report may come on another association sooner than the answer on this one.
        asked = self._store.add(
            Direction.ASKED, transaction, parties, references, state=State.WAITING, now_us=self._clock_us()
        )
        try:
            report = self._messenger.ask(node, Request(transaction, tuple(references)))
        except CalotypeError as error:
            self._failed(asked.id, str(error))
            raise
        if report is not None:
            self._settle(asked, report)
        return self._store.get(asked.id) or asked

    def answered(self, report: Report) -> Commitment:
        """Take the report of a neighbour. NotFound when we asked nothing under its Transaction UID."""
        asked = self._store.find(Direction.ASKED, report.transaction)
        if asked is None:
            raise NotFound(f"we have asked for no commitment under transaction {report.transaction}")
        self._settle(asked, report)
        return self._store.get(asked.id) or asked

    def items(self, number: int) -> list[Item]:
        """Return what is known of each instance of a transaction."""
        return self._store.items(number)

    def _settle(self, asked: Commitment, report: Report) -> None:
        """Write down what was said of each instance; one that was not spoken of keeps what is known of it."""
        failures = {reference.sop_instance: reason for reference, reason in report.failed}
        committed = {reference.sop_instance for reference in report.committed}
        outcomes = [
            failures.get(item.reference.sop_instance, COMMITTED if item.reference.sop_instance in committed else None)
            for item in self._store.items(asked.id)
        ]
        unspoken = outcomes.count(None)
        error = f"{unspoken} instances are missing in the report" if unspoken else ""
        changed = replace(asked, state=State.DONE, changed_us=self._clock_us(), error=error)
        self._store.update(changed, outcomes)

    def _failed(self, number: int, error: str) -> None:
        now = self._store.get(number)
        # A node that reports on another association and then breaks this one has said what we wanted to know.
        if now is not None and now.state is State.WAITING:
            self._store.update(replace(now, state=State.FAILED, changed_us=self._clock_us(), error=error))

"""Committing to what neighbours sent us (PS3.4 J, as SCP): examine, then tell, until it was heard.

A promise is made on evidence: each object is read again and compared with the digest it was received with. Whoever
holds the association that asked may deliver the outcome there; everything else is done by one worker, also after a
restart.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from calotype.clock import SECOND_US, Clock
from calotype.dicom.commitment import FailureReason, Reference, Report, Request
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import SOP_CLASSES, STORAGE_CLASSES
from calotype.errors import CalotypeError
from calotype.services.archive.custody import Condition, Custody
from calotype.services.archive.rounds import Rounds
from calotype.services.routing.commitment.model import COMMITTED, Commitment, Direction, Parties, State, report_of
from calotype.services.routing.commitment.ports import CommitmentStore, Messenger
from calotype.services.routing.nodes import AddressBook

_logger = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 30
LAST_RETRY_S: Final = 3600
GIVE_UP_AFTER_S: Final = 3 * 24 * 3600
"""A modality that was not reached for so long has been switched off for good, or is in no address book."""
KEEP_S: Final = 90 * 24 * 3600
"""For how long finished transactions are kept."""


def back_off_s(attempts: int) -> int:
    """Return how long to wait after so many failed attempts."""
    return int(min(FIRST_RETRY_S * 2 ** min(attempts - 1, 20), LAST_RETRY_S))


class Promise:
    """One transaction, held by whoever took the request; what is not delivered when it is closed, the worker does."""

    def __init__(self, promises: Promises, number: int) -> None:
        self._promises = promises
        self._number = number

    def outcome(self, is_interrupted: Callable[[], bool]) -> Report | None:
        """Examine every instance; ``None`` when interrupted between two of them. Unavailable when the index is."""
        return self._promises.examine(self._number, is_interrupted)

    def delivered(self) -> None:
        """Say that the neighbour has heard the outcome."""
        self._promises.delivered(self._number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._promises.let_go(self._number)


class Promises:
    """Takes requests, and works on them in the background between :meth:`start` and :meth:`stop`. Thread-safe."""

    def __init__(
        self,
        store: CommitmentStore,
        custody: Custody,
        nodes: AddressBook,
        messenger: Messenger,
        clock_us: Clock,
    ) -> None:
        self._store = store
        self._custody = custody
        self._nodes = nodes
        self._messenger = messenger
        self._clock_us = clock_us
        self._holding = threading.Lock()
        self._held: set[int] = set()
        self._forget_at_s = 0.0
        self._rounds = Rounds(
            self._round, name="commitments", what="the commitment to keep objects", retry_s=FIRST_RETRY_S
        )

    def start(self) -> None:
        """Begin to work on what is there, from before a restart too."""
        self._rounds.start()

    def stop(self, wait_s: float) -> None:
        """Stop after what is being done now, waiting at most ``wait_s``. Idempotent."""
        self._rounds.stop(wait_s)

    def accept(self, request: Request, parties: Parties) -> Promise:
        """Write a request down, and hold it. OutOfResources or Unavailable when that is not possible.

        The same neighbour asking the same again has most likely not heard our answer, and gets a new one. A UID
        that is taken by something else makes every instance fail with 0131.
        """
        now_us = self._clock_us()
        earlier = self._store.find(Direction.GIVEN, request.transaction)
        # The worker waits for this lock before it looks, so it cannot take what is about to be held.
        with self._holding:
            taken = self._store.add(
                Direction.GIVEN,
                request.transaction,
                parties,
                request.references,
                state=State.CHECKING,
                now_us=now_us,
            )
            self._held.add(taken.id)
        if earlier is not None and not self._repeats(earlier, request, parties):
            _logger.warning(
                "%s asks for commitment under transaction %s, which is in use", parties.peer, request.transaction
            )
            reason = int(FailureReason.DUPLICATE_TRANSACTION_UID)
            self._store.update(replace(taken, state=State.REPORTING), [reason] * taken.total)
        return Promise(self, taken.id)

    def examine(self, number: int, is_interrupted: Callable[[], bool] = lambda: False) -> Report | None:
        """Find out what can be promised and write it down; ``None`` when interrupted or forgotten."""
        taken = self._store.get(number)
        if taken is None:
            return None
        items = self._store.items(number)
        if taken.state is State.CHECKING:
            outcomes: list[int | None] = []
            for item in items:
                if is_interrupted():
                    return None
                outcomes.append(self._judge(item.reference))
            taken = replace(taken, state=State.REPORTING, changed_us=self._clock_us())
            self._store.update(taken, outcomes)
            items = [replace(item, outcome=outcome) for item, outcome in zip(items, outcomes, strict=True)]
            failed = len(outcomes) - outcomes.count(COMMITTED)
            _logger.info(
                "committed to %d of %d instances for %s", len(items) - failed, len(items), taken.parties.peer
            )
        return report_of(taken.transaction, items)

    def delivered(self, number: int) -> None:
        """Write down that the neighbour has heard the outcome."""
        if (taken := self._store.get(number)) is not None:
            now_us = self._clock_us()
            self._store.update(
                replace(taken, state=State.DONE, changed_us=now_us, attempts=taken.attempts + 1, error="")
            )

    def let_go(self, number: int) -> None:
        """Leave a transaction to the worker."""
        with self._holding:
            self._held.discard(number)
        self._rounds.wake()

    def retry(self, number: int) -> Commitment | None:
        """Try again now to deliver what is waiting or was given up; ``None`` when there is no such transaction."""
        taken = self._store.get(number)
        if taken is not None and taken.direction is Direction.GIVEN and taken.state is not State.DONE:
            now_us = self._clock_us()
            state = State.REPORTING if taken.state is State.FAILED else taken.state
            taken = replace(taken, state=state, due_us=now_us, changed_us=now_us, attempts=0, requested_us=now_us)
            self._store.update(taken)
            self.let_go(number)
        return taken

    def _repeats(self, earlier: Commitment, request: Request, parties: Parties) -> bool:
        if earlier.parties.peer != parties.peer or earlier.total != len(request.references):
            return False
        return {item.reference for item in self._store.items(earlier.id)} == set(request.references)

    def _judge(self, reference: Reference) -> int:
        """Return what is told of one instance (PS3.3 C.14.1.1)."""
        finding = self._custody.examine(reference.sop_instance)
        if finding.sop_class is None:
            is_other_class = reference.sop_class in SOP_CLASSES and reference.sop_class not in STORAGE_CLASSES
            if is_other_class:
                return FailureReason.REFERENCED_SOP_CLASS_NOT_SUPPORTED
            return FailureReason.NO_SUCH_OBJECT_INSTANCE
        if finding.condition is not Condition.SAFE:
            _logger.error("no commitment to %s: %s", reference.sop_instance, finding.detail)
            if finding.condition is Condition.ABSENT:
                return FailureReason.NO_SUCH_OBJECT_INSTANCE
            return FailureReason.PROCESSING_FAILURE
        if finding.sop_class != UID(reference.sop_class):
            return FailureReason.CLASS_INSTANCE_CONFLICT
        return COMMITTED

    # The worker

    def _round(self) -> float:
        if time.monotonic() >= self._forget_at_s:
            self._forget_at_s = time.monotonic() + LAST_RETRY_S
            self._store.forget(self._clock_us() - KEEP_S * SECOND_US)
        return self._work()

    def _work(self) -> float:
        """Do what is due; return in how many seconds more will be."""
        wait_s: float = LAST_RETRY_S
        for taken in self._store.unfinished():
            with self._holding:
                if self._rounds.is_stopping or taken.id in self._held:
                    continue
            due_in_s = (taken.due_us - self._clock_us()) / SECOND_US
            if due_in_s > 0:
                wait_s = min(wait_s, due_in_s)
                continue
            wait_s = min(wait_s, self._attend(taken))
        return wait_s

    def _attend(self, taken: Commitment) -> float:
        """Examine and report one transaction; return in how many seconds it wants attention again."""
        try:
            report = self.examine(taken.id, lambda: self._rounds.is_stopping)
            if report is None:
                return 0.0
            node = self._nodes.find(taken.parties.peer)
            self._messenger.report(node, taken.parties.ours, report)
        except CalotypeError as error:
            return self._put_off(taken.id, str(error))
        self.delivered(taken.id)
        return LAST_RETRY_S

    def _put_off(self, number: int, error: str) -> float:
        taken = self._store.get(number)
        if taken is None:
            return LAST_RETRY_S
        now_us, attempts = self._clock_us(), taken.attempts + 1
        wait_s = back_off_s(attempts)
        gives_up = now_us - taken.requested_us > GIVE_UP_AFTER_S * SECOND_US
        _logger.warning(
            "the commitment report for %s %s: %s",
            *(taken.parties.peer, "is given up" if gives_up else f"is tried again in {wait_s} s", error),
        )
        changed = replace(
            taken, attempts=attempts, error=error, changed_us=now_us, due_us=now_us + wait_s * SECOND_US
        )
        with suppress(CalotypeError):
            # Not written down, it stays due: it is then tried again sooner than it should.
            self._store.update(replace(changed, state=State.FAILED) if gives_up else changed)
        return wait_s

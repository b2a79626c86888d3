"""Leader/follower group commit: many threads wait for one transaction.

The first thread that has work becomes the leader and runs the work of everyone who came meanwhile; the others sleep
until theirs is done. There is no writer thread to hand work to, so a lone thread pays for no hand-over, and a slow
sync of the disk gathers the next group by itself.

This module knows threads only: nothing about databases or records.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

from calotype.errors import Unavailable

Work = TypeVar("Work")
Result = TypeVar("Result")

MAX_GROUP: Final = 256
"""Pieces of work in one group at most, so that the first does not wait for an endless line of others."""


class _Ticket(Generic[Work, Result]):
    """The work of a thread that waits and what became of it; ``wake`` is a lock held until it may go on."""

    __slots__ = ("done", "error", "result", "wake", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.done = False
        self.wake = threading.Lock()
        self.wake.acquire()

    def outcome(self) -> Result:
        if self.error is not None:
            raise self.error
        return cast("Result", self.result)


class GroupCommit(Generic[Work, Result]):
    """Runs ``run`` for one group at a time, in whichever submitting thread is the leader.

    ``run`` gets the works in the order of arrival and MUST return as many outcomes: a result or an exception each.
    When it raises itself, every member of the group gets that error.
    """

    def __init__(self, run: Callable[[Sequence[Work]], Sequence[Result | BaseException]]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Work, Result]] = deque()
        self._led = False
        self._closed = False
        self._idle = threading.Condition(self._lock)

    def submit(self, work: Work) -> Result:
        """Have ``work`` done in some group and return its result, or raise its error. Unavailable after close."""
        with self._lock:
            if self._closed:
                raise Unavailable("the index is closed")
            is_alone = not self._led
            if is_alone:
                self._led = True
            else:
                ticket: _Ticket[Work, Result] = _Ticket(work)
                self._waiting.append(ticket)
        if is_alone:
            return self._lead_alone(work)
        ticket.wake.acquire()
        if not ticket.done:
            self._lead(ticket)
        return ticket.outcome()

    def _lead_alone(self, work: Work) -> Result:
        """Run a group of one: whoever finds nobody leading finds nobody waiting either."""
        try:
            (outcome,) = self._run((work,))
        finally:
            self._pass_on(())
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _lead(self, own: _Ticket[Work, Result]) -> None:
        """Run one group, then hand the lead to the thread that has waited longest."""
        group = [own]
        with self._lock:
            while self._waiting and len(group) < MAX_GROUP:
                group.append(self._waiting.popleft())
        try:
            outcomes = self._run([ticket.work for ticket in group])
            for ticket, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    ticket.error = outcome
                else:
                    ticket.result = outcome
        except BaseException as error:  # noqa: BLE001 - handed to each waiting thread, which raises it
            for ticket in group:
                ticket.error = error
        finally:
            self._pass_on(group[1:])

    def _pass_on(self, followers: Sequence[_Ticket[Work, Result]]) -> None:
        """Hand the lead on, or lay it down, and wake those whose work is done."""
        with self._lock:
            successor = self._waiting.popleft() if self._waiting else None
            if successor is None:
                self._led = False
                if self._closed:
                    self._idle.notify_all()
        # The successor first: it can open the next transaction while our followers still wake up.
        if successor is not None:
            successor.wake.release()
        for ticket in followers:
            ticket.done = True
            ticket.wake.release()

    def close(self) -> None:
        """Let the threads that wait already have their turn, refuse new ones, and return when all is quiet."""
        with self._lock:
            self._closed = True
            while self._led:
                self._idle.wait()

"""Asking a node for storage commitment without a house: for a command that waits for the answer."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from calotype.app.settings import Settings
from calotype.app.talking import caller_of, timeouts_of
from calotype.dicom.commitment import Reference, Report, Request
from calotype.dicom.uids import STORAGE_COMMITMENT_PUSH, VERIFICATION, uid_of_uuid
from calotype.dicom.wire.messages import NEventReportRQ
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.errors import NotFound, Unavailable
from calotype.network.listener import Listener
from calotype.network.rejections import Rejections
from calotype.network.settings import ListenerSettings
from calotype.scp.commitment import ReportTaker
from calotype.scp.server import Server
from calotype.scu.calling import NATIVE_SYNTAXES
from calotype.scu.commitment import DimseMessenger
from calotype.services.routing.nodes import Node


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the report, in seconds, and on which port of ours besides the association that asked."""

    wait_s: float = 30.0
    listen_port: int | None = None


def commit(settings: Settings, node: Node, references: Sequence[Reference], patience: Patience) -> Report:
    """Ask ``node`` to commit to ``references``, and return its report.

    Unavailable when it does not answer or does not report in time, Refused and Unsupported as it says.
    """
    request = Request(uid_of_uuid(uuid.uuid4()), tuple(references))
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()

    def take(report: Report) -> None:
        if report.transaction != request.transaction:
            raise NotFound(f"nothing was asked for under transaction {report.transaction}")
        reports.put(report)

    deadline = time.monotonic() + patience.wait_s
    listener = _listener(settings, patience.listen_port, ReportTaker(take)) if patience.listen_port else None
    if listener is not None:
        listener.start()
    try:
        # Where a report may come by another way, the association that asked is held for a moment only.
        messenger = DimseMessenger(caller_of(settings), 1.0 if listener else patience.wait_s)
        report = messenger.ask(node, request)
        if report is not None:
            return report
        left_s = max(deadline - time.monotonic(), 0.0)
        if listener is None:
            raise _silent(node, "it may report to where it knows our AE title to be: try --listen PORT")
        try:
            return reports.get(timeout=left_s)
        except queue.Empty:
            hint = f"does it know {settings.dicom.ae_title} to be at our port {patience.listen_port}?"
            raise _silent(node, hint) from None
    finally:
        if listener is not None:
            listener.stop(drain_s=1)


def _silent(node: Node, hint: str) -> Unavailable:
    return Unavailable(f"{node} took the request and has not reported: {hint}")


def _listener(settings: Settings, port: int | None, taker: ReportTaker) -> Listener:
    contexts = {VERIFICATION: NATIVE_SYNTAXES, STORAGE_COMMITMENT_PUSH: NATIVE_SYNTAXES}
    policy = AcceptancePolicy(
        called_ae_titles=frozenset({settings.dicom.ae_title}),
        abstract_syntaxes=contexts,
        scp_abstract_syntaxes={STORAGE_COMMITMENT_PUSH: NATIVE_SYNTAXES},
        max_pdu_bytes=settings.dicom.max_pdu_bytes,
    )
    own = ListenerSettings(name="reports", port=port or 0, timeouts=timeouts_of(settings))
    return Listener(own, policy, Server({NEventReportRQ: taker}).serve, Rejections())

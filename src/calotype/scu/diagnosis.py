"""C-ECHO with a verdict: each way in which a node may not answer is a word for programs and a line for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from calotype.dicom.wire.pdu import REJECT_CALLED_AE_TITLE, REJECT_CALLING_AE_TITLE
from calotype.errors import CalotypeError, InvalidRequest, Unsupported
from calotype.network.failures import (
    AssociationAborted,
    AssociationEnded,
    AssociationRejected,
    AssociationTimedOut,
    Hindrance,
    Unreachable,
)
from calotype.scu.calling import Caller
from calotype.scu.echo import echo
from calotype.services.routing.diagnosis import Diagnosis, Verdict
from calotype.services.routing.nodes import Node

_HINDRANCES: Final[Mapping[Hindrance, Verdict]] = {
    Hindrance.NAME_UNKNOWN: Verdict.NAME_UNKNOWN,
    Hindrance.NOBODY_LISTENS: Verdict.CONNECTION_REFUSED,
    Hindrance.NO_ANSWER: Verdict.TIMEOUT,
    Hindrance.NO_WAY: Verdict.UNREACHABLE,
    Hindrance.TLS: Verdict.TLS_FAILED,
}
_REJECTIONS: Final[Mapping[tuple[int, int], tuple[Verdict, str]]] = {
    (REJECT_CALLED_AE_TITLE.source, REJECT_CALLED_AE_TITLE.reason): (
        Verdict.CALLED_AE_TITLE_REJECTED,
        "give its own AE title in the address book",
    ),
    (REJECT_CALLING_AE_TITLE.source, REJECT_CALLING_AE_TITLE.reason): (
        Verdict.CALLING_AE_TITLE_REJECTED,
        "have {us} added to the AE titles that it knows",
    ),
}
"""PS3.8 Table 9-21 by source and reason: what a rejection means, and what to do."""

_KINDS: Final[tuple[tuple[type[CalotypeError], Verdict], ...]] = (
    (AssociationTimedOut, Verdict.TIMEOUT),
    (AssociationAborted, Verdict.ABORTED),
    (AssociationEnded, Verdict.ABORTED),
    (Unsupported, Verdict.NO_CONTEXT),
    (InvalidRequest, Verdict.MISCONFIGURED),
)
"""The other errors by kind, the narrower before the wider."""


class EchoProber:
    """Implements ``services.routing.diagnosis.Prober``."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def diagnose(self, node: Node) -> Diagnosis:
        """Ask ``node`` whether it is there, and say what came of it."""
        start_s = time.monotonic()
        try:
            report = echo(self._caller, node)
        except CalotypeError as error:
            verdict, detail = self._judge(error)
            return Diagnosis(verdict, detail, (time.monotonic() - start_s) * 1e3)
        return Diagnosis(
            Verdict.ANSWERS,
            f"{node} answers",
            (time.monotonic() - start_s) * 1e3,
            report.associate_s * 1e3,
            report.echo_s * 1e3,
            report.max_pdu_bytes,
        )

    def _judge(self, error: CalotypeError) -> tuple[Verdict, str]:
        if isinstance(error, Unreachable):
            return _HINDRANCES[error.hindrance], str(error)
        if isinstance(error, AssociationRejected):
            verdict, advice = _REJECTIONS.get((error.source, error.code), (Verdict.REJECTED, ""))
            advice = advice.format(us=self._caller.ae_title)
            return verdict, f"{error}: {advice}" if advice else str(error)
        # What ended while the association was asked for is told by the cause of the error.
        for told in (error, error.__cause__):
            for kind, verdict in _KINDS:
                if isinstance(told, kind):
                    return verdict, str(error)
        return Verdict.FAILED, str(error)

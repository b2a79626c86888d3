"""Asks neighbours on behalf of services: implements ``services.routing.peers.Inquirer`` over associations.

A selection becomes the unique keys of PS3.4 C.6 here, and the information model is chosen by its level.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.errors import InvalidRequest
from calotype.scu.calling import Caller
from calotype.scu.get import get
from calotype.scu.query import Progress, Root, find, move
from calotype.scu.worklist import find_worklist
from calotype.services.routing.nodes import Node
from calotype.services.routing.peers import Keys, Receiver


class DimseInquirer:
    """Opens one association per question."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def find(
        self, node: Node, level: Level, keys: Keys, limit: int | None = None, extensions: Negotiated = BASELINE
    ) -> Generator[dict[str, str], None, None]:
        """Ask what a node has; see the port."""
        nested = [key for key, value in keys.items() if not isinstance(value, str)]
        if nested:
            raise InvalidRequest(f"{nested[0]}: at {level} level a key's value must be text.")
        return find(self._caller, node, level, keys, root=_root(level), limit=limit, extensions=extensions)

    def worklist(self, node: Node, keys: Keys, limit: int | None = None) -> Generator[dict[str, Any], None, None]:
        """Ask what a node has scheduled; see the port."""
        return find_worklist(self._caller, node, keys, limit=limit)

    def move(self, node: Node, destination: str, wanted: Selection) -> Generator[Progress, None, None]:
        """Have a node send to a third one; see the port."""
        return move(self._caller, node, destination, wanted.level, keys_of(wanted), root=_root(wanted.level))

    def get(
        self, node: Node, wanted: Selection, receiver: Receiver, transfer_syntaxes: Sequence[UID] = ()
    ) -> Generator[Progress, None, None]:
        """Fetch from a node; see the port."""
        return get(
            self._caller,
            node,
            wanted.level,
            keys_of(wanted),
            receiver,
            root=_root(wanted.level),
            transfer_syntaxes=transfer_syntaxes,
        )


def keys_of(wanted: Selection) -> dict[str, str]:
    """Return the unique keys that name a selection, lists joined by backslashes."""
    keys = {
        "PatientID": wanted.patient_id or "",
        "StudyInstanceUID": "\\".join(wanted.studies),
        "SeriesInstanceUID": "\\".join(wanted.series),
        "SOPInstanceUID": "\\".join(wanted.instances),
    }
    return {key: value for key, value in keys.items() if value}


def _root(level: Level) -> Root:
    return Root.PATIENT if level is Level.PATIENT else Root.STUDY

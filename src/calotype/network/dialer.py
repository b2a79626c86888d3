"""Reaches out: TCP, TLS and association request to a peer."""

from __future__ import annotations

from collections.abc import Sequence

from calotype.dicom.wire.pdu_items import PresentationContextProposed, RoleSelection
from calotype.network.association import Association
from calotype.network.settings import DialSettings


def dial(
    host: str,
    port: int,
    *,
    calling_ae_title: str,
    called_ae_title: str,
    contexts: Sequence[PresentationContextProposed],
    roles: Sequence[RoleSelection] = (),
    settings: DialSettings | None = None,
) -> Association:
    """Open an association. Unavailable when nobody answers, AssociationRejected (Refused) when the peer refuses."""
    raise NotImplementedError

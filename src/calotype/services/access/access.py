"""Who may do what: one question, asked before a request is served.

A caller is an AE title and the address that it calls from. What is open to all is allowed to everyone; beyond that a
caller that is in the address book may do what its permissions say, and a stranger nothing. AE titles are no
passwords: binding one to its host, or mutual TLS, is what makes it say something.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from calotype.errors import Refused
from calotype.services.access.permissions import EVERYTHING, Permissions, Right
from calotype.services.access.ports import Acquaintances
from calotype.services.access.refusals import Refusals

_logger = logging.getLogger(__name__)

SERVED_TOGETHER: Final[Mapping[Right, frozenset[Right]]] = {
    right: frozenset(family)
    for family in (
        (Right.STORE, Right.COMMITMENT),
        (Right.FIND, Right.MOVE, Right.GET),
        (Right.WORKLIST, Right.MPPS),
        (Right.PRINT,),
    )
    for right in family
}
"""What a device of one kind needs: a workstation that may query is of no use when it may not fetch."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """``open_to_all`` needs no entry in the address book; ``own_ae_title`` is ours, when we call ourselves."""

    open_to_all: frozenset[Right] = frozenset({Right.STORE})
    own_ae_title: str = "CALOTYPE"


class Access:
    """Decides, and remembers what it refused. Thread-safe."""

    def __init__(self, settings: AccessSettings, known: Acquaintances, refusals: Refusals | None = None) -> None:
        self.settings = settings
        self.refusals = refusals or Refusals()
        self._known = known

    def check(self, right: Right, calling_ae_title: str, address: str, destination: str | None = None) -> None:
        """Return when the caller may do this; for a move, to ``destination`` (an AE title).

        Refused, in words that fit into an Error Comment (0000,0902), when it may not.
        """
        if right in self.settings.open_to_all:
            return
        title = calling_ae_title.strip(" ")
        permissions = self._permissions(title, address)
        target = "" if destination is None else destination.strip(" ")
        if permissions is not None and right in permissions.rights:
            if (
                destination is None
                or permissions.destinations is None
                or target in {title, *permissions.destinations}
            ):
                return
            refused = f"{title} may not move to {target}: have it added"
        else:
            refused = f"{title} is not admitted to {right}: have it admitted"
            target = ""
        refusal = self.refusals.add(title, address, right, destination=target, known=permissions is not None)
        _logger.warning(
            "refused %s to %r at %s (refusal %d, %d times): admit it with `calotype nodes admit`, or open %s to all"
            " by the setting access.%s",
            *(f"{right} to {target}" if target else right, title, address, refusal.id, refusal.count, right, right),
        )
        raise Refused(refused)

    def _permissions(self, title: str, address: str) -> Permissions | None:
        # Whoever runs programs on this machine under our own name is us: `calotype find`, a script of ours.
        if title == self.settings.own_ae_title and ipaddress.ip_address(address).is_loopback:
            return EVERYTHING
        return self._known.permissions_of(title, address)

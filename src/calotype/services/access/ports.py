"""What access needs to know from above: who is known, and what each may do. The address book implements it."""

from __future__ import annotations

from typing import Protocol

from calotype.services.access.permissions import Permissions


class Acquaintances(Protocol):
    """Who is known. Any thread may ask at any time; asking is as fast as looking into a dictionary."""

    def permissions_of(self, ae_title: str, address: str) -> Permissions | None:
        """Return what a caller by this AE title from this IP address may do, ``None`` for a stranger."""
        ...

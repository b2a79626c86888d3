"""From host names to addresses, as the system resolves them."""

from __future__ import annotations

import socket

from calotype.network.admission import plain_address


def addresses_of(host: str) -> frozenset[str]:
    """Return the addresses of a host, as :func:`plain_address` writes them; none when its name is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(plain_address(str(address[0])) for *_, address in found)

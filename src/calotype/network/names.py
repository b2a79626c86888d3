"""From host names to addresses, as the system resolves them."""

from __future__ import annotations

import socket

from calotype.network.admission import plain_address


def own_addresses() -> tuple[str, ...]:
    """Return the addresses from which this machine reaches others, IPv4 first; none when it has no network."""
    found = []
    # A datagram socket that is connected has chosen its way out; nothing is sent. RFC 5737 and RFC 3849 addresses.
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as way_out:
                way_out.connect((far, 9))
                found.append(plain_address(str(way_out.getsockname()[0])))
        except OSError:
            continue
    return tuple(found)


def addresses_of(host: str) -> frozenset[str]:
    """Return the addresses of a host, as :func:`plain_address` writes them; none when its name is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(plain_address(str(address[0])) for *_, address in found)

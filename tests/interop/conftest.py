"""What holds for every test with foreign peers."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from pynetdicom import transport


def close_in_any_case(peer: transport.AssociationSocket) -> None:
    """Close a peer's socket, whether or not the other side has gone already."""
    if peer.socket is None:
        return
    with suppress(OSError):
        peer.socket.shutdown(socket.SHUT_RDWR)
    peer.socket.close()


@pytest.fixture(scope="session", autouse=True)
def pynetdicom_closes_its_sockets():
    """Let pynetdicom close what it drops.

    It leaves a socket open whose peer was the first to go: ``shutdown`` fails then, and ``close`` is passed over.
    The collector would find that one during some later test, which fails for it: every warning is an error here.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport.AssociationSocket, "_shutdown_socket", close_in_any_case)
        yield

"""Connected sockets and association settings that this folder's tests share."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calotype.network.settings import Timeouts
from calotype.network.sockets import PLAIN, Capabilities, Stream, detect
from support.raw_peers import PATIENCE_S

CERTIFICATES = Path(__file__).parent / "certificates"


@pytest.fixture(params=["fast", "plain"])
def capabilities(request: pytest.FixtureRequest) -> Capabilities:
    """This platform's fast paths, and none: everything must work the same over both."""
    return detect() if request.param == "fast" else PLAIN


@pytest.fixture
def socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname(), timeout=PATIENCE_S)
        theirs, _ = listening.accept()
        theirs.settimeout(PATIENCE_S)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def stream_pair(socket_pair, capabilities) -> tuple[Stream, socket.socket]:
    """One of our streams, and the bare socket of its peer."""
    ours, theirs = socket_pair
    return Stream(ours, capabilities), theirs


@pytest.fixture
def collect() -> Callable[[socket.socket, int], bytes]:
    """Receive exactly so many bytes from a bare socket."""

    def receive(peer: socket.socket, size_bytes: int) -> bytes:
        received = bytearray()
        while len(received) < size_bytes:
            chunk = peer.recv(size_bytes - len(received))
            if not chunk:
                break
            received += chunk
        return bytes(received)

    return receive


@pytest.fixture
def quick() -> Timeouts:
    """Timeouts short enough to wait for, long enough for a busy machine."""
    return Timeouts(connect_s=5, artim_s=0.3, idle_s=0.3, dimse_s=5, network_s=0.3)


@pytest.fixture
def patient() -> Timeouts:
    """Timeouts that no test should reach."""
    return Timeouts(connect_s=60, artim_s=60, idle_s=60, dimse_s=60, network_s=60)

"""The least that a storage SCP in Python can do: receive, cut the PDUs, write one file, take BLAKE3, answer.

What it took it also hands out again (``bench.handout``). No state machine, no check, no header, no index, no
durability: what a server of ours does on top of this is its own, and what this takes nobody who writes Python can go
below. ``python -m bench.floor PORT FOLDER`` serves until ended.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
from pathlib import Path

from blake3 import blake3

from bench.committed import Committed
from bench.handout import answer
from bench.sink import MAX_PDU_BYTES, accept, is_store, store_response

_BUFFER = 256 * 1024
_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY


def serve(connection: socket.socket, folder: Path, committed: Committed | None) -> None:
    """Take what one association sends, each object into a file of its own."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        accept(connection, max_pdu=_BUFFER)
        prefix = f"{folder}/{connection.getpeername()[1]}-"
        view = memoryview(bytearray(_BUFFER))
        number = start = end = 0
        while True:
            # The command: one PDV of one PDU, as bench.sender sends it; or A-RELEASE-RQ.
            while end - start < 10 or end - start < 6 + int.from_bytes(view[start + 2 : start + 6], "big"):
                view[: end - start] = view[start:end]
                start, end = 0, end - start
                if not (got := connection.recv_into(view[end:])):
                    return
                end += got
            if view[start] != 4:
                connection.sendall(struct.pack(">BxII", 6, 4, 0))
                return
            size = int.from_bytes(view[start + 2 : start + 6], "big")
            context, command = view[start + 10], bytes(view[start + 12 : start + 6 + size])
            start += 6 + size
            if not is_store(command):
                # Its identifier, of a PDU or less, is the last that comes before the answer.
                while end - start < 6 or end - start < 6 + int.from_bytes(view[start + 2 : start + 6], "big"):
                    if not (got := connection.recv_into(view[end:])):
                        return
                    end += got
                start = end = 0
                answer(connection, command, folder, MAX_PDU_BYTES)
                continue
            number += 1
            path = f"{prefix}{number}"
            file = os.open(path, _CREATE)
            try:
                start, end = _keep(connection, view, (start, end), file)
                if committed is not None:
                    committed.keep(file, path)
            finally:
                os.close(file)
            connection.sendall(store_response(context, command))
            if committed is not None:
                Path(path).unlink()


def _keep(connection: socket.socket, view: memoryview, window: tuple[int, int], file: int) -> tuple[int, int]:
    """Write one data set to ``file``; return what of the buffer is left."""
    start, end = window
    digest = blake3()
    left, is_last = 0, False
    while left or not is_last:
        parts = []
        while start < end:
            if not left:
                if end - start < 12:
                    break
                left, control = struct.unpack_from(">IxB", view, start + 6)
                left, is_last = left - 2, control == 2
                start += 12
            step = min(left, end - start)
            part = view[start : start + step]
            parts.append(part)
            start, left = start + step, left - step
            if is_last and not left:
                break
        if parts:
            os.writev(file, parts)
            for part in parts:
                digest.update(part)
        if left or not is_last:
            view[: end - start] = view[start:end]
            start, end = 0, end - start
            if not (got := connection.recv_into(view[end:])):
                raise ConnectionError("the sender left in the middle of an object")
            end += got
    digest.digest()
    return start, end


def main() -> None:
    """Serve until ended."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    committed = Committed(folder) if "committed" in sys.argv[3:] else None
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, folder, committed), daemon=True).start()


if __name__ == "__main__":
    main()

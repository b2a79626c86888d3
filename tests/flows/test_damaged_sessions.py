"""Whole DICOM sessions, damaged by the hundred, said to a server that runs: it ends each, and errs in none.

The sans-IO core has property tests of its own; here threads, sockets and services stand behind it. Each session is a
function of its number, and is sent in one piece: what belongs together comes apart nowhere but here.
"""

from __future__ import annotations

import random
import socket
from collections import Counter

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    MODALITY_PERFORMED_PROCEDURE_STEP,
    MODALITY_WORKLIST_FIND,
    STORAGE_COMMITMENT_PUSH,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    VERIFICATION,
)
from calotype.dicom.wire.messages import CEchoRQ, CFindRQ, CGetRQ, CStoreRQ, NActionRQ, NCreateRQ
from calotype.dicom.wire.pdu import Abort, ReleaseRQ
from calotype.dicom.wire.pdu_items import PresentationContextProposed
from support import samples
from support.raw_peers import CT, RawPeer, command, data, request
from support.running import Running

SESSIONS = 400
CLASSES = (
    VERIFICATION, CT, STUDY_ROOT_FIND, STUDY_ROOT_GET, MODALITY_WORKLIST_FIND, STORAGE_COMMITMENT_PUSH,
    MODALITY_PERFORMED_PROCEDURE_STEP,
)  # fmt: skip
CONTEXTS = tuple(
    PresentationContextProposed(2 * i + 1, uid, (EXPLICIT_VR_LITTLE_ENDIAN,)) for i, uid in enumerate(CLASSES)
)
REQUEST = request(called="CALOTYPE", contexts=CONTEXTS).encode()
ASKS_FOR_ALL = samples.encode([(0x00080052, "CS", "STUDY"), (0x00100010, "PN", "*"), (0x0020000D, "UI", "")])
COMMITMENT_INSTANCE = UID("1.2.840.10008.1.20.1.1")
IDENTIFIED = (
    CFindRQ(message_id=3, affected_sop_class_uid=STUDY_ROOT_FIND),
    CGetRQ(message_id=4, affected_sop_class_uid=STUDY_ROOT_GET),
    CFindRQ(message_id=5, affected_sop_class_uid=MODALITY_WORKLIST_FIND),
    NActionRQ(
        message_id=6,
        requested_sop_class_uid=STORAGE_COMMITMENT_PUSH,
        requested_sop_instance_uid=COMMITMENT_INSTANCE,
        action_type_id=1,
    ),
    NCreateRQ(
        message_id=7,
        affected_sop_class_uid=MODALITY_PERFORMED_PROCEDURE_STEP,
        affected_sop_instance_uid=UID("1.2.3"),
    ),
)
STORE = CStoreRQ(message_id=2, affected_sop_class_uid=CT, affected_sop_instance_uid=UID(samples.uid(4, 1)))
SAID = (
    command(CEchoRQ(message_id=1), 1),
    command(STORE, 3) + data(samples.ct(16, 16), 3),
    *(command(asked, 5 + 2 * i) + data(ASKS_FOR_ALL, 5 + 2 * i) for i, asked in enumerate(IDENTIFIED)),
    ReleaseRQ().encode(),
    Abort().encode(),
)
LENGTHS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1")


def damaged(chance: random.Random, sound: bytes) -> bytes:
    """Return a session with something wrong in it, most often near its beginning, where lengths and types stand."""
    broken = bytearray(sound)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(min(len(broken), 80) if chance.random() < 0.5 else len(broken))
        match chance.randrange(5):
            case 0:
                broken[at] ^= 1 << chance.randrange(8)
            case 1:
                broken[at] = chance.choice((0, 1, 2, 4, 5, 6, 7, 0x7F, 0x80, 0xFF))
            case 2:
                broken[at : at + chance.randrange(1, 30)] = b"\0"
            case 3:
                broken[at:at] = chance.randbytes(chance.randrange(1, 40))
            case _:
                broken[at : at + 4] = chance.choice(LENGTHS)
    return bytes(broken)


def session(number: int) -> tuple[bytes, bool]:
    """Return what a peer says, and whether it waits for the answer to its request before it goes on."""
    chance = random.Random(number)
    said = b"".join(chance.choices(SAID, k=chance.randint(1, 5)))
    match number % 4:
        case 0:
            return damaged(chance, REQUEST + said), False
        case 1:
            return REQUEST + said, False
        case 2:
            return said, True
        case _:
            return damaged(chance, said), True


def ending(port: int, number: int) -> str:
    """Hold one session; return what the server said last before it hung up."""
    said, waits = session(number)
    with RawPeer.connect(port) as peer:
        if waits:
            peer.send(REQUEST)
            peer.receive()
        last = "nothing"
        try:
            peer.socket.sendall(said)
            peer.socket.shutdown(socket.SHUT_WR)
            while (pdu := peer.receive()) is not None:
                last = type(pdu).__name__
        except ConnectionError:
            last = "reset"
        return last


def test_a_server_ends_whatever_session_and_goes_on(tmp_path):
    with Running(tmp_path) as server:
        tally = Counter(ending(server.port, number) for number in range(SESSIONS))
        with RawPeer.connect(server.port) as peer:
            peer.send(REQUEST)
            peer.receive()
            peer.send(command(CEchoRQ(message_id=9)))
            assert peer.receive_message().status == 0
    # A test that breaks nothing finds nothing.
    assert tally["Abort"] > SESSIONS // 10, tally
    assert len(tally) > 2, tally
    assert "Traceback" not in server.log()
    assert "our own mistake" not in server.log()

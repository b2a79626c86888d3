"""A workstation that nobody knows: refused, seen by the administrator, admitted in one step, served."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.messages import CEchoRQ, CFindRQ, CMoveRQ
from calotype.scu.keys import encode_keys
from calotype.services.access.permissions import Right
from calotype.services.routing.live import REFRESH_S
from calotype.services.routing.nodes import Node
from support import dcmtk
from support.peers import NATIVE, call
from support.running import Running

GUARDED = {f"CALOTYPE__ACCESS__{right.name}": "known" for right in Right if right is not Right.STORE}
ASK = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("guarded"), GUARDED) as running:
        yield running


def calotype(server: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALOTYPE")}
    return subprocess.run(
        [sys.executable, "-m", "calotype", *arguments],
        cwd=server.folder,
        env={**environment, "CALOTYPE__STORAGE__PATH": str(server.folder / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ask(server: Running, title: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    where = ("-aet", title, "-aec", "CALOTYPE", "127.0.0.1", server.port)
    return dcmtk.run("findscu", "-v", *ASK, *where, folder=tmp_path)


def api(server: Running) -> str:
    return f"http://127.0.0.1:{server.http_port}/api"


def test_a_workstation_is_refused_seen_admitted_and_served(server: Running, tmp_path: Path) -> None:
    refused = ask(server, "WORKSTATION", tmp_path)
    assert "Status: 0x124" in refused.stdout, refused.stdout

    refusals = httpx.get(f"{api(server)}/access/refusals", timeout=60).json()
    (refusal,) = [each for each in refusals if each["calling_ae_title"] == "WORKSTATION"]
    assert refusal["address"] == "127.0.0.1"
    admitted = httpx.post(f"{api(server)}/access/refusals/{refusal['id']}/admit", json={}, timeout=60)
    assert admitted.status_code == 200

    served = ask(server, "WORKSTATION", tmp_path)
    assert "(Success)" in served.stdout, served.stdout
    assert "refused find to 'WORKSTATION' at 127.0.0.1" in server.log()


def status(server: Running, title: str, request: CFindRQ | CMoveRQ | CEchoRQ, model: UID) -> tuple[int, str]:
    """Ask as ``title`` and return the first status and its comment."""
    node = Node("CALOTYPE", "127.0.0.1", server.port)
    keys = encode_keys({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3"}, IMPLICIT_VR_LITTLE_ENDIAN)
    with call(node, (model, [IMPLICIT_VR_LITTLE_ENDIAN]), calling_ae_title=title) as association:
        association.send(1, request, None if isinstance(request, CEchoRQ) else keys)
        received = association.receive()
        assert received is not None
        answer = received.message
        association.skip_data_set()
        return answer.status, answer.error_comment


def find() -> CFindRQ:
    return CFindRQ(message_id=1, affected_sop_class_uid=uids.STUDY_ROOT_FIND)


def test_the_command_line_admits_too(server: Running, tmp_path: Path) -> None:
    assert status(server, "CONSOLE", find(), uids.STUDY_ROOT_FIND) == (
        0x0124,
        "CONSOLE is not admitted to find: have it admitted",
    )
    admitted = calotype(server, "nodes", "admit", "CONSOLE@127.0.0.1:4006")
    assert admitted.returncode == 0, admitted.stderr
    # Another process has written it: the server sees it when its copy of the book is due.
    refused = 0
    while status(server, "CONSOLE", find(), uids.STUDY_ROOT_FIND)[0] == 0x0124:
        refused += 1
        assert refused < 100_000 * REFRESH_S
    listed = calotype(server, "nodes", "list").stdout
    assert "  CONSOLE@127.0.0.1:4006  may find, get, move  (admitted; called from 127.0.0.1)\n" in listed


def test_echo_is_for_everybody(server: Running) -> None:
    request = CEchoRQ(message_id=1, affected_sop_class_uid=uids.VERIFICATION)
    assert status(server, "NOBODY", request, uids.VERIFICATION) == (0, "")


def test_a_worklist_question_needs_the_worklists_right(server: Running) -> None:
    model = uids.MODALITY_WORKLIST_FIND
    request = CFindRQ(message_id=1, affected_sop_class_uid=model)
    assert status(server, "CONSOLE_2", request, model) == (
        0x0124,
        "CONSOLE_2 is not admitted to worklist: have it admitted",
    )


def test_images_are_moved_where_the_node_may_move_them(server: Running) -> None:
    node = {"ae_title": "MOVER", "host": "127.0.0.1", "port": 4006, "permissions": {"destinations": ["FRIEND"]}}
    assert httpx.post(f"{api(server)}/nodes", json=node, timeout=60).status_code == 201
    told = {}
    for destination in ("FRIEND", "STRANGER"):
        request = CMoveRQ(message_id=1, affected_sop_class_uid=uids.STUDY_ROOT_MOVE, move_destination=destination)
        told[destination] = status(server, "MOVER", request, uids.STUDY_ROOT_MOVE)
    # FRIEND may be moved to, and is in no address book: that is C-MOVE's own answer.
    assert told["FRIEND"][0] == 0xA801
    assert told["STRANGER"] == (0x0124, "MOVER may not move to STRANGER: have it added")


def test_an_edit_is_in_force_at_once(server: Running) -> None:
    node = {"ae_title": "LIVE", "host": "127.0.0.1", "port": 4006}
    assert httpx.post(f"{api(server)}/nodes", json=node, timeout=60).status_code == 201
    assert status(server, "LIVE", find(), uids.STUDY_ROOT_FIND)[0] != 0x0124
    elsewhere = {**node, "host": "192.0.2.1", "permissions": {"bound_to_host": True}}
    assert httpx.put(f"{api(server)}/nodes/LIVE", json=elsewhere, timeout=60).status_code == 200
    assert status(server, "LIVE", find(), uids.STUDY_ROOT_FIND)[0] == 0x0124
    assert httpx.delete(f"{api(server)}/nodes/LIVE", timeout=60).status_code == 204
    assert status(server, "LIVE", find(), uids.STUDY_ROOT_FIND)[0] == 0x0124


def test_a_newcomer_needs_no_admission_on_the_machine_itself(server: Running) -> None:
    asked = calotype(server, "find", f"CALOTYPE@127.0.0.1:{server.port}", "-k", "PatientID=1")
    assert asked.returncode == 0, asked.stderr


def test_what_we_like_best_of_a_node_is_negotiated(server: Running) -> None:
    wished = uids.JPEG_2000_LOSSLESS
    node = {"ae_title": "WISHED", "host": "127.0.0.1", "port": 4006, "incoming_transfer_syntaxes": [wished]}
    assert httpx.post(f"{api(server)}/nodes", json=node, timeout=60).status_code == 201
    offered = [*NATIVE, wished]
    chosen = {}
    for title in ("WISHED", "OTHER"):
        target = Node("CALOTYPE", "127.0.0.1", server.port)
        with call(target, (uids.CT_IMAGE_STORAGE, offered), calling_ae_title=title) as association:
            chosen[title] = association.contexts[1].transfer_syntax
    assert chosen == {"WISHED": wished, "OTHER": offered[0]}


def test_a_node_of_the_book_is_found_by_its_title_alone(server: Running) -> None:
    added = calotype(server, "nodes", "add", f"CALOTYPE@127.0.0.1:{server.port}")
    assert added.returncode == 0, added.stderr
    assert calotype(server, "echo", "CALOTYPE").returncode == 0
    checked = calotype(server, "nodes", "echo", "CALOTYPE")
    assert (checked.returncode, checked.stdout.split(" (")[0]) == (0, "CALOTYPE: answers")
    assert calotype(server, "nodes", "remove", "CALOTYPE").returncode == 0
    assert calotype(server, "echo", "CALOTYPE").returncode == 3

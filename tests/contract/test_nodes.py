"""What every store of the address book must do: one suite, run over each implementation."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import Conflict, NotFound
from calotype.services.access.permissions import Permissions, Right
from calotype.services.routing.nodes import Node, NodeTimeouts, NodeTls, Role
from calotype.services.routing.ports import NodeStore
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory_nodes import MemoryNodes
from calotype.stores.index.nodes import SqliteNodes
from calotype.stores.index.sqlite import SqliteIndex

VIEWER = Node("VIEWER", "10.0.0.7", 11112)
EVERY_FIELD = Node(
    "PACS_2",
    "pacs.example",
    2762,
    tls=NodeTls(
        check_hostname=False, ca=Path("/etc/ca.pem"), certificate=Path("/etc/us.pem"), key=Path("/etc/us.key")
    ),
    roles=frozenset({Role.STORE, Role.QUERY}),
    transfer_syntaxes=(UID("1.2.840.10008.1.2.4.80"), UID("1.2.840.10008.1.2.1")),
    incoming_transfer_syntaxes=(UID("1.2.840.10008.1.2.4.90"),),
    character_set="GB18030",
    timeouts=NodeTimeouts(connect_s=3, dimse_s=600.5),
    note='放射科 "A" \\ 2nd floor',
    permissions=Permissions(frozenset({Right.FIND, Right.MOVE}), frozenset({"VIEWER"}), bound_to_host=True),
)

Opened = tuple[NodeStore, Callable[[], None]]


def _sqlite(folder: Path) -> Opened:
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))
    return SqliteNodes(index), index.close


MAKERS: dict[str, Callable[[Path], Opened]] = {"memory": lambda _: (MemoryNodes(), lambda: None), "sqlite": _sqlite}


@pytest.fixture(params=sorted(MAKERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeStore]:
    made, close = MAKERS[request.param](tmp_path)
    yield made
    close()


def test_a_new_store_is_empty(store: NodeStore) -> None:
    assert list(store.nodes()) == []


def test_every_field_of_a_node_comes_back(store: NodeStore) -> None:
    store.add(EVERY_FIELD)
    assert list(store.nodes()) == [EVERY_FIELD]


def test_nodes_are_listed_by_ae_title(store: NodeStore) -> None:
    store.add(VIEWER)
    store.add(EVERY_FIELD)
    assert list(store.nodes()) == [EVERY_FIELD, VIEWER]


def test_an_ae_title_is_kept_once(store: NodeStore) -> None:
    store.add(VIEWER)
    with pytest.raises(Conflict, match="VIEWER is in the address book already"):
        store.add(replace(VIEWER, port=104))
    assert list(store.nodes()) == [VIEWER]


def test_a_node_is_replaced_as_a_whole(store: NodeStore) -> None:
    store.add(EVERY_FIELD)
    moved = Node(EVERY_FIELD.ae_title, "other.example", 104)
    store.replace(moved)
    assert list(store.nodes()) == [moved]


def test_what_is_not_there_cannot_be_replaced_or_removed(store: NodeStore) -> None:
    store.add(EVERY_FIELD)
    with pytest.raises(NotFound, match="'VIEWER' is not in the address book"):
        store.replace(VIEWER)
    with pytest.raises(NotFound, match="'VIEWER' is not in the address book"):
        store.remove("VIEWER")
    assert list(store.nodes()) == [EVERY_FIELD]


def test_a_removed_node_is_gone(store: NodeStore) -> None:
    store.add(VIEWER)
    store.add(EVERY_FIELD)
    store.remove("VIEWER")
    assert list(store.nodes()) == [EVERY_FIELD]


def test_of_many_that_add_one_title_one_wins(store: NodeStore) -> None:
    outcomes: list[str] = []

    def add(port: int) -> None:
        try:
            store.add(replace(VIEWER, port=port))
        except Conflict:
            outcomes.append("taken")
        else:
            outcomes.append("added")

    threads = [threading.Thread(target=add, args=(port,)) for port in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added"] + ["taken"] * 7
    assert len(store.nodes()) == 1


def test_nodes_outlive_the_process_and_a_rebuild(tmp_path: Path) -> None:
    settings = SqliteSettings(tmp_path / "index.sqlite", durable=False)
    with closing(SqliteIndex(settings)) as index:
        SqliteNodes(index).add(EVERY_FIELD)
        index.rebuild().swap()
    with closing(SqliteIndex(settings)) as index:
        assert list(SqliteNodes(index).nodes()) == [EVERY_FIELD]


def test_a_line_that_cannot_be_read_hides_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))) as index:
        nodes = SqliteNodes(index)
        nodes.add(VIEWER)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO node (ae_title, host, port, details) VALUES (?, 'h', 1, ?)",
                [("BROKEN", "{"), ("LIST", "[]"), ("NEWER", '{"roles":["teleport"]}')],
            )

        index.write(write)
        assert list(nodes.nodes()) == [VIEWER]
    assert [record.getMessage().split("'")[1] for record in caplog.records] == ["BROKEN", "LIST", "NEWER"]

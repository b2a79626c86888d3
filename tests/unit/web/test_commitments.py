"""The list of storage commitments, one of them, and trying again."""

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from calotype.dicom.commitment import Reference, Request
from calotype.dicom.hierarchy import UID
from calotype.errors import Unavailable
from calotype.services.routing.commitment.model import Direction, Parties, State
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.nodes import FixedAddressBook, Node
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_commitments import MemoryCommitments
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import samples
from support.archives import NOON_US, Clock, House

CT = UID("1.2.840.10008.5.1.4.1.1.2")
REFERENCE = Reference(CT, UID("1.2.3"))


class Deaf:
    """A neighbour that cannot be reached."""

    def ask(self, node, request):
        raise Unavailable("nobody listens")

    def report(self, node, our_ae_title, report):
        raise Unavailable("nobody listens")


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def commitments(house):
    custody = house.archive.custody
    book = FixedAddressBook([Node("MODALITY", "192.0.2.7", 104)])
    made = Commitments.over(
        MemoryCommitments(), custody, book, Deaf(), our_ae_title="CALOTYPE", clock_us=Clock(NOON_US)
    )
    with made.promises.accept(Request(UID("1.2.9"), (REFERENCE,)), Parties("MODALITY", "CALOTYPE", "192.0.2.7")):
        pass
    return made


@pytest.fixture
def ask(commitments, house, rejections):
    app = create_app(Rooms(house.archive, rejections, commitments=commitments), WebSettings())

    async def send(method, path, body):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.request(method, f"/api/commitments{path}", json=body)

    with start_blocking_portal() as portal:
        yield lambda method, path, json=None: portal.call(send, method, path, json)


def test_numbers_that_no_store_could_hold_are_refused(ask):
    for path in (f"?before={2**63}", f"/{2**63}", "/0"):
        assert ask("GET", path).status_code == 400


def test_a_list_comes_newest_first_in_pages(ask, commitments):
    with pytest.raises(Unavailable):
        commitments.requests.ask(Node("MODALITY", "192.0.2.7", 104), [REFERENCE])
    rows = ask("GET", "").json()
    assert [(row["direction"], row["state"], row["error"]) for row in rows] == [
        ("asked", "failed", "nobody listens"),
        ("given", "checking", ""),
    ]
    assert [row["id"] for row in ask("GET", f"?before={rows[0]['id']}").json()] == [rows[1]["id"]]
    assert len(ask("GET", "?limit=1").json()) == 1


def test_one_is_shown_with_its_instances(ask, commitments):
    commitments.promises.examine(1)
    shown = ask("GET", "/1").json()
    assert shown["commitment"]["peer_ae_title"] == "MODALITY"
    assert (shown["commitment"]["committed"], shown["commitment"]["failed"]) == (0, 1)
    assert shown["items"] == [
        {
            "sop_class": CT,
            "sop_instance": "1.2.3",
            "committed": False,
            "reason": "0112 No such object instance",
        }
    ]


def test_a_node_is_asked_to_commit_to_a_study(ask, house, commitments):
    data = samples.ct(seed=1)
    house.store(data)
    kept = house.index.instance(UID(samples.value_of(data, 0x00080018)))
    assert ask("POST", "", json={"node": "MODALITY", "studies": [kept.ref.study]}).status_code == 503
    [failed, _given] = commitments.recent(9)
    assert (failed.direction, failed.state, failed.total) == (Direction.ASKED, State.FAILED, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"node": "MODALITY", "studies": ["1.2.404"]}, 404),
        ({"node": "STRANGER", "studies": ["1.2.404"]}, 404),
        ({"node": "MODALITY"}, 400),
    ],
)
def test_what_cannot_be_asked_is_said(ask, commitments, body, status):
    assert ask("POST", "", json=body).status_code == status
    assert len(commitments.recent(9)) == 1


def test_a_retry_makes_it_due_now(ask, commitments):
    due_us = commitments.one(1)[0].due_us
    assert ask("POST", "/1/retry").json()["due_us"] > due_us


@pytest.mark.parametrize(("method", "path"), [("GET", "/7"), ("POST", "/7/retry")])
def test_what_is_not_there_is_not_found(ask, method, path):
    assert ask(method, path).status_code == 404

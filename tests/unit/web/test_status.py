"""How everything stands, over HTTP."""

import ssl

import pytest

from calotype.network.settings import ListenerSettings
from calotype.network.standing import LiveAssociation, Standing, Totals
from calotype.network.traffic import Traffic
from calotype.services.archive.ports import Disk
from calotype.web.api.status import Door, Premises
from calotype.web.app import create_app
from calotype.web.rooms import Rooms

LIVE = LiveAssociation("CT1", "CALOTYPE", "10.0.0.9", 5, 1, 2, 30, 40)


class Port:
    """A listener that stands as the test says."""

    port = 11112

    def __init__(self, **settings):
        self.settings = ListenerSettings("all", **settings)
        self.totals = Totals(associations=4, rejections=1)

    def standing(self):
        return Standing(is_open=True, associations=[LIVE], totals=self.totals)


@pytest.fixture
def port():
    return Port(host="0.0.0.0")


@pytest.fixture
def app(archive, rejections, settings, port):
    traffic = Traffic([port], clock_us=lambda: 77)
    port.totals += Totals(messages_received=9)
    traffic.look()
    premises = Premises(
        "CALOTYPE",
        [Door(port, ("CALOTYPE", "STORESCP"), ("storage",))],
        traffic,
        lambda: Disk("/srv/images", 1000, 300, 10),
        lambda: ["192.0.2.10"],
        started_us=5,
    )
    return create_app(Rooms(archive, rejections, premises=premises), settings)


def test_ports_callers_and_the_disk_are_told(client):
    told = client.get("/api/status").json()
    assert (told["ae_title"], told["addresses"], told["started_us"]) == ("CALOTYPE", ["192.0.2.10"], 5)
    assert told["disk"] == {"path": "/srv/images", "total_bytes": 1000, "free_bytes": 300, "min_free_bytes": 10}
    [listener] = told["listeners"]
    assert (listener["name"], listener["bind"], listener["port"]) == ("all", "0.0.0.0", 11112)
    assert (listener["ae_titles"], listener["services"]) == (["CALOTYPE", "STORESCP"], ["storage"])
    assert (listener["is_tls"], listener["is_open"]) == (False, True)
    assert (listener["totals"]["associations"], listener["totals"]["rejections"]) == (4, 1)
    [live] = listener["associations"]
    assert (live["calling_ae_title"], live["data_set_bytes_received"]) == ("CT1", 30)


def test_a_port_with_tls_says_so(client, port):
    port.settings = ListenerSettings("all", tls=ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    assert client.get("/api/status").json()["listeners"][0]["is_tls"] is True


def test_the_last_hour_is_told_in_spans(client):
    told = client.get("/api/status/traffic").json()
    assert told["span_s"] == 20
    [span] = told["spans"]
    assert (span["end_us"], span["passed"]["messages_received"]) == (77, 9)

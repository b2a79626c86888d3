"""/api/texts and /api/studies/{uid}/text, over a real archive."""

import pytest

from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import House

STUDY = "1.2.3"


@pytest.fixture
def archive():
    """An archive with one study, whose patient 杨 is in GBK and declared to be in Latin-1: "Ñî" could be a name."""
    house = House(MemoryObjectStore(), MemoryIndex())
    rows = [
        (0x00080005, "CS", "ISO_IR 100"),
        (0x00080016, "UI", samples.CT),
        (0x00080018, "UI", f"{STUDY}.1.1"),
        (0x00100010, "PN", "杨".encode("gbk")),
        (0x00100020, "LO", "P1"),
        (0x0020000D, "UI", STUDY),
        (0x0020000E, "UI", f"{STUDY}.1"),
    ]
    house.store(samples.encode(rows))
    return house.archive


def name_of(client):
    (found,) = client.get("/dicomweb/studies", params={"StudyInstanceUID": STUDY}).json()
    return found["00100010"]["Value"][0]["Alphabetic"]


def test_a_study_that_is_read_as_declared(client):
    expected = {"study": STUDY, "state": "declared", "charset": "", "repairs": []}
    assert client.get(f"/api/studies/{STUDY}/text").json() == expected
    assert client.get("/api/texts").json() == []
    assert name_of(client) == "Ñî"


def test_a_person_says_what_it_is_and_takes_it_back(client):
    answer = client.request("PUT", f"/api/studies/{STUDY}/text", json={"charset": "GBK"})
    overridden = {"study": STUDY, "state": "overridden", "charset": "GBK", "repairs": []}
    assert (answer.status_code, answer.json()) == (200, overridden)
    assert name_of(client) == "杨"
    assert client.get("/api/texts").json() == [overridden]
    assert client.request("DELETE", f"/api/studies/{STUDY}/text").json()["state"] == "declared"
    assert name_of(client) == "Ñî"


def test_what_was_repaired_is_told(client, archive):
    archive.texts.settle(_Header(), b"", lambda _: _Header())
    repairs = [{"declared": "ISO_IR 100", "read_as": "GB18030"}]
    assert client.get(f"/api/studies/{STUDY}/text").json()["repairs"] == repairs
    assert [each["state"] for each in client.get("/api/texts").json()] == ["repaired"]


class _Header:
    """What a further object of the study shows."""

    attributes = {"StudyInstanceUID": STUDY}  # noqa: RUF012 - never changed

    def evidence(self):
        return frozenset({(("ISO_IR 100",), "第一人民医院".encode("gbk"))})

    def json(self):
        return b"{}"


@pytest.mark.parametrize("charset", ["", "  ", "Klingon", "X" * 300])
def test_what_names_no_set_is_refused(client, charset):
    answer = client.request("PUT", f"/api/studies/{STUDY}/text", json={"charset": charset})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_study_that_is_not_there_is_not_found(client):
    for method, how in (("GET", {}), ("PUT", {"json": {"charset": "GBK"}}), ("DELETE", {})):
        assert client.request(method, "/api/studies/9.9/text", **how).status_code == 404

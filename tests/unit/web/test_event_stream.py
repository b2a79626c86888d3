"""``/api/events``: the stream of all that happens, resumed, overrun and crowded, over an archive in memory."""

import json

import anyio
import pytest

from calotype.dicom.hierarchy import StudyRef
from calotype.errors import Unavailable
from calotype.services.archive.changes import Changes, ChangesSettings
from calotype.services.jobs.jobs import Jobs
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.api import events
from calotype.web.offload import Offload
from support import samples
from support.archives import House

STUDY = samples.uid(700)
LONG_S = 60


@pytest.fixture
def house():
    made = House(MemoryObjectStore(), MemoryIndex())
    made.archive.changes.start()
    yield made
    made.archive.changes.stop(LONG_S)


@pytest.fixture
def jobs():
    made = Jobs(MemoryJobs())
    made.register("work", lambda run: None)
    yield made
    made.stop(LONG_S)


def store(house, number):
    house.store(samples.ct(16, 16, seed=number, study_uid=STUDY, sop_uid=f"{STUDY}.{number}"))


class Line:
    """An ASGI client that leaves after so many events, comments and greetings left out."""

    def __init__(self, leaves_after, meanwhile=()):
        self.events = []
        self.status = None
        self._left = anyio.Event()
        self._leaves_after = leaves_after
        self._meanwhile = list(meanwhile)

    async def receive(self):
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        text = message.get("body", b"").decode()
        if not text.startswith("event: "):
            return
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        self.events.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
        if len(self.events) >= self._leaves_after:
            self._left.set()
        elif self._meanwhile:
            await anyio.to_thread.run_sync(self._meanwhile.pop(0))


def listen(house, line, *, begin=None, jobs=None, seats=None):
    async def run():
        stream = events.ArchiveEvents(
            house.archive.changes, jobs, Offload(2), seats or events.Seats(1), begin, idle_s=LONG_S
        )
        with anyio.fail_after(LONG_S):
            await stream({"type": "http", "path": "/api/events"}, line.receive, line.send)

    anyio.run(run)
    return line.events


def names(told):
    return [name for name, _, _ in told]


def test_a_stream_begins_with_what_comes_next(house):
    store(house, 0)
    token = house.archive.changes.page(0).token
    told = listen(house, Line(2, [lambda: store(house, 1)]))
    assert told[0] == ("feed", f"{token}:1", {"feed": token, "newest": 1})
    name, number, change = told[1]
    assert (name, number) == ("change", f"{token}:2")
    assert (change["action"], change["study"], change["instances"]) == ("created", STUDY, 1)


def test_who_comes_back_misses_nothing(house):
    store(house, 0)
    token = house.archive.changes.page(0).token
    store(house, 1)
    house.archive.recycling.delete(StudyRef(STUDY), by="me")
    told = listen(house, Line(3), begin=(token, 1))
    assert [(name, number) for name, number, _ in told] == [
        ("feed", f"{token}:1"),
        ("change", f"{token}:2"),
        ("change", f"{token}:3"),
    ]
    assert [change["action"] for _, _, change in told[1:]] == ["created", "deleted"]


def test_a_deletion_is_told_at_once(house):
    store(house, 0)
    told = listen(house, Line(2, [lambda: house.archive.recycling.delete(StudyRef(STUDY), by="me")]), begin=("", 1))
    assert told[1][2]["action"] == "deleted"


@pytest.mark.parametrize("begin", [("another", 1), ("none", 0), ("", 99)])
def test_who_comes_from_another_feed_is_told_to_look_anew(house, begin):
    store(house, 0)
    told = listen(house, Line(2), begin=begin)
    assert names(told) == ["resync", "feed"]
    assert told[0][1] == told[1][1]


def test_who_is_too_far_behind_is_told_to_look_anew(house, monkeypatch):
    monkeypatch.setattr(events, "MAX_BEHIND", 2)
    for number in range(4):
        store(house, number)
        house.archive.changes.page(0)
    assert names(listen(house, Line(2), begin=("", 1))) == ["resync", "feed"]


def test_changes_of_jobs_are_in_the_same_stream(house, jobs):
    told = listen(house, Line(2, [lambda: jobs.submit("work", "a title", {})]), jobs=jobs)
    assert (told[1][0], told[1][1], told[1][2]["title"]) == ("job", None, "a title")


def test_one_client_too_many_is_refused_and_a_seat_is_given_back(house):
    seats = events.Seats(1)
    listen(house, Line(1), seats=seats)
    listen(house, Line(1), seats=seats)
    seats.take()
    with pytest.raises(Unavailable):
        listen(house, Line(1), seats=seats)


def test_a_stream_ends_when_the_house_stops(house):
    line = Line(100, [lambda: house.archive.changes.stop(LONG_S)])
    assert names(listen(house, line)) == ["feed"]


def test_after_a_stop_a_stream_ends_at_once():
    index = MemoryIndex()
    house = House(MemoryObjectStore(), index)
    changes = Changes(index, house.archive.events, ChangesSettings(), house.clock)
    changes.stop(0)
    woken = []
    assert changes.watch(lambda: woken.append(1)).is_closed
    assert woken == [1]


@pytest.mark.parametrize(
    ("header", "begin"),
    [("", None), ("abc:7", ("abc", 7)), ("abc", ("none", 0)), (":7", ("none", 0)), ("abc:x", ("none", 0))],
)
def test_an_event_s_id_is_understood(header, begin):
    assert events._begin(header) == begin

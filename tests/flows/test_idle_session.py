"""A session ends when nobody has done anything for half an hour, whatever pages ask for by themselves meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from calotype.app import admitting, compose
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.clock import SECOND_US, utc_now_us
from calotype.web import guard

PASSWORD = "salted paper in the dark"
PATIENCE_S = 60
MINUTE_US = 60 * SECOND_US
IDLE_MINUTES = 30

BY_ITSELF = (
    ("/api/session", {}),
    ("/api/status", {}),
    ("/api/statistics", {}),
    ("/api/changes", {}),
    ("/api/studies", {"X-Background": "1"}),
    ("/api/worklist", {"X-Background": "1"}),
    ("/api/jobs", {"X-Background": "1"}),
)
"""What pages ask for with nobody there: nouns that are always asked so, and others that say it."""


class Clock:
    """The time that sessions go by; tests move it."""

    def __init__(self):
        self.now_us = utc_now_us()

    def __call__(self):
        return self.now_us

    def pass_minutes(self, minutes):
        self.now_us += int(minutes * MINUTE_US)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def page(tmp_path, monkeypatch, clock):
    """A client with a session of its own at a served archive."""
    monkeypatch.setattr(compose, "logins_over", partial(admitting.logins_over, clock_us=clock))
    monkeypatch.setattr(guard, "RECHECK_STREAM_S", 0.05)
    settings = Settings(
        storage=Storage(path=tmp_path / "data", durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, access=HttpAccess(login="required", admin_password=PASSWORD)),
    )
    with (
        open_stores(settings) as stores,
        compose.House(settings, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=PATIENCE_S) as client,
    ):
        log_in(client)
        yield client


def log_in(client):
    assert client.post("/api/session", json={"user": "admin", "password": PASSWORD}).status_code == 200


def polled(client):
    return {client.get(path, headers=headers).status_code for path, headers in BY_ITSELF}


@contextmanager
def listening(client):
    """Yield the lines of a stream of events that is open."""
    with client.stream("GET", "/api/events") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        yield lines


def test_neither_polling_nor_a_stream_keeps_a_session_alive(page, clock):
    with listening(page) as lines:
        for _ in range(IDLE_MINUTES):
            assert polled(page) == {200}
            clock.pass_minutes(1)
        assert polled(page) == {200}
        clock.pass_minutes(0.1)
        # The stream is ended, though bytes went over it all the time.
        assert not [line for line in lines if line.startswith("event: change")]
    assert polled(page) == {401}
    assert page.get("/api/studies").status_code == 401


def test_what_a_person_does_keeps_it_alive_and_half_an_hour_later_it_ends(page, clock):
    clock.pass_minutes(IDLE_MINUTES - 1)
    assert page.get("/api/studies").status_code == 200
    clock.pass_minutes(IDLE_MINUTES - 1)
    assert polled(page) == {200}
    clock.pass_minutes(2)
    assert polled(page) == {401}


def test_whoever_logs_in_again_goes_on(page, clock):
    clock.pass_minutes(IDLE_MINUTES + 1)
    assert polled(page) == {401}
    log_in(page)
    assert polled(page) == {200}
    with listening(page) as lines:
        assert next(line for line in lines if line.startswith("event:")) == "event: feed"

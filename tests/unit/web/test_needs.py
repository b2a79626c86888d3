"""The table of who may do what: closed where it says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.services.access.model import LOCAL, Grant, Role, Scope, Way
from calotype.web.needs import Need, is_met, is_passive, is_stream, need_of

VIEWER = Grant("zhang", Role.VIEWER, Role.VIEWER.scopes, Way.SESSION)
NEW = Grant("zhang", Role.ADMIN, Role.ADMIN.scopes, Way.SESSION, must_change_password=True)
TOKEN = Grant("zhang", Role.ADMIN, frozenset({Scope.STORE}), Way.TOKEN)

OPEN_PATHS = ("", "/", "/ui", "/api/health", "/api/session")


@given(st.text(), st.text())
def test_nothing_is_open_that_is_not_listed(method, path):
    if need_of(method, path) is Need.OPEN:
        assert path in OPEN_PATHS or path.startswith("/ui/")


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("GET", "/api/nothing", Need.ADMIN),
        ("GET", "/api", Need.ADMIN),
        ("GET", "/api/", Need.ADMIN),
        ("GET", "/nothing", Need.ADMIN),
        ("POST", "/", Need.ADMIN),
        ("POST", "/ui/", Need.ADMIN),
        ("GET", "//", Need.ADMIN),
        ("OPTIONS", "*", Need.ADMIN),
        ("GET", "ui", Need.ADMIN),
        ("GET", "//api/health", Need.ADMIN),
        ("HEAD", "/api/studies", Need.READ),
        ("OPTIONS", "/dicomweb", Need.READ),
        ("get", "/api/health", Need.ADMIN),
        ("GET", "/api/health/", Need.ADMIN),
        ("GET", "/api/health/x", Need.ADMIN),
        ("DELETE", "/api/session", Need.SELF),
        ("PATCH", "/api/session", Need.ADMIN),
        ("PUT", "/api/session/password", Need.SELF),
        ("PATCH", "/api/session/preferences", Need.SELF),
        ("PUT", "/api/session/preferences", Need.ADMIN),
        ("PUT", "/api/session/password/", Need.ADMIN),
        ("PATCH", "/api/studies/1.2", Need.OPERATE),
        ("PATCH", "/api/studies/1.2/annotations", Need.READ),
        ("PUT", "/api/studies/1.2/annotations", Need.OPERATE),
        ("POST", "/api/nodes/CT/2/echo", Need.OPERATE),
        ("POST", "/api/nodes/echo", Need.ADMIN),
        ("POST", "/api/nodes", Need.ADMIN),
        ("POST", "/api/recycle-bin/7/restore", Need.OPERATE),
        ("POST", "/api/recycle-bin/7/purge", Need.ADMIN),
        ("PUT", "/dicomweb/studies/1.2", Need.ADMIN),
    ],
)
def test_each_path_needs_what_it_needs(method, path, need):
    assert need_of(method, path) is need


@pytest.mark.parametrize("need", list(Need))
def test_what_is_open_is_met_by_nobody_and_the_rest_by_those_it_is_for(need):
    assert is_met(need, None) is (need is Need.OPEN)
    assert is_met(need, LOCAL)
    assert is_met(need, NEW) is (need in {Need.OPEN, Need.SELF})
    assert is_met(need, VIEWER) is (need in {Need.OPEN, Need.SELF, Need.PERSON, Need.READ})
    assert is_met(need, TOKEN) is (need in {Need.OPEN, Need.SELF, Need.STORE})


@pytest.mark.parametrize(
    ("method", "path", "passive", "stream"),
    [
        ("GET", "/api/session", True, False),
        ("GET", "/api/jobs/7/events", True, True),
        ("GET", "/api/events", True, True),
        ("GET", "/api/statistics", True, False),
        ("GET", "/api/studies", False, False),
        ("POST", "/api/session", False, False),
        ("GET", "/dicomweb/studies/1/series/2/instances/3/frames/1", False, False),
        ("GET", "/api", False, False),
    ],
)
def test_what_pages_ask_by_themselves_is_known(method, path, passive, stream):
    assert (is_passive(method, path), is_stream(path)) == (passive, stream)

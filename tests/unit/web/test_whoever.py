"""What is written down of who did something."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from calotype.services.access.model import LOCAL, Grant, Role, Scope, Way
from calotype.web.server import is_bare
from calotype.web.settings import WebSettings
from calotype.web.whoever import asker

ZHANG = Grant("zhang", Role.OPERATOR, frozenset({Scope.READ}), Way.SESSION)


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        (None, "192.0.2.7 (HTTP)"),
        (LOCAL, "192.0.2.7 (HTTP)"),
        (ZHANG, "zhang at 192.0.2.7 (HTTP)"),
        (Grant("zhang", Role.OPERATOR, ZHANG.scopes, Way.TOKEN, number=3), "zhang at 192.0.2.7 (HTTP, by a token)"),
    ],
)
def test_the_user_is_named_where_one_logged_in(grant, told):
    scope = {"type": "http", "client": ("192.0.2.7", 1), "headers": [], "state": {"grant": grant}}
    assert asker(Request(scope)) == told
    assert asker(Request({**scope, "client": None})) == told.replace("192.0.2.7", "unknown")


@pytest.mark.parametrize(
    ("settings", "bare"),
    [
        (WebSettings(), False),
        (WebSettings(bind="::1"), False),
        (WebSettings(bind="0.0.0.0"), True),
        (WebSettings(bind="10.0.0.5"), True),
        (WebSettings(bind="0.0.0.0", public_url="http://pacs.example"), True),
        (WebSettings(bind="0.0.0.0", public_url="https://pacs.example"), False),
    ],
)
def test_an_open_port_without_encryption_is_told(settings, bare):
    assert is_bare(settings) is bare

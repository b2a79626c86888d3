"""One real server and one Chromium per worker; a fresh context, watched, per flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from support import browsing
from support.browsing import Site
from support.running import Running


@pytest.fixture(scope="session")
def base_url() -> str:
    """Stand in for the plugin's own, which pytest warns of; addresses here are whole."""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": browsing.browser(), "args": [*browsing.ARGUMENTS]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    size = {"width": 1440, "height": 900}
    return {**browser_context_args, "viewport": size, "locale": "en-GB", "timezone_id": "UTC"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a few real objects in it, and with what other flows leave there."""
    with browsing.serving(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def site(page: Page, server: Running) -> Iterator[Site]:
    """The pages before anybody has logged in. What must hold after every flow is asserted when it is over."""
    visited = Site.over(server, page)
    yield visited
    visited.conclude()


@pytest.fixture
def inside(site: Site) -> Site:
    """The pages with an administrator logged in, on the first one, which hears of what happens in the archive."""
    site.slip_in()
    with site.page.expect_response("**/api/events*"):
        site.open()
    site.settle()
    return site

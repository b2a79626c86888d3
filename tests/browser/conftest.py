"""One real server and one Chromium per worker; a fresh context, watched, per flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result
from support import browsing, bundled
from support.browsing import Site
from support.running import Running

SAMPLES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "test-SR.dcm",
    "chrH31.dcm",
)


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
    """A server with a few real objects in it."""
    browsing.need_pages()
    with Running(tmp_path_factory.mktemp("served"), environment=browsing.SETTLED) as running:
        files = [bundled.named(name).path for name in SAMPLES]
        sent = send_files(DimseCourier(bundled.CALLER), Node("CALOTYPE", "127.0.0.1", running.port), gather(files))
        assert [each.answer.result for each in sent] == [Result.COMPLETED] * len(SAMPLES)
        yield running


@pytest.fixture
def site(page: Page, server: Running) -> Iterator[Site]:
    """The pages before anybody has logged in. What must hold after every flow is asserted when it is over."""
    visited = Site.over(server, page)
    yield visited
    visited.conclude()


@pytest.fixture
def inside(site: Site) -> Site:
    """The pages with an administrator logged in, on the first one."""
    site.slip_in()
    site.open()
    site.settle()
    return site

"""What a user likes is there in every browser, and nobody else's business."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, expect

from support.browsing import Site, join
from support.running import Running


@pytest.fixture
def elsewhere(browser: Browser, server: Running):
    """Open a browser of its own that a user logs in to, and show a page there."""
    sites = []

    def open_for(user: str, path: str = "studies") -> Site:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        sites.append(Site.over(server, context.new_page()))
        sites[-1].slip_in(user)
        sites[-1].open(path)
        sites[-1].settle()
        return sites[-1]

    yield open_for
    for site in sites:
        site.conclude()
        site.page.context.close()


def heads(site: Site) -> Locator:
    return site.page.get_by_role("columnheader")


def test_columns_language_and_colours_follow_their_user_into_another_browser(
    server: Running, elsewhere: Callable[[str], Site]
) -> None:
    join(server, "chooser", "viewer")
    join(server, "neighbour", "viewer")
    one = elsewhere("chooser")
    as_ever = heads(one).all_inner_texts()

    one.page.get_by_role("button", name="Columns").press("Enter")
    with one.page.expect_response("**/api/session/preferences") as kept:
        one.page.get_by_role("checkbox", name="Accession").press("Space")
    assert kept.value.ok
    one.page.keyboard.press("Escape")
    expect(one.page.get_by_role("columnheader", name="Accession")).to_have_count(0)
    one.page.get_by_role("button", name="Your account").click()
    with one.page.expect_response("**/api/session/preferences"):
        one.page.get_by_role("menuitem", name="Dark").click()
    one.page.get_by_role("button", name="Your account").click()
    with one.page.expect_response("**/api/session/preferences"):
        one.page.get_by_role("menuitem", name="中文").click()

    other = elsewhere("chooser")
    expect(other.page.get_by_role("navigation").get_by_role("link", name="检查")).to_be_visible()
    expect(other.page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(heads(other)).to_have_count(len(as_ever) - 1)

    third = elsewhere("neighbour")
    expect(heads(third)).to_have_text(as_ever, use_inner_text=True)


def test_a_language_chosen_before_login_is_kept_for_who_logs_in(server: Running, site: Site) -> None:
    join(server, "early", "viewer")
    site.open("studies")
    site.page.get_by_role("button", name="Your account").click()
    site.page.get_by_role("menuitem", name="中文").click()
    with site.page.expect_response(
        lambda answer: answer.url.endswith("/api/session/preferences") and answer.request.method == "PATCH"
    ) as kept:
        site.enter("early", "salted paper in the dark")
    assert kept.value.json()["language"] == "zh-CN"


def test_without_login_a_browser_keeps_its_own(tmp_path, page) -> None:
    with Running(tmp_path) as open_server:
        site = Site.over(open_server, page)
        site.open("studies")
        site.settle()
        page.get_by_role("button", name="Your account").click()
        page.get_by_role("menuitem", name="Dark").click()
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
        site.open("first-run")
        page.get_by_role("button", name="Done, to the studies").click()
        site.open()
        expect(page).to_have_url(f"{site.origin}/ui/studies")
        site.conclude()

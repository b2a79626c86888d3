"""What every page stands in: language, colours, the map on a phone, the keyboard."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from support.browsing import ADMIN, OWN_PASSWORD, SETTLED, Site, join, serving
from support.running import Running

SAMPLE_TEXTS = ("CompressedSamples", "OFFIS Structured Reporting Test Document", "Yamada Tarou", "like Gecko")
"""What the samples say of themselves in English, and browsers."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def newcomer(site):
    """The pages of somebody whose choices are no other test's."""
    name = f"newcomer-{uuid4().hex[:8]}"
    join(site.server, name, "admin")
    site.slip_in(name)
    site.open()
    site.settle()
    return site


def test_chinese_is_chosen_and_stays(newcomer):
    page = newcomer.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="中文").click()
    navigation = page.get_by_role("navigation")
    expect(navigation.get_by_role("link", name="检查")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(navigation.get_by_role("link", name="检查")).to_be_visible()


@pytest.mark.browser_context_args(locale="zh-CN")
def test_a_chinese_browser_is_greeted_in_chinese(inside):
    expect(inside.page.get_by_role("navigation").get_by_role("link", name="检查")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out_of_any_page(inside, locale, scheme):
    inside.prefer(locale, scheme)
    for link in inside.visit_places():
        expect(link).to_have_attribute("aria-current", "page")
        inside.assert_worded()
        inside.judge()


def test_dark_is_chosen_and_stays(newcomer):
    page = newcomer.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Dark").click()
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    red, green, blue = newcomer.colour("body", "background-color")
    assert max(red, green, blue) < 0x40


@pytest.mark.browser_context_args(viewport=PHONE, has_touch=True, is_mobile=True)
def test_on_a_phone_the_map_is_a_drawer_and_nothing_sticks_out(inside):
    page = inside.page
    menu = page.get_by_role("button", name="Menu")
    expect(menu).to_be_visible()
    for link in inside.places():
        menu.click()
        expect(link).to_be_in_viewport()
        link.click()
        expect(link).not_to_be_in_viewport()
        inside.settle()
        inside.assert_fits()
        inside.judge()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(inside):
    page = inside.page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    reached = inside.tab_through()
    for link in inside.places():
        assert link.inner_text() in reached
    assert "Your account" in reached


def test_a_menu_is_left_by_escape_where_it_was_entered(inside):
    page = inside.page
    account = page.get_by_role("button", name="Your account")
    account.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="Log out")).to_be_hidden()
    expect(account).to_be_focused()


def test_an_address_that_is_none_says_so(inside):
    inside.open("nowhere")
    expect(inside.page.get_by_role("heading", name="There is no such page")).to_be_visible()
    inside.page.get_by_role("link", name="To the studies").click()
    expect(inside.page).to_have_url(f"{inside.origin}/ui/studies")


def test_the_interface_is_described_and_tried_behind_login(site):
    page = site.page
    # Made by others: its colours and labels are theirs.
    site.is_judged = False
    page.goto(f"{site.origin}/swagger")
    site.enter(ADMIN, OWN_PASSWORD)
    expect(page.get_by_role("heading", name="calotype")).to_be_visible()
    page.locator("#operations-tag-access").get_by_role("button").click()
    operation = page.locator("[id$=show_session_api_session_get]")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"role": "admin"')
    assert page.url == f"{site.origin}/ui/docs"


def test_an_administrator_is_led_through_the_first_steps_until_they_are_done(site):
    join(site.server, "beginner", "admin")
    page = site.open()
    site.enter("beginner", OWN_PASSWORD)
    expect(page).to_have_url(f"{site.origin}/ui/first-run")
    expect(page.get_by_text("your own", exact=True)).to_be_visible()
    expect(page.get_by_text("4 ports open")).to_be_visible()
    expect(page.get_by_text(str(site.server.folder / "data"))).to_be_visible()
    expect(page.get_by_role("link", name="Open the last one")).to_be_visible()
    site.judge()
    page.get_by_role("button", name="Done, to the studies").click()
    expect(page).to_have_url(f"{site.origin}/ui/studies")
    site.open()
    site.settle()
    expect(page).to_have_url(f"{site.origin}/ui/studies")


def test_an_empty_archive_takes_the_sample_in(tmp_path, page):
    with Running(tmp_path, environment=SETTLED) as empty:
        site = Site.over(empty, page)
        site.slip_in()
        site.open("first-run")
        page.get_by_role("button", name="Put the sample in").click()
        expect(page.get_by_role("link", name="Open the last one")).to_be_visible()
        site.open("studies")
        expect(page.get_by_text("CALOTYPE-SAMPLE")).to_be_visible()
        site.conclude()


def test_no_page_in_chinese_speaks_english(tmp_path, page):
    # A server of its own: what other flows store speaks as it likes.
    with serving(tmp_path) as running:
        site = Site.over(running, page)
        site.slip_in()
        site.open()
        site.prefer("zh-CN", "light")
        for _ in site.visit_places():
            site.assert_chinese(*SAMPLE_TEXTS)
        site.conclude()

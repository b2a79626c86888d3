"""What every page stands in: language, colours, the map on a phone, the keyboard."""

import pytest
from playwright.sync_api import expect

PHONE = {"width": 390, "height": 844}


def test_chinese_is_chosen_and_stays(inside):
    page = inside.page
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
        inside.judge()


def test_dark_is_chosen_and_stays(inside):
    page = inside.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Dark").click()
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    red, green, blue = inside.colour("body", "background-color")
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
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.url
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

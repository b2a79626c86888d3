"""What the tools of the built-in viewer tell of a picture: values are those of the file."""

import pytest
from playwright.sync_api import expect

from support.browsing import store
from support.viewing import Phantom, Viewer

PHANTOM = Phantom(series=5)


@pytest.fixture
def viewer(site, server):
    """The viewer with the phantom, drawn."""
    store(server, *PHANTOM.files(patient_name="Phantom^Values", patient_id="VALUES"))
    site.slip_in()
    opened = Viewer(site.open(f"viewer/{PHANTOM.study_uid}"))
    opened.wait()
    return opened


def test_a_click_tells_the_value_that_is_stored(viewer):
    page = viewer.page
    page.keyboard.press("End")
    expect(page.locator("[data-corner=bottom-left]")).to_contain_text(f"{PHANTOM.size} / {PHANTOM.size}")
    page.get_by_role("button", name="Findings").click()
    findings = page.get_by_role("complementary", name="Findings")
    for column in (5, 21):
        centre = (column + 0.5) / PHANTOM.size
        page.keyboard.press("b")
        page.mouse.click(*viewer.at(centre, 0.25))
        # A click is the tool's that was chosen when it was made.
        page.keyboard.press("w")
        expect(findings).to_contain_text(f"Value at a point {round(PHANTOM.ramp_hu(centre)):.1f} HU")


def test_an_arrow_asks_for_its_words_by_a_dialog_of_our_own(viewer):
    page = viewer.page
    page.get_by_role("button", name="Findings").click()
    findings = page.get_by_role("complementary", name="Findings")
    dialog = page.get_by_role("dialog")

    page.keyboard.press("y")
    viewer.drag((0.3, 0.3), (0.4, 0.4))
    expect(dialog.get_by_role("textbox", name="Words")).to_be_focused()
    # Keys are letters here, and no tools.
    page.keyboard.type("wide, 结节")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(findings).to_contain_text("Arrow with words wide, 结节")
    expect(page.locator("main svg text").filter(has_text="wide, 结节")).to_be_visible()

    viewer.drag((0.6, 0.6), (0.7, 0.7))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(findings.get_by_text("Arrow with words")).to_have_count(1)

    findings.get_by_role("button", name="Edit").click()
    page.keyboard.type("narrow")
    dialog.get_by_role("button", name="Save").click()
    expect(findings).to_contain_text("Arrow with words narrow")

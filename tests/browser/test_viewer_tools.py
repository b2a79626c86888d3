"""What the tools of the built-in viewer tell of a picture: values are those of the file."""

import pytest
from playwright.sync_api import expect

from support.browsing import eventually, store
from support.viewing import Phantom, Viewer, grey_at, grey_of, picture

PHANTOM = Phantom(series=5)
CLEAN = Phantom(series=15)
"""On which nothing is ever left."""


def opened(site, server, phantom):
    """Return the viewer with a phantom, drawn."""
    store(server, *phantom.files(patient_name="Phantom^Values", patient_id="VALUES"))
    site.slip_in()
    viewer = Viewer(site.open(f"viewer/{phantom.study_uid}"))
    viewer.wait()
    return viewer


@pytest.fixture
def viewer(site, server):
    """The viewer with the phantom, drawn."""
    return opened(site, server, PHANTOM)


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
    words = dialog.get_by_role("textbox", name="Words")
    viewer.drag((0.3, 0.3), (0.4, 0.4))
    expect(words).to_be_focused()
    # Keys are letters here, and no tools.
    page.keyboard.type("wide, 结节")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(findings).to_contain_text("Arrow with words wide, 结节")
    expect(page.locator("main svg text").filter(has_text="wide, 结节")).to_be_visible()

    viewer.drag((0.6, 0.6), (0.7, 0.7))
    expect(words).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(findings.get_by_text("Arrow with words")).to_have_count(1)

    findings.get_by_role("button", name="Edit").click()
    expect(words).to_be_focused()
    page.keyboard.type("narrow")
    dialog.get_by_role("button", name="Save").click()
    expect(findings).to_contain_text("Arrow with words narrow")


def test_keys_do_nothing_else_while_the_dialog_is_on_its_way(site, server):
    viewer = opened(site, server, CLEAN)
    page = viewer.page
    dialog = page.get_by_role("dialog")
    window = page.locator("[data-window]")
    late = []

    def hold(route):
        late.append(route)

    def assert_late():
        assert late

    page.route("**/WordsDialog*", hold)
    page.keyboard.press("y")
    viewer.drag((0.3, 0.6), (0.4, 0.7))
    eventually(page, assert_late)
    # The overlay's key, and one that resets a picture where nothing is asked.
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    expect(page.locator("main svg line")).to_have_count(0)
    page.route("**/WordsDialog*", lambda route: route.continue_())
    for route in late:
        route.continue_()
    expect(window).to_be_visible()
    # It has come: what is asked next is asked at once.
    viewer.drag((0.3, 0.6), (0.4, 0.7))
    expect(dialog.get_by_role("textbox", name="Words")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_what_is_half_drawn_is_let_go(site, server):
    viewer = opened(site, server, CLEAN)
    page = viewer.page
    page.keyboard.press("Shift+F")
    findings = page.get_by_role("complementary", name="Findings")
    drawn = page.locator("main svg line")
    page.keyboard.press("i")
    # The first side of an angle, which waits for the second one.
    for stop in ("Escape", "w"):
        page.keyboard.press("a")
        viewer.drag((0.3, 0.3), (0.5, 0.5))
        expect(drawn.first).to_be_attached()
        page.keyboard.press(stop)
        expect(drawn).to_have_count(0)
    expect(findings).to_contain_text("Measure with a tool")
    # Nothing was reset: what was white is dark.
    eventually(page, lambda: darker_at_right(viewer))
    page.keyboard.press("t")
    viewer.drag((0.3, 0.1), (0.5, 0.3))
    expect(page.locator("main svg text").filter(has_text="Deviation")).to_be_attached()
    expect(findings).to_contain_text("Rectangle")
    findings.get_by_role("button", name="Delete").click()
    expect(findings).to_contain_text("Measure with a tool")


def test_what_is_not_done_yet_is_not_kept(site, server):
    viewer = opened(site, server, CLEAN)
    page = viewer.page
    drawn = page.locator("main svg line")
    page.keyboard.press("y")
    viewer.drag((0.3, 0.6), (0.4, 0.7))
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Words")).to_be_focused()
    expect(drawn.first).to_be_attached()
    # What has changed is kept at the latest as one leaves, and nobody has said yet what the arrow is for.
    with page.expect_response(is_told_of_findings) as answer:
        page.reload()
    assert answer.value.json()["annotations"] == {}
    viewer.wait()
    expect(drawn).to_have_count(0)


def is_told_of_findings(answer):
    return answer.url.endswith("/annotations") and answer.request.method == "GET"


def darker_at_right(viewer):
    shown = picture(viewer.canvas)
    assert grey_at(shown, 0.9, 0.25) < grey_at(shown, 0.1, 0.25)


def test_keys_choose_layout_slab_and_rendering(viewer):
    page = viewer.page
    page.keyboard.press("?")
    expect(page.get_by_role("complementary", name="Keys")).to_contain_text("Thicker slab")
    page.keyboard.press("?")
    page.keyboard.press("Shift+Digit5")
    expect(page.locator("main > section")).to_have_count(4)
    viewer.wait()
    slab, rendering = page.get_by_role("combobox").all()
    page.keyboard.press("u")
    expect(slab).to_have_value("mip")
    thickness = page.get_by_role("slider", name="Thickness of the slab")
    for key, told in ((".", "11"), (",", "10"), (",", "9")):
        page.keyboard.press(key)
        expect(thickness).to_have_attribute("aria-valuenow", told)
    first = rendering.input_value()
    page.keyboard.press("j")
    expect(rendering).not_to_have_value(first)
    with page.expect_download() as download:
        page.keyboard.press("Shift+S")
    saved = grey_of(download.value.path().read_bytes())
    box = page.locator("main").bounding_box()
    assert saved.shape == pytest.approx((box["height"], box["width"]), abs=6)
    page.keyboard.press("Escape")
    expect(slab).to_have_value("off")
    page.keyboard.press("Shift+Digit1")
    expect(page.locator("main > section")).to_have_count(1)

"""The built-in viewer, from the file on somebody's disk to the length on the picture: what is drawn is read back."""

from functools import partial

import numpy as np
import pytest
from playwright.sync_api import expect

from support import bundled
from support.browsing import eventually, store, tell
from support.viewing import Phantom, Viewer, grey_at, picture

PHANTOM = Phantom()
LEFT = Phantom(series=16, size=8)
"""On which one thing is measured."""
ALIKE = 3
"""Levels of grey: interpolation and rounding, of a window that is told in whole numbers."""


@pytest.fixture(scope="module")
def phantom(server):
    """A server with the phantom in it."""
    store(server, *PHANTOM.files(patient_name="Phantom^Ramp", patient_id="RAMP"))
    return PHANTOM


@pytest.fixture
def viewer(site, phantom):
    """The viewer with the phantom, drawn."""
    site.slip_in()
    opened = Viewer(site.open(f"viewer/{phantom.study_uid}"))
    opened.wait()
    return opened


def assert_ramp(viewer, phantom):
    """Assert that the ramp is drawn as its window says, from edge to edge."""

    def is_drawn():
        shown, window = picture(viewer.canvas), viewer.window
        for x in (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9):
            assert grey_at(shown, x, 0.25) == pytest.approx(window.grey(phantom.ramp_hu(x)), abs=ALIKE), (x, window)

    eventually(viewer.page, is_drawn)


def assert_slice(viewer, phantom, number):
    """Assert that a slice is shown, in words and in grey."""

    def is_drawn():
        bar = viewer.window.grey(phantom.bar_hu(number))
        assert grey_at(picture(viewer.canvas), 0.5, 0.75) == pytest.approx(bar, abs=ALIKE)

    expect(viewer.page.locator("[data-corner=bottom-left]")).to_contain_text(f"{number} / {phantom.size}")
    eventually(viewer.page, is_drawn)


def assert_shades(canvas, least, *, apart=0):
    """Assert that more than ``least`` levels of grey are drawn, and that more than ``apart`` lie between them."""
    shown = picture(canvas)
    assert len(np.unique(shown)) > least
    assert np.ptp(shown) > apart


def test_an_upload_is_found_and_opened(inside):
    page = inside.page
    page.locator("input[data-upload=files]").set_input_files(str(bundled.named("MR_small_RLE.dcm").path))
    expect(page.get_by_text("1 file is")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("searchbox", name="Search everything").fill("4MR1")
    page.get_by_role("row").filter(has_text="CompressedSamples MR1").click()
    panel = page.get_by_role("complementary", name="Study")
    panel.get_by_role("link", name="Open", exact=True).click()
    viewer = Viewer(page)
    viewer.wait()
    expect(page.get_by_role("heading", name="CompressedSamples MR1")).to_be_visible()
    eventually(page, lambda: assert_shades(viewer.canvas, 100))


def test_a_study_opens_by_its_row_and_by_what_is_marked(inside, phantom):
    page = inside.page
    page.get_by_role("row").filter(has_text="Phantom Ramp").dblclick()
    expect(page).to_have_url(f"{inside.origin}/ui/viewer/{phantom.study_uid}")
    Viewer(page).wait()
    inside.open("studies")
    row = page.get_by_role("row").filter(has_text="Phantom Ramp")
    row.get_by_role("checkbox").check()
    page.get_by_role("toolbar").get_by_role("button", name="Open").click()
    expect(page).to_have_url(f"{inside.origin}/ui/viewer/{phantom.study_uid}")
    Viewer(page).wait()


def test_what_is_drawn_is_what_was_stored(viewer, phantom):
    assert_ramp(viewer, phantom)
    assert_slice(viewer, phantom, viewer.slice_number)
    eventually(viewer.page, lambda: assert_shades(viewer.canvas, 200))


def test_the_window_follows_the_pointer_and_the_keys(viewer, phantom):
    before = viewer.window
    assert (before.center, before.width) == (40, 400)
    viewer.drag((0.4, 0.4), (0.6, 0.4))
    expect(viewer.page.locator("[data-window]")).not_to_contain_text("W 400")
    # It is told along the way: what it ends on is what is drawn.
    assert_ramp(viewer, phantom)
    wider = viewer.window
    assert wider.width > before.width
    assert wider.center == pytest.approx(before.center, abs=1)
    viewer.drag((0.5, 0.4), (0.5, 0.6))
    expect(viewer.page.locator("[data-window]")).not_to_contain_text("C 40 ")
    assert viewer.window.width == pytest.approx(wider.width, abs=1)
    assert_ramp(viewer, phantom)
    viewer.page.keyboard.press("3")
    expect(viewer.page.locator("[data-window]")).to_have_text("C 500 W 2000")
    assert_ramp(viewer, phantom)


def test_scrolling_shows_the_next_slice(viewer, phantom):
    middle = viewer.slice_number
    viewer.page.mouse.move(*viewer.at(0.5, 0.5))
    viewer.page.mouse.wheel(0, 100)
    assert_slice(viewer, phantom, middle + 1)
    viewer.page.keyboard.press("PageUp")
    assert_slice(viewer, phantom, middle - 9)
    viewer.page.keyboard.press("End")
    assert_slice(viewer, phantom, phantom.size)


def test_a_length_is_told_in_millimetres_and_kept(viewer, phantom, site):
    page = viewer.page
    page.get_by_role("button", name="Length").click()
    viewer.drag((0.25, 0.3), (0.75, 0.3))
    told = page.locator("main svg text").filter(has_text="mm")
    expect(told).to_be_visible()

    def length_mm():
        return float(told.text_content().split()[0])

    def is_told():
        assert length_mm() == pytest.approx(phantom.size / 2, abs=0.2)

    # It counts along while it is drawn.
    eventually(page, is_told)
    page.get_by_role("button", name="Findings").click()
    finding = page.get_by_role("complementary", name="Findings")
    expect(finding).to_contain_text("mm")
    site.judge()
    eventually(page, lambda: assert_kept(site, phantom))
    page.reload()
    viewer.wait()
    page.get_by_role("button", name="Findings").click()
    expect(finding).to_contain_text(f"{length_mm():.1f} mm")


def assert_kept(site, phantom):
    """Assert that the server has a finding."""
    assert tell(site.server, "GET", f"studies/{phantom.study_uid}/annotations")["annotations"]


def test_what_was_measured_last_is_kept_though_the_window_is_left_at_once(site, server):
    store(server, *LEFT.files(patient_name="Phantom^Left", patient_id="LEFT"))
    site.slip_in()
    viewer = Viewer(site.open(f"viewer/{LEFT.study_uid}"))
    viewer.wait()
    viewer.page.keyboard.press("l")
    viewer.drag((0.25, 0.3), (0.75, 0.3))
    expect(viewer.page.locator("main svg text").filter(has_text="mm")).to_be_visible()
    site.open("studies")
    eventually(viewer.page, lambda: assert_kept(site, LEFT))


@pytest.mark.browser_context_args(viewport={"width": 900, "height": 600})
def test_planes_and_space_are_drawn(viewer, phantom, site):
    page = viewer.page
    viewer.choose_layout("Three planes (MPR)")
    for plane in ("axial", "sagittal", "coronal"):
        canvas = page.locator(f"[data-surface={plane}] canvas")
        eventually(page, partial(assert_shades, canvas, phantom.size, apart=200))
    site.judge()
    viewer.choose_layout("3D")

    def assert_bone():
        shown = picture(page.locator("[data-surface=volume] canvas"))
        assert np.mean(shown > np.median(shown) + 30) > 0.01
        assert len(np.unique(shown)) > 50

    eventually(page, assert_bone)

"""The study list: found, looked at, marked, uploaded, deleted and restored."""

import pytest
from playwright.sync_api import expect

from support import bundled

PHONE = {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1180}
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def studies(inside):
    """The list, with its rows there."""
    expect(inside.page.locator("#study-0 [role=gridcell]").nth(1)).not_to_be_empty()
    return inside


def row(page, name):
    return page.get_by_role("row").filter(has_text=name)


def test_a_study_is_found_and_looked_at_down_to_its_header(studies):
    page = studies.page
    page.keyboard.press("/")
    page.keyboard.type("compressedsamples ct1")
    expect(page.get_by_text("1 study", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    panel = page.get_by_role("complementary", name="Study")
    expect(panel.get_by_role("heading", name="CompressedSamples CT1")).to_be_visible()
    studies.judge()

    panel.get_by_role("button", name="Series 1").click()
    panel.get_by_role("button", name="Image 1").click()
    panel.get_by_role("searchbox", name="Tag, keyword or value").fill("PatientID")
    # The Study ID is the same; the search leaves one of the two.
    expect(panel.get_by_text("1CT1", exact=True)).to_have_count(1)
    assert "q=compressedsamples+ct1" in page.url
    page.reload()
    expect(panel.get_by_role("heading", name="CompressedSamples CT1")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search everything")).to_have_value("compressedsamples ct1")


def test_labels_and_a_remark_are_put_to_a_study_and_found(studies):
    page = studies.page
    row(page, "CompressedSamples MR1").click()
    panel = page.get_by_role("complementary", name="Study")
    panel.get_by_label("Add a label…").fill("teaching")
    panel.get_by_label("Add a label…").press("Enter")
    expect(panel.get_by_role("button", name="Take teaching off")).to_be_visible()
    panel.get_by_label("Remark").fill("<b>second opinion</b>")
    with page.expect_response("**/api/labels") as saved:
        panel.get_by_label("Remark").blur()
    assert saved.value.ok
    page.get_by_role("searchbox", name="Search everything").fill("teaching opinion")
    expect(page.get_by_text("1 study", exact=True)).to_be_visible()
    expect(row(page, "CompressedSamples MR1")).to_be_visible()


def test_an_upload_is_stored_deleted_and_restored(studies):
    page = studies.page
    page.locator("input[data-upload=files]").set_input_files(str(bundled.named("examples_palette.dcm").path))
    expect(page.get_by_text("1 file is stored")).to_be_visible()
    page.get_by_role("button", name="1 new study").click()
    page.get_by_role("button", name="Close", exact=True).click()
    before = page.get_by_role("grid").get_attribute("aria-rowcount")
    newest = page.locator("#study-0")
    newest.get_by_role("checkbox").check()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    go = page.get_by_role("dialog").get_by_role("button", name="Delete")
    expect(go).to_be_disabled()
    studies.judge()
    page.get_by_label("Type delete to confirm").fill("delete")
    go.click()
    expect(page.get_by_text("1 study is in the recycle bin")).to_be_visible()
    expect(page.get_by_role("grid")).not_to_have_attribute("aria-rowcount", str(before))

    page.get_by_role("navigation").get_by_role("link", name="Recycle bin").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="The recycle bin is empty")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Studies").click()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(before))


@pytest.mark.parametrize("size", [PHONE, TABLET, DESK])
def test_the_list_has_the_room(studies, size):
    page = studies.page
    page.set_viewport_size(size)
    grid = page.get_by_role("grid").bounding_box()
    assert grid["y"] < 160
    assert grid["y"] + grid["height"] > size["height"] - 40


@pytest.mark.browser_context_args(viewport=TABLET, has_touch=True)
def test_on_a_tablet_the_study_lies_below_the_list(studies):
    page = studies.page
    row(page, "CompressedSamples CT1").click()
    panel = page.get_by_role("complementary", name="Study")
    expect(panel).to_be_in_viewport(ratio=1)
    grid, below = page.get_by_role("grid").bounding_box(), panel.bounding_box()
    assert below["y"] >= grid["y"] + grid["height"]
    assert grid["height"] > 300
    studies.judge()


@pytest.mark.browser_context_args(viewport=PHONE, has_touch=True, is_mobile=True)
def test_on_a_phone_studies_are_cards_and_open_over_the_list(studies):
    page = studies.page
    row(page, "CompressedSamples CT1").click()
    panel = page.get_by_role("complementary", name="Study")
    expect(panel).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    studies.judge()
    panel.get_by_role("button", name="Close the study").click()
    expect(panel).to_be_hidden()

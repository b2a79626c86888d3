"""The study list: found, looked at, marked, uploaded, deleted and restored."""

import base64
import re

import pytest
from playwright.sync_api import expect

from support import browsing, bundled, samples
from support.browsing import ADMIN, OWN_PASSWORD, eventually

PHONE = {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1180}
DESK = {"width": 1440, "height": 900}
LYING = {"width": 390, "height": 460}
"""Not as high as the list."""

DROP = """
(file) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([Uint8Array.from(atob(file), (each) => each.charCodeAt(0))], "dropped.dcm"));
  for (const type of ["dragenter", "dragover", "drop"])
    document.querySelector("[data-list]").dispatchEvent(
      new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
}
"""


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
    stored = row(page, "11-05-25-142825")
    expect(stored).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    before = page.get_by_role("grid").get_attribute("aria-rowcount")
    stored.get_by_role("checkbox").check()
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


def test_what_comes_after_the_rows_and_before_the_events_is_told_of(site, server):
    study = samples.ct(16, 16, study_uid="1.2.3.99", series_uid="1.2.3.99.1", sop_uid="1.2.3.99.1.1")

    def late(route):
        browsing.store(server, samples.part10(study))
        route.continue_()

    site.slip_in()
    site.page.route("**/api/events*", late, times=1)
    site.open()
    expect(site.page.get_by_role("button", name="1 new study")).to_be_visible()


def test_what_the_list_shows_by_now_is_not_new(studies, server):
    page = studies.page
    study = samples.ct(16, 16, study_uid="1.2.3.98", series_uid="1.2.3.98.1", sop_uid="1.2.3.98.1.1")
    browsing.store(server, samples.part10(study))
    news = page.get_by_role("button", name="1 new study")
    expect(news).to_be_visible()
    before = int(page.get_by_role("grid").get_attribute("aria-rowcount"))
    # Whoever logs in again over the list gets it fetched anew.
    browsing.tell(server, "DELETE", "sessions")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    studies.enter(ADMIN, OWN_PASSWORD)
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(before + 1))
    expect(news).to_be_hidden()


def test_a_change_that_cannot_be_looked_up_breaks_nothing(studies, server):
    page = studies.page
    studies.watch.allowed_statuses.add(503)
    page.route("**/api/studies?StudyInstanceUID=*", lambda it: it.fulfill(status=503, json={"title": "busy"}))
    (study, *_) = browsing.tell(server, "GET", "studies?limit=1")["rows"]
    with page.expect_response("**/api/studies?StudyInstanceUID=*"):
        browsing.tell(server, "PATCH", f"studies/{study['StudyInstanceUID']}", {"remark": "looked up in vain"})
    page.unroute("**/api/studies?StudyInstanceUID=*")
    page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
    page.get_by_role("navigation").get_by_role("link", name="Studies").click()
    expect(page.locator("#study-0 [role=gridcell]").nth(1)).not_to_be_empty()


@pytest.mark.parametrize("size", [PHONE, TABLET, DESK, LYING])
def test_the_list_has_the_room_and_no_more(studies, size):
    page = studies.page
    page.set_viewport_size(size)

    def assert_roomy():
        grid = page.get_by_role("grid").bounding_box()
        assert grid["y"] < 160
        assert size["height"] - 40 < grid["y"] + grid["height"] <= size["height"]

    eventually(page, assert_roomy)
    # What is done with studies that are chosen lies over the list, however long that is.
    page.locator("#study-0 [data-check]").click()
    expect(page.get_by_role("toolbar").get_by_role("button", name="Delete")).to_be_in_viewport(ratio=1)


def test_labels_sort_the_list_and_studies_without_any_come_last(studies, server):
    page = studies.page
    [ct] = browsing.tell(server, "GET", "studies?PatientID=1CT1")["rows"]
    body = {"studies": [ct["StudyInstanceUID"]], "add_labels": ["0 to sort by"]}
    browsing.tell(server, "POST", "labels", body)
    page.reload()
    first = page.locator("#study-0")
    page.get_by_role("button", name="Sort by Labels").click()
    expect(first).to_contain_text("CompressedSamples CT1")
    with page.expect_response("**/api/studies?*order=-labels*"):
        page.get_by_role("button", name="Sort by Labels").click()
    expect(page.get_by_role("columnheader", name="Labels")).to_have_attribute("aria-sort", "descending")
    expect(first.get_by_role("gridcell").last).not_to_be_empty()
    browsing.tell(server, "POST", "labels", {**body, "add_labels": [], "remove_labels": body["add_labels"]})


@pytest.mark.browser_context_args(viewport=PHONE, has_touch=True, is_mobile=True)
def test_cards_are_sorted_where_they_are_filtered(studies):
    page = studies.page
    page.get_by_role("button", name="Filters").click()
    with page.expect_response("**/api/studies?*order=StudyDate*"):
        page.get_by_text("A\u2013Z", exact=True).click()
    studies.judge()


def test_back_leads_to_where_one_was(studies):
    page = studies.page
    grid = page.get_by_role("grid", name="Studies")
    grid.press("End")
    is_somewhere = ("aria-activedescendant", re.compile("^study-"))
    expect(grid).to_have_attribute(*is_somewhere)
    box = page.get_by_role("searchbox", name="Search everything")
    box.press_sequentially("compressedsamples")
    expect(page).to_have_url(re.compile("q=compressedsamples$"))
    # A place in one list is none in another.
    expect(grid).not_to_have_attribute(*is_somewhere)
    row(page, "CompressedSamples CT1").click()
    panel = page.get_by_role("complementary", name="Study")
    expect(panel).to_be_visible()
    page.go_back()
    expect(panel).to_have_count(0)
    expect(box).to_have_value("compressedsamples")
    page.go_back()
    expect(box).to_have_value("")
    page.go_forward()
    expect(box).to_have_value("compressedsamples")


def test_keys_lead_down_to_a_header_and_out_again(studies):
    page = studies.page
    keys = page.keyboard
    keys.press("/")
    keys.type("compressedsamples ct1")
    expect(page.get_by_text("1 study", exact=True)).to_be_visible()
    for key in ("Enter", "ArrowDown", "ArrowRight"):
        keys.press(key)
    panel = page.get_by_role("complementary", name="Study")
    series, image = (panel.get_by_role("button", name=name) for name in ("Series 1", "Image 1"))
    series.press("Enter")
    back = panel.get_by_role("button", name="Back")
    expect(back).to_be_focused()
    expect(image).to_be_visible()
    keys.press("Tab")
    expect(image).to_be_focused()
    keys.press("Enter")
    search = panel.get_by_role("searchbox")
    expect(search).to_be_visible()
    keys.press("Tab")
    expect(search).to_be_focused()
    keys.type("modality")
    # First what was typed goes, then one step after the other.
    keys.press("Escape")
    expect(search).to_have_value("")
    keys.press("Escape")
    expect(image).to_be_visible()
    keys.press("Escape")
    expect(series).to_be_visible()
    keys.press("Escape")
    expect(panel).to_have_count(0)
    expect(page.get_by_role("grid")).to_be_focused()


def test_a_remark_that_somebody_else_has_written_is_not_written_over(studies, server):
    page = studies.page
    row(page, "CompressedSamples CT1").click()
    field = page.get_by_role("complementary", name="Study").get_by_label("Remark")
    field.fill("a draft")
    field.press("Escape")
    expect(field).to_have_value("")
    [ct] = browsing.tell(server, "GET", "studies?PatientID=1CT1")["rows"]
    body = {"studies": [ct["StudyInstanceUID"]], "remark": "from elsewhere"}
    browsing.tell(server, "POST", "labels", body)
    expect(field).to_have_value("from elsewhere")
    field.focus()
    field.blur()
    [ct] = browsing.tell(server, "GET", "studies?PatientID=1CT1")["rows"]
    assert ct["remark"] == "from elsewhere"
    browsing.tell(server, "POST", "labels", {**body, "remark": ""})


def test_files_that_are_dropped_wait_for_a_server_that_is_away(studies):
    page = studies.page
    studies.watch.allowed_statuses.add(503)
    page.route("**/dicomweb/studies", lambda route: route.fulfill(status=503, body="{}"))
    file = base64.b64encode(bundled.named("examples_rgb_color.dcm").path.read_bytes()).decode()
    page.evaluate(DROP, file)
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.unroute("**/dicomweb/studies")
    expect(page.get_by_text("1 file is stored")).to_be_visible()
    page.get_by_role("button", name="Show each file").click()
    expect(page.get_by_text("dropped.dcm")).to_be_visible()
    studies.judge()


@pytest.mark.browser_context_args(viewport=TABLET, has_touch=True)
def test_on_a_tablet_the_study_lies_below_the_list(studies):
    page = studies.page
    row(page, "CompressedSamples CT1").click()
    panel = page.get_by_role("complementary", name="Study")
    expect(panel).to_be_in_viewport(ratio=1)

    def assert_below():
        grid, below = page.get_by_role("grid").bounding_box(), panel.bounding_box()
        assert below["y"] >= grid["y"] + grid["height"]
        assert grid["height"] > 300

    eventually(page, assert_below)
    studies.judge()


@pytest.mark.browser_context_args(viewport=PHONE, has_touch=True, is_mobile=True)
def test_on_a_phone_studies_are_cards_and_open_over_the_list(studies):
    page = studies.page
    row(page, "CompressedSamples CT1").click()
    panel = page.get_by_role("complementary", name="Study")
    expect(panel).to_be_in_viewport()
    studies.assert_fits()
    studies.judge()
    panel.get_by_role("button", name="Close the study").click()
    expect(panel).to_be_hidden()

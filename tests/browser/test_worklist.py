"""The worklist: what is scheduled on the page is what a modality gets, and who asked is seen there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from support import dcmtk
from support.browsing import Site

STATION = "CT-ROOM-2"
ASKED = (
    "SpecificCharacterSet=ISO_IR 192", "PatientName", "PatientID", "AccessionNumber",
    "ScheduledProcedureStepSequence[0].Modality",
    f"ScheduledProcedureStepSequence[0].ScheduledStationAETitle={STATION}",
    "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime",
)  # fmt: skip


def asked_by_modality(site: Site, folder: Path) -> str:
    """Return what DCMTK prints of the worklist's answers, its text in UTF-8."""
    keys = [part for key in ASKED for part in ("-k", key)]
    where = ("-aet", STATION, "-aec", "CALOTYPE", "127.0.0.1", site.server.port)
    return dcmtk.run("findscu", "-W", "+sr", *keys, *where, folder=folder).stdout


def choose(page: Page, form, label: str, option: str) -> None:
    """Choose in a list by the keyboard alone."""
    form.get_by_role("combobox", name=label).fill(option)
    page.get_by_role("option", name=option, exact=True).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_what_is_scheduled_is_found_by_a_modality_copied_moved_on_and_deleted(inside: Site, tmp_path: Path) -> None:
    page = inside.page
    inside.open("worklist")
    inside.settle()
    page.get_by_role("button", name="Schedule", exact=True).press("Enter")
    form = page.get_by_role("dialog", name="Schedule an examination")
    form.get_by_label("Name").fill("Zhang^San=张^三")
    form.get_by_label("Procedure", exact=True).fill("CT of the head")
    form.get_by_label("Time").fill("23:45")
    form.get_by_label("Station's AE title").fill(STATION)
    choose(page, form, "Modality", "CT")
    inside.judge()
    form.get_by_label("Room").press("Enter")
    expect(form).to_be_hidden()
    row = page.get_by_role("row").filter(has_text="张三")
    expect(row).to_contain_text("CT of the head")

    found = asked_by_modality(inside, tmp_path)
    assert "[Zhang^San=张^三" in found, found
    assert "[2345" in found
    number = row.locator("td[data-title='Accession no.']").inner_text()
    assert number
    assert f"[{number}" in found
    asker = page.get_by_role("heading", name="Who asked last").locator("..")
    expect(asker).to_contain_text(STATION)
    expect(asker).to_contain_text("1 step")

    row.get_by_role("button", name="More for").click()
    page.get_by_role("menuitem", name="Clone").click()
    form = page.get_by_role("dialog", name="Schedule another")
    form.get_by_label("Name").fill("Li^Si=李^四")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    assert "[Li^Si=李^四" in asked_by_modality(inside, tmp_path)

    row.get_by_role("button", name="Status of").click()
    page.get_by_role("menuitem", name="discontinued").click()
    expect(row).to_contain_text("discontinued")
    other = page.get_by_role("row").filter(has_text="李四")
    other.get_by_role("button", name="More for").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(other).to_have_count(0)
    gone = asked_by_modality(inside, tmp_path)
    assert "张^三" not in gone
    assert "李^四" not in gone


def test_days_and_stations_are_views_of_the_same_plan(inside: Site) -> None:
    page = inside.page
    today = datetime.now(UTC).strftime("%Y%m%d")
    inside.open(f"worklist?day={today}&view=stations")
    inside.settle()
    page.get_by_role("button", name="The day after").click()
    expect(page.get_by_role("heading", name="Nothing is scheduled on this day")).to_be_visible()
    expect(page.get_by_text("WORKLISTSCP")).to_be_visible()
    page.get_by_role("button", name="Today").click()
    expect(page.get_by_label("Day", exact=True)).to_have_value(f"{today[:4]}-{today[4:6]}-{today[6:]}")

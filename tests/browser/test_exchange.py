"""Images that leave and come, from the pages: nodes, sending, querying, retrieving, and the jobs that do it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from calotype.dicom.uids import VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CStoreRQ
from calotype.scp.echo import echo
from support import bundled, dcmtk, samples
from support.browsing import SETTLED, Site, store, tell
from support.peers import NATIVE, STORAGE, Sink, serving
from support.running import Running

MR = bundled.named("MR_small.dcm")


def enter_node(page: Page, name: str, port: int) -> None:
    """Fill the form of a node, and save it by Enter."""
    form = page.get_by_role("dialog")
    title = form.get_by_label("AE title")
    if title.is_editable():
        title.fill(name)
    form.get_by_label("Host name or address").fill("127.0.0.1")
    form.get_by_label("Port").fill(str(port))
    form.get_by_label("Port").press("Enter")
    expect(form).to_be_hidden()


def tick(page: Page, node: str) -> None:
    """Choose a node by the keyboard, unless it is chosen already."""
    box = page.get_by_role("checkbox", name=node)
    if not box.is_checked():
        box.press("Space")
    expect(box).to_be_checked()


def row(page: Page, text: str):
    return page.get_by_role("row").filter(has_text=text)


def test_a_node_is_entered_asked_corrected_and_gets_what_failed_before(inside: Site, tmp_path: Path) -> None:
    page = inside.page
    closed, opened = dcmtk.free_port(), dcmtk.free_port()
    inside.open("nodes")
    inside.settle()
    page.get_by_role("button", name="New node").press("Enter")
    enter_node(page, "VIEWBOX", closed)
    entry = row(page, "VIEWBOX")
    entry.get_by_role("button", name="Echo VIEWBOX").press("Enter")
    expect(entry).to_contain_text("connection refused")
    inside.judge()

    # It is there, but takes nothing.
    full = Sink(judge=lambda _request: 0xC000)
    with serving({CStoreRQ: full, CEchoRQ: echo}, {**STORAGE, VERIFICATION: NATIVE}, ae_title="VIEWBOX") as node:
        entry.get_by_role("button", name="Edit VIEWBOX").click()
        enter_node(page, "VIEWBOX", node.port)
        entry.get_by_role("button", name="Echo VIEWBOX").click()
        expect(entry).to_contain_text(re.compile(r"answers · \d+ ms"))

        page.get_by_role("navigation").get_by_role("link", name="Send").click()
        page.get_by_role("checkbox", name="Choose CompressedSamples MR1").press("Space")
        page.get_by_role("checkbox", name="VIEWBOX").press("Space")
        page.get_by_role("button", name="Send", exact=True).press("Enter")
        sent = page.get_by_role("region", name="Sending")
        expect(sent).to_contain_text("1 failed")
        inside.judge()
    assert len(full.received) >= 1

    with dcmtk.serving("storescp", opened, "-aet", "VIEWBOX", "-od", tmp_path, opened, folder=tmp_path):
        page.get_by_role("navigation").get_by_role("link", name="Nodes").click()
        entry.get_by_role("button", name="Edit VIEWBOX").click()
        enter_node(page, "VIEWBOX", opened)
        page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
        job = row(page, "VIEWBOX").first
        expect(job).to_contain_text("1 failed")
        job.press("Enter")
        expect(page.get_by_role("region", name="What came of its items")).to_contain_text("C000")
        job.get_by_role("button", name="Try job").press("Enter")
        expect(job).to_contain_text("1 of 1")
        expect(job).to_contain_text("done")
        expect(job).not_to_contain_text("failed")
    assert [each.name for each in tmp_path.glob("MR.*")] == [f"MR.{MR.sop_instance}"]


@pytest.fixture
def known(server: Running):
    """Put nodes into the address book for the time of a test."""
    names: list[str] = []

    def enter(name: str, port: int) -> None:
        tell(server, "POST", "nodes", {"ae_title": name, "host": "127.0.0.1", "port": port})
        names.append(name)

    yield enter
    for name in names:
        tell(server, "DELETE", f"nodes/{name}")


def start_sending(site: Site, node: str, *patients: str) -> None:
    """Send studies of the archive from the page for it."""
    site.open("send")
    for patient in patients:
        site.page.get_by_role("checkbox", name=f"Choose {patient}").check()
    tick(site.page, node)
    site.page.get_by_role("button", name="Send", exact=True).click()
    expect(site.page.get_by_role("region", name="Sending")).to_contain_text(node)


def test_a_job_is_cancelled_and_done_later(inside: Site, known) -> None:
    page = inside.page
    may_go_on = threading.Event()

    def slowly(_request: CStoreRQ) -> int:
        may_go_on.wait(60)
        return 0x0000

    slow = Sink(judge=slowly)
    with serving({CStoreRQ: slow, CEchoRQ: echo}, {**STORAGE, VERIFICATION: NATIVE}, ae_title="SLOW") as node:
        known("SLOW", node.port)
        start_sending(inside, "SLOW", "CompressedSamples MR1", "CompressedSamples CT1")
        page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
        job = row(page, "SLOW")
        expect(job).to_contain_text("running")
        job.get_by_role("button", name="Cancel job").press("Enter")
        expect(job).to_contain_text("cancelling")
        inside.judge()
        may_go_on.set()
        expect(job).to_contain_text("cancelled")
        job.get_by_role("button", name="Try job").press("Enter")
        expect(job).to_contain_text("2 of 2")
        expect(job).to_contain_text("done")
    assert len({request.affected_sop_instance_uid for request, _, _ in slow.received}) == 2
    job.get_by_role("button", name="Delete job").click()
    expect(job).to_have_count(0)


def test_a_job_that_waits_for_its_node_is_told_not_to(inside: Site, known, tmp_path: Path) -> None:
    page = inside.page
    port = dcmtk.free_port()
    known("LATE", port)
    start_sending(inside, "LATE", "CompressedSamples MR1")
    sent = page.get_by_role("region", name="Sending")
    expect(sent).to_contain_text("again in")
    with dcmtk.serving("storescp", port, "-aet", "LATE", "-od", tmp_path, port, folder=tmp_path):
        sent.get_by_role("button", name="Try job").press("Enter")
        expect(sent).to_contain_text("1 of 1")
        expect(sent).to_contain_text("done")
    assert len(list(tmp_path.glob("MR.*"))) == 1


AWAY = ("Huang^Rong=黄^蓉", "Guo^Jing=郭^靖", "Yang^Guo=杨^过")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another archive with studies of its own, which knows nobody yet."""
    name = {"CALOTYPE__LISTENERS__0__AE_TITLES": '["SECOND"]', "CALOTYPE__DICOM__AE_TITLE": "SECOND"}
    with Running(tmp_path_factory.mktemp("second"), environment={**SETTLED, **name}) as running:
        for study, patient in enumerate(AWAY, 1):
            for number in range(1, 4):
                file = samples.ct(
                    study_uid=samples.uid(78, study),
                    series_uid=samples.uid(78, study, 1),
                    sop_uid=samples.uid(78, study, 1, number),
                    changes={0x00100010: ("PN", patient), 0x00100020: ("LO", f"AWAY-{study}")},
                )
                store(running, samples.part10(file))
        yield running


def test_studies_of_another_archive_are_found_retrieved_and_viewed(inside: Site, other: Running, known) -> None:
    page = inside.page
    known("SECOND", other.ports["SECOND"])
    us = {"ae_title": "CALOTYPE", "host": "127.0.0.1", "port": inside.server.port}
    tell(other, "POST", "nodes", us)

    page.get_by_role("navigation").get_by_role("link", name="Query / Retrieve").click()
    tick(page, "SECOND")
    page.get_by_label("Patient ID").fill("AWAY-*")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 studies")).to_be_visible()
    rong, jing, guo = (row(page, name) for name in ("Huang Rong (黄蓉)", "Guo Jing (郭靖)", "Yang Guo (杨过)"))
    inside.judge()

    # One by its own button, with what is known of it: nothing is here, then all of it.
    expect(rong.locator("td[data-title=Here]")).to_be_empty()
    rong.get_by_role("button", name="Retrieve the study").press("Enter")
    expect(rong.locator("td[data-title=Here]")).to_have_text("here")
    expect(rong.get_by_role("link", name="View the study")).to_be_visible()

    # One of the series of another, by C-GET.
    page.get_by_role("radio", name="C-MOVE").press("ArrowRight")
    expect(page.get_by_role("radio", name="C-GET")).to_be_checked()
    jing.press("Enter")
    page.get_by_role("button", name="Retrieve series").click()
    expect(jing.locator("td[data-title=Here]")).to_have_text("here")
    inside.judge()

    # The last one is shown as soon as it is here.
    guo.get_by_role("button", name="Retrieve and view").click()
    page.wait_for_url(re.compile(re.escape(f"/ui/viewer/{samples.uid(78, 3)}")))
    rows = tell(inside.server, "GET", "studies?PatientID=AWAY-*")["rows"]
    assert {each["PatientID"]: each["NumberOfStudyRelatedInstances"] for each in rows} == {
        "AWAY-1": 3, "AWAY-2": 3, "AWAY-3": 3,
    }  # fmt: skip
    page.go_back()
    expect(row(page, "Yang Guo").locator("td[data-title=Here]")).to_have_text("here")


def test_a_node_that_is_away_is_said_to_be_beside_the_answers_of_others(inside: Site, other: Running, known) -> None:
    page = inside.page
    known("SECOND", other.ports["SECOND"])
    known("GONE", dcmtk.free_port())
    inside.watch.allowed_statuses.add(503)
    inside.open("query?node=SECOND&node=GONE&id=AWAY-*")
    expect(page.get_by_role("alert").filter(has_text="GONE")).to_contain_text("nobody listens")
    expect(page.get_by_text("3 studies")).to_be_visible()

"""The first day, from the known password to the first study on the screen."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from calotype.dicom.uids import VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ
from calotype.scp.echo import echo
from support.browsing import ADMIN, GUARDED, OWN_PASSWORD, Site
from support.peers import NATIVE, serving
from support.running import Running


def step(page: Page, title: str):
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=title))


def test_the_guide_leads_from_the_known_password_to_the_first_study(tmp_path: Path, page: Page) -> None:
    with (
        Running(tmp_path, environment=GUARDED) as server,
        serving({CEchoRQ: echo}, {VERIFICATION: NATIVE}, ae_title="SCANNER") as scanner,
    ):
        site = Site.over(server, page)
        site.open()
        site.enter(ADMIN, "admin")
        page.get_by_label("Current password").fill("admin")
        for chosen in page.locator("input[autocomplete=new-password]").all():
            chosen.fill(OWN_PASSWORD)
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="First steps")).to_be_visible()
        expect(step(page, "Password")).to_contain_text("your own")
        doors = step(page, "AE title and ports")
        expect(doors).to_contain_text("4 ports open")
        expect(doors).to_contain_text("CALOTYPE")
        expect(doors).to_contain_text(str(server.port))
        expect(step(page, "Storage")).to_contain_text(str(server.folder / "data"))
        site.judge()

        nodes = step(page, "Nodes")
        expect(nodes).to_contain_text("none yet")
        nodes.get_by_role("link", name="Add the first node").press("Enter")
        form = page.get_by_role("dialog", name="New node")
        form.get_by_label("AE title").fill("SCANNER")
        form.get_by_label("Host name or address").fill("127.0.0.1")
        form.get_by_label("Port").fill(str(scanner.port))
        form.get_by_label("Port").press("Enter")
        expect(page.get_by_text("SCANNER is saved and in effect")).to_be_visible()
        page.go_back()
        nodes.get_by_role("button", name="Echo SCANNER").press("Enter")
        expect(nodes).to_contain_text("answers")

        study = step(page, "A study to open")
        study.get_by_role("button", name="Put the sample in").press("Enter")
        with page.expect_popup() as opened:
            study.get_by_role("link", name="Open the last one").click()
        expect(opened.value).to_have_url(re.compile(r"/ui/viewer/[0-9.]+"))
        opened.value.close()
        page.get_by_role("button", name="Done, to the studies").press("Enter")
        expect(page.get_by_text("CALOTYPE-SAMPLE")).to_be_visible()
        site.open()
        expect(page).to_have_url(f"{site.origin}/ui/studies")
        site.conclude()

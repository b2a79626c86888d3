"""Status: what is open, who was turned away and why, and who was refused a service and is let in by one press."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from calotype.services.access.permissions import Right
from support import dcmtk
from support.browsing import SETTLED, Site
from support.running import Running

STRICT = {f"CALOTYPE__ACCESS__{right.name}": "known" for right in Right if right is not Right.STORE}
ASK = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that lets strangers do little."""
    with Running(tmp_path_factory.mktemp("strict"), environment={**SETTLED, **STRICT}) as running:
        yield running


def test_who_was_turned_away_and_why_is_seen_and_a_stranger_is_admitted(inside: Site, tmp_path: Path) -> None:
    page, port = inside.page, inside.server.port
    dcmtk.run("echoscu", "-aet", "LOST", "-aec", "NOBODY", "127.0.0.1", port, folder=tmp_path)
    ask = ("findscu", "-v", *ASK, "-aet", "DESK-7", "-aec", "CALOTYPE", "127.0.0.1", port)
    assert "Status: 0x124" in dcmtk.run(*ask, folder=tmp_path).stdout

    page.get_by_role("navigation").get_by_role("link", name="Status").press("Enter")
    ports = page.get_by_role("region", name="Ports")
    expect(ports.get_by_text("open", exact=True)).to_have_count(4)
    for name, number in inside.server.ports.items():
        expect(ports.get_by_role("row").filter(has_text=name).filter(has_text=str(number))).to_have_count(1)
    # What is not built yet is not said to be served.
    expect(ports.get_by_role("row").filter(has_text="PRINTSCP")).to_contain_text("Echo")
    expect(ports).not_to_contain_text("Print")
    turned = page.get_by_role("region", name="Associations turned away").get_by_role("row").filter(has_text="LOST")
    expect(turned).to_contain_text("LOST → NOBODY")
    expect(turned).to_contain_text("called AE title not recognized")
    refused = page.get_by_role("region", name="Refused services").get_by_role("row").filter(has_text="DESK-7")
    expect(refused).to_contain_text("Find")
    expect(refused).to_contain_text("not in the nodes")
    inside.judge()

    refused.get_by_role("button", name="Admit DESK-7").press("Enter")
    expect(page.get_by_text("DESK-7 is admitted")).to_be_visible()
    expect(refused).to_have_count(0)
    assert "(Success)" in dcmtk.run(*ask, folder=tmp_path).stdout
    page.get_by_role("navigation").get_by_role("link", name="Nodes").click()
    expect(page.get_by_role("row").filter(has_text="DESK-7")).to_be_visible()


def test_a_chinese_reader_is_told_in_chinese_why(inside: Site, tmp_path: Path) -> None:
    page, port = inside.page, inside.server.port
    dcmtk.run("echoscu", "-aet", "LOST-2", "-aec", "NOBODY", "127.0.0.1", port, folder=tmp_path)
    inside.prefer("zh-CN", "light")
    inside.open("status")
    turned = page.get_by_role("region", name="被拒绝的关联").get_by_role("row").filter(has_text="LOST-2")
    expect(turned).to_contain_text("永久拒绝: 被叫 AE 标题未被识别")
    expect(turned).to_contain_text("被叫 AE 标题“NOBODY”不属于此端口")
    inside.judge()


def test_a_modality_that_gets_no_worklist_is_seen_there_and_admitted(inside: Site, tmp_path: Path) -> None:
    page = inside.page
    ask = ("findscu", "-v", "-W", "-k", "PatientName", "-aet", "US-9", "-aec", "WORKLISTSCP", "127.0.0.1")
    port = inside.server.ports["WORKLISTSCP"]
    assert "Status: 0x124" in dcmtk.run(*ask, port, folder=tmp_path).stdout
    inside.open("worklist")
    asker = page.get_by_role("heading", name="Who asked last").locator("..")
    expect(asker).to_contain_text("US-9")
    expect(asker).to_contain_text("not admitted to the worklist")
    inside.judge()
    asker.get_by_role("button", name="Admit US-9").press("Enter")
    expect(page.get_by_text("US-9 is admitted")).to_be_visible()
    expect(asker).not_to_contain_text("not admitted")
    assert "(Success)" in dcmtk.run(*ask, port, folder=tmp_path).stdout
    # It asks us; nothing is known of what it would serve.
    page.get_by_role("navigation").get_by_role("link", name="Nodes").click()
    expect(page.get_by_role("row").filter(has_text="US-9")).to_contain_text("nothing")

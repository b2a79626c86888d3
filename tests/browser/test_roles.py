"""Each role walks through all that it is shown: nothing that can be pressed ends in a refusal."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Response, expect

from calotype.services.access.permissions import Right
from support import dcmtk, samples
from support.browsing import ADMIN, OWN_PASSWORD, PATIENCE_MS, SETTLED, Site, join, store, tell
from support.running import Running

STRICT = {f"CALOTYPE__ACCESS__{right.name}": "known" for right in Right if right is not Right.STORE}

SHOWN = {
    "viewer": {"studies", "worklist", "jobs", "status", "users"},
    "operator": {"studies", "worklist", "recycle-bin", "query", "send", "jobs", "nodes", "status", "users"},
}
SHOWN["admin"] = SHOWN["operator"]

BUTTONS = {
    "worklist": {"operator": ["Schedule"]},
    "recycle-bin": {"operator": ["Restore"], "admin": ["Purge", "Empty the bin"]},
    "jobs": {"operator": ["Send images"]},
    "nodes": {"operator": ["Echo WALKED"], "admin": ["New node", "Import"]},
    "status": {"admin": ["Admit STRANGER"]},
    "users": {"viewer": ["New token"], "admin": ["New user"]},
}
"""What can be pressed on a page, by who may at the least."""

RANK = ("viewer", "operator", "admin")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one of everything that pages list: studies, a deletion, a node, users, a refused stranger."""
    folder = tmp_path_factory.mktemp("walked")
    with Running(folder, environment={**SETTLED, **STRICT}) as running:
        for study in (1, 2):
            uids = [samples.uid(55, study, *(1,) * depth) for depth in range(3)]
            store(running, samples.part10(samples.ct(study_uid=uids[0], series_uid=uids[1], sop_uid=uids[2])))
        gone = f"{running.url}/studies/{samples.uid(55, 2)}"
        deleted = httpx.delete(gone, auth=(ADMIN, OWN_PASSWORD), timeout=PATIENCE_MS / 1000)
        assert deleted.status_code == 204
        tell(running, "POST", "nodes", {"ae_title": "WALKED", "host": "127.0.0.1", "port": 9})
        for role in SHOWN:
            join(running, f"the-{role}", role)
        stranger = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-aet", "STRANGER", "-aec", "CALOTYPE")
        dcmtk.run("findscu", *stranger, "127.0.0.1", running.port, folder=folder)
        yield running


@pytest.mark.parametrize("role", RANK)
def test_a_role_sees_what_it_may_do_and_is_refused_nothing(site: Site, role: str) -> None:
    page = site.page
    refused: list[str] = []

    def see(response: Response) -> None:
        if response.status == 403:
            refused.append(f"{response.request.method} {response.url} on {page.url}")

    page.on("response", see)
    site.slip_in(f"the-{role}")
    site.open()
    site.settle()
    shown = {str(link.get_attribute("href")).rpartition("/")[2] for link in site.places()}
    assert shown == SHOWN[role]
    for _ in site.visit_places():
        place = page.url.rpartition("/")[2]
        for needed, names in BUTTONS.get(place, {}).items():
            for name in names:
                button = (
                    page.get_by_role("main")
                    .get_by_role("button", name=name)
                    .or_(page.get_by_role("main").get_by_role("link", name=name))
                )
                expect(button).to_have_count(1 if RANK.index(role) >= RANK.index(needed) else 0)
    if role != "viewer":
        site.open("nodes")
        page.get_by_role("button", name="Edit WALKED").or_(page.get_by_role("button", name="Look at WALKED")).click()
        drawer = page.get_by_role("dialog")
        expect(drawer.get_by_label("AE title")).to_have_value("WALKED")
        expect(drawer.get_by_role("button", name="Save")).to_have_count(1 if role == "admin" else 0)
    site.open("studies")
    page.locator("#study-0").click()
    expect(page.get_by_role("complementary", name="Study").get_by_role("heading").first).to_be_visible()
    site.settle()
    for address in sorted(SHOWN["admin"] - SHOWN[role]):
        site.open(address)
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert refused == []

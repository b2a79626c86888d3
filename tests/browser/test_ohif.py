"""OHIF, from the studies page to the picture, on our DICOMweb and under the policy that we send with it."""

import numpy as np
import pytest
from playwright.sync_api import expect

from calotype.web.viewers.ohif import Ohif
from support import dcmtk
from support.browsing import eventually, store
from support.viewing import Phantom, picture

PHANTOM = Phantom(series=2, size=16)


@pytest.fixture(scope="module")
def phantom(server):
    """A server that has the phantom, and OHIF."""
    if not Ohif().is_here:
        dcmtk.lack("OHIF is not here: `python tools/ohif.py` brings it")
    store(server, *PHANTOM.files(patient_name="Ohif^Phantom=幻^影", patient_id="OHIF"))
    return PHANTOM


def test_a_study_opens_in_ohif_and_is_drawn(inside, phantom):
    page = inside.page
    answers = []
    page.context.on("response", lambda response: answers.append((response.url, response.status)))
    page.get_by_role("row").filter(has_text="Ohif Phantom").click()
    page.get_by_role("complementary", name="Study").get_by_role("button", name="Open in…").click()
    with page.expect_popup() as opened:
        page.get_by_role("menuitem", name="OHIF", exact=True).click()
    ohif = opened.value
    assert ohif.url == f"{inside.origin}/ohif/viewer?StudyInstanceUIDs={phantom.study_uid}"
    # Others are drawn aside, for small pictures.
    canvas = ohif.locator("#viewerLayoutResizableViewportGridPanel .cornerstone-canvas")
    expect(canvas).to_have_count(1)

    def is_drawn():
        shown = picture(canvas)
        assert len(np.unique(shown)) > phantom.size
        assert np.ptp(shown) > 200

    eventually(ohif, is_drawn)
    frames = [status for url, status in answers if f"/studies/{phantom.study_uid}/" in url and "/frames/" in url]
    assert frames
    assert set(frames) == {200}
    expect(ohif.get_by_text("胸部 CT 平扫").first).to_be_visible()

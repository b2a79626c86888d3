"""Whatever stands in objects, worklists, answers and names is text here: no page runs it, or breaks from it.

That nothing ran is what :class:`support.browsing.Watch` says after every flow: all of these texts call ``owned()``
where they are run, ask another host where they are pictures, and breach the policy where they are handlers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, StudyRootQueryRetrieveInformationModelFind

from calotype.dicom import uids
from calotype.dicom.wire.messages import CFindRQ
from calotype.errors import CalotypeError
from calotype.scu.keys import encode_keys
from calotype.services.routing.nodes import Node
from calotype.web.viewers.ohif import Ohif
from support import dcmtk, samples
from support.browsing import ADMIN, OWN_PASSWORD, PATIENCE_MS, SETTLED, store, tell
from support.foreign import (  # noqa: F401 - fixtures that are in force by being here
    pynetdicom_closes_its_sockets,
    pynetdicom_is_done,
    pynetdicom_survives_late_words,
)
from support.peers import NATIVE, call
from support.running import Running
from support.viewing import Viewer

SCRIPT = "<script>owned()</script>"
IMAGE = '"><img src=//x onerror=owned()>'
TEMPLATE = "{{count}} $t(nav.studies)"
TURNED = "\u202egnp.gnilffus\u202c \u2067\u05d0\u2069 \u200f"
NUL = "be\0hind"
LONG = "Wa" * 5000
SHORT = 1000

PATIENT_NAME = 0x00100010
LEFT_AS_THEY_ARE = frozenset({0x00080005, 0x00280004})
"""Specific Character Set and Photometric Interpretation: they say how the rest is read."""
LONG_ONES = frozenset({PATIENT_NAME, 0x00080050, 0x00081030, 0x0008103E, 0x00080090})
"""What lists show; all others would make a header of megabytes."""
TEXTS = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
TAGS = tuple(
    (tag, row[0])
    for tag, row in DicomDictionary.items()
    if 0x0008 <= tag >> 16 <= 0x0040 and row[0] in TEXTS and tag not in LEFT_AS_THEY_ARE
)
WIDTHS = (1440, 390)
WIDE = (IMAGE, LONG)
"""With words that break nowhere."""


def study_uid(number: int) -> str:
    return samples.uid(66, number)


def hostile(number: int, text: str) -> bytes:
    """Return an object of a study of its own: each attribute of text that the Standard has is ``text``."""
    return samples.part10(
        samples.ct(
            study_uid=study_uid(number),
            series_uid=samples.uid(66, number, 1),
            sop_uid=samples.uid(66, number, 1, 1),
            changes={tag: (vr, text if tag in LONG_ONES else text[:SHORT]) for tag, vr in TAGS},
        )
    )


STUDIES = {1: SCRIPT, 2: IMAGE, 3: TEMPLATE, 4: TURNED, 5: NUL, 6: LONG}
BINNED = 7
SEEN = {TURNED: "gnp.gnilffus", NUL: "be", LONG: "Wa" * 100}
"""What can be looked for of those that are not shown whole."""
TITLE = '"><b>{{n}}$t(x)'
"""What an AE title may be: 16 characters."""
STRANGER, WRONG = "<i>$t(nav.jobs)", "<u onclick=x>"


ANSWERED = ("PatientName", "PatientID", "PatientSex", "AccessionNumber", "StudyDescription", "ModalitiesInStudy")
ANSWERED += ("Modality", "SeriesDescription", "BodyPartExamined")


class Neighbour:
    """A node that answers with what no node should: to a question, and to what it is sent."""

    def find(self, _event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        """Answer a question, of studies or of series."""
        for number, text in enumerate((SCRIPT, IMAGE, TEMPLATE, TURNED, LONG), 1):
            answer = Dataset()
            answer.SpecificCharacterSet = "ISO_IR 192"
            answer.StudyInstanceUID, answer.SeriesInstanceUID = samples.uid(67, number), samples.uid(67, number, 1)
            for keyword in ANSWERED:
                tag, vr = tag_for_keyword(keyword), dictionary_VR(keyword)
                # Code strings have no character set: theirs are bytes.
                value = text.encode().decode("latin-1") if vr == "CS" else text
                answer.add(DataElement(tag, vr, value, validation_mode=IGNORE))
            yield 0xFF00, answer

    def store(self, _event: evt.Event) -> Dataset:
        """Refuse an object, and say so."""
        refused = Dataset()
        refused.Status, refused.ErrorComment = 0xA700, IMAGE
        return refused

    @contextmanager
    def listening(self) -> Iterator[int]:
        """Listen until the block ends; gives the port."""
        ae = AE(TITLE)
        ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        ae.add_supported_context(CTImageStorage)
        handlers = [(evt.EVT_C_FIND, self.find), (evt.EVT_C_STORE, self.store)]
        server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def post(running: Running, path: str, body: dict[str, Any]) -> None:
    tell(running, "POST", path, body)


def plan(number: int, text: str) -> dict[str, Any]:
    """Return a worklist item all of whose text is ``text``."""
    step = {
        "ScheduledStationAETitle": TITLE,
        "ScheduledStationName": text[:16],
        "Modality": "CT",
        "ScheduledProcedureStepStartDate": "20240131",
        "ScheduledProcedureStepStartTime": "0900",
        "ScheduledPerformingPhysicianName": text,
        "ScheduledProcedureStepDescription": text,
        "ScheduledProcedureStepID": f"{number}{text}"[:16],
    }
    names = ("PatientName", "PatientID", "ReferringPhysicianName", "RequestedProcedureDescription", "AdmissionID")
    item = dict.fromkeys(names, text)
    return {**item, "AccessionNumber": f"{number}{text}"[:16], "ScheduledProcedureStepSequence": [step]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that has nothing but what nobody should bring, in every place where somebody may."""
    folder = tmp_path_factory.mktemp("hostile")
    environment = {**SETTLED, "CALOTYPE__ACCESS__FIND": "known"}
    with Neighbour().listening() as port, Running(folder, environment=environment) as running:
        store(running, *(hostile(number, text) for number, text in STUDIES.items()), hostile(BINNED, IMAGE))
        for text in (SCRIPT, IMAGE, TEMPLATE):
            post(running, "labels", {"studies": [study_uid(1)], "add_labels": [text], "remark": text})
            post(running, "worklist", plan(len(text), text))
            post(running, "tokens", {"label": text, "scopes": ["read"]})
        post(running, "worklist", plan(1, TURNED))
        node = {"ae_title": TITLE, "host": "127.0.0.1", "port": port, "note": f"{IMAGE} {TEMPLATE} {LONG[:200]}"}
        post(running, "nodes", node)
        post(running, f"nodes/{quote(TITLE)}/send", {"studies": [study_uid(1)]})
        for name in ('"><img-onerror=owned()>', "{{name}}$t(nav.users)"):
            post(running, "users", {"name": name, "password": OWN_PASSWORD})
        httpx.post(
            f"http://127.0.0.1:{running.http_port}/api/session",
            json={"user": ADMIN, "password": OWN_PASSWORD},
            headers={"User-Agent": IMAGE},
            timeout=PATIENCE_MS / 1000,
        ).raise_for_status()
        httpx.delete(
            f"{running.url}/studies/{study_uid(BINNED)}",
            params={"reason": SCRIPT},
            auth=(ADMIN, OWN_PASSWORD),
            timeout=PATIENCE_MS / 1000,
        ).raise_for_status()
        ask(Node("CALOTYPE", "127.0.0.1", running.port), STRANGER)
        with pytest.raises(CalotypeError):
            ask(Node(WRONG, "127.0.0.1", running.port), TITLE)
        yield running


def ask(node: Node, calling_ae_title: str) -> None:
    """Ask for a study as somebody whom nobody knows."""
    model, syntax = uids.STUDY_ROOT_FIND, uids.IMPLICIT_VR_LITTLE_ENDIAN
    keys = encode_keys({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3"}, syntax)
    with call(node, (model, NATIVE), calling_ae_title=calling_ae_title) as association:
        association.send(1, CFindRQ(message_id=1, affected_sop_class_uid=model), keys)
        association.receive()
        association.skip_data_set()


SHOWN = {
    "studies": (SCRIPT, IMAGE, TEMPLATE, "gnp.gnilffus", "WaWaWa"),
    "worklist?day=any": (SCRIPT, IMAGE, TEMPLATE, "gnp.gnilffus", TITLE),
    "worklist?day=any&view=stations": (SCRIPT, IMAGE, TEMPLATE, TITLE),
    "recycle-bin": (IMAGE, SCRIPT),
    f"query?node={quote(TITLE)}": (SCRIPT, IMAGE, TEMPLATE, "gnp.gnilffus", "WaWaWa", TITLE),
    "send": (TITLE,),
    "jobs": (TITLE, SCRIPT),
    "nodes": (TITLE, IMAGE, TEMPLATE),
    "status": (STRANGER, WRONG),
    "users": ("{{name}}$t(nav.users)", IMAGE, SCRIPT, TEMPLATE),
}
"""Each page, and what stands on it."""


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.split("?")[0].split("%")[0])
def test_every_page_shows_it_as_text(inside, path):
    page = inside.open(path)
    inside.settle()
    for text in SHOWN[path]:
        expect(page.locator("main").get_by_text(text).first).to_be_visible()
    inside.assert_fits(*WIDTHS)


def test_a_study_shows_it_down_to_the_header_and_up_to_the_patient(inside):
    page = inside.page
    panel = page.get_by_role("complementary", name="Study")
    for number, text in STUDIES.items():
        shown = SEEN.get(text, text)
        inside.open(f"studies?study={study_uid(number)}")
        expect(panel.get_by_text(shown).first).to_be_visible()
        panel.get_by_role("button", name="1 image").click()
        panel.get_by_role("button", name="Image 1").click()
        expect(panel.locator("dd").filter(has_text=shown).nth(100)).to_be_attached()
        if text in WIDE:
            inside.assert_fits(*WIDTHS)
        panel.get_by_role("link", name="All studies of this patient").click()
        expect(page.locator("main h1").get_by_text(shown[:5])).to_be_visible()
        expect(page.get_by_role("link", name="Open")).to_be_visible()
        if text in WIDE:
            inside.assert_fits(*WIDTHS)


def test_what_opens_on_a_page_shows_it_as_text(inside):
    page = inside.open("jobs")
    page.get_by_role("row").filter(has_text=TITLE).click()
    expect(page.get_by_text(IMAGE).first).to_be_visible()
    inside.assert_fits(*WIDTHS)
    inside.open(f"query?node={quote(TITLE)}")
    page.get_by_role("row").filter(has_text=TEMPLATE).first.click()
    expect(page.get_by_text(TEMPLATE).nth(3)).to_be_visible()
    expect(page.get_by_role("checkbox", name=TEMPLATE)).to_be_visible()
    inside.assert_fits(*WIDTHS)
    inside.open("status")
    page.get_by_role("button", name=STRANGER).click()
    expect(page.get_by_role("alert").get_by_text(STRANGER)).to_be_visible()
    inside.open("worklist?day=any")
    page.get_by_role("row").filter(has_text=SCRIPT).get_by_text(SCRIPT).first.click()
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Name", exact=True)).to_have_value(SCRIPT)
    inside.judge()


def test_the_viewer_shows_it_as_text_over_its_pictures(inside):
    first, *others = map(study_uid, STUDIES)
    page = inside.open(f"viewer/{first}?{'&'.join(f'compare={uid}' for uid in others)}")
    viewer = Viewer(page)
    viewer.wait()
    assert page.title() == f"{SCRIPT} · calotype"
    for number, text in STUDIES.items():
        tile = page.get_by_role("navigation", name="Series").get_by_role("button").nth(number - 1)
        tile.click()
        viewer.wait()
        expect(page.locator("[data-corner=top-left]").get_by_text(SEEN.get(text, text)).first).to_be_visible()
        expect(page.locator("[data-corner=bottom-left]").get_by_text(SEEN.get(text, text))).to_be_visible()
    viewer.choose_layout("Four")
    expect(page.get_by_role("region", name=TEMPLATE)).to_be_visible()
    inside.assert_fits(*WIDTHS)


def test_ohif_shows_it_as_text(inside):
    if not Ohif().is_here:
        dcmtk.lack("OHIF is not here: `python tools/ohif.py` brings it")
    inside.is_judged = False  # made by others
    page = inside.page
    page.goto(f"{inside.origin}/ohif/")
    expect(page.get_by_text(SCRIPT).first).to_be_visible()
    page.goto(f"{inside.origin}/ohif/viewer?StudyInstanceUIDs={','.join(map(study_uid, STUDIES))}")
    expect(page.locator(".cornerstone-canvas").first).to_be_visible()
    for text in (SCRIPT, IMAGE, TEMPLATE):
        expect(page.get_by_text(text).first).to_be_visible()
    # It does not draw a picture whose header makes no sense, and says so; that is its own.
    inside.watch.errors.clear()

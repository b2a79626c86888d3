"""Whatever a modality writes into its objects is text here: no page runs it, breaks from it or turns round for it."""

from __future__ import annotations

import io

import pydicom
import pytest
from playwright.sync_api import expect

from support import samples
from support.browsing import SETTLED, store
from support.running import Running

SCRIPT = "<script>window.owned=1</script>"
IMAGE = '"><img src=x onerror="window.owned=1">'
TURNED = "\u202egnp.gnilffus\u202c \u2067\u05d0\u2069"
LONG = "Wa" * 5000
NUL = "be\0hind"

PATIENT_NAME, CHARACTER_SET = 0x00100010, 0x00080005
TEXTS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})


def text_tags() -> list[tuple[int, str]]:
    """Return the tag and VR of each text attribute that the tests' CT has, character set aside."""
    read = pydicom.dcmread(io.BytesIO(samples.part10(samples.ct())), stop_before_pixels=True)
    return [
        (int(each.tag), each.VR) for each in read if each.VR in TEXTS and each.tag not in {CHARACTER_SET, 0x00080060}
    ]


def hostile(number: int, text: str) -> bytes:
    """Return an object of a study of its own, all of whose text is ``text``."""
    short = text[:1000]
    return samples.part10(
        samples.ct(
            study_uid=samples.uid(66, number),
            series_uid=samples.uid(66, number, 1),
            sop_uid=samples.uid(66, number, 1, 1),
            changes={tag: (vr, text if tag == PATIENT_NAME else short) for tag, vr in text_tags()},
        )
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    """A server that has nothing but what no modality should send, taken in over STOW-RS."""
    with Running(tmp_path_factory.mktemp("hostile"), environment=SETTLED) as running:
        for number, text in enumerate((SCRIPT, IMAGE, TURNED, NUL, LONG), 1):
            store(running, hostile(number, text))
        yield running


def assert_harmless(site) -> None:
    assert site.page.evaluate("window.owned") is None
    assert site.page.locator("main img[onerror], main script").count() == 0


def test_every_page_shows_it_as_text(inside):
    for _ in inside.visit_places():
        assert_harmless(inside)
    inside.open("studies")
    expect(inside.page.get_by_text(SCRIPT).first).to_be_visible()
    expect(inside.page.get_by_text(IMAGE).first).to_be_visible()
    assert_harmless(inside)


def test_marks_that_turn_the_writing_stay_in_their_own_cell(inside):
    cell = inside.page.get_by_text("gnp.gnilffus").first
    expect(cell).to_be_visible()
    isolated = cell.evaluate(
        "element => { for (let at = element; at; at = at.parentElement)"
        " if (getComputedStyle(at).unicodeBidi.startsWith('isolate')) return true; return false; }"
    )
    assert isolated


def test_a_name_of_ten_thousand_letters_widens_nothing(inside):
    inside.open("studies")
    expect(inside.page.get_by_text("WaWaWa").first).to_be_visible()
    page_width = inside.page.evaluate("document.documentElement.scrollWidth")
    assert page_width <= inside.page.viewport_size["width"]

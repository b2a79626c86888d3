"""Pages that no link of the map leads to: for everybody, in both languages and colours, on a desk and in a hand."""

import pytest
from playwright.sync_api import expect

from support.browsing import store
from support.viewing import Phantom, Viewer

PHANTOM = Phantom(series=3, size=8)
PHONE = {"width": 390, "height": 844}
NAMES = {"en-GB": "Zhang San (张三丰)", "zh-CN": "张三丰 (Zhang San)"}
"""A name in two scripts, as readers of either see it."""
PATIENT = "ZH/1"
PHANTOM_SAYS = ("Chen Mei",)
"""What its headers say in English."""


@pytest.fixture(scope="module")
def phantom(server):
    """A server with a patient who is written in two scripts, and in a coding of China."""
    store(server, *PHANTOM.files(patient_name="Zhang^San=张^三丰", patient_id=PATIENT, charset="GB18030"))
    return PHANTOM


@pytest.fixture
def each_page(phantom, inside):
    """A way to visit every page beside the map, settled; gives a name of each."""

    def visit(language):
        page = inside.page
        name = NAMES[language]
        for path in ("password", "first-run"):
            inside.open(path)
            inside.settle()
            yield path
        inside.open(f"studies?q={PATIENT}")
        expect(page.locator("#study-0")).to_contain_text(name)
        page.locator("#study-0").get_by_text(name).click()
        panel = page.get_by_role("complementary")
        expect(panel.get_by_role("heading", name=name)).to_be_visible()
        inside.settle()
        yield "the panel of a study"
        panel.locator("a[href*='/studies/patient/']").click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        inside.settle()
        yield "a patient"
        page.locator(f"a[href='viewer/{phantom.study_uid}']").click()
        Viewer(page).wait()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        expect(page.locator("[data-corner=top-left] b")).to_have_text(name)
        yield "the viewer"
        page.keyboard.press("?")
        expect(page.locator("aside")).to_be_visible()
        yield "the viewer's help"

    return visit


@pytest.mark.parametrize(("language", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_each_speaks_the_language_and_keeps_nobody_out(inside, each_page, language, scheme):
    inside.prefer("en" if language == "en-GB" else language, scheme)
    for _ in each_page(language):
        inside.assert_worded()
        inside.judge()
        if language == "zh-CN":
            inside.assert_chinese("Zhang San", *PHANTOM_SAYS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.browser_context_args(viewport=PHONE, has_touch=True, is_mobile=True)
def test_each_fits_a_phone(inside, each_page, scheme):
    inside.prefer("en", scheme)
    for _ in each_page("en-GB"):
        inside.assert_fits()
        inside.judge()

"""Logging in and out, with the page that was asked for kept in mind all the while."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from support.browsing import ADMIN, GUARDED, OWN_PASSWORD, PATIENCE_MS, Site, join
from support.running import Running

WRONG = "not this one"
OTHER_PASSWORD = "wet collodion on glass"


def test_a_wrong_password_is_told_and_the_right_one_opens(site):
    page = site.open("studies?q=kept")
    form = page.get_by_role("main")
    expect(form.get_by_role("heading", name="calotype")).to_be_visible()
    site.judge()
    site.enter(ADMIN, WRONG)
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.locator("input[autocomplete=current-password]")).to_have_value("")
    site.judge()
    site.enter(ADMIN, OWN_PASSWORD)
    expect(page.get_by_role("navigation")).to_be_visible()
    expect(page).to_have_url(f"{site.origin}/ui/studies?q=kept")


def test_what_is_typed_while_a_password_is_looked_at_stays(site):
    page = site.open()
    password = page.locator("input[autocomplete=current-password]")

    def slowly(route):
        if route.request.method == "POST":
            password.fill(OWN_PASSWORD)
        route.continue_()

    page.route("**/api/session", slowly)
    site.enter(ADMIN, WRONG)
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(password).to_have_value(OWN_PASSWORD)


def test_who_opens_a_closed_page_is_led_there_after_login(site):
    page = site.page
    # Made by others, or missing where it was not fetched: nothing of ours.
    site.is_judged = False
    site.watch.allowed_statuses |= {404, 503}
    page.goto(f"{site.origin}/ohif/viewer?StudyInstanceUIDs=1.2")
    expect(page).to_have_url(f"{site.origin}/ui/login?next=%2Fohif%2Fviewer%3FStudyInstanceUIDs%3D1.2")
    site.enter(ADMIN, OWN_PASSWORD)
    expect(page).to_have_url(re.compile(re.escape(f"{site.origin}/ohif/")))


def test_no_way_onward_leads_to_another_host(inside):
    page = inside.page
    for hostile in ("//evil.example", "/%5Cevil.example", "https:%2F%2Fevil.example", "javascript:alert(1)"):
        inside.open(f"login?next={hostile}")
        expect(page).to_have_url(f"{inside.origin}/ui/studies")


def test_the_first_password_opens_nothing_but_its_change(fresh_server, watched):
    site = watched(fresh_server)
    # The list is asked for while it is not known yet that nothing else is open.
    site.watch.allowed_statuses.add(403)
    page = site.open("jobs")
    site.enter(ADMIN, "admin")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.goto(f"{site.origin}/ui/studies")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    current, chosen, repeated = (page.locator("input[type=password]").nth(number) for number in range(3))
    current.fill("admin")
    chosen.fill(OWN_PASSWORD)
    repeated.fill(WRONG)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The two are not the same")).to_be_visible()
    site.judge()
    repeated.fill(OWN_PASSWORD)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Choose a password")).to_be_hidden()
    expect(page.get_by_role("navigation").get_by_role("link", name="Studies")).to_be_visible()


def test_a_session_that_ends_is_taken_up_again_over_the_open_page(inside):
    page = inside.page
    page.evaluate("window.sameDocument = true")
    page.context.clear_cookies()
    page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    inside.judge()
    inside.enter(ADMIN, WRONG)
    expect(dialog.get_by_role("alert")).to_be_visible()
    inside.enter(ADMIN, OWN_PASSWORD)
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Jobs")).to_have_attribute("aria-current", "page")
    assert page.evaluate("window.sameDocument") is True


def test_what_was_typed_outlives_the_session(inside):
    page = inside.page
    inside.open("worklist")
    inside.settle()
    page.get_by_role("button", name="Schedule", exact=True).click()
    form = page.get_by_role("dialog", name="Schedule an examination")
    typed = {"Name": "Typed^Before", "Room": "4", "Reason": "Headache", "Station's AE title": "CT1"}
    for label, text in typed.items():
        form.get_by_label(label).fill(text)
    form.get_by_role("combobox", name="Modality").fill("CT")
    page.get_by_role("option", name="CT", exact=True).click()
    page.context.clear_cookies()
    form.get_by_role("button", name="Save").click()
    again = page.get_by_role("dialog", name="Log in")
    expect(again.get_by_label("User")).to_have_value(ADMIN)
    again.locator("input[autocomplete=current-password]").fill(OWN_PASSWORD)
    # Whoever is quick saves before the page has asked again who is logged in.
    held = []
    page.route("**/api/session", lambda it: held.append(it) if it.request.method == "GET" else it.continue_())
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    for label, text in typed.items():
        expect(form.get_by_label(label)).to_have_value(text)
    form.get_by_role("button", name="Save").press("Enter")
    expect(form).to_be_hidden()
    assert held
    for route in held:
        route.continue_()
    page.unroute("**/api/session")
    expect(page.get_by_role("row").filter(has_text="Typed Before")).to_be_visible()


def test_a_password_is_changed_and_the_old_one_opens_nothing_more(site):
    join(site.server, "changer", "viewer")
    site.slip_in("changer")
    page = site.open("studies")
    page.get_by_role("button", name="Your account").press("Enter")
    page.get_by_role("menuitem", name="Change password").press("Enter")
    page.get_by_label("Current password").fill(WRONG)
    for chosen in page.locator("input[autocomplete=new-password]").all():
        chosen.fill(OTHER_PASSWORD)
    site.watch.allowed_statuses.add(403)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("current password is wrong")
    page.get_by_label("Current password").fill(OWN_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The password is changed")).to_be_visible()
    expect(page).to_have_url(f"{site.origin}/ui/studies")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Log out").click()
    site.enter("changer", OWN_PASSWORD)
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("wrong")
    site.enter("changer", OTHER_PASSWORD)
    expect(page.get_by_role("navigation")).to_be_visible()


def test_who_guesses_has_to_wait_and_is_told_how_long(site):
    page = site.open("studies")
    site.watch.allowed_statuses.add(429)

    def guess() -> int:
        with page.expect_request_finished(lambda asked: asked.method == "POST") as told:
            site.enter("guessed", WRONG)
        answer = told.value.response()
        assert answer is not None
        # Then the form can be filled anew: what is wrong is taken out of it.
        expect(page.locator("input[autocomplete=current-password]")).to_have_value("")
        return answer.status

    def is_told_to_wait() -> bool:
        # The wait doubles with each failure: a loaded machine may need some until it is longer than a guess takes.
        return any(guess() == 429 for _ in range(10))

    assert [guess() for _ in range(5)] == [401] * 5
    assert is_told_to_wait()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Too many attempts.*\d+"))
    site.prefer("zh-CN", "dark")
    assert is_told_to_wait()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"失败尝试次数过多.*\d+"))


def test_a_page_that_nobody_touches_tells_that_its_session_has_ended(inside):
    page = inside.page
    inside.open("studies?q=ct1")
    inside.settle()
    page.evaluate("window.sameDocument = true")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/api/session")):
        # From elsewhere, as by an administrator: nothing but the stream of events is there to notice.
        ended = httpx.delete(f"{inside.origin}/api/sessions", auth=(ADMIN, OWN_PASSWORD), timeout=PATIENCE_MS / 1000)
        assert ended.is_success
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    with page.expect_request("**/api/events*"):
        inside.enter(ADMIN, OWN_PASSWORD)
    expect(dialog).to_be_hidden()
    expect(page.locator("#study-0")).to_contain_text("CT1")
    assert page.evaluate("window.sameDocument") is True


def test_logging_in_in_one_window_opens_the_other(inside):
    page = inside.page
    page.context.clear_cookies()
    page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    inside.slip_in()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Jobs")).to_have_attribute("aria-current", "page")


def test_logging_out_closes_every_page(inside):
    page = inside.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert page.context.request.get(f"{inside.origin}/api/studies").status == 401
    inside.open("studies")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


@pytest.fixture
def fresh_server(tmp_path):
    """A server of the first day: nobody has chosen a password."""
    with Running(tmp_path, environment=GUARDED) as running:
        yield running


@pytest.fixture
def watched(context, page):
    sites = []

    def over(server: Running) -> Site:
        sites.append(Site.over(server, page))
        return sites[0]

    yield over
    for site in sites:
        site.conclude()

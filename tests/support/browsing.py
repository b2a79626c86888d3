"""The pages in a real browser: what a flow does with them, and what must hold whatever it does.

``Watch`` sees one browser context: errors in the console, requests that leave the origin, breaches of the pages'
policy, and what axe says of a page to those who cannot see it or point at it. ``Site`` is the pages of one server.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Literal, Self

import httpx
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request, WebError, expect

from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result
from calotype.web import pages
from support import bundled, dcmtk
from support.running import Running

BROWSERS: Final = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip
"""The first one has no window to draw, and takes half the time of the others to open a page."""
ARGUMENTS: Final = (
    # As root Chromium starts without its sandbox only.
    "--no-sandbox",
    # Software draws what a machine without a graphics card cannot: WebGL, and not the rest of a page, which is
    # put together in half the time without.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
)
ADMIN: Final = "admin"
OWN_PASSWORD: Final = "salted paper in the dark"
GUARDED: Final = {"CALOTYPE__HTTP__ACCESS__LOGIN": "required"}
"""The environment of a server as it is on its first day."""
SETTLED: Final = {**GUARDED, "CALOTYPE__HTTP__ACCESS__ADMIN_PASSWORD": OWN_PASSWORD}
"""The environment of a server whose administrator has a password."""
SAMPLES: Final = (
    "CT_small.dcm",
    "MR_small.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "test-SR.dcm",
    "chrH31.dcm",
)
"""What a server has that is looked at."""
PATIENCE_MS: Final = 60_000
"""For anything to appear: a loaded machine is slow, and a flow that fails has time."""

_AXE: Final = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
_TOLD: Final = 500
"""Characters of what was seen that are told: pages may hold names as long as books."""
_GRAVE: Final = frozenset({"serious", "critical"})
_STATUS: Final = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_TELL: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.__breach(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`));
"""

_FOCUSED: Final = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return [null, true, ""];
  const style = getComputedStyle(element);
  const isShown = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
    || style.boxShadow !== "none" || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
  return [element.getAttribute("aria-label") ?? element.innerText ?? "", isShown, element.outerHTML.slice(0, 200)];
}
"""

_WORDS: Final = """
() => {
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility()) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) found.add(element.getAttribute(name) ?? "");
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) found.add(node.data);
  }
  return [...found].map((each) => each.trim()).filter(Boolean);
}
"""
_LATIN: Final = re.compile(r"[A-Za-z][A-Za-z'\u2019]+(?:[ \u00a0]+[A-Za-z][A-Za-z'\u2019]+)+")
"""Words of English: two or more beside each other."""
_KEY: Final = re.compile(r"[a-z][a-z0-9-]*(?:\.[A-Za-z0-9_-]+)+")
"""What stands where a text is missing: the name that the code has for it."""
_SAID_IN_LATIN: Final = (
    # DICOM's own words, which Chinese radiology writes as they are.
    "AE Title", "Modality Worklist", "Query Retrieve", "Study Root", "Patient Root",
    "Explicit VR Little Endian", "Implicit VR Little Endian", "Cornerstone3D", "Swagger UI", "HTTP Basic",
    "OHIF Viewer",
    # A measure that a library takes of text, outside of the page.
    "autosize measurement",
)  # fmt: skip
_HAN: Final = re.compile(r"[\u3400-\u9fff]")

expect.set_options(timeout=PATIENCE_MS)


def _english(text: str, known: Iterable[str]) -> list[str]:
    """Return the English of a text, but for what is known."""
    for each in sorted(known, key=len, reverse=True):
        text = text.replace(each, "\u3000")
    return _LATIN.findall(text)


def browser() -> str:
    """Return where a Chromium is; without one a test of the pages ends, by failing in CI."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return found or dcmtk.need("chromium")


def need_pages() -> None:
    """End the test where the pages, or axe, have not been brought."""
    for made in (pages.FOLDER / "index.html", _AXE):
        if not made.is_file():
            dcmtk.lack(f"{made.name} is not here: `make pages` brings it")


@cache
def _axe() -> str:
    return _AXE.read_text("utf-8")


def eventually(page: Page, holds: Callable[[], None]) -> None:
    """Call what asserts something, once a frame that the page draws, until it passes; let it fail in the end."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        with suppress(AssertionError):
            return holds()
        page.evaluate("() => new Promise(requestAnimationFrame)")
    return holds()


@contextmanager
def serving(folder: Path) -> Iterator[Running]:
    """Run a server of :data:`SETTLED` with a few real objects in it."""
    need_pages()
    # What waits for its node goes on when a flow says so, and not while the flow is about to.
    with Running(folder, environment={**SETTLED, "CALOTYPE__JOBS__RETRY_FIRST_S": "600"}) as running:
        files = [bundled.named(name).path for name in SAMPLES]
        sent = send_files(DimseCourier(bundled.CALLER), Node("CALOTYPE", "127.0.0.1", running.port), gather(files))
        assert [each.answer.result for each in sent] == [Result.COMPLETED] * len(SAMPLES)
        yield running


def store(server: Running, *files: bytes) -> None:
    """Put objects into a server of :data:`SETTLED` over STOW-RS."""
    for file in files:
        answer = httpx.post(
            f"{server.url}/studies",
            content=file,
            headers={"Content-Type": "application/dicom", "Accept": "application/dicom+json"},
            auth=(ADMIN, OWN_PASSWORD),
            timeout=PATIENCE_MS / 1000,
        )
        assert answer.status_code == 200, answer.text


def tell(server: Running, method: str, path: str, body: object = None) -> Any:
    """Ask a server of :data:`SETTLED` for something as its administrator does, without the pages."""
    answer = httpx.request(
        method,
        f"http://127.0.0.1:{server.http_port}/api/{path}",
        json=body,
        auth=(ADMIN, OWN_PASSWORD),
        timeout=PATIENCE_MS / 1000,
    )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def join(server: Running, name: str, role: str) -> None:
    """Add a user with :data:`OWN_PASSWORD`."""
    tell(
        server,
        "POST",
        "users",
        {"name": name, "password": OWN_PASSWORD, "role": role, "must_change_password": False},
    )


@dataclass
class Watch:
    """What was seen in one context. A status that a flow provokes on purpose is put into ``allowed_statuses``."""

    context: BrowserContext
    origin: str
    # Whoever is not logged in yet, or no longer, is told so.
    allowed_statuses: set[int] = field(default_factory=lambda: {401})
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    hijacks: list[str] = field(default_factory=list)
    """Where text that called ``owned()`` was run, and what dialogs said."""

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.expose_binding("__breach", lambda _source, told: self.breaches.append(told))
        self.context.expose_binding("owned", lambda source: self.hijacks.append(source["frame"].url))
        self.context.add_init_script(_TELL)
        self.context.on("dialog", self._stopped)
        self.context.on("console", self._heard)
        self.context.on("weberror", self._crashed)
        self.context.on("request", self._asked)

    def verdict(self) -> dict[str, list[str]]:
        """Return what must not be, by kind; empty when all is well."""
        found = {
            "errors": self.errors,
            "foreign requests": self.foreign,
            "breaches of the policy": self.breaches,
            "scripts that nobody wrote": self.hijacks,
        }
        return {kind: [each[:_TOLD] for each in told] for kind, told in found.items() if told}

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        status = _STATUS.match(message.text)
        if status is None or int(status[1]) not in self.allowed_statuses:
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _crashed(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def _stopped(self, dialog: Dialog) -> None:
        self.hijacks.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:", "blob:")):
            self.foreign.append(request.url)


# What fades in or out has other colours on the way; what is about to does so from the next frame but one.
_LOOK: Final = """
async (patienceMs) => {
  const moving = () => document.getAnimations().filter((each) =>
    each.playState === "running" && Number.isFinite(each.effect.getComputedTiming().endTime));
  const end = performance.now() + patienceMs;
  for (let still = 0; still < 3 && performance.now() < end; ) {
    await Promise.all(moving().map((each) => each.finished.catch(() => null)));
    await new Promise(requestAnimationFrame);
    still = moving().length ? 0 : still + 1;
  }
  return axe.run(document, { resultTypes: ["violations"] });
}
"""


def barriers(page: Page) -> list[str]:
    """Return what axe finds that keeps people out: each serious or critical violation with where it is."""
    page.evaluate(_axe())
    found: dict[str, Any] = page.evaluate(_LOOK, PATIENCE_MS)
    return [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]} {each['nodes'][0]['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in _GRAVE
    ]


@dataclass
class Site:
    """The pages of one server in one browser page."""

    page: Page
    server: Running
    watch: Watch
    is_judged: bool = True
    """Whether axe looks at the page that a flow ends on; pages of others' making may be left out."""

    @classmethod
    def over(cls, server: Running, page: Page) -> Self:
        """Watch a page that has not been anywhere yet."""
        return cls(page, server, Watch(page.context, f"http://127.0.0.1:{server.http_port}"))

    @property
    def origin(self) -> str:
        """Where the server is."""
        return self.watch.origin

    def open(self, path: str = "") -> Page:
        """Open a page by its address below the pages' root."""
        self.page.goto(f"{self.origin}/ui/{path}")
        return self.page

    def enter(self, user: str, password: str) -> None:
        """Fill the login form that is shown, and send it."""
        self.page.locator("input[autocomplete=username]").fill(user)
        self.page.locator("input[autocomplete=current-password]").fill(password)
        self.page.locator("button[type=submit]").click()

    def slip_in(self, user: str = ADMIN, password: str = OWN_PASSWORD) -> None:
        """Log in without the form and past the first steps: what follows is about something else."""
        # Pages inside of pages may have no storage.
        self.page.add_init_script("origin === 'null' || localStorage.setItem('calotype.first-run.done', '1')")
        answer = self.page.context.request.post(
            f"{self.origin}/api/session", data={"user": user, "password": password}
        )
        assert answer.ok, answer.text()

    def prefer(self, language: str, scheme: Literal["light", "dark"]) -> None:
        """Show the pages in a language and in a system's colours, from the next one on."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("language => localStorage.setItem('calotype.language', language)", language)
        self.page.reload()

    def places(self) -> list[Locator]:
        """Return the links of the map, in its order."""
        links = self.page.locator("nav a[href]")
        links.first.wait_for(state="attached")
        return [self.page.locator(f"nav a[href={each.get_attribute('href')!r}]") for each in links.all()]

    def visit_places(self) -> Iterator[Locator]:
        """Go to every place of the map, and wait until it shows what it has."""
        for link in self.places():
            link.click()
            self.settle()
            yield link

    def settle(self) -> None:
        """Wait until the page has something in it and nothing turns any more."""
        expect(self.page.locator("main")).not_to_be_empty()
        expect(self.page.locator(".mantine-Loader-root, .mantine-Skeleton-root, [data-later]")).to_have_count(0)

    def assert_fits(self, *widths: int) -> None:
        """Assert that nothing sticks out of the page sideways, at each of these widths."""
        size = self.page.viewport_size
        assert size is not None
        for width in widths or (size["width"],):
            self.page.set_viewport_size({"width": width, "height": size["height"]})
            self.settle()
            eventually(self.page, partial(self._assert_narrow, width))
        self.page.set_viewport_size(size)

    def _assert_narrow(self, width: int) -> None:
        needed = self.page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{self.page.url} needs {needed} px of {width}"

    def words(self) -> list[str]:
        """Return every text that the page shows, and every name and hint that it gives."""
        told: list[str] = self.page.evaluate(_WORDS)
        return told

    def assert_worded(self) -> None:
        """Assert that no text is missing, in the language that the page says it is in."""
        missing = [each for each in self.words() if _KEY.fullmatch(each)]
        assert not missing, f"{self.page.url} has no words for {missing}"
        language = self.page.locator("html").get_attribute("lang")
        # What every page has beside data, which may be in any language.
        named = self.page.locator("nav, [role=toolbar]").first.get_attribute("aria-label") or ""
        assert bool(_HAN.search(named)) == (language == "zh-CN"), f"{self.page.url} in {language}: {named!r}"

    def assert_chinese(self, *data: str) -> None:
        """Assert that a page in Chinese says nothing in English; ``data`` is what names and images bring along."""
        known = (*_SAID_IN_LATIN, *data)
        left = {text: found for text in self.words() if (found := _english(text, known))}
        assert not left, f"{self.page.url} speaks English: {left}"

    def colour(self, selector: str, name: str) -> tuple[int, int, int]:
        """Return a colour as it is drawn: red, green, blue, 0 to 255."""
        drawn = self.page.locator(selector).evaluate("(element, name) => getComputedStyle(element)[name]", name)
        red, green, blue = map(int, re.findall(r"\d+", drawn)[:3])
        return red, green, blue

    def tab_through(self, most: int = 150) -> list[str]:
        """Press Tab to the end of the page; return what was reached by name. Whatever hides its focus fails."""
        reached: list[str] = []
        for _ in range(most):
            self.page.keyboard.press("Tab")
            name, is_shown, html = self.page.evaluate(_FOCUSED)
            if name is None:
                break
            assert is_shown, f"{name!r} does not show that it has the focus: {html}"
            reached.append(name)
        return reached

    def judge(self) -> None:
        """Assert that nobody is kept out of the page as it is now."""
        found = barriers(self.page)
        assert not found, "\n".join([self.page.url, *found])

    def conclude(self) -> None:
        """Assert what must hold after every flow."""
        if self.is_judged:
            self.judge()
        found = self.watch.verdict()
        assert not found, found

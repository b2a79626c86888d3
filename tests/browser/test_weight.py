"""What pages cost before what they are opened for is there, cold: counts and bytes, which no busy machine changes."""

import base64
import io

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import expect

from support.browsing import PATIENCE_MS, eventually, store
from support.viewing import Phantom, Viewer, picture

MOST_SCRIPT_BYTES = 250_000
"""Of the study list, in gzip, over all scripts."""
MOST_REQUESTS = 17
"""Of the study list."""
MOST_VIEWER_BYTES = 850_000
"""Of the viewer with all that draws, in gzip, over all scripts."""
MOST_FIRST_BYTES = 15_000
"""In gzip, of the scripts that the viewer's first picture waits for."""
MOST_VIEWER_REQUESTS = 18
"""Before the viewer's first picture, whatever for."""
PHANTOM = Phantom(series=9)

# Whatever is asked for after the row is in the document came after it; an observer hears before anything else runs.
_MARK = """
new MutationObserver((_changes, observer) => {
  const cell = document.querySelector("#study-0 [role=gridcell]:nth-child(2)");
  if (!cell?.textContent) return;
  window.__shownAt = performance.now();
  observer.disconnect();
}).observe(document, {childList: true, subtree: true, characterData: true});
"""
# What comes after some seconds in any case would come too early on a busy machine: here it waits for what it is to.
_PATIENT = """
{
  const later = window.setTimeout;
  window.setTimeout = (what, ms, ...rest) => later(what, ms >= 1000 ? 600_000 : ms, ...rest);
}
"""
_ASKED = """
() => performance.getEntriesByType("resource")
  .filter((each) => each.startTime < window.__shownAt).map((each) => each.name)
"""


def test_the_first_row_needs_few_and_small_scripts(site):
    site.slip_in()
    page = site.page
    page.add_init_script(_PATIENT)
    page.add_init_script(_MARK)
    site.open("studies")
    expect(page.locator("#study-0 [role=gridcell]").nth(1)).not_to_be_empty()
    asked = page.evaluate(_ASKED)
    sizes = _packed(asked)
    assert 0 < sum(sizes.values()) <= MOST_SCRIPT_BYTES, sizes
    # With the page itself.
    assert len(sizes) < len(asked) + 1 <= MOST_REQUESTS, asked
    # The list was asked for before the code that shows it was there.
    order = _names(asked)
    assert order.count("studies") == order.count("session") == 1, order


# A picture that goes is kept as it was: nobody could look at it in time.
_GLIMPSE = """
window.__left = new Promise((resolve) => new MutationObserver((changes) => {
  for (const {addedNodes, removedNodes} of changes) {
    for (const node of addedNodes) if (node.dataset?.glimpse !== undefined) window.__shownAt = performance.now();
    for (const node of removedNodes) if (node.dataset?.glimpse !== undefined) {
      const {left, top, width, height} = node.style;
      resolve({url: node.toDataURL(), place: [left, top, width, height].map(parseFloat)});
    }
  }
  if (document.querySelector("[data-glimpse]"))
    window.__turned ||= [...document.querySelectorAll(".mantine-Loader-root")].some((each) => each.checkVisibility());
}).observe(document, {childList: true, subtree: true}));
"""


def test_the_first_picture_needs_little_and_is_the_one_that_is_drawn(site, server):
    store(server, *PHANTOM.files(patient_name="Phantom^Early", patient_id="EARLY"))
    site.slip_in()
    page = site.page
    page.add_init_script(_PATIENT)
    page.add_init_script(_GLIMPSE)
    viewer = Viewer(site.open(f"viewer/{PHANTOM.study_uid}"))
    viewer.wait()
    asked = page.evaluate(_ASKED)
    sizes = _packed(asked)
    assert 0 < sum(sizes.values()) <= MOST_VIEWER_BYTES, sizes
    first = {name: size for name, size in sizes.items() if name.startswith(("viewer-", "early-", "rolldown-"))}
    assert len(first) == 3
    assert sum(first.values()) <= MOST_FIRST_BYTES, first
    assert len(asked) + 1 <= MOST_VIEWER_REQUESTS, asked
    # One frame, and nothing that only the rest of the window needs.
    frames = [url for url in asked if "/frames/" in url]
    assert len(frames) == 1, asked
    assert not [url for url in asked if "Worker" in url or url.endswith(".wasm")], asked
    # The renderer took that frame over, at the same place and in the same greys.
    assert page.evaluate("url => performance.getEntriesByName(url).length", frames[0]) == 1
    # Nothing turned meanwhile: what moves is drawn again and again, and the renderer waits for that.
    assert page.evaluate("window.__turned") is False
    left = page.evaluate("window.__left")
    box = viewer.canvas.bounding_box()
    assert box is not None
    assert left["place"] == [box["x"], box["y"], box["width"], box["height"]]
    early = np.asarray(Image.open(io.BytesIO(base64.b64decode(left["url"].partition(",")[2]))).convert("L"), float)

    def assert_alike():
        drawn = picture(viewer.canvas)
        assert early.shape == drawn.shape
        assert len(np.unique(drawn)) > 64
        apart = np.abs(early - drawn)
        # Between two pixels the one window is opened before they are mixed, and the other after.
        assert apart.mean() < 1.5, apart.mean()
        assert np.percentile(apart, 95) <= 4, np.percentile(apart, 95)

    eventually(page, assert_alike)
    expect(page.locator("[data-glimpse]")).to_have_count(0)


def _packed(asked: list[str]) -> dict[str, int]:
    """Return the length in gzip of each script among what was asked for, by its name."""
    scripts = [url for url in asked if url.endswith(".js")]
    with httpx.Client(headers={"Accept-Encoding": "gzip"}, timeout=PATIENCE_MS / 1000) as http:
        return {url.rpartition("/")[2]: int(http.get(url).headers["content-length"]) for url in scripts}


def _names(asked: list[str]) -> list[str]:
    return [url.rpartition("/")[2].partition("?")[0] for url in asked]

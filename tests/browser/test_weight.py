"""What the study list costs before its first row is there, cold: counts and bytes, which no busy machine changes."""

import httpx
from playwright.sync_api import expect

MOST_SCRIPT_BYTES = 250_000
"""In gzip, over all scripts."""
MOST_REQUESTS = 20

# Whatever is asked for after the row is in the document came after it; an observer hears before anything else runs.
_MARK = """
new MutationObserver((_changes, observer) => {
  const cell = document.querySelector("#study-0 [role=gridcell]:nth-child(2)");
  if (!cell?.textContent) return;
  window.__rowAt = performance.now();
  observer.disconnect();
}).observe(document, {childList: true, subtree: true, characterData: true});
"""
_ASKED = """
() => performance.getEntriesByType("resource")
  .filter((each) => each.startTime < window.__rowAt).map((each) => each.name)
"""


def test_the_first_row_needs_few_and_small_scripts(site):
    site.slip_in()
    page = site.page
    page.add_init_script(_MARK)
    site.open("studies")
    expect(page.locator("#study-0 [role=gridcell]").nth(1)).not_to_be_empty()
    asked = page.evaluate(_ASKED)
    scripts = [url for url in asked if url.endswith(".js")]
    with httpx.Client(headers={"Accept-Encoding": "gzip"}) as http:
        sizes = {url.rpartition("/")[2]: int(http.get(url).headers["content-length"]) for url in scripts}
    assert 0 < sum(sizes.values()) <= MOST_SCRIPT_BYTES, sizes
    # With the page itself.
    assert len(scripts) < len(asked) + 1 <= MOST_REQUESTS, asked
    # The list was asked for before the code that shows it was there.
    order = [url.rpartition("/")[2].partition("?")[0] for url in asked]
    assert order.count("studies") == order.count("session") == 1, order

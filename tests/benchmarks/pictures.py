"""The same attention patterns as three pages, and a stopwatch for a page.

Each page is one self-contained HTML file opened from disk with the network cut, as in a saved notebook.
BertViz names d3, jQuery and require.js on a CDN: they are served from ``peers/`` (npm), so that its drawing
is measured and not its download.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from playwright.sync_api import Page, Route
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PEERS = Path(__file__).parent / "peers"
CDN = {
    "d3.min": "d3/dist/d3.min.js",
    "jquery": "jquery/dist/jquery.min.js",
    "require": "requirejs/require.js",
}


def patterns(heads: int, tokens: int, seed: int = 0) -> torch.Tensor:
    """Return causal softmax patterns of random scores, ``[head, query, key]`` float32."""
    scores = 2 * torch.randn(heads, tokens, tokens, generator=torch.Generator().manual_seed(seed))
    blocked = torch.ones(tokens, tokens).triu(1).bool()
    return scores.masked_fill(blocked, -torch.inf).softmax(-1)


def words(count: int) -> list[str]:
    """Return ``count`` distinct token strings."""
    return [f"·w{index}" for index in range(count)]


def circuitsvis_page(maps: torch.Tensor) -> str:
    """CircuitsVis ``attention_heads`` in its offline form."""
    from circuitsvis.attention import attention_heads

    return attention_heads(maps, words(maps.shape[1])).local_src


def bertviz_page(maps: torch.Tensor, heads_per_layer: int = 12) -> str:
    """BertViz ``head_view``; layers of 12 heads."""
    install_peers()
    sys.path.insert(0, str(PEERS / "site"))
    try:
        from bertviz import head_view
    finally:
        sys.path.pop(0)
    layers = [layer[None] for layer in maps.split(heads_per_layer)]
    page = head_view(layers, words(maps.shape[1]), html_action="return", prettify_tokens=False)
    return page.data


def workbench_page(maps: torch.Tensor, heads_per_layer: int = 12) -> str:
    """Our ``AttentionPatterns``, as ``save_html`` writes it."""
    return workbench_view(maps, heads_per_layer).to_html()


def workbench_view(maps: torch.Tensor, heads_per_layer: int = 12):
    """Our widget over the same patterns."""
    from workbench.records import AttentionWeights
    from workbench.widgets import AttentionPatterns

    weights = maps.reshape(1, -1, heads_per_layer, *maps.shape[1:])
    return AttentionPatterns(AttentionWeights("random", (tuple(words(maps.shape[1])),), weights))


def install_peers() -> None:
    """Install BertViz (``--no-deps``: it needs only torch and IPython here) and its JavaScript, once."""
    if not (PEERS / "site" / "bertviz").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(PEERS / "site")]
        subprocess.run([*pip, "bertviz==1.4.1"], check=True)
    if not (PEERS / "node_modules" / "d3").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS, check=True)


@dataclass(frozen=True)
class Reading:
    """What one page cost."""

    page_bytes: int
    """Bytes of the HTML."""
    first_picture: float
    """Seconds of the page's main thread from opening until the picture stands and the thread rests."""
    wall: float
    """Seconds on the clock for the same."""
    hover: float
    """Milliseconds of main thread for one pointer move over the picture."""
    heap: float
    """Megabytes of JavaScript heap after a collection."""


SETTLED = """([selector, quiet]) => new Promise(resolve => {
  let last = performance.now(), seen = false;
  const tick = () => {
    const now = performance.now();
    if (now - last > 60) seen = false;                 // the thread was busy: start the quiet spell again
    last = now;
    if (!document.querySelector(selector)) { seen = false; return setTimeout(tick, 10); }
    if (seen === false) seen = now;
    if (now - seen > quiet) return resolve(now - quiet);
    setTimeout(tick, 10);
  };
  tick();
})"""


def measure(page: Page, html: str, folder: Path, selector: str, target: str, limit: float) -> Reading | None:
    """Open the page, wait until the picture stands, hover over it.

    Args:
        page: A fresh page.
        html: The page's text.
        folder: Where to write it.
        selector: CSS selector that exists once the picture is drawn.
        target: CSS selector of what the pointer moves over.
        limit: Seconds after which the page counts as not finished.

    Returns:
        The reading, or None if the picture did not stand within ``limit``.
    """
    file = folder / "page.html"
    file.write_text(html)
    page.set_default_timeout(limit * 1000)

    def serve(route: Route) -> None:
        url = route.request.url
        local = next((path for name, path in CDN.items() if name in url), None)
        if url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        elif local is not None:
            route.fulfill(path=PEERS / "node_modules" / local, content_type="text/javascript")
        else:
            route.abort()

    page.route("**/*", serve)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def metric(name: str) -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == name)

    try:
        page.goto(file.as_uri(), wait_until="commit")
        wall = page.evaluate(SETTLED, [selector, 250]) / 1000
        first = metric("TaskDuration")
        box = page.locator(target).first.bounding_box()
        steps, before = 40, metric("TaskDuration")
        for step in range(steps):
            share = (step + 0.5) / steps
            page.mouse.move(box["x"] + box["width"] * share, box["y"] + min(box["height"], 700) * share)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        hover = (metric("TaskDuration") - before) / steps * 1000
        session.send("HeapProfiler.collectGarbage")
        return Reading(len(html.encode()), first, wall, hover, metric("JSHeapUsedSize") / 1e6)
    except PlaywrightTimeout:
        return None

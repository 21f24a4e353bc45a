"""The same attention patterns as three pages, and a stopwatch for a page.

Each is put into a page that is open already, as a notebook is when an output arrives, with no network: the
peers as the HTML that they return, ours as the module and the state that a kernel sends.
BertViz names d3, jQuery and require.js on a CDN: they are served from ``peers/`` (npm), so that its drawing
is measured and not its download.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from ipywidgets.widgets.widget import _remove_buffers
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


@dataclass(frozen=True)
class Live:
    """A widget as it arrives in a notebook: its module, its style, its state with binary buffers."""

    module: str
    style: str
    state: dict
    buffers: list[tuple[list, str]]
    """Path in the state, and the bytes as base64."""


def workbench_output(maps: torch.Tensor) -> Live:
    """Our ``AttentionPatterns``, as a kernel sends it."""
    state, paths, buffers = _remove_buffers(workbench_view(maps).get_state(drop_defaults=False))
    bytes64 = [base64.b64encode(memoryview(buffer).cast("B")).decode() for buffer in buffers]
    module, style = state.pop("_esm"), state.pop("_css")
    plain = {name: value for name, value in state.items() if name[0] != "_" and name != "layout"}
    return Live(module, style, plain, list(zip(map(list, paths), bytes64, strict=True)))


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

    first_picture: float
    """Seconds from the output's arrival until the frame with its picture is out, by the page's own clock; the
    main thread does nothing else meanwhile."""
    total: float
    """Seconds that the main thread worked until it rested."""
    hover: float
    """Milliseconds of main thread for one pointer move over the picture."""
    heap: float
    """Megabytes of JavaScript heap after a collection."""


STANDS = """selector => new Promise(resolve => {
  const view = { right: innerWidth, bottom: innerHeight };
  const painted = element => {
    if (element.tagName !== 'CANVAS') return true;
    const box = element.getBoundingClientRect();
    if (box.left >= view.right || box.top >= view.bottom || !element.width) return true;      // out of sight
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    return data.some((value, index) => index % 4 === 3 && value > 0);
  };
  // The task after the next frame: what was painted by now is on the screen.
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const look = async () => {
    await frame();
    const now = performance.now();                                  // the check below is not counted
    if ([...document.querySelectorAll(selector)].every(painted)) return resolve(now);
    setTimeout(look, 25);
  };
  const arrival = new MutationObserver(() => {
    if (!document.querySelector(selector)) return;
    arrival.disconnect();
    look();
  });
  arrival.observe(document, { subtree: true, childList: true, attributes: true });
  show();
})"""
"""Shows the output and waits until something matches and every canvas among it that is in sight has ink."""


STAGE_LIVE = """live => {
  for (const [path, bytes64] of live.buffers) {
    let at = live.state;
    for (const step of path.slice(0, -1)) at = at[step];
    at[path.at(-1)] = new DataView(Uint8Array.from(atob(bytes64), letter => letter.charCodeAt(0)).buffer);
  }
  const heard = [];
  const model = {
    get: name => live.state[name], set: (name, value) => { live.state[name] = value; }, save_changes() {},
    send() {}, on: (...pair) => heard.push(pair), off() {},
  };
  window.show = async () => {
    const style = document.head.appendChild(document.createElement('style'));
    style.textContent = live.style;
    const url = URL.createObjectURL(new Blob([live.module], { type: 'text/javascript' }));
    const { default: widget } = await import(url);
    widget.render({ model, el: document.body.appendChild(document.createElement('div')) });
  };
}"""
STAGE_HTML = """html => {
  window.show = () => { document.open(); document.write(html); document.close(); };
}"""
"""Both only lay the output ready; ``show`` is what is measured."""


def measure(
    page: Page, output: str | Live, folder: Path, selector: str, target: str, limit: float
) -> Reading | None:
    """Write the output into an open page, wait until its picture stands, hover over it.

    Args:
        page: A fresh page.
        output: The output: HTML text, or a widget.
        folder: Where the open page may lie.
        selector: CSS selector that exists once the picture is drawn.
        target: CSS selector of what the pointer moves over.
        limit: Seconds after which the page counts as not finished.

    Returns:
        The reading, or None if the picture did not stand within ``limit``.
    """
    (folder / "notebook.html").write_text("<!doctype html><p>a page that has been open for a while</p>")
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
        page.goto((folder / "notebook.html").as_uri())
        if isinstance(output, Live):
            page.evaluate(STAGE_LIVE, asdict(output))
        else:
            page.evaluate(STAGE_HTML, output)
        before, begun = metric("TaskDuration"), page.evaluate("() => performance.now()")
        first = (page.evaluate(STANDS, selector) - begun) / 1000
        page.evaluate("() => new Promise(done => requestIdleCallback(done))")
        total = metric("TaskDuration") - before
        box = page.locator(target).first.bounding_box()
        steps, before = 40, metric("TaskDuration")
        for step in range(steps):
            share = (step + 0.5) / steps
            page.mouse.move(box["x"] + box["width"] * share, box["y"] + min(box["height"], 700) * share)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        hover = (metric("TaskDuration") - before) / steps * 1000
        session.send("HeapProfiler.collectGarbage")
        return Reading(first, total, hover, metric("JSHeapUsedSize") / 1e6)
    except PlaywrightTimeout:
        return None

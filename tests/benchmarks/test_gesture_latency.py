"""From a click on "Ablate" to the new picture, in JupyterLab with SmolLM2: how long, and where the time goes.

The limit is the model itself: what the median holds besides the model's runs may not exceed them.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.lab import Lab, Notebook

pytestmark = pytest.mark.benchmark

GESTURES = 15
PROMPT = "The quick brown fox jumps over the lazy dog, and the capital of the country of France is called"
"""20 tokens."""
SETUP = f"""
import time, workbench
from workbench.widgets import requests
marks = []
receive = requests.Requests.receive
def marked(self, *message):
    marks.append(("received", time.time()))
    receive(self, *message)
requests.Requests.receive = marked
model = workbench.load()
prompt = {PROMPT!r}
assert len(model.tokens(prompt).strings[0]) == 20
heads = workbench.attention(model, prompt)
ablate = heads._ablate
def timed(*given):
    marks.append(("begun", time.time()))
    effect = ablate(*given)
    marks.append(("computed", time.time()))
    return effect
heads._ablate = timed
heads
"""
STEPS = ("click to kernel", "kernel to worker", "model", "result to picture")
CLICK = """async head => {
  const root = document.querySelector('.wb[data-ready="1"]');
  const name = 'L' + head.replace('/', 'H');
  root.querySelector(`[data-head="${head}"]`).click();
  await new Promise(done => setTimeout(done, 400));             // the selection has reached the kernel
  const button = [...root.querySelectorAll('button')].find(b => b.textContent === 'Ablate selected heads');
  const painted = new Promise(done => new MutationObserver((_, seen) => {
    if (!root.querySelector('.ap-effect')?.textContent.includes(name)) return;
    seen.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(Date.now() / 1000)));
  }).observe(root, { subtree: true, childList: true, characterData: true }));
  const clicked = Date.now() / 1000;
  button.click();
  return [clicked, await painted];
}"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    server = Lab(tmp_path)
    yield server
    server.close()


def test_click_to_picture(lab: Lab, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 1000})
    lab.write("latency.ipynb", [SETUP])
    notebook = Notebook(page, lab, "latency.ipynb").open()
    notebook.run(0)
    expect(page.locator(".wb[data-ready='1']")).to_be_visible(timeout=60_000)
    spent: list[list[float]] = []
    for gesture in range(GESTURES + 2):
        notebook.python("marks.clear()")
        clicked, painted = page.evaluate(CLICK, f"{gesture}/{gesture % 9}")
        marks = dict(json.loads(notebook.python("import json; print(json.dumps(marks))")))
        times = [clicked, marks["received"], marks["begun"], marks["computed"], painted]
        spent.append([after - before for before, after in itertools.pairwise(times)])
    spent = spent[2:]  # the first runs warm up
    medians = [1000 * statistics.median(step) for step in zip(*spent, strict=True)]
    total = 1000 * statistics.median(map(sum, spent))
    print(f"\nclick to picture, median of {GESTURES}: {total:.0f} ms")
    for step, value in zip(STEPS, medians, strict=True):
        print(f"  {step:<18} {value:7.1f} ms")
    assert total <= 2 * medians[2], "the way to the model and back costs no more than the model"

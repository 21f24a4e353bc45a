"""`AttentionPatterns` beside CircuitsVis and BertViz on the same arrays: weight, time, hover, heap.

Limits fixed beforehand, at 12 heads x 128 tokens against CircuitsVis: 20 times smaller, 50 times faster to
the first picture. A peer that has no picture after `PATIENCE` seconds is not finished and its row says so.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ipywidgets import Widget
from playwright.sync_api import Browser

from tests.benchmarks.pictures import (
    Reading,
    bertviz_page,
    circuitsvis_page,
    measure,
    patterns,
    workbench_output,
    workbench_view,
)

pytestmark = pytest.mark.benchmark

PATIENCE = 120.0
SIZES = [(heads, tokens) for heads in (12, 144) for tokens in (64, 128, 256, 512)]
LARGEST_PEER = 3_000_000
"""Weights. CircuitsVis with 12 x 512 x 512 took 7 minutes and 1.7 GB in a trial: more is not tried."""
PAGES = {
    "workbench": (workbench_output, ".wb[data-ready='1'] canvas:not(.ap-lines canvas)", ".ap-detail canvas"),
    "CircuitsVis": (circuitsvis_page, "canvas", "canvas >> nth=-1"),
    "BertViz": (bertviz_page, "#vis svg line", "#vis svg"),
}


def notebook_bytes(view: Widget) -> int:
    """What our picture puts into a saved notebook, widget state with its bundle included."""
    state = Widget.get_manager_state(drop_defaults=False, widgets=[view])
    return len(json.dumps(state)) + len(json.dumps(view._repr_mimebundle_()[0]))


def read(browser: Browser, name: str, heads: int, tokens: int, folder: Path) -> Reading | None:
    page_of, drawn, target = PAGES[name]
    maps = patterns(heads, tokens)
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    try:
        return measure(page, page_of(maps), folder, drawn, target, PATIENCE)
    finally:
        page.close()


def row(name: str, heads: int, tokens: int, size: int | None, reading: Reading | None) -> str:
    """One line of the table."""
    if reading is None:
        return f"{heads:>5} x {tokens:<4} {name:<12} no picture after {PATIENCE:.0f} s"
    return (
        f"{heads:>5} x {tokens:<4} {name:<12} {size / 1e6:8.3f} MB {reading.first_picture:8.2f} s "
        f"{reading.total:8.2f} s {reading.hover:8.1f} ms {reading.heap:7.1f} MB"
    )


HEAD = "heads x tokens  picture       notebook  first picture until it rests   hover      heap"


def test_smaller_and_faster_than_circuitsvis(browser: Browser, tmp_path: Path) -> None:
    maps = patterns(12, 128)
    # The first page of a browser pays for its start: the median of ours, one reading of the slow peer.
    three = [read(browser, "workbench", 12, 128, tmp_path) for _ in range(3)]
    ours = sorted(three, key=lambda reading: reading.first_picture)[1]
    peer = read(browser, "CircuitsVis", 12, 128, tmp_path)
    weight, peer_weight = notebook_bytes(workbench_view(maps)), len(json.dumps(circuitsvis_page(maps)))
    print(
        "\n".join(
            [
                "",
                HEAD,
                row("workbench", 12, 128, weight, ours),
                row("CircuitsVis", 12, 128, peer_weight, peer),
            ]
        )
    )
    assert peer_weight / weight >= 20
    assert peer.first_picture / ours.first_picture >= 50


def test_stays_usable_at_144_heads_of_512_tokens(browser: Browser, tmp_path: Path) -> None:
    small, large = (read(browser, "workbench", *size, tmp_path) for size in ((12, 128), (144, 512)))
    print(
        "\n".join(
            [
                "",
                HEAD,
                *(
                    row("workbench", *s, notebook_bytes(workbench_view(patterns(*s))), r)
                    for s, r in (((12, 128), small), ((144, 512), large))
                ),
            ]
        )
    )
    # 192 times the weights: thumbnails keep the picture's cost to what is on the screen.
    assert large.first_picture <= 10 * small.first_picture
    assert large.hover <= 3 * small.hover


@pytest.mark.slow
@pytest.mark.timeout(3600)
# BertViz never closes the file of its script.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_whole_table(browser: Browser, tmp_path: Path) -> None:
    lines, faster = [HEAD], 0
    for heads, tokens in SIZES:
        ours = read(browser, "workbench", heads, tokens, tmp_path)
        lines.append(
            row("workbench", heads, tokens, notebook_bytes(workbench_view(patterns(heads, tokens))), ours)
        )
        for name in ("CircuitsVis", "BertViz"):
            if heads * tokens**2 > LARGEST_PEER:
                lines.append(f"{heads:>5} x {tokens:<4} {name:<12} not tried")
                continue
            peer = read(browser, name, heads, tokens, tmp_path)
            size = len(json.dumps(PAGES[name][0](patterns(heads, tokens))))
            lines.append(row(name, heads, tokens, size, peer))
            assert peer is None or peer.first_picture > ours.first_picture
            faster += 1
    print("\n".join(["", *lines]))
    assert faster >= 8

"""AttentionPatterns between Python and the page: what is clicked arrives, what Python sets is drawn."""

from __future__ import annotations

import re

import pytest
import torch
from playwright.sync_api import expect

from workbench.records import AttentionWeights
from workbench.sites import Head
from workbench.widgets import AttentionPatterns

pytestmark = pytest.mark.bridge


@pytest.fixture
def view(mount):
    view = AttentionPatterns(AttentionWeights.example())
    mount(view)
    return view


def cell(page, layer, head):
    return page.locator(f'[data-head="{layer}/{head}"]')


def point_at(page, query, key, size):
    """Put the pointer on a cell of the large map."""
    box = page.locator(".ap-plot").bounding_box()
    side = box["width"] / size
    page.mouse.move(box["x"] + (key + 0.5) * side, box["y"] + (query + 0.5) * side)


def causal(prompts, layers, heads, tokens, seed=0):
    scores = torch.randn(
        prompts, layers, heads, tokens, tokens, generator=torch.Generator().manual_seed(seed)
    )
    mask = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    return AttentionWeights(
        model="random",
        tokens=tuple(tuple(f"t{i}" for i in range(tokens)) for _ in range(prompts)),
        weights=(3 * scores).masked_fill(mask, -torch.inf).softmax(-1),
    )


def test_a_click_selects_a_head_in_python(bridge, page, view):
    cell(page, 2, 1).click()
    bridge.until(lambda: view.selection == (Head(2, 1),))
    assert view.focus == [2, 1]
    cell(page, 0, 3).click(modifiers=["Control"])
    bridge.until(lambda: view.selection == (Head(2, 1), Head(0, 3)))


def test_heads_set_in_python_are_marked(page, view):
    view.heads = [[0, 0], [1, 3]]
    selected = page.locator('[role=gridcell][aria-selected="true"]')
    expect(selected).to_have_count(2)
    expect(cell(page, 1, 3)).to_have_attribute("aria-selected", "true")


def test_hovering_reads_the_true_weight(page, view):
    view.heads = [[2, 1]]
    expect(page.locator(".ap-detail h3")).to_have_text("L2H1")
    point_at(page, 3, 2, size=7)
    read = page.locator(".ap-readout")
    expect(read).to_contain_text('query "<script>alert(1)</script>" (pos 3) reads key "⏎" (pos 2)')
    weight = float(view.record.weights[0, 2, 1, 3, 2])
    said = float(re.search(r"(0\.\d+|1(?:\.0+)?)", read.inner_text().split("(pos 2)")[1])[1])
    assert said == pytest.approx(weight, abs=0.005)


def test_a_click_in_the_map_locks_a_token(bridge, page, view):
    point_at(page, 4, 1, size=7)
    page.mouse.down()
    page.mouse.up()
    bridge.until(lambda: view.locked == 4)


def test_the_prompt_picked_in_the_page_is_the_one_in_python(bridge, page, view):
    page.locator(".ap-prompts select").select_option("1")
    bridge.until(lambda: view.prompt == 1 and view.data.title == "prompt 2 of 2")
    expect(page.locator(".ap-heading")).to_contain_text("5 tokens")
    page.locator(".ap-prompts select").select_option("-1")
    bridge.until(lambda: view.data.title == "mean over 2 prompts")
    expect(page.locator(".ap-heading")).to_contain_text("mean over 2 prompts")


def test_the_prompt_set_in_python_is_shown_and_a_later_view_agrees(bridge, page, mount, view):
    view.prompt = 1
    expect(page.locator(".ap-heading")).to_contain_text("5 tokens")
    expect(mount(view).locator(".ap-heading")).to_contain_text("5 tokens")


def test_a_large_model_comes_as_thumbnails_and_its_heads_one_by_one(bridge, page, mount):
    view = AttentionPatterns(causal(1, 4, 6, 300), heads=[[3, 5]])
    assert view.data.pooled == 7
    mount(view)
    expect(page.locator(".ap-plot canvas")).to_have_attribute("width", "300")
    expect(page.locator(".ap-note")).to_have_count(0)
    point_at(page, 250, 3, size=300)
    expect(page.locator(".ap-readout")).to_contain_text('query "t250" (pos 250) reads key "t3" (pos 3)')
    weight = float(view.record.weights[0, 3, 5, 250, 3])
    said = page.locator(".ap-readout").inner_text().split("(pos 3)")[1]
    assert float(re.search(r"[\d.]+(e-\d+)?", said)[0]) == pytest.approx(weight, abs=0.005)
    assert view.selection == (Head(3, 5),)


def test_markup_in_tokens_stays_text(bridge, page, mount):
    tokens = ("<img src=x onerror=window.hit=1>", "</script><script>window.hit=1</script>", "&lt;b&gt;")
    view = AttentionPatterns(
        AttentionWeights("<b>m</b>", (tokens,), torch.ones(1, 1, 1, 3, 3).tril() / 3 + _pad())
    )
    out = mount(view)
    out.locator(".ap-plot").hover()
    expect(out.locator(".ap-readout")).to_contain_text("window.hit=1")
    assert out.locator("img, script, b:has-text('m')").count() == 0
    assert page.evaluate("window.hit") is None


def _pad():
    """What makes the rows of a third below the diagonal sum to one: the rest on the diagonal."""
    return torch.diag(torch.tensor([2.0, 1.0, 0.0]) / 3)


def test_no_key_leaks_to_the_page_around(bridge, page, view):
    cell(page, 0, 0).focus()
    for key in ("x", "d", "d", "ArrowDown", "Enter", "a", "Escape"):
        page.keyboard.press(key)
    page.get_by_label("New prompt").fill("")
    page.get_by_label("New prompt").press_sequentially("dd x")
    assert page.evaluate("host.leaked") == []
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("y")
    assert page.evaluate("host.leaked") == ["y"], "the page does listen"


def test_the_keyboard_selects_like_the_mouse(bridge, page, view):
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    bridge.until(lambda: view.selection == (Head(1, 1),))

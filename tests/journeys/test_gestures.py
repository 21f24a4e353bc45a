"""A busy kernel, a dying kernel, JupyterLab's own shortcuts, and two pictures of one model."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.lab import Lab, Notebook

pytestmark = pytest.mark.journey

LOAD = "import workbench\nmodel = workbench.load()"
HEADS = "heads = workbench.attention(model, 'The capital of France is')\nheads"
LENS = "lens = workbench.hidden_states(model, 'The capital of France is', track=[' Paris'])\nlens"
BUSY = """import pathlib, time
print('STARTED')
patience = time.time() + 120
while not pathlib.Path('go').exists() and time.time() < patience: time.sleep(0.05)
print('ENDED')"""


def picture(book: Notebook, index: int) -> Locator:
    """The live picture below a cell."""
    found = book.output(index).locator(".wb[data-ready='1']")
    found.wait_for(timeout=60_000)
    return found


def ablate(heads: Locator, head: str) -> None:
    heads.locator(f"[data-head='{head}']").click()
    heads.get_by_role("button", name="Ablate selected heads").click()


@pytest.mark.parametrize("comms", ["lab", "lab_on_main_thread"])
def test_a_gesture_while_a_cell_is_running(comms: str, request, notebook, page: Page) -> None:
    lab: Lab = request.getfixturevalue(comms)
    book = notebook(lab, [LOAD, HEADS, BUSY], f"{comms}.ipynb")
    book.run(0)
    book.run(1)
    heads = picture(book, 1)
    book.run(2)
    expect(book.output(2)).to_contain_text("STARTED")
    ablate(heads, "23/4")
    if comms == "lab":
        # Over a subshell the experiment is done while the cell still runs.
        expect(heads.locator(".ap-effect")).to_contain_text("L23H4", timeout=60_000)
        expect(book.output(2)).not_to_contain_text("ENDED")
        (lab.root / "go").touch()
    else:
        # On the main thread it waits for the cell, says so, and is then done.
        expect(heads).to_contain_text("No answer from the kernel yet", timeout=20_000)
        (lab.root / "go").touch()
        expect(heads.locator(".ap-effect")).to_contain_text("L23H4", timeout=60_000)
        expect(heads).not_to_contain_text("No answer from the kernel yet")
    expect(book.output(2)).to_contain_text("ENDED", timeout=20_000)
    assert (
        book.python("import torch; print(heads.effect.edit, torch.is_grad_enabled())")
        == "L23H4 set to zero True\n"
    )


def test_two_pictures_of_one_model_at_once(lab: Lab, notebook, page: Page) -> None:
    book = notebook(lab, [LOAD, HEADS, LENS, "pass"], "two.ipynb")
    for index in range(3):
        book.run(index)
    heads, lens = picture(book, 1), picture(book, 2)
    box = lens.get_by_role("textbox").first
    box.fill("The capital of Italy is")
    lens.get_by_role("button", name="Decode").first.click()
    ablate(heads, "23/4")
    expect(heads.locator(".ap-effect")).to_contain_text("L23H4", timeout=30_000)
    expect(lens.locator(".hs-panel")).to_contain_text("·Rome", timeout=30_000)
    out = book.python("heads.wait(); lens.wait(); print(lens.record.tokens[3], heads.effect.tokens[0])")
    assert out == "·Italy ·Paris\n"


@pytest.mark.parametrize(("cell", "role"), [(HEADS, "gridcell"), (LENS, "grid")], ids=["heads", "lens"])
def test_keys_stay_in_the_picture(cell: str, role: str, lab: Lab, notebook, page: Page) -> None:
    book = notebook(lab, [LOAD, cell, "1 + 1"], f"keys_{role}.ipynb")
    book.run(0)
    book.run(1)
    target = picture(book, 1).get_by_role(role).first
    target.focus()
    cells = page.locator(".jp-NotebookPanel .jp-Cell")
    expect(cells).to_have_count(3)
    # In command mode JupyterLab would cut, insert above, insert below, delete and merge cells.
    for key in ("x", "a", "b", "d", "d", "Shift+M", "ArrowDown", "ArrowRight", "Enter", "Escape"):
        page.keyboard.press(key)
    book.python("pass")
    expect(cells).to_have_count(3)


def test_a_picture_whose_kernel_died(lab: Lab, notebook, page: Page) -> None:
    book = notebook(lab, [LOAD, HEADS], "dead.ipynb")
    book.run(0)
    book.run(1)
    heads = picture(book, 1)
    lab.end_kernels()
    ablate(heads, "23/4")
    expect(heads).to_contain_text("The picture stays", timeout=30_000)
    expect(heads.locator("[data-head='23/4']")).to_be_visible()
    heads.locator("[data-head='11/7']").click()
    expect(heads.locator("[data-head='11/7']")).to_have_attribute("aria-selected", "true")

"""The life of a request as one sees it: waiting, running, done, cancelled, failed, or the kernel gone."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from workbench.errors import ModelError
from workbench.records import AttentionWeights, DecodedStates, NextTokens
from workbench.widgets import AttentionPatterns, HiddenStateViewer
from workbench.worker import Worker

pytestmark = pytest.mark.bridge


class Experiment:
    """An ablation that stops half way until the test lets it go on."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, heads, kind, task):
        task.progress(0.25, "layer 1 of 4")
        self.begun.set()
        assert self.go_on.wait(20)
        task.check()
        return NextTokens.example()


@pytest.fixture
def experiment():
    experiment = Experiment()
    yield experiment
    experiment.go_on.set()


def attention(ablate):
    return AttentionPatterns(AttentionWeights.example(), ablate=ablate, heads=[[1, 2]])


def press_ablate(page):
    page.get_by_role("button", name="Ablate selected heads").click()


def test_progress_then_the_result_in_the_picture_and_in_python(bridge, page, mount, experiment):
    view = attention(experiment)
    mount(view)
    press_ablate(page)
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    expect(page.locator(".wb-run")).to_contain_text("Ablate L1H2 (zero) layer 1 of 4 25 %")
    experiment.go_on.set()
    expect(page.locator(".ap-effect")).to_contain_text("L1H2 ablated (zero)")
    expect(page.locator(".wb-run")).to_have_count(0)
    assert view.effect == NextTokens.example()


def test_cancel_stops_the_work_and_leaves_the_picture(bridge, page, mount, experiment):
    view = attention(experiment)
    mount(view)
    press_ablate(page)
    assert experiment.begun.wait(10)
    page.get_by_role("button", name="Cancel").click()
    bridge.until(lambda: bridge.received[-1]["content"]["kind"] == "cancel")
    experiment.go_on.set()
    expect(page.locator(".wb-run")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert view.effect is None
    expect(page.locator(".ap-effect")).to_have_count(0)


def test_an_error_is_painted_in_words_and_can_be_dismissed(bridge, page, mount):
    def fail(heads, kind, task):
        raise ModelError("The model was unloaded. Load it again.")

    mount(attention(fail))
    press_ablate(page)
    expect(page.get_by_role("alert")).to_contain_text("The model was unloaded. Load it again.")
    page.get_by_role("button", name="Dismiss this message").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_unforeseen_error_is_painted_shortly_and_logged_whole(bridge, page, mount, caplog):
    def fail(heads, kind, task):
        raise ZeroDivisionError("<b>0</b> heads")

    mount(attention(fail))
    press_ablate(page)
    expect(page.get_by_role("alert")).to_contain_text(
        "ZeroDivisionError: <b>0</b> heads (the traceback is in"
    )
    assert 'raise ZeroDivisionError("<b>0</b> heads")' in caplog.text


def test_a_picture_without_a_model_says_how_to_get_one(bridge, page, mount):
    mount(attention(None))
    press_ablate(page)
    expect(page.get_by_role("alert")).to_contain_text("build it with workbench.attention(model, prompt)")


def test_a_silent_kernel_is_named_after_five_seconds(bridge, page, mount):
    mount(attention(None))
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # an installed clock runs on by itself
    bridge.silent = True
    press_ablate(page)
    page.clock.run_for(4900)
    expect(page.locator(".wb-run")).to_contain_text("waiting for its turn")
    page.clock.run_for(200)
    expect(page.locator(".wb-run")).to_contain_text("No answer from the kernel yet")
    assert page.locator(".ap-cell canvas").count() == 12, "the picture stays"


def test_a_kernel_that_is_gone_is_named_at_once(bridge, page, mount):
    mount(attention(None))
    bridge.close_comms()
    press_ablate(page)
    expect(page.get_by_role("alert")).to_contain_text("The kernel is gone")
    page.locator('[data-head="2/1"]').click()
    expect(page.locator('[data-head="2/1"]')).to_have_attribute("aria-selected", "true")


def test_two_pictures_of_one_model_take_turns(bridge, page, mount, experiment):
    worker, running, overlaps = Worker(), [], []

    def alone(name, work):
        running.append(name)
        overlaps.append(len(running) > 1)
        result = work()
        running.remove(name)
        return result

    def ablate(heads, kind, task):
        return alone("ablate", lambda: experiment(heads, kind, task))

    def decode(text, ids, task):
        return alone("decode", DecodedStates.example)

    first = AttentionPatterns(AttentionWeights.example(), ablate=ablate, worker=worker, heads=[[0, 1]])
    second = HiddenStateViewer(DecodedStates.example(), decode=decode, worker=worker)
    above, below = mount(first), mount(second)
    above.get_by_role("button", name="Ablate selected heads").click()
    assert experiment.begun.wait(10)
    below.get_by_role("button", name="Decode", exact=True).click()
    expect(below.locator(".wb-run")).to_contain_text("waiting for its turn")
    experiment.go_on.set()
    expect(above.locator(".ap-effect")).to_be_visible()
    expect(below.locator(".wb-run")).to_have_count(0)
    assert overlaps == [False, False]

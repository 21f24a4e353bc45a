"""The three channels between a widget and its picture, with a small picture of the test's own."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
import traitlets as t
from playwright.sync_api import expect

from workbench.pack import pack_array
from workbench.records import NextTokens
from workbench.widgets.base import Widget, from_python

pytestmark = [
    pytest.mark.bridge,
    pytest.mark.parametrize("bridge", ["main thread", "thread of its own"], indirect=True),
]

ESM = """
export default { render({ model, el }) {
  const out = document.createElement("output");
  const tokens = () => model.get("data").fields.tokens.length;
  const show = () => { out.textContent = `count ${model.get("count")}, ${tokens()} tokens`; };
  const hear = (message, buffers) => {
    const p = document.createElement("p");
    const bytes = buffers.map((b) => [...new Uint8Array(b.buffer, b.byteOffset, b.byteLength)].join(" "));
    p.textContent = JSON.stringify(message) + " / " + bytes.join(" | ");
    el.append(p);
  };
  model.on("change:count", show);
  model.on("change:data", show);
  model.on("msg:custom", hear);
  el.append(out);
  show();
  return () => model.off();
} };
"""


class Probe(Widget):
    """Shows a number and the messages that arrive."""

    _esm = ESM
    data = from_python(NextTokens)
    count = t.Int(0).tag(sync=True)

    @t.validate("count")
    def _check(self, proposal):
        if proposal["value"] > 9:
            raise t.TraitError("count is too large")
        return proposal["value"]

    def _on_double(self, task, values):
        return {"sum": sum(values), "array": pack_array(torch.tensor([1, 2, 3], dtype=torch.uint8))}

    def _on_where(self, task):
        return threading.current_thread().name

    requests = {"double": _on_double, "where": _on_where}  # noqa: RUF012


@pytest.fixture
def probe(mount):
    view = Probe(data=NextTokens.example())
    mount(view)
    return view


def send(page, view, expression):
    """Run a piece of page script that has the view's `model`."""
    page.evaluate(f"(() => {{ const model = host.models['{view.model_id}']; {expression} }})()")


def test_a_trait_set_in_the_page_is_set_in_python(bridge, page, probe):
    send(page, probe, "model.set('count', 5); model.save_changes()")
    bridge.until(lambda: probe.count == 5)


def test_a_trait_set_in_python_is_shown(bridge, page, probe):
    probe.count = 7
    expect(page.locator("output")).to_have_text("count 7, 7 tokens")
    assert bridge.received == []


def test_a_record_set_in_python_is_shown(page, probe):
    few = NextTokens.example()
    probe.data = replace(few, tokens=("a",), ids=few.ids[:1], probability=few.probability[:1], baseline=None)
    expect(page.locator("output")).to_have_text("count 0, 1 tokens")


def test_an_observer_that_waits_for_the_worker_does_not_stop_it(bridge, page, probe):
    names = []
    probe.observe(lambda change: names.append(probe.request("where").wait(10)), "count")
    send(page, probe, "model.set('count', 2); model.save_changes()")
    bridge.until(lambda: names)
    assert names == ["workbench view"]


def test_a_value_that_does_not_fit_is_put_right_in_the_page(bridge, page, probe, caplog):
    send(page, probe, "model.set('count', 12); model.save_changes()")
    bridge.until(lambda: bridge.received)
    expect(page.locator("output")).to_have_text("count 0, 7 tokens")
    assert probe.count == 0
    assert "count is too large" in caplog.text


def test_the_page_cannot_write_data(bridge, page, probe):
    record = probe.data
    send(page, probe, "model.set('data', {fields: {tokens: []}})")
    send(page, probe, "model.set('count', 3); model.save_changes()")
    bridge.until(lambda: probe.count == 3)
    assert probe.data is record
    expect(page.locator("output")).to_have_text("count 3, 7 tokens")


def test_a_request_brings_numbers_and_buffers(page, probe):
    send(page, probe, "model.send({kind: 'request', id: 'a', name: 'double', args: {values: [2, 3]}})")
    expect(page.locator("p")).to_have_count(2)
    expect(page.locator("p").nth(0)).to_have_text('{"kind":"accepted","id":"a"} / ')
    array = '{"dtype":"uint8","shape":[3],"buffer":0}'
    reply = f'{{"kind":"reply","id":"a","value":{{"sum":5,"array":{array}}}}} / 1 2 3'
    expect(page.locator("p").nth(1)).to_have_text(reply)


def test_buffers_reach_python(bridge, page, probe):
    heard = []
    probe.on_msg(lambda view, content, buffers: heard.append((content, [bytes(b) for b in buffers])))
    send(page, probe, "model.send({kind: 'note'}, undefined, [new Uint8Array([7, 0, 255]).buffer])")
    bridge.until(lambda: heard)
    assert heard == [({"kind": "note"}, [b"\x07\x00\xff"])]


def test_messages_from_many_threads_all_arrive_in_order(bridge, page, probe):
    def count(name):
        for i in range(50):
            probe.send({"from": name, "i": i})

    threads = [threading.Thread(target=count, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    expect(page.locator("p")).to_have_count(150)
    for thread in threads:
        thread.join()
    said = page.locator("p").all_text_contents()
    for name in "abc":
        own = [text for text in said if f'"{name}"' in text]
        assert own == [f'{{"from":"{name}","i":{i}}} / ' for i in range(50)]


def test_two_views_of_one_model_stay_in_step(bridge, page, probe):
    bridge.mount(probe)
    send(page, probe, "model.set('count', 4); model.save_changes()")
    expect(page.locator("output")).to_have_text(["count 4, 7 tokens"] * 2)
    probe.count = 6
    expect(page.locator("output")).to_have_text(["count 6, 7 tokens"] * 2)

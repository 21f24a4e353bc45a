"""A picture with no picture, for tests of what all pictures share."""

from __future__ import annotations

import json
import threading

import torch
import traitlets as t

from workbench.errors import ModelError
from workbench.pack import pack_array
from workbench.records import NextTokens
from workbench.widgets.base import Widget, from_python


class Gate:
    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def pass_through(self):
        self.begun.set()
        assert self.open.wait(10)


class Probe(Widget):
    """A picture of a number; its requests do what the tests need."""

    _esm = "export default { render() {} }\n"
    data = from_python(NextTokens)
    count = t.Int(0).tag(sync=True)
    screen = ("count", "theme", "title")
    reads = frozenset({"peek"})
    overtakes = {"hold": ("lane",)}  # noqa: RUF012

    def __init__(self, **traits):
        self.sent = []
        self.gate = Gate()
        super().__init__(data=NextTokens.example(), **traits)

    @t.validate("count")
    def _check_count(self, proposal):
        if proposal["value"] == 7:
            self.gate.pass_through()
        if proposal["value"] > 9:
            raise t.TraitError("count is too large: give at most 9")
        return proposal["value"]

    def send(self, content, buffers=None):
        json.dumps(content)  # what a kernel would do
        self.sent.append((content, [bytes(buffer) for buffer in buffers or []]))

    def _on_count_to(self, task, n):
        for i in range(n):
            task.progress(i / n, f"at {i}")
        self.publish(task, count=n)
        self._remember("count_to", "count_to", n=n)
        return n

    def _on_hold(self, task, lane=0):
        self.gate.pass_through()
        task.check()
        return lane

    def _on_set_late(self, task):
        self.gate.pass_through()
        self.publish(task, count=5)

    def _on_peek(self, task):
        return {"nested": [{"map": pack_array(torch.tensor([[1.0, 2.0]]))}]}

    def _on_fail(self, task, kind):
        raise {
            "ours": ModelError("Load it again."),
            "other": KeyError("x"),
            "trait": t.TraitError("No such head."),
        }[kind]

    def _on_unsendable(self, task):
        return object()

    requests = {  # noqa: RUF012
        "count_to": _on_count_to,
        "hold": _on_hold,
        "set_late": _on_set_late,
        "peek": _on_peek,
        "fail": _on_fail,
        "unsendable": _on_unsendable,
    }

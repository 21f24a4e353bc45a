"""Real Python widgets and a real Chromium page, with no Jupyter server and no kernel between them.

The widgets' comms are replaced: what a widget sends, from whatever thread, waits in a queue that the page
empties; what the page sends is handled like a kernel would, on the main thread or on one of its own, since
JupyterLab 4.6 does either. So a test clicks in the page and reads a trait, in one process.
"""

from __future__ import annotations

import base64
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import comm.base_comm
from ipywidgets import Widget
from ipywidgets.widgets.widget import _remove_buffers
from playwright.sync_api import Locator, Page

HOST = Path(__file__).parent / "host.html"


def as_text(data: Any) -> str:
    return base64.b64encode(memoryview(data).cast("B")).decode()


class Bridge:
    """One page with widgets in it.

    Args:
        page: An open page of Playwright.
        own_thread: Handle the page's messages on a thread, as JupyterLab 4.6 does while a cell runs.
    """

    def __init__(self, page: Page, own_thread: bool = False):
        self.page = page
        self.silent = False
        """The kernel is busy or dead: what the page sends is lost."""
        self.received: list[dict] = []
        """Everything the page sent, in order."""
        self._widgets: dict[str, Widget] = {}
        self._outbox: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="comm") if own_thread else None
        page.expose_function("workbenchUp", self._up)
        page.expose_function("workbenchDown", self._down)
        page.goto(HOST.as_uri())
        page.evaluate("host.pull()")

    def create_comm(self, *args: Any, **kwargs: Any) -> comm.base_comm.BaseComm:
        """Stand in for `comm.create_comm`, which ipywidgets calls for every new widget."""
        outbox = self._outbox

        class BridgeComm(comm.base_comm.BaseComm):
            def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
                if msg_type == "comm_msg":
                    outbox.put((self.comm_id, data, [as_text(buffer) for buffer in buffers or []]))

        return BridgeComm(*args, **kwargs)

    def mount(self, widget: Widget) -> Locator:
        """Show a widget (again) and wait until it is painted."""
        state, paths, buffers = _remove_buffers(widget.get_state())
        esm, css = state.pop("_esm"), state.pop("_css", "")
        state = {name: value for name, value in state.items() if name[0] != "_" and name != "layout"}
        self._widgets[widget.model_id] = widget
        texts = [as_text(buffer) for buffer in buffers]
        self.page.evaluate("a => host.mount(...a)", [widget.model_id, state, paths, texts, esm, css])
        return self.page.locator(".output").nth(self.page.locator(".output").count() - 1)

    def until(self, condition: Callable[[], Any], seconds: float = 10) -> None:
        """Let page and threads go on until a condition holds in Python."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            self.page.evaluate("new Promise(requestAnimationFrame)")

    def close_comms(self) -> None:
        """The kernel is gone: sending throws in the page."""
        self.page.evaluate("for (const model of Object.values(host.models)) model.closed = true")

    def close(self) -> None:
        if self._thread:
            self._thread.shutdown()
        for widget in self._widgets.values():
            widget.close()

    def _up(self, model_id: str, data: dict, buffers: list[str]) -> None:
        self.received.append(data)
        if self.silent:
            return
        message = {"content": {"data": data}, "buffers": [memoryview(base64.b64decode(b)) for b in buffers]}
        handle = self._widgets[model_id]._handle_msg
        if self._thread:
            self._thread.submit(handle, message)
        else:
            handle(message)

    def _down(self) -> list:
        messages = []
        while not self._outbox.empty():
            messages.append(self._outbox.get())
        return messages

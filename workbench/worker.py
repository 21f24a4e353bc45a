"""One thread per model: every experiment a gesture asks for waits its turn here.

JupyterLab delivers a widget's messages on a thread of its own, even while a cell is running, and two traces
of one model must never overlap. So a gesture only leaves a task; the model's single worker runs it, with
autograd off inside the thread (grad mode is per thread: the caller's `no_grad` is not seen here).
"""

from __future__ import annotations

import contextvars
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Hashable
from typing import Any

import torch

from workbench.errors import Cancelled, WidgetError

log = logging.getLogger(__name__)

PROGRESS_PER_SECOND = 16
"""How many progress reports a task may pass on each second once its first few are spent."""
PROGRESS_BURST = 4
"""How many it may pass on at once: a short task's few steps all show."""


_TOLD = {"done": "on_done", "failed": "on_error", "cancelled": "on_cancelled"}


class Task:
    """One experiment, from the gesture that asked for it to its end.

    `state` goes from "queued" over "running" to "done", "failed" or "cancelled". The function that is run
    receives the task, so that it can report and stop early.
    """

    def __init__(self, run: Callable[[Task], Any], key: Hashable, callbacks: dict[str, Callable | None]):
        self.state = "queued"
        self.result: Any = None
        self.error: BaseException | None = None
        self.key = key
        self._run: Any = run
        self._callbacks = callbacks
        self._context: Any = contextvars.copy_context()
        self._asked_to_stop = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._reports_left = float(PROGRESS_BURST)
        self._reported = time.monotonic()

    def __repr__(self) -> str:
        return f"Task({self.state})"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to this task."""
        return self._ended.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the person no longer wants the answer."""
        if self._asked_to_stop:
            raise Cancelled("This request was cancelled.")

    def progress(self, done: float | None, text: str = "") -> None:
        """Say how far the work is, and stop it here if it was cancelled.

        Args:
            done: the finished share from 0 to 1, or None when nobody knows.
            text: what is going on, in words.
        """
        self.check()
        now = time.monotonic()
        earned = (now - self._reported) * PROGRESS_PER_SECOND
        self._reports_left = min(self._reports_left + earned, PROGRESS_BURST)
        self._reported = now
        if self._reports_left >= 1:  # a browser that gets thousands of reports a second paints none of them
            self._reports_left -= 1
            self._tell("on_progress", None if done is None else min(max(float(done), 0.0), 1.0), str(text))

    def cancel(self) -> None:
        """Stop the work: at once if it has not begun, else at its next `check` or `progress`."""
        self._asked_to_stop = True
        self._end("cancelled", only_from="queued")

    def wait(self, timeout: float | None = 60.0) -> Any:
        """Block until the end and return the result.

        Raises:
            Cancelled: it was cancelled or overtaken by a newer request.
            TimeoutError: it has not ended within `timeout` seconds.
            WidgetError: called from the thread that should do the work.
            Exception: whatever the work itself raised.
        """
        if threading.get_ident() == self._thread:
            raise WidgetError("This would wait for itself: wait in a notebook cell, not inside the work.")
        if not self._ended.wait(timeout):
            raise TimeoutError(f"No result after {timeout:g} s: the work is still {self.state}.")
        if self.state == "cancelled":
            raise Cancelled("This request was cancelled, or overtaken by a newer one.")
        if self.error is not None:
            raise self.error
        return self.result

    def _begin(self, thread: int) -> bool:
        with self._lock:
            if self.state != "queued":
                return False
            self.state, self._thread = "running", thread
            return True

    def _execute(self) -> None:
        """Run in the worker's thread, in the context the request was made in."""
        try:
            with torch.no_grad():
                self.result = self._run(self)
        except Cancelled:
            self._end("cancelled")
        except BaseException as error:  # an exit or interrupt raised by the work must not end the thread
            self.error = error
            self._end("failed", error)
        else:
            self._end("done", self.result)

    def _end(self, state: str, *said: Any, only_from: str | None = None) -> None:
        with self._lock:
            if self.ended or only_from not in (None, self.state):
                return
            self.state = state
            self._run = None  # it holds the model, and a task may be kept for long
        # The event comes last: who waits for the end also sees what the end did.
        self._tell(_TOLD[state], *said)
        self._callbacks, self._context = {}, None
        self._ended.set()

    def _tell(self, name: str, *said: Any) -> None:
        callback = self._callbacks.get(name)
        if callback is None:
            return
        try:
            callback(*said)
        except BaseException:  # a listener's mistake is not the work's
            log.exception("A listener (%s) of a worker's task failed.", name)


class Worker:
    """A queue and the one daemon thread that empties it, started with the first task."""

    def __init__(self, name: str = "workbench"):
        self.name = name
        self._closed = False
        self._start_over()
        _workers.add(self)

    def _start_over(self) -> None:
        """An empty queue, no thread: at the beginning and in a fork's child, which gets no threads."""
        self._lock = threading.RLock()  # the garbage collector may call close() inside submit()
        self._waiting: dict[Hashable, Task] = {}
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._queue.put, None).atexit = False

    def submit(
        self,
        run: Callable[[Task], Any],
        *,
        key: Hashable = None,
        on_progress: Callable[[float | None, str], None] | None = None,
        on_done: Callable[[Any], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
    ) -> Task:
        """Queue `run(task)`; the callbacks are called in the worker's thread.

        Args:
            run: the work. Its return value becomes the task's result.
            key: a queued task with the same key that has not begun is overtaken: it ends as cancelled.
            on_progress: called with (share or None, text), at most about 20 times a second.
            on_done: called with the result.
            on_error: called with the exception.
            on_cancelled: called when the task was cancelled or overtaken (in that thread, if not begun).
        """
        callbacks = {
            "on_progress": on_progress,
            "on_done": on_done,
            "on_error": on_error,
            "on_cancelled": on_cancelled,
        }
        task = Task(run, key, callbacks)
        overtaken = None
        with self._lock:
            if self._closed:
                raise WidgetError("The model of this picture is gone: load it again and make a new picture.")
            if key is not None:
                overtaken, self._waiting[key] = self._waiting.get(key), task
            self._queue.put(task)
            if self._thread is None or not self._thread.is_alive():
                args = (self._queue, self._waiting, self._lock)
                self._thread = threading.Thread(target=_serve, args=args, name=self.name, daemon=True)
                self._thread.start()
        if overtaken is not None:
            overtaken._end("cancelled", only_from="queued")
        return task

    def close(self) -> None:
        """End the thread once it has emptied the queue. A later `submit` raises `WidgetError`."""
        with self._lock:
            self._closed = True
            self._queue.put(None)


def _serve(tasks: queue.SimpleQueue[Task | None], waiting: dict[Hashable, Task], lock: Any) -> None:
    # A module function, so that the thread keeps alive neither its Worker nor the model.
    while (task := tasks.get()) is not None:
        with lock:
            if waiting.get(task.key) is task:
                del waiting[task.key]
        if task._begin(threading.get_ident()):
            task._context.run(task._execute)
        task = None  # while idle the loop's variable must not keep the last result alive


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()
_worker_of: weakref.WeakKeyDictionary[Any, Worker] = weakref.WeakKeyDictionary()
_finding = threading.Lock()


def worker_for(model: Any) -> Worker:
    """The one worker of this model; its thread ends when the model is no longer used by anything."""
    with _finding:
        worker = _worker_of.get(model)
        if worker is None:
            worker = _worker_of[model] = Worker(f"workbench {type(model).__name__}")
            weakref.finalize(model, worker.close).atexit = False
        return worker


def _after_fork_in_child() -> None:
    global _finding
    _finding = threading.Lock()
    for worker in list(_workers):
        worker._start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

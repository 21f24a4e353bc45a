"""The worker: order, cancelling, overtaking, errors, and that it neither dies nor lingers."""

from __future__ import annotations

import contextvars
import gc
import subprocess
import sys
import threading
import weakref
from types import SimpleNamespace

import pytest
import torch

from workbench import worker as worker_module
from workbench.errors import Cancelled, WidgetError
from workbench.worker import Worker, worker_for


@pytest.fixture
def worker():
    made = Worker("test")
    yield made
    made.close()


class Gate:
    """Work that has begun and waits until the test lets it go on."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, task):
        self.begun.set()
        assert self.open.wait(10)
        task.check()
        return "through"


def test_tasks_run_one_at_a_time_in_order(worker):
    seen = []
    tasks = [worker.submit(lambda task, i=i: seen.append((i, threading.get_ident()))) for i in range(20)]
    for task in tasks:
        task.wait(10)
    assert [i for i, _ in seen] == list(range(20))
    assert {thread for _, thread in seen} == {worker._thread.ident} != {threading.get_ident()}


def test_autograd_is_off_inside_and_untouched_outside(worker):
    assert worker.submit(lambda task: torch.is_grad_enabled()).wait(10) is False
    assert torch.is_grad_enabled()


def test_context_of_the_caller_is_seen(worker):
    cell = contextvars.ContextVar("cell", default="none")
    cell.set("cell 7")
    assert worker.submit(lambda task: cell.get()).wait(10) == "cell 7"


def test_a_result_reaches_the_listener_before_the_waiter(worker):
    said = []
    task = worker.submit(lambda task: 41 + 1, on_done=said.append)
    assert task.wait(10) == 42
    assert said == [42]
    assert task.state == "done"


def test_cancel_before_it_begins(worker):
    gate, said = Gate(), []
    first = worker.submit(gate)
    assert gate.begun.wait(10)
    second = worker.submit(lambda task: said.append("ran"), on_cancelled=lambda: said.append("cancelled"))
    second.cancel()
    assert said == ["cancelled"]
    assert second.ended
    gate.open.set()
    assert first.wait(10) == "through"
    worker.submit(lambda task: None).wait(10)  # the cancelled task's turn has passed by now
    assert said == ["cancelled"]
    with pytest.raises(Cancelled, match="overtaken"):
        second.wait(10)


def test_cancel_during_stops_at_the_next_check(worker):
    gate, said = Gate(), []
    task = worker.submit(gate, on_done=said.append, on_cancelled=lambda: said.append("cancelled"))
    assert gate.begun.wait(10)
    task.cancel()
    assert task.state == "running"
    gate.open.set()
    with pytest.raises(Cancelled):
        task.wait(10)
    assert said == ["cancelled"]


def test_progress_stops_a_cancelled_task(worker):
    def count(task):
        begun.set()
        while True:
            task.progress(None)

    begun = threading.Event()
    task = worker.submit(count)
    assert begun.wait(10)
    task.cancel()
    with pytest.raises(Cancelled):
        task.wait(10)


def test_a_newer_task_with_the_same_key_overtakes_only_what_has_not_begun(worker):
    gate, said = Gate(), []
    running = worker.submit(gate, key="ablate", on_cancelled=lambda: said.append("running"))
    assert gate.begun.wait(10)
    queued = worker.submit(lambda task: "old", key="ablate", on_cancelled=lambda: said.append("queued"))
    other = worker.submit(lambda task: "other", key="page")
    newest = worker.submit(lambda task: "new", key="ablate")
    assert said == ["queued"]
    assert queued.state == "cancelled"
    gate.open.set()
    assert [running.wait(10), other.wait(10), newest.wait(10)] == ["through", "other", "new"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_is_kept_and_the_thread_lives_on(worker, error):
    def fail(task):
        raise error

    said = []
    task = worker.submit(fail, on_error=said.append)
    with pytest.raises(type(error)):
        task.wait(10)
    assert said == [error] == [task.error]
    assert worker.submit(lambda task: "alive").wait(10) == "alive"


def test_a_listener_that_fails_is_logged_and_hurts_nobody(worker, caplog):
    def listener(result):
        raise RuntimeError("listener broke")

    assert worker.submit(lambda task: 5, on_done=listener).wait(10) == 5
    assert "listener broke" in caplog.text


def test_waiting_on_the_workers_own_thread_is_an_error_not_a_dead_end(worker):
    def wait_for_itself(task):
        task.wait(10)

    with pytest.raises(WidgetError, match="wait for itself"):
        worker.submit(wait_for_itself).wait(10)


def test_waiting_in_vain_says_so(worker):
    gate = Gate()
    task = worker.submit(gate)
    assert gate.begun.wait(10)
    with pytest.raises(TimeoutError, match="still running"):
        task.wait(0.01)
    gate.open.set()
    task.wait(10)


def test_progress_is_clamped_and_throttled(worker, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    said = []

    def work(task):
        for step in range(1000):  # a thousand reports within one second
            task.progress(step / 500 - 0.5, f"step {step}")
            now[0] += 0.001

    worker.submit(work, on_progress=lambda done, text: said.append((done, text))).wait(10)
    # A short task's few steps all show.
    assert [text for _, text in said[:4]] == ["step 0", "step 1", "step 2", "step 3"]
    assert 15 <= len(said) <= 20
    assert all(0 <= done <= 1 for done, _ in said)
    assert said[-1][0] == 1


def test_a_closed_worker_finishes_its_queue_and_takes_no_more(worker):
    last = worker.submit(lambda task: "last")
    worker.close()
    assert last.wait(10) == "last"
    worker._thread.join(10)
    assert not worker._thread.is_alive()
    with pytest.raises(WidgetError, match="load it again"):
        worker.submit(lambda task: None)


class Model:
    def run(self, task):
        return threading.current_thread()


def test_one_worker_per_model_and_its_thread_ends_with_the_model():
    model, other = Model(), Model()
    worker = worker_for(model)
    assert worker_for(model) is worker is not worker_for(other)
    thread = worker.submit(model.run).wait(10)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    thread.join(10)
    assert not thread.is_alive()


def test_a_failed_task_does_not_keep_the_model_in_the_idle_thread():
    class Failing:
        def run(self, task):
            raise ValueError("no")

    model = Failing()
    task = worker_for(model).submit(model.run)
    with pytest.raises(ValueError, match="no"):
        task.wait(10)
    gone = weakref.ref(model)
    del model, task
    gc.collect()
    assert gone() is None


def test_a_worker_that_nobody_holds_ends_its_thread():
    worker = Worker()
    thread = worker.submit(lambda task: threading.current_thread()).wait(10)
    del worker
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


FORK = """
import os, threading
from workbench.worker import Worker
worker = Worker()
begun, gate = threading.Event(), threading.Event()
held = worker.submit(lambda task: (begun.set(), gate.wait(20)))
begun.wait(20)
ran = []
waiting = worker.submit(lambda task: ran.append(os.getpid()))
child = os.fork()
if child == 0:
    os._exit(7 if worker.submit(lambda task: "child").wait(20) == "child" and not ran else 1)
_, status = os.waitpid(child, 0)
gate.set()
waiting.wait(20)
assert ran == [os.getpid()], "the parent's task ran once, in the parent"
raise SystemExit(0 if os.waitstatus_to_exitcode(status) == 7 else 1)
"""


def test_a_forked_child_gets_a_thread_of_its_own():
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr

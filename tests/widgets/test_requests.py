"""Requests of a picture and of a cell: messages, errors in words, cancel, order, waiting."""

from __future__ import annotations

import contextlib
import gc
import logging
import weakref

import pytest
import torch

from tests.widgets.probe import Probe
from workbench.errors import Cancelled, ModelError, WidgetError
from workbench.worker import Worker


def receive(view, **message):
    view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})


def kinds(view, identity="a"):
    return [content["kind"] for content, _ in view.sent if content["id"] == identity]


def settle(view):
    """Wait until nothing is under way, however it ended."""
    with contextlib.suppress(Exception):
        view.wait(10)


def test_a_request_is_accepted_in_the_thread_that_brings_it(probe):
    receive(probe, kind="request", id="a", name="hold", args={})
    assert kinds(probe) == ["accepted"]
    probe.gate.open.set()
    probe.wait(10)
    assert kinds(probe) == ["accepted", "reply"]


def test_progress_then_the_reply(probe):
    receive(probe, kind="request", id="a", name="count_to", args={"n": 3})
    probe.wait(10)
    assert [content for content, _ in probe.sent] == [
        {"kind": "accepted", "id": "a"},
        {"kind": "progress", "id": "a", "done": 0.0, "text": "at 0"},
        {"kind": "progress", "id": "a", "done": 1 / 3, "text": "at 1"},
        {"kind": "progress", "id": "a", "done": 2 / 3, "text": "at 2"},
        {"kind": "reply", "id": "a", "value": 3},
    ]
    assert probe.count == 3


def test_arrays_of_a_reply_travel_as_buffers(probe):
    receive(probe, kind="request", id="a", name="peek", args={})
    probe.wait(10)
    content, buffers = probe.sent[-1]
    assert content["value"] == {"nested": [{"map": {"dtype": "float32", "shape": [1, 2], "buffer": 0}}]}
    assert buffers == [torch.tensor([1.0, 2.0]).numpy().tobytes()]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        [],
        {},
        {"kind": "request"},
        {"kind": "request", "id": 5, "name": "peek", "args": {}},
        {"kind": "dance", "id": "a"},
        {"kind": "cancel"},
    ],
)
def test_a_message_that_is_none_is_logged_and_forgotten(probe, caplog, message):
    probe._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
    assert probe.sent == []
    assert "was not understood" in caplog.text


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("pek", {}, "no request 'pek'. It has: count_to, fail, hold, peek, set_late, unsendable."),
        ("count_to", {}, "missing a required argument: 'n'"),
        ("count_to", {"n": 1, "m": 2}, "unexpected keyword argument 'm'"),
        ("count_to", {"n": 1, "task": 2}, "multiple values"),
        ("count_to", [], "without arguments"),
        (None, {}, "without a name"),
    ],
)
def test_a_request_that_cannot_be_is_answered_in_words(probe, name, args, said):
    receive(probe, kind="request", id="a", name=name, args=args)
    assert kinds(probe) == ["accepted", "error"]
    assert said in probe.sent[-1][0]["message"]


@pytest.mark.parametrize(
    ("kind", "said", "logged"),
    [
        ("ours", "Load it again.", False),
        ("trait", "No such head.", False),
        ("other", "KeyError: 'x' (the", True),
    ],
)
def test_errors_are_sentences_and_the_unforeseen_is_logged(probe, caplog, kind, said, logged):
    receive(probe, kind="request", id="a", name="fail", args={"kind": kind})
    settle(probe)
    assert probe.sent[-1][0]["message"].startswith(said)
    assert ("Traceback" in caplog.text) is logged


def test_a_reply_that_cannot_travel_is_an_error_for_the_picture(probe, caplog):
    receive(probe, kind="request", id="a", name="unsendable", args={})
    settle(probe)
    assert "TypeError" in probe.sent[-1][0]["message"]
    probe.wait(10)


def test_an_error_whose_own_text_fails_still_arrives(probe, caplog):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class Other(Probe):
        requests = {"fail": lambda self, task: (_ for _ in ()).throw(Mute())}  # noqa: RUF012

    other = Other()
    caplog.set_level(logging.CRITICAL, "workbench")  # logging would ask for its text as well
    receive(other, kind="request", id="a", name="fail", args={})
    settle(other)
    assert other.sent[-1][0]["message"].startswith("Mute: no message")


def test_cancel_during_leaves_everything_as_it_was(probe):
    receive(probe, kind="request", id="a", name="hold", args={})
    assert probe.gate.begun.wait(10)
    receive(probe, kind="cancel", id="a")
    assert kinds(probe) == ["accepted", "accepted"], "the picture learns that its wish was heard"
    probe.gate.open.set()
    probe.wait(10)
    assert kinds(probe) == ["accepted", "accepted", "cancelled"]


def test_what_was_cancelled_sets_nothing(probe):
    task = probe.request("set_late")
    assert probe.gate.begun.wait(10)
    task.cancel()
    probe.gate.open.set()
    with pytest.raises(Cancelled):
        task.wait(10)
    assert probe.count == 0


def test_cancel_before_it_begins(probe):
    receive(probe, kind="request", id="a", name="hold", args={"lane": 1})
    receive(probe, kind="request", id="b", name="count_to", args={"n": 5})
    receive(probe, kind="cancel", id="b")
    assert kinds(probe, "b") == ["accepted", "accepted", "cancelled"]
    probe.gate.open.set()
    probe.wait(10)
    assert probe.count == 0


def test_cancelling_what_a_kernel_never_heard_of_is_answered(probe):
    receive(probe, kind="cancel", id="of an earlier kernel")
    assert kinds(probe, "of an earlier kernel") == ["cancelled"]


def test_a_message_sent_twice_runs_once(probe):
    for _ in range(2):
        receive(probe, kind="request", id="a", name="hold", args={})
    probe.gate.open.set()
    probe.wait(10)
    assert kinds(probe) == ["accepted", "accepted", "reply"]


def test_only_the_newest_of_a_lane_counts(probe):
    receive(probe, kind="request", id="first", name="hold", args={"lane": 1})
    assert probe.gate.begun.wait(10)
    for identity, lane in (("old", 1), ("other", 2), ("new", 1)):
        receive(probe, kind="request", id=identity, name="hold", args={"lane": lane})
    assert kinds(probe, "old") == ["accepted", "cancelled"]
    probe.gate.open.set()
    probe.wait(10)
    assert [kinds(probe, identity)[-1] for identity in ("first", "other", "new")] == ["reply"] * 3


def test_two_views_of_one_worker_do_not_overtake_each_other():
    worker = Worker()
    first, second = Probe(worker=worker), Probe(worker=worker)
    tasks = [view.request("hold") for view in (first, second)]
    first.gate.open.set()
    second.gate.open.set()
    assert [task.wait(10) for task in tasks] == [0, 0]


def test_reading_does_not_wait_for_the_model(probe):
    receive(probe, kind="request", id="long", name="hold", args={})
    assert probe.gate.begun.wait(10)
    assert probe.request("peek").wait(10)


def test_a_request_from_python_does_what_the_gesture_does(probe):
    assert probe.request("count_to", n=4).wait(10) == 4
    assert probe.count == 4
    assert probe.sent == []
    with pytest.raises(WidgetError, match="no request 'count'"):
        probe.request("count")


def test_wait_raises_the_first_error_once(probe):
    probe.request("fail", kind="ours")
    probe.request("count_to", n=2)
    with pytest.raises(ModelError):
        probe.wait(10)
    assert probe.count == 2, "the other request has ended as well"
    probe.wait(10)


def test_wait_is_not_disturbed_by_what_was_cancelled(probe):
    task = probe.request("hold")
    task.cancel()
    probe.gate.open.set()
    probe.wait(10)
    with pytest.raises(Cancelled):
        task.wait(10)


def test_wait_says_when_it_was_too_short(probe):
    probe.request("hold")
    with pytest.raises(TimeoutError, match=r"After 0.01 s the work is still (running|queued)"):
        probe.wait(0.01)
    probe.gate.open.set()
    probe.wait(10)


def test_closing_cancels(probe):
    task = probe.request("hold")
    assert probe.gate.begun.wait(10)
    probe.close()
    probe.gate.open.set()
    with pytest.raises(Cancelled):
        task.wait(10)


def test_a_closed_view_leaves_no_thread_behind():
    view = Probe()
    threads = [view.request("count_to", n=1), view.request("peek")]
    for task in threads:
        task.wait(10)
    mine = [worker._thread for worker in (view._requests._worker, view._requests._reader)]
    gone = weakref.ref(view)
    view.close()
    del view, threads, task
    gc.collect()
    assert gone() is None
    for thread in mine:
        thread.join(10)
        assert not thread.is_alive()

"""What all pictures share: keywords, one-way data, requests and their messages, other forms."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import threading
import weakref
from pathlib import Path

import pytest
import torch
import traitlets as t

from workbench.errors import Cancelled, ModelError, WidgetError
from workbench.pack import pack_array
from workbench.records import NextTokens
from workbench.widgets.base import STILL_LIMIT, Widget, from_python
from workbench.widgets.examples import PICTURES, path_of, text_of
from workbench.worker import Worker


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


@pytest.fixture
def probe():
    view = Probe()
    yield view
    view.gate.open.set()
    view.close()


def receive(view, **message):
    view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})


def kinds(view, identity="a"):
    return [content["kind"] for content, _ in view.sent if content["id"] == identity]


def settle(view):
    """Wait until nothing is under way, however it ended."""
    with contextlib.suppress(Exception):
        view.wait(10)


# ----- keywords, repr, bundles ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "near"), [("cuont", "count"), ("titel", "title"), ("thme", "theme"), ("q", None)]
)
def test_an_unknown_keyword_names_the_nearest(wrong, near):
    with pytest.raises(TypeError, match=f"no keyword '{wrong}'. Did you mean '{near or '.+'}'"):
        Probe(**{wrong: 1})


def test_repr_is_the_same_for_equal_pictures():
    assert repr(Probe()) == repr(Probe()) == f"Probe({NextTokens.example().describe()})"


def test_a_picture_without_its_bundle_imports_and_then_says_how_to_build_it(tmp_path):
    class Unbuilt(Widget):
        _esm = tmp_path / "static" / "unbuilt.js"
        _css = tmp_path / "static" / "unbuilt.css"

    with pytest.raises(
        WidgetError, match=r"unbuilt\.css was not built. Run `make watch` or `pip install -e \.`"
    ):
        Unbuilt(data=NextTokens.example())


@pytest.mark.parametrize("picture", PICTURES)
def test_bundles_are_named_after_their_folder(picture):
    view, name = picture.example(), path_of(picture).parent.name
    static = Path(__file__).parents[2] / "workbench" / "widgets" / "static"
    assert view._esm == (static / f"{name}.js").read_text()
    assert view._css == (static / f"{name}.css").read_text()


# ----- values -----------------------------------------------------------------------------------------------


def test_the_browser_cannot_write_data(probe):
    record = probe.data
    probe.set_state({"data": {"record": "NextTokens"}, "count": 3})
    assert (probe.data, probe.count) == (record, 3)


@pytest.mark.parametrize(
    "state", [{"count": 12}, {"count": "three"}, {"count": None}, {"theme": "pink"}, {"none": 1}]
)
def test_what_does_not_fit_is_refused_and_not_raised(probe, state):
    probe.set_state(state)
    assert (probe.count, probe.theme) == (0, "auto")


def test_publish_sets_all_or_nothing(probe):
    with pytest.raises(t.TraitError, match="at most 9"):
        probe.publish(None, title="new", count=12)
    assert (probe.title, probe.count) == ("", 0)


def test_observers_hear_when_the_lock_is_free(probe):
    """One that waits for a request, which writes traits itself, must not stop the world."""
    heard = []
    probe.observe(lambda change: heard.append(probe.request("count_to", n=4).wait(10)), "title")
    comm_thread = threading.Thread(target=probe.set_state, args=({"title": "go"},))
    comm_thread.start()
    comm_thread.join(10)
    assert not comm_thread.is_alive()
    assert heard == [probe.count] == [4]


def test_a_writer_waits_for_the_other_to_end(probe):
    """Within `set_state` traitlets catches the notifications of all threads, and checks no values."""
    page = threading.Thread(target=probe.set_state, args=({"count": 7},))
    page.start()
    assert probe.gate.begun.wait(10)
    request = threading.Thread(target=probe.publish, args=(None,), kwargs={"title": "x"})
    request.start()
    request.join(0.1)
    assert (request.is_alive(), probe.title) == (True, "")
    probe.gate.open.set()
    page.join(10)
    request.join(10)
    assert (probe.count, probe.title) == (7, "x")


def test_writers_on_three_threads_lose_nothing(probe):
    def from_the_page():
        for i in range(200):
            probe.set_state({"theme": ("light", "dark")[i % 2], "count": 99})  # half of it is refused

    def from_a_request(task):
        for i in range(200):
            probe.publish(task, count=i % 5, title=str(i))

    heard = []
    probe.observe(lambda change: heard.append(change["new"]), "title")
    page = threading.Thread(target=from_the_page)
    page.start()
    Worker().submit(from_a_request).wait(30)
    page.join(30)
    assert heard == [str(i) for i in range(200)]
    assert (probe.count, probe.title) == (4, "199")


# ----- requests ---------------------------------------------------------------------------------------------


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


# ----- other forms ------------------------------------------------------------------------------------------


def test_as_code_repeats_requests_and_then_sets_what_differs(probe):
    probe.request("count_to", n=2).wait(10)
    probe.request("count_to", n=4).wait(10)
    probe.title = 'a "title"'
    assert probe.as_code().splitlines() == [
        "from workbench.widgets import Probe",
        "",
        "view = Probe(record)",
        "view.request('count_to', n=4).wait()",
        "view.count = 4",
        "view.title = 'a \"title\"'",
        "view",
    ]


def test_as_code_starts_from_the_call_that_made_the_view():
    view = Probe(code="workbench.attention(model, 'a')", count=0)
    assert (
        view.as_code() == "import workbench\n\nview = workbench.attention(model, 'a')\nview.count = 0\nview"
    )


@pytest.mark.parametrize("picture", PICTURES)
def test_a_notebook_gets_the_picture_and_its_still(picture):
    view = picture.example()
    data, metadata = view._repr_mimebundle_()
    assert data["text/plain"] == repr(view)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    (still,) = set(data) & {"image/png", "text/html"}
    assert 100 < len(data[still]) < STILL_LIMIT
    assert still == "text/html" or metadata["image/png"]["alt"] == view.record.describe()


def test_a_closed_view_is_text(probe):
    probe.close()
    assert Widget._repr_mimebundle_(probe) == ({"text/plain": repr(probe)}, {})


@pytest.mark.parametrize("picture", PICTURES)
def test_committed_examples_are_up_to_date(picture):
    assert path_of(picture).read_text(encoding="utf-8") == text_of(picture), (
        "run `python -m workbench.widgets.examples` and look at what changed"
    )


@pytest.mark.parametrize("picture", PICTURES)
def test_every_trait_is_documented(picture):
    source = Path(__import__(picture.__module__, fromlist=["x"]).__file__).read_text()
    own = [name for name, trait in vars(picture).items() if isinstance(trait, t.TraitType)]
    assert len(own) >= 3
    for name in own:
        after = source.split(f"\n    {name} = ", 1)[1].split("\n", 1)[1]
        assert after.startswith('    """Type: '), f"{name} has no docstring"

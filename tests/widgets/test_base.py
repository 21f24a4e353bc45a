"""What all pictures share: keywords, one-way data, writers on several threads, other forms."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import traitlets as t

from tests.widgets.probe import Probe
from workbench.errors import WidgetError
from workbench.records import NextTokens
from workbench.widgets.base import STILL_LIMIT, Widget
from workbench.widgets.examples import PICTURES, path_of, text_of
from workbench.worker import Worker

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

"""The line that tells how far long work in a cell is."""

from __future__ import annotations

from types import SimpleNamespace

import IPython
import pytest

from tests import models
from workbench import progress, views


class Line:
    """Stands in for the handle of a displayed output."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def update(self, data: dict, raw: bool) -> None:
        assert raw
        self.texts.append(data["text/plain"])


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """A notebook cell whose outputs are kept."""
    shown = Line()

    def display(data: dict, *, raw: bool, display_id: bool) -> Line:
        shown.update(data, raw)
        return shown

    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", display)
    return shown


def test_short_work_shows_nothing(line: Line) -> None:
    with progress.CellProgress("working") as tell:
        tell(0.5)
    assert line.texts == []


def test_long_work_is_told_and_leaves_no_trace(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with progress.CellProgress("working") as tell:
        for tenth in range(1, 10):
            now[0] = tenth / 4
            tell(tenth / 10)
    assert line.texts == [f"working: {n}0%" for n in range(4, 10)] + [""]


def test_nothing_is_shown_outside_of_a_notebook(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    with progress.CellProgress("working") as tell:
        tell(0.5)
    assert line.texts == []


def test_the_line_goes_also_when_the_work_fails(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)

    def interrupted() -> None:
        with progress.CellProgress("working") as tell:
            tell(0.25)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert line.texts == ["working: 25%", ""]


def test_long_readings_of_a_model_show_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    views.head_effects(models.model("gpt2"), models.SHORT, 11)
    assert line.texts == [f"zeroing 12 heads, one at a time: {n}%" for n in (33, 67, 100)] + [""]
    line.texts.clear()
    views.hidden_states(models.model("gpt2"), models.SHORT)
    assert line.texts == ["decoding the hidden states: 0%", ""]

"""Fixtures of the widget tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.widgets.probe import Probe


@pytest.fixture
def probe() -> Iterator[Probe]:
    view = Probe()
    yield view
    view.gate.open.set()
    view.close()

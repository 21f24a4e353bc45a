"""Benchmarks start the same Chromium as the other browser tests."""

from __future__ import annotations

import pytest

from tests.chromium import LAUNCH


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The machine's own Chromium."""
    return {**browser_type_launch_args, **LAUNCH}

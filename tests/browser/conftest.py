"""Fixtures of the bridge tests: Chromium with no network at all, and a page that widgets are mounted in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ipywidgets import Widget
from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.bridge import Bridge
from tests.chromium import confined

OWN_THREAD = "thread of its own"


@pytest.fixture
def context(context: BrowserContext) -> Iterator[BrowserContext]:
    """A context with no network at all."""
    yield from confined(context, r"(data|blob|file):|about:blank")


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose errors fail the test."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 1200, "height": 900})
    page.set_default_timeout(10_000)
    yield page
    assert errors == [], f"the page reported errors: {errors}"


@pytest.fixture
def bridge(page: Page, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """The bridge, with the page's messages handled on a thread of their own (or as a parameter says)."""
    bridge = Bridge(page, own_thread=getattr(request, "param", OWN_THREAD) == OWN_THREAD)
    monkeypatch.setattr("comm.create_comm", bridge.create_comm)
    yield bridge
    bridge.close()


@pytest.fixture
def mount(bridge: Bridge) -> Callable[[Widget], Locator]:
    """Show a widget in the page."""
    return bridge.mount

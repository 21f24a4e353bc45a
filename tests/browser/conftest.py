"""Fixtures of the bridge tests: Chromium with no network at all, and a page that widgets are mounted in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ipywidgets import Widget
from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.bridge import Bridge

OWN_THREAD = "thread of its own"
LOCAL = re.compile(r"(data|blob|file):|about:blank")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """Start the Chromium of the machine, and keep it from calling home."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


@pytest.fixture
def context(context: BrowserContext) -> Iterator[BrowserContext]:
    """A context in which any request that leaves the page fails the test."""
    refused: list[str] = []

    def gate(route: Any) -> None:
        if LOCAL.match(route.request.url):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    yield context
    assert refused == [], f"the page reached for the network: {refused}"


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

"""How every browser test starts Chromium, and keeps it from any network but the one named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from playwright.sync_api import BrowserContext, Route

LAUNCH = {
    "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
    "args": [
        *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update"),
    ],
}


def confined(context: BrowserContext, allowed: str) -> Iterator[BrowserContext]:
    """Give a context from which only some addresses are reached; any other request fails the test.

    Args:
        context: The context.
        allowed: A regular expression that the beginning of an allowed address matches.
    """
    refused: list[str] = []
    pattern = re.compile(allowed)

    def gate(route: Route) -> None:
        if pattern.match(route.request.url):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    yield context
    assert refused == [], f"the page reached for the network: {refused}"

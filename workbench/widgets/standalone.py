"""One HTML file with the live picture in it: no kernel, no network.

The page carries the widget's own bundle, its traits, and answers recorded ahead;
`widgets/shared/standalone.ts` plays the kernel. Its content security policy lets nothing be loaded, also
should a bundle ever try.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.pack import to_json

if TYPE_CHECKING:
    from workbench.widgets.base import Widget

SHIM = Path(__file__).parent / "static" / "standalone.js"
REPLIES_LIMIT = 12_000_000
"""How many bytes of arrays the recorded answers of a page may hold (base64 adds a third)."""

PAGE = """<!doctype html>
<html lang="en" style="color-scheme: {scheme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>body {{ margin: 1rem; font: 14px/1.4 system-ui, sans-serif; background: Canvas; color: CanvasText
}}</style> </head> <body> <main id="workbench-0"></main> <p>{note}</p> <script type="application/json"
id="workbench-standalone">{saved}</script> <script type="module">{shim}</script> </body> </html>
"""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:"
)


def page(view: Widget) -> str:
    """Make the page of one view.

    Args:
        view: Any widget of the workbench.

    Returns:
        HTML that shows the picture as it is now, still hovering and selecting. Reads of more detail are
        answered as far as `REPLIES_LIMIT` reaches; an experiment says that it needs a kernel.
    """
    replies, missing = view.recorded_replies(REPLIES_LIMIT)
    saved = {
        "esm": str(getattr(view, "_esm", "")),
        "css": str(getattr(view, "_css", "")),
        "state": view.state_as_json(),
        "buffers": [],  # arrays carry their bytes as base64 where they are
        "replies": {request_key(name, args): {"value": to_json(value)} for name, args, value in replies},
    }
    note = f"{view.record.describe()}. Saved without its model: looking works, experiments need the notebook."
    return PAGE.format(
        policy=POLICY,
        scheme="light dark" if view.theme == "auto" else view.theme,
        title=html.escape(view.title or view.record.describe()),
        note=html.escape(f"{note} {missing}".strip()),
        # Within a script element only "<" can end it or begin a comment; in JSON it may always be written
        # like this.
        saved=json.dumps([saved], ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        shim=SHIM.read_text(encoding="utf-8").replace("</script", "<\\/script"),
    )


def request_key(name: str, args: dict[str, Any]) -> str:
    """Name a request with its arguments, exactly as `requestKey` of `widgets/shared/standalone.ts` does."""
    return f"{name} {json.dumps(args, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"

"""Claims as a table for people and as JSON for programs."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.claims.claim import Claim, check


@dataclass(frozen=True, repr=False)
class ClaimsTable:
    """Claims as a table: Markdown as text, HTML in a notebook; whatever the texts hold, they stay text."""

    claims: tuple[Claim, ...]
    """The rows."""

    HEAD = ("id", "claim", "paper", "ours", "must be", "control", "verdict")

    def rows(self) -> list[tuple[str, ...]]:
        """Give the cells as plain texts."""
        return [
            (
                claim.id,
                claim.statement,
                "" if claim.paper_value is None else _short(claim.paper_value),
                _short(claim.value)
                + ("" if claim.interval is None else " ({:.4g} to {:.4g})".format(*claim.interval)),
                str(claim.threshold),
                f"{_short(claim.control.value)}, {claim.control.description}"
                + (f" (must be {claim.control.threshold})" if claim.control.threshold else ""),
                claim.verdict if claim.verdict == "reproduced" else f"{claim.verdict} ({claim.reason})",
            )
            for claim in self.claims
        ]

    def __repr__(self) -> str:
        rows = [self.HEAD, ("---",) * len(self.HEAD), *(tuple(map(_markdown, row)) for row in self.rows())]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(row, "td") for row in self.rows())
        return f"<table><thead>{line(self.HEAD, 'th')}</thead><tbody>{body}</tbody></table>"


def claims_table(claims: Sequence[Claim]) -> ClaimsTable:
    """Give claims as a table that prints as Markdown and shows as HTML in a notebook.

    Raises:
        ClaimError: There are no claims, or two of one id.
    """
    check(claims)
    return ClaimsTable(tuple(claims))


def to_json(paper: str, model: str, device: str, seconds: float, claims: Sequence[Claim]) -> dict[str, Any]:
    """Give claims as JSON values, as `python -m workbench reproduce --json` prints them.

    Args:
        paper: The paper's number, such as "2311.04131".
        model: The model's name.
        device: Where it ran.
        seconds: How long the measurements took.
        claims: At least one.

    Raises:
        ClaimError: There are no claims, or two of one id.
    """
    check(claims)
    return {
        "paper": paper,
        "model": model,
        "device": device,
        "seconds": round(seconds, 3),
        "claims": [
            {
                "id": claim.id,
                "statement": claim.statement,
                "paper_value": claim.paper_value,
                "value": claim.value,
                "interval": claim.interval and list(claim.interval),
                "control": {
                    "description": claim.control.description,
                    "value": claim.control.value,
                    "threshold": claim.control.threshold and str(claim.control.threshold),
                },
                "threshold": str(claim.threshold),
                "verdict": claim.verdict,
                "reason": claim.reason,
            }
            for claim in claims
        ],
    }


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _markdown(text: str) -> str:
    # A bar would end the cell, and "<" before a letter begins a tag; "< 0.1" stays readable.
    return re.sub(r"([\\|`*_\[\]]|<(?=[\w/!?]))", r"\\\1", " ".join(text.split()))

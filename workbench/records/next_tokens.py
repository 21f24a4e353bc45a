"""The tokens a model would put next, with and without an edit."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from workbench.errors import RecordError
from workbench.records.checks import require, require_length, require_probabilities, short
from workbench.records.record import Record


@dataclass(frozen=True, eq=False, repr=False)
class NextTokens(Record):
    """A table of next tokens at one position: their probabilities, and what they were before an edit."""

    model: str
    """The model's name."""
    position: str
    """After which token of which prompt, in words."""
    tokens: tuple[str, ...]
    """The tokens as visible strings, in the order of the table."""
    ids: Int64[Tensor, " tokens"]
    """The model's ids of them, each id once."""
    probability: Float32[Tensor, " tokens"]
    """Their probabilities, with the edit where there is one."""
    baseline: Float32[Tensor, " tokens"] | None
    """Their probabilities without the edit; None where nothing was edited."""
    edit: str
    """What was done to the model, such as "L5H1 ablated (zero)"; empty where nothing was."""

    def _check(self, sizes: dict[str, int]) -> None:
        require_length("tokens", self.tokens, sizes["tokens"], "ids")
        require(
            self.ids.min() >= 0 and len(self.ids.unique()) == sizes["tokens"],
            "ids has a negative id or one id twice. List each token of the model once.",
        )
        columns = {"probability": self.probability}
        if self.baseline is not None:
            columns["baseline"] = self.baseline
        for name, values in columns.items():
            require_probabilities(name, values)
            require(
                values.sum() <= 1 + 1e-2,
                f"{name} sums to more than 1. Take the values from one softmax over the vocabulary.",
            )

    def change(self, token: str) -> float:
        """Read how much the edit changed one token's probability.

        Args:
            token: A token of the table, as a visible string.

        Returns:
            Probability with the edit minus without it, from -1 to 1.

        Raises:
            RecordError: The token is not in the table, or nothing was edited.
        """
        if self.baseline is None:
            raise RecordError("Nothing was edited, so there is no change to read.")
        require(
            token in self.tokens,
            f"{token!r} is not in this table. It holds {', '.join(map(repr, self.tokens))}.",
        )
        row = self.tokens.index(token)
        return float(self.probability[row] - self.baseline[row])

    def _repr_html_(self) -> str:
        """The table, for notebooks; tokens are text and never markup."""
        baseline = self.baseline
        head = ["token", *(["probability"] if baseline is None else ["before", "after", "change"])]
        rows = []
        for row, token in enumerate(self.tokens):
            after = float(self.probability[row])
            cells = [f"{after:.1%}"]
            if baseline is not None:
                before = float(baseline[row])
                cells = [f"{before:.1%}", f"{after:.1%}", f"{100 * (after - before):+.1f} points"]
            cells = [f"<code>{escape(token)}</code>", *cells]
            rows.append("".join(f"<td>{cell}</td>" for cell in cells))
        title = f"{self.model}, {self.position}" + (f": {self.edit}" if self.edit else "")
        return (
            f"<div>next token: {escape(title)}</div><table><thead><tr>"
            + "".join(f"<th>{name}</th>" for name in head)
            + "</tr></thead><tbody>"
            + "".join(f"<tr>{cells}</tr>" for cells in rows)
            + "</tbody></table>"
        )

    def describe(self) -> str:
        """Say in one line what is in this record."""
        edited = f", {short(self.edit)}" if self.edit else ""
        return f"{len(self.tokens)} next tokens of {short(self.model)} {short(self.position)}{edited}"

    @classmethod
    def example(cls) -> NextTokens:
        """Make a small table in which an edit takes the answer away."""
        return cls(
            model="example",
            position="after token 6, '·is'",
            tokens=("·Paris", "·the", "⏎", "<script>alert(1)</script>", "🇫🇷", "<0xE2>", "·" + "very" * 16),
            ids=torch.tensor([3, 1000, 1997, 2994, 3991, 4988, 5985]),
            probability=torch.tensor([32, 96, 24, 16, 8, 4, 0]) / 256,
            baseline=torch.tensor([160, 32, 16, 8, 4, 2, 1]) / 256,
            edit="L1H2 ablated (zero)",
        )

"""The tokens a model would put next, with and without an edit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

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

"""What a decoder reads out of each hidden state: the record behind `HiddenStateViewer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor

from workbench.errors import RecordError
from workbench.records.checks import require, require_length, require_probabilities, short
from workbench.records.record import Record


@dataclass(frozen=True, eq=False, repr=False)
class DecodedStates(Record):
    """The best tokens a decoder (the logit lens, a tuned lens, an RNN's output layer) reads in each state.

    A row is a place along the network's depth, a position is a token of the prompt. Of the distribution over
    the model's vocabulary only the best tokens, the entropy, and some tokens followed throughout are kept.
    """

    MAY_BE_EMPTY: ClassVar[frozenset[str]] = frozenset({"tracked"})

    model: str
    """The model's name."""
    decoder: str
    """What read the states, such as "logit lens"."""
    tokens: tuple[str, ...]
    """The prompt, one visible string for each position."""
    rows: tuple[str, ...]
    """What each row is, from the input up: "embedding", "block 0", ..."""
    vocabulary: tuple[str, ...]
    """The visible strings of the tokens that occur in `top` or `tracked`, and no others."""
    vocabulary_ids: Int64[Tensor, " vocabulary"]
    """The model's id of each of them, each id once."""
    top: Int32[Tensor, "rows positions candidates"]
    """The best tokens of each state, best first, as indices into `vocabulary`."""
    probability: Float32[Tensor, "rows positions candidates"]
    """Their probabilities, under the softmax over the model's whole vocabulary."""
    entropy: Float32[Tensor, "rows positions"]
    """Entropy of the whole distribution, in bits."""
    tracked: Int32[Tensor, " tracked"]
    """The tokens followed throughout, as indices into `vocabulary`; may be none."""
    tracked_probability: Float32[Tensor, "tracked rows positions"]
    """Their probabilities in every state."""
    tracked_rank: Int32[Tensor, "tracked rows positions"]
    """Their places in every state, 0 = the best token."""

    def _check(self, sizes: dict[str, int]) -> None:
        require_length("tokens", self.tokens, sizes["positions"], "positions")
        require_length("rows", self.rows, sizes["rows"], "rows")
        require_length("vocabulary", self.vocabulary, sizes["vocabulary"], "vocabulary_ids")
        require(
            self.vocabulary_ids.min() >= 0 and len(self.vocabulary_ids.unique()) == sizes["vocabulary"],
            "vocabulary_ids has a negative id or one id twice. List each token of the model once.",
        )
        for name, index in {"top": self.top, "tracked": self.tracked}.items():
            require(
                not index.numel() or (index.min() >= 0 and index.max() < sizes["vocabulary"]),
                f"{name} holds an index outside of the vocabulary's {sizes['vocabulary']} entries. "
                "It indexes `vocabulary`, not the model's ids.",
            )
        require(
            len(self.tracked.unique()) == sizes["tracked"], "tracked holds a token twice. Follow it once."
        )
        require_probabilities("probability", self.probability)
        require_probabilities("tracked_probability", self.tracked_probability)
        require(
            (self.probability.diff(dim=2) <= 1e-6).all(),
            "probability rises along the candidates of a state. Sort them, best first, together with `top`.",
        )
        require(
            self.probability.sum(2).max() <= 1 + 1e-2,
            "probability sums to more than 1 in a state. Take it from one softmax over the vocabulary.",
        )
        require(self.entropy.min() >= -1e-3, "entropy is negative somewhere. Give -sum(p log2 p), in bits.")
        require((self.tracked_rank >= 0).all(), "tracked_rank is negative somewhere. Ranks count from 0.")

    def describe(self) -> str:
        """Say in one line what is in this record."""
        rows, positions, best = self.top.shape
        followed = f", following {len(self.tracked)}" if len(self.tracked) else ""
        of = f"{short(self.decoder)} of {short(self.model)}"
        return f"{of}: {rows} rows x {positions} tokens, top {best}{followed}"

    def place(self, row: int, position: int) -> tuple[tuple[str, float], ...]:
        """Read one cell: its best tokens with their probabilities, best first.

        Args:
            row: Index into `rows`; row 0 is the embedding. Negative counts from the end.
            position: Index into `tokens`, likewise.

        Raises:
            RecordError: There is no such row or position.
        """
        try:
            top, probability = self.top[row, position].tolist(), self.probability[row, position].tolist()
        except IndexError as error:
            raise RecordError(
                f"There is no row {row}, position {position}: this record has rows 0 to {len(self.rows) - 1} "
                f"and positions 0 to {len(self.tokens) - 1}."
            ) from error
        return tuple((self.vocabulary[i], p) for i, p in zip(top, probability, strict=True))

    @classmethod
    def example(cls) -> DecodedStates:
        """Make a small record: early rows repeat their own token, later ones turn to what comes next."""
        long = "·" + "very" * 16
        tokens = ("<|endoftext|>", "The", "·capital", "⏎", "<script>alert(1)</script>", "🇫🇷", long)
        rows = ("embedding", *(f"block {i}" for i in range(5)))
        vocabulary = (*tokens, "·of", "·is", "·Paris", "<0xE2>", "&amp;", "·the", '"quoted"')
        following = torch.tensor([1, 2, 7, 4, 5, 8, 9])  # for each position, the token that should come next
        # Scores are whole numbers, so that the quotients are the same to the last bit on every machine.
        row, position, token = torch.meshgrid(*map(torch.arange, (6, 7, len(vocabulary))), indexing="ij")
        scores = 2 + (3 * row + 5 * position + 7 * token) % 11
        scores += torch.where(token == position, 8 * (5 - row) ** 2, 0)
        scores += torch.where(token == following[position], (position + 2) * row**2, 0)
        probability = scores.float() / scores.sum(2, keepdim=True).float()
        exact = probability.double()
        best, top = probability.sort(dim=2, descending=True, stable=True)
        tracked = torch.tensor([9, 12])
        rank = (probability[..., None, :] > probability[..., tracked, None]).sum(3)
        return cls(
            model="example",
            decoder="logit lens",
            tokens=tokens,
            rows=rows,
            vocabulary=vocabulary,
            vocabulary_ids=torch.arange(len(vocabulary)) * 997 + 3,
            top=top[..., :5].int(),
            probability=best[..., :5].contiguous(),
            entropy=-(exact * exact.log2()).sum(2).round(decimals=3).float(),
            tracked=tracked.int(),
            tracked_probability=probability[..., tracked].permute(2, 0, 1).contiguous(),
            tracked_rank=rank.permute(2, 0, 1).int().contiguous(),
        )

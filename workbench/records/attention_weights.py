"""Attention patterns of a batch of prompts, and the pages that `AttentionPatterns` draws of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import max_pool2d

from workbench.records.checks import require, require_length, require_probabilities, short
from workbench.records.record import Record


@dataclass(frozen=True, eq=False, repr=False)
class AttentionWeights(Record):
    """How much each query position attends to each key position, for every head and several prompts."""

    model: str
    """The model's name."""
    tokens: tuple[tuple[str, ...], ...]
    """Each prompt as visible strings; prompts may differ in length."""
    weights: Float32[Tensor, "prompts layers heads queries keys"]
    """After the softmax: a row sums to 1 where the prompt has that query, and is 0 where it has not."""

    def _check(self, sizes: dict[str, int]) -> None:
        require_length("tokens", self.tokens, sizes["prompts"], "prompts")
        lengths = [len(prompt) for prompt in self.tokens]
        require(
            min(lengths) > 0, "tokens holds an empty prompt. Leave it out, or start it with the BOS token."
        )
        require(
            max(lengths) == sizes["queries"] == sizes["keys"],
            f"weights has {sizes['queries']} queries x {sizes['keys']} keys, and the longest prompt has "
            f"{max(lengths)} tokens. Pad every prompt on the right, to the longest one.",
        )
        for weights, length in zip(self.weights, lengths, strict=True):
            _check_maps("weights", weights)
            require(
                not weights[:, :, length:].any(),
                f"weights is not 0 after the end of a prompt of {length} tokens. Set what is padded to 0.",
            )
            off = (weights[:, :, :length].sum(-1) - 1).abs().max()
            # Half precision rounds each weight by up to 0.4 %, and so their sum.
            require(
                off <= 1e-2, f"A row of weights misses the sum 1 by {off:.3g}. Give them after the softmax."
            )

    def page(self, prompt: int | None = None) -> AttentionPage:
        """Take out what one picture shows: one prompt, or the mean over all prompts.

        The mean is over the positions that every prompt has, so each of its rows is a mean over all prompts.
        A position where prompts have different tokens is called "pos i".

        Args:
            prompt: Which prompt, from 0; None for the mean.

        Returns:
            The page, at full resolution.

        Raises:
            RecordError: There is no such prompt.
        """
        count = len(self.tokens)
        if prompt is None:
            tokens = tuple(
                column[0] if len(set(column)) == 1 else f"pos {i}"
                for i, column in enumerate(zip(*self.tokens, strict=False))  # ends with the shortest prompt
            )
            title = f"mean over {count} prompts"
            maps = self.weights[..., : len(tokens), : len(tokens)].mean(0)
        else:
            require(
                0 <= prompt < count,
                f"There is no prompt {prompt}: prompts count from 0 to {count - 1}, and None is their mean.",
            )
            tokens, title = self.tokens[prompt], f"prompt {prompt + 1} of {count}"
            maps = self.weights[prompt, :, :, : len(tokens), : len(tokens)].contiguous()
        return AttentionPage(model=self.model, title=title, tokens=tokens, maps=maps, pooled=1)

    def describe(self) -> str:
        """Say in one line what is in this record."""
        prompts, layers, heads, longest, _ = self.weights.shape
        batch = f"{prompts} prompts of up to {longest}" if prompts > 1 else str(longest)
        return f"attention of {short(self.model)}: {layers} layers x {heads} heads, {batch} tokens"

    @classmethod
    def example(cls) -> AttentionWeights:
        """Make two prompts of 7 and 5 tokens with heads of known kinds.

        In each of 3 layers head 0 looks at the first token, head 1 at the token before, head 2 at the same
        token seen earlier (or else the first), and head 3 everywhere; the deeper the layer, the sharper.
        """
        prompts = (
            ("<|endoftext|>", "·the", "⏎", "<script>alert(1)</script>", "🇫🇷", "·the", "·" + "very" * 16),
            ("<|endoftext|>", "·the", "⏎", "&amp;", "·the"),
        )
        scores = torch.zeros(2, 3, 4, 7, 7, dtype=torch.int64)
        for p, tokens in enumerate(prompts):
            for query, token in enumerate(tokens):
                seen = tokens.index(token)
                targets = (0, max(query - 1, 0), seen if seen < query else 0)
                # Whole numbers, so that the quotients are the same to the last bit on every machine.
                scores[p, :, :, query, : query + 1] = 1
                for head, target in enumerate(targets):
                    scores[p, :, head, query, target] += torch.tensor([6, 24, 120])
        weights = scores.float() / scores.sum(-1, keepdim=True).clamp(min=1).float()
        return cls(model="example", tokens=prompts, weights=weights)


@dataclass(frozen=True, eq=False, repr=False)
class AttentionPage(Record):
    """The maps of every head for one prompt (or a mean of prompts), whole or as thumbnails."""

    model: str
    """The model's name."""
    title: str
    """Which prompt this is, in words."""
    tokens: tuple[str, ...]
    """One visible string for each position, also when the maps are pooled."""
    maps: Float32[Tensor, "layers heads queries keys"]
    """The weights, or the largest weight of each square of `pooled` x `pooled` positions."""
    pooled: int
    """How many positions one side of a cell of `maps` covers; 1 is full resolution."""

    def _check(self, sizes: dict[str, int]) -> None:
        require(self.pooled >= 1, f"pooled is {self.pooled}. Give 1 for full resolution, or more.")
        require(len(self.tokens) > 0, "tokens is empty: there is nothing to show. Give at least one.")
        cells = math.ceil(len(self.tokens) / self.pooled)
        require(
            sizes["queries"] == sizes["keys"] == cells,
            f"maps has {sizes['queries']} queries x {sizes['keys']} keys, and {len(self.tokens)} tokens "
            f"pooled by {self.pooled} give {cells} x {cells}. Give tokens and maps of the same prompt.",
        )
        # Row sums are not checked: pooled maps have none, and the wire's code rounds each weight.
        _check_maps("maps", self.maps)

    def pooled_to(self, size: int) -> AttentionPage:
        """Make thumbnails of at most `size` x `size` cells, each the largest weight it covers.

        A maximum keeps a head's single bright cell in sight, where a mean would drown it.

        Args:
            size: The most cells a side may have, at least 1.

        Returns:
            This page where it is small enough; otherwise a page with a larger `pooled`.

        Raises:
            RecordError: `size` is below 1.
        """
        require(size >= 1, f"A thumbnail of {size} cells can't show anything. Give a size of at least 1.")
        factor = math.ceil(self.maps.shape[-1] / size)
        if factor == 1:
            return self
        return replace(self, maps=max_pool2d(self.maps, factor, ceil_mode=True), pooled=self.pooled * factor)

    def describe(self) -> str:
        """Say in one line what is in this record."""
        layers, heads = self.maps.shape[:2]
        pooled = f", pooled by {self.pooled}" if self.pooled > 1 else ""
        of = f"{short(self.model)}, {short(self.title)}"
        return f"attention of {of}: {layers} layers x {heads} heads, {len(self.tokens)} tokens{pooled}"

    @classmethod
    def example(cls) -> AttentionPage:
        """Make the page of the longer prompt of `AttentionWeights.example()`."""
        return cls(**vars(AttentionWeights.example().page(0)))


def _check_maps(name: str, maps: Float32[Tensor, "layers heads queries keys"]) -> None:
    require_probabilities(name, maps)
    for layer in maps:  # one layer at a time: long prompts make large tensors, and triu copies
        require(
            not layer.triu(1).any(),
            f"{name} attends to a later token: a causal model can't. Give [query, key], not [key, query].",
        )

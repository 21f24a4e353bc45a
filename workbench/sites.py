"""Names of places in a model and in a prompt, as small values that compare, sort and print well.

A widget's `selection` is one of these, and every edit in `workbench.capture` takes them. Layers, heads,
neurons and positions count from zero; a negative position counts from the prompt's end, as in Python.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Head:
    """One attention head."""

    layer: int
    """The block it is in, from 0."""
    head: int
    """Its number in that block (query heads are counted, also where several share one key)."""

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, order=True)
class Neuron:
    """One neuron of an MLP: one entry of the vector that the down projection reads."""

    layer: int
    """The block it is in, from 0."""
    neuron: int
    """Its number in that block's MLP."""

    def __str__(self) -> str:
        return f"L{self.layer}N{self.neuron}"


@dataclass(frozen=True, order=True)
class MLP:
    """The whole MLP of one block."""

    layer: int
    """The block it is in, from 0."""

    def __str__(self) -> str:
        return f"L{self.layer}MLP"


@dataclass(frozen=True, order=True)
class Residual:
    """The residual stream after one block."""

    layer: int
    """The block it follows, from 0; -1 is the stream that enters block 0 (the embedding)."""

    def __str__(self) -> str:
        return "embedding" if self.layer < 0 else f"L{self.layer}"


@dataclass(frozen=True, order=True)
class Cell:
    """The residual stream after one block at one token position."""

    layer: int
    """The block it follows, from 0; -1 is the stream that enters block 0 (the embedding)."""
    position: int
    """The token's place in the prompt."""

    def __str__(self) -> str:
        return f"{Residual(self.layer)}@{self.position}"


@dataclass(frozen=True, order=True)
class TokenSpan:
    """The token positions from `start` up to, but not including, `stop`."""

    start: int
    """The first position."""
    stop: int
    """One after the last position."""

    def __str__(self) -> str:
        return f"tokens {self.start}:{self.stop}"

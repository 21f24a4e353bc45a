"""Ablate every head in turn: how much does each one matter for one next token, on one prompt.

An effect on one prompt is an anecdote: it can differ on the next prompt, and a head that another one stands
in for shows none. The papers' notebooks measure over many prompts, with intervals and random controls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from jaxtyping import Float32
from torch import Tensor

from workbench.errors import PromptError
from workbench.records import Record
from workbench.sites import Head

if TYPE_CHECKING:
    from workbench.model import TracedModel


@dataclass(frozen=True, eq=False, repr=False)
class HeadEffects(Record):
    """What zeroing each head alone does to the log probability of one token after one prompt."""

    model: str
    """The model's name."""
    prompt: str
    """The prompt, with its tokens in visible form."""
    token: str
    """The token whose log probability is measured, in visible form."""
    baseline: float
    """Its log probability in nats with nothing ablated."""
    effect: Float32[Tensor, "layers heads"]
    """Log probability without the head minus `baseline`, in nats: negative where the head helps the token."""

    def _check(self, sizes: dict[str, int]) -> None:
        pass  # the base class has checked shapes, dtypes and finiteness; any finite effect is possible

    def strongest(self, count: int = 3) -> tuple[Head, ...]:
        """The heads whose loss costs the token most, worst first."""
        return self._heads(self.effect.flatten().argsort(stable=True)[:count])

    def typical(self, count: int = 3) -> tuple[Head, ...]:
        """The heads whose effect is nearest to the median over all heads: a control for `strongest`."""
        flat = self.effect.flatten()
        return self._heads((flat - flat.median()).abs().argsort(stable=True)[:count])

    def _heads(self, places: Tensor) -> tuple[Head, ...]:
        return tuple(Head(*divmod(int(place), self.effect.shape[1])) for place in places)

    def describe(self) -> str:
        """Say in one line what is in this record."""
        layers, heads = self.effect.shape
        return f"effect of zeroing each of {layers} x {heads} heads on {self.token} after {self.prompt}"

    @classmethod
    def example(cls) -> Self:
        """Make a small map in which one head matters."""
        effect = torch.zeros(3, 4)
        effect[1, 2], effect[2, 0] = -1.75, 0.25
        return cls("example", "The·capital·of·France·is", "·Paris", -0.25, effect)


def head_effects(
    model: TracedModel,
    prompt: Any,
    token: str | int,
    *,
    progress: Callable[[float], None] | None = None,
) -> HeadEffects:
    """Zero every head alone, and see how likely the token still is after the prompt.

    One run a block: the prompt is repeated once for each head of the block, and row h runs without head h.

    Args:
        model: The model.
        prompt: One text, or anything else that `model.tokens` takes as one prompt.
        token: The next token to watch: its id, or its text such as " Paris".
        progress: Called with the share done after each block; what it raises ends the work.

    Returns:
        The effects.

    Raises:
        PromptError: Several prompts, no tokens, too many tokens, or a text that is not one token.
    """
    tokens = model.tokens(prompt)
    if len(tokens) != 1:
        raise PromptError(f"Head effects are measured on one prompt, and got {len(tokens)}. Give one text.")
    watched = token if isinstance(token, int) else model.token_id(token)
    one = {"input_ids": tokens.ids, "use_cache": False}
    rows = {"input_ids": tokens.ids.expand(model.n_heads, -1), "use_cache": False}
    baseline = model.run(_log_probability, one, None, model.n_heads, watched)
    effects = []
    for block in range(model.n_blocks):
        effects.append(model.run(_log_probability, rows, block, model.n_heads, watched) - baseline)
        if progress is not None:
            progress((block + 1) / model.n_blocks)
    return HeadEffects(
        model=model.name,
        prompt="".join(tokens.strings[0]),
        token=model.token_string(watched),
        baseline=float(baseline),
        effect=torch.stack(effects),
    )


def _log_probability(root: Any, block: int | None, heads: int, watched: int) -> Tensor:
    """Runs inside the trace: the token's log probability in each row; row h lacks head h of `block`."""
    import torch

    if block is not None:
        z = root.blocks[block].heads.input
        split = z.unflatten(-1, (heads, -1)).clone()  # [row, position, head, d_head]
        each = torch.arange(heads, device=z.device)
        split[each, :, each] = 0
        root.blocks[block].heads.input = split.flatten(-2)
    # The model's own output, not the unembedding's: some families bend the logits after it.
    return root.output.logits[:, -1].float().log_softmax(-1)[:, watched].detach().cpu()

"""Taking the residual stream apart into what was added to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.edits import Edit, arranged
from workbench.errors import PromptError
from workbench.forward import Want, forward
from workbench.sites import MLP, Head

if TYPE_CHECKING:
    from workbench.model import TracedModel


@dataclass(frozen=True, eq=False)
class Contributions:
    """The residual stream of one prompt, taken apart into what was added to it."""

    names: tuple[str, ...]
    """First "embedding" and perhaps "position", then for each block "L0H0", "L0H1", ..., then perhaps
    "L0 attention bias", and "L0MLP"."""
    values: Float[Tensor, "term position d_model"]
    """One vector of the residual stream for each; they sum to the stream before the final norm."""
    tokens: tuple[str, ...]
    """The prompt's tokens in visible form."""

    def total(self) -> Float[Tensor, "position d_model"]:
        """Sum the terms: the residual stream before the final norm, which `unembed` turns into logits."""
        return self.values.sum(0)


def contributions(model: TracedModel, prompt: Any, *, edits: Sequence[Edit] = ()) -> Contributions:
    """Take the residual stream of a prompt apart into embedding, heads, biases and MLPs.

    Args:
        model: The model.
        prompt: One prompt.
        edits: Changes made while the model runs; a steered residual stream belongs to no term.

    Returns:
        Named terms. `unembed(model, contributions(model, prompt).total())` equals `logits(model, prompt)[0]`.

    Raises:
        PromptError: More than one prompt.
    """
    tokens = model.tokens(prompt)
    if len(tokens) != 1:
        raise PromptError(f"Contributions are read from one prompt, not from {len(tokens)}.")
    every = tuple(range(model.n_blocks))
    wants = {
        "embedding": Want("residuals", (-1,)),
        "heads": Want("head_contributions", every),
        "bias": Want("attention_biases", every),
        "mlp": Want("mlp_outputs", every),
    }
    if model.architecture.position_embedding:
        wants["position"] = Want("position_embedding", (-1,))
    found = forward(model, tokens, wants, edits=arranged(model, tokens, edits))
    found = {key: value[0] for key, value in found.items()}
    terms = {"embedding": found["embedding"][0]}
    if "position" in found:
        terms = {"embedding": terms["embedding"] - found["position"][0], "position": found["position"][0]}
    for layer in every:
        terms |= {str(Head(layer, head)): found["heads"][layer, head] for head in range(model.n_heads)}
        if bool(found["bias"][layer].any()):
            terms[f"L{layer} attention bias"] = found["bias"][layer]
        terms[str(MLP(layer))] = found["mlp"][layer]
    return Contributions(tuple(terms), torch.stack(list(terms.values())), tokens.strings[0])

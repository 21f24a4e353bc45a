"""What a model expects next: its logits, the likeliest tokens, and the logits of any residual stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.edits import Edit, arranged
from workbench.errors import PromptError
from workbench.forward import Want, forward, unembedded
from workbench.records import NextTokens

if TYPE_CHECKING:
    from workbench.model import TracedModel


def logits(
    model: TracedModel,
    prompts: Any,
    *,
    positions: int | Sequence[int] | None = None,
    edits: Sequence[Edit] = (),
) -> Float[Tensor, "prompt *position d_vocab"]:
    """Read the model's own logits.

    Args:
        model: The model.
        prompts: The prompts.
        positions: At which tokens, negative ones from each prompt's end. None is all; one number drops the
            axis.
        edits: Changes made while the model runs.

    Returns:
        The logits of the next token after each position.
    """
    places = None if positions is None else [positions] if isinstance(positions, int) else list(positions)
    wants = {"logits": Want("logits", (model.n_blocks,))}
    tokens = model.tokens(prompts)
    found = forward(model, tokens, wants, edits=arranged(model, tokens, edits), positions=places)["logits"]
    return found[:, 0] if isinstance(positions, int) else found


def next_tokens(
    model: TracedModel,
    prompt: Any,
    k: int = 10,
    edits: Sequence[Edit] = (),
    *,
    baseline: Float[Tensor, " d_vocab"] | None = None,
) -> NextTokens:
    """Read what the model expects after a prompt, and with edits also what it expected without them.

    Args:
        model: The model.
        prompt: One prompt.
        k: How many tokens, at most the vocabulary.
        edits: Changes made while the model runs.
        baseline: The last position's logits without the edits, where they are known: `logits(model, prompt,
            positions=-1)[0]`. They are computed otherwise.

    Returns:
        The k likeliest tokens, likeliest first. With edits they are the k likeliest with or without the edit,
        in the order of the larger of both, so that a token the edit removed is still seen.

    Raises:
        PromptError: More than one prompt, or k below 1.
    """
    tokens = model.tokens(prompt)
    if len(tokens) != 1:
        raise PromptError(f"The next token is asked of one prompt, not of {len(tokens)}.")
    if k < 1:
        raise PromptError(f"k={k} tokens can't be listed: use 1 or more.")
    wants = {"logits": Want("logits", (model.n_blocks,))}
    k = min(k, model.d_vocab)
    if not edits:
        top, ids = forward(model, tokens, wants, reduce=_top(k), positions=[-1])["logits"]
        ids, probability, known = ids.reshape(-1), top.reshape(-1), None
    else:
        before = logits(model, tokens, positions=-1)[0] if baseline is None else baseline
        before, after = (
            scores.softmax(-1) for scores in (before, logits(model, tokens, positions=-1, edits=edits)[0])
        )
        ids = torch.maximum(before, after).topk(k).indices
        probability, known = after[ids], before[ids]
    return NextTokens(
        model=model.name,
        position=f"after token {tokens.lengths[0] - 1}, {tokens.strings[0][-1]!r}",
        tokens=tuple(model.token_string(number) for number in ids.tolist()),
        ids=ids,
        probability=probability,
        baseline=known,
        edit=", ".join(map(str, edits)),
    )


def _top(k: int) -> Callable:
    def top(value, at):
        found = value.float().softmax(-1).topk(k)
        return found.values, found.indices

    return top


def unembed(model: TracedModel, residual: Float[Tensor, "*axes d_model"]) -> Float[Tensor, "*axes d_vocab"]:
    """Turn vectors of the residual stream into logits: final norm, unembedding, and the cap if there is one.

    Args:
        model: The model.
        residual: Any number of vectors.

    Returns:
        Logits, float32 on the CPU.
    """
    softcap = getattr(model.config, "final_logit_softcapping", None)
    if model.remote is not False:
        return model.run(
            _decoded, {"input_ids": torch.zeros(1, 1, dtype=torch.long)}, residual, softcap
        ).float()
    with model.lock, torch.no_grad():
        return _decoded(model.traced, residual, softcap).float()


def _decoded(root, residual, softcap):
    return unembedded(root, residual.to(root.unembed.weight.device), softcap).cpu()

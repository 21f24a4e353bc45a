"""Records of random numbers that could have come from a model."""

from __future__ import annotations

import random

import torch

from workbench.records import AttentionWeights, DecodedStates

UNUSUAL = [
    "·the",
    "⏎",
    "<script>alert(1)</script>",
    "🇫🇷",
    "<0xE2>",
    '"',
    "&amp;",
    "a\nb",
    "",
    "·" + "very" * 16,
]


def random_states(seed: int) -> DecodedStates:
    """A lens over random logits: every number follows from a real softmax."""
    torch.manual_seed(seed)
    rows, positions, size, best, followed = (int(torch.randint(1, 7, ())) for _ in range(5))
    size += best + followed
    logits = 3 * torch.randn(rows, positions, size)
    probability = logits.softmax(-1)
    top = probability.sort(-1, descending=True)
    tracked = torch.randperm(size)[:followed]
    return DecodedStates(
        model="m" * seed,
        decoder="logit lens",
        tokens=tuple(random.Random(seed).choices(UNUSUAL, k=positions)),
        rows=tuple(f"block {i}" for i in range(rows)),
        vocabulary=tuple(random.Random(seed).choices(UNUSUAL, k=size)),
        vocabulary_ids=torch.randperm(50_000)[:size],
        top=top.indices[..., :best].int(),
        probability=top.values[..., :best],
        entropy=torch.distributions.Categorical(logits=logits).entropy() / torch.tensor(2.0).log(),
        tracked=tracked.int(),
        tracked_probability=probability[..., tracked].permute(2, 0, 1),
        tracked_rank=(probability[..., None, :] > probability[..., tracked, None])
        .sum(3)
        .permute(2, 0, 1)
        .int(),
    )


def random_weights(seed: int, lengths: tuple[int, ...], layers: int = 2, heads: int = 3) -> AttentionWeights:
    torch.manual_seed(seed)
    longest = max(lengths)
    weights = torch.rand(len(lengths), layers, heads, longest, longest).square().tril()
    weights = weights / weights.sum(-1, keepdim=True)
    for i, length in enumerate(lengths):
        weights[i, :, :, length:] = 0
    tokens = tuple(tuple(random.Random(i).choices(UNUSUAL, k=length)) for i, length in enumerate(lengths))
    return AttentionWeights(model="m", tokens=tokens, weights=weights)

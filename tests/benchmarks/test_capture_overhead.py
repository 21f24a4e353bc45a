"""How much longer a capture takes than plain PyTorch hooks on the same model, in process time on one thread.

All sides keep residual stream, attention patterns and neurons of every layer, and give the same arguments to
the same model. The limit holds against hooks that return what a capture returns, stacked tensors; hooks that
only list what they saw are shown too. Runs are interleaved, so that a busy machine slows all alike.
"""

from __future__ import annotations

import statistics
import time

import models
import pytest
import torch

import workbench
from workbench import capture

LIMIT = 1.10
ROUNDS = 15
QUANTITIES = ("residuals", "attention_patterns", "neurons")


def gpt2_small() -> workbench.TracedModel:
    shape = {"n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
    return workbench.load(models.module("gpt2", **shape), tokenizer=models.tokenizer())


def with_hooks(model: workbench.TracedModel, ids: torch.Tensor, stack: bool) -> dict:
    kept: dict[str, list[torch.Tensor]] = {name: [] for name in QUANTITIES}
    handles = []
    blocks = model.module.transformer.h

    def keep_input(name):
        return lambda module, inputs: kept[name].append(inputs[0])

    handles.append(blocks[0].register_forward_pre_hook(keep_input("residuals")))
    for block in blocks:
        handles.append(block.register_forward_hook(lambda module, inputs, out: kept["residuals"].append(out)))
        handles.append(
            block.attn.register_forward_hook(
                lambda module, inputs, out: kept["attention_patterns"].append(out[1])
            )
        )
        handles.append(block.mlp.c_proj.register_forward_pre_hook(keep_input("neurons")))
    try:
        with torch.no_grad():
            model.module(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                position_ids=torch.arange(ids.shape[1])[None],
                use_cache=False,
                logits_to_keep=torch.tensor([ids.shape[1] - 1]),
            )
    finally:
        for handle in handles:
            handle.remove()
    return {name: torch.stack(values, 1) for name, values in kept.items()} if stack else kept


@pytest.mark.benchmark
@pytest.mark.parametrize("length", [64, 128])
def test_a_capture_of_everything_costs_at_most_a_tenth_more_than_hooks(length):
    model = gpt2_small()
    ids = torch.randint(2, 300, (1, length), generator=torch.Generator().manual_seed(0))
    tokens = model.tokens(ids)
    ways = {
        "hooks, list": lambda: with_hooks(model, ids, stack=False),
        "hooks, stacked": lambda: with_hooks(model, ids, stack=True),
        "capture.read": lambda: capture.read(model, tokens, *QUANTITIES),
    }
    first = {name: way() for name, way in ways.items()}
    for name in QUANTITIES:
        torch.testing.assert_close(
            first["hooks, stacked"][name], first["capture.read"][name], rtol=0, atol=1e-5
        )
    del first
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(ROUNDS):
        for name in sorted(ways, key=lambda name: (list(ways).index(name) + round_) % len(ways)):
            before = time.process_time()
            ways[name]()
            times[name].append(time.process_time() - before)
    median = {name: statistics.median(values) for name, values in times.items()}
    print(f"\nGPT-2 small shape, {length} tokens, one thread, medians of process time over {ROUNDS} rounds")
    for name, seconds in median.items():
        ratio = median["capture.read"] / seconds
        print(f"  {name:<16}{seconds * 1000:8.1f} ms   capture.read takes {ratio:.3f} of it (limit {LIMIT})")
    assert median["capture.read"] <= LIMIT * median["hooks, stacked"]

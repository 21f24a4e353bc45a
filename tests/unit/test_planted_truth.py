"""A model whose weights were set by hand, so that it is known which head and which neuron matter.

It has 10 tokens and 8 positions. The residual stream (40 wide) holds the token (0 to 9), the position (10 to
17), what the unembedding reads (18 to 27) and a part that nothing reads (28 to 39). Head L0H1 attends to the
token before and copies it to what is read: the model repeats the last token but one. Neuron L1N5 fires where
the token is 3 and then writes token 7 instead. Every other head and neuron is busy, but writes where nothing
reads.
"""

from __future__ import annotations

import functools

import models
import pytest
import torch

import workbench
from workbench import MLP, Head, Neuron, Residual, capture

HEAD, NEURON = Head(0, 1), Neuron(1, 5)
PROMPT, ANSWER = [5, 1, 8, 4, 2], 4
TRIGGER, WRITTEN = [5, 1, 8, 4, 3], 7
TOKEN, POSITION, READ, UNREAD = slice(0, 10), slice(10, 18), slice(18, 28), slice(28, 40)


@functools.cache
def planted(remote: bool | str = False) -> workbench.TracedModel:
    module = models.module("gpt2", vocab_size=10, n_positions=8, n_embd=40, n_layer=2, n_head=4, n_inner=16)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(1.0 if "ln_" in name and name.endswith("weight") else 0.0)
        body = module.transformer
        body.wte.weight[:, TOKEN] = torch.eye(10)
        body.wpe.weight[:, POSITION] = torch.eye(8)
        # The unembedding is the token embedding in GPT-2; here it reads another part of the stream.
        module.lm_head.weight = torch.nn.Parameter(torch.zeros(10, 40))
        module.lm_head.weight[:, READ] = torch.eye(10)
        for block in body.h:
            queries, keys, values = block.attn.c_attn.weight.split(40, dim=1)
            for part in (queries, keys, values):
                part.normal_(std=0.5)
            block.attn.c_proj.weight[:, UNREAD] = 0.003 * torch.randn(40, 12)
            block.mlp.c_fc.weight.normal_(std=0.5)
            block.mlp.c_proj.weight[:, UNREAD] = 0.003 * torch.randn(16, 12)
        # Head 1 has columns 10 to 19 of queries, keys and values: position i asks for position i - 1.
        queries, keys, values = body.h[0].attn.c_attn.weight.split(40, dim=1)
        for part in (queries, keys, values):
            part[:, 10:20] = 0
        queries[POSITION, 10:18] = 20 * torch.eye(8)
        keys[POSITION, 10:18] = torch.eye(8).roll(1, 1)
        values[TOKEN, 10:20] = torch.eye(10)
        body.h[0].attn.c_proj.weight[10:20] = 0
        body.h[0].attn.c_proj.weight[10:20, READ] = 0.3 * torch.eye(10)
        body.h[1].mlp.c_fc.weight[:, 5] = 0
        body.h[1].mlp.c_fc.weight[3, 5] = 4
        body.h[1].mlp.c_fc.bias[5] = -4
        body.h[1].mlp.c_proj.weight[5] = 0
        body.h[1].mlp.c_proj.weight[5, READ] = torch.eye(10)[WRITTEN]
    module.tie_weights = lambda *args, **kwargs: None
    return workbench.load(module, tokenizer=models.tokenizer(), remote=remote)


def margin(model, prompt, answer, edits=()) -> float:
    """How far the answer's logit is above the largest other one."""
    logits = capture.logits(model, [prompt], positions=-1, edits=edits)[0]
    return float(logits[answer] - logits[[token for token in range(10) if token != answer]].max())


def every_site(model) -> list:
    heads = [Head(layer, head) for layer in range(2) for head in range(4)]
    return heads + [Neuron(layer, neuron) for layer in range(2) for neuron in range(model.d_mlp)]


def test_the_planted_model_does_what_it_was_made_for():
    model = planted()
    for prompt in ([5, 1, 8, 4, 2], [0, 9, 6], [1, 1, 2, 7, 7, 6, 5, 0]):
        assert margin(model, prompt, prompt[-2]) > 0.5
    assert margin(model, TRIGGER, WRITTEN) > 0.5


@pytest.mark.parametrize("kind", ["zero", "mean", "resample"])
def test_ablation_finds_the_head_and_nothing_else(kind):
    model = planted()
    whole = margin(model, PROMPT, ANSWER)
    reference = [[6, 0, 6, 0, 6], [0, 6, 0, 6, 0]]
    for site in every_site(model):
        left = margin(model, PROMPT, ANSWER, capture.ablated(model, site, kind, reference=reference))
        if site == HEAD:
            assert left < 0.01 * whole
        else:
            assert abs(left - whole) < 0.05 * whole, site


def test_ablation_finds_the_neuron_where_it_fires_and_nothing_where_it_does_not():
    model = planted()
    whole = margin(model, TRIGGER, WRITTEN)
    effect = {
        s: whole - margin(model, TRIGGER, WRITTEN, capture.ablated(model, s)) for s in every_site(model)
    }
    assert max(effect, key=effect.get) == NEURON
    assert effect.pop(NEURON) > whole
    effect.pop(HEAD)  # it still says what came before, so it speaks against the neuron
    assert max(map(abs, effect.values())) < 0.05 * whole
    assert margin(model, TRIGGER, 4, capture.ablated(model, NEURON)) > 0.5


def test_ablation_at_one_position_matters_only_where_the_head_is_read():
    model = planted()
    for position in range(5):
        left = margin(model, PROMPT, ANSWER, capture.ablated(model, HEAD, positions=position))
        assert (left < 0.1) == (position == 4)


@pytest.mark.parametrize("remote", [False, "local"])
def test_patching_finds_the_head_that_carries_the_difference(remote):
    model = planted(remote)
    other = [5, 1, 8, 9, 2]
    for head in [Head(layer, head) for layer in range(2) for head in range(4)]:
        edits = capture.patched(model, [other], head)
        assert (margin(model, PROMPT, 9, edits) > 0.5) == (head == HEAD)
        assert (margin(model, PROMPT, ANSWER, edits) > 0.5) == (head != HEAD)


def test_steering_along_what_is_read_makes_the_model_say_it():
    model = planted()
    direction = torch.zeros(40)
    direction[18 + 6] = 1
    for site in (Residual(1), MLP(0), Residual(-1)):
        assert margin(model, PROMPT, 6, capture.steered(site, direction, strength=10)) > 0.5
    assert (
        margin(model, PROMPT, 6, capture.steered(Residual(1), direction, strength=10, positions=[0, 1])) < 0
    )


def test_the_heads_contribution_is_the_token_before_and_the_others_write_where_nothing_reads():
    parts = capture.contributions(planted(), [PROMPT])
    written = dict(zip(parts.names, parts.values[:, -1], strict=True))
    for name, vector in written.items():
        if name == str(HEAD):
            assert int(vector[READ].argmax()) == ANSWER
        else:
            assert vector[READ].abs().max() < 0.02, name


def test_the_planted_head_attends_to_the_token_before():
    pattern = capture.attention_patterns(planted(), [PROMPT])[0, 0, 1]
    assert pattern.argmax(-1).tolist()[1:] == [0, 1, 2, 3]
    assert pattern.diagonal(-1).min() > 0.99

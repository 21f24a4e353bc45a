"""Edits against the same change made with plain hooks, and on models in which it is known what matters."""

from __future__ import annotations

import models
import pytest
import torch

from workbench import MLP, Cell, Head, Neuron, Residual, TokenSpan, capture
from workbench.errors import PromptError, SiteError

BATCH = [models.SHORT, models.LONG]
CLOSE = {"rtol": 0, "atol": 1e-5}
EVERYWHERE = [(family, remote) for family in models.FAMILIES for remote in (False, "local")]

PATHS = {
    "gpt2": ("transformer.h", "attn.c_proj", "mlp.c_proj", "mlp"),
    "gpt_neox": ("gpt_neox.layers", "attention.dense", "mlp.dense_4h_to_h", "mlp"),
    "gemma2": ("model.layers", "self_attn.o_proj", "mlp.down_proj", "post_feedforward_layernorm"),
    "gemma3 with vision": (
        "model.language_model.layers",
        "self_attn.o_proj",
        "mlp.down_proj",
        "post_feedforward_layernorm",
    ),
    "gemma3": ("model.layers", "self_attn.o_proj", "mlp.down_proj", "post_feedforward_layernorm"),
}
LLAMA = ("model.layers", "self_attn.o_proj", "mlp.down_proj", "mlp")


def hooked(family: str, change: str, text: str) -> torch.Tensor:
    """Logits of a fresh model with one of the changes below, made with a plain hook."""
    module = models.module(family)
    blocks, projection, down, mlp = PATHS.get(family, LLAMA)
    block = module.get_submodule(blocks)[1]
    width = module.config.get_text_config().num_attention_heads

    def without_heads(_, args):
        z = args[0].unflatten(-1, (width, -1)).clone()
        z[:, :, [1, 3]] = 0
        return (z.flatten(-2),)

    def without_neuron(_, args):
        values = args[0].clone()
        values[:, 2, 7] = 0
        return (values,)

    if change == "heads":
        block.get_submodule(projection).register_forward_pre_hook(without_heads)
    elif change == "neuron":
        block.get_submodule(down).register_forward_pre_hook(without_neuron)
    elif change == "mlp":
        block.get_submodule(mlp).register_forward_hook(lambda m, args, out: torch.zeros_like(out))
    elif change == "stream":
        block.register_forward_hook(lambda m, args, out: out + torch.linspace(-0.5, 0.5, 32))
    elif change == "embedding":
        module.get_submodule(blocks)[0].register_forward_pre_hook(lambda m, args: (args[0] * 0,))
    with torch.no_grad():
        return module(torch.tensor([models.tokenizer().encode(text)])).logits[0]


@pytest.mark.parametrize("change", ["heads", "neuron", "mlp", "stream", "embedding"])
@pytest.mark.parametrize(("family", "remote"), EVERYWHERE)
def test_an_edit_changes_the_logits_as_a_hook_does(family, remote, change):
    model = models.model(family, remote)
    edits = {
        "heads": lambda: capture.ablated(model, [Head(1, 3), Head(1, 1)]),
        "neuron": lambda: capture.ablated(model, Neuron(1, 7), positions=2),
        "mlp": lambda: capture.ablated(model, MLP(1)),
        "stream": lambda: capture.steered(Residual(1), torch.linspace(-1, 1, 32), strength=0.5),
        "embedding": lambda: capture.ablated(model, Residual(-1)),
    }[change]()
    found = capture.logits(model, models.LONG, edits=edits)[0]
    torch.testing.assert_close(found, hooked(family, change, models.LONG), **CLOSE)
    assert (found - capture.logits(model, models.LONG)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("remote", [False, "local"])
def test_an_edit_shows_in_what_is_read_at_its_place_and_leaves_no_trace(remote):
    model = models.model("gpt_neox", remote)
    before = capture.read(model, models.LONG, *capture.NAMES)
    sites = (Head(1, 2), Neuron(1, 3), MLP(2), Residual(0))
    vectors = (torch.ones(8), 4.0, torch.ones(32), torch.ones(32))
    for site, vector in zip(sites, vectors, strict=True):
        steered = capture.read(
            model, models.LONG, site, edits=capture.steered(site, vector, 2.0, positions=3)
        )
        change = steered[site] - capture.read(model, models.LONG, site)[site]
        assert not change[:, :3].any()
        assert change[:, 3].allclose(
            torch.full_like(change[:, 3], 2.0 * torch.as_tensor(vector).flatten()[0])
        )
    after = capture.read(model, models.LONG, *capture.NAMES)
    assert all(torch.equal(before[name], after[name]) for name in capture.NAMES)


@pytest.mark.parametrize("remote", [False, "local"])
def test_edits_in_a_padded_batch_give_the_numbers_of_one_prompt_at_a_time(remote):
    model = models.model("gemma2", remote)
    edits = (
        *capture.ablated(model, [Head(0, 1), Neuron(2, 5)], "mean", reference=BATCH),
        *capture.patched(model, models.LONG, Head(1, 2), positions=[0, -1]),
        *capture.steered(Cell(1, -2), torch.ones(32)),
        *capture.ablated(model, MLP(1), positions=TokenSpan(1, 4)),
    )
    together = capture.logits(model, BATCH, edits=edits)
    for row, text in enumerate(BATCH):
        alone = capture.logits(model, text, edits=edits)[0]
        torch.testing.assert_close(together[row, : len(alone)], alone, **CLOSE)


def test_mean_is_over_the_tokens_of_the_reference_and_not_over_padding():
    model = models.model("llama")
    sites = (Head(1, 2), Neuron(0, 5), Neuron(0, 9), MLP(2), Residual(0))
    heads, cells, mlp, stream = (
        edit.value for edit in capture.ablated(model, sites, "mean", reference=BATCH)
    )
    one, two = (capture.read(model, text, *sites) for text in BATCH)
    mean = {site: torch.cat([one[site][0], two[site][0]]).mean(0) for site in sites}
    torch.testing.assert_close(heads[0, 0], mean[Head(1, 2)][None], **CLOSE)
    expected = torch.stack([mean[Neuron(0, 5)], mean[Neuron(0, 9)]])
    torch.testing.assert_close(cells[0, 0], expected, **CLOSE)
    torch.testing.assert_close(mlp[0, 0], mean[MLP(2)], **CLOSE)
    torch.testing.assert_close(stream[0, 0], mean[Residual(0)], **CLOSE)


def test_resampling_takes_one_reference_prompt_for_each_prompt_the_same_for_every_site():
    model = models.model("llama")
    reference = ["Hello world", "the quick brown fox jumps", "Mary and John went to the store, John"]
    sites = (Head(0, 0), MLP(0))
    draws = set()
    for seed in range(8):
        edits = capture.ablated(model, sites, "resample", reference=reference, seed=seed)
        found, again = (capture.read(model, models.SHORT, *sites, edits=edits) for _ in range(2))
        assert torch.equal(found[MLP(0)], again[MLP(0)])
        length = model.tokens(models.SHORT).lengths[0]
        fitting = []
        for number, text in enumerate(reference):
            source = capture.read(model, text, *sites)
            place = torch.arange(length).clamp(max=source[MLP(0)].shape[1] - 1)
            if all(torch.allclose(found[site][0], source[site][0, place], **CLOSE) for site in sites):
                fitting.append(number)
        assert len(fitting) == 1
        draws.update(fitting)
    assert draws == {0, 1, 2}


@pytest.mark.parametrize("remote", [False, "local"])
def test_patching_every_stream_of_the_source_makes_the_run_the_source(remote):
    model = models.model("gpt2", remote)
    source = "When John and Mary went to the store, Mary gave a drink to"
    assert model.tokens(source).lengths == model.tokens(models.LONG).lengths
    edits = capture.patched(model, source, Residual(1))
    found = capture.logits(model, models.LONG, edits=edits)
    torch.testing.assert_close(found, capture.logits(model, source), **CLOSE)


def test_patching_pairs_each_prompt_with_its_own_source():
    model = models.model("gpt2")
    clean, corrupted = ["Hello world", "the lazy dog"], ["Hello Mary", "the lazy fox"]
    assert model.tokens(clean).lengths == model.tokens(corrupted).lengths
    edits = capture.patched(model, clean, Residual(2))
    found = capture.logits(model, corrupted, edits=edits)
    torch.testing.assert_close(found, capture.logits(model, clean), **CLOSE)


def test_negative_positions_count_from_the_end_of_source_and_prompt():
    model = models.model("gpt2")
    edits = capture.patched(model, models.SHORT, Residual(1), positions=-1)
    found = capture.residuals(model, BATCH, layers=[1], edits=edits)[:, 0]
    source = capture.residuals(model, models.SHORT, layers=[1])[0, 0, -1]
    plain = capture.residuals(model, models.LONG, layers=[1])[0, 0]
    torch.testing.assert_close(found[1, -1], source, **CLOSE)
    torch.testing.assert_close(found[1, :-1], plain[:-1], **CLOSE)


def test_edits_describe_themselves():
    model = models.model("gpt2")
    edits = capture.ablated(model, [Head(1, 2), Head(1, 3), Neuron(0, 4)])
    assert [str(edit) for edit in edits] == ["L1H2, L1H3 set to zero", "L0N4 set to zero"]
    assert repr(edits[1]) == "Edit('L0N4 set to zero')"
    assert str(capture.patched(model, "Hello", Cell(1, 0))[0]) == "L1@0 patched"
    assert str(capture.steered(Residual(-1), [3.0, 4.0], 2.0)[0]) == "embedding steered by 10"
    many = capture.ablated(model, [Neuron(0, number) for number in range(100)])
    assert [str(edit) for edit in many] == ["100 neurons of L0 set to zero"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m: capture.ablated(m, Head(9, 0)), SiteError, "layers go from 0 to 2"),
        (lambda m: capture.ablated(m, []), SiteError, "nothing to edit"),
        (lambda m: capture.ablated(m, "L0H1"), SiteError, "'L' can't be edited"),
        (lambda m: capture.ablated(m, Head(0, 0), "median"), SiteError, "no ablation 'median'"),
        (lambda m: capture.ablated(m, Head(0, 0), "mean"), PromptError, "needs prompts"),
        (lambda m: capture.ablated(m, Head(0, 0), "mean", reference=""), PromptError, "no tokens"),
        (lambda m: capture.ablated(m, Cell(0, 1), positions=2), SiteError, "names its position itself"),
        (lambda m: capture.patched(m, "Hello", Neuron(0, 128)), SiteError, "has 128 neurons"),
        (lambda m: capture.steered(Residual(0), torch.ones(2, 2)), SiteError, "one vector of finite numbers"),
        (
            lambda m: capture.steered(Residual(0), [float("nan")] * 32),
            SiteError,
            "one vector of finite numbers",
        ),
        (lambda m: capture.steered(Head(0, 0), "abc"), SiteError, "one vector of finite numbers"),
        (
            lambda m: capture.logits(m, "Hi", edits=capture.steered(Residual(0), [1.0])),
            SiteError,
            r"\(1,\) numbers.*\(32,\)",
        ),
        (
            lambda m: capture.logits(m, "Hi", edits=capture.steered(MLP(5), torch.ones(32))),
            SiteError,
            "3 blocks",
        ),
        (
            lambda m: capture.logits(m, "Hi", edits=capture.steered(Head(0, 6), torch.ones(8))),
            SiteError,
            "4 heads",
        ),
        (
            lambda m: capture.logits(m, "Hi", edits=capture.steered(Neuron(-1, 0), 1)),
            SiteError,
            "layers go from 0",
        ),
        (
            lambda m: capture.logits(m, "Hi", edits=capture.ablated(m, MLP(0), positions=7)),
            PromptError,
            "Position 7 does not exist",
        ),
        (
            lambda m: capture.logits(m, models.LONG, edits=capture.patched(m, models.SHORT, MLP(0))),
            PromptError,
            "the source has 5 tokens and the prompt 14",
        ),
        (
            lambda m: capture.logits(m, ["a", "b", "c"], edits=capture.patched(m, ["a", "b"], MLP(0))),
            PromptError,
            "2 source prompts for 3 prompts",
        ),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_in_words(make, error, message):
    with pytest.raises(error, match=message):
        make(models.model("gpt2"))

"""Every capture against plain PyTorch hooks, for every family, run here and through nnsight's rehearsal."""

from __future__ import annotations

import threading

import models
import pytest
import torch
import transformers

import workbench
from workbench import MLP, Cell, Head, Neuron, Residual, capture, forward
from workbench.errors import PromptError, SiteError

EVERYWHERE = [(family, remote) for family in models.FAMILIES for remote in (False, "local")]
BATCH = [models.SHORT, models.LONG]
CLOSE = {"rtol": 0, "atol": 1e-5}

# Where the parts are, written down a second time: a mistake in workbench.architectures must not be repeated
# here.
LLAMA = {
    "base": "model",
    "blocks": "layers",
    "attention": "self_attn",
    "heads": "self_attn.o_proj",
    "neurons": "mlp.down_proj",
    "before_mlp": "post_attention_layernorm",
}
GEMMA2 = LLAMA | {"before_mlp": "pre_feedforward_layernorm", "after_attention": "post_attention_layernorm"}
PARTS = {
    "gpt2": {
        "base": "transformer",
        "blocks": "h",
        "attention": "attn",
        "heads": "attn.c_proj",
        "neurons": "mlp.c_proj",
        "before_mlp": "ln_2",
    },
    "gpt_neox": {
        "base": "gpt_neox",
        "blocks": "layers",
        "attention": "attention",
        "heads": "attention.dense",
        "neurons": "mlp.dense_4h_to_h",
        "before_mlp": None,
    },
    "gemma2": GEMMA2,
    "gemma3": GEMMA2,
    "gemma3 with vision": GEMMA2 | {"base": "model.language_model"},
}


def hooked(family: str, text: str) -> dict[str, torch.Tensor]:
    """Everything `read` can give for one prompt, from plain hooks on a fresh copy of the model."""
    module, parts = models.module(family), PARTS.get(family, LLAMA)
    ids = torch.tensor([models.tokenizer().encode(text)])
    heads, seen = module.config.get_text_config().num_attention_heads, {name: [] for name in capture.NAMES}
    blocks = module.get_submodule(parts["base"]).get_submodule(parts["blocks"])
    into, whole = [], []
    blocks[0].register_forward_pre_hook(lambda m, args: seen["residuals"].append(args[0]))
    for block in blocks:
        block.register_forward_pre_hook(lambda m, args: into.append(args[0]))
        block.register_forward_hook(lambda m, args, out: seen["residuals"].append(out))
        attention, projection = block.get_submodule(parts["attention"]), block.get_submodule(parts["heads"])
        attention.register_forward_hook(lambda m, args, out: seen["attention_patterns"].append(out[1]))
        projection.register_forward_pre_hook(
            lambda m, args: seen["head_z"].append(args[0].unflatten(-1, (heads, -1)).transpose(1, 2))
        )
        projection.register_forward_hook(lambda m, args, out: whole.append(out))
        block.get_submodule(parts["neurons"]).register_forward_pre_hook(
            lambda m, args: seen["neurons"].append(args[0])
        )
        if parts["before_mlp"]:
            # What attention added is what the stream gained before the MLP's norm, what the MLP added is the
            # rest.
            block.get_submodule(parts["before_mlp"]).register_forward_pre_hook(
                lambda m, args: seen["attention_outputs"].append(args[0] - into[-1])
            )
            block.register_forward_hook(
                lambda m, args, out: seen["mlp_outputs"].append(out - args[0] - seen["attention_outputs"][-1])
            )
        else:
            attention.register_forward_hook(lambda m, args, out: seen["attention_outputs"].append(out[0]))
            block.mlp.register_forward_hook(lambda m, args, out: seen["mlp_outputs"].append(out))
    with torch.no_grad():
        logits = module(ids).logits
        found = {name: torch.stack(values, 1) for name, values in seen.items() if values} | {"logits": logits}
        contributions = []
        for block, z, together in list(zip(blocks, seen["head_z"], whole, strict=True)):
            projection = block.get_submodule(parts["heads"])
            nothing = projection(torch.zeros_like(z.transpose(1, 2).flatten(2)))
            each = []
            for head in range(heads):
                alone = torch.zeros_like(z)
                alone[:, head] = z[:, head]
                each.append(projection(alone.transpose(1, 2).flatten(2)) - nothing)
            if norm := parts.get("after_attention"):
                size = (
                    together.square()
                    .mean(-1, keepdim=True)
                    .add(module.config.get_text_config().rms_norm_eps)
                    .sqrt()
                )
                each = [part / size * (1 + block.get_submodule(norm).weight) for part in each]
            contributions.append(torch.stack(each, 1))
    return found | {"head_contributions": torch.stack(contributions, 1)}


@pytest.mark.parametrize(("family", "remote"), EVERYWHERE)
def test_every_capture_equals_plain_hooks(family, remote):
    expected = hooked(family, models.LONG)
    found = capture.read(models.model(family, remote), models.LONG, *capture.NAMES)
    assert list(found) == list(capture.NAMES)
    for name in capture.NAMES:
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(
            found[name], expected[name], **CLOSE, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("remote", [False, "local"])
@pytest.mark.parametrize("name", [name for name in capture.NAMES if name != "logits"])
def test_each_function_gives_what_read_gives_and_can_choose_layers(name, remote):
    model = models.model("gemma2", remote)
    function = getattr(capture, name)
    every = function(model, models.SHORT)
    assert torch.equal(every, capture.read(model, models.SHORT, name)[name])
    first = -1 if name == "residuals" else 0
    torch.testing.assert_close(
        function(model, models.SHORT, layers=[2, first]), every[:, [0, 2 - first]], rtol=0, atol=0
    )
    assert not every.requires_grad


@pytest.mark.parametrize("remote", [False, "local"])
@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_logits_at_chosen_positions_are_those_of_all_positions(family, remote):
    model = models.model(family, remote)
    every = capture.logits(model, BATCH)
    assert every.shape == (2, 14, model.d_vocab)
    assert not every[0, 5:].any()
    last = capture.logits(model, BATCH, positions=-1)
    torch.testing.assert_close(last, torch.stack([every[0, 4], every[1, 13]]), **CLOSE)
    some = capture.logits(model, BATCH, positions=[-1, 0, 3])
    torch.testing.assert_close(some, torch.stack([every[0, [4, 0, 3]], every[1, [13, 0, 3]]]), **CLOSE)
    assert capture.logits(model, BATCH, positions=[]).shape == (2, 0, model.d_vocab)
    with pytest.raises(PromptError, match="Position 5 does not exist in a prompt of 5 tokens"):
        capture.logits(model, BATCH, positions=5)


@pytest.mark.parametrize("family", models.FAMILIES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_batch_gives_the_numbers_of_one_prompt_at_a_time(family, side):
    model = models.model(family)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=models.tokenizer().backend_tokenizer, pad_token="<|end|>", padding_side=side
    )
    together = capture.read(model, tokenizer(BATCH, padding=True, return_tensors="pt"), *capture.NAMES)
    for row, text in enumerate(BATCH):
        alone = capture.read(model, text, *capture.NAMES)
        length = model.tokens(text).lengths[0]
        for name in capture.NAMES:
            ours, padding = together[name][row].split([length, 14 - length], dim=-2)
            if name == "attention_patterns":
                assert not ours[..., length:].any(), "no token attends to padding"
                ours = ours[..., :length]
            torch.testing.assert_close(
                ours, alone[name][0], **CLOSE, msg=lambda text, name=name: f"{name}: {text}"
            )
            assert not padding.any()


def test_positions_given_to_the_model_follow_the_mask():
    module, given = models.module("gpt2"), {}
    model = workbench.load(module, tokenizer=models.tokenizer())
    module.register_forward_pre_hook(lambda m, args, kwargs: given.update(kwargs), with_kwargs=True)
    capture.residuals(model, BATCH)
    assert given["attention_mask"].tolist() == [[1] * 5 + [0] * 9, [1] * 14]
    assert given["position_ids"][1].tolist() == list(range(14))
    assert given["position_ids"][0, :5].tolist() == list(range(5))


@pytest.mark.parametrize("remote", [False, "local"])
def test_places_are_read_without_the_axes_they_name(remote):
    model = models.model("qwen3", remote)
    sites = (Head(1, 3), Neuron(2, 47), MLP(0), Residual(-1), Residual(2), Cell(1, -1), "neurons")
    found = capture.read(model, BATCH, *sites)
    assert list(found) == list(sites)
    torch.testing.assert_close(found[Head(1, 3)], capture.head_z(model, BATCH)[:, 1, 3], **CLOSE)
    torch.testing.assert_close(found[Neuron(2, 47)], found["neurons"][:, 2, :, 47], **CLOSE)
    torch.testing.assert_close(found[MLP(0)], capture.mlp_outputs(model, BATCH)[:, 0], **CLOSE)
    streams = capture.residuals(model, BATCH)
    torch.testing.assert_close(found[Residual(-1)], streams[:, 0], **CLOSE)
    torch.testing.assert_close(found[Residual(2)], streams[:, 3], **CLOSE)
    torch.testing.assert_close(
        found[Cell(1, -1)], torch.stack([streams[0, 2, 4], streams[1, 2, 13]]), **CLOSE
    )


@pytest.mark.parametrize("remote", [False, "local"])
def test_a_reduction_runs_inside_the_trace_and_only_its_result_comes_out(remote):
    model = models.model("llama", remote)
    watched = model.token_id(" the")

    def reduce(value, at):
        scores = at.decode(value).log_softmax(-1)
        return scores[..., watched], at.mask.sum(-1) + at.layer

    rank, lengths = capture.read(model, BATCH, "residuals", reduce=reduce)["residuals"]
    assert rank.shape == (4, 2, 14)
    assert lengths.tolist() == [[5 + layer, 14 + layer] for layer in range(-1, 3)]
    expected = capture.logits(model, models.LONG)[0].log_softmax(-1)[:, watched]
    torch.testing.assert_close(rank[-1, 1], expected, **CLOSE)


@pytest.mark.parametrize(
    ("what", "layers", "message"),
    [
        (("heads",), None, "'heads' can't be read"),
        ((3,), None, "3 can't be read"),
        (
            (Head(3, 0),),
            None,
            r"Head\(layer=3, head=0\) does not exist: .* 3 blocks, so layers go from 0 to 2",
        ),
        ((Head(0, 4),), None, "has 4 heads"),
        ((Neuron(0, 128),), None, "has 128 neurons"),
        ((MLP(-1),), None, "layers go from 0 to 2"),
        ((Residual(-2),), None, "layers go from -1 to 2"),
        (("neurons",), [0, -1], "layers go from 0 to 2"),
        (("residuals",), [3], "layers go from -1 to 2"),
    ],
)
def test_what_the_model_does_not_have_is_refused_in_words(what, layers, message):
    with pytest.raises(SiteError, match=message):
        capture.read(models.model("gpt2"), "Hello", *what, layers=layers)


def test_a_result_too_large_to_hold_is_refused_before_the_model_runs(monkeypatch):
    model = models.model("gpt2")
    monkeypatch.setattr(forward, "RESULT_LIMIT", 4 * 3 * 4 * 14 * 14)
    capture.attention_patterns(model, models.LONG)
    monkeypatch.setattr(model.module, "forward", None)
    with pytest.raises(PromptError, match=r"attention_patterns of 2 prompts .* GiB"):
        capture.attention_patterns(model, BATCH)


def test_gated_neurons_have_a_sign():
    values = capture.neurons(models.model("llama"), models.LONG)
    assert (values < -0.1).any()
    assert (values > 0.1).any()


def test_threads_may_capture_from_one_model_at_once():
    model = models.model("gpt2")
    expected, found = capture.residuals(model, models.LONG), []
    threads = [
        threading.Thread(target=lambda: found.append(capture.residuals(model, models.LONG))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [torch.equal(expected, one) for one in found] == [True] * 4


def test_a_model_in_training_is_read_without_dropout_and_left_in_training():
    module = models.module("gpt2").train()
    module.transformer.h[1].eval()
    model = workbench.load(module, tokenizer=models.tokenizer())
    assert torch.equal(capture.residuals(model, models.LONG), capture.residuals(model, models.LONG))
    assert module.training
    assert module.transformer.h[0].attn.resid_dropout.training
    assert not module.transformer.h[1].attn.resid_dropout.training


def test_a_failed_run_leaves_the_model_usable():
    model = models.model("llama")

    def fails(value, at):
        raise ZeroDivisionError("in the reduction")

    with pytest.raises(ZeroDivisionError):
        capture.read(model, models.SHORT, "neurons", reduce=fails)
    assert capture.neurons(model, models.SHORT).shape == (1, 3, 5, 48)


def test_half_precision_comes_out_as_float32():
    model = workbench.load(models.module("llama").to(torch.bfloat16), tokenizer=models.tokenizer())
    assert model.dtype == torch.bfloat16
    found = capture.read(model, models.SHORT, *capture.NAMES)
    assert {value.dtype for value in found.values()} == {torch.float32}
    expected = capture.read(models.model("llama"), models.SHORT, *capture.NAMES)
    assert (found["residuals"] - expected["residuals"]).abs().max() < 0.1
    torch.testing.assert_close(
        found["head_contributions"].sum(2), found["attention_outputs"], rtol=0.05, atol=0.02
    )

"""The logit lens against the model's own modules, called directly, and against its own output."""

from __future__ import annotations

import pytest
import torch

from tests import models
from workbench.errors import Cancelled, PromptError
from workbench.lens import logit_lens

PROMPT = models.LONG


def direct(family: str) -> torch.Tensor:
    """Decode [row, position, vocabulary] log probabilities with transformers alone."""
    module, traced = models.module(family), models.model(family)
    ids = traced.tokens(PROMPT).ids
    states: list[torch.Tensor] = []
    blocks = module.get_submodule(traced.architecture.blocks)
    norm = module.get_submodule(traced.architecture.final_norm)
    hooks = [
        blocks[0].register_forward_pre_hook(
            lambda _, a, k: states.append((a or (k["hidden_states"],))[0]), with_kwargs=True
        )
    ]
    hooks += [
        b.register_forward_hook(lambda _, __, o: states.append(o[0] if isinstance(o, tuple) else o))
        for b in blocks
    ]
    with torch.no_grad():
        module(ids)
        for hook in hooks:
            hook.remove()
        logits = module.get_submodule(traced.architecture.unembed)(norm(torch.stack(states)[:, 0]))
    cap = getattr(module.config, "final_logit_softcapping", None)
    return (logits if cap is None else cap * (logits / cap).tanh()).log_softmax(-1)


@pytest.mark.parametrize("remote", [False, "local"])
@pytest.mark.parametrize("family", models.FAMILIES)
def test_every_number_against_plain_pytorch(family: str, remote: bool | str) -> None:
    model = models.model(family, remote)
    expected = direct(family)
    record = logit_lens(model, PROMPT, top_k=5, track=[7, 19])
    ids = record.vocabulary_ids[record.top.long()]
    torch.testing.assert_close(record.probability, expected.topk(5).values.exp(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(expected.gather(-1, ids).exp(), record.probability, rtol=1e-5, atol=1e-6)
    entropy = torch.distributions.Categorical(logits=expected).entropy() / torch.log(torch.tensor(2.0))
    torch.testing.assert_close(record.entropy, entropy, rtol=1e-4, atol=1e-4)
    for place, token in enumerate((7, 19)):
        assert record.vocabulary_ids[record.tracked[place]] == token
        torch.testing.assert_close(
            record.tracked_probability[place], expected[..., token].exp(), rtol=1e-5, atol=1e-6
        )
        order = expected.argsort(-1, descending=True)
        assert (
            record.tracked_rank[place] == (order == token).int().argmax(-1)
        ).float().mean() > 0.98  # near ties


@pytest.mark.parametrize("family", models.FAMILIES)
def test_the_last_row_is_the_models_own_output(family: str) -> None:
    model = models.model(family)
    record = logit_lens(model, PROMPT, top_k=3)
    with torch.no_grad():
        own = models.module(family)(model.tokens(PROMPT).ids).logits[0].softmax(-1)
    torch.testing.assert_close(record.probability[-1], own.topk(3).values, rtol=1e-5, atol=1e-6)
    assert record.rows == ("embedding", "block 0", "block 1", "block 2")
    assert record.tracked.numel() == 0


def test_many_states_decoded_in_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = models.model("llama")
    whole = logit_lens(model, PROMPT, track=[3])
    monkeypatch.setattr("workbench.lens.STATES_AT_ONCE", 5)
    pieces = logit_lens(model, PROMPT, track=[3])
    assert torch.equal(whole.top, pieces.top)
    torch.testing.assert_close(whole.entropy, pieces.entropy)


def test_progress_is_told_and_can_end_the_run() -> None:
    model = models.model("gpt2")
    told: list[float] = []
    logit_lens(model, PROMPT, progress=told.append)
    assert told[0] == 0
    assert told == sorted(told)

    def stop(done: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        logit_lens(model, PROMPT, progress=stop)
    assert logit_lens(model, PROMPT).tokens, "the model still runs after a cancelled trace"


@pytest.mark.parametrize(
    ("prompt", "options", "sentence"),
    [
        ("", {}, "no tokens"),
        (["one", "two"], {}, "one prompt at a time"),
        ("word", {"track": ["Eiffel Tower"]}, "not one token"),
        ("word", {"track": [100_000]}, "no such id"),
        ("a " * 500, {}, "64"),
    ],
)
def test_bad_input_is_refused_in_words(prompt, options: dict, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        logit_lens(models.model("gpt2"), prompt, **options)

from __future__ import annotations

import models
import pytest
import torch

from workbench import capture
from workbench.errors import PromptError

EVERYWHERE = [(family, remote) for family in models.FAMILIES for remote in (False, "local")]
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.mark.parametrize(("family", "remote"), EVERYWHERE)
def test_the_contributions_sum_to_the_models_logits(family, remote):
    model = models.model(family, remote)
    parts = capture.contributions(model, models.LONG)
    logits = capture.logits(model, models.LONG)[0]
    again = capture.unembed(model, parts.total())
    assert float((again - logits).abs().max() / logits.abs().max()) < 1e-5
    torch.testing.assert_close(parts.total(), capture.residuals(model, models.LONG)[0, -1], **CLOSE)
    biased = family in ("gpt2", "gpt_neox", "llama with biases")
    expected = ["embedding", "position"] if family == "gpt2" else ["embedding"]
    for layer in range(3):
        expected += [f"L{layer}H{head}" for head in range(4)]
        expected += [f"L{layer} attention bias"] * biased + [f"L{layer}MLP"]
    assert list(parts.names) == expected
    assert parts.tokens == model.tokens(models.LONG).strings[0]


def test_contributions_hold_each_part_once_and_not_as_a_remainder():
    model = models.model("gemma2")
    parts = capture.contributions(model, models.LONG)
    heads = capture.head_contributions(model, models.LONG)[0]
    assert torch.equal(parts.values[parts.names.index("L1H3")], heads[1, 3])
    gpt2 = models.model("gpt2")
    parts = capture.contributions(gpt2, models.SHORT)
    positions = gpt2.module.transformer.wpe.weight[:5].detach()
    torch.testing.assert_close(parts.values[parts.names.index("position")], positions, **CLOSE)


def test_contributions_are_of_one_prompt():
    with pytest.raises(PromptError, match="one prompt, not from 2"):
        capture.contributions(models.model("gpt2"), ["Hello", "world"])

from __future__ import annotations

import models
import pytest
import torch

from workbench import Residual, capture
from workbench.errors import PromptError

CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.mark.parametrize("remote", [False, "local"])
def test_next_tokens_are_those_of_the_logits(remote):
    model = models.model("gemma2", remote)
    record = capture.next_tokens(model, models.SHORT, k=5)
    best = capture.logits(model, models.SHORT, positions=-1)[0].softmax(-1).topk(5)
    assert torch.equal(record.ids, best.indices)
    torch.testing.assert_close(record.probability, best.values, **CLOSE)
    assert record.tokens == tuple(map(model.token_string, best.indices.tolist()))
    assert (record.baseline, record.edit, record.position) == (None, "", "after token 4, '·in'")


def test_next_tokens_with_an_edit_show_also_what_the_edit_removed():
    model = models.model("gpt2")
    best = int(capture.next_tokens(model, models.SHORT, k=1).ids)
    edits = capture.steered(Residual(2), -9 * model.module.lm_head.weight[best].detach())
    record = capture.next_tokens(model, models.SHORT, k=4, edits=edits)
    place = record.ids.tolist().index(best)
    assert record.probability[place] < 0.5 * record.baseline[place]
    after = capture.logits(model, models.SHORT, positions=-1, edits=edits)[0].softmax(-1)
    torch.testing.assert_close(record.probability, after[record.ids], **CLOSE)
    larger = torch.maximum(record.probability, record.baseline)
    assert torch.equal(larger, larger.sort(descending=True).values)
    assert record.edit == str(edits[0])
    known = capture.logits(model, models.SHORT, positions=-1)[0]
    assert capture.next_tokens(model, models.SHORT, k=4, edits=edits, baseline=known) == record


def test_next_tokens_lists_no_more_than_there_are_and_asks_for_one_prompt():
    model = models.model("gpt2")
    assert len(capture.next_tokens(model, "Hello", k=10_000).tokens) == model.d_vocab
    with pytest.raises(PromptError, match="not of 2"):
        capture.next_tokens(model, ["Hello", "world"])
    with pytest.raises(PromptError, match="k=0"):
        capture.next_tokens(model, "Hello", k=0)
    with pytest.raises(PromptError, match="one prompt, not from 2"):
        capture.contributions(model, ["Hello", "world"])

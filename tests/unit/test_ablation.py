"""Effects of single heads: against one edit at a time, on planted truth, and where nothing is to be found."""

from __future__ import annotations

import pytest
import torch

import workbench
from tests import models
from workbench import capture, figures
from workbench.ablation import HeadEffects, head_effects
from workbench.errors import PromptError
from workbench.sites import Head

PROMPT = models.SHORT


@pytest.mark.parametrize("remote", [False, "local"])
@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "llama", "gemma2"])
def test_all_heads_at_once_equal_one_edit_at_a_time(family: str, remote: bool | str) -> None:
    model = models.model(family, remote)
    effects = head_effects(model, PROMPT, 11)
    plain = models.model(family)
    baseline = capture.logits(plain, PROMPT, positions=-1)[0].log_softmax(-1)[11]
    assert effects.baseline == pytest.approx(float(baseline), abs=1e-5)
    for layer in range(model.n_blocks):
        for head in range(model.n_heads):
            edits = capture.ablated(plain, Head(layer, head))
            after = capture.logits(plain, PROMPT, positions=-1, edits=edits)[0].log_softmax(-1)[11]
            assert float(effects.effect[layer, head]) == pytest.approx(float(after - baseline), abs=1e-5)


def test_a_planted_head_is_found_and_nothing_else() -> None:
    module = models.module("llama")
    with torch.no_grad():
        for layer, block in enumerate(module.model.layers):
            keep = torch.zeros(module.config.num_attention_heads, dtype=torch.bool)
            if layer == 1:
                keep[2] = True
            width = block.self_attn.o_proj.weight.shape[1] // len(keep)
            block.self_attn.o_proj.weight[:, ~keep.repeat_interleave(width)] = 0
    model = workbench.load(module, tokenizer=models.tokenizer())
    # One token it helps and one it hurts: both are found, nothing else has any effect.
    chances = capture.logits(model, PROMPT, positions=-1)[0].log_softmax(-1)
    without = capture.logits(model, PROMPT, positions=-1, edits=capture.ablated(model, Head(1, 2)))[
        0
    ].log_softmax(-1)
    helped = int((chances - without).argmax())
    effects = head_effects(model, PROMPT, helped)
    assert effects.effect.nonzero().tolist() == [[1, 2]]
    assert effects.strongest(1) == (Head(1, 2),)
    assert Head(1, 2) not in effects.typical(3)


def test_progress_reaches_the_end() -> None:
    told: list[float] = []
    head_effects(models.model("gpt2"), PROMPT, 11, progress=told.append)
    assert told == pytest.approx([1 / 3, 2 / 3, 1])


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(PromptError, match="one prompt"):
        head_effects(models.model("gpt2"), ["a", "b"], 11)
    with pytest.raises(PromptError, match="not one token"):
        head_effects(models.model("gpt2"), PROMPT, "Eiffel Tower")


def test_the_record_survives_a_file_and_draws_a_map(tmp_path) -> None:
    effects = HeadEffects.example()
    assert HeadEffects.load(effects.save(tmp_path / "effects.safetensors")) == effects
    assert effects.strongest(1) == (Head(1, 2),)
    assert Head(1, 2) not in effects.typical(5)
    figure = figures.head_map(effects)
    assert figure.data[0].zmin == -figure.data[0].zmax == pytest.approx(-1.75)
    shown = figure._repr_mimebundle_()
    assert set(shown) == {"application/vnd.plotly.v1+json"}, "no library travels in the output"

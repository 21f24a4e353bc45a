from __future__ import annotations

import models
import pytest
import torch
import transformers

import workbench
from workbench.architectures import ARCHITECTURES, fit, row_of
from workbench.errors import ModelError


@pytest.mark.parametrize("family", models.FAMILIES)
def test_every_family_fits_and_its_numbers_come_from_its_weights(family):
    model = models.model(family)
    config = models.config(family)
    model_type, config = config.model_type, config.get_text_config()
    assert model.architecture is ARCHITECTURES[model_type]
    assert (model.n_blocks, model.n_heads, model.d_model) == (3, 4, 32)
    assert model.n_kv_heads == (4 if family in ("gpt2", "gpt_neox") else 2)
    assert model.d_head == (getattr(config, "head_dim", None) or 8)
    assert model.d_mlp == (128 if family == "gpt2" else 48)
    assert model.d_vocab == len(models.tokenizer())
    assert model.max_tokens == models.LENGTH


@pytest.mark.parametrize("family", models.FAMILIES)
def test_the_same_names_reach_the_same_parts_in_every_family(family):
    root = models.model(family).traced
    ids = models.model(family).tokens(models.SHORT).ids
    for name in ("embedding", "final_norm", "unembed"):
        assert getattr(root, name)._module in list(root._module.modules())
    for block in root.blocks:
        for name in ("attention", "heads", "attention_added", "neurons", "mlp_added"):
            assert getattr(block, name)._module in list(block._module.modules())
    assert root.unembed._module.weight.shape == (root._module.config.get_text_config().vocab_size, 32)
    assert root.embedding._module(ids).shape == (1, ids.shape[1], 32)


def test_distilgpt2_is_gpt2_with_fewer_blocks():
    model = workbench.load(models.module("gpt2", n_layer=6), tokenizer=models.tokenizer())
    assert (model.family, model.n_blocks) == ("GPT-2", 6)


def test_a_plain_module_is_told_that_it_has_no_config():
    with pytest.raises(ModelError, match=r"Linear does not fit.*config.*not found.*GPT-2.*Llama"):
        fit(torch.nn.Linear(2, 2))


def test_an_unknown_family_is_named_with_those_that_are_known():
    with pytest.raises(ModelError, match=r"my-bloom does not fit.*'bloom'.*Gemma 2"):
        row_of(transformers.BloomConfig(), "my-bloom")


def test_a_model_without_its_unembedding_is_told_so():
    with pytest.raises(ModelError, match=r"LlamaModel does not fit.*'model.layers' was not found"):
        fit(models.module("llama").model)


@pytest.mark.parametrize("path", ["self_attn.o_proj", "mlp.down_proj", "self_attn"])
def test_a_block_without_a_part_is_named_with_the_part(path):
    module = models.module("llama")
    block = module.model.layers[1]
    parent, _, name = path.rpartition(".")
    delattr(block.get_submodule(parent), name)
    with pytest.raises(ModelError, match=rf"block 1, does not fit the Llama family: '{path}' was not found"):
        fit(module)


def test_a_gemma2_without_its_second_norms_is_not_taken_for_one():
    module = models.module("gemma2")
    del module.model.layers[2].post_feedforward_layernorm
    with pytest.raises(ModelError, match="'post_feedforward_layernorm' was not found"):
        fit(module)


def test_a_model_with_no_blocks_does_not_fit():
    module = models.module("gpt2")
    module.transformer.h = torch.nn.ModuleList()
    with pytest.raises(ModelError, match="holds no blocks"):
        fit(module)

"""A GGUF file becomes the model that transformers reads out of the same file."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.unit.tiny_gguf import write_gguf
from workbench.errors import ModelError
from workbench.gguf_conversion import convert


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    return made


@pytest.mark.parametrize("tied", [True, False])
def test_the_folder_holds_the_model_that_transformers_reads(tmp_path: Path, folder: Path, tied: bool):
    source = write_gguf(tmp_path / "tiny.gguf", tied=tied)
    convert(source, folder, progress=lambda sentence: None)
    ours = AutoModelForCausalLM.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=source.name, dtype=torch.float32)
    wanted = theirs.state_dict()
    assert ours.state_dict().keys() == wanted.keys()
    assert all(torch.equal(values, wanted[name]) for name, values in ours.state_dict().items())
    ids = torch.tensor([[3, 5, 7, 2]])
    assert torch.equal(ours(ids).logits, theirs(ids).logits)
    assert (ours.lm_head.weight is ours.model.embed_tokens.weight) == tied


def test_a_quantised_tensor_keeps_exactly_the_values_it_stands_for(tmp_path: Path, folder: Path):
    source = write_gguf(tmp_path / "tiny.gguf", quantised=True)
    convert(source, folder, progress=lambda sentence: None)
    tensor = next(t for t in gguf.GGUFReader(source).tensors if t.name == "blk.1.ffn_down.weight")
    assert tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0
    wanted = gguf.dequantize(tensor.data, tensor.tensor_type)
    ours = AutoModelForCausalLM.from_pretrained(folder).model.layers[1].mlp.down_proj.weight
    assert np.array_equal(ours.detach().numpy(), wanted)


def test_digits_stand_alone_and_nothing_is_added_to_a_text(tmp_path: Path, folder: Path):
    convert(write_gguf(tmp_path / "tiny.gguf"), folder, progress=lambda sentence: None)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"]
    assert tokenizer.decode(tokenizer("a  12").input_ids) == "a  12"
    assert tokenizer.tokenize("<start>a") == ["<start>", "a"]
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<start>", "<end>", "<end>")
    assert tokenizer.apply_chat_template([{"content": "ab"}], tokenize=False) == "<start>ab"


def test_another_architecture_is_refused_in_words(tmp_path: Path, folder: Path):
    source = write_gguf(tmp_path / "other.gguf", architecture="mamba")
    with pytest.raises(ModelError, match="holds a mamba model with a gpt2 tokenizer"):
        convert(source, folder, progress=lambda sentence: None)


def test_a_file_that_is_no_gguf_is_refused_in_words(tmp_path: Path, folder: Path):
    source = tmp_path / "no.gguf"
    source.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(ModelError, match="can't be read as a GGUF file"):
        convert(source, folder, progress=lambda sentence: None)


def test_a_tensor_that_no_llama_has_is_refused_by_name(tmp_path: Path, folder: Path):
    source = write_gguf(tmp_path / "odd.gguf", extra="blk.0.attn_q.bias")
    with pytest.raises(ModelError, match=r"'blk\.0\.attn_q\.bias'"):
        convert(source, folder, progress=lambda sentence: None)

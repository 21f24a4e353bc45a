"""Tiny random models of every family, built from configs, and a small tokenizer trained in memory.

Biases and norm gains are random too: with the zeros and ones of a fresh model, a forgotten bias or a wrong
gain would pass every test.
"""

from __future__ import annotations

import functools
import pathlib
import warnings

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

import workbench

LENGTH = 64
"""The longest prompt the tiny models take."""
SHORT, LONG = "The Eiffel Tower is in", "When Mary and John went to the store, John gave a drink to"
"""Two prompts of different lengths."""

_LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": LENGTH,
}
_CONFIGS = {
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": LENGTH}),
    "gpt_neox": (
        "GPTNeoXConfig",
        {
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": LENGTH,
            "rotary_pct": 0.5,
        },
    ),
    "llama": ("LlamaConfig", _LLAMA | {"tie_word_embeddings": True}),
    "llama with biases": ("LlamaConfig", _LLAMA | {"attention_bias": True, "mlp_bias": True}),
    "mistral": ("MistralConfig", _LLAMA | {"sliding_window": 6}),
    "qwen2": ("Qwen2Config", _LLAMA),
    "qwen3": ("Qwen3Config", _LLAMA | {"head_dim": 12}),
    "gemma": ("GemmaConfig", _LLAMA | {"head_dim": 12}),
    "gemma2": (
        "Gemma2Config",
        _LLAMA
        | {"head_dim": 12, "sliding_window": 6, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 12},
    ),
    "gemma3": (
        "Gemma3TextConfig",
        _LLAMA
        | {"head_dim": 12, "sliding_window": 6, "sliding_window_pattern": 2, "query_pre_attn_scalar": 12},
    ),
}
_CONFIGS["gemma3 with vision"] = (
    "Gemma3Config",
    {
        "text_config": _CONFIGS["gemma3"][1],
        "vision_config": {
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "image_size": 4,
            "patch_size": 2,
        },
        "mm_tokens_per_image": 1,
        "image_token_index": 2,
        "boi_token_index": 3,
        "eoi_token_index": 4,
    },
)
FAMILIES = tuple(_CONFIGS)
"""Names to ask `module` and `model` for."""

_CORPUS = [
    "The Eiffel Tower is in the city of Paris.",
    "Hello world, the quick brown fox jumps over the lazy dog.",
    "When Mary and John went to the store, John gave a drink to Mary.",
]


@functools.cache
def tokenizer(bos: bool = False) -> transformers.PreTrainedTokenizerFast:
    """A byte-level BPE of 400 tokens; with `bos` it puts <|bos|> before every text."""
    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        _CORPUS * 50,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<|bos|>", "<|end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if bos:
        from tokenizers.processors import TemplateProcessing

        bpe.post_processor = TemplateProcessing(single="<|bos|> $A", special_tokens=[("<|bos|>", 0)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|bos|>", eos_token="<|end|>"
    )


def config(family: str, **changes) -> transformers.PreTrainedConfig:
    name, values = _CONFIGS[family]
    ends = {"vocab_size": len(tokenizer()), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    if "text_config" in values:
        return getattr(transformers, name)(
            **(values | {"text_config": ends | values["text_config"] | changes})
        )
    return getattr(transformers, name)(**(ends | values | changes))


def module(family: str, seed: int = 0, **changes) -> nn.Module:
    """A new random model of this family, in eval mode."""
    torch.manual_seed(seed)
    built = transformers.AutoModelForCausalLM.from_config(
        config(family, **changes), attn_implementation="eager"
    )
    with torch.no_grad():
        for parameter in built.parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(noise * 0.15 if parameter.ndim > 1 else parameter + noise * 0.2)
    return built.eval()


@functools.cache
def model(family: str, remote: bool | str = False) -> workbench.TracedModel:
    """The same model as `module(family)`, loaded; one per session, so tests must not change it."""
    return workbench.load(module(family), tokenizer=tokenizer(), remote=remote)


def folder(family: str, path: pathlib.Path, **options) -> pathlib.Path:
    """Save `module(family)` and the tokenizer as a local folder, the way the Hub stores them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module(family).save_pretrained(path, **options)
        tokenizer().save_pretrained(path)
    return path

"""Turn a GGUF file of the Llama family into a plain model folder, one tensor at a time.

The numbers written are exactly those that the quantised file stands for, in float32. transformers can read
GGUF too, but it builds the whole model first and then refuses to save it, because it is marked as quantised;
this holds one tensor at a time. Tested against transformers' own reading, tensor by tensor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFReader
    from tokenizers import Tokenizer

# llama.cpp's name of each tensor in a block, and the name in transformers.
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
CONTROL_TOKEN = 3  # llama.cpp's token type of markers such as <|im_start|>


def convert(source: Path, folder: Path, progress: Callable[[str], None]) -> None:
    """Write config.json, model.safetensors and the tokenizer of a GGUF file into a folder.

    Args:
        source: the GGUF file, of a model with the Llama architecture and a byte-level BPE tokenizer.
        folder: an existing folder to write into.
        progress: told in a sentence how far it is.

    Raises:
        ModelError: when the file is no GGUF, or holds another architecture or kind of tokenizer.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(source)
    except (ValueError, IndexError, KeyError) as problem:
        raise ModelError(f"{source} can't be read as a GGUF file ({problem}); obtain it again.") from problem
    fields = {
        name: field.contents()
        for name, field in reader.fields.items()
        if name.startswith(("general.architecture", "llama.", "tokenizer."))
    }
    if fields.get("general.architecture") != "llama" or fields.get("tokenizer.ggml.model") != "gpt2":
        raise ModelError(
            f"{source} holds a {fields.get('general.architecture')} model with a "
            f"{fields.get('tokenizer.ggml.model')} tokenizer; only llama with byte-level BPE (gpt2) can be "
            "converted. Load the same model from a folder with safetensors instead."
        )
    write_json(
        folder / "config.json",
        llama_config(fields, tied=all(t.name != "output.weight" for t in reader.tensors)),
    )
    write_tokenizer(fields, folder)
    write_weights(reader, fields, folder / "model.safetensors", progress)


def llama_config(fields: dict[str, Any], tied: bool) -> dict[str, Any]:
    """Give transformers' config.json for the header of a GGUF file."""
    heads, width = fields["llama.attention.head_count"], fields["llama.embedding_length"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": fields.get("llama.attention.head_count_kv", heads),
        "head_dim": fields.get("llama.rope.dimension_count", width // heads),
        "max_position_embeddings": fields["llama.context_length"],
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": fields.get("llama.rope.freq_base", 10000.0),
        },
        "tie_word_embeddings": tied,
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "bos_token_id": fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": fields.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": fields.get("tokenizer.ggml.padding_token_id"),
    }


def write_tokenizer(fields: dict[str, Any], folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json; no token is ever added to a text by itself."""
    tokens = fields["tokenizer.ggml.tokens"]
    byte_level_bpe(fields).save(str(folder / "tokenizer.json"))
    kinds = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    named = {kind: fields.get(f"tokenizer.ggml.{name}_token_id") for kind, name in kinds.items()}
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": fields["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        **{f"{kind}_token": tokens[index] for kind, index in named.items() if index is not None},
    }
    if template := fields.get("tokenizer.chat_template"):
        settings["chat_template"] = template
    write_json(folder / "tokenizer_config.json", settings)


def byte_level_bpe(fields: dict[str, Any]) -> Tokenizer:
    """Build the byte-level BPE of a GGUF header.

    Models that llama.cpp calls "smollm" split every digit off before anything else. transformers' own reading
    of GGUF leaves that step out, which changes the tokens of "x =  12".
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)
    )
    steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if fields.get("tokenizer.ggml.pre") == "smollm":
        steps.insert(0, pre_tokenizers.Digits(individual_digits=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    kinds = zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, kind in kinds if kind == CONTROL_TOKEN]
    )
    return tokenizer


def write_weights(
    reader: GGUFReader, fields: dict[str, Any], target: Path, progress: Callable[[str], None]
) -> None:
    """Write the dequantised tensors as one safetensors file, holding one tensor in memory at a time."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in reader.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        start, end = end, end + 4 * int(tensor.n_elements)
        header[transformers_name(tensor.name)] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [start, end],
        }
    words = json.dumps(header, separators=(",", ":")).encode()
    words += b" " * (-len(words) % 8)  # tensors start at a multiple of eight bytes
    with target.open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        for number, values in enumerate(plain_tensors(reader, fields)):
            file.write(values.tobytes())
            if number % 100 == 99:
                progress(f"{number + 1} of {len(reader.tensors)} weight tensors are converted to float32.")


def plain_tensors(reader: GGUFReader, fields: dict[str, Any]) -> Iterator[np.ndarray]:
    """Yield each tensor as float32, in the file's order and in transformers' layout."""
    import numpy as np
    from gguf import dequantize

    heads = fields["llama.attention.head_count"]
    key_heads = fields.get("llama.attention.head_count_kv", heads)
    for tensor in reader.tensors:
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype="<f4")
        if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
            # llama.cpp rotates neighbouring pairs of a head, transformers its halves: reorder the rows.
            groups = heads if "attn_q" in tensor.name else key_heads
            values = values.reshape(groups, -1, 2, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)
        yield values


def transformers_name(name: str) -> str:
    """Translate llama.cpp's name of a tensor into transformers'.

    Raises:
        ModelError: for a name that no Llama model has.
    """
    match name.split("."):
        case ["blk", block, part, "weight"] if part in BLOCK_NAMES:
            return f"model.layers.{block}.{BLOCK_NAMES[part]}.weight"
        case [part, "weight"] if part in OUTER_NAMES:
            return f"{OUTER_NAMES[part]}.weight"
    raise ModelError(f"The GGUF file holds a tensor {name!r} that a Llama model does not have.")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

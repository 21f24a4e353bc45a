"""A whole Llama model in a GGUF file of some kilobytes, for tests of what reads such files."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, HEADS, KEY_HEADS, HIDDEN, BLOCKS = 32, 4, 2, 64, 2
TOKENS = ["<end>", "<start>", "a", "b", "1", "2", "Ġ", "ĠĠ", "ab", "Ċ"]
CONTROL, NORMAL = 3, 1


def write_gguf(
    path: Path, *, tied: bool = True, quantised: bool = False, architecture: str = "llama", extra: str = ""
) -> Path:
    """Write random weights from a fixed seed, with a byte-level BPE of ten tokens."""
    draw = np.random.default_rng(0)
    shapes = {"token_embd.weight": (len(TOKENS), WIDTH), "output_norm.weight": (WIDTH,)}
    if not tied:
        shapes["output.weight"] = (len(TOKENS), WIDTH)
    for block in range(BLOCKS):
        narrow = WIDTH * KEY_HEADS // HEADS
        parts = {
            "attn_norm": (WIDTH,),
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (narrow, WIDTH),
            "attn_v": (narrow, WIDTH),
            "attn_output": (WIDTH, WIDTH),
            "ffn_norm": (WIDTH,),
            "ffn_gate": (HIDDEN, WIDTH),
            "ffn_up": (HIDDEN, WIDTH),
            "ffn_down": (WIDTH, HIDDEN),
        }
        shapes |= {f"blk.{block}.{name}.weight": shape for name, shape in parts.items()}
    if extra:
        shapes[extra] = (WIDTH,)

    writer = gguf.GGUFWriter(path, architecture)
    write_header(writer)
    for name, shape in shapes.items():
        values = draw.standard_normal(shape).astype(np.float32)
        if quantised and "ffn" in name and len(shape) == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_header(writer: gguf.GGUFWriter) -> None:
    writer.add_block_count(BLOCKS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([CONTROL, CONTROL, *[NORMAL] * (len(TOKENS) - 2)])
    writer.add_token_merges(["Ġ Ġ", "a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(0)
    writer.add_chat_template("<start>{{ messages[0]['content'] }}")

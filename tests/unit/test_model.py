from __future__ import annotations

import pathlib
import subprocess
import sys
import threading
import weakref

import models
import pytest
import torch
import transformers

import workbench
from workbench import capture, loading
from workbench.errors import ModelError

HERE = pathlib.Path(workbench.__file__).parents[1]


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return models.folder("llama", tmp_path / "tiny-llama")


def python(*lines: str) -> str:
    """Run lines in a new interpreter, with warnings as errors."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


def test_a_folder_loads_silently_and_gives_the_numbers_of_the_module_it_was_saved_from(folder, capfd):
    model = workbench.load(folder)
    assert capfd.readouterr() == ("", "")
    assert torch.equal(capture.logits(model, models.LONG), capture.logits(models.model("llama"), models.LONG))
    assert repr(model) == "TracedModel('tiny-llama', Llama, 3 blocks x 4 heads, d_model 32, cpu float32)"
    assert repr(workbench.load(str(folder))) == repr(model)


def test_the_repr_says_where_it_runs_and_in_which_numbers(folder):
    assert repr(workbench.load(folder, dtype="bfloat16")).endswith("cpu bfloat16)")
    assert repr(models.model("gpt2", "local")) == repr(models.model("gpt2"))


@pytest.mark.parametrize("remote", [False, "local"])
def test_a_module_in_memory_is_read_as_it_is_now(remote):
    module = models.module("gpt2")
    model = workbench.load(module, tokenizer=models.tokenizer(), remote=remote)
    before = capture.logits(model, models.SHORT)
    with torch.no_grad():
        module.transformer.h[1].mlp.c_proj.bias[0] += 1.0
    after = capture.logits(model, models.SHORT)
    assert (before - after).abs().max() > 1e-3
    with torch.no_grad():
        torch.testing.assert_close(after, module(model.tokens(models.SHORT).ids).logits, rtol=0, atol=1e-5)
    assert module.transformer.h[1].mlp.c_proj.bias.requires_grad, "it can still be trained"


def test_attention_is_eager_however_the_module_was_made():
    module = transformers.AutoModelForCausalLM.from_config(models.config("qwen2"), attn_implementation="sdpa")
    model = workbench.load(module, tokenizer=models.tokenizer())
    patterns = capture.attention_patterns(model, models.SHORT)
    torch.testing.assert_close(patterns.sum(-1), torch.ones(1, 3, 4, 5))


def test_one_module_may_be_loaded_twice():
    module = models.module("llama")
    here, rehearsed = (
        workbench.load(module, tokenizer=models.tokenizer(), remote=r) for r in (False, "local")
    )
    for _ in range(2):
        assert torch.equal(capture.residuals(here, models.SHORT), capture.residuals(rehearsed, models.SHORT))


def test_dtype_and_device_are_as_asked(folder):
    assert workbench.load(folder).dtype == torch.float32
    for dtype in ("bfloat16", torch.bfloat16):
        model = workbench.load(folder, dtype=dtype, device="cpu")
        assert (model.dtype, model.device) == (torch.bfloat16, torch.device("cpu"))
    assert (
        workbench.load(models.module("gpt2"), tokenizer=models.tokenizer(), dtype="bfloat16").dtype
        == torch.bfloat16
    )
    assert loading.dtype_of(None, torch.device("cuda")) == "auto"


def test_a_module_in_memory_needs_its_tokenizer():
    with pytest.raises(ModelError, match="without its tokenizer"):
        workbench.load(models.module("gpt2"))


def test_a_module_in_memory_is_not_sent_to_a_server():
    with pytest.raises(ModelError, match="can't run on a server"):
        workbench.load(models.module("gpt2"), tokenizer=models.tokenizer(), remote=True)


def test_an_unknown_way_to_run_is_refused_in_words():
    with pytest.raises(ModelError, match="remote='ndif' is not known"):
        workbench.load("somebody/model", remote="ndif")


def test_the_default_model_is_the_one_of_smollm2(monkeypatch, folder):
    from workbench import smollm2

    monkeypatch.setattr(smollm2, "ensure", lambda **_: folder)
    assert workbench.load().name == "SmolLM2-135M-Instruct"


def test_a_model_can_be_hashed_and_held_weakly():
    model = models.model("gpt2")
    assert weakref.ref(model)() is model
    assert {model: 1}[model] == 1


def test_a_run_waits_for_the_models_lock():
    model, found = models.model("gpt2"), []
    reader = threading.Thread(target=lambda: found.append(capture.logits(model, "Hello")))
    with model.lock:
        reader.start()
        reader.join(0.2)
        assert not found
        capture.logits(model, "Hello")  # the lock is re-entrant
    reader.join(30)
    assert len(found) == 1


def test_importing_the_workbench_loads_nothing_heavy_and_knows_its_names():
    out = python(
        "import sys, workbench",
        "heavy = {'torch', 'nnsight', 'transformers', 'numpy', 'anywidget', 'IPython'} & set(sys.modules)",
        "print(sorted(heavy), workbench.__version__, {'load', 'capture', 'Head'} <= set(dir(workbench)))",
        "print(workbench.Head(5, 1), 'torch' in sys.modules, hasattr(workbench, 'nonsense'))",
        "print(workbench.capture.residuals.__name__, workbench.load.__name__)",
    )
    assert out.splitlines() == ["[] 0.1.0 True", "L5H1 False False", "residuals load"]


def test_anyio_still_works_after_the_workbench_was_imported():
    out = python(
        "import workbench.model, sys",
        "import anyio, anyio.abc, anyio.streams.tls, anyio.streams.file",
        "print('nnsight' in sys.modules, anyio.abc.SocketAttribute.__name__)",
        "import httpx, asyncio",
        "async def go():",
        "    async with httpx.AsyncClient() as client:",
        "        return type(client).__name__",
        "print(asyncio.run(go()))",
    )
    assert out.splitlines() == ["True SocketAttribute", "AsyncClient"]

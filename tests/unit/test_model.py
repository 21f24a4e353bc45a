from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import threading
import time
import weakref

import huggingface_hub
import models
import pytest
import torch
import transformers

import workbench
from workbench import capture, loading
from workbench.errors import ModelError

HERE = pathlib.Path(workbench.__file__).parents[1]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))


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


@pytest.mark.parametrize("dtype", ["float", "float99", "int8", torch.int64, 3])
def test_a_dtype_that_is_none_is_refused_in_words(folder, dtype):
    if dtype == "float":
        assert workbench.load(folder, dtype=dtype).dtype == torch.float32
    else:
        with pytest.raises(ModelError, match="no dtype"):
            workbench.load(folder, dtype=dtype)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_a_device_that_is_not_there_is_refused_in_words(folder, device):
    with pytest.raises(ModelError, match=f"The device '{device}' can't be used on this machine"):
        workbench.load(folder, device=device)


def test_an_unknown_id_without_network_is_refused_in_words_and_soon():
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"'nobody/no-such-model' is not on this machine.*can't be reached"):
        workbench.load("nobody/no-such-model")
    assert time.monotonic() - began < 5


class Answers:
    """A Hub's HTTP session: it is there, or it is not."""

    def __init__(self, there: bool):
        self.there = there

    def head(self, url, timeout):
        assert timeout <= 5
        if not self.there:
            raise ConnectionError("Name or service not known")


def not_found(*_, local_files_only=False, **__):
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    if local_files_only:
        raise LocalEntryNotFoundError("nothing here")
    raise RepositoryNotFoundError("404", response=type("R", (), {"headers": {}, "request": None})())


def test_the_hub_is_not_asked_for_files_when_it_does_not_answer_the_probe(monkeypatch):
    asked = []
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: Answers(there=False))
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda *_, **given: asked.append(given) or not_found(**given)
    )
    with pytest.raises(ModelError, match="can't be reached"):
        workbench.load("nobody/no-such-model")
    assert [given["local_files_only"] for given in asked] == [True]


def test_an_id_the_hub_does_not_know_is_said_to_be_that(monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: Answers(there=True))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", not_found)
    with pytest.raises(ModelError, match="The Hub has no model 'nobody/no-such-model'"):
        workbench.load("nobody/no-such-model")


def test_a_model_in_the_hubs_cache_loads_without_network(monkeypatch, tmp_path, folder):
    commit = "0" * 40
    store = tmp_path / "hub" / "models--somebody--tiny-llama"
    (store / "refs").mkdir(parents=True)
    (store / "refs" / "main").write_text(commit)
    (store / "snapshots").mkdir()
    folder.rename(store / "snapshots" / commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: Answers(there=False))
    wrapped = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda *a, **k: wrapped(*a, cache_dir=str(tmp_path / "hub"), **k),
    )
    model = workbench.load("somebody/tiny-llama")
    assert (model.name, model.n_blocks) == ("somebody/tiny-llama", 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./no/such/folder", "no model folder at ./no/such/folder"),
        ("/no/such/folder", "no model folder"),
        ("no/such/folder", "no model folder"),
        ("not an id at all!", "can't be a Hub id"),
    ],
)
def test_a_path_with_nothing_there_is_refused_in_words(name, message):
    with pytest.raises(ModelError, match=message):
        workbench.load(name)


def test_a_folder_without_config_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model: it has no config.json"):
        workbench.load(tmp_path)


def test_pickles_are_never_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'echo opened'\ntR.")
    with pytest.raises(ModelError, match=r"only as pickles \(pytorch_model.bin\)"):
        workbench.load(folder)


def test_a_folder_without_weights_says_so(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"tiny-llama has no weights"):
        workbench.load(folder)


@pytest.mark.parametrize("left", [0.9, 0.01, 0])
def test_a_truncated_file_is_refused_in_words(folder, left):
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(ModelError, match=r"weights of tiny-llama are damaged or cut short"):
        workbench.load(folder)


def test_missing_weights_are_not_made_up(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"lacks 1 of its weights, first 'model.layers.1.mlp.up_proj.weight'"
    ):
        workbench.load(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "could not be read"),
        ("config.json", '{"model_type": "bloom"}', "'bloom' are not known"),
        ("config.json", '{"model_type": "no such thing"}', "could not be read"),
        ("tokenizer.json", "{", "could not be read"),
    ],
)
def test_a_damaged_folder_is_refused_in_words(folder, file, content, message):
    (folder / file).write_text(content)
    with pytest.raises(ModelError, match=message):
        workbench.load(folder)


def test_a_shape_that_is_not_the_configs_is_refused_in_words(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 40}))
    with pytest.raises(ModelError, match="tiny-llama could not be read"):
        workbench.load(folder)


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


def test_a_fingerprint_covers_every_weight_the_config_and_the_number_format(folder, tmp_path):
    model = workbench.load(folder)
    first = model.fingerprint
    assert len(first) == 64
    assert int(first, 16) > 0
    assert workbench.load(folder).fingerprint == first
    assert workbench.load(folder, dtype="bfloat16").fingerprint != first
    assert workbench.load(models.folder("llama", tmp_path / "again")).fingerprint == first

    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert workbench.load(folder).fingerprint != first

    config = tmp_path / "again" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"rms_norm_eps": 1e-3}))
    assert workbench.load(tmp_path / "again").fingerprint != first


def test_a_file_is_hashed_once_and_again_only_when_it_changed(folder, monkeypatch):
    from workbench import fingerprint

    hashed = []
    plain = fingerprint.hashlib.file_digest
    monkeypatch.setattr(
        fingerprint.hashlib, "file_digest", lambda file, kind: hashed.append(file.name) or plain(file, kind)
    )
    model = workbench.load(folder)
    assert hashed == []
    first = model.fingerprint
    assert workbench.load(folder).fingerprint == first
    assert len(hashed) == 1
    (pathlib.Path(folder).parent / "cache" / "file-hashes.json").write_text("not json")
    assert model.fingerprint == first
    assert len(hashed) == 2


def test_a_fingerprint_follows_a_model_that_is_changed_in_memory(folder):
    for model in (
        workbench.load(folder),
        workbench.load(models.module("llama"), tokenizer=models.tokenizer()),
    ):
        first = model.fingerprint
        assert model.fingerprint == first
        with torch.no_grad():
            model.module.model.layers[0].mlp.up_proj.weight[0, 0] += 1
        changed = model.fingerprint
        assert changed != first
        optimizer = torch.optim.SGD(model.module.parameters(), lr=0.1)
        model.module(torch.tensor([[3, 4]])).logits.sum().backward()
        optimizer.step()
        assert model.fingerprint not in (first, changed)


def test_two_modules_with_the_same_weights_have_the_same_fingerprint():
    prints = [
        workbench.load(models.module("gpt2", seed), tokenizer=models.tokenizer()).fingerprint
        for seed in (0, 0, 1)
    ]
    assert prints[0] == prints[1] != prints[2]


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

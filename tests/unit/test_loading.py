from __future__ import annotations

import json
import pathlib
import time

import huggingface_hub
import models
import pytest
import torch

import workbench
from workbench.errors import ModelError


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return models.folder("llama", tmp_path / "tiny-llama")


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

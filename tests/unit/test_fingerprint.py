from __future__ import annotations

import json
import pathlib

import models
import pytest
import torch

import workbench


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return models.folder("llama", tmp_path / "tiny-llama")


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

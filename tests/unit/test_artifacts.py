from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from workbench.artifacts import PICKLES, load_artifact, read_manifest, save_artifact
from workbench.errors import ArtifactError

COMMAND = "python -m workbench reproduce 2311.04131 --train"
REMAKE = "emake it with: python -m workbench reproduce 2311.04131 --train"


def weights(seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    tied = torch.randn(4, 3)
    return {
        "embed.weight": tied,
        "unembed.weight": tied,
        "half": torch.randn(2, 2, 2).half(),
        "brain": torch.randn(5).bfloat16(),
        "steps": torch.tensor(7),
        "mask": torch.tensor([True, False]),
        "none": torch.empty(0, 3),
        "turned": torch.randn(3, 5).T,
        "trained": torch.randn(3, requires_grad=True),
    }


@pytest.fixture
def artifact(tmp_path):
    return save_artifact(
        tmp_path / "deep" / "probe.safetensors",
        weights(),
        command=COMMAND,
        seed=3,
        seconds=12.5,
        description="A probe für «·the».",
    )


def test_weights_come_back_and_the_manifest_says_how_they_were_made(artifact):
    back = load_artifact(artifact.path)
    assert back.keys() == weights().keys()
    for name, tensor in weights().items():
        assert torch.equal(back[name], tensor)
        assert back[name].dtype == tensor.dtype
        assert not back[name].requires_grad
    back["steps"] += 1  # their memory is their own
    assert read_manifest(artifact.path) == artifact
    manifest = json.loads(artifact.manifest.read_text("utf-8"))
    assert set(manifest) == {
        "manifest",
        "sha256",
        "size",
        "command",
        "seed",
        "seconds",
        "description",
        "made_with",
    }
    assert (manifest["command"], manifest["seed"], manifest["seconds"]) == (COMMAND, 3, 12.5)
    assert set(manifest["made_with"]) == {"python", "torch", "workbench"}
    assert sorted(file.name for file in artifact.path.parent.iterdir()) == ["probe.json", "probe.safetensors"]


def test_the_same_weights_make_the_same_files(artifact):
    before = artifact.path.read_bytes(), artifact.manifest.read_bytes()
    shuffled = dict(sorted(weights().items(), reverse=True))
    save_artifact(
        artifact.path, shuffled, command=COMMAND, seed=3, seconds=12.5, description=artifact.description
    )
    assert (artifact.path.read_bytes(), artifact.manifest.read_bytes()) == before


def test_a_changed_byte_anywhere_in_the_weights_is_refused(artifact):
    whole = artifact.path.read_bytes()
    for place in [*range(0, len(whole), 13), len(whole) - 1]:
        artifact.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ArtifactError, match=rf"sha256 differs\)\. R{REMAKE}$"):
            load_artifact(artifact.path)
    artifact.path.write_bytes(whole)
    load_artifact(artifact.path)


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_truncated_or_lengthened_file_is_refused(artifact, keep):
    whole = artifact.path.read_bytes()
    for content in (whole[:keep], whole + b"\0"):
        artifact.path.write_bytes(content)
        with pytest.raises(ArtifactError, match=f"its manifest says {len(whole)}: it was cut .*R{REMAKE}$"):
            load_artifact(artifact.path)


def test_a_changed_byte_in_the_manifest_never_gives_other_weights(artifact):
    whole = artifact.manifest.read_bytes()
    refused = 0
    for place in range(len(whole)):
        artifact.manifest.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            back = load_artifact(artifact.path)
        except ArtifactError:
            refused += 1
        else:
            assert torch.equal(back["turned"], weights()["turned"])
    assert refused > 150  # at least the hash, the size and all of JSON's own signs


def test_a_truncated_manifest_is_refused(artifact):
    whole = artifact.manifest.read_text("utf-8")
    for keep in (0, 1, 50, len(whole) - 3):
        artifact.manifest.write_text(whole[:keep], "utf-8")
        with pytest.raises(ArtifactError, match=r"probe\.json is no JSON: it was cut or changed"):
            load_artifact(artifact.path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"manifest": 2}, "is version 2 of a manifest; this workbench reads version 1"),
        ({"manifest": None}, "is version None of a manifest"),
        ({"sha256": 12}, "no sound entry 'sha256'"),
        ({"size": "12"}, "no sound entry 'size'"),
        ({"size": True}, "no sound entry 'size'"),
        ({"seed": None}, "no sound entry 'seed'"),
        ({"made_with": []}, "no sound entry 'made_with'"),
    ],
)
def test_a_manifest_of_another_version_or_with_wrong_entries_is_refused(artifact, change, words):
    entries = json.loads(artifact.manifest.read_text("utf-8"))
    artifact.manifest.write_text(json.dumps(entries | change))
    with pytest.raises(ArtifactError, match=f"{words}.*, or r{REMAKE}"):
        load_artifact(artifact.path)
    artifact.manifest.write_text("[1]")
    with pytest.raises(ArtifactError, match="is version None of a manifest"):
        load_artifact(artifact.path)
    artifact.manifest.write_text(json.dumps({"manifest": 1}))
    with pytest.raises(ArtifactError, match="no sound entry 'sha256': it was changed"):
        load_artifact(artifact.path)


def test_missing_files_are_named(artifact):
    artifact.path.unlink()
    with pytest.raises(ArtifactError, match=rf"probe\.safetensors is missing, although .*R{REMAKE}$"):
        load_artifact(artifact.path)
    artifact.manifest.unlink()
    with pytest.raises(ArtifactError, match=r"There is no manifest .*probe\.json"):
        load_artifact(artifact.path)


@pytest.mark.parametrize("ending", sorted(PICKLES))
def test_pickles_are_refused_before_they_are_opened(tmp_path, ending):
    path = tmp_path / f"model{ending.upper()}"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(ArtifactError, match="would be a pickle, which can run any code"):
        load_artifact(path)
    with pytest.raises(ArtifactError, match="would be a pickle"):
        save_artifact(path, weights(), command=COMMAND, seed=0, seconds=1.0)


def test_a_pickle_under_another_name_is_not_opened_either(artifact):
    """Even with a manifest that fits it."""
    import hashlib

    torch.save(weights(), artifact.path)
    content = artifact.path.read_bytes()
    entries = json.loads(artifact.manifest.read_text("utf-8"))
    entries |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    artifact.manifest.write_text(json.dumps(entries))
    with pytest.raises(ArtifactError, match=f"holds no safetensors, although its manifest fits. R{REMAKE}$"):
        load_artifact(artifact.path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tensors": {}}, "no tensors to write"),
        ({"tensors": {"a": torch.tensor([1.0, float("nan")])}}, "a holds NaN or infinity: the training"),
        ({"tensors": {"a": torch.tensor(float("inf"))}}, "a holds NaN or infinity"),
        ({"tensors": {"a": [1.0]}}, "'a' is a list"),
        ({"command": "  "}, "Without the command"),
        ({"seconds": -1.0}, "can't have taken -1.0 seconds"),
        ({"seconds": float("nan")}, "can't have taken nan seconds"),
        ({"path": "probe.npz"}, r"does not end in \.safetensors"),
        ({"path": "probe"}, r"does not end in \.safetensors"),
    ],
)
def test_nothing_useless_is_written(tmp_path, monkeypatch, change, words):
    monkeypatch.chdir(tmp_path)
    good = {"path": "a.safetensors", "tensors": weights(), "command": COMMAND, "seed": 0, "seconds": 1.0}
    with pytest.raises(ArtifactError, match=words):
        save_artifact(**good | change)
    assert not list(Path().iterdir())

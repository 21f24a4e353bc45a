"""The doctor says what the machine can do, also when what it looks for is missing or broken."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from workbench import doctor, smollm2
from workbench.doctor import Finding

PROBED = {"gpus": [], "mps": False, "threads": 2, "ndif": "http://127.0.0.1:9", "key": False}


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which everything is well, and asking costs nothing."""
    monkeypatch.setattr(doctor, "probe", lambda: PROBED)
    monkeypatch.setattr(doctor, "bundles", lambda: Finding("ok", "The widgets' front end is built."))
    monkeypatch.setattr(smollm2, "flaw", lambda folder: None)
    return monkeypatch


def test_a_machine_that_can_run_the_tour(calm: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert doctor.examine() == 0
    said = capsys.readouterr().out
    assert "  problem  " not in said
    assert said.endswith("The tour can run: python -m workbench lab\n")


def test_no_socket_is_opened_without_being_asked(calm: pytest.MonkeyPatch):
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    calm.setattr(socket, "socket", refuse)
    calm.setattr(socket, "getaddrinfo", refuse)
    assert list(doctor.findings())[-1] == Finding(
        "note",
        "NDIF: no API key is set (NDIF_API_KEY) for http://127.0.0.1:9. "
        "`doctor --online` asks whether it answers.",
    )


def test_a_server_that_does_not_answer_is_no_obstacle(calm: pytest.MonkeyPatch):
    with socket.socket() as taken:  # bound but not listening, so that nothing can answer there
        taken.bind(("127.0.0.1", 0))
        here = f"http://127.0.0.1:{taken.getsockname()[1]}"
        finding = doctor.ndif({**PROBED, "ndif": here, "key": True}, online=True)
    assert finding.state == "note"
    assert finding.sentence.startswith(f"NDIF: {here} does not answer (")
    assert finding.sentence.endswith("; an API key is set.")


@pytest.mark.parametrize(
    ("asked", "state", "sentence"),
    [
        ("pytest>=1", "ok", "pytest "),
        ("pytest>=999", "problem", r'is too old \(asked: >=999\): run `pip install "pytest>=999"`'),
        ("pytest<1", "problem", r"is too new \(asked: <1\)"),
        ("no-such-package>=2", "problem", r"no-such-package is missing: run `pip install"),
    ],
)
def test_versions_are_compared_with_what_is_asked(asked: str, state: str, sentence: str):
    finding = doctor.package(Requirement(asked))
    assert finding.state == state
    assert re.search(sentence, finding.sentence)


def test_a_package_that_does_not_fit_is_a_problem(
    calm: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    calm.setattr(
        doctor.importlib.metadata, "requires", lambda name: ["pytest>=999", "ruff>=0; extra == 'dev'"]
    )
    assert doctor.examine() == 1
    said = capsys.readouterr().out
    assert "problem  pytest " in said
    assert "0 of 1 packages" in said
    assert said.endswith("The tour can't run yet: 1 problem above.\n")


@pytest.mark.parametrize("broken", ["torch", "nnsight"])
def test_the_command_runs_where_a_package_is_broken(tmp_path: Path, broken: str):
    (tmp_path / f"{broken}.py").write_text(
        f"raise ImportError('lib{broken}.so: cannot open shared object')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "WORKBENCH_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert (
        f"can't be imported: ImportError: lib{broken}.so: cannot open shared object. Install them"
        in done.stdout
    )
    assert "Python 3." in done.stdout
    assert "is not on this machine yet; the first load() obtains it (93 MB from PyPI)" in done.stdout


def test_the_probe_tells_of_this_machine():
    probed = doctor.probe()
    assert isinstance(probed, dict), probed
    assert probed.keys() == PROBED.keys()
    assert json.dumps(probed)


def test_a_gpu_is_named_with_how_to_use_it():
    finding = doctor.processors({**PROBED, "gpus": ["NVIDIA L4 with 22 GiB"]})
    assert (
        finding.state,
        'NVIDIA L4 with 22 GiB; use it with load(..., device="cuda")' in finding.sentence,
    ) == (
        "ok",
        True,
    )
    assert doctor.processors(PROBED).state == "note"


@pytest.mark.parametrize(
    ("file", "words", "limit"),
    [
        ("memory.max", "1073741824\n", 2**30),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "2147483648\n", 2**31),
    ],
)
def test_a_container_s_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, words: str, limit: int | None
):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(words)
    assert doctor.container_limit(tmp_path) == limit
    monkeypatch.setattr(doctor, "container_limit", lambda: 2**30)
    assert doctor.memory() == Finding(
        "problem", "1.0 GiB of memory (the container's limit), but the tour needs 1.75 GiB."
    )


def test_a_widget_without_a_bundle_is_a_problem(tmp_path: Path):
    finding = doctor.bundles(tmp_path)
    assert finding.state == "problem"
    assert "run `python hatch_build.py`" in finding.sentence


def test_chromium_is_taken_from_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    browser = tmp_path / "my-chromium"
    browser.touch()
    monkeypatch.setenv("CHROMIUM", str(browser))
    assert doctor.chromium() == Finding("ok", f"Chromium for the browser tests: {browser}.")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.chromium().state == "note"

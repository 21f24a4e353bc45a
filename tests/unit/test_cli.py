"""`python -m workbench lab` serves the tour, with defaults of its own and nobody's settings changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from workbench import cli
from workbench.errors import WorkbenchError

EMPTY = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_tour.ipynb").write_text(EMPTY)
    return tmp_path


def test_the_tour_is_looked_for_here_first(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(project)
    assert cli.find_project() == project


def test_without_a_tour_it_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "PACKAGE", tmp_path / "site-packages" / "workbench")
    with pytest.raises(WorkbenchError, match="Run this in a clone of the project"):
        cli.find_project()
    assert cli.main(["lab"]) == 1
    assert "notebooks are not part of the installed package" in capsys.readouterr().err


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_only_allowed_for_root(
    project: Path, monkeypatch: pytest.MonkeyPatch, user: int, allowed: bool
):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    command, _ = cli.lab_command(project, ["--no-browser"])
    assert ("--allow-root" in command) == allowed
    assert command[-1] == "--no-browser"


def test_an_unknown_option_of_the_doctor_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--fast"])
    assert ended.value.code == 2
    assert "doctor does not know --fast" in capsys.readouterr().err


@pytest.mark.slow
def test_the_served_lab_opens_the_tour_and_saves_widget_state(project: Path, tmp_path: Path):
    command, environment = cli.lab_command(
        project, ["--no-browser", "--port=0", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=t"]
    )
    mine = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment |= {name: str(tmp_path / folder) for name, folder in mine.items()}
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as server:
        try:
            lines = iter(server.stderr)
            shown = next(
                found for line in lines if (found := re.search(r"(http://127\S+?)(/lab\S+)\?", line))
            )
            assert shown[2] == "/lab/tree/notebooks/00_tour.ipynb"

            def ask(path: str) -> dict:
                deadline = time.monotonic() + 30
                while True:
                    try:
                        with urllib.request.urlopen(f"{shown[1]}{path}?token=t", timeout=30) as answer:
                            return json.load(answer)
                    except urllib.error.URLError:  # it prints the address a moment before it listens
                        if time.monotonic() > deadline:
                            raise

            def default(plugin: str, setting: str) -> object:
                found = ask(f"/lab/api/settings/{urllib.parse.quote(plugin)}")
                return found["schema"]["properties"][setting]["default"]

            assert ask("/api/contents/notebooks/00_tour.ipynb")["type"] == "notebook"
            assert default("@jupyter-widgets/jupyterlab-manager:plugin", "saveState") is True
            assert default("@jupyterlab/apputils-extension:notification", "fetchNews") == "false"
            assert default("@jupyterlab/apputils-extension:notification", "checkForUpdates") is False
        finally:
            server.terminate()
    assert not (tmp_path / "config" / "lab").exists()


def test_the_module_is_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--help"], capture_output=True, text=True, check=True
    )
    assert "lab" in done.stdout
    assert "doctor" in done.stdout

"""The widgets in an environment with the old packages of hosted notebooks (ipywidgets 7.7, anywidget 0.9).

The environment is made once, in `.venv-colab`, from the pins of `constraints-colab.txt`. Only what a kernel
and the widgets stand on is installed there; the rest is taken from the environment that runs the tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from workbench.pack import unpack
from workbench.records import AttentionWeights, DecodedStates
from workbench.widgets.hidden_state_viewer import HiddenStateViewer

pytestmark = [pytest.mark.colab, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv-colab"
PINS = ROOT / "constraints-colab.txt"
PINNED = ["anywidget", "ipykernel", "ipython", "ipywidgets", "jupyter-client", "numpy", "traitlets"]
OLD_NEEDS = ["backcall", "decorator", "entrypoints", "ipython-genutils", "jedi", "nest-asyncio", "parso"]
OLD_NEEDS += ["pickleshare", "setuptools"]
"""What the pinned ones import and newer versions of them no longer bring."""

CELLS = [
    """
import importlib.metadata as m, json
json.dumps({name: m.version(name) for name in PINNED})
""",
    """
import IPython, anywidget, ipywidgets, traitlets, torch
assert ".venv-colab" in anywidget.__file__ and ".venv-colab" in ipywidgets.__file__
assert ".venv-colab" in IPython.__file__ and ".venv-colab" in traitlets.__file__
assert anywidget.AnyWidget.__mro__[1].__module__.startswith("ipywidgets")
from workbench.widgets import AttentionPatterns, HiddenStateViewer
from workbench.records import AttentionWeights, DecodedStates, NextTokens
ablate = lambda heads, kind, task: NextTokens.example()
view = AttentionPatterns(AttentionWeights.example(), ablate=ablate)
view
""",
    """
states = HiddenStateViewer(DecodedStates.example(), selected=[4, 3])
states
""",
    """
# Gestures, as the old comm brings them.
sent = []
send = view.comm.send
def spy(data=None, metadata=None, buffers=None):
    sent.append((data, [bytes(b) for b in buffers or []]))
    send(data, metadata, buffers)
view.comm.send = spy
def gesture(data):
    view._handle_msg({"content": {"data": data}, "buffers": []})
gesture({"method": "update", "state": {"heads": [[2, 1]], "focus": [2, 1]}, "buffer_paths": []})
def request(id, name, **args):
    gesture({"method": "custom", "content": {"kind": "request", "id": id, "name": name, "args": args}})
request("a", "page", prompt=1)
request("b", "ablate", heads=[[2, 1]], kind="zero")
request("c", "pag")
view.wait(20)
said = [(d["content"]["id"], d["content"]["kind"], len(b)) for d, b in sent if d["method"] == "custom"]
assert [s for s in said if s[0] == "a"] == [("a", "accepted", 0), ("a", "reply", 1)], said
assert [s[1] for s in said if s[0] == "b"] == ["accepted", "progress", "reply"], said
assert [s[1] for s in said if s[0] == "c"] == ["accepted", "error"], said
view.selection, view.effect.edit
""",
    """
states.metric = "entropy"
states.request("untrack", id=int(states.data.vocabulary_ids[9])).wait(20)
view.prompt = 1
states.token
""",
    """
try:
    HiddenStateViewer(DecodedStates.example(), metrik="entropy")
except TypeError as error:
    print(error)
states.close()
print(len(states.to_html()) > 10_000, view.as_code())
""",
]


def environment() -> Path:
    """Give the python of the old environment, making it first where it is missing or out of date."""
    python = HOME / "bin" / "python"
    source = sysconfig.get_paths()["purelib"]
    recipe = f"{sys.version}\n{PINS.read_text()}\n{PINNED}\n{OLD_NEEDS}\n{source}"
    stamp = HOME / f"made-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if not stamp.exists():
        shutil.rmtree(HOME, ignore_errors=True)
        venv.create(HOME, with_pip=False, symlinks=True)
        (HOME / ".gitignore").write_text("*\n")
        # In this order every wheel of the new site-packages hides the one of the same name in the old.
        site = HOME / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (site / "workbench-and-the-rest.pth").write_text(f"{ROOT}\n{source}\n")
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
        subprocess.run([*command, "--constraint", str(PINS), *PINNED, *OLD_NEEDS], check=True)
        stamp.touch()
    return python


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The cells, run by a kernel of the old environment."""
    folder = tmp_path_factory.mktemp("colab")
    spec = folder / "kernels" / "colab" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(environment()), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "colab", "language": "python"}))
    cells = [cell.strip().replace("PINNED", repr(PINNED)) for cell in CELLS]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", os.pathsep.join([str(folder), os.environ.get("JUPYTER_PATH", "")]))
        patch.setenv("PYTHONWARNINGS", "ignore")
        NotebookClient(book, timeout=120, kernel_name="colab", store_widget_state=True).execute(
            cwd=str(folder)
        )
    return book


def result(notebook, cell):
    (output,) = [
        o for o in notebook.cells[cell].outputs if o.output_type in ("execute_result", "display_data")
    ]
    return output.data


def test_it_really_is_the_old_environment(notebook):
    versions = json.loads(eval(result(notebook, 0)["text/plain"]))
    pins = dict(line.split("==") for line in PINS.read_text().split() if "==" in line)
    assert versions == {name: pins[name] for name in PINNED}


@pytest.mark.parametrize(("cell", "still"), [(1, "image/png"), (2, "text/html")])
def test_the_output_holds_the_picture_and_its_still(notebook, cell, still):
    data = result(notebook, cell)
    model_id = data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert model_id in notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert data["text/plain"].startswith(
        ("AttentionPatterns(attention of example", "HiddenStateViewer(logit lens")
    )
    assert len(data[still]) > 100


def test_gestures_and_requests_work(notebook):
    assert result(notebook, 3)["text/plain"] == "((Head(layer=2, head=1),), 'L1H2 ablated (zero)')"
    assert result(notebook, 4)["text/plain"] == "'·the'"
    said = notebook.cells[5].outputs[0].text
    assert said.startswith("HiddenStateViewer has no keyword 'metrik'. Did you mean 'metric'?\nTrue ")
    assert "view.heads = [[2, 1]]" in said


def test_the_saved_state_holds_the_records(notebook):
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]

    def saved(cell):
        data = result(notebook, cell)
        entry = states[data["application/vnd.jupyter.widget-view+json"]["model_id"]]
        for buffer in entry["buffers"]:
            at = entry["state"]
            for step in buffer["path"][:-1]:
                at = at[step]
            at[buffer["path"][-1]] = b64decode(buffer["data"])
        return entry["state"]

    attention, hidden = saved(1), saved(2)
    assert unpack(attention["data"]).tokens == AttentionWeights.example().tokens[1]
    assert attention["prompt"] == 1
    assert "render" in attention["_esm"]
    assert unpack(attention["effect"]).edit == "L1H2 ablated (zero)"
    example = DecodedStates.example()
    assert unpack(hidden["data"]).tracked.tolist() == example.tracked[1:].tolist()
    assert (hidden["metric"], hidden["_css"]) == ("entropy", str(HiddenStateViewer._css))

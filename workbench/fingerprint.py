"""What a model is, as one short text: the same text means the same numbers come out.

Results are cached and saved files are checked under it, so it covers every byte of the weights, not a sample.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
from typing import TYPE_CHECKING, Any

from workbench.atomic import replacing
from workbench.cache_folder import cache_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_VOLATILE = ("transformers_version", "_name_or_path", "dtype", "torch_dtype", "architectures")


def of_text(text: str) -> str:
    """sha256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_folder(folder: pathlib.Path, dtype: object) -> str:
    """Hash a model folder.

    Args:
        folder: Holds config.json and the safetensors.
        dtype: The number format the weights were read into.

    Returns:
        sha256 in hex over the config's content, the dtype and every byte of the weights. Each file's hash is
        remembered by its path, size and time of change, so that only a changed file is read again.
    """
    digest = hashlib.sha256(_plain(json.loads((folder / "config.json").read_text("utf-8"))))
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(_of_file(file.resolve()).encode())
    digest.update(str(dtype).encode())
    return digest.hexdigest()


def of_module(module: PreTrainedModel) -> str:
    """Hash a module in memory.

    Args:
        module: Any module with a transformers config. It may be on any device.

    Returns:
        sha256 in hex over its config and the name, dtype, shape and bytes of every parameter and buffer that
        is saved. It is computed anew each time, since a module in memory can be trained.
    """
    import torch

    digest = hashlib.sha256(_plain(module.config.to_dict()))
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _plain(config: dict[str, Any]) -> bytes:
    # What changes with the version of transformers or the place of the folder says nothing about the model.
    kept = {key: value for key, value in config.items() if key not in _VOLATILE}
    return json.dumps(kept, sort_keys=True, default=str).encode()


def _of_file(file: pathlib.Path) -> str:
    status = file.stat()
    key = f"{file}|{status.st_size}|{status.st_mtime_ns}"
    known = _known_hashes()
    if key not in known:
        with file.open("rb") as source:
            known[key] = hashlib.file_digest(source, "sha256").hexdigest()
        with contextlib.suppress(OSError), replacing(_memory()) as draft:  # a read-only home costs only time
            draft.write_text(json.dumps(known), encoding="utf-8")
    return known[key]


def _known_hashes() -> dict[str, str]:
    try:
        known = json.loads(_memory().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _memory() -> pathlib.Path:
    return cache_folder() / "file-hashes.json"

"""Finding a model's files and reading them: local folders, Hub ids, modules in memory. Never a pickle.

What is already on the machine is used without asking the network. Only when something is missing is the Hub
asked, and only after one short probe: the Hub's own client would try for half a minute before it gives up.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Generator
from typing import Any

import torch

from workbench.errors import ModelError

HUB_PROBE_SECONDS = 3.0
"""How long the one question "is the Hub there?" may take."""


def find(wanted: str | os.PathLike | None) -> tuple[str, pathlib.Path | None]:
    """Say what a name stands for.

    Args:
        wanted: A Hub id, a folder's path, or None for the default model, which is obtained if it isn't here.

    Returns:
        A short name to show, and the folder if it is one.

    Raises:
        ModelError: The name is a path at which there is no folder with a config.
    """
    if wanted is None:
        from workbench import smollm2

        return smollm2.NAME, smollm2.ensure()
    name, path = str(wanted), pathlib.Path(wanted).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"The folder {name} holds no model: it has no config.json.")
        return path.resolve().name, path
    if name.startswith(("/", ".", "~")) or name.count("/") > 1 or path.exists():
        raise ModelError(
            f"There is no model folder at {name}. Give a folder that holds config.json, or a Hub id."
        )
    return name, None


def read(
    name: str, folder: pathlib.Path | None, tokenizer: Any = None, *, weights: bool = True
) -> tuple[Any, Any, pathlib.Path]:
    """Read a model's config and tokenizer, and make sure that its files are on the machine.

    Args:
        name: A Hub id, or the path of the folder.
        folder: The folder, or None for a Hub id.
        tokenizer: A tokenizer to use instead of the model's own.
        weights: Whether the weights are wanted too.

    Returns:
        The transformers config, the tokenizer, and the folder that holds the files.

    Raises:
        ModelError: The model can't be found, reached or read; the message says which.
    """
    from transformers import AutoConfig, AutoTokenizer

    folder = folder or _from_hub(name, weights)
    with reading(name):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if tokenizer is None:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return config, tokenizer, folder


def _from_hub(name: str, weights: bool) -> pathlib.Path:
    from huggingface_hub import constants, get_session, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    wanted = ["*.json", "*.model", "*.txt", "*.jinja", *(["*.safetensors"] if weights else [])]
    try:
        folder = pathlib.Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if (folder / "config.json").is_file() and (list(folder.glob("*.safetensors")) or not weights):
            return folder
    except HFValidationError as problem:
        raise ModelError(f"{name!r} is no folder on this machine and can't be a Hub id: {problem}") from None
    except OSError:
        pass  # nothing of it is here yet
    try:
        get_session().head(constants.ENDPOINT, timeout=HUB_PROBE_SECONDS)
    except Exception:  # whatever the reason, the answer is the same
        raise ModelError(
            f"{name!r} is not on this machine, and the Hugging Face Hub can't be reached to get it. Check "
            f"the name and the network, or give a local folder."
        ) from None
    try:
        return pathlib.Path(snapshot_download(name, allow_patterns=wanted))
    except GatedRepoError:
        raise ModelError(
            f"{name!r} is behind a licence on the Hub: accept it on the model's page, then log in with "
            f"`hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(
            f"The Hub has no model {name!r}, or it is private and you are not logged in."
        ) from None
    except (HfHubHTTPError, OSError) as problem:
        raise ModelError(f"{name!r} could not be fetched from the Hub: {_line(problem)}") from problem


def weights(
    name: str, folder: pathlib.Path, config: Any, *, device: torch.device, dtype: Any
) -> torch.nn.Module:
    """Load a causal language model from a folder's safetensors.

    Args:
        name: What to call it in errors.
        folder: Holds the config and the safetensors.
        config: Its transformers config.
        device: Where to put it.
        dtype: A torch dtype, or "auto" for the one it was saved in.

    Returns:
        The module in eval mode, with eager attention (the only kind that returns its patterns).

    Raises:
        ModelError: No safetensors, a truncated or damaged file, weights missing, or a device that is not
            there.
    """
    from transformers import AutoModelForCausalLM

    if not any(folder.glob("*.safetensors")):
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in (".bin", ".pt", ".pth"))
        raise ModelError(
            f"{name} holds its weights only as pickles ({', '.join(pickles)}), which can run any code when "
            f"they are opened, so the workbench does not open them. Convert them to safetensors first."
            if pickles
            else f"{name} has no weights: no .safetensors file was found beside its config."
        )
    with reading(name):
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            device_map=None if device.type == "cpu" else {"": device},
            attn_implementation="eager",
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    module, report = loaded
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"{name} lacks {len(missing)} of its weights, first {missing[0]!r}: the file is not this "
            f"model's, or not whole. Get it again."
        )
    return module


@contextlib.contextmanager
def reading(name: str) -> Generator[None]:
    """Read a model's files with no progress bars, and turn what goes wrong into a ModelError in words."""
    from safetensors import SafetensorError
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    except SafetensorError as problem:
        raise ModelError(
            f"The weights of {name} are damaged or cut short ({problem}). Remove the file and get it again."
        ) from problem
    except torch.OutOfMemoryError as problem:
        raise ModelError(f"{name} does not fit into the memory of the device: {_line(problem)}") from problem
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AssertionError) as problem:
        raise ModelError(f"{name} could not be read: {_line(problem)}") from problem
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _line(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0] if lines else type(problem).__name__


def device_of(wanted: str | torch.device | None) -> torch.device:
    """Check that a device exists.

    Args:
        wanted: A torch device or its name; None is the CPU.

    Returns:
        The device.

    Raises:
        ModelError: There is no such device on this machine.
    """
    try:
        device = torch.device(wanted or "cpu")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as problem:
        raise ModelError(
            f"The device {str(wanted)!r} can't be used on this machine: {_line(problem)}"
        ) from problem
    return device


def dtype_of(wanted: str | torch.dtype | None, device: torch.device) -> torch.dtype | str:
    """Choose the number format: as asked; else float32 on a CPU and what the weights were saved in elsewhere.

    Args:
        wanted: A torch dtype, its name, or None.
        device: Where the model will be.

    Returns:
        The dtype, or "auto".

    Raises:
        ModelError: There is no floating-point dtype of that name.
    """
    if wanted is None:
        return torch.float32 if device.type == "cpu" else "auto"
    dtype = getattr(torch, wanted, None) if isinstance(wanted, str) else wanted
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ModelError(f'There is no dtype {wanted!r} for weights. Use "float32", "bfloat16" or "float16".')
    return dtype

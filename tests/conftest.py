"""What every test run needs: no network for models, and one thread, since the machine's cores are shared."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Tests import their neighbours: `import models`.
sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_configure() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """Browser tests start the machine's own Chromium."""
    from tests.chromium import LAUNCH

    return {**browser_type_launch_args, **LAUNCH}

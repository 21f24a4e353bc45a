"""Where everything that can be made again is kept: models, results, hashes."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Give $WORKBENCH_CACHE, or ~/.cache/interp-workbench where that is not set. It need not exist."""
    return Path(os.environ.get("WORKBENCH_CACHE") or Path.home() / ".cache" / "interp-workbench")

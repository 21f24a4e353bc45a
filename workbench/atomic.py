"""Writing a file so that nobody ever reads half of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike) -> Generator[Path, None, None]:
    """Write beside `path` and take its place at the end.

    Readers see the old file or the new one, never a part, and of several writers at once the last one wins
    whole. Missing folders are made. When the block raises, the file that was there stays as it was.

    Args:
        path: The file to write.

    Yields:
        A path in the same folder that no other writer has; write the content there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)

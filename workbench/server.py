"""Waiting for a server that runs the model: progress, cancel, deadlines, and its failures in words."""

from __future__ import annotations

import contextlib
import contextvars
import io
import json
import pickletools
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from typing import Any

import httpx
import websocket

from workbench.errors import RemoteError

DEADLINE_SECONDS = 1800.0
"""No run takes longer than this; a server has queues, so it is generous."""
SILENCE_SECONDS = 180.0
"""A server that has said nothing for this long is taken to be gone."""
CONNECT_SECONDS = 10.0
"""How long the first answer may take."""
TICK_SECONDS = 0.1
"""How often a wait looks whether it should end."""

_watcher: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar(
    "watcher", default=None
)


@contextlib.contextmanager
def watching(tell: Callable[[str], None]) -> Generator[None]:
    """Hear how runs on a server are going, and be able to stop waiting for them.

    Args:
        tell: Called with the server's last word, ten times a second while a run is waited for. What it raises
            ends the wait (raise `workbench.errors.Cancelled` to give up); the server may still finish the
            job.

    Yields:
        Nothing; it holds for runs inside the `with` block.
    """
    token = _watcher.set(tell)
    try:
        yield
    finally:
        _watcher.reset(token)


class Wait:
    """One wait for one run: nnsight calls `update` for every message and `refresh` at every tick without."""

    enabled = True

    def __init__(self, host: str):
        self.host = host
        self.began = self.heard = time.monotonic()
        self.last_word = "sent"

    def update(self, message: Any) -> None:
        """Take note of a message from the server."""
        self.heard = time.monotonic()
        self.last_word = " ".join(filter(None, (message.status.value.lower(), message.description[:200])))
        self.refresh()

    def refresh(self) -> None:
        """Pass on the last word, and end the wait when it has been too long."""
        now = time.monotonic()
        if now - self.began > DEADLINE_SECONDS:
            raise RemoteError(f"No result from {self.host} after {DEADLINE_SECONDS:.0f} s. Try again later.")
        if now - self.heard > SILENCE_SECONDS:
            raise RemoteError(
                f"{self.host} has said nothing for {SILENCE_SECONDS:.0f} s (its last word: "
                f"{self.last_word}). Try again later."
            )
        if tell := _watcher.get():
            tell(self.last_word)


@contextlib.contextmanager
def subscribed(address: str, key: str, wait: Wait) -> Generator[tuple[str, Iterator[str | bytes]]]:
    """Open the channel on which a server tells how a job is going.

    Args:
        address: The channel's ws:// or wss:// address.
        key: The API key; an empty one is not sent.
        wait: Told at every tick without a message.

    Yields:
        The session's id, and the messages as they come; they end only by an error.
    """
    header = {"ndif-api-key": key} if key else None
    socket = websocket.create_connection(address, timeout=CONNECT_SECONDS, header=header)
    try:
        session = json.loads(socket.recv())["session_id"]
        socket.settimeout(TICK_SECONDS)
        yield session, _frames(socket, wait)
    finally:
        socket.close(timeout=1)
        socket.shutdown()  # also where the other side closed first


def _frames(socket: websocket.WebSocket, wait: Wait) -> Iterator[str | bytes]:
    while True:
        try:
            frame = socket.recv()
        except websocket.WebSocketTimeoutException:
            wait.refresh()
            continue
        if not frame:
            raise ConnectionError("it was closed before there was a result")
        yield frame


def fetched(url: str, wait: Wait) -> bytes:
    """Download a result that was too large for the channel, and tell `wait` of every piece."""
    pieces = []
    with httpx.stream("GET", url, timeout=CONNECT_SECONDS) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            pieces.append(piece)
            wait.heard = time.monotonic()
            wait.refresh()
    return b"".join(pieces)


def result_in(message: bytes) -> bytes:
    """Take the result out of a binary message, which is a pickle, without running anything that it names.

    Args:
        message: A frame that `torch.save` made; NDIF sends one only when a job is complete.

    Returns:
        The result's own bytes: the longest value in the message.
    """
    with zipfile.ZipFile(io.BytesIO(message)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        values = [value for _, value, _ in pickletools.genops(archive.read(name))]
    longest = max((value for value in values if isinstance(value, (str, bytes))), key=len)
    # Before protocol 4 a pickle had no bytes: they are in it as a latin-1 text.
    return longest.encode("latin-1") if isinstance(longest, str) else longest


@contextlib.contextmanager
def failures_in_words(host: str, *kinds: type[Exception]) -> Generator[None]:
    """Turn what can go wrong between here and a server into a RemoteError that says it in a sentence.

    Args:
        host: The server's address.
        *kinds: Errors in which the server itself reports a failure.
    """
    try:
        yield
    except kinds as problem:
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise RemoteError(f"{host} could not run this: {lines[-1]}") from problem
    except (OSError, websocket.WebSocketException, httpx.HTTPError) as problem:
        raise RemoteError(
            f"The connection to {host} failed ({problem or type(problem).__name__}). Check that the server "
            f"is up and its address is right (NDIF_HOST), then try again."
        ) from problem
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        raise RemoteError(f"{host} sent an answer that is not NDIF's protocol: {problem!r}") from problem

"""Runs on a server, against the stub of tests/ndif_stub.py: NDIF's protocol in a process without a
workbench."""

from __future__ import annotations

import io
import pathlib
import socket
import subprocess
import sys
import threading
import time

import models
import pytest
import torch

import workbench
from workbench import Head, Residual, capture, server
from workbench.errors import Cancelled, RemoteError

pytestmark = pytest.mark.slow
STUB = pathlib.Path(__file__).parents[1] / "ndif_stub.py"


@pytest.fixture(scope="module")
def stub():
    process = subprocess.Popen(
        [sys.executable, str(STUB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, pathlib.Path]:
    return {
        family: models.folder(family, tmp_path_factory.mktemp("models") / family)
        for family in ("gpt2", "gemma2", "llama")
    }


@pytest.fixture(params=["", "/by-url"], ids=["on the socket", "by url"])
def host(request, stub):
    return stub + request.param


@pytest.fixture
def failing(folders, request, stub):
    return workbench.load(folders["gpt2"], remote=f"{stub}/{request.param}")


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "llama"])
def test_a_server_gives_the_same_numbers_and_the_client_loads_no_weights(host, folders, family):
    remote, here = workbench.load(folders[family], remote=host), models.model(family)
    edits = (
        *capture.ablated(here, Head(1, 2), "mean", reference=models.SHORT),
        *capture.steered(Residual(0), torch.linspace(-1, 1, 32), positions=-1),
    )
    batch = [models.SHORT, models.LONG]
    expected = capture.read(here, batch, *capture.NAMES, edits=edits)
    found = capture.read(remote, batch, *capture.NAMES, edits=edits)
    for name in capture.NAMES:
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=1e-5)
    assert remote.device.type == "meta"
    assert repr(remote).endswith("d_model 32, on a server)")
    assert remote.fingerprint != here.fingerprint


def test_reductions_contributions_and_tables_run_on_a_server(host, folders):
    remote, here = workbench.load(folders["gemma2"], remote=host), models.model("gemma2")
    watched = here.token_id(" the")

    def reduce(value, at):
        return at.decode(value).log_softmax(-1)[..., watched]

    expected, found = (
        capture.read(m, models.LONG, "residuals", reduce=reduce)["residuals"] for m in (here, remote)
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    parts = capture.contributions(remote, models.SHORT)
    logits = capture.logits(here, models.SHORT)[0]
    torch.testing.assert_close(capture.unembed(remote, parts.total()), logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        capture.next_tokens(remote, models.SHORT, k=3).probability,
        capture.next_tokens(here, models.SHORT, k=3).probability,
    )


def test_progress_is_heard(host, folders):
    heard = []
    with server.watching(heard.append):
        capture.residuals(workbench.load(folders["gpt2"], remote=host), "Hello")
    assert any("running" in word for word in heard)
    assert heard[-1].startswith("completed")


def test_an_error_in_the_block_comes_back_in_one_sentence(host, folders):
    def reduce(value, at):
        raise ValueError("no such thing here")

    with pytest.raises(RemoteError, match=rf"^{host} could not run this: .*no such thing here$"):
        capture.read(workbench.load(folders["gpt2"], remote=host), "Hello", "neurons", reduce=reduce)


def test_nothing_listening_is_said_in_words_at_once(folders):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer there
        model = workbench.load(folders["gpt2"], remote=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(RemoteError, match=r"The connection to http://127.0.0.1:\d+ failed"):
            capture.residuals(model, "Hello")


@pytest.mark.parametrize("failing", ["hang-up"], indirect=True)
def test_a_server_that_goes_away_is_said_in_words(failing):
    with pytest.raises(RemoteError, match=r"The connection to .* failed"):
        capture.residuals(failing, "Hello")


@pytest.mark.parametrize("failing", ["babble"], indirect=True)
def test_a_server_of_another_kind_is_said_in_words(failing):
    with pytest.raises(RemoteError, match="not NDIF's protocol"):
        capture.residuals(failing, "Hello")


@pytest.mark.parametrize("failing", ["mute"], indirect=True)
def test_a_server_that_never_answers_is_given_up(failing, monkeypatch):
    monkeypatch.setattr(server, "CONNECT_SECONDS", 0.5)
    with pytest.raises(RemoteError, match=r"The connection to .* failed"):
        capture.residuals(failing, "Hello")


@pytest.mark.parametrize("failing", ["freeze"], indirect=True)
def test_a_server_that_freezes_is_given_up_and_a_reader_can_stop_waiting(failing, monkeypatch):
    monkeypatch.setattr(server, "SILENCE_SECONDS", 0.3)
    with pytest.raises(RemoteError, match=r"has said nothing for 0 s \(its last word: received"):
        capture.residuals(failing, "Hello")
    monkeypatch.setattr(server, "SILENCE_SECONDS", 30)
    monkeypatch.setattr(server, "DEADLINE_SECONDS", 0.3)
    with pytest.raises(RemoteError, match=r"No result from .* after 0 s"):
        capture.residuals(failing, "Hello")
    monkeypatch.setattr(server, "DEADLINE_SECONDS", 30)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()

    def check(word):
        if stop.is_set():
            raise Cancelled

    began = time.monotonic()
    with server.watching(check), pytest.raises(Cancelled):
        capture.residuals(failing, "Hello")
    assert time.monotonic() - began < 5


class Bomb:
    def __reduce__(self):
        return (print, ("opened",))


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_message_is_read_without_running_what_it_names(capsys, protocol):
    frame, result = io.BytesIO(), bytes(range(256))
    torch.save({"id": "1", "data": result, "meta": Bomb()}, frame, pickle_protocol=protocol)
    assert server.result_in(frame.getvalue()) == result
    assert capsys.readouterr().out == ""


def test_a_message_that_is_none_is_said_to_be_that():
    empty = io.BytesIO()
    torch.save([], empty)
    for message in (b"not a zip", empty.getvalue()):
        with pytest.raises(RemoteError, match="not NDIF's protocol"), server.failures_in_words("there"):
            server.result_in(message)

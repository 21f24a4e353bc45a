"""CircuitsVis through the offline helper: no socket, no address to load from, text stays text."""

from __future__ import annotations

import json
import re
import socket
from urllib import request

import numpy as np
import pytest
import torch
from circuitsvis.tokens import colored_tokens

from workbench.circuitsvis import attention_heads, offline
from workbench.errors import RecordError

TOKENS = ["<|im_start|>", "The", "·cat", "·</script>", "<img src=x onerror=alert(1)>"]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError(f"a socket was opened: {arguments}")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(request, "urlopen", refuse)


def patterns() -> torch.Tensor:
    scores = torch.arange(3 * 5 * 5, dtype=torch.float32).reshape(3, 5, 5).sin()
    return scores.masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf).softmax(-1)


def drawn(html: str) -> dict:
    """Read back the data that the library's script is called with."""
    return json.loads(html.partition("CircuitsVis.AttentionHeads,\n      ")[2].rpartition("\n    )\n")[0])


@pytest.mark.parametrize("kind", [torch.Tensor, np.ndarray])
def test_the_picture_holds_the_weights_and_tokens(no_network: None, kind: type):
    weights = patterns() if kind is torch.Tensor else patterns().numpy()
    data = drawn(attention_heads(weights, TOKENS)._repr_html_())
    assert data["tokens"] == TOKENS
    assert np.allclose(np.array(data["attention"]), patterns().numpy())


def test_nothing_is_loaded_from_an_address(no_network: None):
    html = attention_heads(patterns(), TOKENS)._repr_html_()
    assert len(html) > 1_000_000  # the library's own script is inside
    assert re.findall(r"""(?:import|from)\s*\(?["'](?:https?:)?//|<script[^>]*\bsrc=|<link\b""", html) == []
    assert "unpkg" not in html.partition("CircuitsVis.render(")[2]


def test_a_token_that_looks_like_a_tag_stays_text(no_network: None):
    html = attention_heads(patterns(), TOKENS)._repr_html_()
    assert html.count("</script>") == 1
    assert "<img" not in html.partition("CircuitsVis.render(")[2]


def test_any_picture_of_the_library_can_be_taken_offline(no_network: None):
    html = offline(colored_tokens(["a", "</script>"], [0.0, 1.0]))._repr_html_()
    assert html.count("</script>") == 1
    assert html.rstrip().endswith("</script>")
    assert "\\u003c/script>" in html


def test_weights_of_another_shape_are_refused_in_words():
    with pytest.raises(RecordError, match=r"\[head, 5, 5\] for 5 tokens, but got \[1, 3, 5, 5\]"):
        attention_heads(patterns()[None], TOKENS)

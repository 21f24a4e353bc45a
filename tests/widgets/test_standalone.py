"""What goes into a page of `save_html`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
import torch

from workbench.pack import from_json, unpack, unpack_array
from workbench.records import AttentionWeights
from workbench.widgets import AttentionPatterns, HiddenStateViewer
from workbench.widgets.examples import PICTURES
from workbench.widgets.standalone import request_key


class Scripts(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.scripts, self.elements, self.inside = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data):
        if self.inside:
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)

    def handle_endtag(self, tag):
        self.inside = False


def saved_in(view):
    ((attrs, text), (shim, _)) = Scripts(view.to_html()).scripts
    assert attrs == {"type": "application/json", "id": "workbench-standalone"}
    assert shim == {"type": "module"}
    (saved,) = json.loads(text)
    return saved


@pytest.mark.parametrize("picture", PICTURES)
def test_a_page_carries_the_bundle_and_the_traits(picture):
    view = picture.example()
    saved = saved_in(view)
    assert (saved["esm"], saved["css"]) == (view._esm, view._css)
    assert saved["state"] == json.loads(json.dumps(view.state_as_json()))
    assert unpack(from_json(saved["state"]["data"])).describe() == view.data.describe()


@pytest.mark.parametrize("picture", PICTURES)
def test_a_page_names_nothing_outside_of_itself(picture):
    page = picture.example().to_html()
    elements = Scripts(page).elements
    assert not [attrs for _, attrs in elements if {"src", "href", "action"} & set(attrs)]
    assert set(re.findall(r"https?://[^\s\"'`<>\\)]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/XML/1998/namespace",
    }
    (policy,) = [
        attrs["content"] for _, attrs in elements if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; script-src 'unsafe-inline' blob:")


def test_no_text_of_a_model_ends_a_script():
    view = AttentionPatterns.example()
    view.title = "</script><script>alert(1)</script><!--<script>"
    saved = saved_in(view)
    assert saved["state"]["title"] == view.title


def test_request_keys_are_canonical():
    assert (
        request_key("head", {"prompt": -1, "layer": 2, "head": 0}) == 'head {"head":0,"layer":2,"prompt":-1}'
    )
    assert request_key("prompt", {"text": "é\n"}) == 'prompt {"text":"é\\n"}'


def test_all_prompts_are_recorded():
    view = AttentionPatterns.example()
    replies = saved_in(view)["replies"]
    assert set(replies) == {request_key("page", {"prompt": prompt}) for prompt in (1, -1)}
    page = unpack(from_json(replies['page {"prompt":1}']["value"]))
    assert page.tokens == view.record.tokens[1]


def big(tokens):
    weights = torch.eye(tokens).expand(1, 10, 12, tokens, tokens).contiguous()
    return AttentionPatterns(AttentionWeights("m", (tuple(map(str, range(tokens))),), weights))


def test_thumbnails_are_recorded_with_their_heads():
    view = big(140)
    assert view.data.pooled == 3
    replies = saved_in(view)["replies"]
    assert len(replies) == 10 * 12
    head = replies['head {"head":11,"layer":9,"prompt":0}']["value"]
    assert torch.equal(unpack_array(from_json(head)), torch.eye(140))
    assert "thumbnails only" not in view.to_html()


def test_a_page_over_its_limit_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("workbench.widgets.standalone.REPLIES_LIMIT", 1_000_000)
    page = big(140).to_html()
    assert "Maps of more than 48 tokens were saved as thumbnails only." in page
    monkeypatch.setattr("workbench.widgets.standalone.REPLIES_LIMIT", 100)
    view = AttentionPatterns.example()
    assert "Of several prompts only the one on the screen was saved." in view.to_html()
    assert saved_in(view)["replies"] == {}


def test_save_html_makes_folders_and_returns_the_path(tmp_path):
    view = HiddenStateViewer.example()
    path = view.save_html(tmp_path / "deep" / "page.html")
    assert path.read_text(encoding="utf-8") == view.to_html()


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light dark"), ("dark", "dark"), ("light", "light")])
def test_the_page_wears_the_theme(theme, scheme):
    view = HiddenStateViewer.example()
    view.theme = theme
    assert f'style="color-scheme: {scheme}"' in view.to_html()

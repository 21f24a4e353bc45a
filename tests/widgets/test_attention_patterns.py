"""The Python half of AttentionPatterns: its values, its requests, and code that makes it again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import traitlets as t

import workbench.widgets
from workbench.errors import WidgetError
from workbench.pack import unpack, unpack_array
from workbench.records import AttentionPage, AttentionWeights, DecodedStates, NextTokens
from workbench.sites import Head
from workbench.widgets import AttentionPatterns
from workbench.widgets.attention_patterns import MOST_ENTRIES


def causal(layers, heads, *lengths):
    """Random causal attention for prompts of these lengths."""
    longest = max(lengths)
    scores = torch.randn(
        len(lengths), layers, heads, longest, longest, generator=torch.Generator().manual_seed(0)
    )
    weights = scores.masked_fill(torch.ones(longest, longest, dtype=torch.bool).triu(1), -torch.inf).softmax(
        -1
    )
    for prompt, length in enumerate(lengths):
        weights[prompt, :, :, length:] = 0
    return AttentionWeights("random", tuple(tuple(f"t{i}" for i in range(n)) for n in lengths), weights)


class Model:
    """Stands in for a model: reads texts of two words and more, and writes down what it was asked."""

    def __init__(self):
        self.asked = []

    def read(self, text, task):
        self.asked.append(("read", text))
        return replace(causal(3, 4, len(text.split())), tokens=(tuple(text.split()),))

    def ablate(self, heads, kind, task):
        self.asked.append(("ablate", heads, kind))
        return replace(NextTokens.example(), edit=f"{', '.join(map(str, heads))} ablated ({kind})")


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def view(model):
    return AttentionPatterns(AttentionWeights.example(), ablate=model.ablate, read=model.read)


# ----- values -----------------------------------------------------------------------------------------------


def test_a_fresh_view_shows_the_first_prompt(view):
    assert (view.prompt, view.selection, view.focus, view.locked, view.effect) == (0, (), [0, 0], None, None)
    assert view.data == AttentionWeights.example().page(0)
    assert view.prompts == [
        "<|endoftext|> the⏎<script>alert(1)</script>🇫🇷 t…",
        "<|endoftext|> the⏎&amp; the",
    ]


def test_selection_is_typed(view):
    view.heads = [[2, 1], [0, 3]]
    assert view.selection == (Head(2, 1), Head(0, 3))
    view.selection = view.selection[1:]
    assert view.heads == [[0, 3]]


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("heads", [[3, 0]], "layer from 0 to 2 and a head from 0 to 3"),
        ("heads", [[0, 4]], "There is no head"),
        ("heads", [[0]], "There is no head"),
        ("heads", [[1, 1], [1, 1]], "Name each head once"),
        ("heads", [1, 1], "heads"),
        ("focus", [0, -1], "There is no head"),
        ("locked", 7, "from 0 to 6"),
        ("locked", -1, "from 0 to 6"),
        ("prompt", 2, "from 0 to 1, or -1 for the mean"),
        ("prompt", "one", "prompt"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_words(view, trait, value, said):
    before = getattr(view, trait)
    with pytest.raises(t.TraitError, match=said):
        setattr(view, trait, value)
    assert getattr(view, trait) == before


def test_starting_values_are_checked_against_the_record():
    with pytest.raises(t.TraitError, match="or -1 for the mean"):
        AttentionPatterns(AttentionWeights.example(), prompt=2)
    with pytest.raises(t.TraitError, match="There is no head"):
        AttentionPatterns(AttentionWeights.example(), heads=[[5, 5]])


def test_it_draws_its_own_record_only():
    with pytest.raises(t.TraitError, match="draws AttentionWeights, and this is a DecodedStates"):
        AttentionPatterns(DecodedStates.example())


def test_the_page_follows_the_prompt(view):
    view.locked = 6
    view.prompt = 1
    assert view.data == view.record.page(1)
    assert view.locked is None, "the shorter prompt has no token 6"
    view.prompt = -1
    assert view.data == view.record.page(None)


def test_a_view_may_start_with_the_mean():
    assert AttentionPatterns(AttentionWeights.example(), prompt=-1).data.title == "mean over 2 prompts"


def test_pages_of_many_weights_are_pooled():
    small, large = causal(2, 4, 500), causal(3, 4, 500)
    assert small.weights.numel() <= MOST_ENTRIES < large.weights.numel()
    assert AttentionPatterns(small).data.pooled == 1
    page = AttentionPatterns(large).data
    assert page == large.page(0).pooled_to(48)
    assert page.maps.shape == (3, 4, 46, 46)


# ----- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [0, 1, -1])
def test_page_answers_what_python_would_show(view, prompt):
    page = unpack(view.request("page", prompt=prompt).wait(10))
    assert isinstance(page, AttentionPage)
    assert page.title == view.record.page(None if prompt < 0 else prompt).title
    assert view.prompt == 0, "asking is not turning the page"


@pytest.mark.parametrize("prompt", [0, 1, -1])
def test_head_answers_one_map_at_full_resolution(prompt):
    record = causal(3, 4, 500, 320)
    view = AttentionPatterns(record)
    got = unpack_array(view.request("head", prompt=prompt, layer=2, head=1).wait(30))
    true = record.page(None if prompt < 0 else prompt).maps[2, 1]
    assert got.shape == true.shape
    # Half a step of the one-byte code.
    assert ((got - true).abs() <= true.sqrt() / 255 + 1 / 260100 + 1e-7).all()


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("page", {"prompt": 2}, "or -1 for the mean"),
        ("head", {"prompt": 0, "layer": 3, "head": 0}, "There is no head"),
        ("ablate", {"heads": [[9, 9]], "kind": "zero"}, "There is no head"),
        ("ablate", {"heads": [], "kind": "zero"}, "Select the heads to ablate"),
        ("ablate", {"heads": [[0, 0]], "kind": "boil"}, "Use 'zero' or 'mean'"),
        ("prompt_text", {"text": 5}, "no text"),
    ],
)
def test_requests_that_cannot_be_are_refused_in_words(view, model, name, args, said):
    with pytest.raises((WidgetError, t.TraitError), match=said):
        view.request(name, **args).wait(10)
    assert model.asked == []


def test_ablate_sets_the_effect(view, model):
    view.request("ablate", heads=[[1, 2], [0, 3]], kind="mean").wait(10)
    assert model.asked == [("ablate", (Head(1, 2), Head(0, 3)), "mean")]
    assert view.effect.edit == "L1H2, L0H3 ablated (mean)"


def test_ablate_takes_a_selection(view, model):
    view.heads = [[2, 0]]
    view.request("ablate", heads=view.selection, kind="zero").wait(10)
    assert model.asked == [("ablate", (Head(2, 0),), "zero")]


def test_a_text_takes_the_place_of_the_prompts(view, model):
    view.prompt, view.locked, view.effect = 1, 4, NextTokens.example()
    view.heads = [[1, 1]]
    view.request("prompt_text", text="one two three").wait(10)
    assert view.record.tokens == (("one", "two", "three"),)
    assert view.data == view.record.page(0)
    assert (view.prompt, view.prompts, view.locked, view.effect) == (0, ["onetwothree"], None, None)
    assert view.selection == (Head(1, 1),)


def test_weights_of_another_model_are_refused():
    view = AttentionPatterns(AttentionWeights.example(), read=lambda text, task: causal(1, 1, 3))
    with pytest.raises(WidgetError, match="another model"):
        view.request("prompt_text", text="a").wait(10)
    assert view.record == AttentionWeights.example()


@pytest.mark.parametrize(("name", "args"), [("ablate", {"heads": [[0, 0]]}), ("prompt_text", {"text": "a"})])
def test_a_view_of_a_record_alone_says_how_to_get_a_model(name, args):
    with pytest.raises(
        WidgetError, match=r"has no model: build it with workbench.attention\(model, prompt\)"
    ):
        AttentionPatterns(AttentionWeights.example()).request(name, **args).wait(10)


# ----- other forms ------------------------------------------------------------------------------------------


def test_as_code_makes_the_same_screen(monkeypatch, model):
    def attention(model, prompt):
        return AttentionPatterns(model.read(prompt, None), ablate=model.ablate, read=model.read)

    monkeypatch.setitem(vars(workbench), "attention", attention)
    view = attention(model, "a b c")
    view._code = "workbench.attention(model, 'a b c')"
    view.request("ablate", heads=[[0, 0]], kind="zero").wait(10)
    view.request("prompt_text", text='it\'s "d" e f').wait(10)
    view.heads, view.focus, view.locked = [[2, 3], [1, 0]], [1, 0], 2
    view.request("ablate", heads=view.heads, kind="mean").wait(10)
    scope = {"model": model}
    exec(view.as_code(), scope)
    again = scope["view"]
    for name in (*view.screen, "data", "effect", "prompts"):
        assert getattr(again, name) == getattr(view, name), name
    assert view.as_code().count("ablate") == 1, "an ablation of the earlier prompt is not repeated"


def test_as_code_ablates_under_the_prompt_it_was_done_with(model):
    view = AttentionPatterns(AttentionWeights.example(), ablate=model.ablate, code="make(record)")
    view.prompt = 1
    view.request("ablate", heads=[[0, 0]], kind="zero").wait(10)
    view.prompt = 0
    scope = {"record": view.record, "asked": []}

    def make(record):
        def ablate(heads, kind, task):
            scope["asked"].append(made.prompt)
            return model.ablate(heads, kind, task)

        made = AttentionPatterns(record, ablate=ablate)
        return made

    exec(view.as_code(), scope | {"make": make, "asked": scope["asked"]}, scope)
    assert scope["asked"] == [1]
    assert (scope["view"].prompt, scope["view"].effect) == (0, view.effect)


def test_as_code_of_a_record():
    view = AttentionPatterns(AttentionWeights.example(), prompt=-1)
    scope = {"record": view.record}
    exec(view.as_code(), scope)
    assert scope["view"].data == view.data

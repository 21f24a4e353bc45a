"""The Python half of HiddenStateViewer: its values, its requests, and code that makes it again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import traitlets as t

import workbench.widgets
from workbench.errors import WidgetError
from workbench.records import AttentionWeights, DecodedStates
from workbench.sites import Cell
from workbench.widgets import HiddenStateViewer


def ids_of(record):
    return tuple(record.vocabulary_ids[record.tracked.long()].tolist())


def following(record, ids):
    """The record with these tokens followed; their curves are flat."""
    known = record.vocabulary_ids.tolist()
    index = [known.index(i) for i in ids if i in known]
    shape = (len(index), *record.entropy.shape)
    return replace(
        record,
        tracked=torch.tensor(index, dtype=torch.int32),
        tracked_probability=torch.full(shape, 0.25),
        tracked_rank=torch.full(shape, 3, dtype=torch.int32),
    )


def cut(record, words):
    """The record of a shorter prompt of these words."""
    n = len(words)
    cells = {name: getattr(record, name)[:, :n].contiguous() for name in ("top", "probability", "entropy")}
    followed = {
        name: getattr(record, name)[:, :, :n].contiguous() for name in ("tracked_probability", "tracked_rank")
    }
    return replace(record, tokens=tuple(words), **cells, **followed)


class Decoder:
    """Stands in for a model: decodes texts of up to seven words, and follows what the example knows."""

    def __init__(self):
        self.asked = []

    def track(self, record, ids, task):
        self.asked.append(("track", record.tokens, ids))
        return following(record, ids)

    def decode(self, text, ids, task):
        self.asked.append(("decode", text, ids))
        return following(cut(DecodedStates.example(), text.split()), ids)


@pytest.fixture
def decoder():
    return Decoder()


@pytest.fixture
def view(decoder):
    return HiddenStateViewer(DecodedStates.example(), track=decoder.track, decode=decoder.decode)


@pytest.fixture
def ids():
    """Model ids of the example's vocabulary, in its order."""
    return DecodedStates.example().vocabulary_ids.tolist()


# ----- values -----------------------------------------------------------------------------------------------


def test_a_fresh_view_pins_nothing_and_follows_the_first_token(view):
    assert (view.selection, view.token, view.metric, view.tracked) == (None, "·Paris", "probability", 0)


def test_a_record_that_follows_nothing_can_be_shown():
    view = HiddenStateViewer(following(DecodedStates.example(), ()))
    assert (view.tracked, view.token) == (-1, None)


@pytest.mark.parametrize(("cell", "typed"), [([0, 2], Cell(-1, 2)), ([5, 6], Cell(4, 6)), (None, None)])
def test_selection_is_typed(view, cell, typed):
    view.selected = cell
    assert view.selection == typed
    view.selected = None
    view.selection = typed
    assert view.selected == cell


@pytest.mark.parametrize("cell", [[6, 0], [0, 7], [-1, 0], [1], [1, 2, 3], [1.5, 2], "ab", [None, 1]])
def test_a_cell_that_is_not_there_is_refused_in_words(view, cell):
    with pytest.raises(t.TraitError, match="selected"):
        view.selected = cell
    assert view.selected is None


def test_a_cell_outside_says_what_is_inside(view):
    with pytest.raises(t.TraitError, match=r"row from 0 \(the embedding\) to 5 and a position from 0 to 6"):
        view.selected = [6, 0]


@pytest.mark.parametrize(
    ("trait", "value", "said"),
    [
        ("tracked", 2, "the record follows 2 tokens"),
        ("tracked", -2, "or -1 for none"),
        ("active", 1, "Give 0 for prompt A"),
        ("metric", "loss", "metric"),
        ("theme", "pink", "theme"),
    ],
)
def test_other_values_that_do_not_fit(view, trait, value, said):
    with pytest.raises(t.TraitError, match=said):
        setattr(view, trait, value)


def test_it_draws_its_own_record_only():
    with pytest.raises(t.TraitError, match="AttentionWeights"):
        HiddenStateViewer(AttentionWeights.example())


def test_starting_values_are_checked_against_the_record():
    with pytest.raises(t.TraitError, match="selected"):
        HiddenStateViewer(DecodedStates.example(), selected=[9, 9])


# ----- requests ---------------------------------------------------------------------------------------------


def test_track_decodes_again_with_one_token_more(view, decoder, ids):
    view.request("track", id=ids[2], token="·capital").wait(10)
    assert decoder.asked == [("track", view.data.tokens, (ids[9], ids[12], ids[2]))]
    assert (view.token, view.tracked) == ("·capital", 2)


def test_track_asks_for_both_prompts(decoder, ids):
    a, b = DecodedStates.example(), cut(DecodedStates.example(), ("one", "two"))
    view = HiddenStateViewer(a, other=b, track=decoder.track)
    view.request("track", id=ids[2]).wait(10)
    assert [tokens for _, tokens, _ in decoder.asked] == [a.tokens, b.tokens]
    assert ids_of(view.data) == ids_of(view.other) == (ids[9], ids[12], ids[2])


def test_a_token_already_followed_needs_no_model(ids):
    view = HiddenStateViewer(DecodedStates.example())
    view.request("track", id=ids[12]).wait(10)
    assert view.token == "·the"


def test_a_token_the_model_does_not_have(view):
    with pytest.raises(WidgetError, match="no token with the id 5"):
        view.request("track", id=5).wait(10)


def test_untrack_stays_with_the_same_token(view, ids):
    view.request("track", id=ids[2]).wait(10)
    view.tracked = 1
    view.request("untrack", id=ids[9]).wait(10)
    assert (ids_of(view.data), view.token, view.tracked) == ((ids[12], ids[2]), "·the", 0)
    assert view.data.tracked_rank.shape == (2, 6, 7)


def test_untrack_of_the_last_one_leaves_no_rank_to_show(view, ids):
    view.metric = "rank"
    for place in (9, 12):
        view.request("untrack", id=ids[place]).wait(10)
    assert (view.token, view.tracked, view.metric) == (None, -1, "probability")
    with pytest.raises(WidgetError, match="is not followed"):
        view.request("untrack", id=ids[9]).wait(10)


def test_a_prompt_is_decoded_with_what_is_followed(view, decoder, ids):
    view.selected = [5, 6]
    view.request("prompt", text="one two three").wait(10)
    assert decoder.asked == [("decode", "one two three", (ids[9], ids[12]))]
    assert view.data.tokens == ("one", "two", "three")
    assert view.selected is None, "the pinned cell is not in the new prompt"


def test_a_pinned_cell_that_still_exists_stays(view):
    view.selected = [5, 1]
    view.request("prompt", text="one two three").wait(10)
    assert view.selected == [5, 1]


def test_compare_and_close(view):
    view.request("prompt", text="one two", which=1).wait(10)
    view.active, view.selected = 1, [5, 1]
    view.request("compare_off").wait(10)
    assert (view.other, view.active, view.selected) == (None, 0, [5, 1])


def test_closing_b_lets_go_of_a_cell_that_only_b_has(decoder):
    a, b = cut(DecodedStates.example(), ("one", "two")), DecodedStates.example()
    view = HiddenStateViewer(a, other=b, active=1, selected=[3, 6])
    view.request("compare_off").wait(10)
    assert view.selected is None


@pytest.mark.parametrize(("name", "args"), [("prompt", {"text": "a"}), ("track", {"id": 3990})])
def test_a_view_of_a_record_alone_says_how_to_get_a_model(name, args):
    with pytest.raises(
        WidgetError, match=r"has no model: build it with workbench.hidden_states\(model, prompt\)"
    ):
        HiddenStateViewer(DecodedStates.example()).request(name, **args).wait(10)


@pytest.mark.parametrize("args", [{"text": 5}, {"text": "a", "which": 2}, {"text": "a", "which": None}])
def test_a_prompt_that_is_none_is_refused(view, decoder, args):
    with pytest.raises(WidgetError, match="A prompt is a text"):
        view.request("prompt", **args).wait(10)
    assert decoder.asked == []


# ----- other forms ------------------------------------------------------------------------------------------


def rerun(view, **names):
    scope = dict(names)
    exec(view.as_code(), scope)
    return scope["view"]


def screen(view):
    return {name: getattr(view, name) for name in (*view.screen, "data", "other")}


def test_as_code_makes_the_same_screen(monkeypatch, decoder, ids):
    def hidden_states(model, prompt):
        return HiddenStateViewer(
            model.decode(prompt, (ids[9],), None), track=model.track, decode=model.decode
        )

    monkeypatch.setitem(vars(workbench), "hidden_states", hidden_states)
    view = hidden_states(decoder, "a b c d")
    view._code = "workbench.hidden_states(model, 'a b c d')"
    view.request("track", id=ids[2]).wait(10)
    view.request("track", id=ids[7]).wait(10)
    view.request("prompt", text='it\'s "one"\ntwo', which=1).wait(10)
    view.request("untrack", id=ids[7]).wait(10)
    view.request("untrack", id=ids[9]).wait(10)
    view.request("prompt", text="three four", which=0).wait(10)
    view.selected, view.active, view.metric, view.theme = [2, 1], 1, "entropy", "dark"
    again = rerun(view, model=decoder)
    assert screen(again) == screen(view)
    assert again.as_code().count("untrack") == 1, "what came and went is not repeated"


def test_as_code_of_a_comparison_given_at_the_start():
    record = DecodedStates.example()
    view = HiddenStateViewer(record, other=record, active=1, selected=[0, 0])
    view.request("compare_off").wait(10)
    again = rerun(view, record=record, other=record)
    assert screen(again) == screen(view)
    assert again.other is None


def test_still_is_a_table_of_the_best_tokens_with_text_as_text():
    still = HiddenStateViewer.example().still()["text/html"]
    assert "<td>·Paris<br>71%</td>" in still
    assert "<script" not in still
    assert "<td>&lt;script&gt;alert(1)&lt;/scrip…<br>59%</td>" in still
    assert "style" not in still
    assert still.index("block 4") < still.index("block 0") < still.index("embedding")

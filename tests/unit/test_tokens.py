from __future__ import annotations

import models
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

import workbench
from workbench.errors import PromptError
from workbench.tokens import Tokens, TokenText, place_of, visible


@pytest.fixture(scope="module")
def model() -> workbench.TracedModel:
    return models.model("gpt2")


@pytest.fixture(scope="module")
def with_bos() -> workbench.TracedModel:
    return workbench.load(models.module("gpt2"), tokenizer=models.tokenizer(bos=True))


def sentencepiece_like() -> transformers.PreTrainedTokenizerFast:
    """A tokenizer of Gemma's kind: ▁ for a space, and one token for each byte it has no piece for."""
    pieces = [
        "<bos>",
        "<unk>",
        "▁the",
        "the",
        "▁",
        "t",
        "h",
        "e",
        *(f"<0x{byte:02X}>" for byte in range(256)),
    ]
    merges = [("t", "h"), ("th", "e"), ("▁", "the")]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, "th"])}
    built = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    built.normalizer = normalizers.Replace(" ", "▁")
    built.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    built.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=built, bos_token="<bos>", unk_token="<unk>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" the cat", "·the·cat"),
        ("a\nb\tc", "a⏎b⇥c"),
        ("\r", "<0x0D>"),
        ("\u00a0x", "<0xC2><0xA0>x"),
        ("\u200b", "<0xE2><0x80><0x8B>"),
        ("<script>&amp;", "<script>&amp;"),
        ("naïve 🙂", "naïve·🙂"),
    ],
)
def test_visible_shows_every_character(text, shown):
    assert visible(text) == shown


def test_strings_are_the_prompt_in_pieces_with_nothing_lost(model):
    text = " Hello  world,\n\tthe <b>fox</b> 🙂"
    (strings,) = model.tokens(text).strings
    pieces = "".join(strings)
    assert pieces.startswith("·Hello··world,⏎⇥the·<b>fox</b>·")
    # No token of this small vocabulary holds the whole emoji: its bytes are shown one by one.
    assert pieces.endswith("<0xF0><0x9F><0x99><0x82>")


def test_token_string_and_token_id_are_inverse_over_the_whole_vocabulary(model):
    for number in range(model.d_vocab):
        assert model.token_id(model.token_string(number)) == number


def test_token_id_takes_real_spaces(model):
    assert model.token_string(model.token_id(" the")) == "·the"
    assert model.token_id(" the") == model.token_id("·the")


@pytest.mark.parametrize("text", ["xyzzy plugh", ""])
def test_a_text_that_is_not_one_token_is_named_with_its_pieces(model, text):
    with pytest.raises(PromptError, match="is not one token") as caught:
        model.token_id(text)
    for piece in model.tokens(text).strings[0] if text else ["nothing"]:
        assert piece in str(caught.value)


def test_an_id_beyond_the_tokenizer_is_still_shown(model):
    assert model.token_string(99_999) == "<id 99999>"


def test_pieces_of_the_sentencepiece_kind_are_read_too():
    text = TokenText(sentencepiece_like())
    assert [text.string(number) for number in (0, 2, 3, 4)] == ["<bos>", "·the", "the", "·"]
    assert text.string(8 + 0xE2) == "<0xE2>"
    assert text.id(" the") == 2
    assert text.id("the") == 3


def test_several_prompts_are_padded_on_the_right(model):
    tokens = model.tokens([models.SHORT, models.LONG])
    assert tokens.lengths == (5, 14)
    assert tokens.mask.tolist() == [[True] * 5 + [False] * 9, [True] * 14]
    assert tokens.ids[0, :5].tolist() == model.tokenizer.encode(models.SHORT)
    assert (tokens.ids.dtype, tokens.mask.dtype) == (torch.int64, torch.bool)
    assert repr(tokens) == "Tokens(2 prompts of 5, 14 tokens)"


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["pt", None])
def test_a_tokenizers_output_is_turned_whatever_its_side(model, side, kind):
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=models.tokenizer().backend_tokenizer, pad_token="<|end|>", padding_side=side
    )
    encoding = tokenizer([models.SHORT, models.LONG], padding=True, return_tensors=kind)
    turned, plain = model.tokens(encoding), model.tokens([models.SHORT, models.LONG])
    assert turned.strings == plain.strings
    assert torch.equal(turned.mask, plain.mask)
    assert torch.equal(turned.ids, plain.ids)


def test_ids_may_be_given_in_any_of_the_usual_forms(model):
    ids = model.tokens(models.SHORT).ids
    for form in (ids, ids[0], ids.tolist(), ids[0].tolist(), ids.numpy(), model.tokens(ids)):
        assert torch.equal(model.tokens(form).ids, ids)
    assert model.tokens([[2, 3], [4]]).lengths == (2, 1)


def test_bos_is_seen_and_decided_by_the_caller(with_bos):
    default, forced, without = (with_bos.tokens("Hello", bos=bos).strings[0] for bos in (None, True, False))
    assert default[0] == forced[0] == "<|bos|>"
    assert default == forced
    assert without == default[1:]


def test_bos_can_be_put_where_the_tokenizer_puts_none(model):
    assert model.tokens("Hello").strings[0][0] != "<|bos|>"
    assert model.tokens("Hello", bos=True).strings[0][0] == "<|bos|>"


def test_a_tokenizer_without_bos_says_so():
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=models.tokenizer().backend_tokenizer)
    with pytest.raises(PromptError, match="no BOS token"):
        TokenText(tokenizer).encode("Hello", bos=True)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ("", "The prompt has no tokens"),
        (["Hello", ""], "Prompt 1 of 2 has no tokens"),
        ([], "the list is empty"),
        (torch.zeros(0, dtype=torch.long), "the list is empty"),
        ([[]], "has no tokens"),
        (None, "not NoneType"),
        (3, "not int"),
        (torch.tensor(3), "not Tensor"),
        ([1.5, 2.0], "whole-number"),
        (["Hello", 3], "only one of the two"),
        ([[0, 1], [348]], "Prompt 1 of 2 has token id 348, but this model's ids go from 0 to 347"),
        ([-1], "token id -1"),
        ({"attention_mask": [[1]]}, "needs `input_ids`"),
        ({"input_ids": [[1, 2]], "attention_mask": [[1]]}, "differ in shape"),
        ({"input_ids": [[1, 2]], "attention_mask": [[0, 0]]}, "has no tokens"),
    ],
)
def test_what_is_no_prompt_is_refused_in_words(model, prompts, message):
    with pytest.raises(PromptError, match=message):
        model.tokens(prompts)


def test_a_prompt_that_is_too_long_is_refused_with_both_numbers_before_the_model_runs(model, monkeypatch):
    monkeypatch.setattr(model.module, "forward", None)
    with pytest.raises(PromptError, match=r"has 10000 tokens, and this model takes at most 64"):
        workbench.capture.logits(model, [5] * 10_000)
    with pytest.raises(PromptError, match=r"Prompt 1 of 2 has \d{4} tokens"):
        model.tokens(["Hello", "Hello world " * 1000])


def test_tokens_are_checked_again_for_another_model(model):
    long = Tokens(torch.zeros(1, 65, dtype=torch.long), torch.ones(1, 65, dtype=torch.bool), (("x",) * 65,))
    with pytest.raises(PromptError, match="65 tokens"):
        model.tokens(long)


def test_positions_count_from_either_end():
    assert [place_of(position, 5) for position in (0, 4, -1, -5)] == [0, 4, 4, 0]
    for position in (5, -6):
        with pytest.raises(PromptError, match=rf"Position {position} does not exist in a prompt of 5 tokens"):
            place_of(position, 5)

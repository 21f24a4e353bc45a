from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace

import pytest
import torch
from jaxtyping import Float32, Int32
from safetensors.torch import load_file, save_file
from torch import Tensor

from workbench.errors import RecordError
from workbench.records import AttentionPage, AttentionWeights, DecodedStates, NextTokens, Record

torch.set_num_threads(1)

KINDS = [DecodedStates, AttentionWeights, AttentionPage, NextTokens]
UNUSUAL = [
    "·the",
    "⏎",
    "<script>alert(1)</script>",
    "🇫🇷",
    "<0xE2>",
    '"',
    "&amp;",
    "a\nb",
    "",
    "·" + "very" * 16,
]


def random_states(seed: int) -> DecodedStates:
    """A lens over random logits: every number follows from a real softmax."""
    torch.manual_seed(seed)
    rows, positions, size, best, followed = (int(torch.randint(1, 7, ())) for _ in range(5))
    size += best + followed
    logits = 3 * torch.randn(rows, positions, size)
    probability = logits.softmax(-1)
    top = probability.sort(-1, descending=True)
    tracked = torch.randperm(size)[:followed]
    return DecodedStates(
        model="m" * seed,
        decoder="logit lens",
        tokens=tuple(random.Random(seed).choices(UNUSUAL, k=positions)),
        rows=tuple(f"block {i}" for i in range(rows)),
        vocabulary=tuple(random.Random(seed).choices(UNUSUAL, k=size)),
        vocabulary_ids=torch.randperm(50_000)[:size],
        top=top.indices[..., :best].int(),
        probability=top.values[..., :best],
        entropy=torch.distributions.Categorical(logits=logits).entropy() / torch.tensor(2.0).log(),
        tracked=tracked.int(),
        tracked_probability=probability[..., tracked].permute(2, 0, 1),
        tracked_rank=(probability[..., None, :] > probability[..., tracked, None])
        .sum(3)
        .permute(2, 0, 1)
        .int(),
    )


def random_weights(seed: int, lengths: tuple[int, ...], layers: int = 2, heads: int = 3) -> AttentionWeights:
    torch.manual_seed(seed)
    longest = max(lengths)
    weights = torch.rand(len(lengths), layers, heads, longest, longest).square().tril()
    weights = weights / weights.sum(-1, keepdim=True)
    for i, length in enumerate(lengths):
        weights[i, :, :, length:] = 0
    tokens = tuple(tuple(random.Random(i).choices(UNUSUAL, k=length)) for i, length in enumerate(lengths))
    return AttentionWeights(model="m", tokens=tokens, weights=weights)


# ---- what each record refuses


def change(kind: type[Record], **fields) -> Record:
    return replace(kind.example(), **fields)


def spoiled(tensor: Tensor, value: float) -> Tensor:
    tensor = tensor.clone()
    tensor.view(-1)[tensor.numel() // 2] = value
    return tensor


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_tensor_may_hold_nan_or_infinity(kind, value):
    floats = {
        n: v for n, v in vars(kind.example()).items() if isinstance(v, Tensor) and v.is_floating_point()
    }
    assert floats
    for name, tensor in floats.items():
        with pytest.raises(RecordError, match=f"^{name} holds NaN or infinity. Look for overflow"):
            change(kind, **{name: spoiled(tensor, value)})


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_is_checked_for_its_kind_dtype_and_shape(kind):
    tensors = {name: value for name, value in vars(kind.example()).items() if isinstance(value, Tensor)}
    for name, tensor in tensors.items():
        for wrong, words in [
            (tensor.flatten()[0], f"{name} is 0-dimensional"),
            (tensor[None], f"{name} has {tensor.ndim + 1} dimensions"),
            (tensor.double(), f"{name} is torch.float64. Give {tensor.dtype}"),
            (tensor.tolist(), f"{name} is a list. Give a torch tensor"),
            (
                torch.cat([tensor, tensor[..., -1:]], -1),
                "Give (both the same|one for each|tokens and maps)|Pad every prompt",
            ),
            (tensor[..., :0], "Give (at least one|both the same)"),
            (tensor.to("meta"), f"{name} is on meta. Records are on the CPU"),
        ]:
            with pytest.raises(RecordError, match=words):
                change(kind, **{name: wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_is_checked(kind):
    for name, value in vars(kind.example()).items():
        if isinstance(value, str):
            with pytest.raises(RecordError, match=f"{name} is a bytes. Give text"):
                change(kind, **{name: b"x"})
            with pytest.raises(RecordError, match=f"{name} holds half of a surrogate pair"):
                change(kind, **{name: "a\ud83c"})
        elif isinstance(value, tuple):
            with pytest.raises(RecordError, match=f"{name} is a list. Give a tuple"):
                change(kind, **{name: list(value)})
            with pytest.raises(RecordError, match=rf"{name}\[1\] is a int. Give a?"):
                change(kind, **{name: (value[0], 7, *value[2:])})


def test_gradients_are_refused():
    with pytest.raises(RecordError, match="probability still carries gradients"):
        change(NextTokens, probability=NextTokens.example().probability.clone().requires_grad_())


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        (DecodedStates, "probability", 1.2, "probability holds 1.2, which is no probability"),
        (DecodedStates, "probability", -0.2, "probability holds -0.2, which is no probability"),
        (DecodedStates, "probability", 0.0, "probability rises"),
        (DecodedStates, "tracked_probability", 2.0, "tracked_probability holds 2, which is no"),
        (DecodedStates, "entropy", -1.0, "entropy is negative"),
        (DecodedStates, "top", -1, "top holds an index outside of the vocabulary's 14"),
        (DecodedStates, "top", 14, "top holds an index outside of the vocabulary's 14"),
        (DecodedStates, "tracked", 14, "tracked holds an index outside"),
        (DecodedStates, "tracked_rank", -1, "tracked_rank is negative"),
        (DecodedStates, "vocabulary_ids", 3, "one id twice"),
        (DecodedStates, "vocabulary_ids", -5, "a negative id"),
        (NextTokens, "ids", 3, "one id twice"),
        (NextTokens, "probability", 1.5, "probability holds 1.5"),
        (NextTokens, "baseline", -0.5, "baseline holds -0.5"),
        (NextTokens, "baseline", 0.9, "baseline sums to more than 1"),
        (AttentionWeights, "weights", 1.5, "weights holds 1.5"),
        (AttentionPage, "maps", -1.0, "maps holds -1"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(kind, name, value, words):
    with pytest.raises(RecordError, match=words):
        change(kind, **{name: spoiled(getattr(kind.example(), name), value)})


def test_probabilities_of_a_state_sum_to_one_at_most():
    probability = torch.full_like(DecodedStates.example().probability, 0.25)
    with pytest.raises(RecordError, match="sums to more than 1 in a state"):
        change(DecodedStates, probability=probability)


def test_a_token_is_followed_once():
    with pytest.raises(RecordError, match="tracked holds a token twice"):
        change(DecodedStates, tracked=torch.tensor([4, 4], dtype=torch.int32))


def test_following_no_token_is_fine():
    record = DecodedStates.example()
    none = replace(
        record,
        tracked=record.tracked[:0],
        tracked_probability=record.tracked_probability[:0],
        tracked_rank=record.tracked_rank[:0],
    )
    assert none.describe() == "logit lens of example: 6 rows x 7 tokens, top 5"


def test_attention_must_be_causal_normalised_and_padded_with_zeros():
    record = random_weights(1, (4, 6))
    with pytest.raises(RecordError, match=r"attends to a later token.*not \[key, query\]"):
        replace(record, weights=record.weights.mT.contiguous())
    with pytest.raises(RecordError, match=r"misses the sum 1 by 0\.5"):
        replace(record, weights=record.weights / 2)
    padded = record.weights.clone()
    padded[0, :, :, 4:, 0] = 1
    with pytest.raises(RecordError, match="not 0 after the end of a prompt of 4 tokens"):
        replace(record, weights=padded)
    with pytest.raises(RecordError, match="the longest prompt has 5 tokens"):
        replace(record, tokens=tuple(prompt[:5] for prompt in record.tokens))
    with pytest.raises(RecordError, match="tokens has 1 entries for 2 prompts"):
        replace(record, tokens=record.tokens[1:])
    with pytest.raises(RecordError, match="tokens holds an empty prompt"):
        replace(record, tokens=((), record.tokens[1]))


def test_half_precision_rounding_is_no_mistake():
    record = random_weights(2, (40,))
    assert replace(record, weights=record.weights.bfloat16().float()).describe() == record.describe()


# ---- pages


def test_a_page_is_one_prompt_without_its_padding():
    record = random_weights(3, (4, 6))
    page = record.page(0)
    assert page.tokens == record.tokens[0]
    assert (page.title, page.pooled) == ("prompt 1 of 2", 1)
    assert torch.equal(page.maps, record.weights[0, :, :, :4, :4])


def test_the_mean_page_is_a_mean_over_all_prompts_at_shared_positions():
    record = random_weights(4, (4, 6, 5))
    record = replace(record, tokens=(("a", "b", "c", "d"), ("a", "x", "c", "d", "e", "f"), tuple("aycde")))
    page = record.page()
    assert page.tokens == ("a", "pos 1", "c", "d")
    for query in range(4):
        for key in range(4):
            by_hand = sum(record.weights[prompt, :, :, query, key] for prompt in range(3)) / 3
            assert torch.allclose(page.maps[:, :, query, key], by_hand, atol=1e-6)
    assert torch.allclose(page.maps.sum(-1), torch.ones(2, 3, 4))


def test_a_page_of_no_prompt_is_refused():
    for prompt in (2, -1):
        with pytest.raises(RecordError, match=f"no prompt {prompt}: prompts count from 0 to 1"):
            AttentionWeights.example().page(prompt)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11])
def test_a_thumbnail_holds_the_largest_weight_of_each_square(size):
    page = random_weights(5, (11,)).page(0)
    small = page.pooled_to(size)
    cells = small.maps.shape[-1]
    assert cells <= size
    assert small.tokens == page.tokens
    for i in range(cells):
        for j in range(cells):
            square = page.maps[:, :, i * small.pooled : (i + 1) * small.pooled, j * small.pooled :][
                ..., : small.pooled
            ]
            assert torch.equal(small.maps[:, :, i, j], square.amax((2, 3)))


def test_pooling_twice_is_pooling_once_and_a_small_page_stays_itself():
    page = random_weights(6, (13,)).page(0)
    assert page.pooled_to(13) is page
    assert page.pooled_to(7).pooled_to(2).pooled == 8
    assert torch.equal(page.pooled_to(7).pooled_to(4).maps, page.pooled_to(4).maps)
    with pytest.raises(RecordError, match="thumbnail of 0 cells"):
        page.pooled_to(0)


def test_tokens_and_pooled_maps_must_agree():
    page = random_weights(7, (11,)).page(0).pooled_to(6)
    with pytest.raises(RecordError, match="pooled by 1 give 11 x 11"):
        replace(page, pooled=1)
    with pytest.raises(RecordError, match="pooled is 0"):
        replace(page, pooled=0)
    with pytest.raises(RecordError, match=r"pooled is 2\.0. Give a finite whole number"):
        replace(page, pooled=2.0)


# ---- the examples, and reading a cell


@pytest.mark.parametrize("kind", KINDS)
def test_examples_are_the_same_each_time_and_hold_tokens_hard_to_draw(kind):
    record = kind.example()
    assert record == kind.example()
    for token in ("<script>alert(1)</script>", "⏎", "·the", "🇫🇷", "very" * 16):
        assert token in str(vars(record))
    assert repr(record) == f"{kind.__name__}({record.describe()})"
    assert "\n" not in repr(record)


def test_the_example_tells_the_story_it_promises():
    record = DecodedStates.example()
    for position, token in enumerate(record.tokens):
        assert record.place(0, position)[0][0] == token
    assert record.place(-1, -1)[0] == ("·Paris", pytest.approx(0.7128, abs=1e-4))
    assert record.vocabulary[record.tracked[0]] == "·Paris"
    for row in range(6):
        for position in range(7):
            cell = record.place(row, position)
            rank = int(record.tracked_rank[0, row, position])
            if rank < 5:
                assert cell[rank][1] == pytest.approx(float(record.tracked_probability[0, row, position]))
    with pytest.raises(RecordError, match="no row 6, position 0: this record has rows 0 to 5"):
        record.place(6, 0)


def test_the_example_heads_are_of_the_kinds_they_promise():
    weights = AttentionWeights.example().weights
    assert weights[0, 2, 0, :, 0].min() > 0.9
    assert weights[0, 2, 1].diagonal(-1).min() > 0.9
    assert weights[0, 2, 2, 5, 1] > 0.9  # the second "·the" looks at the first
    assert torch.allclose(weights[0, 2, 3, 6], torch.full((7,), 1 / 7))


def test_a_record_cannot_be_changed_or_hashed():
    record = NextTokens.example()
    with pytest.raises(AttributeError):
        record.edit = "nothing"
    with pytest.raises(TypeError):
        hash(record)
    assert record != replace(record, edit="nothing")
    assert record != replace(record, baseline=None)
    assert replace(record, baseline=None) == replace(record, baseline=None)
    assert record != "record"


# ---- files


@pytest.mark.parametrize("seed", range(8))
def test_random_records_survive_a_file(tmp_path, seed):
    lengths = tuple(random.Random(seed).choices(range(1, 9), k=1 + seed % 3))
    weights = random_weights(seed, lengths)
    for record in (random_states(seed), weights, weights.page(), weights.page(0).pooled_to(3)):
        path = record.save(tmp_path / "deep" / "record.safetensors")
        assert type(record).load(path) == record
        assert Record.load(path) == record
        first = path.read_bytes()
        assert record.save(path).read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["record.safetensors"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_anywhere_is_noticed(tmp_path, kind):
    record = kind.example()
    path = record.save(tmp_path / "record.safetensors")
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    places = [*range(8), *range(8, header, 5), *range(header, len(whole), 61), header - 1, len(whole) - 1]
    for place in places:
        for mask in (0x01, 0x20, 0xFF):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
            try:
                read = Record.load(path)
            except RecordError:
                refused += 1
            else:  # the header is JSON: another kind of blank, or \\uD83C for \\ud83c, changes nothing
                assert place < header
                assert read == record
    assert refused > 0.95 * 3 * len(places)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 100, -1, -64])
def test_a_truncated_or_lengthened_file_is_refused(tmp_path, keep):
    path = NextTokens.example().save(tmp_path / "record.safetensors")
    whole = path.read_bytes()
    for content in (whole[:keep], whole + b"x", b"PK\x03\x04" + whole):
        path.write_bytes(content)
        with pytest.raises(RecordError, match=r"no readable safetensors file .*Make the record again"):
            NextTokens.load(path)


def rewrite(path, **header) -> None:
    """Write the file again with another header, as another version or a forger would."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        old = json.loads(file.metadata()["workbench"])
    save_file(load_file(path), path, metadata={"workbench": json.dumps(old | header)})


def test_wrong_version_wrong_record_and_strangers_are_told_apart(tmp_path):
    path = NextTokens.example().save(tmp_path / "record.safetensors")
    with pytest.raises(RecordError, match="a record named 'NextTokens', and DecodedStates was expected"):
        DecodedStates.load(path)
    rewrite(path, version=2)
    with pytest.raises(RecordError, match="holds version 2 of NextTokens; this workbench reads version 1"):
        NextTokens.load(path)
    rewrite(path, version=1, record="Nonsense")
    with pytest.raises(RecordError, match="a record named 'Nonsense'"):
        Record.load(path)
    rewrite(path, record=["NextTokens"])
    with pytest.raises(RecordError, match="a record named"):
        Record.load(path)
    rewrite(path, record="NextTokens", fields=None)
    with pytest.raises(RecordError, match=r"header of .* can't be read"):
        Record.load(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(RecordError, match="holds tensors but no record"):
        Record.load(path)
    save_file({"a": torch.zeros(2)}, path, metadata={"workbench": "[1, 2]"})
    with pytest.raises(RecordError, match=r"header of .* can't be read"):
        Record.load(path)
    with pytest.raises(RecordError, match="no record file at"):
        Record.load(tmp_path / "missing.safetensors")
    with pytest.raises(RecordError, match="no record file at"):
        Record.load(tmp_path)


def test_a_forged_header_is_noticed(tmp_path):
    path = NextTokens.example().save(tmp_path / "record.safetensors")
    fields = {"model": "another", "position": "", "tokens": ["a"] * 7, "edit": ""}
    rewrite(path, fields=fields)
    with pytest.raises(RecordError, match="changed after it was written"):
        NextTokens.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    record = NextTokens.example()
    path = record.save(tmp_path / "record.safetensors")

    def disk_full(tensors, filename, metadata):
        filename.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.records.record.save_file", disk_full)
    with pytest.raises(OSError, match="No space"):
        replace(record, edit="").save(path)
    assert NextTokens.load(path) == record
    assert [file.name for file in tmp_path.iterdir()] == ["record.safetensors"]


def test_tensors_may_share_memory_or_lie_across_it(tmp_path):
    record = DecodedStates.example()
    shared = torch.stack([record.entropy, record.entropy], -1)[..., 0]
    probability = record.probability.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    record = replace(record, entropy=shared, probability=probability)
    assert DecodedStates.load(record.save(tmp_path / "a")) == record
    table = NextTokens.example()
    table = replace(table, probability=table.baseline)
    assert NextTokens.load(table.save(tmp_path / "b")) == table


def test_a_loaded_record_does_not_depend_on_its_file(tmp_path):
    path = DecodedStates.example().save(tmp_path / "record.safetensors")
    record = DecodedStates.load(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert record == DecodedStates.example()


# ---- a record of one's own: the base needs no list of kinds


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Record):
    label: str
    seed: int
    slope: float
    y: Float32[Tensor, " points"]
    labels: tuple[str, ...] | None = None
    order: Int32[Tensor, " points"] | None = None

    def _check(self, sizes):
        pass

    def describe(self):
        return self.label

    @classmethod
    def example(cls):
        return cls("c", 1, 0.5, torch.ones(3))


def test_a_new_record_needs_only_its_fields(tmp_path):
    for curve in (
        Curve.example(),
        replace(Curve.example(), labels=("a", "·b"), order=torch.arange(3).int(), slope=3),
    ):
        path = curve.save(tmp_path / "curve")
        assert Record.load(path) == curve
    with pytest.raises(RecordError, match="order has 2 points, and y has 3"):
        replace(curve, order=torch.arange(2).int())
    with pytest.raises(RecordError, match="slope is nan"):
        replace(curve, slope=float("nan"))
    with pytest.raises(RecordError, match="seed is True"):
        replace(curve, seed=True)
    with pytest.raises(RecordError, match="Curve has the fields label, seed"):
        Curve.from_fields({"label": "a"})

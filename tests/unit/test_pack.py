from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _remove_buffers

from workbench.errors import RecordError
from workbench.pack import from_json, pack, pack_array, to_json, unpack, unpack_array
from workbench.records import AttentionPage, AttentionWeights, DecodedStates, NextTokens

torch.set_num_threads(1)

KINDS = [DecodedStates, AttentionWeights, AttentionPage, NextTokens]
WIDE = {torch.float64: torch.float32, torch.float16: torch.float32, torch.bfloat16: torch.float32}
WIDE |= {torch.int64: torch.int32, torch.int16: torch.int32, torch.int8: torch.int32, torch.bool: torch.uint8}


def random_map(seed: int, *shape: int) -> torch.Tensor:
    """Causal weights whose rows sum to 1."""
    weights = torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).pow(4).tril()
    weights += torch.eye(shape[-1]) * 1e-3
    return weights / weights.sum(-1, keepdim=True)


def by_hand(array: dict) -> torch.Tensor:
    """Undo the code of an array one number at a time, from the words of the format alone."""
    codes = np.frombuffer(bytes(array["data"]), "<u1").tolist()
    *maps, side, _ = array["shape"]
    full = torch.zeros(int(np.prod(maps)), side, side)
    for one in full:
        for query in range(side):
            for key in range(query + 1):
                one[query, key] = (codes.pop(0) / 255) ** 2
    assert not codes
    return full.reshape(array["shape"])


# ---- records


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_comes_back_as_it_was(kind):
    record = kind.example()
    wire = pack(record)
    assert wire["record"] == kind.__name__
    assert wire["version"] == 1
    assert list(wire["fields"]) == list(kind.hints())
    back = unpack(wire)
    if kind is AttentionPage:  # its maps travel in a code
        assert torch.allclose(back.maps, record.maps, atol=0.004)
        back = replace(back, maps=record.maps)
    assert back == record


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_journey_to_the_browser_and_into_a_file(kind):
    record = kind.example()
    state, paths, buffers = _remove_buffers({"data": pack(record)})
    json.dumps(state)  # all that is left is JSON
    tensors = sum(isinstance(value, torch.Tensor) for value in vars(record).values())
    assert len(paths) == len(buffers) == tensors
    assert all(memoryview(buffer).contiguous for buffer in buffers)

    text = json.dumps(to_json(pack(record)))
    again = unpack(from_json(json.loads(text)))
    assert again == unpack(pack(record))
    assert json.dumps(to_json(pack(again))) == text


def test_arrays_without_a_code_are_not_copied():
    record = AttentionWeights.example()
    data = pack(record)["fields"]["weights"]["data"]
    assert np.frombuffer(data, "<f4").__array_interface__["data"][0] == record.weights.data_ptr()


def test_an_empty_array_travels():
    wire = pack_array(torch.zeros(0, 6, 7))
    assert bytes(wire["data"]) == b""
    assert bytes(memoryview(wire["data"]).cast("B")) == b""  # as a comm does it
    assert unpack_array(wire).shape == (0, 6, 7)
    assert unpack_array(from_json(to_json(wire))).shape == (0, 6, 7)
    assert unpack_array(pack_array(torch.zeros(0, 3, 3), triangle=True)).shape == (0, 3, 3)
    assert unpack_array(pack_array(torch.zeros(2, 0, 0), triangle=True)).shape == (2, 0, 0)


def test_ids_too_large_for_the_browser_are_refused_by_name():
    record = replace(NextTokens.example(), ids=torch.tensor([2**31 - 1, 1, 2, 3, 4, 5, 6]))
    assert unpack(pack(record)) == record
    with pytest.raises(RecordError, match=r"^ids holds a number too large for torch\.int32"):
        pack(replace(record, ids=torch.tensor([2**31, 1, 2, 3, 4, 5, 6])))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"record": "Nonsense"}, "a record named 'Nonsense'"),
        ({"record": "Record"}, "a record named 'Record'"),
        ({"record": {}}, "a record named {}"),
        ({"version": 2}, "version 2 of NextTokens; this workbench reads version 1"),
        ({"version": None}, "version None of NextTokens"),
        ({"fields": []}, "no packed record"),
        ({"extra": 1}, "no packed record"),
    ],
)
def test_a_wire_of_something_else_is_refused(change, words):
    with pytest.raises(RecordError, match=words):
        unpack(pack(NextTokens.example()) | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tokens": ["a"] * 6}, "tokens has 6 entries for 7 ids"),
        ({"tokens": "abcdefg"}, "tokens is a str. Give a tuple"),
        ({"tokens": ["a"] * 6 + [None]}, r"tokens\[6\] is a NoneType"),
        ({"model": 3}, "model is a int"),
        ({"ids": None}, "ids is a NoneType"),
        ({"ids": [1, 2]}, "ids is no packed array"),
        ({"ids": pack_array(torch.zeros(7))}, r"ids is torch\.float32. Give torch\.int64"),
        ({"probability": pack_array(torch.zeros(7).int())}, r"probability is torch\.int32"),
        ({"probability": pack_array(torch.full((7,), float("nan")))}, "probability holds NaN"),
        ({"surprise": 1}, "NextTokens has the fields model, position"),
    ],
)
def test_fields_that_do_not_fit_are_refused(change, words):
    wire = pack(NextTokens.example())
    with pytest.raises(RecordError, match=words):
        unpack(wire | {"fields": wire["fields"] | change})


# ---- arrays


@pytest.mark.parametrize("seed", range(40))
def test_random_arrays_come_back(seed):
    torch.manual_seed(seed)
    shape = torch.randint(0, 5, (seed % 5,)).tolist()
    dtypes = [torch.float32, torch.int32, torch.uint8, *WIDE]
    dtype = dtypes[seed % len(dtypes)]
    values = (torch.randn(shape) * 50).abs().to(dtype)
    wire = pack_array(values)
    assert wire["shape"] == shape
    back = unpack_array(wire)
    assert back.dtype == WIDE.get(dtype, dtype)
    assert torch.equal(back, values.to(back.dtype))


def test_any_memory_layout_packs_the_same():
    values = torch.arange(24).float().reshape(2, 3, 4)
    for view in (values.permute(2, 0, 1), values[:, ::2], values.flip(0), values.mT):
        assert torch.equal(unpack_array(pack_array(view)), view)
        assert bytes(pack_array(view)["data"]) == bytes(pack_array(view.contiguous())["data"])


def test_bytes_are_little_endian_rows_first():
    assert (
        bytes(pack_array(torch.tensor([[1, 2], [256, -1]]))["data"]).hex()
        == "010000000200000000010000ffffffff"
    )


def test_numbers_that_do_not_fit_are_refused():
    for values in (
        torch.tensor([2**31]),
        torch.tensor([-(2**31) - 1]),
        torch.tensor([1e39], dtype=torch.float64),
    ):
        with pytest.raises(RecordError, match="effect holds a number too large"):
            pack_array(values, name="effect")
    assert unpack_array(pack_array(torch.tensor([-(2**31), 2**31 - 1]))).tolist() == [-(2**31), 2**31 - 1]
    infinite = torch.tensor([float("inf"), float("nan")], dtype=torch.float64)
    assert unpack_array(pack_array(infinite)).isinf().tolist() == [True, False]
    with pytest.raises(RecordError, match="complex64, which does not travel"):
        pack_array(torch.zeros(2, dtype=torch.complex64))


@pytest.mark.parametrize("offset", range(1, 8))
def test_data_may_start_anywhere_and_be_of_any_kind(offset):
    values = torch.randn(3, 5)
    wire = pack_array(values)
    raw = bytes(wire["data"])
    shifted = memoryview(b"\xff" * offset + raw)[offset:]
    spread = memoryview(bytes(byte for pair in zip(raw, raw, strict=True) for byte in pair))[::2]
    typed = memoryview(np.frombuffer(raw, "<f4").reshape(3, 5))
    for data in (shifted, spread, typed, raw, bytearray(raw)):
        back = unpack_array(wire | {"data": data})
        assert torch.equal(back, values)
        assert back.data_ptr() % 4 == 0
        back += 1  # its memory is its own
    assert torch.equal(unpack_array(wire), values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "float16"}, "of type 'float16', which does not travel"),
        ({"dtype": "object"}, "of type 'object'"),
        ({"dtype": ["float32"]}, "of type"),
        ({"dtype": "int64"}, "of type 'int64'"),
        ({"shape": [2, 4]}, r"float32 \[2, 4\], needs 32 bytes and 24 arrived"),
        ({"shape": [-2, -3]}, "which no array here can have"),
        ({"shape": [2.0, 3]}, "which no array here can have"),
        ({"shape": [True, 6]}, "which no array here can have"),
        ({"shape": 6}, "which no array here can have"),
        ({"shape": [0, 2**40, 2**40], "data": b"", "triangle": True}, "which no array here can have"),
        ({"shape": [2**40]}, "needs 4398046511104 bytes and 24 arrived"),
        ({"data": "abcdef"}, "without its bytes: its data is a str"),
        ({"data": b"x" * 23}, "needs 24 bytes and 23 arrived"),
        ({"data": b""}, "needs 24 bytes and 0 arrived"),
        ({"codec": "zip"}, "in the code 'zip'"),
        ({"codec": "sqrt-u8"}, "in the code 'sqrt-u8' of float32"),
        ({"triangle": True}, r"a triangle of shape \[2, 3\]"),
        ({"triangle": True, "shape": [6]}, r"a triangle of shape \[6\]"),
        ({"triangle": "no"}, "It is true or false"),
        ({"surprise": 1}, "no packed array"),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(RecordError, match=f"^reply.*{words}"):
        unpack_array(pack_array(torch.ones(2, 3)) | change, name="reply")


@pytest.mark.parametrize("missing", ["dtype", "shape", "data"])
def test_an_array_lacking_a_key_is_refused(missing):
    wire = pack_array(torch.ones(2, 3))
    del wire[missing]
    with pytest.raises(RecordError, match="needs dtype, shape and data"):
        unpack_array(wire)


# ---- codes


def test_the_error_of_sqrt_u8_is_what_it_says():
    values = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    wire = pack_array(values, codec="sqrt-u8")
    assert (wire["dtype"], len(wire["data"])) == ("uint8", 200_001)
    error = (unpack_array(wire).double() - values).abs()
    assert (error <= values.sqrt() / 255 + 1 / 260_100 + 1e-7).all()
    assert error.max() <= 0.004
    assert unpack_array(wire)[[0, -1]].tolist() == [0, 1]


def test_the_code_of_a_code_is_itself():
    codes = ((torch.arange(256) / 255) ** 2).float()
    assert torch.equal(unpack_array(pack_array(codes, codec="sqrt-u8")), codes)
    assert bytes(pack_array(codes, codec="sqrt-u8")["data"]) == bytes(range(256))


@pytest.mark.parametrize("side", [1, 2, 7, 48])
def test_a_triangle_holds_the_lower_half_row_by_row(side):
    values = random_map(side, 2, 3, side, side)
    wire = pack_array(values, triangle=True)
    assert len(wire["data"]) == 4 * 6 * side * (side + 1) // 2
    assert wire["shape"] == [2, 3, side, side]
    assert torch.equal(unpack_array(wire), values)
    rows = torch.cat([values[0, 0, query, : query + 1] for query in range(side)])
    assert np.frombuffer(wire["data"], "<f4")[: len(rows)].tolist() == rows.tolist()


@pytest.mark.parametrize("size", [11, 6, 4, 1])
def test_attention_travels_as_a_triangle_of_codes_also_when_pooled(size):
    page = AttentionPage("m", "t", tuple("abcdefghijk"), random_map(size, 2, 3, 11, 11), 1).pooled_to(size)
    wire = pack(page)
    maps, side = wire["fields"]["maps"], page.maps.shape[-1]
    assert (maps["codec"], maps["triangle"], maps["dtype"]) == ("sqrt-u8", True, "uint8")
    assert len(maps["data"]) == 6 * side * (side + 1) // 2
    assert torch.allclose(unpack(wire).maps, by_hand(maps), atol=1e-7)
    assert torch.allclose(by_hand(maps), page.maps, atol=0.004)
    assert unpack(wire).pooled == page.pooled


def test_codes_refuse_what_they_would_lose():
    with pytest.raises(RecordError, match="head is not 0 above the diagonal"):
        pack_array(torch.ones(3, 3), triangle=True, name="head")
    with pytest.raises(RecordError, match=r"head has the shape \[2, 3\]; a triangle's"):
        pack_array(torch.ones(2, 3), triangle=True, name="head")
    with pytest.raises(RecordError, match=r"head goes from 0 to 1.5; the code"):
        pack_array(torch.tensor([0, 1.5]), codec="sqrt-u8", name="head")
    with pytest.raises(RecordError, match="head goes from nan"):
        pack_array(torch.tensor([0, float("nan")]), codec="sqrt-u8", name="head")
    with pytest.raises(RecordError, match='no code "zip"'):
        pack_array(torch.ones(2), codec="zip")
    # What rounding adds to a probability is no mistake.
    assert unpack_array(pack_array(torch.tensor([-1e-7, 1 + 1e-6]), codec="sqrt-u8")).tolist() == [0, 1]


def test_many_long_heads_take_less_than_a_byte_a_weight():
    page = AttentionPage("m", "t", ("a",) * 512, random_map(0, 12, 12, 512, 512), 1)
    assert len(pack(page)["fields"]["maps"]["data"]) < 144 * 512 * 513 // 2


# ---- JSON


def test_json_walks_through_whatever_holds_arrays():
    array = pack_array(torch.tensor([[0.5, 1.0]]), codec="sqrt-u8")
    value = {"page": [array, {"deep": array}], "data": "just text", "n": 1, "none": None, "t": "</script>"}
    text = json.dumps(to_json(value))
    back = from_json(json.loads(text))
    assert torch.equal(unpack_array(back["page"][1]["deep"]), unpack_array(array))
    assert {key: back[key] for key in ("data", "n", "none", "t")} == {
        key: value[key] for key in ("data", "n", "none", "t")
    }
    assert to_json(value)["page"][0] == {
        "dtype": "uint8",
        "shape": [1, 2],
        "codec": "sqrt-u8",
        "data64": "tP8=",
    }


@pytest.mark.parametrize("seed", range(30))
def test_damaged_base64_is_refused_or_noticed_by_its_length(seed):
    chance = random.Random(seed)
    wire = to_json(pack_array(torch.randn(5, 5)))
    text = wire["data64"]
    place = chance.randrange(len(text))
    damaged = [
        text[:place],
        text[:place] + "!" + text[place + 1 :],
        text[:place] + "é" + text[place:],
        7,
        None,
    ]
    for bad in damaged:
        with pytest.raises(RecordError, match=r"no base64|arrived: it was cut"):
            unpack_array(from_json(wire | {"data64": bad}))

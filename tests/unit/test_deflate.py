"""Arrays that travel as a zlib stream."""

from __future__ import annotations

import zlib

import pytest
import torch

from workbench.errors import RecordError
from workbench.pack import pack, pack_array, unpack_array
from workbench.records import AttentionWeights


def test_a_large_page_travels_deflated_and_comes_back() -> None:
    weights = torch.rand(1, 2, 3, 90, 90, generator=torch.Generator().manual_seed(1)).tril()
    weights /= weights.sum(-1, keepdim=True)
    page = AttentionWeights("m", (tuple(map(str, range(90))),), weights).page(0)
    array = pack(page)["fields"]["maps"]
    assert array["deflate"] is True
    assert len(array["data"]) < 2 * 3 * 90 * 91 // 2
    plain = pack_array(page.maps, codec="sqrt-u8", triangle=True)
    assert "deflate" not in plain
    assert torch.equal(unpack_array(array), unpack_array(plain))


def test_few_bytes_are_left_as_they_are() -> None:
    assert "deflate" not in pack_array(torch.zeros(100), deflate=True)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: data[:-20], "cut"),
        (lambda data: b"\x09" + data[1:], "no zlib stream"),
        (lambda data: zlib.compress(bytes(80_001)), "bytes and"),
        (lambda data: zlib.compress(bytes(10)), "bytes and"),
    ],
)
def test_a_spoiled_stream_is_refused_in_words(spoil, sentence: str) -> None:
    array = pack_array(torch.zeros(20_000), deflate=True)
    with pytest.raises(RecordError, match=sentence):
        unpack_array(array | {"data": spoil(bytes(array["data"]))})

"""The still forms: a PNG that decodes to the right colours, a table that fits and holds text only."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from workbench.records import AttentionWeights, DecodedStates
from workbench.widgets.still import ANCHORS, GAP, INK, PAPER, contact_sheet, decoded_table, png


def read_png(picture):
    """Decode an indexed PNG by its specification, checking every length and checksum."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(picture):
        size, kind = struct.unpack(">I4s", picture[at : at + 8])
        content = picture[at + 8 : at + 8 + size]
        assert struct.unpack(">I", picture[at + 8 + size : at + 12 + size]) == (zlib.crc32(kind + content),)
        chunks[kind] = content
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, rest) == (8, 3, [0, 0, 0])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def test_png_round_trip():
    codes = np.arange(60, dtype=np.uint8).reshape(5, 12)
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    got, colours = read_png(png(codes, palette))
    assert (got == codes).all()
    assert (colours == palette).all()


def test_the_sheet_holds_every_head_at_its_place():
    maps = AttentionWeights.example().page(0).maps
    codes, palette = read_png(contact_sheet(maps, 100_000))
    zoom, left, top = 48 // 7, codes.shape[1] - 4 * (7 * (48 // 7) + GAP), 14
    step = 7 * zoom + GAP
    for layer in range(3):
        for head in range(4):
            y, x = top + layer * step, left + head * step
            tile = codes[y : y + 7 * zoom, x : x + 7 * zoom]
            weights = (tile[::zoom, ::zoom] / (PAPER - 1)) ** 2
            assert np.abs(weights - maps[layer, head].numpy()).max() < 0.005
            assert (codes[y : y + step - GAP, x + 7 * zoom : x + step] == PAPER).all()
    assert (codes[:14, left:] == INK).any(), "columns are numbered"
    assert (codes[top:, :left] == INK).any(), "rows are numbered"
    assert palette[PAPER].tolist() == [255, 255, 255]


def test_colours_are_those_of_the_front_end(pytestconfig):
    source = (pytestconfig.rootpath / "widgets" / "shared" / "colour.ts").read_text()
    listed = source.split("const ON_LIGHT = [", 1)[1].split("]", 1)[0]
    assert [colour.strip(' ",\n') for colour in listed.split(",") if colour.strip()] == ANCHORS.split()


@pytest.mark.parametrize(("layers", "heads", "tokens"), [(1, 1, 1), (12, 12, 46), (30, 9, 130), (2, 120, 20)])
def test_a_sheet_of_any_model_stays_under_its_limit(layers, heads, tokens):
    maps = torch.rand(layers, heads, tokens, tokens, generator=torch.Generator().manual_seed(0)).tril()
    picture = contact_sheet(maps, 192_000)
    assert 0 < len(picture) <= 192_000
    read_png(picture)


def test_a_sheet_that_cannot_fit_is_left_out():
    assert contact_sheet(torch.ones(2, 2, 4, 4).tril(), 100) == b""


def test_the_same_maps_give_the_same_bytes():
    maps = AttentionWeights.example().page(0).maps
    assert contact_sheet(maps, 100_000) == contact_sheet(maps.clone(), 100_000)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.text = set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add((tag, *attrs))

    def handle_data(self, data):
        self.text.append(data)


def read(table):
    tags = Tags()
    tags.feed(table)
    return tags


def test_the_table_is_plain_and_text_is_text():
    tags = read(decoded_table(DecodedStates.example(), 100_000))
    assert tags.seen == {("table",), ("caption",), ("tr",), ("th",), ("td",), ("br",)}
    assert "<script>alert(1)</scrip…" in tags.text
    assert tags.text.count("71%") == 2


def test_names_are_escaped_too():
    record = replace(DecodedStates.example(), model="<img src=x>", decoder="<b>")
    assert read(decoded_table(record, 100_000)).seen.isdisjoint({("img", ("src", "x")), ("b",)})


@pytest.mark.parametrize("limit", [40_000, 6_000, 1_500])
def test_a_long_prompt_in_a_deep_model_is_cut_to_the_limit(limit):
    example, times = DecodedStates.example(), 30
    record = replace(
        example,
        tokens=example.tokens * times,
        rows=tuple(f"row {i}" for i in range(len(example.rows) * 5)),
        **{name: getattr(example, name).repeat(5, times, 1) for name in ("top", "probability")},
        entropy=example.entropy.repeat(5, times),
        **{
            name: getattr(example, name).repeat(1, 5, times)
            for name in ("tracked_probability", "tracked_rank")
        },
    )
    table = decoded_table(record, limit)
    assert len(table.encode()) <= limit
    assert "<th>row 0</th>" in table, "the first row stays"
    assert "<th>row 29</th>" in table, "and the last"
    assert "of 30 rows; the last" in read(table).text[0], "it says what was left out"

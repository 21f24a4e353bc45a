"""Pictures without a browser's help: what a saved notebook shows where no kernel and no widget runs.

GitHub strips scripts and styles from notebooks, so these are a PNG and a plain table that needs neither.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import max_pool2d

from workbench.records import DecodedStates

# The light sequential scale of widgets/shared/colour.ts: viridis, its low end drawn out to paper.
ANCHORS = "f6f7f2 e6efb4 c3e089 8fd067 55bd74 2ea57f 22898a 2a6d8c 36508a 41327c 440a58"
PAPER, INK = 254, 255
"""Places of the background and of text in the palette; weights have the others."""
SIDE = 48
"""Pixels of a head's side: enough to know its kind, little enough to carry in every notebook."""
GAP = 3
"""Pixels between heads."""

# 3 x 5 pixels each, row by row, the left pixel in the highest bit.
DIGITS = (
    (7, 5, 5, 5, 7), (2, 6, 2, 2, 7), (7, 1, 7, 4, 7), (7, 1, 3, 1, 7), (5, 5, 7, 1, 1),
    (7, 4, 7, 1, 7), (7, 4, 7, 5, 7), (7, 1, 1, 2, 2), (7, 5, 7, 5, 7), (7, 5, 7, 1, 7),
)  # fmt: skip


def contact_sheet(maps: Float32[Tensor, "layers heads queries keys"], limit: int) -> bytes:
    """Draw every head's map as one PNG: a row for each layer, numbered at the left, a column for each head.

    Args:
        maps: Weights in [0, 1].
        limit: The most bytes the file may have; the maps are pooled (by maximum) until it fits.

    Returns:
        The PNG, or nothing where even maps of one pixel do not fit.
    """
    size = min(maps.shape[-1], SIDE)
    while size:
        factor = -(-maps.shape[-1] // size)
        pooled = max_pool2d(maps, factor, ceil_mode=True) if factor > 1 else maps
        picture = png(_sheet(pooled), _palette())
        if len(picture) <= limit:
            return picture
        size //= 2
    return b""


def _sheet(maps: Tensor) -> np.ndarray:
    layers, heads, side, _ = maps.shape
    zoom = max(1, SIDE // side)  # short prompts give tiny maps
    codes = (maps.clamp(0, 1).sqrt() * (PAPER - 1)).round().to(torch.uint8).numpy()
    codes = codes.repeat(zoom, axis=2).repeat(zoom, axis=3)
    step = side * zoom + GAP
    left, top = 2 * (1 + 4 * len(str(layers - 1))), 2 * 7
    sheet = np.full((top + layers * step, left + heads * step), PAPER, np.uint8)
    for layer in range(layers):
        _write(sheet, layer, top + layer * step, 0)
        for head in range(heads):
            y, x = top + layer * step, left + head * step
            sheet[y : y + step - GAP, x : x + step - GAP] = codes[layer, head]
    for head in range(heads):
        if step >= 8 * len(str(head)):
            _write(sheet, head, 0, left + head * step)
    return sheet


def _write(sheet: np.ndarray, number: int, y: int, x: int) -> None:
    """Write a number in dots of 2 x 2 pixels, as much of it as fits."""
    for place, digit in enumerate(str(number)):
        dots = np.array([[row >> 2 & 1, row >> 1 & 1, row & 1] for row in DIGITS[int(digit)]], bool)
        dots = dots.repeat(2, axis=0).repeat(2, axis=1)
        box = sheet[y : y + 10, x + 8 * place : x + 8 * place + 6]
        box[dots[: box.shape[0], : box.shape[1]]] = INK


def _palette() -> np.ndarray:
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in ANCHORS.split()])
    along = np.linspace(0, len(anchors) - 1, PAPER)
    scale = np.stack([np.interp(along, np.arange(len(anchors)), anchors[:, c]) for c in range(3)], axis=1)
    return np.concatenate([scale.round(), [[255, 255, 255], [70, 70, 78]]]).astype(np.uint8)


def png(codes: np.ndarray, palette: np.ndarray) -> bytes:
    """Write an indexed PNG.

    Args:
        codes: Palette indexes, uint8 [height, width].
        palette: Colours, uint8 [256, 3].

    Returns:
        The file.
    """
    height, width = codes.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), codes], axis=1)  # filter type 0 before each row
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    body = (
        struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def base64_png(picture: bytes) -> dict[str, str]:
    """Give a PNG as a piece of a mime bundle; no picture gives no piece."""
    return {"image/png": base64.b64encode(picture).decode()} if picture else {}


def decoded_table(record: DecodedStates, limit: int) -> str:
    """Write the best token of every state and its probability as a plain HTML table, the last row on top.

    Args:
        record: What was decoded.
        limit: The most bytes; rows between the first and the last, then early positions, are left out until
        it fits.

    Returns:
        HTML without scripts or styles, all text escaped.
    """
    rows, positions = len(record.rows), len(record.tokens)
    every, last = 1, positions
    while True:
        kept = [
            row for row in range(rows - 1, -1, -1) if row in (0, rows - 1) or (rows - 1 - row) % every == 0
        ]
        table = _table(record, kept, range(positions - last, positions))
        if len(table.encode()) <= limit or (last == 1 and every >= rows):
            return table
        if every < 4 and rows > 4:
            every += 1
        elif last > 1:
            last = last // 2
        else:
            every = rows


def _table(record: DecodedStates, rows: list[int], positions: range) -> str:
    shown = (
        f"{record.decoder} of {record.model}: the best token of each state and its probability"
        + (f"; {len(rows)} of {len(record.rows)} rows" if len(rows) < len(record.rows) else "")
        + (f"; the last {len(positions)} tokens" if len(positions) < len(record.tokens) else "")
    )
    head = "".join(f"<th>{_text(record.tokens[p])}</th>" for p in positions)
    lines = [f"<table><caption>{html.escape(shown)}</caption>", f"<tr><th></th>{head}</tr>"]
    for row in rows:
        best, share = record.top[row, :, 0].tolist(), record.probability[row, :, 0].tolist()
        cells = "".join(f"<td>{_text(record.vocabulary[best[p]])}<br>{share[p]:.0%}</td>" for p in positions)
        lines.append(f"<tr><th>{html.escape(record.rows[row])}</th>{cells}</tr>")
    return "\n".join([*lines, "</table>"])


def _text(token: str) -> str:
    return html.escape(token if len(token) <= 24 else token[:23] + "…")

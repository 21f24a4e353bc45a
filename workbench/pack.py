"""Records on the wire to the browser, both ways; the only place in Python that knows this format.

A record travels as `{"record": class name, "version": n, "fields": {...}}`. A field is JSON, or an array:

    {"dtype": "float32", "shape": [2, 3], "data": memoryview}    little-endian, C order, possibly unaligned

* `"codec": "sqrt-u8"` (dtype uint8): a code u stands for (u / 255)**2. Its error is at most
  sqrt(value) / 255 + 1 / 260100, so 0.004 near 1 and far finer near 0, where attention weights are.
* `"triangle": true`: of the last two, equal axes only what is on or below the diagonal travels, row by row.
* `"deflate": true`: the bytes are a zlib stream (RFC 1950). Attention shrinks by a third to four fifths.

`widgets/shared/array.ts` is the other half. As JSON text (example files, standalone pages) the bytes are
base64 under "data64" instead of "data".
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.errors import RecordError
from workbench.records import Record
from workbench.records.checks import require, tensor_dtype

CODED: dict[tuple[str, str], dict[str, Any]] = {
    ("AttentionPage", "maps"): {"codec": "sqrt-u8", "triangle": True, "deflate": True}
}
"""The fields that travel in a code; all others travel as they are."""

_WIRE = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "int32", "uint8")}
_NARROWED = {torch.float64: torch.float32, torch.float16: torch.float32, torch.bfloat16: torch.float32}
_NARROWED |= {
    torch.int64: torch.int32,
    torch.int16: torch.int32,
    torch.int8: torch.int32,
    torch.bool: torch.uint8,
}
_ARRAY_KEYS = {"dtype", "shape", "data", "codec", "triangle", "deflate"}
_WORTH_DEFLATING = 16_000
"""Bytes. Below this nothing is won, and the example files stay the same whatever zlib wrote them."""


def pack(record: Record) -> dict[str, Any]:
    """Give a record its wire form, for a widget's `data` trait.

    Args:
        record: Any record.

    Returns:
        `{"record", "version", "fields"}`. Arrays that need no code share their memory with the record.

    Raises:
        RecordError: A whole number does not fit into 32 bits.
    """
    name = type(record).__name__
    fields = {field: getattr(record, field) for field in record.hints()}
    for field, value in fields.items():
        if isinstance(value, Tensor):
            fields[field] = pack_array(value, name=field, **CODED.get((name, field), {}))
        elif isinstance(value, tuple):
            fields[field] = _as_lists(value)
    return {"record": name, "version": record.VERSION, "fields": fields}


def unpack(wire: Any) -> Record:
    """Make the record that was packed; a coded field comes back within its code's error.

    Args:
        wire: What `pack` returned, perhaps after a journey.

    Returns:
        The record, its tensors in memory of their own.

    Raises:
        RecordError: Not a packed record, an unknown one, another version, or fields that don't fit.
    """
    require(
        isinstance(wire, dict)
        and set(wire) == {"record", "version", "fields"}
        and isinstance(wire["fields"], dict),
        "This is no packed record: it needs the keys record, version and fields. Make it with `pack`.",
    )
    cls = Record.named(wire["record"])
    require(
        wire["version"] == cls.VERSION,
        f"This is version {wire['version']!r} of {cls.__name__}; this workbench reads version {cls.VERSION}. "
        "Make the picture again with one version of the workbench.",
    )
    values = dict(wire["fields"])
    for field in cls.hints().keys() & values.keys():
        dtype = tensor_dtype(cls.hints()[field])
        if dtype and values[field] is not None:
            array = unpack_array(values[field], name=field)
            widen = (array.dtype, dtype) == (torch.int32, torch.int64)
            values[field] = array.long() if widen else array
    return cls.from_fields(values)


def pack_array(
    values: Tensor,
    *,
    codec: str | None = None,
    triangle: bool = False,
    deflate: bool = False,
    name: str = "array",
) -> dict:
    """Give one tensor its wire form, for a field of a record or the reply to a request.

    Args:
        values: Any shape. float64 and half precision become float32, whole numbers int32, bool uint8.
        codec: None, or "sqrt-u8" for values in [0, 1].
        triangle: Send only the lower triangle of the last two, equal axes; above it all must be 0.
        deflate: Compress the bytes, unless they are few.
        name: What an error message calls it.

    Returns:
        `{"dtype", "shape", "data"}`, and "codec", "triangle" and "deflate" where they are used.

    Raises:
        RecordError: Numbers too large for 32 bits, not in [0, 1] under "sqrt-u8", or not 0 above a triangle.
    """
    values, shape = values.detach().cpu(), list(values.shape)
    narrow = _NARROWED.get(values.dtype, values.dtype)
    numbers = values.to(narrow)
    if narrow != values.dtype and values.numel():
        # Compared in the wide type: a whole number that was cut, or a finite one that became infinite.
        same = numbers == values if narrow == torch.int32 else numbers.isfinite() == values.isfinite()
        require(same.all(), f"{name} holds a number too large for {narrow}, which is what a browser reads.")
    data = numbers.numpy()
    if triangle:
        data = _lower(data, name)
    if codec is not None:
        require(codec == "sqrt-u8", f'There is no code "{codec}" for arrays. Use "sqrt-u8" or none.')
        data = _encode_sqrt(data, name)
    require(
        data.dtype.name in _WIRE, f"{name} is {values.dtype}, which does not travel. Use float32 or int32."
    )
    data = np.ascontiguousarray(data, dtype=_WIRE[data.dtype.name])
    array = {"dtype": data.dtype.name, "shape": shape, "data": data.reshape(-1).view(np.uint8).data}
    if codec:
        array["codec"] = codec
    if triangle:
        array["triangle"] = True
    if deflate and data.nbytes >= _WORTH_DEFLATING:
        array |= {"deflate": True, "data": memoryview(zlib.compress(array["data"], 3))}
    return array


def unpack_array(array: Any, *, name: str = "array") -> Tensor:
    """Read one array of the wire, checking it, its code undone and its triangle filled with zeros.

    Args:
        array: What `pack_array` returned, perhaps after a journey; its data may start anywhere in memory.
        name: What an error message calls it.

    Returns:
        A tensor in memory of its own, float32 where the array was coded.

    Raises:
        RecordError: An unknown key, dtype, shape or code, or bytes that don't fill the shape exactly.
    """
    require(
        isinstance(array, dict) and {"dtype", "shape", "data"} <= set(array) <= _ARRAY_KEYS,
        f"{name} is no packed array: it needs dtype, shape and data.",
    )
    dtype, shape, codec, triangle = (array.get(key) for key in ("dtype", "shape", "codec", "triangle"))
    require(isinstance(dtype, str) and dtype in _WIRE, f"{name} is of type {dtype!r}, which does not travel.")
    require(
        isinstance(shape, list | tuple)
        and all(type(n) is int and n >= 0 for n in shape)
        and math.prod(n for n in shape if n) < 2**48,
        f"{name} has the shape {shape!r}, which no array here can have.",
    )
    require(triangle in (None, False, True), f"{name} has triangle = {triangle!r}. It is true or false.")
    require(
        codec is None or (codec == "sqrt-u8" and dtype == "uint8"),
        f"{name} is in the code {codec!r} of {dtype}, which is not known here.",
    )
    require(
        isinstance(array["data"], bytes | bytearray | memoryview),
        f"{name} arrived without its bytes: its data is a {type(array['data']).__name__}.",
    )
    require(array.get("deflate") in (None, False, True), f"{name} has deflate = {array.get('deflate')!r}.")
    entries = math.prod(shape)
    if triangle:
        require(len(shape) >= 2 and shape[-1] == shape[-2], f"{name} is a triangle of shape {list(shape)}.")
        entries = math.prod(shape[:-2]) * shape[-1] * (shape[-1] + 1) // 2
    size = entries * _WIRE[dtype].itemsize
    data = bytes(array["data"])  # a copy: aligned, contiguous, and nobody else's
    if array.get("deflate"):
        data = _inflate(data, size, name)
    require(
        len(data) == size,
        f"{name}, {dtype} {list(shape)}, needs {size} bytes and {len(data)} arrived: it was cut or mixed up.",
    )
    numbers = np.frombuffer(data, dtype=_WIRE[dtype]).astype(dtype)
    if codec:
        numbers = np.square(np.arange(256, dtype=np.float32) / np.float32(255))[numbers]
    if triangle and numbers.size:
        places = _lower_places(shape[-1])
        full = np.zeros((math.prod(shape[:-2]), shape[-1] ** 2), dtype=numbers.dtype)
        full[:, places] = numbers.reshape(-1, places.size)
        numbers = full
    return torch.from_numpy(numbers.reshape(shape))


def to_json(value: Any) -> Any:
    """Turn a wire value (a packed record, or anything with packed arrays in it) into plain JSON values.

    Args:
        value: Dicts, lists, texts, numbers and packed arrays.

    Returns:
        The same with every "data" as base64 under "data64". Text stays as it is: who puts it into a page must
        escape it there.
    """
    if isinstance(value, dict):
        if isinstance(value.get("data"), bytes | bytearray | memoryview):
            rest = {key: item for key, item in value.items() if key != "data"}
            return rest | {"data64": base64.b64encode(value["data"]).decode()}
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, list | tuple) else value


def from_json(value: Any) -> Any:
    """Turn what `to_json` gave back into the wire value.

    Args:
        value: JSON values.

    Returns:
        The same with every "data64" as bytes under "data".

    Raises:
        RecordError: A text that is no base64.
    """
    if isinstance(value, dict):
        if "data64" in value:
            try:
                data = base64.b64decode(value["data64"], validate=True)
            except (binascii.Error, TypeError, ValueError) as error:
                raise RecordError(
                    "An array's data64 is no base64: it was cut or changed. Write it again."
                ) from error
            return {key: item for key, item in value.items() if key != "data64"} | {"data": memoryview(data)}
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def _inflate(data: bytes, size: int, name: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        # One byte too many is enough to know that they are too many.
        inflated = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise RecordError(f"{name} is no zlib stream ({error}): it was cut or mixed up.") from error
    require(stream.eof or len(inflated) > size, f"{name} ends in the middle of its zlib stream: it was cut.")
    return inflated


def _encode_sqrt(data: np.ndarray, name: str) -> np.ndarray:
    if data.size:
        low, high = data.min(), data.max()
        require(
            low >= -1e-5 and high <= 1 + 1e-5,  # false for NaN, too
            f'{name} goes from {low:.4g} to {high:.4g}; the code "sqrt-u8" is for values from 0 to 1.',
        )
    roots = np.sqrt(np.clip(data, 0, 1, dtype=np.float32))
    roots *= 255
    return np.rint(roots, out=roots).astype(np.uint8)


def _lower(data: np.ndarray, name: str) -> np.ndarray:
    require(
        data.ndim >= 2 and data.shape[-1] == data.shape[-2],
        f"{name} has the shape {list(data.shape)}; a triangle's last two sizes are equal.",
    )
    *maps, side, _ = data.shape
    lower = data.reshape(math.prod(maps), side * side).take(_lower_places(side), axis=1)
    require(
        np.count_nonzero(lower) == np.count_nonzero(data),
        f"{name} is not 0 above the diagonal, and a triangle would lose that. Send it whole.",
    )
    return lower


def _lower_places(side: int) -> np.ndarray:
    return np.flatnonzero(np.tri(side, dtype=bool))


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, tuple) else value

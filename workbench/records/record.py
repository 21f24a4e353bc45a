"""What all records share: checks in words, equality, and one safetensors file each.

A record is a frozen dataclass whose annotations say what a check needs: the dtype and the named sizes of each
tensor (`Float32[Tensor, "rows positions"]`), and which fields are text. A size named twice is the same twice.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import os
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.atomic import replacing
from workbench.errors import RecordError
from workbench.records.checks import check_field, short

R = TypeVar("R", bound="Record")

HEADER = "workbench"
"""The one metadata key of a record's file; its value is JSON. (Several keys would come in any order.)"""


class Record(ABC):
    """Base of the frozen dataclasses that papers hand to pictures.

    A subclass lists its fields, implements `_check`, `describe` and `example`, and is decorated with
    `@dataclass(frozen=True, eq=False, repr=False)`: dataclasses can't compare or print tensors well, so
    both are done here.
    """

    VERSION: ClassVar[int] = 1
    """Raised when the fields change their meaning; files and wires of another version are refused."""
    MAY_BE_EMPTY: ClassVar[frozenset[str]] = frozenset()
    """Names of sizes that may be 0; any other size must be at least 1."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field]]  # what @dataclass adds to a subclass
    # The constructor checks its arguments itself and answers in words, so a type checker that wraps
    # constructors (as jaxtyping does in tests) has to leave this one alone.
    __no_type_check__ = True

    def __post_init__(self) -> None:
        """Check every field; see `_check` for what a subclass adds.

        Raises:
            RecordError: A wrong type, dtype or shape, NaN or infinity, or what `_check` refuses.
        """
        sizes: dict[str, tuple[int, str]] = {}
        for name, hint in self.hints().items():
            check_field(name, getattr(self, name), hint, sizes, self.MAY_BE_EMPTY)
        self._check({size: value for size, (value, _) in sizes.items()})

    @abstractmethod
    def _check(self, sizes: dict[str, int]) -> None:
        """Raise RecordError for what annotations can't say; `sizes` maps their names to numbers."""

    @abstractmethod
    def describe(self) -> str:
        """Say in one line what is in this record; the same text on every machine."""

    @classmethod
    @abstractmethod
    def example(cls: type[R]) -> R:
        """Make a small record, the same on every machine, with tokens that are hard to draw."""

    @classmethod
    @cache
    def hints(cls) -> dict[str, Any]:
        """Give the annotation of each field, evaluated, in the order of the fields."""
        annotations = inspect.get_annotations(cls, eval_str=True)
        return {field.name: annotations[field.name] for field in dataclasses.fields(cls)}

    @classmethod
    def named(cls: type[R], name: object) -> type[R]:
        """Find a record class by its name, among this class and those made from it.

        Raises:
            RecordError: There is none of that name.
        """
        classes = [cls]
        for found in classes:  # grows while it is walked
            classes += found.__subclasses__()
        known = {found.__name__: found for found in classes if dataclasses.is_dataclass(found)}
        if not isinstance(name, str) or name not in known:
            raise RecordError(
                f"This holds a record named {name!r}, and {' or '.join(known) or 'none'} was expected. "
                "Read it with the class it was made from, or make it again."
            )
        return known[name]

    def __eq__(self, other: object) -> bool:
        """Whether both are of one class and every tensor and text is the same."""
        if type(other) is not type(self):
            return NotImplemented
        pairs = [(getattr(self, name), getattr(other, name)) for name in self.hints()]
        return all(torch.equal(a, b) if _both_tensors(a, b) else a is b or (a == b) is True for a, b in pairs)

    __hash__ = None  # records hold tensors: compare them, don't file them by value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.describe()})"

    def save(self, path: str | os.PathLike) -> Path:
        """Write this record as one safetensors file: tensors as tensors, the rest as JSON in the header.

        The header carries a sha256 of all of it, which `load` checks. Writing is atomic, and the same record
        gives the same bytes.

        Args:
            path: The file to write, by custom `*.safetensors`.

        Returns:
            The path.
        """
        values = {name: getattr(self, name) for name in self.hints()}
        # Cloned, because safetensors refuses two tensors on one piece of memory.
        tensors = {
            name: value.clone(memory_format=torch.contiguous_format)
            for name, value in values.items()
            if isinstance(value, Tensor)
        }
        header = {
            "record": type(self).__name__,
            "version": self.VERSION,
            "fields": {name: value for name, value in values.items() if name not in tensors},
        }
        header["sha256"] = _digest(header, tensors)
        with replacing(path) as draft:
            save_file(tensors, draft, metadata={HEADER: json.dumps(header)})
        return Path(path)

    @classmethod
    def load(cls: type[R], path: str | os.PathLike) -> R:
        """Read a record that `save` wrote; `Record.load` reads whichever record the file holds.

        Args:
            path: The file.

        Returns:
            The record, its tensors in memory of their own.

        Raises:
            RecordError: No such file, not a record, another record or version, truncated or changed.
        """
        text, tensors = _read(Path(path))
        try:
            header = json.loads(text)
            name, version, fields, sha256 = (header.pop(k) for k in ("record", "version", "fields", "sha256"))
            values = fields | tensors
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"The header of {path} can't be read. Make the record again.") from error
        found = cls.named(name)
        if version != found.VERSION:
            raise RecordError(
                f"{path} holds version {version!r} of {name}; this workbench reads version {found.VERSION}. "
                "Make the record again, or use the workbench that wrote it."
            )
        if _digest({"record": name, "version": version, "fields": fields}, tensors) != sha256:
            raise RecordError(
                f"{path} was changed after it was written (sha256 differs). Make the record again."
            )
        return found.from_fields(values)

    @classmethod
    def from_fields(cls: type[R], values: dict[str, Any]) -> R:
        """Make the record from what was read: lists, as JSON has them, become the tuples they were.

        Raises:
            RecordError: A field is missing, unknown or does not fit.
        """
        if set(values) != set(cls.hints()):
            raise RecordError(
                f"{cls.__name__} has the fields {', '.join(cls.hints())}; got {', '.join(map(str, values))}."
            )
        return cls(**{name: _as_tuples(value) for name, value in values.items()})


def _both_tensors(a: object, b: object) -> bool:
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a.dtype == b.dtype


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    if not path.is_file():
        raise RecordError(f"There is no record file at {path}. Check the path, or make the record again.")
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(HEADER)
            # Cloned, because the tensors of safe_open are windows on the file and change with it.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise RecordError(
            f"{path} is no readable safetensors file ({short(str(error))}): truncated, damaged or of another "
            "kind. Make the record again."
        ) from error
    if text is None:
        raise RecordError(f"{path} holds tensors but no record of the workbench. Read it as what it is.")
    return text, tensors


def _digest(header: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"|{name} {tensor.dtype} {list(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value

"""Prompts as tokens: every token shown as it is, nothing trimmed, position i always token i.

A space is shown as ·, a line break as ⏎, a tab as ⇥. Anything that has no picture of its own, and bytes that
are only part of a character, are shown as <0xE2>: what a token hides should be seen to be hidden.
"""

from __future__ import annotations

import codecs
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from workbench.errors import PromptError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SIGNS = {" ": "·", "\n": "⏎", "\t": "⇥"}
"""How white space is shown."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """One or more prompts as tokens, padded on the right whatever side the tokenizer pads on."""

    ids: torch.Tensor
    """int64 [prompt, position]; what stands in padding has no meaning."""
    mask: torch.Tensor
    """bool [prompt, position]; True where there is a token."""
    strings: tuple[tuple[str, ...], ...]
    """Each prompt's tokens in visible form; no padding."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many tokens each prompt has."""
        return tuple(len(strings) for strings in self.strings)

    def __len__(self) -> int:
        return len(self.strings)

    def __repr__(self) -> str:
        return f"Tokens({len(self)} prompts of {', '.join(map(str, self.lengths))} tokens)"


def visible(text: str) -> str:
    """Write a text so that every character of it can be seen.

    Args:
        text: Any text, for example one token's.

    Returns:
        The text with spaces, line breaks and tabs as signs, and other characters that print nothing as the
        bytes of their UTF-8 form, such as <0xE2><0x80><0x8B>.
    """
    return "".join(
        SIGNS.get(sign) or (sign if sign.isprintable() else _as_bytes(sign.encode("utf-8", "surrogatepass")))
        for sign in text
    )


def _as_bytes(data: bytes) -> str:
    return "".join(f"<0x{byte:02X}>" for byte in data)


def _undecodable(error: Any) -> tuple[str, int]:
    return _as_bytes(error.object[error.start : error.end]), error.end


codecs.register_error("workbench.bytes", _undecodable)


def _byte_of_letter() -> dict[str, int]:
    """Invert the table of GPT-2's tokenizer (Radford et al. 2019), which writes each byte as one letter."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(rest)}


_BYTES = _byte_of_letter()


class TokenText:
    """Reads single tokens of one tokenizer: id to visible text and back."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
        self._byte_level = "ByteLevel" in repr(decoder)
        self._added = {number: added.content for number, added in tokenizer.added_tokens_decoder.items()}
        self._strings: dict[int, str] = {}
        self._ids: dict[str, int] | None = None

    def string(self, number: int) -> str:
        """The visible form of one token.

        Args:
            number: The token's id.

        Returns:
            Its text with every character visible; an id the tokenizer has no text for is shown as <id 49999>.
        """
        known = self._strings.get(number)
        if known is None:
            known = self._strings[number] = self._read(number)
        return known

    def _read(self, number: int) -> str:
        if number in self._added:
            return visible(self._added[number])
        piece = self.tokenizer.convert_ids_to_tokens(number) if 0 <= number < len(self.tokenizer) else None
        if piece is None:
            return f"<id {number}>"
        if self._byte_level and all(letter in _BYTES for letter in piece):
            return visible(bytes(_BYTES[letter] for letter in piece).decode("utf-8", "workbench.bytes"))
        return visible(str(piece).replace("▁", " "))

    def id(self, text: str) -> int:
        """The one token that is written exactly so.

        Args:
            text: A token's text, with real spaces (" Paris") or in visible form ("·Paris").

        Returns:
            The token's id.

        Raises:
            PromptError: No single token is this text; the message names the pieces it falls into.
        """
        wanted = visible(text)
        pieces = self.tokenizer.encode(text, add_special_tokens=False) if text else []
        if len(pieces) == 1 and self.string(pieces[0]) == wanted:
            return pieces[0]
        if self._ids is None:
            # Later ids never displace earlier ones: of two tokens written alike the first is the ordinary
            # one.
            self._ids = {}
            for number in range(len(self.tokenizer)):
                self._ids.setdefault(self.string(number), number)
        if wanted in self._ids:
            return self._ids[wanted]
        parts = " ".join(map(self.string, pieces)) or "nothing"
        raise PromptError(
            f"{wanted!r} is not one token for this tokenizer: it falls into {len(pieces)} pieces ({parts}). "
            f"Choose one of them; most words start with a space, which belongs to the token."
        )

    def encode(self, text: str, bos: bool | None) -> list[int]:
        """Token ids of a text; `bos` None leaves it to the tokenizer, True and False decide."""
        if bos is None:
            return self.tokenizer.encode(text, verbose=False)
        ids = self.tokenizer.encode(text, add_special_tokens=False, verbose=False)
        if not bos:
            return ids
        if self.tokenizer.bos_token_id is None:
            raise PromptError(
                "This tokenizer has no BOS token, so none can be put before the prompt: use bos=None."
            )
        return [self.tokenizer.bos_token_id, *ids]


def tokens_of(text: TokenText, prompts: Any, *, bos: bool | None, longest: int, d_vocab: int) -> Tokens:
    """Turn what a caller gave as prompts into tokens.

    Args:
        text: The reader of the model's tokenizer.
        prompts: A text or a list of texts; token ids of one prompt or of several; or a tokenizer's output (a
            mapping with `input_ids` and perhaps `attention_mask`, padded on either side).
        bos: For texts: True puts the BOS token first, False leaves it out, None does what the tokenizer does.
        longest: The most tokens the model takes.
        d_vocab: How many token ids the model has.

    Returns:
        The tokens, padded on the right.

    Raises:
        PromptError: No prompts, a prompt with no tokens or too many, an id that does not exist, or a type
            that is no prompt.
    """
    if isinstance(prompts, str):
        rows = [text.encode(prompts, bos)]
    elif isinstance(prompts, Mapping):
        rows = _rows_of_encoding(prompts)
    elif not _is_list(prompts):
        raise PromptError(f"A prompt is a text or a list of texts, not {type(prompts).__name__}.")
    elif not len(prompts):
        raise PromptError("There is no prompt: the list is empty. Give a text, or a list of texts.")
    elif all(isinstance(prompt, str) for prompt in prompts):
        rows = [text.encode(prompt, bos) for prompt in prompts]
    else:
        rows = _rows_of_numbers(prompts)
    for place, row in enumerate(rows):
        which = "The prompt" if len(rows) == 1 else f"Prompt {place} of {len(rows)}"
        if not row:
            raise PromptError(f"{which} has no tokens. Type at least one character, or use bos=True.")
        if len(row) > longest:
            raise PromptError(
                f"{which} has {len(row)} tokens, and this model takes at most {longest}. Shorten the prompt."
            )
        unknown = [number for number in row if not 0 <= number < d_vocab]
        if unknown:
            raise PromptError(
                f"{which} has token id {unknown[0]}, but this model's ids go from 0 to {d_vocab - 1}."
            )
    width = max(map(len, rows))
    lengths = torch.tensor([len(row) for row in rows])
    return Tokens(
        ids=torch.tensor([row + [0] * (width - len(row)) for row in rows]),
        mask=torch.arange(width) < lengths[:, None],
        strings=tuple(tuple(map(text.string, row)) for row in rows),
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or bool(getattr(value, "shape", ()))


def _rows_of_numbers(values: Any) -> list[list[int]]:
    rows = values if _is_list(values[0]) else [values]
    try:
        return [[operator.index(number) for number in row] for row in rows]
    except TypeError:
        raise PromptError(
            "A prompt is a text, or a list of whole-number token ids; one list holds only one of the two."
        ) from None


def _rows_of_encoding(encoding: Mapping) -> list[list[int]]:
    if "input_ids" not in encoding:
        raise PromptError("A tokenizer's output needs `input_ids`; this mapping has none.")
    rows = _rows_of_numbers(encoding["input_ids"])
    masks = _rows_of_numbers(encoding.get("attention_mask", [[1] * len(row) for row in rows]))
    if [len(row) for row in rows] != [len(mask) for mask in masks]:
        raise PromptError("`input_ids` and `attention_mask` differ in shape.")
    return [
        [number for number, real in zip(row, mask, strict=True) if real]
        for row, mask in zip(rows, masks, strict=True)
    ]


def place_of(position: int, length: int) -> int:
    """Turn a position, perhaps counted from the end, into one from the start.

    Raises:
        PromptError: A prompt of this length has no such position.
    """
    if not -length <= position < length:
        raise PromptError(
            f"Position {position} does not exist in a prompt of {length} tokens: use 0 to {length - 1}, or "
            f"negative ones from the end."
        )
    return position % length

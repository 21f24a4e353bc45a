"""Every head's attention pattern at a glance, one of them large, and an ablation a click away."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import traitlets as t
from torch import Tensor

from workbench.errors import WidgetError
from workbench.pack import pack, pack_array
from workbench.records import AttentionPage, AttentionWeights, NextTokens
from workbench.sites import Head
from workbench.widgets.base import STILL_LIMIT, Widget, from_python
from workbench.widgets.still import base64_png, contact_sheet
from workbench.worker import Task, Worker

STATIC = pathlib.Path(__file__).parent / "static"
MOST_ENTRIES = 2_000_000
"""Pages of more weights than this travel as thumbnails; whole maps then come one by one."""
THUMBNAIL = 48
"""The most cells a thumbnail's side has."""
NO_MODEL = (
    "This picture was made from a record and has no model: build it with workbench.attention(model, prompt)."
)


class AttentionPatterns(Widget):
    """All heads as small maps, the chosen ones large with lines between tokens, and what ablating them does.

    Args:
        record: The attention weights of one prompt or several.
        ablate: Runs the model without some heads: `ablate(heads, kind, task)`, with a tuple of `Head` and
            "zero" or "mean", returns the next tokens with and without them.
        read: Reads another text: `read(text, task)` returns its attention weights.
        worker: Where those two run: give `worker_for(model)`.
        code: An expression that makes this view, for `as_code`.
        **traits: Starting values of the traits below.

    Raises:
        TypeError: A keyword that is no trait.
        TraitError: A value that does not fit the record.
    """

    _esm = STATIC / "attention_patterns.js"
    _css = STATIC / "attention_patterns.css"

    data = from_python(AttentionPage)
    """Type: AttentionPage of `prompt`, whole up to 2,000,000 weights, else pooled. Only Python sets it."""
    heads = t.List(t.List(t.Int())).tag(sync=True)
    """Type: [layer, head] of each selected head. Default: none."""
    # ipywidgets has a method of this name; nothing here needs it.
    focus = t.List(t.Int(), default_value=[0, 0]).tag(sync=True)  # ty: ignore[incompatible-attribute-override]
    """Type: [layer, head] of the head that is drawn large when none is selected. Default: [0, 0]."""
    locked = t.Int(None, allow_none=True).tag(sync=True)
    """Type: the position of the token whose lines stay on the screen, or None. Default: None."""
    prompt = t.Int(0).tag(sync=True)
    """Type: which prompt is shown, from 0; -1 is the mean over all. Default: 0."""
    prompts = t.List(t.Unicode()).tag(sync=True, echo_update=False, from_python=True)
    """Type: a short label for each prompt. Only Python sets it."""
    effect = from_python(NextTokens)
    """Type: NextTokens, what the last ablation changed, or None. Default: None. Only Python sets it."""

    screen = ("prompt", "heads", "focus", "locked", "theme", "title")
    reads = frozenset({"page", "head"})
    overtakes: ClassVar = {"ablate": (), "prompt_text": ()}

    def __init__(
        self,
        record: AttentionWeights,
        *,
        ablate: Callable[[tuple[Head, ...], str, Task], NextTokens] | None = None,
        read: Callable[[str, Task], AttentionWeights] | None = None,
        worker: Worker | None = None,
        code: str = "",
        **traits: Any,
    ):
        if not isinstance(record, AttentionWeights):
            raise t.TraitError(
                f"AttentionPatterns draws AttentionWeights, and this is a {type(record).__name__}."
            )
        self._record, self._ablate, self._read = record, ablate, read
        prompt = _checked_prompt(record, traits.get("prompt", 0))
        page, self._drawn = self._page(prompt), (id(record), prompt)
        super().__init__(worker=worker, code=code, data=page, prompts=_labels(record), **traits)

    @property
    def record(self) -> AttentionWeights:
        """The attention weights of all prompts, at full resolution."""
        return self._record

    @property
    def selection(self) -> tuple[Head, ...]:
        """The selected heads."""
        return tuple(Head(layer, head) for layer, head in self.heads)

    @selection.setter
    def selection(self, heads: Iterable[Head]) -> None:
        self.heads = [[head.layer, head.head] for head in heads]

    def _page(self, prompt: int) -> AttentionPage:
        page = self._record.page(None if prompt < 0 else prompt)
        return page if page.maps.numel() <= MOST_ENTRIES else page.pooled_to(THUMBNAIL)

    def _map(self, prompt: int, layer: int, head: int) -> Tensor:
        """One head's map [query, key] at full resolution, as `AttentionWeights.page` would cut it."""
        lengths = [len(tokens) for tokens in self._record.tokens]
        size = min(lengths) if prompt < 0 else lengths[prompt]
        maps = self._record.weights[:, layer, head, :size, :size]
        return maps.mean(0) if prompt < 0 else maps[prompt]

    @t.validate("prompt")
    def _check_prompt(self, proposal: Any) -> int:
        return _checked_prompt(self._record, proposal["value"])

    @t.validate("heads")
    def _check_heads(self, proposal: Any) -> list[list[int]]:
        heads = [self._checked_head(head) for head in proposal["value"]]
        if len({tuple(head) for head in heads}) < len(heads):
            raise t.TraitError(f"heads is {heads}. Name each head once.")
        return heads

    @t.validate("focus")
    def _check_focus(self, proposal: Any) -> list[int]:
        return self._checked_head(proposal["value"])

    @t.validate("locked")
    def _check_locked(self, proposal: Any) -> int | None:
        position, last = proposal["value"], len(self.data.tokens) - 1
        if position is not None and not 0 <= position <= last:
            raise t.TraitError(f"locked is {position}. Give a position from 0 to {last}, or None.")
        return position

    def _checked_head(self, head: list[int]) -> list[int]:
        layers, heads = self._record.weights.shape[1:3]
        if len(head) != 2 or not (0 <= head[0] < layers and 0 <= head[1] < heads):
            raise t.TraitError(
                f"There is no head {head}. Give [layer, head] with a layer from 0 to {layers - 1} and a head "
                f"from 0 to {heads - 1}."
            )
        return head

    @t.observe("prompt")
    def _turn_to_prompt(self, change: Any) -> None:
        # The browser asks for the page too; `data` is what a second view, a saved notebook and a still show.
        record, prompt = self._record, change["new"]
        if self._drawn != (id(record), prompt):
            page = self._page(prompt)
            if self._record is record and self.prompt == prompt:  # no other thread was faster
                self._drawn = (id(record), prompt)
                self.publish(None, data=page)

    @t.observe("data")
    def _let_go_of_what_is_not_there(self, _change: Any) -> None:
        if self.locked is not None and self.locked >= len(self.data.tokens):
            self.publish(None, locked=None)

    # ----- requests -----------------------------------------------------------------------------------------

    def _on_page(self, task: Task, prompt: int) -> dict:
        """Read the page of a prompt, or of the mean (-1)."""
        return pack(self._page(_checked_prompt(self._record, prompt)))

    def _on_head(self, task: Task, prompt: int, layer: int, head: int) -> dict:
        """Read one head's map at full resolution."""
        self._checked_head([layer, head])
        return _pack_map(self._map(_checked_prompt(self._record, prompt), layer, head))

    def _on_ablate(self, task: Task, heads: list, kind: str = "zero") -> None:
        """Run the model without these heads; the next tokens arrive in `effect`."""
        if self._ablate is None:
            raise WidgetError(NO_MODEL)
        if kind not in ("zero", "mean"):
            raise WidgetError(f"There is no ablation {kind!r}. Use 'zero' or 'mean'.")
        heads = [[head.layer, head.head] if isinstance(head, Head) else list(head) for head in heads]
        sites = tuple(Head(*self._checked_head(head)) for head in heads)
        if not sites:
            raise WidgetError(
                "No head is selected. Select the heads to ablate, for instance view.heads = [[5, 1]]."
            )
        task.progress(None, f"ablating {', '.join(map(str, sites))}")
        under = {"prompt": self.prompt} if len(self.prompts) > 1 else {}
        self.publish(task, effect=self._ablate(sites, kind, task))
        self._remember("ablate", "ablate", under, heads=heads, kind=kind)

    def _on_prompt_text(self, task: Task, text: str) -> None:
        """Read another text; it takes the place of the prompts."""
        if self._read is None:
            raise WidgetError(NO_MODEL)
        if not isinstance(text, str):
            raise WidgetError("The prompt is no text.")
        task.progress(None, "running the model")
        record = self._read(text, task)
        if record.weights.shape[1:3] != self._record.weights.shape[1:3]:
            raise WidgetError("The weights read are of another model. Make a new picture for it.")
        task.check()
        self._record, self._drawn = record, (id(record), 0)
        self.publish(task, data=self._page(0), prompts=_labels(record), prompt=0, effect=None)
        self._steps.clear()
        self._remember("prompt_text", "prompt_text", text=text)

    requests: ClassVar = {
        "page": _on_page,
        "head": _on_head,
        "ablate": _on_ablate,
        "prompt_text": _on_prompt_text,
    }

    # ----- other forms --------------------------------------------------------------------------------------

    def still(self, limit: int = STILL_LIMIT) -> dict[str, str]:
        """Draw a contact sheet of the heads on the screen."""
        return base64_png(contact_sheet(self.data.maps, limit * 3 // 4))

    def recorded_replies(self, limit: int) -> tuple[list[tuple[str, dict, Any]], str]:
        """Give the pages of all prompts and, where they are thumbnails, every head at full resolution."""
        lengths = [len(tokens) for tokens in self._record.tokens]
        layers, heads = self._record.weights.shape[1:3]
        replies: list[tuple[str, dict, Any]] = []
        maps: list[tuple[int, int]] = []  # prompts drawn as thumbnails, with their lengths
        for prompt in [*range(len(lengths)), -1] if len(lengths) > 1 else [0]:
            page = self._page(prompt)
            if prompt != self.prompt:  # that one is in `data`
                replies.append(("page", {"prompt": prompt}, pack(page)))
                limit -= replies[-1][2]["fields"]["maps"]["data"].nbytes
            if limit < 0:
                return [], "Of several prompts only the one on the screen was saved."
            if page.pooled > 1:
                maps.append((prompt, len(page.tokens)))
        if sum(layers * heads * size * (size + 1) // 2 for _, size in maps) > limit:
            return replies, f"Maps of more than {THUMBNAIL} tokens were saved as thumbnails only."
        places = [
            (prompt, layer, head) for prompt, _ in maps for layer in range(layers) for head in range(heads)
        ]
        for prompt, layer, head in places:
            args = {"prompt": prompt, "layer": layer, "head": head}
            replies.append(("head", args, _pack_map(self._map(prompt, layer, head))))
        return replies, ""

    @classmethod
    def example(cls) -> AttentionPatterns:
        """Make the picture that both test suites draw."""
        return cls(AttentionWeights.example(), heads=[[1, 2]], focus=[1, 2], effect=NextTokens.example())


def _checked_prompt(record: AttentionWeights, prompt: Any) -> int:
    last = len(record.tokens) - 1
    if isinstance(prompt, bool) or not isinstance(prompt, int) or not -1 <= prompt <= last:
        raise t.TraitError(
            f"prompt is {prompt!r}. Give a number from 0 to {last}, or -1 for the mean over all."
        )
    return prompt


def _pack_map(weights: Tensor) -> dict:
    return pack_array(weights, codec="sqrt-u8", triangle=True, deflate=True, name="map")


def _labels(record: AttentionWeights, limit: int = 48) -> list[str]:
    """The beginning of each prompt's text."""
    labels = []
    for tokens in record.tokens:
        text = "".join(tokens).replace("·", " ")
        labels.append(text if len(text) <= limit else text[: limit - 1] + "…")
    return labels

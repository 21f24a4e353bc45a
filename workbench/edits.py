"""Changes made to a model while it runs: ablating, patching and steering.

An edit is a plain value. It is made once and passed to any capture as `edits=`, which then shows the model as
it runs with the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from workbench.errors import PromptError, SiteError
from workbench.forward import Want, forward
from workbench.sites import MLP, Cell, Head, Neuron, Residual, TokenSpan
from workbench.tokens import place_of

if TYPE_CHECKING:
    from workbench.model import TracedModel
    from workbench.tokens import Tokens

Site = Head | Neuron | MLP | Residual | Cell
"""What can be edited. A Cell is the residual stream at one position."""
Positions = int | Sequence[int] | TokenSpan | None
"""Token positions; negative ones count from each prompt's end, None is every token."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A change to one quantity of one layer. Make it with `ablated`, `patched` or `steered`."""

    label: str
    """What it does, in words, such as "L5H1 set to zero"."""
    quantity: str
    """"head_z", "neurons", "mlp_outputs" or "residuals"."""
    layer: int
    """The block; -1 is the embedding (residuals only)."""
    index: tuple[int, ...] | None
    """Which heads or neurons; None where the quantity has no such parts."""
    value: torch.Tensor
    """float32 [source prompt, position, ...]: what is put there or added; axes of length 1 are repeated."""
    add: bool = False
    """Add the value instead of putting it in place."""
    positions: tuple[int, ...] | None = None
    """Where; None is every token."""
    lengths: tuple[int, ...] | None = None
    """Of the source prompts, when the value differs from position to position."""
    draw: int | None = None
    """A seed: every prompt takes one source prompt at random, and its last token where that one is
    shorter."""

    def __str__(self) -> str:
        return self.label

    def __repr__(self) -> str:
        return f"Edit({self.label!r})"


def ablated(
    model: TracedModel,
    sites: Site | Sequence[Site],
    kind: Literal["zero", "mean", "resample"] = "zero",
    *,
    reference: Any = None,
    seed: int = 0,
    positions: Positions = None,
) -> tuple[Edit, ...]:
    """Take the information out of parts of a model.

    Args:
        model: The model the sites are of.
        sites: One place or several: heads (their z), neurons, MLPs (what they add to the residual stream), or
            residual streams.
        kind: "zero" puts zeros there. "mean" puts the mean over every token of the reference prompts.
            "resample" puts what is there in one reference prompt, drawn at random for each prompt, at the
            same position.
        reference: Prompts to take the mean over or to draw from; needed for those two kinds.
        seed: Which draw "resample" makes.
        positions: Where to ablate; None is every token.

    Returns:
        Edits to pass to a capture.

    Raises:
        SiteError: The model has no such place, or there is no such kind.
        PromptError: The reference is missing or no prompt.
    """
    if kind not in ("zero", "mean", "resample"):
        raise SiteError(f'There is no ablation {kind!r}: use "zero", "mean" or "resample".')
    groups = _grouped(model, sites, positions)
    if kind == "zero":
        values = [torch.zeros(1, 1, *_shape(model, group)) for group in groups]
        return tuple(_edit(group, value, "set to zero") for group, value in zip(groups, values, strict=True))
    if reference is None:
        raise PromptError(f'kind="{kind}" needs prompts to take values from: reference=["...", ...].')
    tokens = model.tokens(reference)
    values = _values(model, tokens, groups)
    if kind == "mean":
        means = [value[tokens.mask].mean(0)[None, None] for value in values]
        return tuple(_edit(group, mean, "set to its mean") for group, mean in zip(groups, means, strict=True))
    return tuple(
        _edit(group, value, "resampled", lengths=tokens.lengths, draw=seed)
        for group, value in zip(groups, values, strict=True)
    )


def patched(
    model: TracedModel, source: Any, sites: Site | Sequence[Site], positions: Positions = None
) -> tuple[Edit, ...]:
    """Put into a run what is there in a run on other prompts (activation patching).

    Args:
        model: The model the sites are of.
        source: The prompts to take values from: one, for every prompt alike, or one for each prompt.
        sites: The places to patch.
        positions: Where; None is every token, and then no prompt may be longer than its source. Negative
            positions are counted from the end in the source and in the prompt.

    Returns:
        Edits to pass to a capture.

    Raises:
        SiteError: The model has no such place.
        PromptError: The source is no prompt.
    """
    groups = _grouped(model, sites, positions)
    tokens = model.tokens(source)
    values = _values(model, tokens, groups)
    return tuple(
        _edit(group, value, "patched", lengths=tokens.lengths)
        for group, value in zip(groups, values, strict=True)
    )


def steered(site: Site, vector: Any, strength: float = 1.0, positions: Positions = None) -> tuple[Edit, ...]:
    """Add a vector to one place of a model.

    Args:
        site: The place: a residual stream (d_model), an MLP (d_model), a head's z (d_head) or a neuron (1
            number).
        vector: The direction, of that length; any numbers torch can read.
        strength: What it is multiplied with.
        positions: Where to add it; None is every token.

    Returns:
        Edits to pass to a capture.

    Raises:
        SiteError: The vector is not one finite vector.
    """
    value = torch.as_tensor(vector, dtype=torch.float32).detach().cpu() * strength
    value = value.reshape(1) if value.ndim == 0 else value
    if value.ndim != 1 or not bool(value.isfinite().all()):
        raise SiteError(f"Steering takes one finite vector, not an array of shape {tuple(value.shape)}.")
    (group,) = _grouped(None, site, positions)
    shape = (1, 1, 1, -1) if group.quantity == "head_z" else (1, 1, -1)
    return (_edit(group, value.reshape(shape), f"steered by {float(value.norm()):.3g}", add=True),)


@dataclass(frozen=True)
class _Group:
    quantity: str
    layer: int
    index: tuple[int, ...] | None
    positions: tuple[int, ...] | None
    names: str


def _edit(group: _Group, value: torch.Tensor, does: str, **rest: Any) -> Edit:
    where = "" if group.positions is None else f" at {', '.join(map(str, group.positions))}"
    return Edit(
        f"{group.names} {does}{where}",
        group.quantity,
        group.layer,
        group.index,
        value,
        positions=group.positions,
        **rest,
    )


def _grouped(model: TracedModel | None, sites: Site | Sequence[Site], positions: Positions) -> list[_Group]:
    """Put the sites of one quantity, layer and position together: they are then edited in one go."""
    sites = [sites] if isinstance(sites, Site) else list(dict.fromkeys(sites))
    if not sites:
        raise SiteError("There is nothing to edit: give at least one site, such as Head(5, 1).")
    places = _places(positions)
    groups: dict[tuple, list[Site]] = {}
    for site in sites:
        if not isinstance(site, Site):
            raise SiteError(
                f"{site!r} is no place that can be edited: use Head, Neuron, MLP, Residual or Cell."
            )
        if isinstance(site, Cell) and places is not None:
            raise SiteError(f"{site} names its position itself: leave positions= out.")
        if model is not None:
            check_site(model, site)
        own = (site.position,) if isinstance(site, Cell) else places
        groups.setdefault((quantity_of(site), site.layer, own), []).append(site)
    return [
        _Group(
            quantity,
            layer,
            _index(members),
            own,
            ", ".join(map(str, members)) if len(members) < 5 else f"{len(members)} places of L{layer}",
        )
        for (quantity, layer, own), members in groups.items()
    ]


def quantity_of(site: Site) -> str:
    """The name under which a capture reads what is at a site."""
    if isinstance(site, Head):
        return "head_z"
    if isinstance(site, Neuron):
        return "neurons"
    return "mlp_outputs" if isinstance(site, MLP) else "residuals"


def _index(members: list[Site]) -> tuple[int, ...] | None:
    if isinstance(members[0], Head):
        return tuple(site.head for site in members)
    return tuple(site.neuron for site in members) if isinstance(members[0], Neuron) else None


def check_site(model: TracedModel, site: Site) -> None:
    """Raise SiteError unless the model has this place."""
    first = -1 if isinstance(site, (Residual, Cell)) else 0
    if not first <= site.layer < model.n_blocks:
        raise SiteError(
            f"{site!r} does not exist: {model.name} has {model.n_blocks} blocks, so layers go from "
            f"{first} to {model.n_blocks - 1}."
        )
    for part, count in (("head", model.n_heads), ("neuron", model.d_mlp)):
        number = getattr(site, part, 0)
        if not 0 <= number < count:
            raise SiteError(f"{site!r} does not exist: a block of {model.name} has {count} {part}s, from 0.")


def _places(positions: Positions) -> tuple[int, ...] | None:
    if positions is None:
        return None
    if isinstance(positions, TokenSpan):
        positions = range(positions.start, positions.stop)
    return (positions,) if isinstance(positions, int) else tuple(positions)


def _shape(model: TracedModel, group: _Group | Edit) -> tuple[int, ...]:
    if group.quantity == "head_z":
        return (len(group.index), model.d_head)
    return (len(group.index),) if group.quantity == "neurons" else (model.d_model,)


def _values(model: TracedModel, tokens: Tokens, groups: list[_Group]) -> list[torch.Tensor]:
    """What is at each group's place in a run on these prompts, [prompt, position, ...]."""
    wants = {str(n): Want(group.quantity, (group.layer,), group.index) for n, group in enumerate(groups)}
    found = forward(model, tokens, wants)
    values = [found[str(n)][:, 0] for n in range(len(groups))]
    return [
        value.transpose(1, 2) if group.quantity == "head_z" else value
        for value, group in zip(values, groups, strict=True)
    ]


def arranged(model: TracedModel, tokens: Tokens, edits: Sequence[Edit]) -> dict[tuple[str, int], list[tuple]]:
    """Lay edits out over a batch of prompts, for `workbench.forward.walk`.

    Args:
        model: The model that will run.
        tokens: The prompts it will run on.
        edits: The edits, applied in this order.

    Returns:
        By (quantity, layer), a list of (index, add, value [prompt or 1, position or 1, ...], where bool
        [prompt, position]).

    Raises:
        SiteError: An edit was made for a model of another shape.
        PromptError: A position that a prompt does not have, or source prompts that don't match the prompts.
    """
    plan: dict[tuple[str, int], list[tuple]] = {}
    for edit in edits:
        index = None if edit.index is None else list(edit.index)
        size = model.n_heads if edit.quantity == "head_z" else model.d_mlp
        fits = edit.value.shape[2:] == _shape(model, edit) and all(
            number < size for number in edit.index or ()
        )
        if not fits or edit.layer >= model.n_blocks:
            raise SiteError(
                f"The edit {edit.label!r} does not fit {model.name}, which has {model.n_blocks} blocks and "
                f"takes {_shape(model, edit)} numbers there, not {tuple(edit.value.shape[2:])} in layer "
                f"{edit.layer}. Make the edit for this model."
            )
        value, where = _laid_out(edit, tokens)
        plan.setdefault((edit.quantity, edit.layer), []).append((index, edit.add, value, where))
    return plan


def _laid_out(edit: Edit, tokens: Tokens) -> tuple[torch.Tensor, torch.Tensor]:
    where = tokens.mask
    if edit.positions is not None:
        where = torch.zeros_like(where)
        for row, length in enumerate(tokens.lengths):
            where[row, [place_of(position, length) for position in edit.positions]] = True
    if edit.lengths is None:
        return edit.value, where
    sources = len(edit.lengths)
    if edit.draw is not None:
        chosen = torch.randint(
            sources, (len(tokens),), generator=torch.Generator().manual_seed(edit.draw)
        ).tolist()
    elif sources in (1, len(tokens)):
        chosen = [row % sources for row in range(len(tokens))]
    else:
        raise PromptError(
            f"{edit.label}: {sources} source prompts for {len(tokens)} prompts. Give one source, or one "
            f"for each prompt."
        )
    columns = torch.zeros_like(tokens.ids)
    for row, (source, length) in enumerate(zip(chosen, tokens.lengths, strict=True)):
        known = edit.lengths[source]
        if edit.positions is not None and edit.draw is None:
            for position in edit.positions:
                columns[row, place_of(position, length)] = place_of(position, known)
        elif edit.draw is None and length > known:
            raise PromptError(
                f"{edit.label}: the source has {known} tokens and the prompt {length}. Name the positions to "
                f"patch: positions=..."
            )
        else:
            columns[row] = torch.arange(columns.shape[1]).clamp(max=known - 1)
    return edit.value[torch.tensor(chosen)[:, None], columns], where

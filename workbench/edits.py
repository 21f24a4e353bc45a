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
    """A change at places of one kind in one layer. Make it with `ablated`, `patched` or `steered`."""

    sites: tuple[Site, ...]
    """The places: heads, neurons, or one MLP, Residual or Cell."""
    does: str
    """What is done there, in words, such as "set to zero"."""
    value: torch.Tensor
    """float32 [source prompt, position, ...]: what is put there or added; axes of length 1 are repeated. The
    rest is [head, d_head], [neuron] or [d_model]."""
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
        kind = "heads" if isinstance(self.sites[0], Head) else "neurons"
        many = f"{len(self.sites)} {kind} of L{self.sites[0].layer}"
        names = ", ".join(map(str, self.sites)) if len(self.sites) < 5 else many
        # A cell's name says its position already.
        told = self.positions is None or isinstance(self.sites[0], Cell)
        return f"{names} {self.does}" + ("" if told else f" at {', '.join(map(str, self.positions))}")

    def __repr__(self) -> str:
        return f"Edit({str(self)!r})"


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
        return tuple(
            Edit(g, "set to zero", torch.zeros(1, 1, *shape_at(model, g)), positions=p) for g, p in groups
        )
    if reference is None:
        raise PromptError(f'kind="{kind}" needs prompts to take values from: reference=["...", ...].')
    tokens = model.tokens(reference)
    edits = []
    for (group, places), value in zip(groups, _values(model, tokens, groups), strict=True):
        if kind == "mean":
            mean = value[tokens.mask].mean(0)[None, None]
            edits.append(Edit(group, "set to its mean", mean, positions=places))
        else:
            edits.append(Edit(group, "resampled", value, positions=places, lengths=tokens.lengths, draw=seed))
    return tuple(edits)


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
        Edit(group, "patched", value, positions=places, lengths=tokens.lengths)
        for (group, places), value in zip(groups, values, strict=True)
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
    try:
        value = torch.as_tensor(vector, dtype=torch.float32).detach().cpu() * strength
    except (TypeError, ValueError, RuntimeError):
        value = torch.tensor([torch.nan])
    value = value.reshape(1) if value.ndim == 0 else value
    if value.ndim != 1 or not bool(value.isfinite().all()):
        raise SiteError(f"Steering adds one vector of finite numbers, and this is none: {str(vector)[:80]}")
    ((group, places),) = _grouped(None, site, positions)
    value = value[None] if isinstance(site, Head) else value
    return (
        Edit(group, f"steered by {float(value.norm()):.3g}", value[None, None], add=True, positions=places),
    )


def _grouped(
    model: TracedModel | None, sites: Site | Sequence[Site], positions: Positions
) -> list[tuple[tuple[Site, ...], tuple[int, ...] | None]]:
    """Put heads and neurons of one layer together, since they are edited in one go; with where to edit."""
    sites = [sites] if isinstance(sites, Site) else list(dict.fromkeys(sites))
    if not sites:
        raise SiteError("There is nothing to edit: give at least one site, such as Head(5, 1).")
    if isinstance(positions, TokenSpan):
        positions = range(positions.start, positions.stop)
    elif isinstance(positions, int):
        positions = (positions,)
    places = None if positions is None else tuple(positions)
    groups: dict[Any, list[Site]] = {}
    for site in sites:
        if not isinstance(site, Site):
            raise SiteError(f"{site!r} can't be edited: use Head, Neuron, MLP, Residual or Cell.")
        if isinstance(site, Cell) and places is not None:
            raise SiteError(f"{site} names its position itself: leave positions= out.")
        if model is not None:
            check_site(model, site)
        key = (type(site), site.layer) if isinstance(site, (Head, Neuron)) else site
        groups.setdefault(key, []).append(site)
    return [
        (tuple(group), (group[0].position,) if isinstance(group[0], Cell) else places)
        for group in groups.values()
    ]


def quantity_of(site: Site) -> str:
    """The name under which a capture reads what is at a site."""
    if isinstance(site, Head):
        return "head_z"
    if isinstance(site, Neuron):
        return "neurons"
    return "mlp_outputs" if isinstance(site, MLP) else "residuals"


def index_of(sites: Sequence[Site]) -> tuple[int, ...] | None:
    """Which heads or neurons of their layer these are; None for other places."""
    numbers = tuple(
        site.head if isinstance(site, Head) else site.neuron
        for site in sites
        if isinstance(site, (Head, Neuron))
    )
    return numbers or None


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


def shape_at(model: TracedModel, sites: Sequence[Site]) -> tuple[int, ...]:
    """The shape of what is at these places, for one token."""
    if isinstance(sites[0], Head):
        return (len(sites), model.d_head)
    return (len(sites),) if isinstance(sites[0], Neuron) else (model.d_model,)


def _values(model: TracedModel, tokens: Tokens, groups: list[tuple]) -> list[torch.Tensor]:
    """What is at each group's places in a run on these prompts, [prompt, position, ...]."""
    wants = {
        str(number): Want(quantity_of(sites[0]), (sites[0].layer,), index_of(sites))
        for number, (sites, _) in enumerate(groups)
    }
    found = forward(model, tokens, wants)
    return [
        found[key][:, 0].transpose(1, 2) if want.quantity == "head_z" else found[key][:, 0]
        for key, want in wants.items()
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
        for site in edit.sites:
            check_site(model, site)
        if edit.value.shape[2:] != shape_at(model, edit.sites):
            raise SiteError(
                f"{edit}: it has {tuple(edit.value.shape[2:])} numbers a token, and {model.name} takes "
                f"{shape_at(model, edit.sites)}. Make the edit for this model."
            )
        index = index_of(edit.sites)
        value, where = _laid_out(edit, tokens)
        plan.setdefault((quantity_of(edit.sites[0]), edit.sites[0].layer), []).append(
            (None if index is None else list(index), edit.add, value, where)
        )
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
            f"{edit}: {sources} source prompts for {len(tokens)} prompts. Give one source, or one "
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
                f"{edit}: the source has {known} tokens and the prompt {length}. Name the positions to "
                f"patch: positions=..."
            )
        else:
            columns[row] = torch.arange(columns.shape[1]).clamp(max=known - 1)
    return edit.value[torch.tensor(chosen)[:, None], columns], where

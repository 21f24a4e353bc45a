"""One claim of a paper: the number, the control that could have refuted it, and the verdict that follows."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from workbench.errors import WorkbenchError

_HOLDS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}


class ClaimError(WorkbenchError, ValueError):
    """A claim that proves nothing: no control, a threshold that can't fail, a value that is no number."""


@dataclass(frozen=True)
class Threshold:
    """What a value must be, fixed before it is measured."""

    # These classes check their fields themselves, in words (see Record).
    __no_type_check__ = True

    sign: str
    """One of ">=", ">", "<=", "<", "=="."""
    bound: float
    """What the value is compared with."""
    possible: tuple[float, float] = (-math.inf, math.inf)
    """The lowest and highest value the measurement can have, such as (0, 1) for a share."""

    def __post_init__(self) -> None:
        if self.sign not in _HOLDS:
            raise ClaimError(f"{self.sign!r} compares nothing. Use one of {', '.join(_HOLDS)}.")
        object.__setattr__(self, "bound", _number("The bound of a threshold", self.bound))
        low, high = map(float, self.possible)
        object.__setattr__(self, "possible", (low, high))
        if not low < high:
            raise ClaimError(
                f"From {low} to {high} is no range. Give the lowest and the highest possible value."
            )
        worst, best = (low, high) if self.sign in (">=", ">") else (high, low)
        if self.sign == "==":
            worst, best = math.nan, min(max(low, self.bound), high)
        if self.holds(worst):
            raise ClaimError(
                f"Every value from {low:g} to {high:g} is {self}: this can't fail. Fix another bound."
            )
        if not self.holds(best):
            raise ClaimError(
                f"No value from {low:g} to {high:g} is {self}: this can't pass. Fix another bound."
            )

    def holds(self, value: float) -> bool:
        """Say whether a value is as it must be."""
        return bool(_HOLDS[self.sign](value, self.bound))

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True)
class Control:
    """The same measurement where the claim should not hold: random heads, shuffled labels, no training."""

    __no_type_check__ = True

    description: str
    """What was measured."""
    value: float
    """What came out."""
    threshold: Threshold | None = None
    """What it must be; None: it must fail the claim's own threshold."""

    def __post_init__(self) -> None:
        _text("The description of a control", self.description)
        object.__setattr__(self, "value", _number("The value of a control", self.value))


@dataclass(frozen=True)
class Difference:
    """Why and how our value may differ from the paper's: said, like the threshold, before measuring."""

    __no_type_check__ = True

    because: str
    """The reason, as it follows "differs because"."""
    threshold: Threshold
    """What the value must be all the same; where it is not, the claim is not reproduced."""

    def __post_init__(self) -> None:
        _text("The reason of a difference", self.because)


@dataclass(frozen=True)
class Claim:
    """One claim of a paper, with our measurement of it."""

    __no_type_check__ = True

    id: str
    """Short, and used once in a paper."""
    statement: str
    """What the paper claims, in a sentence, with the figure or table it is in."""
    paper_value: float | str | None
    """The paper's number, in its own words where it is no number; None where it gives none."""
    value: float
    """Our number."""
    interval: tuple[float, float] | None
    """Where our number lies, over seeds or by `bootstrap_interval`; None where nothing is random."""
    control: Control
    """What could have refuted the claim."""
    threshold: Threshold
    """What our number must be."""
    difference: Difference | None = None
    """Why ours may miss the threshold without contradicting the paper."""

    def __post_init__(self) -> None:
        _text("The id of a claim", self.id)
        here = f"Claim {self.id}"
        _text(f"{here}'s statement", self.statement)
        if not isinstance(self.control, Control):
            raise ClaimError(
                f"{here} has no control that could have refuted it. Measure one: `Control(...)`."
            )
        if not isinstance(self.threshold, Threshold):
            raise ClaimError(f"{here} has no threshold. Fix one before measuring: `Threshold(...)`.")
        object.__setattr__(self, "value", _number(f"{here}'s value", self.value))
        if isinstance(self.paper_value, Real):
            object.__setattr__(self, "paper_value", _number(f"{here}'s paper_value", self.paper_value))
        elif self.paper_value is not None:
            _text(f"{here}'s paper_value", self.paper_value)
        bar = self.control.threshold or self.threshold
        for value, (low, high) in ((self.value, self.threshold.possible), (self.control.value, bar.possible)):
            if not low <= value <= high:
                raise ClaimError(
                    f"{here} measured {value:g}, which is not within the possible {low:g} to {high:g}."
                )
        if self.interval is not None:
            ends = tuple(_number(f"{here}'s interval", end) for end in self.interval)
            if len(ends) != 2 or ends[0] > ends[1]:
                raise ClaimError(f"{here}'s interval is {ends}. Give the lower and the upper end.")
            object.__setattr__(self, "interval", ends)

    @property
    def verdict(self) -> str:
        """One of "reproduced", "not reproduced" and "differs because ..."."""
        if self._passes(self.threshold):
            return "reproduced"
        if self.difference and self._passes(self.difference.threshold):
            return f"differs because {self.difference.because}"
        return "not reproduced"

    @property
    def reason(self) -> str:
        """The comparisons behind the verdict."""
        thresholds = [self.threshold]
        if self.difference and not self._passes(self.threshold):
            thresholds.append(self.difference.threshold)
        said = []
        for threshold in thresholds:
            bar = self.control.threshold or threshold
            right = "as it should be" if self._controlled(threshold) else "which it should not be"
            said += [
                f"{self.value:g} {threshold}: {_yes(threshold.holds(self.value))}",
                f"control ({self.control.description}) {self.control.value:g} {bar}: "
                f"{_yes(bar.holds(self.control.value))}, {right}",
            ]
        if self.interval and len({self.threshold.holds(end) for end in self.interval}) == 2:
            said.append(f"the interval lies on both sides of {self.threshold.bound:g}")
        return "; ".join(dict.fromkeys(said))

    def _passes(self, threshold: Threshold) -> bool:
        return threshold.holds(self.value) and self._controlled(threshold)

    def _controlled(self, threshold: Threshold) -> bool:
        if self.control.threshold:
            return self.control.threshold.holds(self.control.value)
        return not threshold.holds(self.control.value)


def check(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Find the claims that were not reproduced.

    Args:
        claims: At least one, each with an id of its own.

    Returns:
        Those whose verdict is "not reproduced": `assert not check(claims)`.

    Raises:
        ClaimError: There are no claims, or two of one id.
    """
    ids = [claim.id for claim in claims]
    if not ids:
        raise ClaimError("There are no claims to check, and no claims can't fail. Give at least one.")
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise ClaimError(f"Two claims have the id {twice[0]}. Give each its own.")
    return tuple(claim for claim in claims if claim.verdict == "not reproduced")


def _number(what: str, value: Any) -> float:
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ClaimError(f"{what} is {value!r:.80}. Give a finite number (of a tensor, its `.item()`).")
    return float(value)


def _text(what: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ClaimError(f"{what} is {value!r:.80}. Say it in words.")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"

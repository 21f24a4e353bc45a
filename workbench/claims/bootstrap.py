"""How sure a measured number is, from the measurements themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.claims.claim import ClaimError


def bootstrap_interval(
    samples: Any,
    statistic: Callable[..., np.ndarray] = np.mean,
    level: float = 0.95,
    n: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Say where a statistic lies, by drawing samples again and again from the samples there are.

    The percentile bootstrap (Efron, 1979): the middle `level` of the statistic over `n` resamples with
    replacement.

    Args:
        samples: Independent measurements along the first axis, at least two. Further axes stay together, for
            statistics of pairs.
        statistic: Called with an array [resample, sample, ...] and `axis=1`, gives one number a resample;
            `np.mean`, `np.median` and their kin do.
        level: How much of the resamples the interval holds, between 0 and 1.
        n: How many resamples to draw, at least 100.
        seed: Of the draws: the same seed gives the same interval.

    Returns:
        The lower and the upper end.

    Raises:
        ClaimError: Too few samples, NaN or infinity, or a level, `n` or statistic that fits none of the
            above.
    """
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim == 0 or len(samples) < 2:
        raise ClaimError("A bootstrap needs at least two samples along the first axis. Measure more.")
    if not np.isfinite(samples).all():
        raise ClaimError("The samples hold NaN or infinity. Look for what went wrong in measuring them.")
    if not 0 < level < 1 or n < 100:
        raise ClaimError(
            f"A level of {level} with {n} resamples gives no interval. Use 0 < level < 1 and n >= 100."
        )
    draws = np.random.default_rng(seed)
    at_once = max(1, 2_000_000 // max(1, samples.size))  # 16 MB of resamples, however many samples there are
    values = []
    for start in range(0, n, at_once):
        chosen = draws.integers(len(samples), size=(min(at_once, n - start), len(samples)))
        value = np.asarray(statistic(samples[chosen], axis=1))
        if value.shape != chosen.shape[:1] or not np.isfinite(value).all():
            raise ClaimError("The statistic must give one finite number a resample: use its `axis=1`.")
        values.append(value)
    low, high = np.quantile(np.concatenate(values), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

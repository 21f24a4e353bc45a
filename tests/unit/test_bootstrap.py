"""The bootstrap, against statistics that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.claims import ClaimError, bootstrap_interval


def test_the_interval_of_a_mean_is_that_of_the_central_limit():
    samples = np.random.default_rng(0).normal(3, 2, 400)
    low, high = bootstrap_interval(samples, seed=1)
    half = 1.96 * samples.std(ddof=1) / 20
    assert low == pytest.approx(samples.mean() - half, abs=0.02)
    assert high == pytest.approx(samples.mean() + half, abs=0.02)


@pytest.mark.parametrize(
    ("draw", "statistic", "truth"),
    [
        (lambda rng: rng.normal(5, 2, 60), np.mean, 5.0),
        (lambda rng: rng.exponential(1, 60), np.median, np.log(2)),
        (lambda rng: rng.random(60) < 0.3, np.mean, 0.3),
    ],
    ids=["normal mean", "exponential median", "share"],
)
def test_the_interval_covers_the_truth_as_often_as_it_says(draw, statistic, truth):
    rng = np.random.default_rng(7)
    for level in (0.9, 0.5):
        hits = 0
        for seed in range(200):
            low, high = bootstrap_interval(draw(rng), statistic, level=level, n=400, seed=seed)
            hits += low <= truth <= high
        # 4 standard errors of the count, and a little for the bootstrap's own smallness at 60 samples.
        assert abs(hits / 200 - level) < 4 * np.sqrt(level * (1 - level) / 200) + 0.03


def test_pairs_stay_together():
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    pairs = np.stack([x, 2 * x], 1)

    def slope(resamples, axis):
        a, b = resamples[..., 0], resamples[..., 1]
        return (a * b).sum(axis) / (a * a).sum(axis)

    assert bootstrap_interval(pairs, slope) == pytest.approx((2, 2))


def test_the_same_seed_gives_the_same_interval_and_a_wider_level_a_wider_one():
    samples = torch.arange(50.0)
    assert bootstrap_interval(samples, seed=4) == bootstrap_interval(samples, seed=4)
    assert bootstrap_interval(samples, seed=4) != bootstrap_interval(samples, seed=5)
    narrow, wide = bootstrap_interval(samples, level=0.5), bootstrap_interval(samples, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert bootstrap_interval([2.0] * 10) == (2.0, 2.0)


def test_many_samples_are_resampled_in_parts_of_bounded_size():
    seen = []

    def mean(resamples, axis):
        seen.append(resamples.size)
        return resamples.mean(axis)

    low, high = bootstrap_interval(np.random.default_rng(0).random(30_000), mean, n=300)
    assert (low, high) == pytest.approx((0.5, 0.5), abs=0.01)
    assert len(seen) > 1
    assert max(seen) <= 2_000_000
    assert sum(seen) == 300 * 30_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"samples": [1.0]}, "at least two samples"),
        ({"samples": 1.0}, "at least two samples"),
        ({"samples": [1.0, np.nan]}, "hold NaN or infinity"),
        ({"samples": [1.0, 2.0], "level": 95.0}, "A level of 95.0 with 10000 resamples"),
        ({"samples": [1.0, 2.0], "n": 10}, "with 10 resamples gives no interval"),
        ({"samples": [1.0, 2.0], "statistic": lambda r, axis: r}, "one finite number a resample"),
        ({"samples": [1.0, 2.0], "statistic": lambda r, axis: r.mean()}, "one finite number a resample"),
        ({"samples": [0.0, 1.0], "statistic": lambda r, axis: np.full(len(r), np.nan)}, "one finite number"),
        ({"samples": np.zeros((3, 0))}, "one finite number a resample"),
    ],
)
def test_samples_that_give_no_interval_are_refused(arguments, words):
    with pytest.raises(ClaimError, match=words):
        bootstrap_interval(**arguments)

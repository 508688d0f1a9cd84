"""How sure a score is when both its images and its trainings could have been others.

Two kinds of chance stand behind every difference between regions or networks. The test set could have held other
images, which a bootstrap over groups of twins measures. And each training could have started otherwise, which moves
its accuracy by half a point to a point and a half; only trainings with several seeds show how much. With one seed
there is an interval that knows the images alone, and no test: two trained networks differ nearly always, and that says
nothing of the regions that they were trained on.

`pipeline.evaluation.simulation` measures how often what is said here is true; docs/statistics.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import nctdtrinc

from pipeline.evaluation.resampling import interval

Floats = npt.NDArray[np.float64]

SIGNIFICANT = 0.05
LEVEL = 1 - SIGNIFICANT
POWER = 0.8


# A variance below this is one of rounding.
NOTHING = 1e-24


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of scores, and how far it may be off.

    Attributes:
        value: the mean over the seeds.
        low, high: the interval of the level asked for.
        p: of the two-sided test that the truth is 0; nan with one seed.
        images: the standard error that comes from the images.
        trainings: the standard error that comes from the trainings beside that; nan with one seed.
        both: the part of `images` that more seeds would take away, as a standard error: what an image and a training
            have to do with each other; nan with one seed.
        freedom: degrees of freedom; nan with one seed, infinite where trainings do not vary and groups are many.
        groups: how many groups of equal size the images are worth, see `resampling.equal_groups`.
    """

    value: float
    low: float
    high: float
    p: float
    images: float
    trainings: float
    both: float
    freedom: float
    groups: float = np.inf

    @property
    def detectable(self) -> float:
        """The smallest true value that would be told from 0 at level 5% in 80% of all cases; nan with one seed."""
        return float(np.hypot(self.images, self.trainings)) * reach(self.freedom)


def reach(freedom: float) -> float:
    """How many standard errors a true value must be off 0 to be told from it in 80% of all cases.

    By the noncentral t distribution: 2.80 of infinitely many degrees of freedom; nan of none.
    """
    if np.isnan(freedom):
        return np.nan
    if freedom > 1e6:  # where the noncentral distribution is the normal one
        return float(stats.norm.ppf([(1 + LEVEL) / 2, POWER]).sum())
    return float(nctdtrinc(freedom, 1 - POWER, stats.t.ppf((1 + LEVEL) / 2, freedom)))


def estimate(
    values: Floats,
    drawn: Floats,
    weights: npt.ArrayLike = (1.0,),
    level: float = LEVEL,
    groups: float = np.inf,
) -> Estimate:
    """The weighted sum of the scores of several cells, with both kinds of chance in its interval.

    A cell is a network on a region. Its trainings are independent of each other and of those of other cells: each
    draws its random numbers from a seed of its own (`Cell.start`). Three variances make up that of the sum:

    - of the images: that of the means over the seeds, from the bootstrap. It holds, once, what an image and a training
      have to do with each other;
    - of the trainings: in each cell that over its seeds, divided by their number;
    - less what this holds of the same images-and-trainings: the bootstrap variance of each seed's distance to the mean
      of its cell. So the two-way clustered variance counts it once (Cameron, Gelbach and Miller, "Robust inference
      with multiway clustering", Journal of Business & Economic Statistics 29, 2011); it is never below that of the
      images.

    The t distribution has the degrees of freedom of Satterthwaite ("An approximate distribution of estimates of
    variance components", Biometrics Bulletin 2, 1946), those of the images being one fewer than there are groups: of
    thousands of photographs infinitely many, of ten people nine. See `combine` for the interval.

    Args:
        values: (cells, seeds), the scores of each training on the images as they are.
        drawn: (draws, cells, seeds), the same on each bootstrap draw of images.
        weights: (cells,), for example 1 and -1 for a difference, or 1 / K for the mean of K networks.
        level: how often such an interval is meant to hold the truth.
        groups: how many groups of equal size were drawn from, see `resampling.equal_groups`.

    Raises:
        ValueError: other shapes, or a score that is not finite.
    """
    share = np.asarray(weights, np.float64)
    if values.ndim != 2 or drawn.shape[1:] != values.shape or len(drawn) < 2 or share.shape != values.shape[:1]:
        raise ValueError(
            f"expected scores (cells, seeds), draws of them and weights (cells,), not {values.shape}, {drawn.shape}, "
            f"{share.shape}"
        )
    if not (np.isfinite(values).all() and np.isfinite(share).all()):
        raise ValueError("a score or a weight is not finite")
    value, sums = float(share @ values.mean(axis=1)), drawn.mean(axis=2) @ share
    seeds = values.shape[1]
    if seeds == 1:
        return of_images_alone(value, sums, level, groups)
    # Of each cell, as parts of the variance of the sum.
    spread = share**2 * values.var(axis=1, ddof=1) / seeds
    apart = drawn - drawn.mean(axis=2, keepdims=True)
    both = share**2 * apart.var(axis=0, ddof=1).sum(axis=1) / (seeds - 1) / seeds
    of_trainings = max(0.0, float((spread - both).sum()))
    squares = float((spread**2).sum()) / (seeds - 1)
    return combine(value, sums, of_trainings, squares, float(both.sum()), level, groups)


def of_a_score(found: Estimate, level: float = LEVEL) -> Estimate:
    """The same of a score, which no difference is: its interval stays within 0 and 1, and has a width.

    Where all groups agree, all of them right say, draws do not differ, and what they say of other images is nothing.
    There each group is one trial, and the interval that of Clopper and Pearson ("The use of confidence or fiducial
    limits illustrated in the case of the binomial", Biometrika 26, 1934).

    Args:
        found: an estimate of one score, or of a mean of scores.
        level: of its interval.
    """
    if found.high - found.low > NOTHING**0.5 or not np.isfinite(found.groups):
        return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))
    right = found.groups * min(1.0, max(0.0, found.value))
    wrong = found.groups - right
    low = stats.beta.ppf((1 - level) / 2, right, wrong + 1) if right > 0 else 0.0
    high = stats.beta.ppf((1 + level) / 2, right + 1, wrong) if wrong > 0 else 1.0
    return replace(found, low=float(low), high=float(high))


def of_images_alone(value: float, sums: Floats, level: float = LEVEL, groups: float = np.inf) -> Estimate:
    """An estimate of trained classifiers: nothing is known of other trainings, so there is no test; see `combine`."""
    of_images = _of_images(sums, groups)
    low, high = _interval(value, sums, of_images, groups - 1, level, around=float(sums.mean()))
    return Estimate(value, low, high, np.nan, of_images**0.5, np.nan, np.nan, np.nan, groups)


def combine(
    value: float,
    sums: Floats,
    of_trainings: float,
    squares: float,
    both: float = 0.0,
    level: float = LEVEL,
    groups: float = np.inf,
) -> Estimate:
    """An estimate from the variances of its two kinds of chance; `estimate` says how.

    Args:
        value: on the images as they are.
        sums: (draws,), the same on each bootstrap draw of images.
        of_trainings: the variance that comes from the trainings.
        squares: the sum of the squares of its parts, each divided by its degrees of freedom.
        both: the part of the variance of the images that more seeds would take away.
        level: of the interval.
        groups: how many groups of equal size were drawn from.
    """
    of_images = _of_images(sums, groups)
    total = of_images + of_trainings
    unsure = squares + (of_images**2 / (groups - 1) if groups > 1 else 0.0)
    # Never fewer than one training more than a mean takes, which estimates of little would otherwise come to.
    freedom = max(1.0, total**2 / unsure) if unsure > NOTHING**2 else np.inf
    if groups <= 1:
        freedom = 0.0
    # Without trainings that differ it is the interval of the images alone.
    around = value if of_trainings or squares > NOTHING**2 else float(sums.mean())
    low, high = _interval(value, sums, total, freedom, level, around)
    p = _p_value(value, total, freedom)
    # Both are estimated apart, and by chance the part may come out larger than the whole.
    both = min(both, of_images) ** 0.5
    return Estimate(value, low, high, p, of_images**0.5, of_trainings**0.5, both, freedom, groups)


def _of_images(sums: Floats, groups: float) -> float:
    """The variance that comes from the images. Drawn from few groups, with replacement, it comes out too small."""
    return float(sums.var(ddof=1)) * (groups / (groups - 1) if 1 < groups < np.inf else 1.0)


def _interval(
    value: float, sums: Floats, variance: float, freedom: float, level: float, around: float
) -> tuple[float, float]:
    """The interval around a value, within -1 and 1, which no fraction and no difference of fractions leaves.

    Of images alone, where groups are many, it is the percentile interval of the bootstrap. Trainings make it wider, as
    much as they make the standard error and the quantile larger, so that its skewness stays; its middle then is the
    value, since what draws are off it on average must not grow too. Few groups make it wider in the same way: of ten
    people the percentile interval holds the truth in 9 of 10 cases instead of 19 of 20. Of a higher level than usual,
    for which draws are too few, it is symmetric. Of one group nothing follows for others.

    Args:
        variance: of images and trainings together.
        freedom: of the t distribution.
        around: what the interval of the draws is laid around: the value, or the mean of the draws.
    """
    if freedom <= 0:
        return -1.0, 1.0
    of_draws = float(sums.var(ddof=1))
    quantile = float(stats.t.ppf((1 + level) / 2, freedom))
    if level > LEVEL or of_draws <= NOTHING:
        half = quantile * variance**0.5
        return max(-1.0, value - half), min(1.0, value + half)
    low, high = (float(end) for end in interval(sums, level))
    middle = float(sums.mean())
    wider = (variance / of_draws) ** 0.5 * quantile / float(stats.norm.ppf((1 + level) / 2))
    return max(-1.0, around - wider * (middle - low)), min(1.0, around + wider * (high - middle))


def _p_value(value: float, variance: float, freedom: float) -> float:
    if freedom <= 0:
        return 1.0
    if variance <= NOTHING:  # t would be 0 / 0, or infinite
        return float(abs(value) < NOTHING**0.5)
    return float(2 * stats.t.sf(abs(value) / variance**0.5, freedom))


@dataclass(frozen=True)
class Spread:
    """By how much trainings that differ in their seed alone move a score.

    Attributes:
        deviation: the standard deviation of one training, pooled over the cells, on these images.
        low, high: its 95% interval, where trainings are normally distributed.
        beyond: what is left of it on infinitely many images: without what an image and a training have to do with each
            other, which alone makes half a point on FER2013's test images.
    """

    deviation: float
    low: float
    high: float
    beyond: float


def spread_of(values: Floats, drawn: Floats) -> Spread:
    """The standard deviation over seeds, pooled over cells, with its interval by the chi-squared distribution.

    Args:
        values: (cells, seeds), seeds from 2.
        drawn: (draws, cells, seeds), the same on each bootstrap draw of images.

    Raises:
        ValueError: fewer than two seeds, or other axes.
    """
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(f"expected scores (cells, seeds) with seeds from 2, not {values.shape}")
    freedom = len(values) * (values.shape[1] - 1)
    squares = float(values.var(axis=1, ddof=1).mean()) * freedom
    low, high = np.sqrt(squares / stats.chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], freedom))
    apart = drawn - drawn.mean(axis=2, keepdims=True)
    both = float(apart.var(axis=0, ddof=1).sum()) / freedom
    return Spread((squares / freedom) ** 0.5, float(low), float(high), max(0.0, squares / freedom - both) ** 0.5)


def seeds_needed(found: Estimate, seeds: int, cells: int, difference: float, most: int = 1000) -> int | None:
    """How many seeds would show a true difference in 80% of all cases, on a test set like this one.

    More seeds divide what the trainings add to the variance, and what images and trainings have to do with each other;
    what the images add by themselves stays. As if all cells spread alike.

    Args:
        found: the estimate of such a difference.
        seeds: how many it had, from 2.
        cells: how many cells it is made of.
        difference: the true one, in the unit of the estimate.
        most: no more seeds than these are thought of.

    Returns:
        The smallest number from 2, or None where no number of seeds is enough: the images are too few.
    """
    if found.groups <= 1:
        return None
    stays = found.images**2 - found.both**2

    def enough(many: int) -> bool:
        divided = (found.trainings**2 + found.both**2) * seeds / many
        total = stays + divided
        of_images = stays + found.both**2 * seeds / many
        unsure = divided**2 / cells / (many - 1) + of_images**2 / (found.groups - 1)
        freedom = total**2 / unsure if unsure > NOTHING**2 else np.inf
        return float(total**0.5) * reach(freedom) <= difference

    return next((many for many in range(2, most + 1) if enough(many)), None) if enough(most) else None

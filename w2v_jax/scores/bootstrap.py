"""Intervals: scores computed again on units drawn with replacement (Efron's bootstrap).

With many units, an interval goes from percentile to percentile of the replicates. With few, percentiles are too narrow
(with six to eight units they hold the truth in 81 to 88% of cases instead of 95%): there the interval is Student's,
from the replicates' spread, which for a mean is exactly the textbook's.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.requirements import scipy_stats

FEW_UNITS = 20  # of fewer, intervals are Student's

# A replicate may be undefined by chance (all draws the same unit); where more than this share is, the score is.
_MOST_UNDEFINED = 0.1


class UndefinedScoreError(ValueError):
    """A score that these features or parameters do not have."""


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: how often units are drawn.
        level: share of the replicates inside the interval.
        seed: of the draws. Scores of as many units with the same seed are drawn alike, and so can be compared.

    Examples:
        >>> Bootstrap(resamples=100).counts(3).sum(axis=1).tolist() == [3] * 100
        True
    """

    resamples: int = 400
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 20:
            raise ValueError(f"resamples is {self.resamples}; expected at least 20")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; expected 0 to 1, both excluded")

    def counts(self, units: int) -> np.ndarray:
        """How often each unit is drawn in each resample: (resamples, units) int64, each row of sum `units`."""
        if units < 2:
            raise UndefinedScoreError(f"there is {units} unit to draw from; an interval needs at least 2")
        return np.random.default_rng(self.seed).multinomial(units, [1 / units] * units, size=self.resamples)


@dataclasses.dataclass(frozen=True)
class Score:
    """A number and its interval.

    Attributes:
        value: the score of all units.
        low: lower end of the interval.
        high: upper end.
        units: how many units were drawn from.
        bootstrap: how.
        replicates: (resamples,), the score of each resample.
    """

    value: float
    low: float
    high: float
    units: int
    bootstrap: Bootstrap
    replicates: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def make_score(
    value: float,
    replicates: npt.ArrayLike,
    *,
    units: int,
    bootstrap: Bootstrap,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Score:
    """A score from its replicates, (resamples,), NaN where one is undefined; an interval is kept within `bounds`.

    Raises:
        UndefinedScoreError: the value, or many replicates, are not finite.
        RequirementError: there are few units, and scipy is not installed.
    """
    replicates = np.asarray(replicates, np.float64)
    undefined = 1 - np.isfinite(replicates).mean()
    if not math.isfinite(value) or undefined > _MOST_UNDEFINED:
        raise UndefinedScoreError(
            f"the score is {value} and {undefined:.0%} of its resamples are undefined; "
            f"expected a number: there are too few units ({units}), or nothing varies"
        )
    replicates = np.where(np.isfinite(replicates), replicates, np.nan)
    tail = (1 - bootstrap.level) / 2
    if units < FEW_UNITS:
        reach = scipy_stats().t.ppf(1 - tail, units - 1) * _error(replicates, units)
        low, high = value - reach, value + reach
    else:
        low, high = np.nanquantile(replicates, [tail, 1 - tail])
    low, high = np.clip([low, high], *bounds)
    return Score(float(value), float(low), float(high), units, bootstrap, replicates)


def standard_error(score: Score) -> float:
    """How far a score is expected to be from that of all units there could be: the spread of its replicates.

    Examples:
        >>> score = mean_score([0.2, 0.4, 0.6], bootstrap=Bootstrap(resamples=5_000))
        >>> round(standard_error(score), 2)  # 0.2 over the root of 3
        0.12
    """
    return _error(score.replicates, score.units)


def _error(replicates: np.ndarray, units: int) -> float:
    # A resample of n units spreads by (n - 1) / n too little.
    return float(np.nanstd(replicates) * math.sqrt(units / (units - 1)))


def mean_score(
    values: npt.ArrayLike, *, bootstrap: Bootstrap, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Score:
    """The mean of one value per unit, (units,); its interval is kept within `bounds`.

    Raises:
        UndefinedScoreError: fewer than two units, or values that are not finite.

    Examples:
        >>> score = mean_score([0.2, 0.4, 0.6], bootstrap=Bootstrap())
        >>> f"{score:.1f}", score.units
        ('0.4 [-0.1, 0.9]', 3)
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise ValueError(f"values has shape {values.shape}; expected (units,)")
    replicates = bootstrap.counts(len(values)) @ values / len(values)
    return make_score(values.mean(), replicates, units=len(values), bootstrap=bootstrap, bounds=bounds)


def difference(first: Score, second: Score) -> Score:
    """`first - second`, resample by resample, so that what both owe to the same draw cancels.

    Raises:
        ValueError: scores of different numbers of units, or drawn differently.

    Examples:
        >>> first, second = (mean_score(np.arange(5) + by, bootstrap=Bootstrap()) for by in (1, 0))
        >>> f"{difference(first, second):.1f}"
        '1.0 [1.0, 1.0]'
    """
    if (first.units, first.bootstrap) != (second.units, second.bootstrap):
        raise ValueError(
            f"first has {first.units} units, {first.bootstrap}, and second {second.units}, {second.bootstrap}; "
            "expected the same in both: they can be compared only draw by draw"
        )
    return make_score(
        first.value - second.value,
        first.replicates - second.replicates,
        units=first.units,
        bootstrap=first.bootstrap,
    )


def beats(first: Score, second: Score) -> bool:
    """Whether `first` is higher than `second` beyond the interval of their difference.

    Examples:
        >>> first, second = (mean_score(np.arange(5) + by, bootstrap=Bootstrap()) for by in (1, 0))
        >>> beats(first, second), beats(second, first)
        (True, False)
    """
    return difference(first, second).low > 0

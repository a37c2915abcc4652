"""Encoders as draws from a population: of trainings of one recipe, or of random weights.

Two encoders of one recipe differ by more than the interval of either, which speaks of other sounds. A statement about
"training" is about other trainings, and one about "random weights" about other seeds: their spread belongs in the
comparison. For a whole table of comparisons, `benjamini_hochberg` bounds how many are marked by chance.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import Score, UndefinedScoreError, standard_error
from w2v_jax.scores.requirements import scipy_stats


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How two encoders, or two populations of them, differ in a score.

    Attributes:
        difference: of the means.
        error: its standard error.
        p: two-sided; the probability of a difference at least as large where there is none.
    """

    difference: float
    error: float
    p: float


def compare(
    first: Sequence[Score], second: Sequence[Score], *, second_is: Literal["drawn", "fixed"] = "drawn"
) -> Comparison:
    """Compares two populations by Student's t (Welch's where both have several members).

    The variance of a difference has two parts: that between the members, and that over other sounds, from the
    replicates of the scores, draw by draw. A single encoder against a population is asked whether it is one more draw
    from it: its variance is that of the population. One against one is a statement of these two, over other sounds.

    Args:
        first: the same score of each member of a population.
        second: that of the other.
        second_is: `"fixed"` where `second` is one that has no population, such as a spectrogram: then the mean of
            `first` is held against it.

    Raises:
        ValueError: no scores, or such as were not drawn alike (see `difference`).
        UndefinedScoreError: a score whose replicates are undefined.
        RequirementError: scipy is not installed.

    Examples:
        >>> from w2v_jax.scores.bootstrap import Bootstrap, mean_score
        >>> noise = np.linspace(-0.1, 0.1, 30)
        >>> seeds = [mean_score(value + noise, bootstrap=Bootstrap()) for value in (0.30, 0.33, 0.28, 0.31)]
        >>> trained = mean_score(0.6 + noise, bootstrap=Bootstrap())
        >>> comparison = compare([trained], seeds)
        >>> round(comparison.difference, 3), comparison.p < 0.01
        (0.295, True)
        >>> compare(seeds[:1], seeds[1:]).p > 0.5
        True
    """
    if not first or not second:
        raise ValueError(f"first has {len(first)} scores and second {len(second)}; expected at least one in each")
    alike = {(score.units, score.bootstrap) for score in (*first, *second)}
    if len(alike) > 1:
        raise ValueError("first and second have scores of other units or draws; expected the same in all")
    difference = float(np.mean([each.value for each in first]) - np.mean([each.value for each in second]))
    units = first[0].units
    draws = np.mean([each.replicates for each in first], axis=0) - np.mean([each.replicates for each in second], axis=0)
    if not np.isfinite(draws).mean() > 0.9:
        raise UndefinedScoreError("too many replicates of the difference are undefined")
    over_sounds = standard_error(dataclasses.replace(first[0], replicates=draws)) ** 2
    parts = [(over_sounds, units - 1)]
    for one, other in ((first, second), (second, first)):
        if len(one) > 1:
            # A single encoder has the variance of the population it is held against.
            single = len(other) == 1 and second_is == "drawn"
            share = 1 / len(one) + (1 if single else 0)
            parts.append((share * float(np.var([each.value for each in one], ddof=1)), len(one) - 1))
    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return Comparison(difference, 0.0, 1.0 if difference == 0 else 0.0)
    degrees = variance**2 / sum(part**2 / count for part, count in parts)  # Welch and Satterthwaite's
    t = abs(difference) / math.sqrt(variance)
    return Comparison(difference, math.sqrt(variance), float(2 * scipy_stats().t.sf(t, degrees)))


def apart(first: Sequence[Score], second: Sequence[Score]) -> bool:
    """Whether all scores of one population lie above, or all below, all those of the other.

    Examples:
        >>> from w2v_jax.scores.bootstrap import Bootstrap, mean_score
        >>> low, middle, high = (mean_score([each] * 4, bootstrap=Bootstrap()) for each in (0.1, 0.2, 0.3))
        >>> apart([high], [low, middle]), apart([middle], [low, high])
        (True, False)
    """
    ours, theirs = ([each.value for each in scores] for scores in (first, second))
    return min(ours) > max(theirs) or max(ours) < min(theirs)


def interval(scores: Sequence[Score], *, level: float = 0.95) -> tuple[float, float]:
    """Student's interval of the mean over a population's other members: (low, high); NaN where there is one only.

    Examples:
        >>> from w2v_jax.scores.bootstrap import Bootstrap, mean_score
        >>> trainings = [mean_score([each] * 4, bootstrap=Bootstrap()) for each in (0.65, 0.56, 0.62)]
        >>> [round(end, 2) for end in interval(trainings)]
        [0.5, 0.72]
    """
    values = [each.value for each in scores]
    if len(values) < 2:
        return math.nan, math.nan
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = float(scipy_stats().t.ppf((1 + level) / 2, len(values) - 1)) * error
    return float(np.mean(values)) - reach, float(np.mean(values)) + reach


def benjamini_hochberg(p: npt.ArrayLike) -> np.ndarray:
    """Adjusted p-values, (n,), in the order given: of those at most q, at most a share q is expected to be false.

    The smallest over `j >= i` of `p_(j) n / j`, at most 1 (Benjamini and Hochberg, "Controlling the false discovery
    rate", 1995). NaN, for comparisons that could not be made, stays and is not counted.

    Raises:
        ValueError: values outside 0 to 1.

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(3).tolist()
        [0.04, 0.053, 0.053, 0.5]
    """
    p = np.asarray(p, np.float64)
    known = ~np.isnan(p)
    if p.ndim != 1 or ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError(f"p has shape {p.shape}; expected (n,), each 0 to 1")
    adjusted = np.full(p.shape, np.nan)
    order = np.flatnonzero(known)[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted

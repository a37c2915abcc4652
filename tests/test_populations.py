"""Comparisons of populations of encoders: how often they are wrong, and known answers."""

import numpy as np
import pytest
from scipy import stats

from w2v_jax.scores import Bootstrap, apart, benjamini_hochberg, compare
from w2v_jax.scores.bootstrap import mean_score
from w2v_jax.scores.populations import interval

FEW = Bootstrap(resamples=60)


def scores_of(values, rng, *, noise=0.02):
    """A score per value, of the same 40 sounds."""
    return [mean_score(value + noise * rng.normal(size=40), bootstrap=FEW) for value in values]


def rate(first, second, *, difference=0.0, runs=300, **options):
    """How often two populations of so many members are told apart at 5%."""
    rng = np.random.default_rng(0)
    told_apart = 0
    for _ in range(runs):
        one = scores_of(difference + rng.normal(0, 0.05, first), rng)
        other = scores_of(rng.normal(0, 0.05, second), rng)
        told_apart += compare(one, other, **options).p < 0.05
    return told_apart / runs


@pytest.mark.parametrize(("first", "second"), [(1, 10), (3, 10), (3, 3)])
def test_populations_that_are_alike_are_rarely_told_apart(first, second):
    assert rate(first, second) < 0.08


@pytest.mark.parametrize(("first", "second"), [(1, 10), (3, 10)])
def test_populations_that_differ_are(first, second):
    assert rate(first, second, difference=0.5) > 0.9


def test_one_against_one_speaks_of_other_sounds_only():
    rng = np.random.default_rng(1)
    (first,), (second,) = scores_of([0.5], rng), scores_of([0.6], rng)
    assert compare([first], [second]).p < 0.01
    assert compare([first], [first]) == compare([second], [second])
    assert compare([first], [first]).p == 1


def test_two_populations_are_compared_as_welch_does():
    values = [0.5, 0.6, 0.55], [0.3, 0.35, 0.2, 0.32]
    first, second = ([mean_score([each] * 30, bootstrap=FEW) for each in several] for several in values)
    expected = stats.ttest_ind(*values, equal_var=False)
    assert compare(first, second).p == pytest.approx(expected.pvalue, rel=1e-6)
    fixed = compare(first, second[:1], second_is="fixed")
    assert fixed.p == pytest.approx(stats.ttest_1samp(values[0], 0.3).pvalue, rel=1e-6)


def test_scores_of_other_units_are_not_compared():
    first, second = mean_score(np.arange(4.0), bootstrap=FEW), mean_score(np.arange(5.0), bootstrap=FEW)
    with pytest.raises(ValueError, match="other units"):
        compare([first], [second])
    with pytest.raises(ValueError, match="at least one"):
        compare([], [first])


def test_false_discoveries_are_adjusted_as_scipy_does():
    p = np.random.default_rng(2).uniform(size=50) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    with_gap = benjamini_hochberg([*p, np.nan])
    np.testing.assert_allclose(with_gap[:-1], benjamini_hochberg(p))
    assert np.isnan(with_gap[-1])
    with pytest.raises(ValueError, match="each 0 to 1"):
        benjamini_hochberg([1.5])


def test_apart_is_all_against_all():
    rng = np.random.default_rng(3)
    low, high = scores_of([0.1, 0.2], rng, noise=0), scores_of([0.3, 0.4], rng, noise=0)
    assert apart(low, high)
    assert apart(high, low)
    assert not apart([low[0], high[1]], [low[1]])


@pytest.mark.parametrize("units", [6, 8])
def test_an_interval_of_few_units_holds_the_truth_as_often_as_it_says(units):
    rng = np.random.default_rng(4)
    means = [mean_score(rng.normal(size=units), bootstrap=Bootstrap(resamples=200)) for _ in range(400)]
    assert 0.92 < np.mean([score.low < 0 < score.high for score in means]) < 0.98


def test_interval_of_trainings_is_students():
    rng = np.random.default_rng(5)
    scores = scores_of([0.65, 0.56, 0.62], rng, noise=0)
    expected = stats.t.interval(0.95, 2, np.mean([0.65, 0.56, 0.62]), stats.sem([0.65, 0.56, 0.62]))
    assert interval(scores) == pytest.approx(expected)
    assert np.isnan(interval(scores[:1])).all()

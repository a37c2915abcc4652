"""`scores.cka`: known answers, and an interval as wide as other draws of sounds make it."""

import numpy as np
import pytest

from w2v_jax import scores, similarity
from w2v_jax.scores import Bootstrap, UndefinedScoreError, kernel_alignment

QUICK = Bootstrap(resamples=100)


def normal(num_sounds, channels, *, seed):
    return np.random.default_rng(seed).normal(size=(num_sounds, channels))


def half_shared(num_sounds, *, seed, channels=10):
    """Two feature sets with half of their channels in common: by its definition their CKA is 1/2."""
    shared, own, others = np.random.default_rng(seed).normal(size=(3, num_sounds, channels))
    return np.concatenate([shared, own], axis=1), np.concatenate([shared, others], axis=1)


def test_rotated_features_are_the_same():
    features = normal(60, 8, seed=0)
    rotation, _ = np.linalg.qr(normal(8, 8, seed=1))
    score = scores.cka(features, 7 * features @ rotation + 3, bootstrap=QUICK)
    assert (score.value, score.low, score.high) == pytest.approx((1, 1, 1), abs=1e-6)
    assert score.high <= 1
    assert score.units == 60


def test_independent_features_have_nothing_in_common():
    score = scores.cka(normal(100, 80, seed=0), normal(100, 90, seed=1), bootstrap=QUICK)
    assert score.low < 0 < score.high
    assert score.value == pytest.approx(0, abs=0.05)


def test_half_shared_features_are_half_alike():
    a, b = half_shared(400, seed=0)
    score = scores.cka(a, b)
    assert score.low < 0.5 < score.high
    assert score.value == pytest.approx(float(similarity.debiased_linear_cka(a, b)))


def test_interval_is_as_wide_as_other_sounds_make_it():
    several = [scores.cka(*half_shared(80, seed=seed), bootstrap=QUICK) for seed in range(80)]
    between_draws = np.std([score.value for score in several])
    within_one = np.mean([np.std(score.replicates) for score in several])
    assert within_one == pytest.approx(between_draws, rel=0.3)
    assert np.mean([score.low < 0.5 < score.high for score in several]) > 0.85


def test_interval_of_many_sounds_is_that_of_all(monkeypatch):
    a, b = half_shared(600, seed=0)
    of_all = scores.cka(a, b)
    monkeypatch.setattr(kernel_alignment, "MAX_SOUNDS", 150)
    of_some = scores.cka(a, b)
    assert of_some.value == of_all.value
    assert of_some.units == 600
    assert of_some.high - of_some.low == pytest.approx(of_all.high - of_all.low, rel=0.3)


def test_sounds_of_a_group_are_drawn_together():
    a, b = (np.repeat(each, 5, axis=0) for each in half_shared(60, seed=0))
    a, b = (each + 0.5 * normal(*each.shape, seed=seed) for seed, each in enumerate((a, b)))
    alone = scores.cka(a, b)
    grouped = scores.cka(a, b, groups=np.repeat([f"vowel {i}" for i in range(60)], 5))
    assert grouped.units == 60
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_scores_of_the_same_sounds_can_be_compared():
    a, b = half_shared(100, seed=0)
    assert scores.beats(scores.cka(a, a), scores.cka(a, b))
    assert not scores.beats(scores.cka(a, b), scores.cka(b, a))


@pytest.mark.parametrize(
    ("a", "b", "groups", "message"),
    [
        (np.eye(6), np.eye(6), None, "half of the 6 units has 3 sounds; expected at least 4"),
        (np.ones((20, 3)), normal(20, 3, seed=0), None, "a is the same for all 20 sounds"),
        (normal(20, 3, seed=0), np.full((20, 3), np.nan), None, "b has values that are not finite"),
        (normal(1100, 3, seed=0), normal(1100, 3, seed=1), np.arange(1100) // 1000, "expected at least 2 units"),
    ],
)
def test_undefined_scores_say_why(a, b, groups, message):
    with pytest.raises(UndefinedScoreError, match=message):
        scores.cka(a, b, groups=groups)


@pytest.mark.parametrize(
    ("a", "b", "groups", "message"),
    [
        (np.ones(4), np.ones((4, 2)), None, "a has shape"),
        (np.ones((9, 2)), np.ones((8, 2)), None, "a has 9 rows and b has 8"),
        (np.ones((9, 2)), np.ones((9, 2)), np.ones(8), "groups has shape"),
    ],
)
def test_wrong_arguments_are_named(a, b, groups, message):
    with pytest.raises(ValueError, match=message):
        scores.cka(a, b, groups=groups)

"""RSA in several metrics, probes at held-out ranges, and ABX, of made-up features whose answer is known."""

import numpy as np
import pytest

from experiments.claims import designs
from w2v_jax import scores
from w2v_jax.scores import Bootstrap, UndefinedScoreError
from w2v_jax.scores.parameter_metrics import VOWEL_METRICS
from w2v_jax.scores.representational_similarity import BEST

QUICK = Bootstrap(resamples=60)
VOWELS = designs.vowels("vowels", np.linspace(101, 223, 13), np.linspace(235, 850, 13), np.linspace(595, 2400, 13))
POINTS = {name: values.astype(float) for name, values in VOWELS.points().items()}


def flat_map(*columns):
    """Features whose cosine distances have the order of distances in `columns`: a small patch of a sphere."""
    columns = np.stack([each - each.mean() for each in columns], axis=1)
    return np.concatenate([columns / np.ptp(columns), np.full((len(columns), 1), 1000.0)], axis=1)


def spanned(name):
    return POINTS[name] / np.ptp(POINTS[name])


def profile(features, **options):
    return scores.rsa_profile(features, POINTS, units=POINTS["f0"], bootstrap=QUICK, **options)


@pytest.mark.parametrize("metric", VOWEL_METRICS)
def test_a_map_in_one_metric_scores_one_in_it_and_less_in_others(metric):
    by_metric = profile(flat_map(*VOWEL_METRICS[metric](POINTS).values())).by_metric
    assert by_metric[metric].value == pytest.approx(1, abs=1e-3)
    assert all(score.value < 0.995 for name, score in by_metric.items() if name not in (metric, BEST))
    assert by_metric["span"].units == 13  # f0


def test_a_rescaled_axis_is_found_by_the_best_weights_only():
    by_metric = profile(flat_map(3 * spanned("f0"), spanned("f1"), spanned("f2"))).by_metric
    assert by_metric["span"].value < 0.85
    assert by_metric[BEST].value > 0.98


def test_features_of_one_axis_only():
    rsa = profile(flat_map(spanned("f0")))
    assert rsa.marginal["f0"].value == pytest.approx(1, abs=1e-3)
    assert rsa.partial["f0"].value > 0.99
    assert abs(rsa.marginal["f1"].value) < 0.1
    assert rsa.by_metric[BEST].value > 0.98
    assert rsa.by_metric["Hz"].value < 0.3  # where f2 outweighs it


def test_shuffled_rows_are_at_chance():
    features = np.random.default_rng(0).permutation(flat_map(*map(spanned, POINTS)))
    rsa = profile(features)
    for score in (*rsa.by_metric.values(), *rsa.marginal.values(), *rsa.partial.values()):
        assert abs(score.value) < 0.1
        assert score.low - 0.03 < 0 < score.high + 0.03


def test_partial_correlation_is_what_the_other_parameters_do_not_explain():
    # f0 and f1 rise together; the features follow f1 only.
    rng = np.random.default_rng(1)
    f1 = rng.uniform(200, 900, 120)
    f0 = 100 + f1 / 6 + rng.normal(0, 20, 120)
    rsa = scores.rsa_profile(flat_map(f1), {"f0": f0, "f1": f1}, bootstrap=QUICK)
    assert rsa.marginal["f0"].value > 0.5
    assert abs(rsa.partial["f0"].value) < 0.1
    assert rsa.partial["f1"].value > 0.95


def block(features, name="f0", **options):
    return scores.block_decodability(features, POINTS[name], bootstrap=QUICK, **options)


def test_a_linear_map_is_read_at_values_that_were_held_out():
    for name in POINTS:
        linearity = block(flat_map(*map(spanned, POINTS)), name, noise=0)
        assert min(linearity.all.value, linearity.interpolation.value, linearity.extrapolation.value) > 0.999
        assert linearity.all.units == len(np.unique(POINTS[name]))
        assert linearity.interpolation.units + linearity.extrapolation.units == linearity.all.units


def test_a_code_for_five_ranges_is_read_between_them_and_not_inside_them():
    values = np.repeat(np.arange(25.0), 8)
    coarse = scores.block_decodability(np.floor(values / 5)[:, None] * [1.0, 2.0], values, bootstrap=QUICK)
    assert coarse.interpolation.value > 0.8
    assert coarse.within.value < 0.05
    fine = scores.block_decodability(values[:, None] * [1.0, 2.0], values, noise=0.0, bootstrap=QUICK)
    assert fine.within.value == pytest.approx(1, abs=1e-6)
    assert fine.within.units == 15
    of_five = scores.block_decodability(np.floor(values / 5)[:, None], np.floor(values / 5), bootstrap=QUICK)
    assert of_five.within is None


def test_a_code_for_each_value_is_read_with_random_folds_only():
    _, value = np.unique(POINTS["f0"], return_inverse=True)
    features = np.eye(13)[value] + 0.01 * np.random.default_rng(2).normal(size=(len(VOWELS), 13))
    assert scores.decodability(features, {"f0": POINTS["f0"]}, bootstrap=QUICK)["f0"].value > 0.99
    assert block(features, noise=0).all.value < 0.1


def test_noise_hides_what_is_faint():
    rng = np.random.default_rng(3)
    faint = np.concatenate([1e-2 * spanned("f0")[:, None], rng.normal(size=(len(VOWELS), 5))], axis=1)
    assert block(faint, noise=0).interpolation.value > 0.99
    assert block(faint, noise=0.1).interpolation.value < 0.1
    assert block(np.random.default_rng(4).permutation(faint), noise=0.1).all.value < 0.05


def test_probes_say_what_is_missing():
    features = flat_map(spanned("f0"))
    with pytest.raises(UndefinedScoreError, match="2 distinct ones; expected at least 5"):
        scores.block_decodability(features, POINTS["f0"] > 150)
    with pytest.raises(ValueError, match="blocks is 2"):
        block(features, blocks=2)
    with pytest.raises(ValueError, match="noise is -1"):
        block(features, noise=-1)


def abx_grid(kinds=5, contexts=8):
    kind, context = np.indices((kinds, contexts)).reshape(2, -1)
    return kind, context


@pytest.mark.parametrize(("kind_weight", "context_weight", "expected"), [(1, 0.1, 1), (0, 1, 0.5), (0.1, 1, None)])
def test_abx_of_two_axes(kind_weight, context_weight, expected):
    kind, context = abx_grid()
    rng = np.random.default_rng(5)
    features = np.concatenate(
        [kind_weight * np.eye(5)[kind], context_weight * rng.normal(size=(8, 6))[context]], axis=1
    )
    score = scores.abx(features, kind, context, bootstrap=QUICK)
    if expected is None:
        assert 0.5 < score.value <= 1
    else:
        assert score.value == pytest.approx(expected)
    assert score.units == 8


def test_abx_of_random_features_is_chance_and_by_keeps_groups_apart():
    kind, context = abx_grid(12, 12)
    features = np.random.default_rng(6).normal(size=(144, 20))
    score = scores.abx(features, kind, context, bootstrap=QUICK)
    assert score.value == pytest.approx(0.5, abs=0.05)
    assert score.low < 0.5 < score.high
    # In one group every triple is right, in the other kinds are swapped from context to context.
    kind, context = abx_grid(2, 4)
    right = np.eye(2)[kind]
    swapped = np.eye(2)[(kind + context) % 2]
    features, by = np.concatenate([right, swapped]), np.repeat([0, 1], 8)
    both = scores.abx(features, np.tile(kind, 2), np.tile(context, 2), by=by, bootstrap=QUICK)
    alone = scores.abx(swapped, kind, context, bootstrap=QUICK)
    assert both.value == pytest.approx((1 + alone.value) / 2)


def test_abx_says_what_is_missing():
    kind, context = abx_grid(2, 4)
    with pytest.raises(UndefinedScoreError, match="1 kinds in 4 contexts"):
        scores.abx(np.eye(4), np.zeros(4), np.arange(4))
    with pytest.raises(ValueError, match="expected once"):
        scores.abx(np.eye(16), np.tile(kind, 2), np.tile(context, 2))


def test_neighbours_within_groups_are_of_the_group():
    label = np.repeat(np.arange(4), 30)
    angle = np.tile(np.linspace(0, 1, 30), 4)
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(label % 2 == 0, 1, -1)[:, None]
    assert scores.neighbour_overlap(features, {"a": angle}, count=2, within=label, bootstrap=QUICK).value == 1
    assert scores.neighbour_chance({"a": angle}, count=2, within=label) == pytest.approx(2 / 29)


def test_an_orthogonal_array_is_balanced():
    indices = designs.orthogonal_indices(23)
    assert len(indices) == 529
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert len(np.unique(indices[:, [i, j]], axis=0)) == 529
    assert (VOWELS.points()["f1"] < VOWELS.points()["f2"]).all()
    with pytest.raises(ValueError, match="expected a prime"):
        designs.orthogonal_indices(24)

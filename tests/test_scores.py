"""Scores of made-up features whose answer is known."""

import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from w2v_jax import scales, scores
from w2v_jax.scores import Bootstrap, UndefinedScoreError, bootstrap, decoding
from w2v_jax.scores.frequency_scale import SCALES

QUICK = Bootstrap(resamples=100)
FEW = Bootstrap(resamples=20)


def grid(*lengths):
    """Parameters a, b, ... of a grid, row by row, each with its own unit."""
    rows = np.indices(lengths).reshape(len(lengths), -1)
    return {name: 100.0 + 7.0 * row for name, row in zip("abc", rows, strict=False)}


def flat_map(parameters):
    """Features whose cosine distances have the order of the parameter distances: a small patch of a sphere."""
    columns = [(each - each.mean()) / np.ptp(each) for each in parameters.values()]
    return np.stack([*columns, np.full(len(columns[0]), 1000.0)], axis=1)


def turned_and_scaled(features, seed=0):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(features.shape[1], features.shape[1])))
    return features @ rotation * rng.uniform(0.1, 10, size=(len(features), 1))


def all_scores(features, parameters):
    """Every score that takes points and parameters."""
    by_name = {
        "rsa": scores.rsa(features, parameters, bootstrap=QUICK),
        "neighbours": scores.neighbour_overlap(features, parameters, count=4, bootstrap=QUICK),
        "monotonicity": scores.monotonicity(features, parameters, "a", bootstrap=QUICK),
    }
    return {name: (score.low, score.value, score.high) for name, score in by_name.items()}


def test_an_ideal_grid_scores_one():
    parameters = grid(7, 6)
    # The far corners of a patch are not exactly as far as on the plane, so ranks of near-ties may swap.
    for low, value, high in all_scores(flat_map(parameters), parameters).values():
        assert (low, value, high) == pytest.approx((1, 1, 1), abs=1e-3)
    for score in scores.decodability(flat_map(parameters), parameters, bootstrap=QUICK).values():
        assert score.value > 0.9999


def test_shuffled_rows_score_chance():
    parameters = grid(10, 9)
    features = np.random.default_rng(1).permutation(flat_map(parameters))
    intervals = all_scores(features, parameters)
    chance = {"rsa": 0, "monotonicity": 1 / 3, "neighbours": 5.1 / 89}
    for name, (low, _, high) in intervals.items():
        assert low - 0.02 <= chance[name] <= high + 0.02, name
    for score in scores.decodability(features, parameters, bootstrap=QUICK).values():
        assert score.low < 0.02


def test_features_that_know_one_parameter_only():
    parameters = grid(8, 8)
    features = flat_map({"a": parameters["a"]})
    alone = scores.rsa(features, {"a": parameters["a"]}, bootstrap=QUICK)
    both = scores.rsa(features, parameters, bootstrap=QUICK)
    assert alone.value == pytest.approx(1, abs=1e-6)
    assert both.high < 0.9
    assert scores.monotonicity(features, parameters, "a", bootstrap=QUICK).value == 1
    assert scores.monotonicity(features, parameters, "b", bootstrap=QUICK).value == 0  # ties are in no order
    read = scores.decodability(features, parameters, bootstrap=QUICK)
    assert read["a"].value > 0.9999
    assert read["b"].high < 0.05


def test_scores_do_not_depend_on_rotation_or_length():
    rng = np.random.default_rng(2)
    parameters = grid(5, 5)
    features = rng.normal(size=(25, 6))
    before, after = all_scores(features, parameters), all_scores(turned_and_scaled(features), parameters)
    for name in before:
        assert before[name] == pytest.approx(after[name], abs=1e-6), name


def test_geometry_is_spearmans_correlation_and_its_replicates_too():
    rng = np.random.default_rng(3)
    parameters = grid(5, 5)  # with ties
    features = rng.normal(size=(25, 4)) + flat_map(parameters)[:, :2] @ rng.normal(size=(2, 4)) * 2
    score = scores.rsa(features, parameters, bootstrap=FEW)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    place = np.stack(list(parameters.values()), axis=1) / 28
    first, second = np.triu_indices(25, 1)

    ranks = []
    for distances in (np.round(1 - unit @ unit.T, 12), np.linalg.norm(place[:, None] - place[None], axis=-1).round(6)):
        square = np.zeros((25, 25))
        square[first, second] = stats.rankdata(distances[first, second])
        ranks.append(square + square.T)
    assert score.value == pytest.approx(stats.spearmanr(*(each[first, second] for each in ranks)).statistic, abs=1e-9)
    for count, replicate in zip(FEW.counts(25), score.replicates, strict=True):
        # Pairs of different points only, each as often as it was drawn, with the ranks they have among all pairs.
        points = np.repeat(np.arange(25), count)
        i, j = np.array([(i, j) for i, j in itertools.combinations(points, 2) if i != j]).T
        assert replicate == pytest.approx(np.corrcoef(*(each[i, j] for each in ranks))[0, 1], abs=1e-9)


def test_geometry_within_groups_and_of_many_points():
    parameters = grid(4, 6, 6)
    features = flat_map({name: parameters[name] for name in "bc"})
    # Between the groups everything is turned around; within them it is ideal.
    features[:, :2] *= np.where(parameters["a"] % 2 == 0, 1, -1)[:, None]
    inside = {name: parameters[name] for name in "bc"}
    assert scores.rsa(features, inside, within=parameters["a"], bootstrap=QUICK).value > 0.999
    assert scores.rsa(features, inside, bootstrap=QUICK).value < 0.6
    some = scores.rsa(features, inside, within=parameters["a"], max_points=60, bootstrap=QUICK)
    assert some.units == 60
    assert some.value > 0.999


def test_neighbours_share_the_places_of_ties():
    parameters = grid(4, 4)
    blind = np.ones((16, 3))  # all alike: every point is equally near, so the share is chance
    score = scores.neighbour_overlap(blind, parameters, count=2, bootstrap=QUICK)
    # A corner's two nearest are its neighbours; an edge has three equally near, the inside four.
    sizes = np.array([[2, 3, 3, 2], [3, 4, 4, 3], [3, 4, 4, 3], [2, 3, 3, 2]])
    assert score.value == pytest.approx(np.mean(sizes) / 15)


def test_decoding_is_ridge_regression_with_its_penalty_chosen_inside():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(32, 50)) * rng.uniform(0.1, 3, 50) + 5
    fold = rng.permutation(np.repeat(np.arange(4), 8))
    targets = features[:, :2] + rng.normal(size=(32, 2)) * [0.1, 3]
    predicted = decoding._held_out_predictions(features, targets, fold)

    values = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    penalties = np.array(decoding.PENALTIES) * np.square(values[values > 1e-9]).mean()
    chosen = set()
    for held_out in range(4):
        others = fold != held_out
        errors = np.zeros((len(penalties), 2))
        for index, inner in itertools.product(range(len(penalties)), {0, 1, 2, 3} - {held_out}):
            model = Ridge(alpha=penalties[index]).fit(
                features[others & (fold != inner)], targets[others & (fold != inner)]
            )
            errors[index] += np.square(model.predict(features[fold == inner]) - targets[fold == inner]).sum(axis=0)
        for column, best in enumerate(errors.argmin(axis=0)):
            chosen.add(int(best))
            model = Ridge(alpha=penalties[best]).fit(features[others], targets[others, column])
            np.testing.assert_allclose(predicted[~others, column], model.predict(features[~others]), atol=1e-6)
    assert len(chosen) > 1


def test_decoding_of_many_points_takes_some():
    parameters = grid(10, 10)
    some = scores.decodability(flat_map(parameters), parameters, max_points=40, bootstrap=QUICK)["a"]
    assert some.units == 40
    assert some.value > 0.999


def test_decoding_across_groups_sees_what_within_groups_hides():
    rng = np.random.default_rng(5)
    parameters = grid(6, 8)
    # Every value of a has its own way of writing b, of which the others know nothing.
    code = np.eye(6, 12)
    group = ((parameters["a"] - 100) / 7).astype(int)
    size = (parameters["b"] - parameters["b"].mean()) / 20
    features = code[group] * size[:, None] + 0.01 * rng.normal(size=(48, 12))
    alike = scores.decodability(features, {"b": parameters["b"]}, bootstrap=QUICK)["b"]
    across = scores.decodability(features, {"b": parameters["b"]}, groups=group, bootstrap=QUICK)["b"]
    assert alike.value > 0.95
    assert across.value < 0.2
    assert across.units == 6


def test_learned_scale_is_explained_by_the_scale_it_was_made_from():
    frequency = np.linspace(20, 7900, 150)
    angle = np.cumsum(np.sqrt(np.diff(scales.mel(frequency), prepend=0))) / 100  # 1 - cos grows with the square
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fits = {name: scores.scale_fit(features, frequency, scale, bootstrap=QUICK) for name, scale in SCALES.items()}
    assert fits["Mel"].value > 0.9999
    assert max(fits, key=lambda name: fits[name].value) == "Mel"
    assert scores.beats(fits["Mel"], fits["Hz"])
    assert fits["Hz"].low < fits["Hz"].value < fits["Hz"].high < 0.99


def test_burst_separation_is_the_area_under_the_curve():
    rng = np.random.default_rng(6)
    overlaps = np.arange(30) % 5 == 0
    nearness = np.round(rng.normal(size=(7, 30)) + overlaps, 1)
    score = scores.burst_separation(nearness, overlaps, bootstrap=QUICK)
    assert score.value == pytest.approx(np.mean([roc_auc_score(overlaps, each) for each in nearness]))
    assert scores.burst_separation(np.tile(overlaps, (3, 1)), overlaps, bootstrap=QUICK).low == 1
    assert scores.burst_separation(np.ones((3, 30)), overlaps, bootstrap=QUICK).value == 0.5


def test_invariance_absolute_and_relative():
    condition = np.repeat(np.arange(5), 3)
    is_reference = np.tile([True, False, False], 5)
    sounds = np.repeat(np.eye(5), 3, axis=0)
    for score in (scores.invariance, scores.relative_invariance):
        assert score(sounds, condition, is_reference, bootstrap=QUICK).low == pytest.approx(1)
    # Variants as far from their reference as another sound is.
    moved = np.where(is_reference[:, None], sounds, np.roll(sounds, 1, axis=1))
    assert scores.invariance(moved, condition, is_reference, bootstrap=QUICK).value == pytest.approx(0)
    assert scores.relative_invariance(moved, condition, is_reference, bootstrap=QUICK).value == pytest.approx(0)
    # What all have in common brings cosines near 1, and leaves the relative score.
    common = np.concatenate([moved, np.full((15, 1), 20.0)], axis=1)
    assert scores.invariance(common, condition, is_reference, bootstrap=QUICK).value > 0.99
    assert scores.relative_invariance(common, condition, is_reference, bootstrap=QUICK).value == pytest.approx(0)


def test_intervals_cover():
    rng = np.random.default_rng(7)
    inside = 0
    for seed in range(200):
        score = bootstrap.mean_score(rng.normal(size=60), bootstrap=Bootstrap(resamples=200, seed=seed))
        inside += score.low <= 0 <= score.high
    assert 0.9 <= inside / 200 <= 0.985


def test_geometry_interval_covers_what_more_points_would_show():
    rng = np.random.default_rng(8)

    def sample(points):
        parameters = {"a": rng.uniform(size=points), "b": rng.uniform(size=points)}
        place = np.stack(list(parameters.values()), axis=1) + 0.25 * rng.normal(size=(points, 2))
        return np.c_[place - 0.5, np.full(points, 1000.0)], parameters

    truth = np.mean([scores.rsa(*sample(400), bootstrap=FEW).value for _ in range(8)])
    several = [scores.rsa(*sample(50), bootstrap=QUICK) for _ in range(60)]
    inside = np.mean([score.low <= truth <= score.high for score in several])
    assert inside >= 0.85


def test_differences_are_taken_draw_by_draw():
    rng = np.random.default_rng(9)
    hard = rng.normal(size=50) * 10  # sounds differ far more than encoders do
    first = bootstrap.mean_score(hard + 0.5 + 0.1 * rng.normal(size=50), bootstrap=QUICK)
    second = bootstrap.mean_score(hard, bootstrap=QUICK)
    assert first.low < second.high
    assert scores.beats(first, second)
    assert not scores.beats(second, first)
    assert not scores.beats(first, first)
    with pytest.raises(ValueError, match="expected the same in both"):
        scores.difference(first, bootstrap.mean_score(hard[:40], bootstrap=QUICK))


def test_seeds_make_intervals_repeatable():
    parameters = grid(4, 4)
    features = np.random.default_rng(10).normal(size=(16, 3))
    first, again = (scores.rsa(features, parameters, bootstrap=QUICK) for _ in range(2))
    other = scores.rsa(features, parameters, bootstrap=Bootstrap(resamples=100, seed=1))
    np.testing.assert_array_equal(first.replicates, again.replicates)
    assert other.value == first.value
    assert other.low != first.low


A_GRID = grid(4, 4)
FEATURES = flat_map(A_GRID)
WITH_ZEROS = FEATURES * (np.arange(16) != 3)[:, None]
CONSTANT = {"a": np.full(16, 3.0)}


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lambda: scores.rsa(WITH_ZEROS, A_GRID), r"a vector of zeros \(at \[3\]\)"),
        (lambda: scores.rsa(FEATURES, CONSTANT), "parameter 'a' is 3.0 for all points"),
        (lambda: scores.rsa(FEATURES[:3], {"a": np.arange(3)}), "3 points; expected at least 4"),
        (lambda: scores.rsa(np.ones((16, 3)), A_GRID), "all pairs of points are equally far apart"),
        (lambda: scores.rsa(FEATURES * np.nan, A_GRID), "not finite"),
        (lambda: scores.neighbour_overlap(WITH_ZEROS, A_GRID), "a vector of zeros"),
        (lambda: scores.neighbour_overlap(FEATURES[:11], {"a": np.arange(11)}), "11 points; expected more than 11"),
        (lambda: scores.monotonicity(FEATURES, {"a": np.arange(16)}, "a"), "1 unit to draw from"),
        (lambda: scores.monotonicity(FEATURES, grid(2, 8), "a"), "2 different values"),
        (lambda: scores.decodability(FEATURES, CONSTANT), "parameter 'a' is 3.0 for all points"),
        (lambda: scores.decodability(np.ones((16, 3)), A_GRID), "features are the same"),
        (lambda: scores.decodability(FEATURES, A_GRID, groups=np.arange(16) < 8), r"folds of \[8, 8\]"),
        (lambda: scores.scale_fit(np.ones((9, 2)), np.arange(1, 10), scales.mel), "the same for all tones"),
        (lambda: scores.scale_fit(FEATURES[:3], [1, 2, 3], scales.mel), "3 tones; expected at least 4"),
        (lambda: scores.burst_separation(np.ones((3, 4)), np.ones(4)), "4 frames see the burst and 0 do not"),
        (lambda: scores.steadiness([1.0, np.nan]), "1 of 2 sounds have a vector of zeros for a frame"),
        (lambda: scores.burst_separation([[1, 2], [3, np.nan]], [True, False]), "1 of 2 sounds have a vector of zeros"),
        (lambda: scores.invariance(FEATURES, np.arange(16), np.ones(16)), "no variants"),
        (lambda: scores.relative_invariance(np.ones((4, 2)), [0, 0, 1, 1], [1, 0, 1, 0]), "the score is nan"),
    ],
)
def test_what_is_undefined_is_said(score, message):
    with pytest.raises(UndefinedScoreError, match=message):
        score()


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lambda: scores.rsa(FEATURES, {}), "parameters is empty"),
        (lambda: scores.rsa(FEATURES, {"a": np.arange(5)}), r"shape \(5,\); expected \(16,\)"),
        (lambda: scores.monotonicity(FEATURES, A_GRID, "z"), "axis is 'z'; expected one of"),
        (lambda: scores.invariance(FEATURES, np.arange(16) // 2, np.ones(16)), "condition 0 has 2 references"),
        (lambda: Bootstrap(resamples=3), "resamples is 3"),
        (lambda: Bootstrap(level=95), "level is 95"),
    ],
)
def test_what_is_wrong_is_said(score, message):
    with pytest.raises(ValueError, match=message):
        score()


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r"pip install 'w2v_jax\[experiments\]'"):
        scores.decodability(FEATURES, A_GRID, bootstrap=FEW)


def test_importing_the_scores_needs_the_core_only():
    blocked = ("scipy.stats", "sklearn", "threadpoolctl", "matplotlib", "tqdm")
    program = f"import sys\nfor name in {blocked}: sys.modules[name] = None\nimport w2v_jax.scores, w2v_jax.tuning"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=pathlib.Path(__file__).parent.parent)

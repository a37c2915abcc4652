"""Scores of maps whose answer is known, and sklearn's next to ours."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as of_sklearn
from sklearn.metrics import pairwise_distances

from w2v_jax import scores
from w2v_jax.scores import Bootstrap, UndefinedScoreError

RNG = np.random.default_rng(0)
PLACES = RNG.uniform(-1, 1, size=(120, 2))
# A small patch of a sphere: cosine distances have the order of the distances on it.
PATCH = np.concatenate([PLACES, np.full((120, 1), 1e4)], axis=1)
MAPS = (scores.trustworthiness, scores.continuity)


def both(features, positions, **options):
    return [score(features, positions, bootstrap=Bootstrap(resamples=20), **options).value for score in MAPS]


def test_an_ideal_map_scores_one():
    assert both(PATCH, PLACES) == pytest.approx([1, 1])
    # Ties are nobody's fault: on a grid many points are equally far.
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    assert both(np.concatenate([grid, np.full((72, 1), 1e5)], axis=1), grid, count=4) == pytest.approx([1, 1], abs=1e-3)


def test_shuffled_rows_score_chance():
    tries = [both(PATCH, PLACES[RNG.permutation(120)]) for _ in range(20)]
    assert np.mean(tries, axis=0) == pytest.approx([scores.shuffled_maps_score(120)] * 2, abs=0.02)
    assert scores.shuffled_maps_score(120) == pytest.approx(0.5, abs=0.02)


def test_the_worst_map_scores_zero():
    """Each point next to the one that is opposite to it in the features."""
    opposites = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    assert scores.trustworthiness(opposites, [[0.0], [1.0], [5.0], [6.0]], count=1).value == 0


def test_ties_by_hand():
    """The second point's neighbours are equally far in the features, and the third's are on the map."""
    angle = np.array([0.0, 0.1, 0.2])
    on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert scores.trustworthiness(on_an_arc, [[0.0], [2.0], [1.0]], count=1).value == pytest.approx(1 - (1 + 0.5) / 3)


@pytest.mark.parametrize("count", [1, 10, 40])
def test_sklearn_agrees_and_continuity_swaps_the_spaces(count):
    features, positions = RNG.normal(size=(120, 7)), RNG.normal(size=(120, 2))
    positions[:, 0] += features[:, 0]
    in_features, on_the_map = pairwise_distances(features, metric="cosine"), pairwise_distances(positions)
    expected = of_sklearn(in_features, positions, n_neighbors=count, metric="precomputed")
    assert scores.trustworthiness(features, positions, count=count).value == pytest.approx(expected, abs=1e-6)
    # sklearn takes the second space as positions: the rows of an isometric picture of the cosine distances.
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = of_sklearn(on_the_map, unit, n_neighbors=count, metric="precomputed")
    assert scores.continuity(features, positions, count=count).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("score", MAPS)
@pytest.mark.parametrize(
    ("features", "positions", "message"),
    [
        (PATCH[:20], PLACES[:20], "20 points; expected more than 20"),
        (np.ones((30, 3)), PLACES[:30], "equally far apart"),
        (PATCH[:30], np.ones((30, 2)), "equally far apart"),
        (np.zeros((30, 3)), PLACES[:30], "a vector of zeros"),
        (PATCH[:30], np.full((30, 2), np.nan), "positions has values that are not finite"),
    ],
)
def test_undefined(score, features, positions, message):
    with pytest.raises(UndefinedScoreError, match=message):
        score(features, positions)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"positions has shape \(3, 2\); expected \(120, 2\)"):
        scores.trustworthiness(PATCH, PLACES[:3])
    with pytest.raises(ValueError, match="count is 0"):
        scores.continuity(PATCH, PLACES, count=0)

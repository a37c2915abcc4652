"""Maps: how far may one trust a picture of the features, whatever it looks like?"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions, members
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, mean_score
from w2v_jax.scores.requirements import scipy_stats

_ROWS_PER_BLOCK = 512

# The distances of some rows to all points, (rows, n).
_Space = Callable[[np.ndarray], np.ndarray]


def trustworthiness(
    features: npt.ArrayLike,
    positions: npt.ArrayLike,
    *,
    count: int = 10,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Whether the neighbours that a map shows are neighbours in the features.

    With k = `count`, N(i) the k points nearest to i on the map, and r(i, j) the rank of j among all others by its
    distance from i in the features (1 is the nearest):

        T = 1 - 2 / (n k (2n - 3k - 1)) * sum over i, and over j in N(i), of max(0, r(i, j) - k)

    That is Venna and Kaski's formula (Neighborhood preservation in nonlinear projection methods, ICANN 2001, pp.
    485-491), in which those of N(i) that are among the k nearest in the features, too, count for nothing. Points that
    are equally far in the features all have the lowest of their ranks, so that no map is blamed for an order that is
    not there; on the map, such points share the places that are left. What is drawn again is the point with its share
    of the sum, as in `neighbour_overlap`.

    Positions in random order give 1 - (n - k) (n - k - 1) / ((n - 1) (2n - 3k - 1)) on average, a little more than 0.5
    (`shuffled_maps_score`). It says nothing of far order, nor of neighbours that the map tears apart (`continuity`),
    nor of whether the features are right: a true picture of features that know nothing scores 1, too.

    Args:
        features: (n, d), compared by cosine distance, in blocks of rows.
        positions: (n, 2) on the map (or more dimensions), compared by Euclidean distance.
        count: neighbours of a point, fewer than n / 2.
        bootstrap: how the interval is made.

    Returns:
        0 to 1: 1 where every neighbour on the map is one in the features.

    Raises:
        UndefinedScoreError: vectors of zeros, values that are not finite, not more than 2 `count` points, or all points
            equally far apart.

    Examples:
        >>> angle = np.linspace(0, 1, 30)
        >>> on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> trustworthiness(on_an_arc, on_an_arc, count=4).value
        1.0
        >>> folded = np.abs(angle - 0.5)[:, None]  # both ends of the arc in one place
        >>> f"{trustworthiness(on_an_arc, folded, count=4):.2f}"
        '0.59 [0.51, 0.68]'
    """
    in_features, on_the_map, points = _spaces(features, positions, count=count)
    return _score(in_features, on_the_map, points=points, count=count, bootstrap=bootstrap)


def continuity(
    features: npt.ArrayLike,
    positions: npt.ArrayLike,
    *,
    count: int = 10,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Whether neighbours in the features are still neighbours on a map.

    This is `trustworthiness` with the two spaces swapped: N(i) are the k points nearest to i in the features, and
    r(i, j) the rank of j by its distance from i on the map. The formula, its source, chance, what is drawn again,
    arguments and errors are the same.

    It is low where the map tears apart what belongs together. It says nothing of far order, nor of strangers that the
    map puts side by side (`trustworthiness`), nor of whether the features are right.

    Examples:
        >>> angle = np.linspace(0, 1, 30)
        >>> on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> torn = np.where(np.arange(30) % 2, angle, angle + 9)[:, None]  # every second point far away
        >>> [f"{score(on_an_arc, torn, count=4).value:.2f}" for score in (trustworthiness, continuity)]
        ['0.93', '0.60']
    """
    in_features, on_the_map, points = _spaces(features, positions, count=count)
    return _score(on_the_map, in_features, points=points, count=count, bootstrap=bootstrap)


def shuffled_maps_score(points: int, *, count: int = 10) -> float:
    """What `trustworthiness` and `continuity` are, on average, where the positions are in random order.

    Examples:
        >>> [round(shuffled_maps_score(points), 3) for points in (64, 1000, 100_000)]
        [0.532, 0.502, 0.5]
    """
    _check(points, count=count)
    return 1 - (points - count) * (points - count - 1) / ((points - 1) * (2 * points - 3 * count - 1))


def _check(points: int, *, count: int) -> None:
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1 neighbour")
    if points <= 2 * count:
        raise UndefinedScoreError(f"there are {points} points; expected more than {2 * count}, twice the neighbours")


def _spaces(features: npt.ArrayLike, positions: npt.ArrayLike, *, count: int) -> tuple[_Space, _Space, int]:
    """Distances in the features, those on the map, and how many points there are."""
    unit = directions(features)
    place = np.asarray(positions, np.float64)
    if place.ndim != 2 or len(place) != len(unit) or not place.shape[1]:
        raise ValueError(f"positions has shape {place.shape}; expected ({len(unit)}, 2), a place for each point")
    if not np.isfinite(place).all():
        raise UndefinedScoreError("positions has values that are not finite; expected none")
    _check(len(unit), count=count)

    def in_features(rows: np.ndarray) -> np.ndarray:
        return np.round(cosine_distances(unit[rows], unit), 12)

    def on_the_map(rows: np.ndarray) -> np.ndarray:
        return np.sqrt(sum(np.square(axis[rows, None] - axis) for axis in place.T))

    return in_features, on_the_map, len(unit)


def _score(ranked: _Space, near: _Space, *, points: int, count: int, bootstrap: Bootstrap | None) -> Score:
    """The mean over points of 1 - 2 / (k (2n - 3k - 1)) * how far the ranks of those that are `near` exceed k."""
    excess, told_apart = np.empty(points), np.zeros(2, bool)
    for start in range(0, points, _ROWS_PER_BLOCK):
        rows = np.arange(start, min(start + _ROWS_PER_BLOCK, points))
        ours, theirs = ranked(rows), near(rows)
        for distances in (ours, theirs):
            distances[np.arange(len(rows)), rows] = np.inf  # no point is its own neighbour
        told_apart |= [_varies(distances) for distances in (ours, theirs)]
        ranks = scipy_stats().rankdata(ours, method="min", axis=1)  # 1 + how many points are nearer
        near_points = members(theirs, np.full((len(rows), 1), count))
        excess[rows] = (near_points * np.maximum(0, ranks - count)).sum(axis=1)
    if not told_apart.all():
        raise UndefinedScoreError("all points are equally far apart in the features, or on the map: none is nearer")
    return mean_score(1 - 2 * excess / (count * (2 * points - 3 * count - 1)), bootstrap=bootstrap or Bootstrap())


def _varies(distances: np.ndarray) -> bool:
    ordered = np.sort(distances, axis=1)
    return bool((ordered[:, 0] < ordered[:, -2]).any())  # the last one is the point itself

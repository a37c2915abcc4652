"""Neighbours: are the sounds nearest in the parameters also nearest in the features?"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, mean_score
from w2v_jax.scores.points import cosine_distances, directions, parameter_distances, positions

_ROWS_PER_BLOCK = 512


def neighbour_overlap(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    count: int = 10,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Share of each point's nearest neighbours in parameter space that are also nearest in feature space.

    On a grid many neighbours are equally far: all that are as near as the `count`-th belong to the set, and as many
    are then taken in feature space (there, ties share the places that are left). Chance is the size of the set
    over n - 1. What is drawn again is the point with its share; its neighbours stay those among all points, since
    a point's own copy would be its nearest neighbour in both spaces.

    Args:
        features: (n, d), compared by cosine distance, in blocks of rows.
        parameters: (n,) each; Euclidean distance after each is divided by its span.
        count: neighbours of a point, at least.
        bootstrap: how the interval is made.

    Returns:
        0 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, a parameter that does not vary, not more than `count` + 1 points.

    Examples:
        >>> angle = np.linspace(0, 1, 20)
        >>> on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> neighbour_overlap(on_an_arc, {"frequency": angle}, count=2).value
        1.0
    """
    bootstrap = bootstrap or Bootstrap()
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1 neighbour")
    unit = directions(features)
    place = positions(parameters, num_points=len(unit))
    if len(unit) < count + 2:
        raise UndefinedScoreError(f"features has {len(unit)} points; expected more than {count + 1}")
    shares = [
        _shares(unit, place, np.arange(start, min(start + _ROWS_PER_BLOCK, len(unit))), count)
        for start in range(0, len(unit), _ROWS_PER_BLOCK)
    ]
    return mean_score(np.concatenate(shares), bootstrap=bootstrap)


def _shares(unit: np.ndarray, place: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    in_parameters = parameter_distances(place[rows], place)
    in_features = np.round(cosine_distances(unit[rows], unit), 12)
    for distances in (in_parameters, in_features):
        distances[np.arange(len(rows)), rows] = np.inf  # no point is its own neighbour
    nearest = in_parameters <= np.partition(in_parameters, count - 1, axis=1)[:, count - 1 : count]
    size = nearest.sum(axis=1, keepdims=True)
    reach = np.take_along_axis(np.sort(in_features, axis=1), size - 1, axis=1)
    inside, on_the_edge = in_features < reach, in_features == reach
    places_left = size - inside.sum(axis=1, keepdims=True)
    member = inside + on_the_edge * (places_left / on_the_edge.sum(axis=1, keepdims=True))
    return (nearest * member).sum(axis=1) / size[:, 0]

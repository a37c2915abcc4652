"""Neighbours: are the sounds nearest in the parameters also nearest in the features?"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions, labels, members, parameter_distances, positions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, mean_score

_ROWS_PER_BLOCK = 512


def neighbour_overlap(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    count: int = 10,
    within: npt.ArrayLike | None = None,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """k-nearest-neighbour overlap: the share of a point's nearest in the parameters that are so in the features, too.

    `mean_i |N_k(p_i) ∩ N_k(x_i)| / |N_k(p_i)|` (the `Q_NX` of Lee and Verleysen, "Quality assessment of dimensionality
    reduction: rank-based criteria", 2009, of parameters and features). It scores the near order, as `rsa` the far
    order: features may have either without the other. It depends on how parameters are measured, here by their spans.

    On a grid many neighbours are equally far: all that are as near as the `count`-th belong to the set, and as many are
    then taken in feature space (there, ties share the places that are left). Chance is the size of the set over n - 1.
    It cannot say how far strangers are. What is drawn again is the point with its share; its neighbours stay those
    among all points, since a point's own copy would be its nearest neighbour in both spaces.

    Args:
        features: (n, d), compared by cosine distance, in blocks of rows.
        parameters: (n,) each; Euclidean distance after each is divided by its span.
        count: neighbours of a point, at least.
        within: (n,); where given, only points of equal value here are neighbours.
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
    shares, _ = _overlaps(unit, place, count, within)
    return mean_score(shares, bootstrap=bootstrap, bounds=(0.0, 1.0))


def neighbour_chance(
    parameters: Mapping[str, npt.ArrayLike], *, count: int = 10, within: npt.ArrayLike | None = None
) -> float:
    """The `neighbour_overlap` of features that know nothing: the mean share of points in a set of neighbours.

    Examples:
        >>> round(neighbour_chance({"frequency": np.arange(101.0)}, count=2), 3)
        0.02
    """
    num_points = len(np.asarray(next(iter(parameters.values()))))
    _, chance = _overlaps(None, positions(parameters, num_points=num_points), count, within)
    return float(chance.mean())


def _overlaps(
    unit: np.ndarray | None, place: np.ndarray, count: int, within: npt.ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Shares that are kept, and those expected by chance, (n,) each."""
    label = labels("within", within, default=np.zeros(len(place), int))
    _, label, sizes = np.unique(label, return_inverse=True, return_counts=True)
    if sizes.min() < count + 2:
        raise UndefinedScoreError(
            f"features has {sizes.min()} points{'' if within is None else ' of one value of within'}; "
            f"expected more than {count + 1}"
        )
    blocks = [
        _shares(unit, place, label, sizes, np.arange(start, min(start + _ROWS_PER_BLOCK, len(place))), count)
        for start in range(0, len(place), _ROWS_PER_BLOCK)
    ]
    shares, chance = (np.concatenate(each) for each in zip(*blocks, strict=True))
    return shares, chance


def _shares(
    unit: np.ndarray | None, place: np.ndarray, label: np.ndarray, sizes: np.ndarray, rows: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    # No point is its own neighbour, nor one of another group.
    barred = label[rows][:, None] != label[None]
    barred[np.arange(len(rows)), rows] = True
    in_parameters = np.where(barred, np.inf, parameter_distances(place[rows], place))
    nearest = in_parameters <= np.partition(in_parameters, count - 1, axis=1)[:, count - 1 : count]
    size = nearest.sum(axis=1, keepdims=True)
    chance = size[:, 0] / (sizes[label[rows]] - 1)
    if unit is None:
        return chance, chance
    in_features = np.where(barred, np.inf, np.round(cosine_distances(unit[rows], unit), 12))
    return (nearest * members(in_features, size)).sum(axis=1) / size[:, 0], chance

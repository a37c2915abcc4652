"""Points in the spaces that scores compare: that of the features, and that of the parameters."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import UndefinedScoreError


def directions(features: npt.ArrayLike, *, name: str = "features") -> np.ndarray:
    """`features`, (..., d), scaled to length 1, in float64: cosine distances near 0 keep their digits.

    Raises:
        UndefinedScoreError: values that are not finite, or vectors of zeros, which have no direction.
    """
    features = np.asarray(features, np.float64)
    if features.ndim < 2 or 0 in features.shape:
        raise ValueError(f"{name} has shape {features.shape}; expected (n, d), neither 0")
    if not np.isfinite(features).all():
        raise UndefinedScoreError(f"{name} has values that are not finite; expected none")
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    if not lengths.all():
        row = np.argwhere(lengths[..., 0] == 0)[0].tolist()
        raise UndefinedScoreError(f"{name} has a vector of zeros (at {row}), which has no direction, so no cosine")
    return features / lengths


def positions(parameters: Mapping[str, npt.ArrayLike], *, num_points: int) -> np.ndarray:
    """Points of the parameter space, each parameter divided by its span: (num_points, parameters) float64.

    Raises:
        UndefinedScoreError: a parameter that does not vary.
        ValueError: no parameters, or lengths other than `num_points`.
    """
    if not parameters:
        raise ValueError("parameters is empty; expected at least one")
    columns = []
    for name, values in parameters.items():
        column = np.asarray(values, np.float64)
        if column.shape != (num_points,):
            raise ValueError(f"parameter {name!r} has shape {column.shape}; expected ({num_points},), as features has")
        span = np.ptp(column)
        if not span > 0:
            raise UndefinedScoreError(f"parameter {name!r} is {column[0]} for all points; expected it to vary")
        columns.append(column / span)
    return np.stack(columns, axis=1)


def parameter_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances, (n, p) and (m, p) to (n, m), rounded so that equal steps of a grid are equal."""
    squares = np.square(first[:, None] - second[None]).sum(axis=-1)
    return np.round(np.sqrt(squares), 6)


def labels(name: str, values: npt.ArrayLike | None, *, default: np.ndarray) -> np.ndarray:
    """A label for each point, (n,): `default` where none are given. Raises `ValueError` for another shape."""
    if values is None:
        return default
    array = np.asarray(values)
    if array.shape != default.shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {default.shape}")
    return array


def members(distances: np.ndarray, size: np.ndarray) -> np.ndarray:
    """How much each point belongs to the `size` nearest, (rows, n): ties share the places that are left.

    Args:
        distances: (rows, n).
        size: (rows, 1) int.
    """
    reach = np.take_along_axis(np.sort(distances, axis=1), size - 1, axis=1)
    inside, on_the_edge = distances < reach, distances == reach
    places_left = size - inside.sum(axis=1, keepdims=True)
    return inside + on_the_edge * (places_left / on_the_edge.sum(axis=1, keepdims=True))


def cosine_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """1 - cos of unit vectors, (n, d) and (m, d) to (n, m) float64."""
    return 1 - first @ second.T

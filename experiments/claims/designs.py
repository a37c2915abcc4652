"""Sounds that cover several parameters evenly with few points, so that each parameter takes many values.

A full grid of three parameters of 23 values has 12,167 points. An orthogonal array has 529, in which every value of one
parameter still meets every value of another exactly once: whole ranges of each can be held out, and none of them is one
of six.
"""

from collections.abc import Sequence

import numpy as np

from w2v_jax.grids import Grid

_STEP_BY_FIRST, _STEP_BY_SECOND = 5, 8  # a third index is this combination of the others


def orthogonal_indices(count: int) -> np.ndarray:
    """Three indices below a prime `count`, (count ** 2, 3): every two of them meet in every combination once.

    Raises:
        ValueError: `count` is no prime above 2, or one in which the third index would not depend on both others.

    Examples:
        >>> indices = orthogonal_indices(7)
        >>> [len({(row[i], row[j]) for row in indices}) for i, j in ((0, 1), (0, 2), (1, 2))]
        [49, 49, 49]
    """
    if count < 3 or any(count % divisor == 0 for divisor in range(2, count)) or count == _STEP_BY_FIRST:
        raise ValueError(f"count is {count}; expected a prime above 2 other than {_STEP_BY_FIRST}")
    first, second = np.indices((count, count)).reshape(2, -1)
    return np.stack([first, second, (_STEP_BY_FIRST * first + _STEP_BY_SECOND * second) % count], axis=1)


def vowels(name: str, f0: Sequence[float], f1: np.ndarray, f2: np.ndarray) -> Grid:
    """Vowels of many f0, F1 and F2, as many values of each, without those whose F1 is not below their F2.

    Where f0 has one value, every fifth pair of F1 and F2 is taken instead.
    """
    if len(f0) == 1:
        i, j = _every_fifth(len(f1), len(f2))
        points = {"f0": np.full(len(i), f0[0]), "f1": f1[i], "f2": f2[j]}
    else:
        indices = orthogonal_indices(len(f1))
        points = {"f0": np.asarray(f0)[indices[:, 0]], "f1": f1[indices[:, 1]], "f2": f2[indices[:, 2]]}
    below = points["f1"] < points["f2"]
    return Grid(name, ({parameter: np.asarray(values, np.float64)[below] for parameter, values in points.items()},))


def pairs(name: str, **values: np.ndarray) -> Grid:
    """Every fifth pair of two parameters' values, so that each value meets a fifth of the others'."""
    (first, ours), (second, others) = values.items()
    i, j = _every_fifth(len(ours), len(others))
    return Grid(name, ({first: np.asarray(ours, np.float64)[i], second: np.asarray(others, np.float64)[j]},))


def _every_fifth(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of every fifth place of a table, evenly over its rows and columns."""
    i, j = np.indices((rows, columns)).reshape(2, -1)
    keep = (i + 2 * j) % 5 == 0
    return i[keep], j[keep]

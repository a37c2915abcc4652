"""Distances between neighbours on a grid of sounds."""

import numpy as np

from w2v_jax import similarity
from w2v_jax.grids import Grid

NOTE = "`mean_adjacent_distance` is the mean cosine distance between neighbours along one parameter, the others fixed."


def mean_distance(features: np.ndarray, grid: Grid) -> dict[str, float]:
    """Mean cosine distance between neighbours along each parameter, the others fixed.

    Args:
        features: (n, channels), in the order of `grid`.
        grid: their parameters.

    Returns:
        By parameter, those of one value left out.
    """
    features = features.reshape(*grid.shape, -1)
    distances = {}
    for index, axis in enumerate(grid.axes):
        if grid.shape[index] > 1:
            lines = np.moveaxis(features, index, 0)
            ends = (each.reshape(-1, features.shape[-1]) for each in (lines[:-1], lines[1:]))
            distances[next(iter(axis))] = float(np.mean(similarity.paired_cosine_distance(*ends)))
    return distances

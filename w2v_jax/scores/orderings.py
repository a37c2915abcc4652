"""Monotonicity: along one parameter, are sounds farther away the farther one goes?"""

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions, positions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, mean_score

CHANCE = 1 / 3


def monotonicity(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    axis: str,
    *,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Share of triples along one parameter, the others fixed, whose outer two are the farthest apart.

    A line is a set of points that differ in `axis` only. For any three of its points, in order, the cosine distance
    between the first and the last must be larger than both others: `P(d_ik > d_ij and d_ik > d_jk)` for i < j < k. 1
    where every line is so ordered; chance is 1/3. It is the order that the paper reads off its maps (sections 3.3 to
    3.5), asked of the features. What is drawn again is the line. (Neighbouring lines of a dense grid are alike, so the
    interval is a narrow one.) It cannot say how far sounds lie apart, nor whether lines cross.

    Args:
        features: (n, d).
        parameters: (n,) each, the whole space.
        axis: the parameter along which lines run.
        bootstrap: how the interval is made.

    Returns:
        0 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, a parameter that does not vary, fewer than two lines, or a line
            of fewer than three different points.

    Examples:
        >>> frequency, bias = (each.ravel() for each in np.meshgrid([100.0, 200.0, 300.0], [0.0, 1.0]))
        >>> features = np.stack([np.cos(frequency / 300), np.sin(frequency / 300), 0.1 * bias], axis=1)
        >>> monotonicity(features, {"frequency": frequency, "bias": bias}, "frequency").value
        1.0
    """
    bootstrap = bootstrap or Bootstrap()
    if axis not in parameters:
        raise ValueError(f"axis is {axis!r}; expected one of the parameters, {sorted(parameters)}")
    unit = directions(features)
    place = positions(parameters, num_points=len(unit))
    column = list(parameters).index(axis)
    lines, line_of = np.unique(np.delete(place, column, axis=1), axis=0, return_inverse=True)
    shares = []
    for line in range(len(lines)):
        members = np.flatnonzero(line_of == line)
        members = members[np.argsort(place[members, column])]
        if len(members) < 3 or not np.diff(place[members, column]).all():
            raise UndefinedScoreError(
                f"a line along {axis!r} has {len(np.unique(place[members, column]))} different values "
                f"in {len(members)} points; expected at least 3, each once"
            )
        distances = np.round(cosine_distances(unit[members], unit[members]), 12)
        i, j, k = np.array(list(itertools.combinations(range(len(members)), 3))).T
        outer = distances[i, k]
        shares.append(np.mean((outer > distances[i, j]) & (outer > distances[j, k])))
    return mean_score(shares, bootstrap=bootstrap, bounds=(0.0, 1.0))

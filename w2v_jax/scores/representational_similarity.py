"""Geometry: are sounds with far parameters far apart in the features?"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score
from w2v_jax.scores.points import cosine_distances, directions, parameter_distances, positions


def rsa(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    within: npt.ArrayLike | None = None,
    max_points: int = 400,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Spearman correlation, over pairs of sounds, of cosine distance with distance in parameter space.

    1 where the features keep the order of all distances, about 0 where they know nothing of the parameters. What is
    drawn again is the point, not the pair: pairs that share a point are not independent. A point drawn twice brings
    each of its pairs twice, but not the pair with its own copy, whose distance of 0 would count as agreement. Ranks
    are made anew in each resample.

    Args:
        features: (n, d).
        parameters: (n,) each; distances are Euclidean after each parameter is divided by its span.
        within: (n,); where given, only pairs with equal values here are compared.
        max_points: of more points, so many are chosen by the seed: the cost grows with their square.
        bootstrap: how the interval is made.

    Returns:
        -1 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, a parameter that does not vary, fewer than 4 points, no two distances
            that differ.

    Examples:
        >>> angle = np.linspace(0, 1, 6)
        >>> on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> round(rsa(on_an_arc, {"frequency": angle}).value, 3)
        1.0
    """
    bootstrap = bootstrap or Bootstrap()
    unit = directions(features)
    place = positions(parameters, num_points=len(unit))
    if len(unit) < 4:
        raise UndefinedScoreError(f"features has {len(unit)} points; expected at least 4 to compare distances")
    label = np.zeros(len(unit)) if within is None else np.asarray(within)
    if label.shape != (len(unit),):
        raise ValueError(f"within has shape {label.shape}; expected ({len(unit)},)")
    if len(unit) > max_points:
        chosen = np.sort(np.random.default_rng(bootstrap.seed).choice(len(unit), max_points, replace=False))
        unit, place, label = unit[chosen], place[chosen], label[chosen]

    first, second = np.triu_indices(len(unit), k=1)
    same = label[first] == label[second]
    first, second = first[same], second[same]
    spans = []
    for distances in (np.round(cosine_distances(unit, unit), 12), parameter_distances(place, place)):
        if not len(first) or np.ptp(distances[first, second]) == 0:
            raise UndefinedScoreError("all pairs of points are equally far apart, so that there is nothing to order")
        spans.append(_sorted_spans(distances[first, second]))
    counts = np.concatenate([np.ones((1, len(unit)), int), bootstrap.counts(len(unit))])
    value, *replicates = np.asarray(_spearman(jnp.asarray(counts, jnp.int32), first, second, *spans), np.float64)
    return make_score(value, replicates, units=len(unit), bootstrap=bootstrap)


def _sorted_spans(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The order that sorts `distances`, (pairs,), and where in it the ties of each pair begin and end."""
    order = np.argsort(distances, kind="stable")
    ordered = distances[order]
    begin = np.searchsorted(ordered, distances, side="left")
    end = np.searchsorted(ordered, distances, side="right")
    return order.astype(np.int32), begin.astype(np.int32), end.astype(np.int32)


@jax.jit
def _spearman(counts: jax.Array, first: jax.Array, second: jax.Array, *spans: tuple[jax.Array, ...]) -> jax.Array:
    """Spearman's correlation for each row of `counts`, (resamples, points), a pair counting as often as its points."""

    def one(count: jax.Array) -> jax.Array:
        weight = count[first] * count[second]
        total = jnp.sum(weight)
        below = []
        for order, begin, end in spans:
            # The mean rank of ties, from how many pairs come before them and up to their end; about its mean.
            cumulative = jnp.concatenate([jnp.zeros(1, jnp.int32), lax.associative_scan(jnp.add, weight[order])])
            below.append((cumulative[begin] + cumulative[end]) / (2 * total) - 0.5)
        x, y = below
        product = jnp.sum(weight * x * y)
        return product / jnp.sqrt(jnp.sum(weight * x * x) * jnp.sum(weight * y * y))

    return lax.map(one, counts)

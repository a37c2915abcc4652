"""Saturation: are the sounds farther apart than the tuning, so that most distances say only "far"?"""

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions, labels

NEAR_FARTHEST = 0.05  # of the farthest distance
MOST = 0.5  # share of the pairs that may lie so near to it


def saturation(features: npt.ArrayLike, *, within: npt.ArrayLike | None = None, max_points: int = 1000) -> float:
    """The share of pairs of sounds that lie within 5% of the farthest cosine distance.

    Where it is above `MOST`, a half, the sounds are farther apart than the tuning: scores of their order (`rsa`,
    `neighbour_overlap`, a map) then speak of the few pairs that are near, and a low one says nothing against the
    features. It is a number of these sounds, without an interval. It cannot find features whose far distances vary by
    chance, as those of a random vector for each sound do: there one pair is the farthest, and few are near to it.

    Args:
        features: (n, d).
        within: (n,); where given, only pairs with equal values here count.
        max_points: of more points, so many are taken, evenly.

    Raises:
        UndefinedScoreError: vectors of zeros.
        ValueError: no pair.

    Examples:
        >>> axis = np.arange(0.0, 40.0)
        >>> place = np.arange(2.0, 38.0, 3.0)[:, None]
        >>> narrow, wide = (np.exp(-np.square((place - axis) / width) / 2) for width in (0.3, 20.0))
        >>> saturation(narrow) > MOST > saturation(wide)
        True
    """
    unit = directions(features)
    label = labels("within", within, default=np.zeros(len(unit), int))
    if len(unit) > max_points:
        kept = np.linspace(0, len(unit) - 1, max_points).round().astype(int)
        unit, label = unit[kept], label[kept]
    first, second = np.triu_indices(len(unit), k=1)
    same = label[first] == label[second]
    if not same.any():
        raise ValueError(f"there is no pair of sounds to compare among {len(unit)}; expected one")
    distances = cosine_distances(unit, unit)[first[same], second[same]]
    return float(np.mean(distances >= (1 - NEAR_FARTHEST) * distances.max()))


def saturated(share: float) -> bool:
    """Whether this share of pairs, `saturation`, is so large that a reader of the score must know."""
    return share > MOST

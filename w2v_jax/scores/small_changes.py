"""How far is a change that is too small to hear? In a space where closer is more alike, nearly nowhere."""

import dataclasses

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score


@dataclasses.dataclass(frozen=True)
class DistanceGrowth:
    """Distances of sounds that differ by more and more.

    Attributes:
        changes: (k,), how large each change is, in the unit in which they were given, rising.
        shares: of each change, its mean distance as a share of the median distance of unrelated sounds.
    """

    changes: np.ndarray
    shares: tuple[Score, ...]

    def at(self, change: float) -> float:
        """The share at a change between those given, along straight lines over the logarithm of the change.

        Raises:
            ValueError: a change outside of those given.
        """
        if not self.changes[0] <= change <= self.changes[-1]:
            raise ValueError(f"change is {change:g}; expected {self.changes[0]:g} to {self.changes[-1]:g}")
        return float(np.interp(np.log(change), np.log(self.changes), [each.value for each in self.shares]))


def distance_growth(
    features: npt.ArrayLike, changes: npt.ArrayLike, *, bootstrap: Bootstrap | None = None
) -> DistanceGrowth:
    """The distance of sounds that differ by each of some changes, as a share of that of unrelated ones.

    `mean_i d(x_i, x_i + change) / median_{i < j} d(x_i, x_j)`, with d the cosine distance 1 - cos: 0 where the change
    leaves no trace, 1 where the sound is as far away as an unrelated one. With a listener's threshold it tests
    whether closer is more alike: at half a just noticeable difference the share should be near 0, and then grow. A
    space that fails may still hold what was changed: `read_off` asks for that.

    Most of the distance of a small change may come from the phase at which the frames meet a tone. Give features of one
    starting phase, and, for comparison, their mean over several.

    What is drawn again is the sound i with its changes (a sound drawn twice is not held against its own copy). It
    depends on which sounds count as unrelated: here the sounds themselves, before they are changed.

    Args:
        features: (n, 1 + k, d), of n unrelated sounds: each itself, and so changed; or (n, 1 + k, phases, d), of which
            the mean over phases is taken.
        changes: (k,), above 0 and rising: cents, or any other unit.
        bootstrap: how the interval is made.

    Raises:
        UndefinedScoreError: vectors of zeros, fewer than 3 sounds, sounds that are all the same.

    Examples:
        >>> angle = np.array([0.0, 0.4, 0.8, 1.2])[:, None] + [0.0, 0.02, 0.2]  # four sounds, each with two changes
        >>> features = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        >>> growth = distance_growth(features, [10.0, 100.0])
        >>> [round(share.value, 3) for share in growth.shares]
        [0.003, 0.253]
    """
    bootstrap = bootstrap or Bootstrap()
    sounds, steps = np.asarray(features, np.float64), np.asarray(changes, np.float64)
    if sounds.ndim == 4:
        sounds = sounds.mean(axis=2)
    if sounds.ndim != 3 or steps.shape != (sounds.shape[1] - 1,):
        raise ValueError(
            f"features has shape {sounds.shape} and changes {steps.shape}; expected (n, 1 + k, d) and (k,)"
        )
    if not (steps > 0).all() or not (np.diff(steps) > 0).all():
        raise ValueError(f"changes is {steps.tolist()}; expected numbers above 0, each above the one before")
    if len(sounds) < 3:
        raise UndefinedScoreError(f"features has {len(sounds)} sounds; expected at least 3, to be unrelated")
    unit = directions(sounds)
    moved = np.square(unit[:, 1:] - unit[:, :1]).sum(axis=-1) / 2  # 1 - cos, which keeps its digits
    apart = cosine_distances(unit[:, 0], unit[:, 0])
    first, second = np.triu_indices(len(unit), k=1)
    between = apart[first, second]
    if not np.median(between) > 1e-12:
        raise UndefinedScoreError("the sounds have the same features, so that none is far from another")
    counts = np.concatenate([np.ones((1, len(unit)), int), bootstrap.counts(len(unit))])
    order = np.argsort(between)
    weights = np.cumsum((counts[:, first] * counts[:, second])[:, order], axis=1)
    reached = (weights < weights[:, -1:] / 2).sum(axis=1)
    medians = np.where(weights[:, -1] > 0, between[order][np.minimum(reached, len(order) - 1)], np.nan)
    shares = (counts @ moved) / len(unit) / medians[:, None]
    scores = tuple(
        make_score(each[0], each[1:], units=len(unit), bootstrap=bootstrap, bounds=(0.0, np.inf)) for each in shares.T
    )
    return DistanceGrowth(steps, scores)

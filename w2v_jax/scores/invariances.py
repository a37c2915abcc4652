"""Invariance: do features stay the same under a change that should not matter?"""

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score, mean_score


def invariance(
    features: npt.ArrayLike,
    condition: npt.ArrayLike,
    is_reference: npt.ArrayLike,
    *,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Mean cosine between the variants of a sound and the sound itself.

    1 where the change leaves no trace, such as a bias (section 3.3). There is no chance level: features that are alike
    for all sounds have it near 1, too; see `relative_invariance`. What is drawn again is the condition with all its
    variants. It cannot say that a front end that ignores one change ignores another.

    Args:
        features: (n, d).
        condition: (n,), what the variants of one sound share (such as their frequency).
        is_reference: (n,) bool: the one sound of each condition to which its variants are compared.
        bootstrap: how the interval is made.

    Returns:
        -1 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, fewer than 2 conditions, one without variants.
        ValueError: a condition that does not have one reference.

    Examples:
        >>> features = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]  # two sounds, each with one variant
        >>> sound, is_reference = ["a", "a", "i", "i"], [True, False, True, False]
        >>> round(invariance(features, sound, is_reference).value, 3)
        0.995
    """
    distances, _ = _distances(features, condition, is_reference)
    return mean_score(1 - distances, bootstrap=bootstrap or Bootstrap(), bounds=(-1.0, 1.0))


def relative_invariance(
    features: npt.ArrayLike,
    condition: npt.ArrayLike,
    is_reference: npt.ArrayLike,
    *,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """1 - (mean distance of a sound's variants from it) / (mean distance between the sounds of different conditions).

    1 where the change leaves no trace, 0 where it moves a sound as far away as another sound is (what features have
    that confuse the two), below 0 where farther. Unlike a cosine, it does not depend on what all features have in
    common. Arguments, draws and errors are those of `invariance` (a condition drawn twice is not compared with its
    copy), and it is undefined where the references are all the same.

    Examples:
        >>> features = np.repeat(np.eye(5), 2, axis=0)  # five sounds, each with one variant
        >>> features[1::2] += 0.1
        >>> sound, is_reference = np.repeat(np.arange(5), 2), [True, False] * 5
        >>> round(relative_invariance(features, sound, is_reference).value, 2)
        0.98
    """
    bootstrap = bootstrap or Bootstrap()
    distances, between = _distances(features, condition, is_reference)

    def relative(count: np.ndarray) -> float:
        pairs = np.outer(count, count) * (1 - np.eye(len(count)))
        reference = (pairs * between).sum() / pairs.sum() if pairs.any() else 0.0
        return 1 - (count @ distances / count.sum()) / reference if reference > 1e-9 else np.nan

    replicates = [relative(count) for count in bootstrap.counts(len(distances))]
    return make_score(
        relative(np.ones(len(distances))), replicates, units=len(distances), bootstrap=bootstrap, bounds=(-np.inf, 1.0)
    )


def _distances(
    features: npt.ArrayLike, condition: npt.ArrayLike, is_reference: npt.ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Mean distance of the variants from their reference, (conditions,), and between references, squared."""
    unit = directions(features)
    condition = np.asarray(condition)
    is_reference = np.asarray(is_reference, bool)
    if not (condition.shape == is_reference.shape == (len(unit),)):
        raise ValueError(
            f"condition has shape {condition.shape} and is_reference {is_reference.shape}; expected ({len(unit)},)"
        )
    names, index = np.unique(condition, return_inverse=True)
    references = np.bincount(index, is_reference)
    variants = np.bincount(index) - references
    if (references != 1).any():
        wrong = int(np.argmax(references != 1))
        raise ValueError(f"condition {names[wrong]} has {int(references[wrong])} references; expected 1")
    if (variants == 0).any():
        raise UndefinedScoreError(f"condition {names[int(np.argmin(variants))]} has no variants; expected at least 1")
    reference = np.empty((len(names), unit.shape[1]))
    reference[index[is_reference]] = unit[is_reference]
    distances = np.square(unit - reference[index]).sum(axis=1) / 2  # 0 for the references themselves
    return np.bincount(index, distances) / variants, cosine_distances(reference, reference)

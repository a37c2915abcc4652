"""Temporal detail: do frames tell a short burst from what surrounds it, and do steady sounds stay put (section 3.2)?"""

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, mean_score
from w2v_jax.scores.requirements import scipy_stats


def burst_separation(nearness: npt.ArrayLike, overlaps: npt.ArrayLike, *, bootstrap: Bootstrap | None = None) -> Score:
    """The probability that a frame that sees some of the burst is nearer to its tone than one that sees none (AUC).

    1 where a threshold on that nearness finds the frames of the burst, 1/2 (chance) where they are like any other. The
    AUC, `P(x_in > x_out) + P(x_in = x_out) / 2`, is that of the frames of one sound (Mann and Whitney's U, as a share:
    Hanley and McNeil 1982), averaged over sounds; the burst is that of section 3.2. What is drawn again is the sound:
    its frames are alike. It cannot say how far such frames move, nor when within a frame the burst was.

    Args:
        nearness: (sounds, t), how near each frame is to the burst's tone; see `layer_pooling.BurstNearness`.
        overlaps: (t,) bool, the frames that see some of the burst.
        bootstrap: how the interval is made.

    Returns:
        0 to 1.

    Raises:
        UndefinedScoreError: a burst that all frames see, or none; frames of zeros; fewer than 2 sounds.
        RequirementError: scipy is not installed.

    Examples:
        >>> nearness = [[0.1, 0.9, 0.8, 0.2], [0.0, 0.7, 0.9, 0.1]]  # two sounds of four frames
        >>> burst_separation(nearness, [False, True, True, False]).value
        1.0
    """
    nearness = np.asarray(nearness, np.float64)
    overlaps = np.asarray(overlaps, bool)
    if nearness.ndim != 2 or overlaps.shape != nearness.shape[1:]:
        raise ValueError(f"nearness has shape {nearness.shape} and overlaps {overlaps.shape}; expected (n, t) and (t,)")
    inside, outside = int(overlaps.sum()), int((~overlaps).sum())
    if not inside or not outside:
        raise UndefinedScoreError(f"{inside} frames see the burst and {outside} do not; expected some of each")
    _check_directions(nearness)
    ranks = scipy_stats().rankdata(nearness, axis=1)[:, overlaps]  # the AUC is Mann and Whitney's U, as a share
    areas = (ranks.sum(axis=1) - inside * (inside + 1) / 2) / (inside * outside)
    return mean_score(areas, bootstrap=bootstrap or Bootstrap(), bounds=(0.0, 1.0))


def steadiness(cosines: npt.ArrayLike, *, bootstrap: Bootstrap | None = None) -> Score:
    """The mean, over steady sounds, of the cosine between a sound's frames and their average.

    `mean_i mean_t cos(x_it, mean_t x_it)`: 1 where a steady sound (section 3.2) has steady frames. There is no chance
    level: features that are alike for all sounds have 1, too, so it says something next to others only. What is
    drawn again is the sound. It cannot say whether frames keep what tells sounds apart.

    Args:
        cosines: (sounds,), as `layer_pooling.LayerFeatures.steadiness`: the mean over the frames of each.
        bootstrap: how the interval is made.

    Raises:
        UndefinedScoreError: fewer than two sounds, or cosines that are NaN: of frames of zeros.

    Examples:
        >>> round(steadiness([0.99, 0.97, 0.98]).value, 2)
        0.98
    """
    cosines = np.asarray(cosines, np.float64)
    _check_directions(cosines)
    return mean_score(cosines, bootstrap=bootstrap or Bootstrap(), bounds=(-1.0, 1.0))


def _check_directions(cosines: np.ndarray) -> None:
    """Raises `UndefinedScoreError` where there are none, (sounds, ...)."""
    if undefined := int(np.isnan(cosines).reshape(len(cosines), -1).any(axis=1).sum()):
        raise UndefinedScoreError(
            f"{undefined} of {len(cosines)} sounds have a vector of zeros for a frame, which has no direction"
        )

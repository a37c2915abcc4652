"""The learned frequency scale: which known scale explains how an encoder spaces pure tones (paper section 3.3)?"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from w2v_jax import scales
from w2v_jax.scores._distances import directions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score

SCALES: dict[str, Callable[[npt.ArrayLike], np.ndarray]] = {
    "Hz": scales.hz,
    "log Hz": scales.log_hz,
    "Mel": scales.mel,
    "Bark": scales.bark,
    "ERB": scales.erb,
}


def scale_fit(
    features: npt.ArrayLike,
    frequency: npt.ArrayLike,
    scale: Callable[[npt.ArrayLike], np.ndarray],
    *,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """R^2 of the learned scale as an affine function of a known one.

    The learned scale is the sum of cosine distances 1 - cos from each tone to the next (the corrected one; see
    `scales.learned`). It is not a length: for small steps it adds up squares, for coarse ones it is a straight line in
    the unit of the steps, so that a place code on a logarithmic axis looks like Hz. `learned_scale` measures the scale;
    this is the paper's curve. Any two rising curves are alike, so that even a bad scale has an R^2 well above 0:
    compare scales and encoders, not with 0. What is drawn again is the step from a tone to the next; a resample lays
    the steps drawn end to end, in order of frequency, on the learned scale and on the known one.

    Args:
        features: (n, d), averaged over time.
        frequency: (n,) in Hz, rising. Leave out the Nyquist frequency: with zero phase its tone is silence.
        scale: maps Hz to the known scale; see `SCALES`.
        bootstrap: how the interval is made.

    Returns:
        0 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, fewer than 4 tones, tones whose features are all the same.

    Examples:
        >>> frequency = np.array([100.0, 200.0, 400.0, 700.0, 1200.0, 2000.0, 3500.0])
        >>> turns = np.arccos(1 - np.diff(scales.mel(frequency)) / 4000)  # each cosine distance is a step in mel
        >>> angle = np.append(0.0, np.cumsum(turns))
        >>> features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> [round(scale_fit(features, frequency, SCALES[name]).value, 3) for name in ("Mel", "log Hz")]
        [1.0, 0.942]
    """
    bootstrap = bootstrap or Bootstrap()
    unit = directions(features)
    frequency = np.asarray(frequency, np.float64)
    if frequency.shape != (len(unit),) or not (np.diff(frequency) > 0).all():
        raise ValueError(f"frequency has shape {frequency.shape}; expected ({len(unit)},), each above the one before")
    if len(unit) < 4:
        raise UndefinedScoreError(f"features has {len(unit)} tones; expected at least 4")
    learned = np.square(np.diff(unit, axis=0)).sum(axis=1) / 2
    known = np.diff(scale(frequency))
    if not learned.any():
        raise UndefinedScoreError("features are the same for all tones, so that there is no scale")
    return fit_of_steps(learned, known, bootstrap=bootstrap)


def fit_of_steps(learned: np.ndarray, known: np.ndarray, *, bootstrap: Bootstrap) -> Score:
    """R^2 of one sum of steps, (n,), as an affine function of another."""
    every = np.arange(len(learned))
    replicates = [_r2(learned, known, np.repeat(every, count)) for count in bootstrap.counts(len(learned))]
    return make_score(
        _r2(learned, known, every), replicates, units=len(learned), bootstrap=bootstrap, bounds=(0.0, 1.0)
    )


def _r2(learned: np.ndarray, known: np.ndarray, steps: np.ndarray) -> float:
    curves = np.cumsum([learned[steps], known[steps]], axis=1)
    x, y = np.pad(curves, ((0, 0), (1, 0)))  # both begin at 0
    if not x.any():
        return np.nan
    return float(np.corrcoef(x, y)[0, 1] ** 2)

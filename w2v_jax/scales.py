"""Frequency scales: those of hearing, and the one that an encoder has learned (paper section 3.3)."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Version = Literal["published", "corrected"]


def hz(frequency: npt.ArrayLike) -> np.ndarray:
    """The identity, in float64: the scale of a spectrogram."""
    return np.array(frequency, np.float64)


def mel(frequency: npt.ArrayLike) -> np.ndarray:
    """Mel: 2595 log10(1 + f / 700), of Hz (any shape), in float64."""
    return 2595 * np.log10(1 + hz(frequency) / 700)


def bark(frequency: npt.ArrayLike) -> np.ndarray:
    """Bark: 26.81 f / (1960 + f) - 0.53, of Hz (any shape), in float64."""
    return 26.81 * hz(frequency) / (1960 + hz(frequency)) - 0.53


def log_hz(frequency: npt.ArrayLike) -> np.ndarray:
    """Octaves: log2 f, of Hz above 0 (any shape), in float64: the scale of a piano.

    Raises:
        ValueError: a frequency of 0 or less, which has no logarithm.
    """
    frequency = hz(frequency)
    if not (frequency > 0).all():
        raise ValueError(f"frequency goes down to {frequency.min():g} Hz; expected above 0: it has no logarithm")
    return np.log2(frequency)


def erb(frequency: npt.ArrayLike) -> np.ndarray:
    """Number of equivalent rectangular bandwidths: 21.4 log10(1 + 0.00437 f), of Hz, in float64.

    After Glasberg and Moore, "Derivation of auditory filter shapes from notched-noise data", 1990.
    """
    return 21.4 * np.log10(1 + 0.00437 * hz(frequency))


def normalise(scale: npt.ArrayLike) -> np.ndarray:
    """`scale`, (n,), shifted and stretched to run from 0 at its first value to 1 at its last.

    Raises:
        ValueError: fewer than two values, values that are not finite, or the first equal to the last.
    """
    scale = np.asarray(scale, np.float64)
    if scale.ndim != 1 or len(scale) < 2 or not np.isfinite(scale).all() or scale[0] == scale[-1]:
        raise ValueError(f"scale has shape {scale.shape}; expected (n,), finite, with two ends that differ")
    return (scale - scale[0]) / (scale[-1] - scale[0])


def learned(distances: npt.ArrayLike, *, version: Version = "corrected") -> np.ndarray:
    """The scale along which an encoder spaces a row of sounds: cumulative distance between neighbours, normalised.

    Args:
        distances: (n - 1,) cosine distances, 1 - cos, between each sound and the next; see
            `similarity.adjacent_distance`.
        version: `"corrected"` adds up the distances, as the paper's text defines them. `"published"` adds up
            2 - cos, as its figure 6 does: a constant 1 per step, which makes the curve nearly a straight
            line whatever the encoder does.

    Returns:
        (n,) float64, from 0 to 1.

    Raises:
        ValueError: an unknown version, distances that are not finite, negative, or all zero (no scale then).
    """
    distances = np.asarray(distances, np.float64)
    if version not in ("published", "corrected"):
        raise ValueError(f"version is {version!r}; expected 'published' or 'corrected'")
    if distances.ndim != 1 or len(distances) == 0:
        raise ValueError(f"distances has shape {distances.shape}; expected (n - 1,) for n >= 2 sounds")
    if not np.isfinite(distances).all() or (distances < 0).any():
        raise ValueError("distances has values that are not finite, or negative; expected 1 - cos, 0 to 2")
    steps = distances if version == "corrected" else distances + 1
    if not steps.any():
        raise ValueError("distances are all zero: the sounds have the same features, so there is no scale")
    return normalise(np.concatenate([[0.0], np.cumsum(steps)]))

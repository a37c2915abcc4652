"""The frequency scale that features have learned, measured by angles over steps that are small enough."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax import scales
from w2v_jax.scores._distances import directions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES, fit_of_steps

PHASES = 8
"""Starting phases over which the features of a tone are averaged."""

FARTHEST_STEP = 0.5  # in 1 - cos: twice as far is as far as unrelated features are
SMALL_ENOUGH = 0.9  # the share of steps that must not be farther


@dataclasses.dataclass(frozen=True)
class LearnedScale:
    """How features space a row of tones.

    Attributes:
        frequency: (n,) in Hz.
        angles: (n - 1,) radians from each tone to the next.
        fits: by name of a known scale, R^2 of the learned one as an affine function of it.
    """

    frequency: np.ndarray
    angles: np.ndarray
    fits: Mapping[str, Score]

    @property
    def curve(self) -> np.ndarray:
        """The learned scale, (n,), from 0 to 1."""
        return scales.normalise(np.concatenate([[0.0], np.cumsum(self.angles)]))

    @property
    def small(self) -> np.ndarray:
        """Which steps are at most `FARTHEST_STEP` in 1 - cos, (n - 1,) bool."""
        return 1 - np.cos(self.angles) <= FARTHEST_STEP

    @property
    def unsaturated(self) -> float:
        """The share of `small` steps."""
        return float(np.mean(self.small))

    @property
    def saturated(self) -> bool:
        """Whether the steps are too coarse for these features, so that the scale says little."""
        return self.unsaturated < SMALL_ENOUGH

    @property
    def nearest(self) -> str:
        """The known scale of the highest R^2."""
        return max(self.fits, key=lambda name: self.fits[name].value)


def learned_scale(
    features: npt.ArrayLike,
    frequency: npt.ArrayLike,
    *,
    known: Mapping[str, Callable[[npt.ArrayLike], np.ndarray]] = SCALES,
    bootstrap: Bootstrap | None = None,
) -> LearnedScale:
    """The scale along which features space tones: the sum of the angles between neighbours.

    `s(f_k) = sum_{i < k} arccos cos(x_i, x_{i+1})`, and by known scale the R^2 of s as an affine function of it. An
    angle is a length along the curve that the features run through, whatever the steps, as long as these are small: of
    a place code on a scale it is exactly that scale. The sum of 1 - cos of the paper (`scale_fit`) adds up squares
    where steps are small, and ones where they are coarse, which is a straight line in the unit of the steps. Where more
    than one step in ten is farther than 0.5 in 1 - cos, the scale is `saturated`: take smaller steps.

    Give tones at equal steps of what should be resolved (`equal_steps`), each at `PHASES` starting phases: features
    depend on the phase at which frames meet a tone, and each step would go there and back. Their mean is taken.

    What is drawn again is the step from a tone to the next, as in `scale_fit`. Any two rising curves are alike: compare
    scales with each other, not with 0. Noise makes every step longer by the same, which looks like the scale of the
    steps themselves. It cannot say that a scale is used, nor anything of sounds of several partials.

    Args:
        features: (n, d), averaged over time; or (n, phases, d), of which the mean over phases is taken.
        frequency: (n,) in Hz, rising. Leave out the Nyquist frequency: with zero phase its tone is silence.
        known: by name, maps Hz to a known scale.
        bootstrap: how intervals are made.

    Raises:
        UndefinedScoreError: vectors of zeros, fewer than 4 tones, tones whose features are all the same.

    Examples:
        >>> frequency = equal_steps(100.0, 3_000.0, step=20.0)
        >>> axis = np.arange(-600.0, 6_600.0, 20.0)
        >>> bumps = np.exp(-np.square((1200 * np.log2(frequency / 100)[:, None] - axis) / 40) / 2)
        >>> scale = learned_scale(bumps, frequency)
        >>> scale.nearest, round(scale.fits["log Hz"].value, 4), scale.saturated
        ('log Hz', 1.0, False)
    """
    features = np.asarray(features, np.float64)
    if features.ndim == 3:
        features = features.mean(axis=1)
    unit = directions(features)
    frequency = np.asarray(frequency, np.float64)
    if frequency.shape != (len(unit),) or not (np.diff(frequency) > 0).all():
        raise ValueError(f"frequency has shape {frequency.shape}; expected ({len(unit)},), each above the one before")
    if len(unit) < 4:
        raise UndefinedScoreError(f"features has {len(unit)} tones; expected at least 4")
    angles = angles_between(unit[:-1], unit[1:])
    if not angles.any():
        raise UndefinedScoreError("features are the same for all tones, so that there is no scale")
    fits = {
        name: fit_of_steps(angles, np.diff(scale(frequency)), bootstrap=bootstrap or Bootstrap())
        for name, scale in known.items()
    }
    return LearnedScale(frequency, angles, fits)


def angles_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles of unit vectors, (..., d), row by row, in radians; they keep their digits where they are small."""
    return 2 * np.arcsin(np.clip(np.linalg.norm(first - second, axis=-1) / 2, 0.0, 1.0))


def equal_steps(lowest: float, highest: float, *, step: float, in_erb: bool = False) -> np.ndarray:
    """Frequencies from `lowest` to at most `highest`, Hz, a step of so many cents, or ERB, apart: (n,) float64.

    Raises:
        ValueError: frequencies or a step that are not above 0, or not one step between them.

    Examples:
        >>> equal_steps(100.0, 400.0, step=600.0).round(1).tolist()
        [100.0, 141.4, 200.0, 282.8, 400.0]
        >>> equal_steps(100.0, 400.0, step=2.0, in_erb=True).round().tolist()
        [100.0, 179.0, 277.0, 398.0]
    """
    if not 0 < lowest < highest or not step > 0:
        raise ValueError(f"lowest, highest and step are {lowest}, {highest} and {step}; expected 0 < lowest < highest")
    low, high = (float(scales.erb(each)) if in_erb else 1200 * float(np.log2(each)) for each in (lowest, highest))
    places = low + step * np.arange(int(np.floor((high - low) / step + 1e-9)) + 1)
    if len(places) < 2:
        raise ValueError(f"from {lowest} to {highest} Hz there is not one step of {step}; expected a smaller one")
    return (10 ** (places / 21.4) - 1) / 0.00437 if in_erb else 2 ** (places / 1200)

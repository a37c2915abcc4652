"""The scale that a front end has learned: tones at small equal steps, each at several starting phases."""

import functools
import math
from collections.abc import Mapping

import jax
import numpy as np

from w2v_jax import scores, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.learned_scale import FARTHEST_STEP, PHASES, SMALL_ENOUGH

from ..hearing import Setting, Stimulus, Sweep
from ..sentences import listed
from ..store import rows
from ..store.results import Size
from ..store.rows import Measurements, Row

SWEEP = "scale_tones"
NAME = "learned scale by angles"
FIT = f"{NAME}, R² with a known scale"
LOWEST_TONE, HIGHEST_TONE = f"{NAME}: lowest tone", f"{NAME}: highest tone"
SMALL_STEPS = f"{NAME}: share of small steps"
DURATION = 0.2  # seconds, or as long as a few frames take
_LEAST_FRAMES = 4
_LOWEST = 60.0
_HIGHEST = {"smoke": 120.0, "quick": 1_500.0}  # Hz; 7,000 of other sizes
_STEP = {"smoke": 60.0, "quick": 60.0}  # cents
USUAL_STEP = 20.0  # cents, of other sizes

NOTE = (
    f"The learned scale adds up the angles between tones a small step apart, each averaged over {PHASES} starting "
    f"phases. If more than one step in ten is larger than {FARTHEST_STEP:g} in 1 - cos, the scale is saturated and "
    "says little: take a smaller --step. Any two rising curves are alike: compare the R² of known scales with each "
    "other."
)


class RangeError(ValueError):
    """A range of tones that a front end cannot be asked about."""


def tones(setting: Setting, *, usual_step: float = USUAL_STEP) -> Grid:
    """Tones in the range that the flags say, each at every starting phase; by default `usual_step` cents apart.

    Raises:
        RangeError: a range that no tones fit.
    """
    flags = {name: setting.options.get(name) for name in ("lowest", "highest", "step")}
    front_end = setting.front_end
    return tones_for(front_end.frames, setting.results.size, name=front_end.name, usual_step=usual_step, **flags)


def tones_for(
    frames: Frames,
    size: Size,
    *,
    name: str = "a front end",
    usual_step: float = USUAL_STEP,
    lowest: float | None = None,
    highest: float | None = None,
    step: float | None = None,
) -> Grid:
    """The same for a front end of some name with these frames. Raises as `tones` does."""
    nyquist = frames.nyquist
    highest = min(_HIGHEST.get(size, 7_000.0), 0.9 * nyquist) if highest is None else highest
    lowest = _LOWEST if lowest is None else lowest
    step = _STEP.get(size, usual_step) if step is None else step
    if not (math.isfinite(lowest) and math.isfinite(highest) and 0 < lowest < highest):
        raise RangeError(f"--lowest={lowest:g} --highest={highest:g}; expected 0 < lowest < highest, in Hz")
    if highest >= nyquist:
        raise RangeError(
            f"--highest={highest:g}, but {name} hears {frames.sample_rate:,} samples a second; "
            f"expected below {nyquist:g} Hz"
        )
    if not (math.isfinite(step) and 0 < step <= 400 * math.log2(highest / lowest)):
        raise RangeError(
            f"--step={step:g}; expected cents above 0, and at least 3 steps from {lowest:g} to {highest:g} Hz"
        )
    frequency = scores.equal_steps(lowest, highest, step=step)
    return Grid(SWEEP, ({"frequency": frequency}, {"turns": np.arange(PHASES) / PHASES}))


def tone(frequency: Scalar, turns: Scalar, *, sample_rate: int, duration: float = DURATION) -> jax.Array:
    """A tone that begins at a share of its period."""
    return stimuli.sine_mixture([frequency], phases=2 * np.pi * turns, duration=duration, sample_rate=sample_rate)


def long_enough(frames: Frames, *, least: float = DURATION) -> float:
    """Seconds of a sound, at least so many, so that there are some frames of it."""
    needed = (frames.receptive_field + (_LEAST_FRAMES - 1) * frames.hop) / frames.sample_rate
    return max(least, math.ceil(10 * needed) / 10)


@functools.cache
def lasting(stimulus: Stimulus, duration: float) -> Stimulus:
    """A stimulus of so many seconds: the same object each time, so that front ends and grids share its program."""
    return functools.partial(stimulus, duration=duration)


def sweep_for(setting: Setting) -> Sweep:
    """What a front end hears; the tones are so long that it makes some frames of them."""
    duration = long_enough(setting.front_end.frames)
    return Sweep(SWEEP, tones, tone if duration == DURATION else lasting(tone, duration))


def measure(features: np.ndarray, grid: Grid, *, bootstrap: Bootstrap | None = None) -> list[Row]:
    """The scale, and how well known scales explain it.

    Args:
        features: (tones * phases, channels), in the order of the grid.
        grid: of `tones`.
        bootstrap: as for the scores.
    """
    frequency = np.asarray(grid.axes[0]["frequency"])
    step = float(1200 * np.log2(frequency[1] / frequency[0]))
    about = [
        rows.number(LOWEST_TONE, frequency[0], unit="Hz"),
        rows.number(HIGHEST_TONE, frequency[-1], unit="Hz"),
        rows.number(f"{NAME}: step", step, unit="cents"),
        rows.number(f"{NAME}: starting phases", PHASES),
    ]
    try:
        scale = scores.learned_scale(features.reshape(*grid.shape, -1), frequency, bootstrap=bootstrap)
    except scores.UndefinedScoreError as error:
        return [*about, rows.number(SMALL_STEPS, None, undefined=str(error))]
    return [
        *about,
        rows.number(SMALL_STEPS, scale.unsaturated, better="higher"),
        rows.number(f"{SMALL_STEPS}, expected", SMALL_ENOUGH),
        *(rows.score(FIT, fit, better="higher", scale=name) for name, fit in scale.fits.items()),
        *rows.curve(NAME, scale.curve, frequency=frequency),
    ]


def fits(measured: Measurements, encoder: str) -> dict[str, Row]:
    """R² by known scale, the best first; empty where the scale is undefined or saturated."""
    if is_saturated(measured, encoder):
        return {}
    known = [row for row in measured.select(FIT, encoder=encoder) if row.value is not None]
    return {str(dict(row.parameters)["scale"]): row for row in sorted(known, key=_r_squared, reverse=True)}


def is_saturated(measured: Measurements, encoder: str) -> bool:
    """Whether steps are too coarse to tell."""
    share = measured.value(SMALL_STEPS, encoder=encoder)
    return share is not None and share < SMALL_ENOUGH


def said(measured: Measurements, encoder: str) -> str:
    """What the scale is nearest to, in a few words."""
    return nearest(fits(measured, encoder), saturated=is_saturated(measured, encoder)) or "undefined"


def nearest_scales(measured: Measurements, encoder: str) -> list[str]:
    """The known scales that the scale is nearest to, which cannot be told apart; none where nothing can be told."""
    several = fits(measured, encoder)
    return not_told_apart(several) if len(several) > 1 else []


def range_of(measured: Measurements, encoder: str) -> tuple[float, float]:
    """The lowest and the highest tone, in Hz; NaN where they are not known."""
    lowest, highest = (measured.value(each, encoder=encoder) for each in (LOWEST_TONE, HIGHEST_TONE))
    return (math.nan if lowest is None else lowest), (math.nan if highest is None else highest)


def nearest(fits: Mapping[str, Row], *, saturated: bool) -> str:
    """Which known scales are the nearest, given the R² of each, in a few words; nothing where there are too few."""
    if saturated:
        return "too coarse to tell"
    if len(fits) < 2:
        return ""
    best = not_told_apart(fits)
    values = [_r_squared(fits[name]) for name in best]
    if len(best) == len(fits):
        return f"about as near to each of them (R² {values[-1]:.3f} to {values[0]:.3f})"
    if len(best) > 1:
        return f"nearest to {listed(best)}, which cannot be told apart (R² {values[-1]:.3f} to {values[0]:.3f})"
    return f"nearest to {best[0]} (R² {values[0]:.3f})"


def not_told_apart(fits: Mapping[str, Row]) -> list[str]:
    """The known scale of the highest R², and those whose 95% intervals overlap its interval, the best first."""
    ordered = sorted(fits, key=lambda name: _r_squared(fits[name]), reverse=True)
    return [name for name in ordered if name == ordered[0] or _overlap(fits[name], fits[ordered[0]])]


def _overlap(lower: Row, higher: Row) -> bool:
    """Whether two intervals have a part in common; without an interval nobody can say that they have none."""
    return lower.high is None or higher.low is None or lower.high >= higher.low


def _r_squared(row: Row) -> float:
    return -math.inf if row.value is None else row.value

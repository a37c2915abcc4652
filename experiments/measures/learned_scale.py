"""The scale that a front end has learned: tones at small equal steps, each at several starting phases."""

import dataclasses
import functools
import math

import jax
import numpy as np

from w2v_jax import scores, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid
from w2v_jax.scores import LearnedScale
from w2v_jax.scores.learned_scale import FARTHEST_STEP, PHASES, SMALL_ENOUGH

from ..front_ends.named import NamedFrontEnd
from ..options import learned_scale as options
from ..store import cells
from ..store.metrics import Metrics
from ..store.results import Results

SWEEP = "scale_tones"
DURATION = 0.2  # seconds, or as long as a few frames take
_LEAST_FRAMES = 4
_LOWEST = 60.0
_HIGHEST = {False: 7_000.0, True: 1_500.0}  # Hz, by whether it is a quick look
_STEP = {False: 20.0, True: 60.0}  # cents

NOTE = (
    f"The learned scale adds up the angles between tones a small step apart, each the mean of {PHASES} starting "
    f"phases. Where more than one step in ten is farther than {FARTHEST_STEP:g} in 1 - cos, it is saturated, and says "
    "little: take a smaller --step. Any two rising curves are alike: compare the R² of known scales with each other."
)


class RangeError(ValueError):
    """A range of tones that a front end cannot be asked about."""


@dataclasses.dataclass(frozen=True)
class Range:
    """Which tones are asked about; what is None depends on the front end, and on whether it is a quick look.

    Attributes:
        lowest: Hz.
        highest: Hz.
        step: cents.
    """

    lowest: float | None = None
    highest: float | None = None
    step: float | None = None


USUAL = Range()


def chosen() -> Range:
    """What the flags say."""
    return Range(options.LOWEST.value, options.HIGHEST.value, options.STEP.value)


def tones(front_end: NamedFrontEnd, wanted: Range, *, quick: bool) -> Grid:
    """Tones in a range, each at every starting phase.

    Raises:
        RangeError: a range that no tones fit.
    """
    nyquist = front_end.frames.nyquist
    highest = min(_HIGHEST[quick], 0.9 * nyquist) if wanted.highest is None else wanted.highest
    lowest = _LOWEST if wanted.lowest is None else wanted.lowest
    step = _STEP[quick] if wanted.step is None else wanted.step
    if not (math.isfinite(lowest) and math.isfinite(highest) and 0 < lowest < highest):
        raise RangeError(f"--lowest={lowest:g} --highest={highest:g}; expected 0 < lowest < highest, in Hz")
    if highest >= nyquist:
        raise RangeError(
            f"--highest={highest:g}, but {front_end.name} hears {front_end.frames.sample_rate:,} samples a second; "
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


def long_enough(frames: Frames) -> float:
    """Seconds of a tone, so that there are some frames of it."""
    needed = (frames.receptive_field + (_LEAST_FRAMES - 1) * frames.hop) / frames.sample_rate
    return max(DURATION, math.ceil(10 * needed) / 10)


def measure(features: np.ndarray, grid: Grid) -> tuple[LearnedScale | None, Metrics]:
    """The scale, and what is kept of it; None where there is none, with the reason.

    Args:
        features: (tones * phases, channels), in the order of the grid.
        grid: of `tones`.
    """
    frequency = np.asarray(grid.axes[0]["frequency"])
    try:
        found = scores.learned_scale(features.reshape(*grid.shape, -1), frequency)
    except scores.UndefinedScoreError as error:
        return None, {"undefined": str(error)}
    return found, {
        "lowest": float(frequency[0]),
        "highest": float(frequency[-1]),
        "step_cents": float(1200 * np.log2(frequency[1] / frequency[0])),
        "phases": PHASES,
        "saturated": found.saturated,
        "share_of_small_steps": found.unsaturated,
        "expected_share": SMALL_ENOUGH,
        "r2": {name: cells.number(fit) for name, fit in found.fits.items()},
        "nearest": found.nearest,
        "frequency": frequency,
        "scale": found.curve,
    }


def said(name: str, measured: Metrics) -> str:
    """What came out, in a few words."""
    if "undefined" in measured:
        return f"undefined for {name} ({measured['undefined']})"
    if measured["saturated"]:
        return f"saturated for {name} (only {measured['share_of_small_steps']:.0%} of the steps are small)"
    return f"nearest to {measured['nearest']} for {name} (R² {measured['r2'][measured['nearest']]['value']:.3f})"


def sweep(results: Results, experiment: str, front_end: NamedFrontEnd, grid: Grid) -> np.ndarray:
    """What a front end makes of the tones."""
    duration = long_enough(front_end.frames)
    stimulus = tone if duration == DURATION else functools.partial(tone, duration=duration)
    return results.sweep(experiment, front_end, grid, stimulus)

"""Sounds of `experiments.claims` that are heard at several starting phases: small changes, and a row of tones.

Features depend on the phase at which the frames meet a sound. Here every sound begins at eight shares of its period, so
that the mean over them can be told from the first. They are short, since there are many.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from w2v_jax import source_filter
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid
from w2v_jax.scores.learned_scale import PHASES

from ..experiment import Stimulus
from ..measures import learned_scale
from ..store.results import Size
from . import listeners

SHORTEST = 0.1  # seconds, for a front end that makes a few frames of them
SCALE_STEP = 30.0  # cents between the tones of the learned scale
MOVED = ("f0", "f1", "f2")  # parameters of a voice, in the order in which the grid moves them
HALF = {"f0": listeners.F0.in_cents / 2, "F1": listeners.FORMANT.in_cents / 2, "F2": listeners.FORMANT.in_cents / 2}
"""Cents: half of what a listener just notices."""

_FARTHEST = 1_200.0  # cents
_COUNT = {"smoke": 4, "quick": 6, "usual": 12, "full": 24}  # unrelated sounds
_TONES = (110.0, 1_900.0)  # Hz, the lowest and the highest that is moved


def changes(size: Size) -> np.ndarray:
    """Cents by which sounds are moved, rising: from what nobody hears to an octave."""
    small = [HALF["f0"], HALF["F1"]]
    between = [] if size == "smoke" else [0.1, 1.0, 100.0, 400.0]
    return np.sort([*small, *between, _FARTHEST])


def tone_changes(frames: Frames, size: Size) -> Grid:
    """Tones, each as it is and moved up by every change: (tones * (1 + changes), phases)."""
    lowest, highest = _TONES
    base = np.geomspace(lowest, min(highest, 0.45 * frames.nyquist), _COUNT[size])
    return Grid("tone_changes", ({"frequency": _moved(base, size).ravel()}, _turns()))


def voice_changes(vowels: Grid, size: Size) -> Grid:
    """Some vowels, each as it is, then with f0, F1 or F2 moved up: (vowels * (1 + 3 * changes), phases).

    They have F1 below half of F2, so that F1 an octave higher is still below F2, where there are such.
    """
    points = {name: np.asarray(values, np.float64) for name, values in vowels.points().items()}
    apart = np.flatnonzero(2.05 * points["f1"] < points["f2"])
    apart = apart if len(apart) >= _COUNT["smoke"] else np.arange(len(vowels))
    chosen = apart[np.unique(np.linspace(0, len(apart) - 1, _COUNT[size]).round().astype(int))]
    count = len(changes(size))
    axis = {name: np.repeat(points[name][chosen, None], 1 + len(MOVED) * count, axis=1) for name in MOVED}
    for place, name in enumerate(MOVED):
        axis[name][:, 1 + place * count : 1 + (place + 1) * count] = _moved(points[name][chosen], size)[:, 1:]
    return Grid("voice_changes", ({name: values.ravel() for name, values in axis.items()}, _turns()))


def _moved(base: np.ndarray, size: Size) -> np.ndarray:
    """Frequencies, (n,), as they are and moved: (n, 1 + changes)."""
    return base[:, None] * 2 ** (np.append(0.0, changes(size)) / 1200)


def _turns() -> dict[str, np.ndarray]:
    return {"turns": np.arange(PHASES) / PHASES}


def voice(
    f0: Scalar, f1: Scalar, f2: Scalar, turns: Scalar, *, sample_rate: int, duration: float = SHORTEST
) -> jax.Array:
    """A vowel with resonances that begins at a share of its period, to the nearest sample."""
    formants = source_filter.with_higher_formants(f1, f2)
    period = 1 / source_filter.LOWEST_F0  # seconds, the longest
    whole = source_filter.vowel(f0, formants, duration=duration + period, sample_rate=sample_rate)
    start = jnp.round(jnp.asarray(turns) * sample_rate / f0).astype(jnp.int32)
    return lax.dynamic_slice(whole, (start,), (round(duration * sample_rate),))


SOUNDS: dict[str, Stimulus] = {
    "tone_changes": learned_scale.tone,
    "voice_changes": voice,
    learned_scale.SWEEP: learned_scale.tone,
}


def stimulus_of(grid: str, frames: Frames) -> Stimulus:
    """What makes the sounds of a grid, so long that a front end with these frames makes a few of them."""
    return learned_scale.lasting(SOUNDS[grid], duration(frames))


def duration(frames: Frames) -> float:
    """Of these sounds, in seconds, for a front end with these frames."""
    return learned_scale.long_enough(frames, least=SHORTEST)

"""The synthesised vowels that recorded ones are compared with."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import source_filter
from w2v_jax.arguments import Scalar
from w2v_jax.grids import Grid

from ..harness import vowel_chart
from ..harness.front_ends import NamedFrontEnd
from ..harness.results import Results

Synthesis = Literal["resonances", "sines"]

DURATION = 1.0  # seconds, as the paper's vowels
PEAK = 0.5
_BANDWIDTHS = np.array([60.0, 90.0, 150.0, 200.0], np.float32)
_TILT = -12.0  # dB per octave, of a voice above
_TILT_FROM = 200.0  # Hz


def resonant_vowel(f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int) -> jax.Array:
    """A vowel: harmonics of f0 that fall by 12 dB an octave, through resonances at F1, F2 and two more above them."""
    num_samples = round(DURATION * sample_rate)
    voice = source_filter.harmonics(jnp.full(num_samples, f0), sample_rate=sample_rate)
    formants = jnp.stack([f1, f2, jnp.maximum(2700.0, f2 + 400.0), jnp.maximum(3500.0, f2 + 1000.0)])
    tract = source_filter.resonances(formants, jnp.asarray(_BANDWIDTHS), sample_rate=sample_rate)
    tract = tract * source_filter.tilted(jnp.array(_TILT), corner=_TILT_FROM, sample_rate=sample_rate)
    frames = source_filter.num_filter_frames(num_samples, sample_rate)
    sound = source_filter.filtered(voice, jnp.tile(tract, (frames, 1)), sample_rate=sample_rate)
    return PEAK * sound / jnp.max(jnp.abs(sound))


SYNTHESES: dict[Synthesis, Callable[..., jax.Array]] = {"resonances": resonant_vowel, "sines": vowel_chart.vowel}
NOTES: dict[Synthesis, str] = {
    "resonances": "The synthesised vowels are harmonics of f0 through four resonances, two of them at F1 and F2 "
    "(--synthesis=sines for the paper's).",
    "sines": f"{vowel_chart.NOTE} Recorded vowels are resonances (--synthesis=resonances).",
}


def sweep_grid(
    results: Results, experiment: str, front_end: NamedFrontEnd, grid: Grid, synthesis: Synthesis
) -> np.ndarray:
    """Features (n, channels) of the vowels of the map."""
    if synthesis == "sines":
        return vowel_chart.sweep(results, front_end, grid)  # those of the formants
    renamed = Grid(f"{grid.name}_{synthesis}", grid.axes)
    return results.sweep(experiment, front_end, renamed, SYNTHESES[synthesis])


def sweep_own(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    measured: dict[str, np.ndarray],
    synthesis: Synthesis,
) -> np.ndarray:
    """Features (n, channels) of vowels of the f0, F1 and F2 that tokens have, (n,) each."""
    grid = Grid("own_vowels", ({name: np.asarray(measured[name]) for name in ("f0", "f1", "f2")},))
    return results.sweep(experiment, front_end, grid, SYNTHESES[synthesis])

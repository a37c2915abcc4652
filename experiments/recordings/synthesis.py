"""The synthesised vowels that recorded ones are compared with."""

from collections.abc import Callable

import jax
import numpy as np

from w2v_jax.grids import Grid

from ..draw import vowel_chart
from ..front_ends.named import NamedFrontEnd
from ..store.results import Results
from ..vowels.synthesis import Synthesis

SYNTHESES: dict[Synthesis, Callable[..., jax.Array]] = {
    "resonances": vowel_chart.source_filter_vowel,
    "sines": vowel_chart.vowel,
}
NOTES: dict[Synthesis, str] = {
    "resonances": "The synthesised vowels are harmonics of f0, of a glottal pulse, through ten resonances, two of them "
    "at F1 and F2 (--synthesis=sines for the paper's).",
    "sines": f"{vowel_chart.NOTE} Recorded vowels are resonances (--synthesis=resonances).",
}


def sweep_grid(results: Results, front_end: NamedFrontEnd, grid: Grid, synthesis: Synthesis) -> np.ndarray:
    """Features (n, channels) of the vowels of the map: those of `formants`."""
    if synthesis == "sines":
        return vowel_chart.sweep(results, front_end, grid)
    return vowel_chart.sweep_source_filter(results, front_end, grid)


def sweep_own(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    measured: dict[str, np.ndarray],
    synthesis: Synthesis,
    *,
    name: str = "own_vowels",
) -> np.ndarray:
    """Features (n, channels) of vowels of the f0, F1 and F2 that tokens have, (n,) each."""
    grid = Grid(name, ({each: np.asarray(measured[each]) for each in ("f0", "f1", "f2")},))
    return results.sweep(experiment, front_end, grid, SYNTHESES[synthesis])

"""The synthesised vowels that recorded ones are compared with."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from w2v_jax.grids import Grid

from ..draw import vowel_chart
from ..experiment import Setting, Stimulus, Sweep
from ..hearing import Heard
from ..vowels.synthesis import Synthesis
from .choice import choice_of
from .material import NAME


@dataclasses.dataclass(frozen=True)
class Synthesised:
    """How vowels are made.

    Attributes:
        sweep: of the vowels of the map, those of `formants`.
        stimulus: of one.
        note: what a reader must know.
    """

    sweep: str
    stimulus: Stimulus
    note: str


SYNTHESES: Mapping[Synthesis, Synthesised] = {
    "resonances": Synthesised(
        "vowel_space_source_filter",
        vowel_chart.source_filter_vowel,
        "The synthesised vowels are harmonics of f0, of a glottal pulse, through ten resonances, two of them at F1 and "
        "F2 (--synthesis=sines for the paper's).",
    ),
    "sines": Synthesised(
        "vowel_space",
        vowel_chart.vowel,
        f"{vowel_chart.NOTE} Recorded vowels are resonances (--synthesis=resonances).",
    ),
}


def sweeps(setting: Setting) -> tuple[Sweep, ...]:
    """The vowels of the map, kept with the formants."""
    made = SYNTHESES[choice_of(setting.options).synthesis]
    return (Sweep(made.sweep, _grid, made.stimulus, folder="formants"),)


def _grid(setting: Setting) -> Grid:
    return vowel_chart.vowel_space(setting.results)


def of_map(heard: Heard) -> str:
    """The name of the sweep of the vowels of the map."""
    (name,) = heard.sweeps
    return name


def of_their_own(heard: Heard, measured: Mapping[str, np.ndarray], *, name: str) -> np.ndarray:
    """Features (n, channels) of vowels of the f0, F1 and F2 that tokens have, (n,) each, kept under a name."""
    grid = Grid(name, ({each: np.asarray(measured[each]) for each in ("f0", "f1", "f2")},))
    return heard.results.sweep(NAME, heard.front_end, grid, heard.sweeps[of_map(heard)].stimulus)

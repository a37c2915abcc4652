"""The synthesised vowels that recorded ones are compared with."""

from collections.abc import Mapping

import numpy as np

from w2v_jax.grids import Grid

from ..hearing import Heard, Setting, Sweep
from ..vowels import space
from ..vowels.synthesis import Synthesis
from .choice import choice_of
from .material import NAME

SWEEPS: Mapping[Synthesis, Sweep] = {"resonances": space.RESONANCES_SWEEP, "sines": space.SINES_SWEEP}
NOTES: Mapping[Synthesis, str] = {
    "resonances": "The synthesised vowels are a glottal pulse at f0 through ten resonances, two of them at F1 and F2 "
    "(--synthesis=sines makes the paper's vowels).",
    "sines": f"{space.NOTE} Recorded vowels have resonances (--synthesis=resonances).",
}


def sweeps(setting: Setting) -> tuple[Sweep, ...]:
    """The vowels of the map, kept with the formants."""
    return (SWEEPS[choice_of(setting.options).synthesis],)


def of_map(heard: Heard) -> str:
    """The name of the sweep of the vowels of the map."""
    (name,) = heard.sweeps
    return name


def of_their_own(heard: Heard, measured: Mapping[str, np.ndarray], *, name: str) -> np.ndarray:
    """Features (n, channels) of vowels of the f0, F1 and F2 that tokens have, (n,) each, kept under a name."""
    grid = Grid(name, ({each: np.asarray(measured[each]) for each in ("f0", "f1", "f2")},))
    return heard.results.sweep(NAME, heard.front_end, grid, heard.sweeps[of_map(heard)].stimulus)

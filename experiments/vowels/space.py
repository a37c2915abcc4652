"""The vowels that formants, diphthongs, recordings and emergence share: stimuli, grids, and the sweeps of them."""

import jax

from w2v_jax import grids, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.grids import Grid

from ..hearing import Sweep
from ..store.results import Results

FOLDER = "formants"  # the experiment with whose results they are kept
AMPLITUDES = (0.5, 0.35, 0.15)  # of f0, F1 and F2
ONE_F0, BY_F0, RESONANCES = "vowel_space", "vowel_space_by_f0", "vowel_space_source_filter"

NOTE = 'The "formants" of sums of sines are bare sines at F1 and F2, not resonances of a source.'

# Values of each parameter where grids are thin.
_THIN = {"smoke": {"f1": 4, "f2": 4}, "quick": {"f1": 8, "f2": 8}}
_THIN_BY_F0 = {"smoke": {"f0": 2, "f1": 3, "f2": 3}, "quick": {"f0": 3, "f1": 6, "f2": 6}}
_THIN_FINE = {"smoke": {"f1": 3, "f2": 4}, "quick": {"f1": 8, "f2": 24}}


def vowel(f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int) -> jax.Array:
    """A vowel as the paper has it: three sines."""
    return stimuli.sine_mixture([f0, f1, f2], AMPLITUDES, sample_rate=sample_rate)


def source_filter_vowel(f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int) -> jax.Array:
    """Harmonics of f0 through resonances: F1, F2 and those above them, as in the authors' Praat script."""
    return source_filter.vowel(f0, source_filter.with_higher_formants(f1, f2), sample_rate=sample_rate)


def one_f0(results: Results) -> Grid:
    """The vowels of one f0: the paper's grid, or the user's."""
    return results.vowels.vowel_space().thinned(**_THIN.get(results.size, {}))


def by_f0(results: Results) -> Grid:
    """The vowels of six f0, or of the user's; of fewer where grids are thin."""
    return results.vowels.vowel_space_by_f0().thinned(**_THIN_BY_F0.get(results.size, {}))


def fine(results: Results) -> Grid:
    """The fine grid: the authors', or over the range of the user's."""
    grid = grids.VOWEL_SPACE_FINE if results.vowels.is_papers else results.vowels.vowel_space_fine()
    return grid.thinned(**_THIN_FINE.get(results.size, {}))


SINES_SWEEP = Sweep(ONE_F0, lambda setting: one_f0(setting.results), vowel, folder=FOLDER)
BY_F0_SWEEP = Sweep(BY_F0, lambda setting: by_f0(setting.results), vowel, folder=FOLDER)
RESONANCES_SWEEP = Sweep(RESONANCES, lambda setting: one_f0(setting.results), source_filter_vowel, folder=FOLDER)

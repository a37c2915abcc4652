"""Write the sounds of an experiment as WAV files, to listen to.

    w2v-jax sounds --experiment=formants --vowels=peterson-barney-1952

Writes `sounds/EXPERIMENT/` in `--output_dir`: a file per sound, whose name has its parameters, and `index.csv`, with a
row per sound. Without `--all` it writes the vowels of the table, or at most 25 evenly chosen sounds of a sweep.

The files are 16-bit PCM, mono. If a sound is louder than such a file can hold, all files are scaled by the same gain,
which is printed: nothing is clipped, and levels stay comparable.
"""

import math
from collections.abc import Sequence

from absl import flags as absl_flags

from w2v_jax.front_end import Frames, FrontEnd
from w2v_jax.grids import Grid
from w2v_jax.vowels import VowelTableError

from . import catalog, records, sounds_folder
from .experiment import Experiment, Sounds
from .front_ends.named import NamedFrontEnd
from .hearing import Setting, Stimulus
from .launch import flags, program
from .options import sounds as options
from .store.results import Results
from .store.sweeping import ReplacementError
from .vowel_choice import PAPERS
from .vowels import flags as vowel_flags

NAME = "sounds"
OPTIONS = ("process", "sounds")
MOST = 25  # of a sweep, without --all


class SoundsError(ValueError):
    """What the flags ask for makes no sense. The message is one line."""


def sounds_of(
    experiment: Experiment, results: Results, *, sample_rate: int, everything: bool = False
) -> Sequence[Sounds]:
    """What an experiment hears.

    Args:
        experiment: its record.
        results: says which vowels, and how thin grids are.
        sample_rate: Hz, which must hold them.
        everything: all of it; else the vowels of the table, or at most `MOST` of each sweep.
    """
    setting = Setting(results, _hearing_at(sample_rate), flags.values(experiment))
    if experiment.sounds is not None:
        return experiment.sounds(setting, "all" if everything else "some")
    return [
        swept(sweep.grid_for(setting), sweep.stimulus, everything=everything)
        for sweep in experiment.sweeps_for(setting)
        if not sweep.of_controls
    ]


def swept(grid: Grid, stimulus: Stimulus, *, everything: bool) -> Sounds:
    """A sweep; at most `MOST` of it, evenly along each axis, unless everything is wanted."""
    if not everything:
        varying = [next(iter(axis)) for axis, length in zip(grid.axes, grid.shape, strict=True) if length > 1]
        grid = grid.thinned(**dict.fromkeys(varying, math.floor(MOST ** (1 / len(varying)))))
    return Sounds(grid.name, grid.points(), stimulus)


def _hearing_at(sample_rate: int) -> NamedFrontEnd:
    """Nobody: sounds may depend on who hears them, by the sample rate and the frames."""

    def make() -> FrontEnd:
        raise AssertionError("nobody hears these sounds")

    frames = Frames(sample_rate, receptive_field=round(0.025 * sample_rate), hop=round(0.02 * sample_rate))
    return NamedFrontEnd(NAME, kind="yours", source="nobody", digest="", frames=frames, make=make)


def main() -> None:
    """The program."""
    choice = vowel_flags.chosen()
    given = [name for name in absl_flags.FLAGS if absl_flags.FLAGS[name].present]
    if options.EXPERIMENT.value is None:
        raise SoundsError(f"--experiment is missing; expected --experiment={'|'.join(catalog.EXPERIMENTS)}")
    experiment = records.experiment(options.EXPERIMENT.value)
    if strange := [name for name in given if name in flags.NAMES and name not in options.SHARED]:
        raise SoundsError(f"--{strange[0]} does not apply to sounds: no front end takes part; leave it out")
    if not experiment.asks_vowels and (theirs := [name for name in given if name in vowel_flags.NAMES]):
        raise SoundsError(f"--{theirs[0]} with --experiment={experiment.name}, which uses no vowels; leave it out")
    results = Results(
        flags.output_dir(),
        size=flags.size(),
        overwrite=bool(absl_flags.FLAGS["overwrite"].value),
        vowels=choice if experiment.asks_vowels else PAPERS,
    )
    results.check()
    rate = options.SAMPLE_RATE.value
    if experiment.asks_vowels:
        choice.check_rate(rate, who="--sample_rate")
    folder = results.path(NAME, experiment.name)
    several = sounds_of(experiment, results, sample_rate=rate, everything=options.ALL.value)
    if not several:
        raise SoundsError(f"--experiment={experiment.name} has no sounds of its own; expected another")
    count, gain = sounds_folder.write(several, folder, sample_rate=rate, overwrite=results.overwrite)
    print(f"{count} sounds in {folder}, with {sounds_folder.INDEX}: 16-bit WAV, {rate:,} samples a second.")
    print(
        "Their levels are those of the experiment: a sample of 1 is full scale, and nothing is clipped."
        if gain == 1
        else f"All were scaled by {gain:.4g}, so that the loudest fits: nothing is clipped, and levels stay comparable."
    )
    print("They are loud: turn the volume down first.")
    if experiment.asks_vowels and choice.left_out:
        print(f"Not on the grid, and left out: {choice.named(choice.left_out)}.")
    if not options.ALL.value:
        print("(--all writes every sound that the experiment uses.)")


if __name__ == "__main__":
    program.launch(
        main,
        errors=(SoundsError, flags.FlagError, VowelTableError, ReplacementError, FloatingPointError, OSError),
        kept=lambda: f"what was written is kept in {flags.output_dir()}",
    )

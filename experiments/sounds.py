"""The sounds of an experiment as WAV files, to be listened to.

    w2v-jax sounds --experiment=formants --vowels=peterson-barney-1952

Writes `sounds/EXPERIMENT/` in `--output_dir`: a file per sound, whose name has its parameters, and `index.csv`, with
all of them row by row. Of vowels those of the table are written, of other sweeps at most 25 sounds, evenly chosen;
`--all` writes every sound that the experiment hears.

The files are 16-bit PCM, mono. A sample of 1 is the largest that such a file holds; one gain, stated and the same for
all files, makes them fit where one is louder, so that nothing is clipped and levels stay comparable.
"""

import dataclasses
import functools
import io
import math
import pathlib
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import numpy as np
from absl import flags as absl_flags

from w2v_jax._src import files
from w2v_jax.grids import Grid
from w2v_jax.vowels import VowelTableError

from . import amplitude, diphthongs, f0, formants, temporal
from .draw import vowel_chart
from .launch import flags, program
from .options import sounds as options
from .progress import progress_bar
from .store import spreadsheet
from .store.results import AtRate, Results, file_part
from .store.sweeping import ReplacementError
from .vowels import flags as vowel_flags
from .vowels.choice import VowelChoice

NAME = "sounds"
INDEX = "index.csv"
MOST = 25  # of a sweep, without --all
FULL_SCALE = 32_767  # what a sample of 1 is, in 16 bits
SOUNDS_PER_CALL = 32

WITH_VOWELS = (formants.NAME, diphthongs.NAME)


class SoundsError(ValueError):
    """What the flags ask for makes no sense. The message is one line."""


@dataclasses.dataclass(frozen=True)
class Sounds:
    """Sounds of one kind.

    Attributes:
        sweep: its name.
        points: their parameters, (n,) each.
        stimulus: `stimulus(**point, sample_rate=...)` returns a waveform.
        names: of each its speaker and its vowel; empty where it is no vowel.
    """

    sweep: str
    points: Mapping[str, np.ndarray]
    stimulus: Callable[..., jax.Array]
    names: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.points.values())))

    def waveforms(self, sample_rate: int) -> Iterator[np.ndarray]:
        """Each of them, (samples,) float32."""
        made = _compiled(AtRate(self.stimulus, sample_rate))
        for start in range(0, len(self), SOUNDS_PER_CALL):
            rows = np.minimum(np.arange(start, start + SOUNDS_PER_CALL), len(self) - 1)  # of one shape: compiled once
            found = np.asarray(made({name: values[rows] for name, values in self.points.items()}))
            yield from found[: len(self) - start]


@functools.lru_cache
def _compiled(stimulus: AtRate) -> Callable[[Mapping[str, np.ndarray]], jax.Array]:
    return jax.jit(jax.vmap(lambda point: stimulus(**point)))


def sounds_of(experiment: str, results: Results, *, sample_rate: int, everything: bool = False) -> list[Sounds]:
    """What an experiment hears.

    Args:
        experiment: its name.
        results: says which vowels, and whether grids are thin.
        sample_rate: Hz, which must hold them.
        everything: all of it; else the vowels of the table and at most `MOST` of each sweep.
    """
    swept = functools.partial(_swept, everything=everything)
    if experiment == formants.NAME and not everything:
        return _vowels(results.vowels)
    if experiment == formants.NAME:
        both = (vowel_chart.vowel_space(results), vowel_chart.vowel_space_by_f0(results))
        found = [swept(grid, vowel_chart.vowel) for grid in both]
        found.append(swept(vowel_chart.vowel_space_source_filter(results), vowel_chart.source_filter_vowel))
    elif experiment == diphthongs.NAME:
        found = [_diphthongs(results, everything=everything)]
    elif experiment == temporal.NAME:
        found = [
            swept(temporal.STATIONARITY, temporal.tone),
            swept(temporal.BURST_TONES, temporal.tone),
            swept(temporal.BURSTS, temporal.burst),
        ]
    elif experiment == f0.NAME:
        tones = f0.QUICK_PURE_TONES if results.quick else f0.PURE_TONES
        heard = tones.limited("frequency", highest=sample_rate / 2)
        found = [swept(f0.BIAS, f0.biased_tone), swept(heard, f0.tone)]
    else:
        found = [swept(amplitude.QUICK_AMPLITUDES if results.quick else amplitude.AMPLITUDES, amplitude.two_tones)]
    return found


def _swept(grid: Grid, stimulus: Callable[..., jax.Array], *, everything: bool) -> Sounds:
    """A sweep; at most `MOST` of it, evenly along each axis, unless everything is wanted."""
    if not everything:
        varying = [next(iter(axis)) for axis, length in zip(grid.axes, grid.shape, strict=True) if length > 1]
        grid = grid.thinned(**dict.fromkeys(varying, math.floor(MOST ** (1 / len(varying)))))
    return Sounds(grid.name, grid.points(), stimulus)


def _vowels(choice: VowelChoice) -> list[Sounds]:
    """The vowels of the table, as sines and as resonances, at every f0 that was asked for; else each at its own, where
    the table has one."""
    heard = [vowel for speaker in choice.speakers for vowel in choice.of(speaker)]
    rows = [(vowel, f0) for vowel in heard for f0 in choice.f0 or (vowel.f0 or choice.one_f0,)]
    points = {
        "f0": np.array([f0 for _, f0 in rows], np.float32),
        "f1": np.array([vowel.f1 for vowel, _ in rows], np.float32),
        "f2": np.array([vowel.f2 for vowel, _ in rows], np.float32),
    }
    names = tuple((vowel.speaker, vowel.symbol) for vowel, _ in rows)
    return [
        Sounds("vowels", points, vowel_chart.vowel, names),
        Sounds("vowels_source_filter", points, vowel_chart.source_filter_vowel, names),
    ]


def _diphthongs(results: Results, *, everything: bool) -> Sounds:
    """Every diphthong, or those that `diphthongs` draws by themselves."""
    by_speaker = diphthongs.vowels_of(results)
    points = diphthongs.join(list(by_speaker.values()), f0=results.vowels.one_f0).points()
    names: list[tuple[str, str]] = []
    keep: list[int] = []
    for speaker, vowels in by_speaker.items():
        wanted = set(diphthongs.closing(vowels))
        for start, end in np.ndindex(len(vowels), len(vowels)):
            if everything or (start, end) in wanted:
                keep.append(len(names))
            names.append((speaker, f"{vowels[start].symbol}-{vowels[end].symbol}"))
    chosen = {name: values[keep] for name, values in points.items()}
    return Sounds("diphthongs", chosen, diphthongs.diphthong, tuple(names[row] for row in keep))


def write(several: Sequence[Sounds], folder: pathlib.Path, *, sample_rate: int, overwrite: bool) -> tuple[int, float]:
    """Writes WAV files and `index.csv`.

    Args:
        several: the sounds.
        folder: where.
        sample_rate: Hz.
        overwrite: whether files of other sounds that are there may be replaced.

    Returns:
        How many, and the gain that they were written with.

    Raises:
        ReplacementError: there are files of other sounds, and they may not.
        OSError: a file cannot be written.
    """
    total = sum(map(len, several))
    loudest = [_peak(each, sounds, sample_rate) for sounds in several for each in sounds.waveforms(sample_rate)]
    gain = 1.0 if max(loudest) <= 1 + 1e-6 else 1 / max(loudest)
    width = len(str(total))
    rows: list[list[str]] = []
    paths: list[pathlib.Path] = []
    parameters = list(dict.fromkeys(name for sounds in several for name in sounds.points))
    for sounds in several:
        for row in range(len(sounds)):
            values = {name: float(each[row]) for name, each in sounds.points.items()}
            speaker, symbol = sounds.names[row] if sounds.names else ("", "")
            parts = [f"{len(rows) + 1:0{width}}", sounds.sweep, *map(file_part, filter(None, (speaker, symbol)))]
            parts += [f"{name}={value:.6g}" for name, value in values.items()]
            name = "_".join(parts) + ".wav"
            paths.append(folder / name)
            shown = [f"{values[each]:.7g}" if each in values else "" for each in parameters]
            level = [f"{gain:.7g}", f"{loudest[len(rows)] * gain:.4f}"]
            rows.append([name, sounds.sweep, speaker, symbol, *shown, str(sample_rate), *level])
    header = ["file", "sweep", "speaker", "symbol", *parameters, "sample_rate", "gain", "peak"]
    text = spreadsheet.csv_text(header, rows)
    _make_room(folder, text, overwrite=overwrite)
    with files.atomic_path(folder / INDEX) as temporary:  # first, so that another run knows whose files these are
        temporary.write_text(text, encoding="utf-8")
    with progress_bar(str(folder), total, unit=" files") as bar:
        waveforms = (each for sounds in several for each in sounds.waveforms(sample_rate))
        for path, waveform in zip(paths, waveforms, strict=True):
            _write_wave(path, waveform * gain, sample_rate)
            bar.update()
    return total, gain


def _peak(waveform: np.ndarray, sounds: Sounds, sample_rate: int) -> float:
    peak = float(np.abs(waveform).max())
    if not np.isfinite(peak):
        raise FloatingPointError(
            f"{sounds.sweep}: a sound is beyond what --sample_rate={sample_rate} holds; expected a higher rate"
        )
    return peak


def _make_room(folder: pathlib.Path, index: str, *, overwrite: bool) -> None:
    """Removes what another run has written, if it may be; those of the same sounds are written again."""
    try:
        earlier = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    if earlier == index:
        return
    if not overwrite:
        raise ReplacementError(
            f"{folder / INDEX}: has other sounds; choose another --output_dir, or give --overwrite to replace them"
        )
    for row in spreadsheet.rows_of(io.StringIO(earlier)):
        if row and row[0].endswith(".wav") and pathlib.PurePath(row[0]).name == row[0]:
            (folder / row[0]).unlink(missing_ok=True)
    (folder / INDEX).unlink()


def _write_wave(path: pathlib.Path, waveform: np.ndarray, sample_rate: int) -> None:
    samples = np.round(np.asarray(waveform, np.float64) * FULL_SCALE)
    with files.atomic_path(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())


def main() -> None:
    """The program."""
    choice = vowel_flags.chosen()
    given = [name for name in absl_flags.FLAGS if absl_flags.FLAGS[name].present]
    experiment = options.EXPERIMENT.value
    if experiment is None:
        raise SoundsError(f"--experiment is missing; expected --experiment={'|'.join(options.EXPERIMENTS)}")
    if strange := [name for name in given if name in flags.NAMES and name not in options.SHARED]:
        raise SoundsError(f"--{strange[0]} means nothing to sounds, which no front end hears; leave it out")
    if experiment not in WITH_VOWELS and (theirs := [name for name in given if name in vowel_flags.NAMES]):
        raise SoundsError(f"--{theirs[0]} with --experiment={experiment}, which has no vowels; leave it out")
    results = Results(
        flags.output_dir(),
        quick=bool(absl_flags.FLAGS["quick"].value),
        overwrite=bool(absl_flags.FLAGS["overwrite"].value),
        vowels=choice,
    )
    results.check()
    rate = options.SAMPLE_RATE.value
    if experiment in WITH_VOWELS:
        choice.check_rate(rate, who="--sample_rate")
    folder = results.path(NAME, experiment)
    several = sounds_of(experiment, results, sample_rate=rate, everything=options.ALL.value)
    count, gain = write(several, folder, sample_rate=rate, overwrite=results.overwrite)
    print(f"{count} sounds in {folder}, with {INDEX}: 16-bit WAV, {rate:,} samples a second.")
    print(
        "Written as loud as the experiment hears them: a sample of 1 is full scale, and nothing is clipped."
        if gain == 1
        else f"All were scaled by {gain:.4g}, so that the loudest just fits; nothing is clipped."
    )
    print("They are loud: turn the volume down first.")
    if experiment in WITH_VOWELS and choice.left_out:
        print(f"Not on the grid, and left out: {choice.named(choice.left_out)}.")
    if not options.ALL.value:
        print("(--all writes every sound that the experiment hears.)")


if __name__ == "__main__":
    program.launch(
        main,
        errors=(SoundsError, VowelTableError, ReplacementError, FloatingPointError, OSError),
        kept=lambda: f"what was written is kept in {flags.output_dir()}",
    )

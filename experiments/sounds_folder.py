"""Sounds as WAV files: 16-bit PCM, mono, of one loudness scale."""

import functools
import io
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import numpy as np
from scipy.io import wavfile

from w2v_jax._src import files

from .experiment import Sounds
from .progress import progress_bar
from .store import spreadsheet
from .store.results import AtRate, file_part
from .store.sweeping import ReplacementError

INDEX = "index.csv"
FULL_SCALE = 32_767  # what a sample of 1 is, in 16 bits
SOUNDS_PER_CALL = 32


def waveforms(sounds: Sounds, sample_rate: int) -> Iterator[np.ndarray]:
    """Each of them, (samples,) float32."""
    made = _compiled(AtRate(sounds.stimulus, sample_rate))
    for start in range(0, len(sounds), SOUNDS_PER_CALL):
        rows = np.minimum(np.arange(start, start + SOUNDS_PER_CALL), len(sounds) - 1)  # of one shape: compiled once
        chunk = np.asarray(made({name: values[rows] for name, values in sounds.points.items()}))
        yield from chunk[: len(sounds) - start]


@functools.lru_cache
def _compiled(stimulus: AtRate) -> Callable[[Mapping[str, np.ndarray]], jax.Array]:
    return jax.jit(jax.vmap(lambda point: stimulus(**point)))


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
    loudest = [_peak(each, sounds, sample_rate) for sounds in several for each in waveforms(sounds, sample_rate)]
    gain = 1.0 if max(loudest) <= 1 + 1e-6 else 1 / max(loudest)
    width = len(str(total))
    rows: list[list[str]] = []
    paths: list[pathlib.Path] = []
    parameters = list(dict.fromkeys(name for sounds in several for name in sounds.points))
    for sounds in several:
        for row in range(len(sounds)):
            values = {name: float(each[row]) for name, each in sounds.points.items()}
            speaker, symbol = sounds.names[row] if sounds.names else ("", "")
            parts = [f"{len(rows) + 1:0{width}}", sounds.name, *map(file_part, filter(None, (speaker, symbol)))]
            parts += [f"{name}={value:.6g}" for name, value in values.items()]
            name = "_".join(parts) + ".wav"
            paths.append(folder / name)
            shown = [f"{values[each]:.7g}" if each in values else "" for each in parameters]
            level = [f"{gain:.7g}", f"{loudest[len(rows)] * gain:.4f}"]
            rows.append([name, sounds.name, speaker, symbol, *shown, str(sample_rate), *level])
    header = ["file", "sweep", "speaker", "symbol", *parameters, "sample_rate", "gain", "peak"]
    text = spreadsheet.csv_text(header, rows)
    _make_room(folder, text, overwrite=overwrite)
    with files.atomic_path(folder / INDEX) as temporary:  # first, so that another run knows whose files these are
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    with progress_bar(str(folder), total, unit=" files") as bar:
        made = (each for sounds in several for each in waveforms(sounds, sample_rate))
        for path, waveform in zip(paths, made, strict=True):
            _write_wave(path, waveform * gain, sample_rate)
            bar.update()
    return total, gain


def _peak(waveform: np.ndarray, sounds: Sounds, sample_rate: int) -> float:
    peak = float(np.abs(waveform).max())
    if not np.isfinite(peak):
        raise FloatingPointError(
            f"{sounds.name}: a sound is beyond what --sample_rate={sample_rate} holds; expected a higher rate"
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
    with files.atomic_path(path) as temporary:
        wavfile.write(temporary, sample_rate, samples.astype("<i2"))

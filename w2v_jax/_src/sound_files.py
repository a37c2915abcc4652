"""Sound files as they are in the world: what one has, and samples of it at any rate.

Files are read by soundfile (libsndfile) and resampled by soxr, which are imported when they are used: they are in the
extra `recordings`.
"""

import dataclasses
import functools
import hashlib
import itertools
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from w2v_jax._src.opened_sound import File, RecordingError, cut_short, opened, package, shown, unusable

Channel = Literal["mean", "left", "right"] | int
"""Which channel is heard: the mean of those that are not silent, the first, the second, or one by number, from 1."""

_BLOCK_VALUES = 1 << 20  # samples of all channels together that are read at a time
_FULL_SCALE = 0.001  # how near to 1 a sample lies at full scale
_FLAT = 3  # samples in a row at full scale, from which on they count
_SILENT_CHANNEL = 1e-6  # power over that of the strongest channel
_LARGEST = 2.0**32  # of integers kept as floats
_LOWEST_RATE = 1_000  # Hz; a header that says less is wrong
# soxr's filters have died away long before, at any rate that sound is recorded at.
_MARGIN_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class Recording:
    """What a sound file has.

    Attributes:
        path: the file.
        digest: SHA-256 of its bytes.
        sample_rate: Hz.
        channels: how many it has.
        num_samples: of each channel.
        peak: the largest absolute value of what is heard, 1 being full scale.
        flat: share of the samples that lie at full scale, at least three in a row, in any channel: clipping, perhaps.
        left_by_averaging: power of the averaged channels over that of the strongest one; near 0 where they cancel.
        heard: the channels that are averaged, counted from 0.
        silent: those that would be averaged, but are silent.
        agreement: the lowest correlation between two of the channels that are averaged: 1 where they are alike but for
            their level, negative where one is turned round.
        offset: mean of what is heard; a recording has none.
        deviation: standard deviation of what is heard.
        assumed: what its header does not say or says wrongly, and what is read, in words.
    """

    path: pathlib.Path
    digest: str
    sample_rate: int
    channels: int
    num_samples: int
    peak: float
    flat: float
    left_by_averaging: float
    heard: tuple[int, ...] = (0,)
    silent: tuple[int, ...] = ()
    agreement: float = 1.0
    offset: float = 0.0
    deviation: float = math.inf
    assumed: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sample_rate

    @property
    def identity(self) -> str:
        """Digest of everything that its samples depend on: its bytes, and the channels where not all are averaged."""
        if self.heard == tuple(range(self.channels)):
            return self.digest
        return f"{self.digest}, channel {'+'.join(str(each + 1) for each in self.heard)}"

    @property
    def name(self) -> str:
        """Its path, as messages show it."""
        return shown(self.path)

    def num_samples_at(self, sample_rate: int) -> int:
        """Samples after resampling to `sample_rate` Hz: as many as fit best."""
        return (2 * self.num_samples * sample_rate + self.sample_rate) // (2 * self.sample_rate)


def inspect(path: str | os.PathLike[str], *, channel: Channel = "mean") -> Recording:
    """Looks through a sound file, a block at a time, to its end.

    Args:
        path: WAV, FLAC, OGG, MP3 or another format that libsndfile reads, of any rate and number of channels.
        channel: which is heard. A silent channel is left out of the mean.

    Raises:
        RecordingError: it is missing, empty, of no known format, damaged or shorter than its header says, or has
            samples that are not finite, or no such channel. A file of silence is no error: its `peak` is 0.
        RecordingsUnavailableError: soundfile is not installed.
    """
    path = pathlib.Path(path)
    if why := unusable(path):
        raise RecordingError(f"{shown(path)}: {why}; expected a sound file")
    try:
        digest = _digest(path)
        if not path.stat().st_size:
            raise RecordingError(f"{shown(path)}: the file is empty; expected sound")
    except OSError as error:
        raise RecordingError(f"{shown(path)}: it cannot be read ({error.strerror or error})") from error
    with opened(path) as file:
        rate, channels = file.samplerate, file.channels
        if rate < _LOWEST_RATE:
            raise RecordingError(f"{shown(path)}: its sample rate is {rate} Hz; expected at least {_LOWEST_RATE:,} Hz")
        candidates = _candidates(path, channel, channels)
        survey = _Survey(channels)
        for block in _blocks(path, file):
            survey.add(block)
        assumed = file.assumed
    if not survey.count:
        raise RecordingError(f"{shown(path)}: it has no samples; expected sound")
    heard = tuple(each for each in candidates if not survey.silent[each]) or candidates
    peak = survey.peak_of(heard)
    if peak is None:  # some of several channels: their mean has not been seen yet
        with opened(path) as file:
            peak = max(float(np.abs(block[:, heard].mean(axis=1)).max()) for block in _blocks(path, file))
    return Recording(
        path=path,
        digest=digest,
        sample_rate=rate,
        channels=channels,
        num_samples=survey.count,
        peak=peak,
        flat=survey.flat / (survey.count * channels),
        left_by_averaging=survey.left_by_averaging(heard),
        heard=heard,
        silent=tuple(each for each in candidates if each not in heard),
        agreement=survey.agreement(heard),
        offset=float(survey.means[list(heard)].mean()),
        deviation=math.sqrt(max(0.0, survey.covariance[np.ix_(heard, heard)].mean())),
        assumed=assumed,
    )


def read(recording: Recording, *, sample_rate: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Samples of a recording, the channels that are heard averaged, at another rate.

    Only what is asked for is read and resampled, with a margin: the samples are those of the whole file, resampled at
    once, within rounding.

    Args:
        recording: from `inspect`.
        sample_rate: Hz.
        start, stop: which samples, counted at `sample_rate`; by default all.

    Returns:
        (stop - start,) float32.

    Raises:
        RecordingError: the file is no longer what it was.
        ValueError: there are no such samples.
        RecordingsUnavailableError: soundfile or soxr is not installed.
    """
    total = recording.num_samples_at(sample_rate)
    stop = total if stop is None else stop
    if not 0 <= start <= stop <= total:
        raise ValueError(f"start is {start} and stop {stop}; expected 0 to {total}, the samples of {recording.path}")
    if start == stop:
        return np.zeros(0, np.float32)
    own = recording.sample_rate
    if own == sample_rate:
        return _averaged(recording, start, stop)
    # A resampler that starts where samples of both rates coincide has the phase that it has in the whole file.
    shared = math.gcd(own, sample_rate)
    own_step, step = own // shared, sample_rate // shared
    margin = math.ceil(_MARGIN_SECONDS * own)
    first = max(0, start * own // sample_rate - margin) // own_step
    last = min(recording.num_samples, -(-stop * own // sample_rate) + margin)
    resampled = package("soxr").resample(_averaged(recording, first * own_step, last), own, sample_rate)
    piece = resampled[start - first * step :][: stop - start]
    # The last sample may lie half a step past the file's end.
    return np.pad(np.asarray(piece, np.float32), (0, stop - start - len(piece)))


def mean_and_deviation(recording: Recording, *, sample_rate: int, seconds: float = 60.0) -> tuple[float, float]:
    """Mean and standard deviation of all samples of a recording at another rate, read piece by piece.

    The deviation is the square root of the variance and 1e-7, as in the feature extractors of transformers: what
    models that were trained on normalised sound are given is `(waveform - mean) / deviation`.
    """
    total = recording.num_samples_at(sample_rate)
    step = max(1, int(seconds * sample_rate))
    pieces = [*range(0, total, step), total]
    count, mean, squares = 0, 0.0, 0.0
    for start, stop in itertools.pairwise(pieces):
        piece = read(recording, sample_rate=sample_rate, start=start, stop=stop).astype(np.float64)
        further, count = piece.mean() - mean, count + len(piece)
        squares += np.square(piece - piece.mean()).sum() + further**2 * (count - len(piece)) * len(piece) / count
        mean += further * len(piece) / count
    return float(mean), math.sqrt(squares / max(1, count) + 1e-7)


def _candidates(path: pathlib.Path, channel: Channel, channels: int) -> tuple[int, ...]:
    if channel == "mean":
        return tuple(range(channels))
    number = {"left": 1, "right": 2}.get(str(channel)) or int(channel)
    if not 1 <= number <= channels:
        raise RecordingError(
            f"{shown(path)}: it has {channels} channel{'s' * (channels != 1)}; expected channel {channel} among them"
        )
    return (number - 1,)


class _Survey:
    """What is summed up over the blocks of a file."""

    def __init__(self, channels: int):
        self.count = self.flat = 0
        self.peaks = np.zeros(channels)
        self.peak_of_mean = 0.0
        self.sums = np.zeros(channels)
        self.products = np.zeros((channels, channels))

    def add(self, block: np.ndarray) -> None:
        exact = block.astype(np.float64)
        self.count += len(block)
        self.flat += int(_flat(block).sum())
        self.peaks = np.maximum(self.peaks, np.abs(block).max(axis=0))
        self.peak_of_mean = max(self.peak_of_mean, float(np.abs(block.mean(axis=1)).max()))
        self.sums += exact.sum(axis=0)
        self.products += exact.T @ exact

    @property
    def means(self) -> np.ndarray:
        return self.sums / self.count

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        return self.products / self.count - np.outer(self.means, self.means)

    @property
    def silent(self) -> np.ndarray:
        """(channels,) bool. A constant is silent, too."""
        powers = np.diag(self.covariance)
        return powers <= _SILENT_CHANNEL * powers.max()

    def peak_of(self, heard: tuple[int, ...]) -> float | None:
        if len(heard) == 1:
            return float(self.peaks[heard[0]])
        return self.peak_of_mean if len(heard) == len(self.peaks) else None

    def left_by_averaging(self, heard: tuple[int, ...]) -> float:
        powers = self.covariance[np.ix_(heard, heard)]
        loudest = float(np.diag(powers).max())
        noise = 1e-12 * float(np.diag(self.products).max()) / self.count  # of a constant, rounding leaves this much
        return float(powers.mean()) / loudest if loudest > noise else 1.0

    def agreement(self, heard: tuple[int, ...]) -> float:
        covariance = self.covariance[np.ix_(heard, heard)]
        deviations = np.sqrt(np.maximum(np.diag(covariance), 0))
        if len(heard) == 1 or not deviations.all():
            return 1.0
        return float(np.clip((covariance / np.outer(deviations, deviations)).min(), -1, 1))


def _blocks(path: pathlib.Path, file: File) -> Iterator[np.ndarray]:
    """All samples, (samples, channels) float32 a block. Raises `RecordingError` where there are fewer than promised."""
    most = max(1, _BLOCK_VALUES // file.channels)
    count, is_short = 0, file.is_cut_short
    while not is_short:
        block = file.read(most)
        if not len(block):
            break
        count += len(block)
        # What follows a damaged page of an OGG would be read on.
        if file.promised is not None and len(block) < min(most, file.promised - count + len(block)):
            is_short = True
        if not np.isfinite(block).all():
            raise RecordingError(f"{shown(path)}: it has samples that are not finite; expected numbers")
        if (largest := float(np.abs(block).max())) > _LARGEST:
            raise RecordingError(
                f"{shown(path)}: it has a sample of {largest:.1e} where 1 is full scale; it is damaged"
            )
        yield block
    if is_short or count < (file.promised or 0):
        raise cut_short(path)


def _flat(block: np.ndarray) -> np.ndarray:
    """Which samples, (samples, channels), lie at full scale in a run of at least `_FLAT`."""
    sign = np.sign(block) * (np.abs(np.abs(block) - 1) <= _FULL_SCALE)
    run = np.ones_like(sign, bool)[: max(0, len(sign) - _FLAT + 1)]
    for late in range(_FLAT):
        run &= (sign[late:][: len(run)] == sign[: len(run)]) & (sign[: len(run)] != 0)
    mask = np.zeros_like(sign, bool)
    for late in range(_FLAT):
        mask[late:][: len(run)] |= run
    return mask


def _averaged(recording: Recording, start: int, stop: int) -> np.ndarray:
    """Samples at the file's own rate, (stop - start,) float32."""
    most = max(1, _BLOCK_VALUES // recording.channels)
    blocks: list[np.ndarray] = []
    with opened(recording.path, num_samples=recording.num_samples) as file:
        left = stop - start
        for count in file.go_to(start, most):
            file.read(count)
        while left:
            block = file.read(min(most, left))
            if not len(block):
                raise RecordingError(
                    f"{recording.name}: it has become shorter since it was looked through; run it again"
                )
            left -= len(block)
            blocks.append(block[:, list(recording.heard)].mean(axis=1))
    return np.concatenate(blocks)


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

"""Sound files, resampled and batched with their lengths.

Hours of sound go through here a segment at a time: a file is looked through once (`inspect`), cut into segments of
whole frames (`segments`), read where it is needed at a front end's own rate (`read`), and encoded in padded batches of
similar length (`encode`).

Files are read by soundfile (libsndfile) and resampled by soxr, which are imported when they are used: they are in the
extra `recordings`.
"""

import collections
import dataclasses
import functools
import hashlib
import importlib
import itertools
import math
import os
import pathlib
import types
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from flax import nnx

from w2v_jax import engine
from w2v_jax import front_end as front_ends
from w2v_jax.front_end import Frames, FrontEnd

SEGMENT_SECONDS = 20.0
"""The longest segment: as long as the longest utterances that models like wav2vec 2.0 are trained with."""

_BLOCK = 1 << 18  # samples of each channel read at a time
_FULL_SCALE = 0.999
_FLAT = 3  # samples in a row at full scale, from which on they count
# soxr's filters have died away long before, at any rate that sound is recorded at.
_MARGIN_SECONDS = 0.5
_BUCKETS_PER_OCTAVE = 4


class RecordingError(ValueError):
    """A sound file that cannot be used. The message is one line and names it."""


class RecordingsUnavailableError(ImportError):
    """A package that reads or measures recordings is not installed."""


@dataclasses.dataclass(frozen=True)
class Recording:
    """What a sound file has.

    Attributes:
        path: the file.
        digest: SHA-256 of its bytes.
        sample_rate: Hz.
        channels: how many; they are averaged.
        num_samples: of each channel.
        peak: the largest absolute value of the averaged channels, 1 being full scale.
        flat: share of the samples that lie at full scale, at least three in a row, in any channel: clipping, perhaps.
        left_by_averaging: power of the averaged channels over that of the strongest one; near 0 where they cancel.
    """

    path: pathlib.Path
    digest: str
    sample_rate: int
    channels: int
    num_samples: int
    peak: float
    flat: float
    left_by_averaging: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sample_rate

    def num_samples_at(self, sample_rate: int) -> int:
        """Samples after resampling to `sample_rate` Hz: as many as fit best."""
        return (2 * self.num_samples * sample_rate + self.sample_rate) // (2 * self.sample_rate)


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of a recording that is encoded by itself, and the frames of the whole recording that it gives.

    Attributes:
        start, stop: samples, at the front end's rate.
        first_frame: of the whole recording.
        num_frames: how many.
        skipped: how many frames of the segment come before them (only where a front end pads).
    """

    start: int
    stop: int
    first_frame: int
    num_frames: int
    skipped: int = 0

    def __len__(self) -> int:
        return self.stop - self.start


def inspect(path: str | os.PathLike[str]) -> Recording:
    """Looks through a sound file, a block at a time, to its end.

    Args:
        path: WAV, FLAC, OGG, MP3 or another format that libsndfile reads, of any rate and number of channels.

    Raises:
        RecordingError: it is missing, empty, of no known format, damaged or shorter than its header says, or has
            samples that are not finite. A file of silence is no error: its `peak` is 0.
        RecordingsUnavailableError: soundfile is not installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise RecordingError(f"{path}: there is no such file; expected a sound file")
    if not path.stat().st_size:
        raise RecordingError(f"{path}: the file is empty; expected sound")
    count, peak, flat, powers, averaged = 0, 0.0, 0, 0.0, 0.0
    with _opened(path) as file:
        promised, rate, channels = file.frames, file.samplerate, file.channels
        cut_short = "should be" in file.extra_info  # libsndfile's word for a WAV or AIFF that lacks some of its data
        while not cut_short:  # or damaged
            block = file.read(_BLOCK, dtype="float32", always_2d=True)
            if not len(block):
                break
            if len(block) < min(_BLOCK, promised - count):  # what follows a damaged page of an OGG would be read on
                cut_short = True
            if not np.isfinite(block).all():
                raise RecordingError(f"{path}: it has samples that are not finite; expected numbers")
            mono = block.mean(axis=1)
            count += len(block)
            peak = max(peak, float(np.abs(mono).max()))
            flat += int(_flat(block).sum())
            powers = powers + np.square(block, dtype=np.float64).sum(axis=0)
            averaged += float(np.square(mono, dtype=np.float64).sum())
    if cut_short or count < promised:
        raise RecordingError(
            f"{path}: its header promises more sound than there is; it is damaged or was cut short: copy it again"
        )
    if not count:
        raise RecordingError(f"{path}: it has no samples; expected sound")
    loudest = float(np.max(powers))
    return Recording(
        path=path,
        digest=_digest(path),
        sample_rate=rate,
        channels=channels,
        num_samples=count,
        peak=peak,
        flat=flat / (count * channels),
        left_by_averaging=averaged / loudest if loudest else 1.0,
    )


def read(recording: Recording, *, sample_rate: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Samples of a recording, its channels averaged, at another rate.

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
    found = _package("soxr").resample(_averaged(recording, first * own_step, last), own, sample_rate)
    piece = found[start - first * step :][: stop - start]
    # The last sample may lie half a step past the file's end.
    return np.pad(np.asarray(piece, np.float32), (0, stop - start - len(piece)))


def segments(num_samples: int, frames: Frames, *, seconds: float = SEGMENT_SECONDS) -> tuple[Segment, ...]:
    """Cuts a recording into segments of at most `seconds`, as even as can be, that give every frame once.

    Neighbours overlap by the samples that the frames on both sides see, so a frame sees what it would see in the whole
    recording. What a front end makes of a segment as a whole, such as a normalisation over time, is the segment's own.

    Args:
        num_samples: of the recording, at the front end's rate.
        frames: how the front end frames it.
        seconds: of a segment, at most (of its frames; at least one).

    Returns:
        In order; none where the recording is shorter than a frame.

    Examples:
        >>> found = segments(48_000, Frames(16_000, 400, 320), seconds=2)
        >>> [(each.start, each.stop, each.first_frame) for each in found]
        [(0, 23760, 0), (23680, 48000, 74)]
    """
    total = frames.num_frames(num_samples)
    if not total:
        return ()
    most = max(1, int(seconds * frames.rate))
    bounds = np.linspace(0, total, -(-total // most) + 1).round().astype(int).tolist()
    before = -(-frames.padding // frames.hop)  # frames at either end that would see zeros in place of sound
    found = []
    for first, end in itertools.pairwise(bounds):
        skipped = min(first, before)
        last_seen = (end - 1) * frames.hop - frames.padding + frames.receptive_field
        stop = num_samples if end == total else min(num_samples, last_seen)
        found.append(Segment((first - skipped) * frames.hop, stop, first, end - first, skipped))
    return tuple(found)


def padded(waveforms: Sequence[np.ndarray], num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Waveforms, (samples_i,) each, as one batch.

    Returns:
        (n, num_samples) float32, zeros behind each waveform, and its length: (n,) int32.
    """
    batch = np.zeros((len(waveforms), num_samples), np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, np.array([len(waveform) for waveform in waveforms], np.int32)


def encode(front_end: FrontEnd, waveforms: Sequence[np.ndarray], *, batch_size: int | None = None) -> list[np.ndarray]:
    """The frames of several waveforms, each as if it were encoded alone.

    Waveforms of similar length share a padded batch, whose length is one of a few, so that few programs are compiled.
    A front end without the keyword `lengths` is given waveforms of equal length together, and no padding.

    Args:
        front_end: any front end.
        waveforms: (samples_i,) float32 each, at its rate.
        batch_size: waveforms in a batch; by default as many as a sweep over sounds of that length would take.

    Returns:
        (frames_i, channels) float32 each, in the order given.

    Raises:
        ValueError: a waveform that is shorter than a frame; frames that are not what the front end's `frames` say.

    Examples:
        >>> from w2v_jax.spectrograms import LogMelSpectrogram
        >>> sounds = [np.zeros(8_000, np.float32), np.zeros(16_000, np.float32)]
        >>> [found.shape for found in encode(LogMelSpectrogram(), sounds)]
        [(24, 80), (49, 80)]
    """
    frames = front_end.frames
    counts = [frames.num_frames(len(waveform)) for waveform in waveforms]
    if 0 in counts:
        shortest = min(map(len, waveforms))
        raise ValueError(f"a waveform has {shortest} samples, fewer than a frame; expected at least one frame in each")
    pads = front_ends.is_compiled(front_end) and front_ends.takes_lengths(front_end)
    found: dict[int, np.ndarray] = {}
    widths: set[int] = set()
    batches = _batches(front_end, [len(waveform) for waveform in waveforms], pads=pads, batch_size=batch_size)
    for indices, num_samples, rows in batches:
        batch, lengths = padded([waveforms[index] for index in indices], num_samples)
        if pads:
            # Rows of nothing: as many as the program was compiled for.
            batch = np.pad(batch, ((0, rows - len(batch)), (0, 0)))
            features = _encoded(front_end, batch, np.pad(lengths, (0, rows - len(lengths))))
        else:
            features = _encoded(front_end, batch, None)
        expected = (len(batch), frames.num_frames(num_samples))
        if features.ndim != 3 or features.shape[:2] != expected:
            raise front_ends.FrontEndError(
                f"{type(front_end).__name__} returned shape {features.shape} for {batch.shape}; expected "
                f"({expected[0]}, {expected[1]}, channels), by {frames}"
            )
        if not np.issubdtype(features.dtype, np.floating) and features.dtype != jax.numpy.bfloat16:
            raise front_ends.FrontEndError(
                f"{type(front_end).__name__} returned {features.dtype}; expected floating-point frames"
            )
        widths.add(features.shape[2])
        if len(widths) > 1:
            raise front_ends.FrontEndError(
                f"{type(front_end).__name__} returned {sorted(widths)} channels; expected one number of them"
            )
        for row, index in enumerate(indices):
            found[index] = np.array(features[row, : counts[index]], np.float32)
    return [found[index] for index in range(len(waveforms))]


def _batches(
    front_end: FrontEnd, lengths: Sequence[int], *, pads: bool, batch_size: int | None
) -> Iterator[tuple[list[int], int, int]]:
    """Indices of the waveforms of each batch, its samples, and its rows; the longest first."""
    together: dict[int, list[int]] = collections.defaultdict(list)
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        together[_bucket(lengths[index]) if pads else lengths[index]].append(index)
    for num_samples, indices in together.items():
        rows = batch_size or _rows(front_end, num_samples)
        for start in range(0, len(indices), rows):
            yield indices[start : start + rows], num_samples, rows


def _bucket(length: int) -> int:
    """The next of a few lengths, each 19% longer than the last."""
    steps = math.ceil(math.log2(length) * _BUCKETS_PER_OCTAVE - 1e-9)
    return math.ceil(2 ** (steps / _BUCKETS_PER_OCTAVE))


def _rows(front_end: FrontEnd, num_samples: int) -> int:
    """As many as a sweep over sounds of that length would take on one device."""
    sounds = {"sound": np.zeros((1, num_samples), np.float32)}
    return engine.suggested_batch_size(front_end, _itself, sounds, devices=jax.local_devices()[:1])


def _itself(sound: jax.Array) -> jax.Array:
    return sound


def _encoded(front_end: FrontEnd, batch: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    if not front_ends.is_compiled(front_end):
        return np.asarray(front_ends.call(front_end, front_end, batch))
    static, state = front_ends.split(front_end)
    return np.asarray(_compiled(static, state, batch, lengths))


@functools.partial(jax.jit, static_argnums=0)
def _compiled(static: front_ends.Static, state: nnx.State, batch: jax.Array, lengths: jax.Array | None) -> jax.Array:
    front_end = static.merge(state)
    return front_end(batch) if lengths is None else front_end(batch, lengths=lengths)


def _flat(block: np.ndarray) -> np.ndarray:
    """Which samples, (samples, channels), lie at full scale in a run of at least `_FLAT`."""
    sign = np.sign(block) * (np.abs(block) >= _FULL_SCALE)
    run = np.ones_like(sign, bool)[: max(0, len(sign) - _FLAT + 1)]
    for late in range(_FLAT):
        run &= (sign[late:][: len(run)] == sign[: len(run)]) & (sign[: len(run)] != 0)
    found = np.zeros_like(sign, bool)
    for late in range(_FLAT):
        found[late:][: len(run)] |= run
    return found


def _averaged(recording: Recording, start: int, stop: int) -> np.ndarray:
    """Samples at the file's own rate, (stop - start,) float32."""
    with _opened(recording.path) as file:
        file.seek(start)
        found = file.read(stop - start, dtype="float32", always_2d=True)
    if len(found) != stop - start:
        raise RecordingError(f"{recording.path}: it has become shorter since it was looked through; run it again")
    return found.mean(axis=1)


class _opened:
    """A file opened by soundfile, whose errors name it in one line."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.library = _package("soundfile")

    def __enter__(self):  # type: ignore[no-untyped-def]  # soundfile has no types
        try:
            self.file = self.library.SoundFile(str(self.path))
        except (self.library.SoundFileError, TypeError, OSError) as error:
            raise self._told(error) from error
        return self.file

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.file.close()
        if isinstance(error, self.library.SoundFileError):
            raise self._told(error) from error

    def _told(self, error: Exception) -> RecordingError:
        # "Error opening 'PATH': Format not recognised."
        said = str(error).rpartition(": ")[2].strip().rstrip(".").splitlines()[0]
        return RecordingError(f"{self.path}: it cannot be read ({said}); expected WAV, FLAC, OGG or MP3")


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _package(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RecordingsUnavailableError(
            f"recordings need the package {name} ({error}); install it with: pip install 'w2v_jax[recordings]'"
        ) from error

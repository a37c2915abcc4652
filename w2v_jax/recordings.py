"""Sound files, resampled and batched with their lengths.

Hours of sound go through here a segment at a time: a file is looked through once (`inspect`), cut into segments of
whole frames (`segments`), read where it is needed at a front end's own rate (`read`), and encoded in padded batches of
similar length (`encode`).

What a sound file has and its samples are in `w2v_jax._src.sound_files`, whose names are here, too.
"""

import collections
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from flax import nnx

from w2v_jax import engine
from w2v_jax import front_end as front_ends
from w2v_jax._src.opened_sound import RecordingError, RecordingsUnavailableError
from w2v_jax._src.sound_files import (
    Channel,
    Recording,
    inspect,
    mean_and_deviation,
    read,
)
from w2v_jax.front_end import Complete, Frames, FrontEnd

__all__ = [
    "SEGMENT_SECONDS",
    "Channel",
    "Recording",
    "RecordingError",
    "RecordingsUnavailableError",
    "Segment",
    "encode",
    "inspect",
    "mean_and_deviation",
    "padded",
    "read",
    "segments",
]

SEGMENT_SECONDS = 20.0
"""The longest segment: as long as the longest utterances that models like wav2vec 2.0 are trained with."""

_BUCKETS_PER_OCTAVE = 4


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
        >>> pieces = segments(48_000, Frames(16_000, 400, 320), seconds=2)
        >>> [(each.start, each.stop, each.first_frame) for each in pieces]
        [(0, 23760, 0), (23680, 48000, 74)]
    """
    total = frames.num_frames(num_samples)
    if not total:
        return ()
    most = max(1, int(seconds * frames.rate))
    bounds = np.linspace(0, total, -(-total // most) + 1).round().astype(int).tolist()
    before = -(-frames.padding // frames.hop)  # frames at either end that would see zeros in place of sound
    pieces = []
    for first, end in itertools.pairwise(bounds):
        skipped = min(first, before)
        last_seen = (end - 1) * frames.hop - frames.padding + frames.receptive_field
        stop = num_samples if end == total else min(num_samples, last_seen)
        pieces.append(Segment((first - skipped) * frames.hop, stop, first, end - first, skipped))
    return tuple(pieces)


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
        >>> [frames.shape for frames in encode(LogMelSpectrogram(), sounds)]
        [(24, 80), (49, 80)]
    """
    frames = front_end.frames
    counts = [frames.num_frames(len(waveform)) for waveform in waveforms]
    if 0 in counts:
        shortest = min(map(len, waveforms))
        raise ValueError(f"a waveform has {shortest} samples, fewer than a frame; expected at least one frame in each")
    complete = Complete(front_end)
    pads = complete.is_compiled and complete.takes_lengths
    by_index: dict[int, np.ndarray] = {}
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
            by_index[index] = np.array(features[row, : counts[index]], np.float32)
    return [by_index[index] for index in range(len(waveforms))]


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
    if not Complete(front_end).is_compiled:
        return np.asarray(Complete(front_end)(batch))
    static, state = front_ends.split(front_end)
    return np.asarray(_compiled(static, state, batch, lengths))


@functools.partial(jax.jit, static_argnums=0)
def _compiled(static: front_ends.Static, state: nnx.State, batch: jax.Array, lengths: jax.Array | None) -> jax.Array:
    front_end = static.merge(state)
    return front_end(batch) if lengths is None else front_end(batch, lengths=lengths)

"""Frames of recordings, and Praat's measures at their centres, computed piece by piece and kept like a sweep."""

import dataclasses
import functools
import hashlib
import importlib.metadata
import itertools
import json
import math
import pathlib
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from w2v_jax import _version, praat, recordings
from w2v_jax.front_end import Frames
from w2v_jax.praat import PraatSettings
from w2v_jax.recordings import SEGMENT_SECONDS, Recording, Segment

from ..front_ends.named import NamedFrontEnd
from ..store import spreadsheet
from ..store.results import Results
from ..store.shards import ShardFolder
from ..store.sweeping import shards_path
from .session import File, Session

# Seconds of sound in a shard: a kill loses at most that much, and an accelerator is given that much at once.
_SHARD_SECONDS_CPU = 60.0
_SHARD_SECONDS = 600.0
# Praat is given so much at once, and so much more on either side: hours do not fit its memory.
PRAAT_SECONDS = 120.0
_PRAAT_MARGIN = 1.0

FRAMES = "frames"
MEASURES = "measures"


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the frames of each file lie among those of all.

    Attributes:
        session: the recordings.
        frames: how they are framed.
    """

    session: Session
    frames: Frames

    @functools.cached_property
    def counts(self) -> list[int]:
        """Frames of each file."""
        rate = self.frames.sample_rate
        return [self.frames.num_frames(file.recording.num_samples_at(rate)) for file in self.session.files]

    @functools.cached_property
    def offsets(self) -> np.ndarray:
        """(files + 1,) int64: the frames of file i are those from offsets[i] up to, but without, offsets[i + 1]."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    @property
    def num_frames(self) -> int:
        return int(self.offsets[-1])

    @functools.cached_property
    def times(self) -> np.ndarray:
        """Centre of each frame in its own file, (frames,) float64 seconds."""
        return np.concatenate([self.frames.times(count) for count in self.counts])

    @functools.cached_property
    def file_of(self) -> np.ndarray:
        """(frames,) int: the number of the file."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def pieces(self, seconds: float) -> list[tuple[int, Segment]]:
        """Every file's segments, with its number, in order."""
        rate = self.frames.sample_rate
        return [
            (index, segment)
            for index, file in enumerate(self.session.files)
            for segment in recordings.segments(file.recording.num_samples_at(rate), self.frames, seconds=seconds)
        ]

    def digest(self) -> str:
        """Of the sounds as they are heard, in their order."""
        return hashlib.sha256(json.dumps([each.recording.identity for each in self.session.files]).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class _Pieces:
    """What both kinds of work share: rows are frames, in the order of the files, and a shard has whole pieces."""

    path: pathlib.Path
    label: str
    layout: Layout
    settings: dict[str, str]
    tensor: str
    unit: str = "frames"

    seconds = SEGMENT_SECONDS
    shard_seconds = _SHARD_SECONDS_CPU

    @property
    def points(self) -> dict[str, np.ndarray]:
        return {"offsets": self.layout.offsets, "times": self.layout.times.astype(np.float32)}

    @property
    def num_rows(self) -> int:
        return self.layout.num_frames

    @functools.cached_property
    def shards(self) -> dict[range, list[tuple[int, Segment]]]:
        """Rows of each shard, and their pieces."""
        enough = math.ceil(self.shard_seconds * self.layout.frames.rate)
        by_span: dict[range, list[tuple[int, Segment]]] = {}
        start = stop = 0
        pending: list[tuple[int, Segment]] = []
        for index, segment in self.layout.pieces(self.seconds):
            pending.append((index, segment))
            stop += segment.num_frames
            if stop - start >= enough:
                by_span[range(start, stop)], pending, start = pending, [], stop
        if pending:
            by_span[range(start, stop)] = pending
        return by_span

    def folder(self) -> ShardFolder:
        """Where its shards are."""
        exactly = {**self.settings, "device": jax.local_devices()[0].device_kind}
        return ShardFolder(shards_path(self.path), exactly, list(self.shards))


@dataclasses.dataclass(frozen=True)
class Encoding(_Pieces):
    """The frames of all recordings by one front end."""

    front_end: NamedFrontEnd | None = None
    batch_size: int | None = None
    normalize: bool = False

    @property
    def shard_seconds(self) -> float:  # type: ignore[override]
        return _SHARD_SECONDS_CPU if jax.default_backend() == "cpu" else _SHARD_SECONDS

    def compute(self, spans: Sequence[range], *, progress: Callable[[int], None]) -> Iterator[np.ndarray]:
        """Frames of each span."""
        assert self.front_end is not None
        rate = self.layout.frames.sample_rate
        for span in spans:
            pieces = self.shards[span]
            waveforms = [
                self.as_given(
                    index,
                    recordings.read(
                        self.file(index).recording, sample_rate=rate, start=segment.start, stop=segment.stop
                    ),
                )
                for index, segment in pieces
            ]
            parts = [
                frames[segment.skipped :][: segment.num_frames]
                for frames, (_, segment) in zip(
                    recordings.encode(self.front_end.front_end, waveforms, batch_size=self.batch_size),
                    pieces,
                    strict=True,
                )
            ]
            for frames, (index, segment) in zip(parts, pieces, strict=True):
                if not np.isfinite(frames).all():
                    time = self.layout.frames.times(segment.first_frame + 1)[-1]
                    raise FloatingPointError(f"frames of {self.file(index).name} from {time:.2f} s on are not finite")
            progress(len(span))
            yield np.concatenate(parts)

    def file(self, index: int) -> File:
        return self.layout.session.files[index]

    def as_given(self, index: int, waveform: np.ndarray) -> np.ndarray:
        """What the front end is given of a waveform of a file: normalised over the whole file, or as it is."""
        if not self.normalize:
            return waveform
        mean, deviation = _mean_and_deviation(self.file(index).recording, self.layout.frames.sample_rate)
        return ((waveform - mean) / deviation).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Measuring(_Pieces):
    """Praat's measures at the centres of all frames."""

    praat: PraatSettings = dataclasses.field(default_factory=PraatSettings)

    seconds = PRAAT_SECONDS

    def compute(self, spans: Sequence[range], *, progress: Callable[[int], None]) -> Iterator[np.ndarray]:
        """(frames, measures) of each span."""
        for span in spans:
            parts = []
            for index, segment in self.shards[span]:
                parts.append(self._measured(index, segment))
                progress(segment.num_frames)
            yield np.concatenate(parts)

    def _measured(self, index: int, segment: Segment) -> np.ndarray:
        recording = self.layout.session.files[index].recording
        times = self.layout.frames.times(segment.first_frame + segment.num_frames)[segment.first_frame :]
        rate = recording.sample_rate
        start = max(0, math.floor((times[0] - _PRAAT_MARGIN) * rate))
        stop = min(recording.num_samples, math.ceil((times[-1] + _PRAAT_MARGIN) * rate))
        if segment.num_frames == self.layout.counts[index]:  # all of the file
            start, stop = 0, recording.num_samples
        sound = recordings.read(recording, sample_rate=rate, start=start, stop=stop)
        measured = praat.measure(sound, rate, times - start / rate, self.praat)
        return np.stack([measured[name] for name in praat.MEASURES], axis=1).astype(np.float32)


# Segments come file by file.
@functools.lru_cache(maxsize=256)
def _mean_and_deviation(recording: Recording, sample_rate: int) -> tuple[float, float]:
    return recordings.mean_and_deviation(recording, sample_rate=sample_rate)


def encode(
    results: Results, experiment: str, front_end: NamedFrontEnd, layout: Layout, *, normalize: bool = False
) -> np.ndarray:
    """The frames of all recordings, (frames, channels), kept in `EXPERIMENT/recordings.ENCODER.safetensors`.

    Next to it, `recordings.ENCODER.csv` says which frames are of which file.

    Args:
        results: where they are kept.
        experiment: its name.
        front_end: which one.
        layout: the recordings.
        normalize: each recording is given to the front end with mean 0 and variance 1.
    """
    results.admit(experiment, front_end.name)
    results.save_text(experiment, f"recordings.{front_end.name}.csv", index_text(layout))
    work = Encoding(
        path=results.path(experiment, f"recordings.{front_end.name}.safetensors"),
        label=f"{front_end.name}: recordings",
        layout=layout,
        settings={
            "encoder": front_end.digest,
            "recordings": layout.digest(),
            "longest segment": f"{SEGMENT_SECONDS:g} s",
            "precision": front_end.precision or "none",
            **({"normalised": "mean 0 and variance 1 of each recording"} if normalize else {}),
            **_versions("w2v_jax", "jax", "soundfile", "soxr"),
        },
        tensor=FRAMES,
        front_end=front_end,
        batch_size=results.batch_size,
        normalize=normalize,
    )
    return results.worked(work).array(FRAMES)


def measure(results: Results, experiment: str, layout: Layout, settings: PraatSettings) -> dict[str, np.ndarray]:
    """Praat's measures at every frame, (frames,) float32 each, kept in `EXPERIMENT/measures.FRAMES.safetensors`."""
    work = Measuring(
        path=results.path(experiment, f"{measures_name(layout.frames)}.safetensors"),
        label=f"Praat: {layout.frames.rate:g} frames a second",
        layout=layout,
        settings={
            "recordings": layout.digest(),
            "frames": str(layout.frames),
            "Praat": str(settings),
            **_versions("w2v_jax", "soundfile", "praat-parselmouth"),
        },
        tensor=MEASURES,
        praat=settings,
    )
    return dict(zip(praat.MEASURES, results.worked(work).array(MEASURES).T, strict=True))


def measures_name(frames: Frames) -> str:
    """The stem of the file with Praat's measures at such frames."""
    padding = f"-{frames.padding}" if frames.padding else ""
    return f"measures.{frames.sample_rate}-{frames.receptive_field}-{frames.hop}{padding}"


def index_text(layout: Layout) -> str:
    """A row for each file: its frames are those from first_frame on."""
    rows: list[list[object]] = []
    for file, (first, stop) in zip(layout.session.files, itertools.pairwise(layout.offsets.tolist()), strict=True):
        each = file.recording
        seconds = round(each.duration, 6)
        rows.append(
            [file.name, file.speaker, each.sample_rate, each.channels, seconds, first, stop - first, each.digest]
        )
    header = ("file", "speaker", "sample_rate", "channels", "seconds", "first_frame", "frames", "digest")
    return spreadsheet.csv_text(header, rows)


def _versions(*packages: str) -> dict[str, str]:
    known = {"w2v_jax": _version.__version__, "jax": jax.__version__}
    return {name: known.get(name) or importlib.metadata.version(name) for name in packages}

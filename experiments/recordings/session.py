"""The sound files of a session: which ones, by whom, what is said in them, and what had to be left out."""

import collections
import dataclasses
import functools
import glob
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from w2v_jax import praat, recordings
from w2v_jax.front_end import Frames
from w2v_jax.praat import Interval, TextGridError
from w2v_jax.recordings import Recording, RecordingError

from ..harness.conclusions import listed
from ..harness.progress import progress_bar

SpeakerBy = Literal["file", "folder", "prefix"]
SPEAKER_BY: tuple[SpeakerBy, ...] = ("file", "folder", "prefix")

# What is taken of a folder that is named as a whole.
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
SILENT = 2.0**-15  # a peak below the smallest step of 16 bits
SILENT_POWER = 1e-6  # what averaging channels leaves of one
CLIPPED = 1e-4  # share of samples at full scale
CANCELLED = 0.01  # of the power, where channels are averaged
LOWEST_RATE = 16_000  # Hz, below which the formants' range is cut
_SLACK = 0.01  # seconds by which a TextGrid may be longer than its sound


class SessionError(ValueError):
    """No recording can be used, or the flags that name them make no sense. The message is one line."""


@dataclasses.dataclass(frozen=True)
class File:
    """A recording that is used.

    Attributes:
        recording: the sound file.
        speaker: whose it is.
        tokens: labelled stretches, if a tier was asked for.
    """

    recording: Recording
    speaker: str
    tokens: tuple[Interval, ...] = ()

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.recording.path)


@dataclasses.dataclass(frozen=True)
class Session:
    """The recordings.

    Attributes:
        files: those that are used, in order.
        remarks: a line for each thing that a reader should know of one or several of them.
        left_out: a line for each file, or part of one, that is not used: which, and why.
        tier: of the TextGrids; None where none was asked for.
    """

    files: tuple[File, ...]
    remarks: tuple[str, ...]
    left_out: tuple[str, ...]
    tier: str | None

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return sum(file.recording.duration for file in self.files)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys(file.speaker for file in self.files))


def gather(
    patterns: Sequence[str],
    frames: Sequence[Frames],
    *,
    tier: str | None = None,
    labels: Sequence[str] = (),
    speaker_by: SpeakerBy = "file",
    ceiling: float = 5500.0,
) -> Session:
    """Looks through the recordings.

    Args:
        patterns: paths, patterns of them, and folders.
        frames: of all front ends: a recording is used only where each has a frame of it, so that all hear the same.
        tier: of the TextGrid next to each sound, of the same name; a file without it is left out.
        labels: those of the tier that are used; by default all.
        speaker_by: what tells speakers apart: the file, the folder that it lies in, or its name up to the first "_".
        ceiling: of formants, Hz.

    Raises:
        SessionError: nothing matches, or nothing is left.
    """
    paths = expand(patterns)
    files: list[File] = []
    remarks: list[str] = []
    left_out: list[str] = []
    seen: dict[str, pathlib.Path] = {}
    for path, inspected in zip(paths, _inspected(paths), strict=True):
        try:
            recording = usable(inspected(), frames)
            if (twin := seen.setdefault(recording.digest, path)) is not path:
                raise RecordingError(f"{path}: it is a copy of {twin}")
            tokens: tuple[Interval, ...] = ()
            if tier is not None:
                tokens, told = tokens_of(recording, tier, labels)
                left_out += told
        except (RecordingError, TextGridError) as error:
            left_out.append(str(error))
            continue
        remarks += remarks_on(recording, ceiling)
        files.append(File(recording, speaker_of(path, speaker_by), tokens))
    if not files:
        first = f", the first because of this: {left_out[0]}" if left_out else ""
        raise SessionError(f"--audio: none of {len(paths)} files can be used{first}")
    return Session(tuple(files), (*resampled(files, frames), *remarks), tuple(left_out), tier)


def _inspected(paths: Sequence[pathlib.Path]) -> Iterator[Callable[[], Recording]]:
    """What looks through each file, in order, while the user sees how far it is."""
    with progress_bar("looking through", len(paths), unit=" files") as bar:
        for path in paths:
            yield functools.partial(recordings.inspect, path)
            bar.update()


def expand(patterns: Sequence[str]) -> list[pathlib.Path]:
    """The files that the patterns stand for, each once. Raises `SessionError` where one stands for none."""
    found: dict[pathlib.Path, None] = {}
    for pattern in patterns:
        path = pathlib.Path(pattern)
        if path.is_dir():
            some = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
        elif path.exists() or not glob.has_magic(pattern):
            some = [path]
        else:
            matching = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (pathlib's takes no absolute patterns)
            some = [pathlib.Path(each) for each in matching if pathlib.Path(each).is_file()]
        if not some:
            raise SessionError(
                f"--audio={pattern}: no file matches; expected sound files, such as --audio='session/*.wav' (in quotes)"
            )
        found |= dict.fromkeys(some)
    if not found:
        raise SessionError("--audio is not given; expected sound files, such as --audio='session/*.wav' (in quotes)")
    return list(found)


def usable(recording: Recording, frames: Sequence[Frames]) -> Recording:
    """The recording itself. Raises `RecordingError` where it is silent, or too short for a frame of one front end."""
    if recording.left_by_averaging < SILENT_POWER:
        raise RecordingError(
            f"{recording.path}: its {recording.channels} channels cancel each other when they are averaged; expected "
            "channels of one polarity: invert one of them, or keep one"
        )
    if recording.peak < SILENT:
        raise RecordingError(f"{recording.path}: it is silent (peak {recording.peak:.1g}); expected sound")
    for each in frames:
        if not each.num_frames(recording.num_samples_at(each.sample_rate)):
            least = (each.receptive_field - 2 * each.padding) / each.sample_rate
            raise RecordingError(
                f"{recording.path}: it lasts {recording.duration:.4f} s; expected at least {least:.4f} s, one frame"
            )
    return recording


def remarks_on(recording: Recording, ceiling: float) -> list[str]:
    """What a reader should know of a recording that is used, a line each."""
    told = []
    if recording.flat > CLIPPED:
        told.append(
            f"{recording.path}: {recording.flat:.2%} of its samples lie at full scale in a row: it may be clipped, "
            "which adds harmonics and moves formants"
        )
    if recording.left_by_averaging < CANCELLED:
        told.append(
            f"{recording.path}: averaging its {recording.channels} channels leaves "
            f"{recording.left_by_averaging:.2%} of the power of one: they nearly cancel"
        )
    nyquist = recording.sample_rate / 2
    if ceiling > nyquist:
        told.append(
            f"{recording.path}: at {recording.sample_rate:,} Hz it has nothing above {nyquist:,.0f} Hz, to the front "
            "end either; Praat seeks formants up to there, and fewer of them"
        )
    return told


def resampled(files: Sequence[File], frames: Sequence[Frames]) -> list[str]:
    """How many files are resampled, and how many have channels to average."""
    told = []
    rates = collections.Counter(file.recording.sample_rate for file in files)
    for wanted in dict.fromkeys(each.sample_rate for each in frames):
        several = [f"{count} of {rate:,} Hz" for rate, count in sorted(rates.items()) if rate != wanted]
        if several:
            told.append(f"Files resampled to {wanted:,} Hz: {listed(several)}.")
    if count := sum(file.recording.channels > 1 for file in files):
        told.append(f"Files of several channels, which are averaged: {count}.")
    return told


def speaker_of(path: pathlib.Path, by: SpeakerBy) -> str:
    if by == "folder":
        return str(path.parent)
    return path.stem.partition("_")[0] if by == "prefix" else str(path)


def tokens_of(recording: Recording, tier: str, labels: Sequence[str] = ()) -> tuple[tuple[Interval, ...], list[str]]:
    """The tokens of a recording, and a line on those that lie past its end.

    Raises:
        TextGridError: there is no such TextGrid or tier, or nothing in it that could be used.
    """
    path = textgrid_of(recording.path)
    found = praat.read_tier(path, tier)
    chosen = [each for each in found.intervals if not labels or each.label in labels]
    if not chosen:
        names = listed(sorted({repr(each.label) for each in found.intervals})) if found.intervals else "none"
        expected = f"some of --labels={','.join(labels)}" if labels else "some"
        raise TextGridError(f"{path}: the labels of its tier {tier!r} are {names}; expected {expected}")
    inside = tuple(each for each in chosen if each.end <= recording.duration + _SLACK)
    told = []
    if found.end > recording.duration + _SLACK:
        told.append(
            f"{path}: it ends at {found.end:.2f} s, its sound at {recording.duration:.2f} s; of {len(chosen)} tokens "
            f"{len(chosen) - len(inside)} end past the sound"
        )
    if not inside:
        raise TextGridError(told[0])
    return inside, told


def textgrid_of(path: pathlib.Path) -> pathlib.Path:
    """The TextGrid next to a sound. Raises `TextGridError` where there is none."""
    for suffix in (".TextGrid", ".textgrid", ".Textgrid"):
        if (found := path.with_suffix(suffix)).is_file():
            return found
    raise TextGridError(f"{path}: there is no TextGrid next to it; expected {path.with_suffix('.TextGrid').name}")

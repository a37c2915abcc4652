"""The sound files of a session: which ones, by whom, what is said in them, and what had to be left out."""

import collections
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, cast

from w2v_jax import recordings
from w2v_jax._src.opened_sound import composed, shown
from w2v_jax._src.quoting import printable
from w2v_jax.front_end import Frames
from w2v_jax.recordings import Channel, Recording, RecordingError
from w2v_jax.textgrids import TextGridError

from ..progress import progress_bar
from ..sentences import listed
from . import tiers
from .paths import SUFFIXES, SessionError, cached_listing, expand, is_text, textgrid_of
from .tiers import Token, tokens_of

__all__ = [
    "SPEAKER_BY",
    "SUFFIXES",
    "File",
    "Session",
    "SessionError",
    "SpeakerBy",
    "channel_of",
    "expand",
    "gather",
    "remarks_on",
    "speaker_of",
    "textgrid_of",
    "tokens_of",
    "usable",
]

SpeakerBy = Literal["file", "folder", "prefix"]
SPEAKER_BY: tuple[SpeakerBy, ...] = ("file", "folder", "prefix")

SILENT = 2.0**-15  # a peak below the smallest step of 16 bits
SILENT_POWER = 1e-6  # what averaging channels leaves of one
CLIPPED = 1e-4  # share of samples at full scale
CANCELLED = 0.01  # of the power, where channels are averaged
LOWEST_RATE = 16_000  # Hz, below which the formants' range is cut
DIFFERENT = 0.9  # correlation between channels, below which they are two sounds
OFFSET = 0.1  # mean over peak; recordings have a mean of 0
INTEGERS = 100.0  # a peak above which samples are integers kept as floats


@dataclasses.dataclass(frozen=True)
class File:
    """A recording that is used.

    Attributes:
        recording: the sound file.
        speaker: whose it is; of a file with a tier for each speaker, their names.
        tokens: labelled stretches, if a tier was asked for.
    """

    recording: Recording
    speaker: str
    tokens: tuple[Token, ...] = ()

    @property
    def name(self) -> str:
        """The path as it was given, in Unicode's composed form."""
        return composed(str(self.recording.path))

    @property
    def speakers(self) -> tuple[str, ...]:
        """Those of its tokens, or else whose it is."""
        return tuple(dict.fromkeys(self.speaker_of(token) for token in self.tokens)) or (self.speaker,)

    def speaker_of(self, token: Token) -> str:
        return token.speaker or self.speaker


@dataclasses.dataclass(frozen=True)
class Session:
    """The recordings.

    Attributes:
        files: those that are used, in order.
        remarks: a line for each thing that a reader should know of one or several of them.
        left_out: a line for each file, or part of one, that is not used: which, and why.
        tier: of the TextGrids; None where none was asked for.
        assumed: a line for each thing that a file does not say, and what was taken for it.
        unwanted, outside: how many tokens of the files are not used, since they have other labels than those that were
            asked for, or lie outside the sound.
    """

    files: tuple[File, ...]
    remarks: tuple[str, ...]
    left_out: tuple[str, ...]
    tier: str | None
    assumed: tuple[str, ...] = ()
    unwanted: int = 0
    outside: int = 0

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return sum(file.recording.duration for file in self.files)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys(speaker for file in self.files for speaker in file.speakers))

    @property
    def num_tokens(self) -> int:
        """Labelled stretches of all files."""
        return sum(len(file.tokens) for file in self.files)

    def told(self) -> list[str]:
        """What is used and what is not, in lines for the terminal."""
        counted = [f"{len(self.files)} recording{'s' * (len(self.files) != 1)}", f"{self.duration:.1f} s"]
        if len(self.speakers) != len(self.files):
            counted.append(f"{len(self.speakers)} speaker{'s' * (len(self.speakers) != 1)}")
        if self.tier is not None:
            counted.append(f"{self.num_tokens:,} token{'s' * (self.num_tokens != 1)}")
        without_tier = ["Without --textgrid_tier, single voiced frames are the tokens. They have no labels."]
        return [
            f"{', '.join(counted)}.",
            *self.remarks,
            *(f"left out: {line}" for line in self.left_out),
            *(f"assumed: {line}" for line in self.assumed),
            *(without_tier if self.tier is None else []),
        ]

    def account(self) -> str:
        """What is not used and what is assumed, a line each, for a file next to the results."""
        return "".join([*(f"{line}\n" for line in self.left_out), *(f"assumed: {line}\n" for line in self.assumed)])


def gather(
    patterns: Sequence[str],
    frames: Sequence[Frames],
    *,
    tier: str | None = None,
    labels: Sequence[str] = (),
    speaker_by: SpeakerBy = "file",
    ceiling: float = 5500.0,
    channel: Channel = "mean",
    trigraphs: bool = False,
) -> Session:
    """Looks through the recordings.

    Args:
        patterns: paths, patterns of them, and folders.
        frames: of all front ends: a recording is used only where each has a frame of it, so that all hear the same.
        tier: of the TextGrid next to each sound, of the same name; a file without it is left out. A star in it stands
            for the speaker.
        labels: those of the tier that are used; by default all.
        speaker_by: what tells speakers apart: the file, the folder that it lies in, or its name up to the first "_".
        ceiling: of formants, Hz.
        channel: which is heard of each file.
        trigraphs: labels have Praat's trigraphs, which stand for letters.

    Raises:
        SessionError: nothing matches, or nothing is left.
    """
    if tier is not None:
        tiers.check(tier)
    paths = expand(patterns)
    files: list[File] = []
    remarks: list[str] = []
    left_out: list[str] = []
    assumed: list[str] = []
    trigraphs_seen: dict[str, None] = {}
    seen: dict[str, pathlib.Path] = {}
    names: dict[str, pathlib.Path] = {}
    listing = cached_listing()
    unwanted = outside = 0
    for path, inspected, bar in _inspected(paths, channel):
        try:
            if not is_text(path):
                raise RecordingError(f"{shown(path)}: its name is not UTF-8; rename it")
            if (other := names.get(composed(str(path)))) is not None:
                raise RecordingError(f"{shown(path)}: {shown(other)} has the same name, its accents written otherwise")
            recording = usable(inspected(), frames)
            if (twin := seen.get(recording.digest)) is not None:
                raise RecordingError(f"{shown(path)}: it is a copy of {shown(twin)}")
            tokens: tuple[Token, ...] = ()
            if tier is not None:
                tokens, told = tokens_of(recording, tier, labels, with_trigraphs=trigraphs, listing=listing)
                left_out += told.left_out
                assumed += told.assumed
                trigraphs_seen |= dict.fromkeys(told.trigraphs)
                bar.count(len(tokens))
                unwanted, outside = unwanted + told.unwanted, outside + told.outside
        except (RecordingError, TextGridError) as error:
            left_out.append(str(error))
            continue
        names[composed(str(path))] = seen[recording.digest] = path
        remarks += _heard(recording, ceiling)
        left_out += silent_channels(recording)
        assumed += assumed_of(recording)
        files.append(File(recording, _speaker(path, tokens, speaker_by), tokens))
    if not files:
        which = "the file" if len(paths) == 1 else f"all {len(paths)} files"
        first = ", the first" if len(paths) > 1 else ""
        raise SessionError(f"--audio: {which} cannot be used{first} because of this: {left_out[0]}")
    if trigraphs_seen:
        assumed.append(
            f"labels have what may be Praat's trigraphs, such as {printable(listed([*trigraphs_seen], most=4))}: they "
            "are read as they are written, as X-SAMPA is; --trigraphs reads them as the letters that they stand for"
        )
    if missing := _never(labels, files):
        remarks.append(f"No token has the label {listed([repr(printable(each)) for each in missing])}, of --labels.")
    told_of_all = (*resampled(files, frames), *remarks)
    return Session(tuple(files), told_of_all, tuple(left_out), tier, tuple(assumed), unwanted, outside)


class _Bar:
    """How many tokens have been found, next to how many files have been looked through."""

    def __init__(self, bar: Any):
        self.bar, self.tokens = bar, 0

    def count(self, tokens: int) -> None:
        self.tokens += tokens
        self.bar.set_postfix_str(f"{self.tokens:,} tokens", refresh=False)


def _inspected(
    paths: Sequence[pathlib.Path], channel: Channel
) -> Iterator[tuple[pathlib.Path, Callable[[], Recording], _Bar]]:
    """What looks through each file, in order, while the user sees how far it is."""
    with progress_bar("looking through", len(paths), unit=" files") as bar:
        of_tokens = _Bar(bar)
        for path in paths:
            yield path, functools.partial(recordings.inspect, path, channel=channel), of_tokens
            bar.update()


def _speaker(path: pathlib.Path, tokens: Sequence[Token], by: SpeakerBy) -> str:
    """Whose a file is."""
    of_tiers = dict.fromkeys(token.speaker for token in tokens if token.speaker)
    return " & ".join(of_tiers) if of_tiers else speaker_of(path, by)


def _never(labels: Sequence[str], files: Sequence[File]) -> list[str]:
    """Which of `labels` no token has."""
    present = {token.label for file in files for token in file.tokens}
    return [label for label in labels if composed(label) not in present]


def channel_of(text: str) -> Channel:
    """What `--channel` says. Raises `SessionError`."""
    if text in ("mean", "left", "right"):
        return cast(Channel, text)
    if text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 1024:
        return int(text[:6])
    raise SessionError(f"--channel={printable(text)}; expected left, right, mean, or the number of a channel, from 1")


def silent_channels(recording: Recording) -> list[str]:
    """A line where channels are not heard because they are silent."""
    if not recording.silent:
        return []
    which = listed([str(each + 1) for each in recording.silent])
    return [
        f"{recording.name}: channel {which} of {recording.channels} is silent and not part of the mean"
        if len(recording.silent) == 1
        else f"{recording.name}: channels {which} of {recording.channels} are silent and not part of the mean"
    ]


def usable(recording: Recording, frames: Sequence[Frames]) -> Recording:
    """The recording itself. Raises `RecordingError` where it is silent, or too short for a frame of one front end."""
    for each in frames:
        if not each.num_frames(recording.num_samples_at(each.sample_rate)):
            least = (each.receptive_field - 2 * each.padding) / each.sample_rate
            raise RecordingError(
                f"{recording.name}: it lasts {recording.duration:.4f} s; expected at least {least:.4f} s, one frame"
            )
    if recording.left_by_averaging < SILENT_POWER:
        raise RecordingError(
            f"{recording.name}: its {len(recording.heard)} channels cancel each other when they are averaged; expected "
            "channels of one polarity: invert one of them, or take one by --channel"
        )
    if recording.peak < SILENT:
        raise RecordingError(f"{recording.name}: it is silent (peak {recording.peak:.1g}); expected sound")
    if recording.deviation < SILENT:
        raise RecordingError(f"{recording.name}: it is silent (a constant {recording.offset:.3g}); expected sound")
    return recording


def remarks_on(recording: Recording, ceiling: float) -> list[str]:
    """What a reader should know of a recording that is used, a line each."""
    return [*assumed_of(recording), *silent_channels(recording), *_heard(recording, ceiling)]


def assumed_of(recording: Recording) -> list[str]:
    """What its header does not say, a line each."""
    return [f"{recording.name}: {each}" for each in recording.assumed]


def _heard(recording: Recording, ceiling: float) -> list[str]:
    """What is odd about its sound, a line each."""
    told = []
    if recording.peak > INTEGERS:
        bits = next((bits for bits in (8, 16, 24, 32) if recording.peak <= 2 ** (bits - 1)), 64)
        told.append(
            f"{recording.name}: its peak is {recording.peak:,.0f} where 1 is full scale: it has {bits}-bit numbers, "
            f"stored as floats. It is used as it is, {2 ** (bits - 1):,} times too loud (divide it by that)"
        )
    elif recording.peak > 1.001:
        told.append(
            f"{recording.name}: its peak is {recording.peak:.4g} where 1 is full scale: it is used as it is, louder "
            "than a file of whole numbers can be"
        )
    if recording.flat > CLIPPED:
        told.append(
            f"{recording.name}: {recording.flat:.2%} of its samples lie at full scale in a row: it may be clipped, "
            "which adds harmonics and moves formants"
        )
    if abs(recording.offset) > OFFSET * recording.peak:
        told.append(
            f"{recording.name}: its mean is {recording.offset:.3g}, not 0: it has a constant offset, which may "
            "change features"
        )
    if recording.agreement < DIFFERENT:
        told.append(_on_channels(recording))
    nyquist = recording.sample_rate / 2
    if ceiling > nyquist:
        told.append(
            f"{recording.name}: at {recording.sample_rate:,} Hz it has nothing above {nyquist:,.0f} Hz, for the front "
            "end and for Praat, which seeks fewer formants, up to there"
        )
    return told


def _on_channels(recording: Recording) -> str:
    """What is wrong with the mean of channels that are not alike."""
    which = f"{recording.name}: two of its {len(recording.heard)} channels"
    remedy = "--channel=left, right or a number takes one"
    if recording.agreement < -DIFFERENT or recording.left_by_averaging < CANCELLED:
        return (
            f"{which} are each other's inverse (correlation {recording.agreement:.2f}): averaging leaves "
            f"{recording.left_by_averaging:.2%} of the power of one, they cancel; {remedy}"
        )
    return (
        f"{which} differ (correlation {recording.agreement:.2f}), as a voice and an electroglottograph or two speakers "
        f"do: their mean is used, which is neither; {remedy}"
    )


def resampled(files: Sequence[File], frames: Sequence[Frames]) -> list[str]:
    """How many files are resampled, and how many have channels to average."""
    told = []
    rates = collections.Counter(file.recording.sample_rate for file in files)
    for wanted in dict.fromkeys(each.sample_rate for each in frames):
        several = [f"{count} of {rate:,} Hz" for rate, count in sorted(rates.items()) if rate != wanted]
        if several:
            told.append(f"Files resampled to {wanted:,} Hz: {listed(several)}.")
    if count := sum(len(file.recording.heard) > 1 for file in files):
        told.append(f"Files of several channels, which are averaged: {count}.")
    return told


def speaker_of(path: pathlib.Path, by: SpeakerBy) -> str:
    """Whose a file is, by its path, in Unicode's composed form."""
    if by == "folder":
        return composed(str(path.parent))
    return composed(path.stem.partition("_")[0] if by == "prefix" else str(path))

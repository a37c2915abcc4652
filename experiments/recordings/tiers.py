"""The tokens of a recording: the labelled intervals of its TextGrid that lie within its sound."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Sequence

from w2v_jax import textgrids
from w2v_jax._src import trigraphs
from w2v_jax._src.opened_sound import composed, shown
from w2v_jax._src.quoting import printable
from w2v_jax.recordings import Recording
from w2v_jax.textgrids import Interval, TextGrid, TextGridError, Tier

from .paths import Listing, SessionError, entries, textgrid_of

_SLACK = 0.01  # seconds by which a TextGrid may be longer than its sound
_UNLIKE = 0.05  # seconds by which they differ, from which on it is said
_SAME = 0.001  # seconds between two times that are one
STAR = "*"


@dataclasses.dataclass(frozen=True)
class Token(Interval):
    """A labelled stretch, and who says it where its tier does: the part of its name that a star stands for."""

    speaker: str = ""


@dataclasses.dataclass(frozen=True)
class Told:
    """What a reader must know of a TextGrid, in lines that name it.

    Attributes:
        left_out: what is not used.
        assumed: what it does not say, and what was taken for it.
        trigraphs: what may be Praat's trigraphs in its labels, read as written.
        unwanted: how many tokens have other labels than those that were asked for.
        outside: how many lie outside the sound.
    """

    left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    trigraphs: tuple[str, ...] = ()
    unwanted: int = 0
    outside: int = 0

    def __len__(self) -> int:
        return len(self.left_out) + len(self.assumed) + len(self.trigraphs)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.left_out, *self.assumed, *self.trigraphs))


def check(tier: str) -> None:
    """Raises `SessionError` where a name of a tier has more than one star."""
    if tier.count(STAR) > 1:
        raise SessionError(
            f"--textgrid_tier={printable(tier)} has {tier.count(STAR)} stars; expected at most one, for the speaker"
        )


def tokens_of(
    recording: Recording,
    tier: str,
    labels: Sequence[str] = (),
    *,
    with_trigraphs: bool = False,
    listing: Listing = entries,
) -> tuple[tuple[Token, ...], Told]:
    """The tokens of a recording, and what a reader must know of its TextGrid.

    Args:
        recording: the sound.
        tier: of the TextGrid next to it; a star in it stands for a speaker, and all such tiers are read.
        labels: those that are used; by default all.
        with_trigraphs: Praat's trigraphs are read as letters.
        listing: lists the folder of the sound.

    Raises:
        TextGridError: there is no such TextGrid or tier, or nothing in it that could be used.
    """
    path = textgrid_of(recording.path, listing)
    grid = textgrids.read_textgrid(path)
    of_speaker = _tiers(grid, path, tier)
    tokens = tuple(
        Token(each.label, each.start, each.end, speaker)
        for speaker, theirs in of_speaker.items()
        for each in theirs.intervals
    )
    seen = () if with_trigraphs else trigraphs.seen(token.label for token in tokens)
    if with_trigraphs:
        tokens = tuple(
            dataclasses.replace(token, label=composed(trigraphs.as_letters(token.label))) for token in tokens
        )
    wanted = {composed(label) for label in labels}
    chosen = [token for token in tokens if not wanted or token.label in wanted]
    if not chosen:
        names = textgrids.listed(tuple(sorted({token.label for token in tokens})))
        expected = f"some of --labels={printable(','.join(labels))}" if labels else "some"
        raise TextGridError(
            f"{shown(path)}: the labels of its tier {printable(tier)!r} are {names}; expected {expected}"
        )
    shift, aligned = _shift(grid, recording.duration, shown(path))
    moved = [
        dataclasses.replace(token, start=token.start - shift, end=token.end - shift) if shift else token
        for token in chosen
    ]
    inside = tuple(sorted((token for token in moved if _is_within(token, recording.duration)), key=_when))
    assumed = [f"{shown(path)}: {each}" for each in grid.assumed] + aligned
    left_out = []
    if outside := len(moved) - len(inside):
        why = (
            f"{shown(path)}: it ends at {_seconds(grid.end - shift)} s, its sound at {recording.duration:.2f} s; "
            f"{_outside(moved, recording.duration)}"
        )
        if outside == len(chosen):
            raise TextGridError(why)
        left_out.append(f"{why}; {'it is' if outside == 1 else 'they are'} not used")
    elif abs(grid.end - shift - recording.duration) > _UNLIKE:
        assumed.append(
            f"{shown(path)}: it ends at {_seconds(grid.end - shift)} s, its sound at {recording.duration:.2f} s; both "
            "are taken to begin together"
        )
    if odd := _overlapping(inside):
        assumed.append(
            f"{shown(path)}: {odd} of {len(inside)} tokens overlap one of the same tier, which Praat does not write; "
            "each is taken from its start to its end"
        )
    assumed += [
        f"{shown(path)}: its tier {printable(each.name)!r} goes from {_seconds(each.own[0])} to "
        f"{_seconds(each.own[1])} s, the TextGrid from {_seconds(grid.start)} to {_seconds(grid.end)} s; times are "
        "taken as those of the TextGrid"
        for each in of_speaker.values()
        if each.own[0] < grid.start - _UNLIKE or each.own[1] > grid.end + _UNLIKE
    ]
    if both := _spoken_at_once(inside):
        assumed.append(
            f"{shown(path)}: {both} of {len(inside)} tokens overlap one of another speaker; what is measured there is "
            "of both voices"
        )
    return inside, Told(tuple(left_out), tuple(assumed), seen, len(tokens) - len(chosen), outside)


def _tiers(grid: TextGrid, path: pathlib.Path, wanted: str) -> dict[str, Tier]:
    """The tiers of a name by speaker, "" where the name has no star."""
    if STAR not in wanted:
        return {"": grid.tier(path, wanted)}
    before, _, after = composed(wanted).partition(STAR)
    by_speaker: dict[str, Tier] = {}
    for tier in grid.tiers:
        if not (tier.name.startswith(before) and tier.name.endswith(after)):
            continue
        speaker = tier.name[len(before) : len(tier.name) - len(after)].strip()
        if not speaker or len(tier.name) < len(before) + len(after):
            continue
        if speaker in by_speaker:
            raise TextGridError(f"{shown(path)}: it has several tiers named {printable(tier.name)!r}; expected one")
        by_speaker[speaker] = tier
    if not by_speaker:
        raise TextGridError(f"{shown(path)}: it has no tier like {printable(wanted)!r}; its tiers are {grid.names}")
    return by_speaker


def _shift(grid: TextGrid, duration: float, name: str) -> tuple[float, list[str]]:
    """Seconds that the times of a TextGrid are late by, and what is assumed of them.

    A part of a longer recording may have kept the times of the whole, of which a sound file knows nothing.

    Raises:
        TextGridError: its times begin at another time than 0, and neither they nor their length fit the sound.
    """
    if abs(grid.start) <= _SAME:
        return 0.0, []
    as_it_is, from_its_start = abs(grid.end - duration), abs(grid.end - grid.start - duration)
    times = (
        f"{name}: its time goes from {_seconds(grid.start)} to {_seconds(grid.end)} s, its sound from 0 to "
        f"{duration:.2f} s"
    )
    if min(as_it_is, from_its_start) > _UNLIKE:
        raise TextGridError(f"{times}: neither its times nor its length fit; expected a TextGrid of this sound")
    if from_its_start < as_it_is:
        return grid.start, [f"{times}: they are as long, and its times are moved by {-grid.start:.2f} s"]
    return 0.0, [f"{times}: they end together, and its times are taken as they are"]


def _is_within(token: Interval, duration: float) -> bool:
    return token.start >= -_SLACK and token.end <= duration + _SLACK and token.start <= duration and token.end >= 0


def _outside(tokens: Sequence[Interval], duration: float) -> str:
    late = sum(not _is_within(token, duration) and token.end > duration for token in tokens)
    early = sum(not _is_within(token, duration) for token in tokens) - late
    said = [f"{late} of {len(tokens)} tokens end{'s' * (late == 1)} past the sound"] if late else []
    before = "it" if late else "the sound"
    first = "" if late else f" of {len(tokens)} tokens"
    return " and ".join(said + ([f"{early}{first} begin{'s' * (early == 1)} before {before}"] if early else []))


def _seconds(time: float) -> str:
    return f"{time:.2f}" if abs(time) < 1e9 else f"{time:.3g}"


def _overlapping(tokens: Sequence[Token]) -> int:
    """How many tokens, in order of their starts, begin before an earlier one of the same speaker ends."""
    ends: dict[str, float] = {}
    count = 0
    for token in tokens:
        count += ends.get(token.speaker, -math.inf) > token.start + _SAME
        ends[token.speaker] = max(token.end, ends.get(token.speaker, -math.inf))
    return count


def _when(token: Interval) -> float:
    return token.start


def _spoken_at_once(tokens: Sequence[Token]) -> int:
    """How many tokens, in order of their starts, overlap one of another speaker."""
    if len({token.speaker for token in tokens}) < 2:
        return 0
    overlapping: set[int] = set()
    last: dict[str, int] = {}
    for index, token in enumerate(tokens):
        for speaker, other in last.items():
            if speaker != token.speaker and tokens[other].end > token.start + _SAME:
                overlapping |= {index, other}
        before = last.get(token.speaker)
        if before is None or tokens[before].end < token.end:
            last[token.speaker] = index
    return len(overlapping)

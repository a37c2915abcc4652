"""Praat's TextGrids, in every format that Praat writes: text, short text, chronological text, and binary.

Nothing here asks Praat, which a damaged binary file can end without a word. What the files mean is described in
Praat's manual ("TextGrid file formats"); tests hold what is read against Praat itself.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterator

from w2v_jax._src.opened_sound import composed, shown, unusable
from w2v_jax._src.praat_files import BINARY, Bytes, FormatError, Words, decoded, short
from w2v_jax._src.quoting import listing, printable

_MOST_BYTES = 100_000_000
_LFS = b"version https://git-lfs"
_CHRONOLOGICAL = "Praat chronological TextGrid text file"
_TIERS = {"IntervalTier": 2, "TextTier": 1}  # classes, and how many times each of their entries has


class TextGridError(ValueError):
    """A TextGrid that cannot be used. The message is one line and names it."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """A labelled stretch of a recording, in seconds; a point has one time."""

    label: str
    start: float
    end: float


@dataclasses.dataclass(frozen=True)
class Tier:
    """A tier of a TextGrid.

    Attributes:
        end: seconds, the end of the whole TextGrid.
        intervals: in order, those with a label.
        start: seconds, where the whole TextGrid begins.
        name: the tier's.
        own: seconds, where the tier itself begins and ends, as it says.
    """

    end: float
    intervals: tuple[Interval, ...]
    start: float = 0.0
    name: str = ""
    own: tuple[float, float] = (0.0, math.inf)


@dataclasses.dataclass(frozen=True)
class TextGrid:
    """All of a TextGrid.

    Attributes:
        start, end: seconds.
        tiers: in order.
        assumed: what the file does not say, and what was taken for it, in words.
    """

    start: float
    end: float
    tiers: tuple[Tier, ...]
    assumed: tuple[str, ...] = ()

    def tier(self, path: str | os.PathLike[str], name: str) -> Tier:
        """The tier of a name. Raises `TextGridError`, about the file, where there is none or there are several."""
        matches = [tier for tier in self.tiers if tier.name == composed(name)]
        if len(matches) != 1:
            several = "several tiers" if matches else "no tier"
            raise TextGridError(
                f"{shown(path)}: it has {several} named {printable(name)!r}; its tiers are {self.names}"
            )
        return matches[0]

    @property
    def names(self) -> str:
        """The names of its tiers, for messages."""
        return listed(tier.name for tier in self.tiers)


def read_tier(path: str | os.PathLike[str], name: str) -> Tier:
    """Reads a tier of a TextGrid: of intervals, or of points.

    Args:
        path: the TextGrid, in any format that Praat writes.
        name: the tier's.

    Raises:
        TextGridError: no TextGrid, a damaged one, or one without such a tier (or with several).
    """
    return read_textgrid(path).tier(path, name)


def read_textgrid(path: str | os.PathLike[str]) -> TextGrid:
    """Reads a TextGrid. Labels and names are in Unicode's composed form, labels without spaces around them.

    Args:
        path: a file in any format that Praat writes: text, short or chronological text, in UTF-8, UTF-16 or Latin-1; or
            binary.

    Raises:
        TextGridError: the file is missing, damaged, or no TextGrid. The message names the line.
    """
    path = pathlib.Path(path)
    try:
        if why := unusable(path):
            raise TextGridError(f"{shown(path)}: {why}")
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise TextGridError(f"{shown(path)}: it has {size:,} bytes; expected a TextGrid, at most {_MOST_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise TextGridError(f"{shown(path)}: it cannot be read ({error.strerror or error})") from error
    if not data:
        raise TextGridError(f"{shown(path)}: the file is empty; expected a TextGrid")
    try:
        return parsed(data)
    except FormatError as error:
        raise TextGridError(f"{shown(path)}: it cannot be read as a TextGrid ({error})") from error


def parsed(data: bytes) -> TextGrid:
    """A TextGrid from the bytes of its file."""
    if data.startswith(BINARY):
        return _from_binary(data)
    if data.startswith(_LFS):
        raise FormatError("it is a pointer of Git LFS: run git lfs pull")
    text, assumed = decoded(data)
    return dataclasses.replace(_from_text(text), assumed=assumed)


def _from_text(text: str) -> TextGrid:
    if not text.lstrip().startswith(("File type", '"')):
        raise FormatError(f"it begins with {short(text.strip())}; expected 'File type = \"ooTextFile\"'")
    words = Words(text)
    kind = words.string("the file's type")
    if kind == _CHRONOLOGICAL:
        return _from_chronological(words)
    if kind not in ("ooTextFile", "ooTextFile short"):
        raise FormatError(f"its type is {short(kind)}; expected 'ooTextFile'")
    _check_class(words.string("the object's class"))
    start, end = words.number("xmin"), words.number("xmax")
    tiers = []
    if words.flag("<exists>") == "<exists>":
        for number in range(1, 1 + words.count("the number of tiers")):
            times = _times_of(words.string(f"the class of tier {number}"))
            name = words.string(f"the name of tier {number}")
            own = words.number("the tier's xmin"), words.number("the tier's xmax")
            count = words.count(f"the number of entries of tier {short(name)}")
            entries = []
            for entry in range(1, count + 1):
                where = f"entry {entry} of {count} of tier {short(name)}"
                at = [words.number(f"a time of {where}") for _ in range(times)]
                _check(at, where)
                entries.append((at, words.string(f"the label of {where}")))
            tiers.append(_tier(name, start, end, entries, own))
    if (more := words.rest()) is not None:
        raise words.error(f"{short(more)} follows where the TextGrid should end: one of its sizes is wrong")
    return _grid(start, end, tiers)


def _from_chronological(words: Words) -> TextGrid:
    start, end = words.number("the start"), words.number("the end")
    heads = []
    for number in range(1, 1 + words.count("the number of tiers")):
        times = _times_of(words.string(f"the class of tier {number}"))
        name = words.string(f"the name of tier {number}")
        heads.append((times, name, (words.number("the tier's start"), words.number("the tier's end"))))
    entries: list[list[tuple[list[float], str]]] = [[] for _ in heads]
    while (more := words.rest()) is not None:
        if not (more.isascii() and more.isdecimal() and 1 <= int(more[:9]) <= len(heads)):
            raise words.error(f"{short(more)} stands where the number of a tier is expected, 1 to {len(heads)}")
        times, name, _ = heads[int(more[:9]) - 1]
        where = f"an entry of tier {short(name)}"
        at = [words.number(f"a time of {where}") for _ in range(times)]
        _check(at, where)
        entries[int(more[:9]) - 1].append((at, words.string(f"the label of {where}")))
    return _grid(
        start, end, [_tier(name, start, end, each, own) for (_, name, own), each in zip(heads, entries, strict=True)]
    )


def _from_binary(data: bytes) -> TextGrid:
    reader = Bytes(data)
    _check_class(reader.name())
    start, end = reader.number("xmin"), reader.number("xmax")
    tiers = []
    if reader.take("B"):
        for number in range(1, 1 + reader.count("the number of tiers", 24)):
            times = _times_of(reader.name())
            name = reader.string(f"the name of tier {number}")
            own = reader.number("the tier's xmin"), reader.number("the tier's xmax")
            entries = []
            for _ in range(reader.count(f"the number of entries of tier {short(name)}", 8 * times + 2)):
                where = f"an entry of tier {short(name)}"
                at = [reader.number(f"a time of {where}") for _ in range(times)]
                _check(at, where)
                entries.append((at, reader.string(f"the label of {where}")))
            tiers.append(_tier(name, start, end, entries, own))
    if reader.at != len(data):
        raise FormatError(f"{len(data) - reader.at:,} bytes follow its end: it is binary, and damaged")
    return _grid(start, end, tiers)


def _check_class(name: str) -> None:
    if name != "TextGrid":
        raise FormatError(f"it holds a {short(name)}; expected a TextGrid, saved by itself")


def _times_of(tier_class: str) -> int:
    if tier_class not in _TIERS:
        raise FormatError(f"a tier has the class {short(tier_class)}; expected {' or '.join(_TIERS)}")
    return _TIERS[tier_class]


def _check(at: list[float], where: str) -> None:
    if at[-1] < at[0]:
        raise FormatError(f"{where} ends at {at[-1]:g} s, before it begins, at {at[0]:g} s")


def _tier(
    name: str, start: float, end: float, entries: list[tuple[list[float], str]], own: tuple[float, float]
) -> Tier:
    labelled = [(at, composed(label).strip()) for at, label in entries]
    intervals = [Interval(label, at[0], at[-1]) for at, label in labelled if label]
    return Tier(end, tuple(sorted(intervals, key=lambda each: each.start)), start, composed(name), own)


def _grid(start: float, end: float, tiers: list[Tier]) -> TextGrid:
    if end < start:
        raise FormatError(f"it ends at {end:g} s, before it begins, at {start:g} s")
    return TextGrid(start, end, tuple(tiers))


def listed(names: Iterator[str] | tuple[str, ...]) -> str:
    """Names as they are, in quotation marks, for messages; of many, the first."""
    return listing(names, 12, show=lambda name: f"'{printable(name)}'") or "none"

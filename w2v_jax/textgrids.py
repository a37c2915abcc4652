"""Praat's TextGrids, in every format that Praat writes: text, short text, chronological text, and binary.

Nothing here asks Praat, which a damaged binary file can end without a word. What the files mean is described in
Praat's manual ("TextGrid file formats"); tests hold what is read against Praat itself.
"""

import dataclasses
import math
import os
import pathlib
import re
import struct
from collections.abc import Iterator

from w2v_jax._src.opened_sound import composed, shown, unusable
from w2v_jax._src.quoting import listing, printable

_MOST_BYTES = 100_000_000
_BINARY = b"ooBinaryFile"
_LFS = b"version https://git-lfs"
_CHRONOLOGICAL = "Praat chronological TextGrid text file"
_TIERS = {"IntervalTier": 2, "TextTier": 1}  # classes, and how many times each of their entries has
# A word: a text, in which a quotation mark is doubled; <exists>; a comment; or letters and digits.
_WORD = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"(?=\s|\Z)|(<[^>\s]*+>)|(![^\n\r]*+)|(\S++)')
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)


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
    except _FormatError as error:
        raise TextGridError(f"{shown(path)}: it cannot be read as a TextGrid ({error})") from error


class _FormatError(ValueError):
    """What is wrong with a file, without its name."""


def parsed(data: bytes) -> TextGrid:
    """A TextGrid from the bytes of its file."""
    if data.startswith(_BINARY):
        return _from_binary(data)
    if data.startswith(_LFS):
        raise _FormatError("it is a pointer of Git LFS: run git lfs pull")
    text, assumed = _decoded(data)
    return dataclasses.replace(_from_text(text), assumed=assumed)


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and what is assumed of its encoding."""
    assumed: tuple[str, ...] = ()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[:2] in (b"F\0", b'"\0') or data[:2] in (b"\0F", b'\0"'):
        encoding = "utf-16-le" if data[1] == 0 else "utf-16-be"
        assumed = ("it is UTF-16 without a byte order mark, which Praat misreads; it is read as UTF-16",)
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise _FormatError("it is UTF-16, and damaged") from None
        line, byte = data[: error.start].count(b"\n") + 1, data[error.start]
        if not data.decode("utf-8", "ignore").isascii():
            raise _FormatError(f"line {line} has the byte 0x{byte:02x}, which is not UTF-8, as the rest is") from None
        text = data.decode("latin-1")
        if any("\x80" <= letter <= "\x9f" for letter in text):
            raise _FormatError(
                f"line {line} has the byte 0x{byte:02x}: it is neither UTF-8 nor Latin-1, but perhaps Windows-1252 or "
                "Mac Roman; save it as UTF-8"
            ) from None
        assumed = (f"line {line} has the byte 0x{byte:02x}, so it is not UTF-8; it is read as Latin-1, as Praat does",)
    if nulls := text.count("\0"):
        raise _FormatError(f"it has {nulls:,} null bytes: it is binary, damaged, or UTF-16 without a byte order mark")
    return text, assumed


class _Words:
    """The numbers and texts of a file, one after the other; other words are passed over, as Praat does."""

    def __init__(self, text: str):
        self.text, self.words, self.at = text, _WORD.finditer(text), 0

    def _next(self, wanted: str) -> Iterator[re.Match[str]]:
        for word in self.words:
            self.at = word.start()
            if word[3] is None:
                yield word
        self.at = len(self.text)
        raise self.error(f"it ends where {wanted} is expected")

    def number(self, wanted: str) -> float:
        for word in self._next(wanted):
            if word[4] is None:
                raise self.error(f"{_short(word[0])} stands where {wanted} is expected")
            if not _is_numeral(word[4]):
                continue
            if _DECIMAL_COMMA.fullmatch(word[4]):
                raise self.error(
                    f"{wanted} is {_short(word[4])}, with a decimal comma; expected a decimal point, such as 0.35"
                )
            parts = word[4].removesuffix("%").split("/")
            if len(parts) <= 2 and all(map(_NUMBER.fullmatch, parts)):
                first, second = float(parts[0]), float(parts[1]) if len(parts) == 2 else 1.0
                value = first / second / (100 if word[4].endswith("%") else 1) if second else math.inf
                if math.isfinite(value):
                    return value
            raise self.error(f"{wanted} is {_short(word[4])}; expected a number")
        raise AssertionError

    def count(self, wanted: str) -> int:
        value = self.number(wanted)
        if value < 0 or value % 1:
            raise self.error(f"{wanted} is {value:g}; expected a whole number")
        return int(value)

    def string(self, wanted: str) -> str:
        for word in self._next(wanted):
            if word[1] is not None:
                return word[1].replace('""', '"')
            if word[2] is not None or _is_numeral(word[4]):
                raise self.error(f"{_short(word[0])} stands where {wanted} is expected")
            if word[4].startswith('"'):
                raise self.error("a quotation mark is not closed, or one within a text is not doubled")
        raise AssertionError

    def flag(self, wanted: str) -> str:
        for word in self._next(wanted):
            if word[2] is not None:
                return word[2]
            if word[1] is not None or _is_numeral(word[4]):
                raise self.error(f"{_short(word[0])} stands where {wanted} is expected")
        raise AssertionError

    def rest(self) -> str | None:
        """The next number or text, if there is one more."""
        for word in self.words:
            if word[3] is None and (word[4] is None or _is_numeral(word[4]) or word[4].startswith('"')):
                self.at = word.start()
                return word[0]
        return None

    def error(self, what: str) -> _FormatError:
        before = self.text[: self.at]
        line = before.count("\n") + before.count("\r") - before.count("\r\n") + 1
        return _FormatError(f"line {line}: {what}")


def _is_numeral(word: str) -> bool:
    return "0" <= word[0] <= "9" or (len(word) > 1 and (word[0] in "+-" or (word[0] == "." and "0" <= word[1] <= "9")))


def _from_text(text: str) -> TextGrid:
    if not text.lstrip().startswith(("File type", '"')):
        raise _FormatError(f"it begins with {_short(text.strip())}; expected 'File type = \"ooTextFile\"'")
    words = _Words(text)
    kind = words.string("the file's type")
    if kind == _CHRONOLOGICAL:
        return _from_chronological(words)
    if kind not in ("ooTextFile", "ooTextFile short"):
        raise _FormatError(f"its type is {_short(kind)}; expected 'ooTextFile'")
    _check_class(words.string("the object's class"))
    start, end = words.number("xmin"), words.number("xmax")
    tiers = []
    if words.flag("<exists>") == "<exists>":
        for number in range(1, 1 + words.count("the number of tiers")):
            times = _times_of(words.string(f"the class of tier {number}"))
            name = words.string(f"the name of tier {number}")
            own = words.number("the tier's xmin"), words.number("the tier's xmax")
            count = words.count(f"the number of entries of tier {_short(name)}")
            entries = []
            for entry in range(1, count + 1):
                where = f"entry {entry} of {count} of tier {_short(name)}"
                at = [words.number(f"a time of {where}") for _ in range(times)]
                _check(at, where)
                entries.append((at, words.string(f"the label of {where}")))
            tiers.append(_tier(name, start, end, entries, own))
    if (more := words.rest()) is not None:
        raise words.error(f"{_short(more)} follows where the TextGrid should end: one of its sizes is wrong")
    return _grid(start, end, tiers)


def _from_chronological(words: _Words) -> TextGrid:
    start, end = words.number("the start"), words.number("the end")
    heads = []
    for number in range(1, 1 + words.count("the number of tiers")):
        times = _times_of(words.string(f"the class of tier {number}"))
        name = words.string(f"the name of tier {number}")
        heads.append((times, name, (words.number("the tier's start"), words.number("the tier's end"))))
    entries: list[list[tuple[list[float], str]]] = [[] for _ in heads]
    while (more := words.rest()) is not None:
        if not (more.isascii() and more.isdecimal() and 1 <= int(more[:9]) <= len(heads)):
            raise words.error(f"{_short(more)} stands where the number of a tier is expected, 1 to {len(heads)}")
        times, name, _ = heads[int(more[:9]) - 1]
        where = f"an entry of tier {_short(name)}"
        at = [words.number(f"a time of {where}") for _ in range(times)]
        _check(at, where)
        entries[int(more[:9]) - 1].append((at, words.string(f"the label of {where}")))
    return _grid(
        start, end, [_tier(name, start, end, each, own) for (_, name, own), each in zip(heads, entries, strict=True)]
    )


class _Bytes:
    """The numbers and texts of a binary file, one after the other."""

    def __init__(self, data: bytes):
        self.data, self.at = data, len(_BINARY)

    def take(self, code: str) -> float:
        size = struct.calcsize(f">{code}")
        (value,) = struct.unpack(f">{code}", self._bytes(size))
        return value

    def number(self, wanted: str) -> float:
        value = self.take("d")
        if not math.isfinite(value):
            raise _FormatError(f"{wanted} is {value}; expected a number")
        return value

    def count(self, wanted: str, least_bytes: int) -> int:
        value = int(self.take("i"))
        if not 0 <= value * least_bytes <= len(self.data) - self.at:
            raise _FormatError(f"{wanted} is {value:,}, more than the file has")
        return value

    def name(self) -> str:
        return self._bytes(int(self.take("B"))).decode("latin-1")

    def string(self, wanted: str) -> str:
        length = int(self.take("H"))
        if length != 0xFFFF:
            return self._bytes(length).decode("latin-1")
        length = int(self.take("H"))
        start = self.at
        for _ in range(length):  # it counts letters, of which some take two units
            unit = int(self.take("H"))
            if 0xD800 <= unit < 0xDC00:
                self.take("H")
        try:
            return self.data[start : self.at].decode("utf-16-be")
        except UnicodeDecodeError:
            raise _FormatError(f"{wanted} is not UTF-16") from None

    def _bytes(self, count: int) -> bytes:
        chunk = self.data[self.at : self.at + count]
        if len(chunk) < count:
            raise _FormatError("it is binary, and ends too early")
        self.at += count
        return chunk


def _from_binary(data: bytes) -> TextGrid:
    reader = _Bytes(data)
    _check_class(reader.name())
    start, end = reader.number("xmin"), reader.number("xmax")
    tiers = []
    if reader.take("B"):
        for number in range(1, 1 + reader.count("the number of tiers", 24)):
            times = _times_of(reader.name())
            name = reader.string(f"the name of tier {number}")
            own = reader.number("the tier's xmin"), reader.number("the tier's xmax")
            entries = []
            for _ in range(reader.count(f"the number of entries of tier {_short(name)}", 8 * times + 2)):
                where = f"an entry of tier {_short(name)}"
                at = [reader.number(f"a time of {where}") for _ in range(times)]
                _check(at, where)
                entries.append((at, reader.string(f"the label of {where}")))
            tiers.append(_tier(name, start, end, entries, own))
    if reader.at != len(data):
        raise _FormatError(f"{len(data) - reader.at:,} bytes follow its end: it is binary, and damaged")
    return _grid(start, end, tiers)


def _check_class(name: str) -> None:
    if name != "TextGrid":
        raise _FormatError(f"it holds a {_short(name)}; expected a TextGrid, saved by itself")


def _times_of(tier_class: str) -> int:
    if tier_class not in _TIERS:
        raise _FormatError(f"a tier has the class {_short(tier_class)}; expected {' or '.join(_TIERS)}")
    return _TIERS[tier_class]


def _check(at: list[float], where: str) -> None:
    if at[-1] < at[0]:
        raise _FormatError(f"{where} ends at {at[-1]:g} s, before it begins, at {at[0]:g} s")


def _tier(
    name: str, start: float, end: float, entries: list[tuple[list[float], str]], own: tuple[float, float]
) -> Tier:
    labelled = [(at, composed(label).strip()) for at, label in entries]
    intervals = [Interval(label, at[0], at[-1]) for at, label in labelled if label]
    return Tier(end, tuple(sorted(intervals, key=lambda each: each.start)), start, composed(name), own)


def _grid(start: float, end: float, tiers: list[Tier]) -> TextGrid:
    if end < start:
        raise _FormatError(f"it ends at {end:g} s, before it begins, at {start:g} s")
    return TextGrid(start, end, tuple(tiers))


def listed(names: Iterator[str] | tuple[str, ...]) -> str:
    """Names as they are, in quotation marks, for messages; of many, the first."""
    return listing(names, 12, show=lambda name: f"'{printable(name)}'") or "none"


def _short(text: str) -> str:
    """What stands in a file, for a message."""
    return f"'{listing([text[:40]])}'"

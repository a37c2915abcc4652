"""Vowel tables: published ones, and a reader for one's own.

A table is a CSV file with a row per vowel and the columns `symbol`, `F1` and `F2`, in Hz; optionally `F3`, `f0` and
`speaker` (or `group`), so that one file may hold the vowels of several.
"""

import csv
import dataclasses
import itertools
import os
import pathlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

from w2v_jax._src.quoting import listing, quote
from w2v_jax.grids import Vowel

_FOLDER = pathlib.Path(__file__).parent / "vowel_tables"
_SEPARATORS = ",;\t"
_REQUIRED = ("symbol", "f1", "f2")
_SPEAKER = ("speaker", "group")
_COLUMNS = (*_REQUIRED, "f3", "f0", *_SPEAKER)
_HZ = ("f1", "f2", "f3", "f0")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|\.[0-9]+", re.ASCII)
_WITH_COMMA = re.compile(r"[0-9.]*,[0-9]+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[0-9]*,[0-9]+", re.ASCII)
_MAYBE_THOUSANDS = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}", re.ASCII)
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])", re.IGNORECASE)  # Excel's
_LINE_ENDS = re.compile(r"\r\n|\n|\r")
# How files begin that are no CSV in UTF-8, but are often taken for one.
_OTHERS = {
    b"\xff\xfe": "UTF-16 (what Excel calls Unicode text)",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a workbook (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
}
_MOST_BYTES = 1_000_000
_LOWEST = 20.0  # Hz; numbers below are of another unit
_LONGEST_NAME = 24  # characters of a symbol or a speaker: they stand in figures


class VowelTableError(ValueError):
    """A vowel table cannot be used. The message is one line: file, line, what was found and what was expected."""


@dataclasses.dataclass(frozen=True)
class VowelTable:
    """The vowels of one speaker or of several.

    Attributes:
        name: of a published table its name, else the file's.
        vowels: in the order of the file.
        source: where the numbers are published; empty where that is not known.
        lines: the line of the file that each vowel stands on, from 1.
        unused: columns of the file that are not used.
        read_as: how numbers were read that are not written with a decimal point, in a sentence.
    """

    name: str
    vowels: tuple[Vowel, ...]
    source: str = ""
    lines: tuple[int, ...] = ()
    unused: tuple[str, ...] = ()
    read_as: str = ""

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, in the order of the file; one empty name where the file names nobody."""
        return tuple(dict.fromkeys(vowel.speaker for vowel in self.vowels))

    def of(self, speaker: str) -> tuple[Vowel, ...]:
        """The vowels of one speaker."""
        return tuple(vowel for vowel in self.vowels if vowel.speaker == speaker)

    def only(self, speakers: Sequence[str]) -> "VowelTable":
        """The same table with these speakers alone, in the order of the file.

        Raises:
            VowelTableError: no such speaker.
        """
        speakers = [unicodedata.normalize("NFC", name) for name in speakers]
        if unknown := [name for name in speakers if name not in self.speakers]:
            raise VowelTableError(
                f"{self.name} has no speaker {quote(unknown[0])!r}; expected some of {listing(self.speakers, 12)}"
            )
        keep = [index for index, vowel in enumerate(self.vowels) if vowel.speaker in speakers]
        return dataclasses.replace(
            self,
            vowels=tuple(self.vowels[index] for index in keep),
            lines=tuple(self.lines[index] for index in keep) if self.lines else (),
        )

    def place(self, vowel: Vowel) -> str:
        """Where a vowel of the table is to be found, for messages."""
        location = self.name
        if self.lines:
            location += f", line {self.lines[self.vowels.index(vowel)]}"
        return f"{location}: {vowel.symbol!r}" + (f" of {vowel.speaker!r}" if vowel.speaker else "")


PUBLISHED = {
    "peterson-barney-1952": (
        "G. E. Peterson and H. L. Barney, Control Methods Used in a Study of the Vowels, Journal of the Acoustical "
        "Society of America 24, 175-184 (1952), Table II: averages of 33 men, 28 women and 15 children, American "
        "English, h_d words"
    ),
    "hillenbrand-1995": (
        "J. Hillenbrand, L. A. Getty, M. J. Clark and K. Wheeler, Acoustic Characteristics of American English Vowels, "
        "Journal of the Acoustical Society of America 97, 3099-3111 (1995), Table V: averages of 45 men, 48 women and "
        "46 children, Michigan, h_d words"
    ),
}
"""The tables that come with w2v_jax: by name, where their numbers are published."""


def published(name: str) -> VowelTable:
    """A table that comes with w2v_jax.

    Args:
        name: one of `PUBLISHED`.

    Raises:
        VowelTableError: there is none of that name.

    Examples:
        >>> table = published("peterson-barney-1952")
        >>> table.speakers
        ('men', 'women', 'children')
        >>> table.of("women")[0]
        Vowel(symbol='i', f1=310.0, f2=2790.0, f3=3310.0, f0=235.0, speaker='women')
    """
    if name not in PUBLISHED:
        raise VowelTableError(
            f"there is no published table {quote(name)!r}; expected {' or '.join(map(repr, sorted(PUBLISHED)))}"
        )
    table = read_table(_FOLDER / f"{name}.csv")
    return dataclasses.replace(table, name=name, source=PUBLISHED[name])


def read_table(path: str | os.PathLike[str]) -> VowelTable:
    """Reads a vowel table of one's own.

    The file is UTF-8, with or without a byte order mark; its cells are separated by commas, semicolons or tabs;
    numbers are Hz, with a decimal point. Where semicolons or tabs separate cells, all numbers may have a decimal comma
    instead, as Excel writes them in many languages. Rows of empty cells are skipped. Names of columns may be in
    capitals or not. Excel's first line `sep=;` says what separates cells.

    Args:
        path: the file. Its first line names the columns: `symbol`, `F1`, `F2`; `F3`, `f0`, `speaker` or `group` where
            there are any.

    Returns:
        The table, under the file's name.

    Raises:
        OSError: the file cannot be read.
        VowelTableError: it is not such a table. The message names the line.
    """
    path = pathlib.Path(path)
    if (size := path.stat().st_size) > _MOST_BYTES:
        raise VowelTableError(f"{path}: has {size:,} bytes; expected a table of vowels, at most {_MOST_BYTES:,} bytes")
    lines = _LINE_ENDS.split(_text(path))
    start = next((number for number, line in enumerate(lines) if line.strip(" ,;\t")), None)
    if start is None:
        raise VowelTableError(f"{path}: is empty; expected a line with the names of columns, {_expected_columns()}")
    said = _SEPARATOR_LINE.fullmatch(lines[start])
    if said is not None and any(line.strip() for line in lines[start + 1 :]):
        start = next(number for number, line in enumerate(lines) if number > start and line.strip())
    separator, names = _header(f"{path}, line {start + 1}", lines[start], None if said is None else said[1])
    lowered = [name.lower() for name in names]
    columns = {name: lowered.index(name) for name in _COLUMNS if name in lowered}
    vowels: list[Vowel] = []
    numbers: list[int] = []
    rows = [
        (number, _cells(f"{path}, line {number}", line, separator))
        for number, line in enumerate(lines[start + 1 :], start + 2)
    ]
    first = None if separator == "," else _decimal_comma(path, rows, [columns[name] for name in _HZ if name in columns])
    for number, cells in rows:
        where = f"{path}, line {number}"
        if not any(cells):
            continue
        while len(cells) > len(names) and not cells[-1]:
            cells.pop()
        if len(cells) != len(names):
            comma = (
                " (decimal commas? then separate cells by semicolons)"
                if separator == "," and len(cells) > len(names)
                else ""
            )
            raise VowelTableError(
                f"{where}: has {len(cells)} cells; expected {len(names)}, one for each name on line {start + 1}{comma}"
            )
        given = {name: cells[place] for name, place in columns.items()}
        if first is not None:
            given |= {name: cell.replace(",", ".") for name, cell in given.items() if name in _HZ}
        vowel = _vowel(where, given)
        for other, earlier in zip(vowels, numbers, strict=True):
            if (other.symbol, other.speaker) == (vowel.symbol, vowel.speaker):
                of = f" of speaker {vowel.speaker!r}" if vowel.speaker else ""
                remedy = "" if vowel.speaker else "; several speakers are told apart by a column 'speaker'"
                raise VowelTableError(
                    f"{where}: the vowel {vowel.symbol!r}{of} was on line {earlier}; expected each once{remedy}"
                )
        vowels.append(vowel)
        numbers.append(number)
    if not vowels:
        raise VowelTableError(f"{path}: has no row below its names of columns; expected a row for each vowel")
    unused = tuple(name for name in names if name and name.lower() not in _COLUMNS)
    read_as = (
        "" if first is None else f"{path.name} has decimal commas: {first} is read as {first.replace(',', '.')} Hz."
    )
    return VowelTable(path.name, tuple(vowels), lines=tuple(numbers), unused=unused, read_as=read_as)


def _decimal_comma(path: pathlib.Path, rows: Sequence[tuple[int, Sequence[str]]], places: Sequence[int]) -> str | None:
    """The first number with a decimal comma, where all numbers of a table may be read so; None where none has a comma.

    Raises:
        VowelTableError: some have a point, or commas may separate thousands.
    """
    several = [(number, cells[place]) for number, cells in rows for place in places if place < len(cells)]
    with_comma = [(number, cell) for number, cell in several if _DECIMAL_COMMA.fullmatch(cell)]
    if not with_comma:
        return None
    number, first = with_comma[0]
    if point := next(((line, cell) for line, cell in several if "." in cell), None):
        raise VowelTableError(
            f"{path}, line {point[0]}: '{quote(point[1])}' has a point, and '{quote(first)}' on line {number} a comma; "
            "expected one kind of decimals, and no separator of thousands"
        )
    if all(_MAYBE_THOUSANDS.fullmatch(cell) for _, cell in with_comma):
        raise VowelTableError(
            f"{path}, line {number}: '{quote(first)}' may be {first.replace(',', '.')} or {first.replace(',', '')}; "
            "expected numbers of Hz without a separator of thousands"
        )
    return first


def _text(path: pathlib.Path) -> str:
    content = path.read_bytes()
    for start, kind in _OTHERS.items():
        if content.startswith(start):
            raise VowelTableError(f"{path}: it is {kind}; save the file as CSV in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise VowelTableError(
            f"{path}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8; save the file as CSV in UTF-8"
        ) from None


def _expected_columns() -> str:
    return "symbol, F1, F2, and if wanted F3, f0 and speaker (or group)"


def _cells(where: str, line: str, separator: str) -> list[str]:
    # A line at a time: no cell of a vowel table has a line break in it.
    try:
        rows = list(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise VowelTableError(
            f"{where}: {error}; expected cells without quotation marks, or in pairs of them"
        ) from None
    return [cell.strip() for cell in rows[0]] if rows else []


def _header(where: str, line: str, separator: str | None) -> tuple[str, list[str]]:
    """The separator, where it is not given the most frequent, and the names of the columns."""
    separator = separator or max(_SEPARATORS, key=line.count)
    names = _cells(where, line, separator)
    while names and not names[-1]:
        names.pop()
    lowered = [name.lower() for name in names]
    if missing := [name for name in _REQUIRED if name not in lowered]:
        raise VowelTableError(
            f"{where}: has no column {_shown(missing[0])!r}, but {listing(names, 8)}; expected {_expected_columns()}, "
            "separated by commas, semicolons or tabs"
        )
    if twice := [name for name in lowered if name in _COLUMNS and lowered.count(name) > 1]:
        raise VowelTableError(f"{where}: has the column {_shown(twice[0])!r} twice; expected it once")
    if all(name in lowered for name in _SPEAKER):
        raise VowelTableError(f"{where}: has the columns 'speaker' and 'group'; expected one of them")
    return separator, names


def _shown(column: str) -> str:
    return column.upper() if column in ("f1", "f2", "f3") else column


def _vowel(where: str, cells: Mapping[str, str]) -> Vowel:
    symbol = _name(where, "symbol", cells["symbol"])
    speaker = next((_name(where, name, cells[name]) for name in _SPEAKER if name in cells), "")
    f1, f2 = (_frequency(where, name, cells[name]) for name in ("f1", "f2"))
    f3 = _frequency(where, "f3", cells["f3"]) if cells.get("f3") else None
    f0 = _frequency(where, "f0", cells["f0"]) if "f0" in cells else None
    # A fundamental above F1 is right: high voices have it.
    for (lower, low), (higher, high) in itertools.pairwise((("F1", f1), ("F2", f2), ("F3", f3))):
        if low is not None and high is not None and low >= high:
            raise VowelTableError(
                f"{where}: {lower} is {low:g} Hz and {higher} {high:g} Hz; expected {lower} below {higher}"
            )
    return Vowel(symbol, f1, f2, f3=f3, f0=f0, speaker=speaker)


def _name(where: str, column: str, cell: str) -> str:
    # Symbols as phoneticians write sounds, [a] or /a/, mean the same.
    if column == "symbol" and len(cell) > 2 and cell[0] + cell[-1] in ("[]", "//"):
        cell = cell[1:-1]
    cell = unicodedata.normalize("NFC", cell)
    if not cell:
        raise VowelTableError(f"{where}: {column} is empty; expected one in every row")
    if not cell.isprintable() or "$" in cell or len(cell) > _LONGEST_NAME:
        raise VowelTableError(
            f"{where}: {column} is {quote(cell)!r}; expected at most {_LONGEST_NAME} printed characters, and no $"
        )
    return cell


def _frequency(where: str, column: str, cell: str) -> float:
    if _WITH_COMMA.fullmatch(cell):
        raise VowelTableError(
            f"{where}: {_shown(column)} is '{quote(cell)}', with a comma; expected a number of Hz with a decimal "
            "point, such as 270.5, and no separator of thousands"
        )
    if not _NUMBER.fullmatch(cell) or not 0 < (value := float(cell)) < float("inf"):
        fault = f"is '{quote(cell)}'" if cell else "is empty"
        raise VowelTableError(f"{where}: {_shown(column)} {fault}; expected a number of Hz above 0")
    if value < _LOWEST:
        raise VowelTableError(
            f"{where}: {_shown(column)} is {value:g}; expected Hz, at least {_LOWEST:g} (kHz, Bark, or a separator of "
            f"thousands? {1000 * value:g} Hz is written {1000 * value:g})"
        )
    return value

"""CSV files that a spreadsheet may open: text that it would compute is marked as text, and read back as it was.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and a formula can call programs and send
what stands beside it. So a cell of text that begins with one of them, and has a `(`, `|` or `!` after it, is written
with an apostrophe before it, and so is what follows a semicolon or tab within a cell. X-SAMPA's `@` and `=n` have none
of these, and stay as they are.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

# Wide forms too, which spreadsheets in East Asia take for the narrow ones. Apostrophes before it are counted in, so
# that what was marked can be told from what had one. Other settings of a spreadsheet end a cell at a semicolon or tab,
# even within quotation marks that do not begin a line: what follows one is a cell's beginning as well.
_CALL = r"(?=['\s]*[=+\-@＝＋－＠].*[(|!（｜！])"
_BEGINNING = r"(?:\A|(?<=[;\t\r\n]))"
_TO_MARK = re.compile(_BEGINNING + _CALL, re.DOTALL)
_MARK = re.compile(f"{_BEGINNING}'{_CALL}", re.DOTALL)
_SPLITS = re.compile(r"[;\t]")  # where other settings of a spreadsheet end a cell


def marked(cell: object) -> object:
    """A cell, with an apostrophe before it where a spreadsheet would take it for a formula that calls something.

    Examples:
        >>> marked("=HYPERLINK(A1)"), marked("@"), marked("=n"), marked("'=f()"), marked(-1.5)
        ("'=HYPERLINK(A1)", '@', '=n', "''=f()", -1.5)
    """
    return _TO_MARK.sub("'", cell) if isinstance(cell, str) else cell


def unmarked(cell: str) -> str:
    """What `marked` was given.

    Examples:
        >>> unmarked("'=HYPERLINK(A1)"), unmarked("'tis"), unmarked("=n")
        ('=HYPERLINK(A1)', "'tis", '=n')
    """
    return _MARK.sub("", cell)


class Writer:
    """Writes the rows of a CSV file with lines that end in "\\n"."""

    def __init__(self, file: TextIO) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, row: Iterable[object]) -> None:
        """Writes a row, its texts marked."""
        cells = [marked(each) for each in row]
        splits = any(isinstance(each, str) and _SPLITS.search(each) for each in cells)
        (self._quoted if splits else self._plain).writerow(cells)


def csv_text(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A whole CSV file."""
    text = io.StringIO()
    writer = Writer(text)
    writer.write(header)
    for row in rows:
        writer.write(row)
    return text.getvalue()


def rows_of(file: Iterable[str]) -> Iterator[Sequence[str]]:
    """The rows of a CSV file that was written here, their texts as they were."""
    for row in csv.reader(file):
        yield [unmarked(each) for each in row]

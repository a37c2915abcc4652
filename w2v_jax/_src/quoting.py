"""What a file says, made safe to show: everything that a message repeats of a file goes through here."""

import json
import unicodedata
from collections.abc import Callable, Iterable

# Controls; halves of a pair, which stand for bytes that are not text; letters that never are; ends of a line. Marks
# that turn the direction of writing let one text pass for another.
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Marks without width let two texts look alike. The joiners of scripts and emoji (U+200C, U+200D) change what is seen.
_WITHOUT_WIDTH = set("\u00ad\u061c\u180e\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb")

_LONGEST_LINE = 300  # of somebody else's error


def quote(text: object, most: int = 160) -> str:
    """Text that came from a file, made safe to print in a message: ASCII, one line, not too long.

    Examples:
        >>> quote("two" + chr(10) + "lines"), quote(range(100), 8)
        ('two\\\\nlines', 'range(0,...')
    """
    try:
        line = str(text)
    except (ValueError, RecursionError):  # a number of thousands of digits, or a list of lists of lists ...
        return f"a {type(text).__name__} too long to show"
    line = json.dumps(line[: most + 1])[1:-1]
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "..."


def listing(names: Iterable[str], most: int = 3, *, show: Callable[[str], str] = quote) -> str:
    """The first few of `names`, each as `show` writes it, and how many more there are."""
    names = list(names)
    return ", ".join(map(show, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def printable(text: object, *, keep: str = "") -> str:
    """Text of a user's, such as a path, in one line that any terminal or page shows: what is no letter is escaped.

    Letters stay as they are, unlike in `quote`, for the user must know them again.

    Args:
        text: a name, a label, a path.
        keep: characters that stay, such as a newline of one's own.

    Examples:
        >>> printable("Zoë" + chr(10) + chr(27)), printable("caf" + chr(0xDCE9))
        ('Zoë\\\\n\\\\x1b', 'caf\\\\udce9')
    """
    shown = "".join(each if each in keep or not _is_unseen(each) else ascii(each)[1:-1] for each in str(text))
    # A mark needs a letter to stand on; Unicode's dotted circle is for those without one.
    return f"\u25cc{shown}" if shown and unicodedata.category(shown[0]).startswith("M") else shown


def first_line(error: BaseException) -> str:
    """What an error of somebody else's code says: its first line, printable and not too long.

    Examples:
        >>> first_line(ValueError("two" + chr(10) + "lines")), first_line(MemoryError())
        ('two', 'no message')
    """
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        return "no message"
    line = printable(lines[0]) if lines else "no message"
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "..."


def _is_unseen(letter: str) -> bool:
    code = ord(letter)
    if code < 127:
        return code < 32
    never = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return never or letter in _TURNING or letter in _WITHOUT_WIDTH or unicodedata.category(letter) in _UNSEEN

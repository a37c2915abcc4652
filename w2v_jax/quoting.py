"""What a file says, made safe to show: everything that a message repeats of a file goes through here."""

import json
from collections.abc import Iterable


def quote(text: object, most: int = 160) -> str:
    """Text that came from a file, made safe to print in a message: ASCII, one line, not too long.

    Examples:
        >>> quote("two" + chr(10) + "lines"), quote(range(100), 8)
        ('two\\\\nlines', 'range(0,...')
    """
    try:
        found = str(text)
    except (ValueError, RecursionError):  # a number of thousands of digits, or a list of lists of lists ...
        return f"a {type(text).__name__} too long to show"
    found = json.dumps(found[: most + 1])[1:-1]
    return found if len(found) <= most else found[:most] + "..."


def printable(text: object) -> str:
    """Text of a user's, such as a path, in one line that any terminal shows: what cannot be printed is escaped.

    Letters stay as they are, unlike in `quote`, for the user must know them again.

    Examples:
        >>> printable("Zoë" + chr(10) + chr(27)), printable("caf" + chr(0xDCE9))
        ('Zoë\\n\\x1b', 'caf\\udce9')
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def listing(names: Iterable[str], most: int = 3) -> str:
    """The first few of `names`, quoted, and how many more there are."""
    names = list(names)
    return ", ".join(map(quote, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")

"""Tables as lines of text."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, with one column below the other.

    Examples:
        >>> print(*aligned([("layer", "hop"), ("conv 0", "5")]), sep="\\n")
        layer   hop
        conv 0  5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]

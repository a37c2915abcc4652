"""What came out, in a sentence: the numbers of all front ends next to each other, and which way is better."""

from collections.abc import Mapping
from typing import Literal

Better = Literal["higher", "lower"]


def compared(values: Mapping[str, float], *, better: Better, means: str, spec: str = ".2f") -> str:
    """A number of every front end, as a part of a sentence.

    Args:
        values: by name.
        better: which way is better.
        means: what better means.
        spec: how numbers are written.

    Examples:
        >>> compared({"formant-base": 0.981, "untrained": 0.72}, better="higher", means="steadier")
        '0.98 for formant-base and 0.72 for untrained (higher is steadier)'
    """
    shown = [f"{value:{spec}} for {name}" for name, value in values.items()]
    return f"{listed(shown)} ({better} is {means})"


def listed(items: list[str], *, most: int = 6) -> str:
    """Items with commas and an "and"; of many, the first few and how many more there are."""
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

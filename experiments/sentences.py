"""What came out, in a sentence: the numbers of all front ends next to each other, and which way is better."""

from collections.abc import Mapping, Sequence
from typing import Literal

from .store.rows import Measurements, Row

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


def listed(items: Sequence[str], *, most: int = 6) -> str:
    """Items with commas and an "and"; of many, the first few and how many more there are."""
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def next_to_controls(measured: Measurements, quantity: str, *, above: str, below: str, **parameters: str) -> str:
    """A score of each front end that was asked about, next to those of the controls, as part of a sentence.

    Args:
        measured: says who is a control.
        quantity, parameters: of the score, of the final frames; higher is better.
        above, below: what it is called where intervals do not overlap: "more closely than".

    Returns:
        Such as "0.81 for formant-base, more closely than untrained (0.46), no clear difference to log-mel (0.87)"; ""
        where no front end has the score.
    """
    scores = measured.known(quantity, **parameters)
    controls = [name for name in measured.controls if name in scores]
    parts = []
    for name in (each for each in measured.asked if each in scores):
        words: dict[str, list[str]] = {}
        for control in controls:
            word = _word(scores[name], scores[control], above=above, below=below)
            words.setdefault(word, []).append(f"{control} ({scores[control].value:.2f})")
        told = [f"{word} {listed(names)}" for word, names in words.items()]
        parts.append(", ".join([f"{scores[name].value:.2f} for {name}", *told]))
    return "; ".join(parts)


def _word(ours: Row, theirs: Row, *, above: str, below: str) -> str:
    if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
        return "next to"
    return above if ours.low > theirs.high else below if ours.high < theirs.low else "no clear difference to"

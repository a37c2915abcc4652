"""What a table of scores has in a cell: a score, or why there is none."""

from collections.abc import Callable
from typing import Any

from w2v_jax.scores import Score, UndefinedScoreError

# A score, or why there is none.
Cell = Score | str


def attempted(score: Callable[[], Score]) -> Cell:
    """The score, or why it is undefined."""
    try:
        return score()
    except UndefinedScoreError as error:
        return str(error)


def number(cell: Cell) -> dict[str, Any]:
    """A cell as JSON has it."""
    if isinstance(cell, str):
        return {"undefined": cell}
    return {"value": cell.value, "low": cell.low, "high": cell.high, "units": cell.units}

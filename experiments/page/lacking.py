"""What a page cannot have because a file lacks it: the rest of the page is made, and says so."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from w2v_jax._src.quoting import quote

from .finished import ReportError

T = TypeVar("T")

# What reading a number that is missing, or of another kind, ends in.
_FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclasses.dataclass
class Lacks:
    """Lines about what an experiment's part of the page lacks, as they are found.

    Attributes:
        experiment: whose part.
        lines: one for each thing, each once.
    """

    experiment: str
    lines: list[str] = dataclasses.field(default_factory=list)

    def add(self, line: str) -> None:
        """Adds a line, unless it is there."""
        if line not in self.lines:
            self.lines.append(line)

    @contextlib.contextmanager
    def unless_damaged(self, what: str, *, of: str = "") -> Iterator[None]:
        """The block is left where an entry of `metrics.json` is missing or not what it should be; a line says so."""
        try:
            yield
        except ReportError as error:
            self.add(str(error))
        except _FAULTS as error:
            self.add(
                f"{what} is not here: {of or self.experiment}/metrics.json {_said(error)}; "
                f"run w2v-jax {of or self.experiment} again"
            )

    def made(self, what: str, make: Callable[[], T], otherwise: T, *, of: str = "") -> T:
        """What `make` returns, or `otherwise` where something is lacking for it, `of` other experiments than this."""
        found = otherwise
        with self.unless_damaged(what, of=of):
            found = make()
        return found


def number(value: Any) -> float:
    """`value`, if it is a finite number; raises `ValueError` if it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} where a number is expected")
    return float(value)


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no {quote(error.args[0] if error.args else error, 80)!r}"
    return f"has an entry of another kind than expected ({type(error).__name__}: {quote(error, 80)})"

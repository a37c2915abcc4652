"""What a page cannot have because a file lacks it: the rest of the page is made, and says so."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from w2v_jax._src.quoting import quote

from ..store.rows import MissingRowError
from .folder import Part, ReportError

T = TypeVar("T")

# What a record's own functions may end in where rows are not those that it measures.
_FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclasses.dataclass
class Lacks:
    """Lines about what an experiment's part of the page lacks, as they are noticed.

    Attributes:
        part: whose part.
        lines: one for each thing, each once.
    """

    part: Part
    lines: list[str] = dataclasses.field(default_factory=list)

    def made(self, what: str, make: Callable[[], T], otherwise: T) -> T:
        """What `make` returns; `otherwise`, and a line that says so, where something is lacking for it."""
        try:
            return make()
        except ReportError as error:
            line = str(error)
        except _FAULTS as error:
            said = error if isinstance(error, MissingRowError) else f"{type(error).__name__}: {quote(error, 80)}"
            line = f"{what} is not here: {self.part.name}/metrics.json does not give it ({said}); {self.part.again}"
        if line not in self.lines:
            self.lines.append(line)
        return otherwise

"""The tables of a section: what came out of each front end, and the paper's numbers next to ours."""

import collections
import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence

from ..experiment import Published
from ..store.rows import Better, Measurements, Row
from .folder import Part
from .lacking import Lacks

MOST_ROWS = 12  # of a quantity in the table of an experiment whose record nobody gave
MOST_SEEDS = 2  # added controls of random weights that have a column
MOST_SHOWN = 8  # lines of a table that is not folded

VERDICTS = {True: "agrees", False: "differs", None: "not comparable: a thinned grid"}


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a table.

    Attributes:
        label: what its numbers are of.
        cells: a text for each column.
        better: which way is better, where one is.
    """

    label: str
    cells: tuple[str, ...]
    better: Better = ""


@dataclasses.dataclass(frozen=True)
class Group:
    """Lines that share what their title says; "" where they share nothing."""

    title: str
    lines: tuple[Line, ...]
    better: Better = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text."""

    title: str
    header: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        return [line for group in self.groups for line in group.lines]

    @property
    def cells(self) -> list[str]:
        """The texts of all lines."""
        return [cell for line in self.lines for cell in line.cells]

    @property
    def folded(self) -> bool:
        """Whether the page shows it only when asked."""
        return len(self.lines) > MOST_SHOWN


def of_part(part: Part, lacks: Lacks) -> tuple[Table, ...]:
    """The tables of an experiment that have any line."""
    return tuple(each for each in (results_table(part), _published_table(part, lacks)) if each.groups)


def results_table(part: Part) -> Table:
    """The quantities that the record names: a line for each with its parameters, a column for each front end."""
    measured = part.measured
    several = part.record.tabled(measured) if part.record else _rows_of_short_quantities(measured)
    seeds = [name for name, each in measured.encoders.items() if each.control_of and each.kind == "random"]
    with_rows = {row.encoder for row in several}
    names = [name for name in (*measured.encoders, "") if name in with_rows and name not in seeds[MOST_SEEDS:]]
    by_line: dict[tuple[str, str], dict[str, Row]] = {}
    for row in several:
        by_line.setdefault((row.quantity, row.at), {})[row.encoder] = row
    controls = measured.controls
    header = [f"{name} (control)" if name in controls else name or "all" for name in names]
    intervals = " [95% interval]" if any(row.low is not None for row in several) else ""
    left_out = f", with {MOST_SEEDS} of {len(seeds)} random weights" if len(seeds) > MOST_SEEDS else ""
    return Table(f"Results{intervals}{left_out}", ("Quantity", *header), tuple(_grouped(by_line, names)))


def _grouped(by_line: Mapping[tuple[str, str], Mapping[str, Row]], names: Sequence[str]) -> Iterable[Group]:
    """Lines of one quantity together; or of the same parameters, where those are fewer and each has several lines."""
    quantities, parameters = (collections.Counter(line[part] for line in by_line) for part in (0, 1))
    by_parameters = 1 < len(parameters) < len(quantities) and min(parameters.values()) > 1
    units: dict[str, set[str]] = {}
    for (quantity, _), of in by_line.items():
        units.setdefault(quantity, set()).update(row.unit for row in of.values() if row.value is not None)
    groups: dict[str, list[Line]] = {}
    for (quantity, at), of in by_line.items():
        better = next(iter(of.values())).better
        cells = tuple(cell_text(of[name]) if name in of else "–" for name in names)
        unit = next((row.unit for row in of.values() if row.unit), "")
        if by_parameters:
            title, label = at, _with_unit(quantity, unit)
        elif len(units[quantity]) > 1:  # errors in cents, and in dB
            title, label = quantity, _with_unit(at, unit)
        else:
            title, label = _with_unit(quantity, "".join(units[quantity])), at
        groups.setdefault(title, []).append(Line(label, cells, better))
    for title, lines in groups.items():
        if by_parameters:
            yield Group(title, tuple(lines))
        elif len(lines) == 1:
            (line,) = lines
            yield Group("", (dataclasses.replace(line, label=f"{title} ({line.label})" if line.label else title),))
        else:
            better = next((line.better for line in lines if line.better), "")
            yield Group(title, tuple(dataclasses.replace(line, better="") for line in lines), better)


def _with_unit(quantity: str, unit: str) -> str:
    """A quantity with its unit, which its name may have already."""
    return quantity if not unit or quantity.endswith(f", {unit}") else f"{quantity}, {unit}"


def cell_text(row: Row) -> str:
    """A number as text, with its interval where it has one; or that there is none."""
    if row.value is None:
        return "undefined"
    if row.low is None or row.high is None:
        return f"{row.value:.4g}"
    digits = 2 if row.high - row.low > 0.01 else 3
    return f"{row.value:.{digits}f} [{row.low:.{digits}f}, {row.high:.{digits}f}]"


def _rows_of_short_quantities(measured: Measurements) -> list[Row]:
    """Those of which there are few numbers: no curves, no matrices."""
    lines: dict[str, set[str]] = {}
    for row in measured.rows:
        lines.setdefault(row.quantity, set()).add(row.told)
    short = [quantity for quantity, told in lines.items() if len(told) <= MOST_ROWS]
    return [row for quantity in short for row in measured.select(quantity)]


def published(part: Part) -> Sequence[Published]:
    """The paper's numbers next to ours."""
    made = part.record.published if part.record else None
    return made(part.measured) if made is not None else ()


def _published_table(part: Part, lacks: Lacks) -> Table:
    none: Sequence[Published] = ()
    several = lacks.made("the paper's numbers next to ours", functools.partial(published, part), none)
    lines = [
        Line(f"{each.encoders}: {each.quantity}", (each.published, f"{each.ours:.7f}", VERDICTS[each.agrees]))
        for each in several
    ]
    groups = (Group("", tuple(lines)),) if lines else ()
    return Table("The paper's numbers next to ours", ("Quantity", "paper", "here", "verdict"), groups)

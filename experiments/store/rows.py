"""What an experiment measures: numbers, each with what it is a number of.

A `Row` is one number. `number`, `score` and `curve` make rows of what a function computed; `Measurements` are all rows
of an experiment with what must be known of the front ends that they are of, and find rows again: by front end, layer,
quantity and parameters. `metrics.json` and `metrics.csv` are two writings of the same rows (`metrics_file`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score, UndefinedScoreError

Better = Literal["higher", "lower", ""]
Value = str | float
Parameters = tuple[tuple[str, Value], ...]
Cell = Score | str  # a score, or why there is none

CONTROLS = ("random", "spectrogram")  # kinds of front ends of which nothing was learned


class MissingRowError(LookupError):
    """No row, or several, where one is wanted. The message is one line."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A number.

    Attributes:
        quantity: what it is, in words: "learned scale by angles, R²".
        value: the number; None where it is undefined.
        parameters: what it is asked at, by name, in a fixed order: ("frequency", 440.0), ("scale", "Mel").
        low, high: the ends of its 95% interval, where it has one.
        encoder: the name of the front end; "" until the experiment is over, and of a number that is of none.
        layer: of the front end.
        unit: "Hz", "cents", "dB"; "" of a share, a cosine, a correlation.
        better: which way is better, where one is.
        units: how many things were drawn again for the interval.
        undefined: why there is no value.
    """

    quantity: str
    value: float | None
    parameters: Parameters = ()
    low: float | None = None
    high: float | None = None
    encoder: str = ""
    layer: str = FRAMES
    unit: str = ""
    better: Better = ""
    units: int | None = None
    undefined: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            entry = getattr(self, name)
            if entry is not None and not math.isfinite(entry):
                raise ValueError(f"{self.quantity!r} {dict(self.parameters)}: its {name} is {entry}; expected a number")
        if self.value is None and not self.undefined:
            raise ValueError(f"{self.quantity!r} {dict(self.parameters)}: no value, and no word on why")

    @property
    def told(self) -> str:
        """Its parameters in words: "frequency=440 scale=Mel"; "" where it has none."""
        told = ((name, value if isinstance(value, str) else _digits(value)) for name, value in self.parameters)
        return " ".join(f"{name}={value}" for name, value in told)

    @property
    def label(self) -> str:
        """What a reader of a table sees it called."""
        return f"{self.quantity} ({self.at})" if self.at else self.quantity

    @property
    def at(self) -> str:
        """Its parameters as a reader of a table sees them: "sines, frequency 440"."""
        return ", ".join(value if isinstance(value, str) else f"{name} {value:g}" for name, value in self.parameters)

    def has(self, parameters: Mapping[str, Value]) -> bool:
        """Whether it is asked at these parameters, and perhaps at others."""
        own = dict(self.parameters)
        return all(name in own and own[name] == value for name, value in parameters.items())


def _digits(value: float) -> str:
    """A parameter in as many digits as it was given: 0.32, also where a sound's float32 made 0.319999993 of it."""
    short = f"{value:.7g}"
    return short if np.float32(short) == np.float32(value) else f"{value:.9g}"


def number(
    quantity: str,
    value: float | None,
    *,
    unit: str = "",
    better: Better = "",
    layer: str = FRAMES,
    undefined: str = "",
    **parameters: Value,
) -> Row:
    """A number without an interval; `value` None needs a word on why (`undefined`)."""
    return Row(
        quantity,
        None if value is None else float(value),
        _plain(parameters),
        layer=layer,
        unit=unit,
        better=better,
        undefined=undefined if value is None else "",
    )


def score(
    quantity: str, cell: Score | str, *, unit: str = "", better: Better = "", layer: str = FRAMES, **parameters: Value
) -> Row:
    """A score with its interval; of a text, which says why there is none, a row without a value."""
    if isinstance(cell, str):
        return Row(quantity, None, _plain(parameters), layer=layer, unit=unit, better=better, undefined=cell)
    return Row(
        quantity,
        float(cell.value),
        _plain(parameters),
        low=float(cell.low),
        high=float(cell.high),
        layer=layer,
        unit=unit,
        better=better,
        units=int(cell.units),
    )


def attempted(score: Callable[[], Score]) -> Cell:
    """A score, or why it is undefined."""
    try:
        return score()
    except UndefinedScoreError as error:
        return str(error)


def curve(
    quantity: str,
    values: npt.ArrayLike,
    *,
    unit: str = "",
    better: Better = "",
    layer: str = FRAMES,
    undefined: str = "",
    **parameters: npt.ArrayLike,
) -> list[Row]:
    """A row for each of many numbers, in order.

    Args:
        quantity: what they are.
        values: of any shape. A NaN is a number that is undefined.
        unit, better, layer: of all.
        undefined: why a value is NaN.
        parameters: of each, a shape that broadcasts to that of `values`; or one of all.

    Examples:
        >>> [row.told for row in curve("cosine", [[1, 0], [0, 1]], first=[[1], [2]], second=[1, 2])]
        ['first=1 second=1', 'first=1 second=2', 'first=2 second=1', 'first=2 second=2']
    """
    array = np.asarray(values, np.float64)
    columns = {
        name: np.broadcast_to(np.asarray(each), array.shape).ravel().tolist() for name, each in parameters.items()
    }
    rows = []
    for place, value in enumerate(array.ravel().tolist()):
        own = {name: each[place] for name, each in columns.items()}
        known = None if math.isnan(value) else value
        rows.append(number(quantity, known, unit=unit, better=better, layer=layer, undefined=undefined, **own))
    return rows


def _plain(parameters: Mapping[str, Any]) -> Parameters:
    """Text or finite numbers, as JSON has them."""
    return tuple(
        (name, value if isinstance(value, str) else float(value))
        for name, value in parameters.items()
        if value is not None
    )


@dataclasses.dataclass(frozen=True)
class About:
    """What a reader of numbers must know of the front end that they are of.

    Attributes:
        name: that its results carry.
        kind: `"trained"` weights, `"random"` weights, a `"spectrogram"`, or `"yours"`.
        source: what its weights were converted from, or how it was made.
        frames: its sample rate (Hz), receptive field and hop (samples).
        revision: version of the source, where there is one.
        assumed: what its checkpoint did not state, in words.
        precision: of an encoder.
        step: of its training, where its name has one.
        group: the trainings of one recipe that it is one of, where a name for them was given.
        control_of: names of those that it was added to be compared with; none of one that the user named.
        compared_with: names of its controls, added or named by the user, in the order in which they are shown.
    """

    name: str
    kind: str
    source: str
    frames: Mapping[str, int]
    revision: str | None = None
    assumed: str | None = None
    precision: str | None = None
    step: int | None = None
    group: str | None = None
    control_of: tuple[str, ...] = ()
    compared_with: tuple[str, ...] = ()

    @property
    def is_control(self) -> bool:
        """Whether nothing was learned, or it was added for comparison."""
        return self.kind in CONTROLS or bool(self.control_of)


@dataclasses.dataclass(frozen=True)
class Measurements:
    """All rows of an experiment, or some of them.

    Attributes:
        experiment: its name.
        rows: in the order in which they were measured.
        encoders: by name, the front ends that rows are of: those that were asked about, then the controls.
        settings: what was asked, as JSON has it: which vowels, which recordings.
        notes: what a reader must know to read the numbers right.
        size: of the grids: "smoke", "quick", "usual" or "full".
        made_with: versions and device, as text.
        headline: what came out, in a sentence, of all front ends of the run that wrote it.
        said: further lines for the terminal, of this run alone.
    """

    experiment: str
    rows: tuple[Row, ...]
    encoders: Mapping[str, About]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    size: str = "usual"
    made_with: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headline: str = ""
    said: tuple[str, ...] = ()

    @functools.cached_property
    def _by_quantity(self) -> Mapping[tuple[str, str], Sequence[Row]]:
        by_quantity: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            by_quantity.setdefault((row.encoder, row.quantity), []).append(row)
        return by_quantity

    @property
    def quick(self) -> bool:
        """Whether grids were thin."""
        return self.size in ("smoke", "quick")

    @property
    def asked(self) -> list[str]:
        """Names of those that are no controls; of all that the user named, where there are only such."""
        named = [each for each in self.encoders.values() if not each.control_of]
        return [each.name for each in named if not each.is_control] or [each.name for each in named]

    @property
    def controls(self) -> list[str]:
        """The other names."""
        return [name for name in self.encoders if name not in self.asked]

    def of(self, *encoders: str) -> "Measurements":
        """The same of some front ends only, and the rows that are of none, or of pairs among them."""
        others = self.encoders.keys() - set(encoders)
        return dataclasses.replace(
            self,
            rows=tuple(row for row in self.rows if not others & set(names_in(row))),
            encoders={name: about for name, about in self.encoders.items() if name in encoders},
        )

    def select(
        self, quantity: str, *, encoder: str | None = None, layer: str | None = FRAMES, **parameters: Value
    ) -> Iterator[Row]:
        """Rows of a quantity, in order: of one front end or all, of one layer (None: of all), at these parameters."""
        names = [encoder] if encoder is not None else [*self.encoders, ""]
        for name in names:
            for row in self._by_quantity.get((name, quantity), ()):
                if (layer is None or row.layer == layer) and row.has(parameters):
                    yield row

    def row(self, quantity: str, *, encoder: str = "", layer: str = FRAMES, **parameters: Value) -> Row:
        """The one row.

        Raises:
            MissingRowError: there is none, or there are several.
        """
        matches = list(self.select(quantity, encoder=encoder, layer=layer, **parameters))
        if len(matches) != 1:
            at = "".join(f", {name}={value}" for name, value in parameters.items())
            raise MissingRowError(
                f"{self.experiment} has {len(matches) or 'no'} row{'s' * (len(matches) > 1)} of {quantity!r} "
                f"of {encoder or 'no front end'} ({layer}{at}); expected one"
            )
        return matches[0]

    def value(self, quantity: str, *, encoder: str = "", layer: str = FRAMES, **parameters: Value) -> float | None:
        """The value of the one row; None where it is undefined. Raises as `row` does."""
        return self.row(quantity, encoder=encoder, layer=layer, **parameters).value

    def array(self, quantity: str, *, encoder: str = "", layer: str = FRAMES, **parameters: Value) -> np.ndarray:
        """Values of rows, (n,) float64 in order; NaN where one is undefined. Raises `MissingRowError` where n is 0."""
        values = [row.value for row in self.select(quantity, encoder=encoder, layer=layer, **parameters)]
        if not values:
            self.row(quantity, encoder=encoder, layer=layer, **parameters)
        return np.array([np.nan if value is None else value for value in values])

    def parameter(
        self, name: str, quantity: str, *, encoder: str = "", layer: str = FRAMES, **parameters: Value
    ) -> list[Any]:
        """A parameter of the same rows as `array` has."""
        rows = self.select(quantity, encoder=encoder, layer=layer, **parameters)
        return [dict(row.parameters)[name] for row in rows]

    def known(self, quantity: str, *, layer: str = FRAMES, **parameters: Value) -> dict[str, Row]:
        """By front end, its one row, of those whose row has a value."""
        by_encoder: dict[str, Row] = {}
        for row in self.select(quantity, encoder=None, layer=layer, **parameters):
            if row.value is not None and row.encoder in self.encoders:
                by_encoder.setdefault(row.encoder, row)
        return by_encoder


WITH = "with"  # the parameter that names the other front end of a pair


def names_in(row: Row) -> Iterable[str]:
    """The front ends that a row is of: none, one, or a pair, the second in its parameter `with`."""
    own = dict(row.parameters)
    return [name for name in (row.encoder, own.get(WITH)) if isinstance(name, str) and name]

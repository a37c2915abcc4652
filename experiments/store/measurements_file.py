"""`metrics.json` and `metrics.csv`: two writings of the same rows; and the one reader of the first.

`metrics.json` is strict JSON: what must be known of the rows, then `columns` and `rows`, a line each. What cannot be
read is not absent: it may have the numbers of many encoders. A file of another format, or of an earlier version, is
refused in one line, and never read in part.
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from w2v_jax._src.files import is_dangling
from w2v_jax._src.quoting import quote

from . import spreadsheet
from .rows import About, Measurements, Row

NAME = "metrics.json"
TABLE = "metrics.csv"
FORMAT = 2  # 1, which did not say so, were nested entries

# The first seven are what other people's scripts read.
HEADER = ("encoder", "layer", "quantity", "parameters", "value", "low", "high", "unit", "better", "undefined")
_MOST_DIGITS = 300  # of a whole number: a float holds no longer ones
_COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
_ENTRIES: Mapping[str, type | tuple[type, ...]] = {
    "size": str,
    "headline": str,
    "notes": list,
    "settings": dict,
    "made_with": dict,
    "encoders": dict,
    "columns": list,
    "rows": list,
}


class MetricsFileError(ValueError):
    """A `metrics.json` that is there, and is not to be used. The message is one line and begins with its path."""


def json_text(measurements: Measurements) -> str:
    """`metrics.json`. Raises `ValueError` at a number that is not finite: JSON has no such thing."""
    head = {
        "format": FORMAT,
        "experiment": measurements.experiment,
        "size": measurements.size,
        "made_with": dict(measurements.made_with),
        "headline": measurements.headline,
        "notes": list(measurements.notes),
        "settings": measurements.settings,
        "encoders": {name: _about_as_json(about) for name, about in measurements.encoders.items()},
        "columns": _COLUMNS,
    }
    rows = ",\n  ".join(_dumps([_cell(getattr(row, name)) for name in _COLUMNS]) for row in measurements.rows)
    text = _dumps(head, indent=1)
    return f'{text[: text.rindex("}")].rstrip()},\n "rows": [\n  {rows}\n ]\n}}\n'


def csv_text(measurements: Measurements) -> str:
    """`metrics.csv`: a row for each number, for R and others; a pair's encoder is "A and B"."""
    return spreadsheet.csv_text(HEADER, map(_as_text, measurements.rows))


def _as_text(row: Row) -> list[str]:
    parameters = dict(row.parameters)
    other = parameters.pop("with", None)
    told = dataclasses.replace(row, parameters=tuple(parameters.items())).told
    encoder = f"{row.encoder} and {other}" if other is not None else row.encoder
    numbers = ["" if each is None else f"{each:.9g}" for each in (row.value, row.low, row.high)]
    return [encoder, row.layer, row.quantity, told, *numbers, row.unit, row.better, row.undefined]


def _about_as_json(about: About) -> dict[str, Any]:
    entries = dataclasses.asdict(about)
    del entries["name"]
    return entries


def _cell(value: object) -> object:
    return dict(value) if isinstance(value, tuple) else value


def _dumps(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)


def read(path: pathlib.Path, experiment: str) -> Measurements | None:
    """What the file has; None where there is none.

    Args:
        path: the file.
        experiment: whose it must be.

    Raises:
        MetricsFileError: it cannot be read, is not JSON, is of an earlier version, or is damaged.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if is_dangling(path):
            raise MetricsFileError(f"{path}: it cannot be read (a link to what is not there)") from None
        return None
    except OSError as error:
        raise MetricsFileError(f"{path}: it cannot be read ({error.strerror or quote(error)})") from error
    try:
        content = json.loads(text.decode("utf-8"), parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else quote(error)
        raise MetricsFileError(f"{path}: it cannot be read ({len(text):,} bytes; {said})") from error
    try:
        return _checked(content, experiment)
    except ValueError as error:
        raise MetricsFileError(f"{path}: not what w2v-jax {experiment} writes: {error}") from None


def _checked(content: Any, experiment: str) -> Measurements:
    """Raises `ValueError` where anything is of another kind than `json_text` writes."""
    if not isinstance(content, dict):
        raise ValueError(f"expected an object, found a {type(content).__name__}")
    if content.get("experiment") != experiment:
        raise ValueError(f"'experiment' is {_shown(content.get('experiment'))}")
    if content.get("format") != FORMAT:
        told = "an earlier version wrote it" if "format" not in content else f"'format' is {_shown(content['format'])}"
        raise ValueError(f"{told}; expected format {FORMAT}")
    for name, kind in _ENTRIES.items():
        if not isinstance(content.get(name), kind):
            raise ValueError(f"{name!r} is {_shown(content.get(name))}; expected a {getattr(kind, '__name__', kind)}")
    if not all(isinstance(each, str) for each in (*content["notes"], *content["made_with"].values())):
        raise ValueError("'notes' or 'made_with' has something else than text")
    if list(content["columns"]) != list(_COLUMNS):
        raise ValueError(f"'columns' is {_shown(content['columns'])}; expected {', '.join(_COLUMNS)}")
    encoders = {name: _about(name, about) for name, about in content["encoders"].items()}
    return Measurements(
        experiment,
        tuple(_rows(content["rows"])),
        encoders,
        settings=content["settings"],
        notes=tuple(content["notes"]),
        size=content["size"],
        made_with=content["made_with"],
        headline=content["headline"],
    )


def _about(name: str, said: Any) -> About:
    """What is said of a front end, each entry of its own kind."""
    if not isinstance(said, dict):
        raise ValueError(f"'encoders' has {_shown(said)} for {quote(name, 40)!r}; expected an object")
    texts = all(isinstance(said.get(each), str) for each in ("kind", "source"))
    maybe = all(isinstance(said.get(each), str | None) for each in ("revision", "assumed", "precision", "group"))
    frames, step = said.get("frames") or {}, said.get("step")
    names = {each: said.get(each, []) for each in ("control_of", "compared_with")}
    counts = isinstance(frames, dict) and all(
        type(frames.get(each)) is int and frames[each] > 0 for each in ("sample_rate", "receptive_field", "hop")
    )
    listed = all(isinstance(each, list) and all(map(_is_text, each)) for each in names.values())
    if not (texts and maybe and counts and listed and (step is None or type(step) is int)):
        raise ValueError(f"'encoders' has {_shown(said)} for {quote(name, 40)!r}")
    return About(
        name=name,
        kind=said["kind"],
        source=said["source"],
        frames=frames,
        step=step,
        control_of=tuple(names["control_of"]),
        compared_with=tuple(names["compared_with"]),
        **{each: said.get(each) for each in ("revision", "assumed", "precision", "group")},
    )


def _rows(rows: list[Any]) -> Iterator[Row]:
    for cells in rows:
        if not isinstance(cells, list) or len(cells) != len(_COLUMNS):
            raise ValueError(f"a row is {_shown(cells)}; expected {len(_COLUMNS)} cells")
        entries = dict(zip(_COLUMNS, cells, strict=True))
        for name, cell in entries.items():
            if not _IS[name](cell):
                raise ValueError(f"a row has {_shown(cell)} for its {name}: {_shown(cells)}")
        parameters = tuple(
            (name, value if isinstance(value, str) else float(value))
            for name, value in entries.pop("parameters").items()
        )
        yield Row(**entries, parameters=parameters)


def _is_text(cell: object) -> bool:
    return isinstance(cell, str)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _is_number_or_none(cell: object) -> bool:
    return cell is None or _is_number(cell)


_IS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("quantity", "encoder", "layer", "unit", "undefined"), _is_text),
    **dict.fromkeys(("value", "low", "high"), _is_number_or_none),
    "better": lambda cell: cell in ("higher", "lower", ""),
    "units": lambda cell: cell is None or type(cell) is int,
    "parameters": lambda cell: (
        isinstance(cell, dict) and all(_is_text(each) or _is_number(each) for each in cell.values())
    ),
}


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _whole(text: str) -> int:
    return int(text) if len(text) <= _MOST_DIGITS else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a number that JSON has")


def _shown(value: object) -> str:
    return "missing" if value is None else quote(value, 60)

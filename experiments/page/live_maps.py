"""The maps that one can touch and hear: what the page's script needs of each.

A map's points are the sounds that any of the encoders heard, told apart by their parameters; an encoder's positions are
in the order of these points. The numbers are float32 in base64, little-endian; a position that an encoder does not have
is NaN.
"""

import base64
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..experiment import Map, Parameter
from ..measures import map_order
from ..store.results import projection_name
from ..store.rows import About
from .folder import Folder, Part, ReportError, columns, numbers

Table = Mapping[str, Sequence[str]]


def of_part(map_: Map, part: Part, folder: Folder) -> dict[str, Any] | None:
    """A map for the page's script; None where there are no files of it.

    Args:
        map_: the map.
        part: the experiment that it is of.
        folder: its files.

    Raises:
        ReportError: a file is not such a table.
    """
    paths = {each.name: folder.file(part.name, f"{map_.sweep}.{each.name}.map.csv") for each in folder.encoders}
    tables = {name: columns(path) for name, path in paths.items() if path is not None}
    parameters = map_.parameters or _parameters_of(tables.values())
    names = [each.name for each in parameters]
    for name, table in tables.items():
        _check(str(paths[name]), table, names)
    if not tables:
        return None
    keys = {name: list(zip(*(table[each] for each in names), strict=True)) for name, table in tables.items()}
    distinct = {key: tuple(map(float, key)) for several in keys.values() for key in several}
    together = sorted(distinct.items(), key=lambda entry: entry[1])
    row_of = {key: row for row, (key, _) in enumerate(together)}
    points = {name: np.array([values[i] for _, values in together]) for i, name in enumerate(names)}
    encoders = []
    for each in folder.encoders:
        if each.name in tables:
            places = np.full((2, len(row_of)), np.nan)
            places[:, [row_of[key] for key in keys[each.name]]] = [
                numbers(tables[each.name][axis]) for axis in ("x", "y")
            ]
            encoders.append(encoder_of(each, *places, below=below(part, each, map_.sweep)))
    colour = map_.colour or names[-1]
    colours = {colour: map_.colours(points)} if map_.colours is not None else {}
    of = map_.of(points) if map_.of is not None else f"{len(row_of):,} {map_.sounds}"
    return {
        "id": id_of(part, map_),
        "title": map_.title,
        "reading": map_.reading,
        "caption": f"{kind_of(part)} of {of}",
        "parameters": [dataclasses.asdict(parameter) for parameter in parameters],
        "values": {name: packed(each) for name, each in {**points, **colours}.items()},
        "colour": {"name": colour, "title": map_.colour_title or colour, "diverging": map_.diverging},
        "names": map_.labels(points, part.measured) if map_.labels is not None else [],
        "sound": map_.sound(points) if map_.sound is not None else {"kind": "none"},
        "silent": map_.silent(points, part.measured) if map_.silent is not None else [],
        "grid": True,
        "encoders": encoders,
    }


def kind_of(part: Part) -> str:
    """What lays the points out, to begin a caption."""
    name = projection_name(part.measured.size)
    return f"{name[0].upper()}{name[1:]}"


def id_of(part: Part, map_: Map) -> str:
    """What the page calls a map: two experiments may have sweeps of one name."""
    return f"{part.name}.{map_.sweep}"


def below(part: Part, encoder: About, sweep: str) -> tuple[str, ...]:
    """The lines under an encoder's map; none where nothing was measured of it."""
    order = map_order.of(part.measured, encoder.name, sweep)
    return map_order.short_caption(order) if order else ()


def encoder_of(encoder: About, x: np.ndarray, y: np.ndarray, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """An encoder on a map, with its positions, (n,) each, and the lines under it."""
    return {
        "name": encoder.name,
        "control": encoder.is_control,
        "step": encoder.step,
        "x": packed(x),
        "y": packed(y),
        "below": list(below),
    }


def packed(values: np.ndarray) -> str:
    """Numbers as float32 in base64."""
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _parameters_of(tables: Iterable[Table]) -> tuple[Parameter, ...]:
    """Where a map says nothing of its parameters: all columns that the tables have."""
    names = dict.fromkeys(name for table in tables for name in table if name not in ("x", "y"))
    return tuple(Parameter(name, name) for name in names)


def _check(path: str, table: Table, names: Sequence[str]) -> None:
    if not table:
        raise ReportError(f"{path}: it has no rows; run its experiment again")
    if missing := [name for name in (*names, "x", "y") if name not in table]:
        raise ReportError(f"{path}: it has no column {missing[0]!r}; run its experiment again")
    try:
        for name in (*names, "x", "y"):
            if np.isnan(numbers(table[name])).any() and name in names:
                raise ValueError(f"an empty cell in column {name!r}")
    except ValueError as error:
        raise ReportError(f"{path}: {error}; run its experiment again") from None

"""Metrics as a long table: a row for each number, for R and others that read no nested JSON."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from w2v_jax.front_end import FRAMES

from . import spreadsheet

HEADER = ("encoder", "layer", "quantity", "parameters", "value", "low", "high")
_SCORE = {"value", "low", "high"}
_NAMING = "encoders"  # the entry by which a number of several front ends names them

Row = tuple[str, str, str, str, float, float | str, float | str]


def csv_text(metrics: Mapping[str, Any], *, about: Collection[str], by_layer: Collection[str]) -> str:
    """The numbers of a `metrics.json` as CSV, with the columns `HEADER`.

    A quantity is the way to a number through the entries, with ": " between them. Elements of a list are told apart by
    their strings, or by their place. An interval's ends are empty where a
    number has none; what is undefined has no row.

    Args:
        metrics: as `metrics.save` writes them.
        about: entries of a front end that say what it is.
        by_layer: entries of a front end whose own entries are its layers; what lies elsewhere is of its frames.
    """
    rows = _rows(metrics, about=about, by_layer=by_layer)
    written = ([f"{each:.9g}" if isinstance(each, float) else each for each in row] for row in rows)
    return spreadsheet.csv_text(HEADER, written)


def _rows(metrics: Mapping[str, Any], *, about: Collection[str], by_layer: Collection[str]) -> Iterator[Row]:
    for group in ("encoders", "controls"):
        for encoder, found in (metrics.get(group) or {}).items():
            for name, each in found.items():
                if name in about:
                    continue
                if name in by_layer:
                    for layer, inside in each.items():
                        yield from _numbers(inside, encoder, layer, (name,), ())
                else:
                    yield from _numbers(each, encoder, FRAMES, (name,), ())
    for name, each in metrics.items():
        if name not in ("encoders", "controls", "table", "notes") and isinstance(each, Mapping | list):
            yield from _numbers(each, "", FRAMES, (name,), ())


def _numbers(
    found: Any, encoder: str, layer: str, path: tuple[str, ...], parameters: tuple[tuple[str, str], ...]
) -> Iterator[Row]:
    if isinstance(found, Mapping):
        if found.keys() >= _SCORE:
            yield from _row(found["value"], encoder, layer, path, parameters, found["low"], found["high"])
            return
        if isinstance(named := found.get(_NAMING), list):
            encoder = " and ".join(map(str, named))
        for name, each in found.items():
            if name != _NAMING and not isinstance(each, str | bool):
                yield from _numbers(each, encoder, layer, (*path, str(name)), parameters)
    elif isinstance(found, list):
        for place, each in enumerate(found):
            yield from _numbers(each, encoder, layer, path, (*parameters, *_told_apart(each, place)))
    else:
        yield from _row(found, encoder, layer, path, parameters, "", "")


def _row(
    value: Any,
    encoder: str,
    layer: str,
    path: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    low: float | str,
    high: float | str,
) -> Iterator[Row]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        told = " ".join(f"{name}={each}" for name, each in parameters)
        ends = [float(each) if isinstance(each, int | float) else each for each in (low, high)]
        yield encoder, layer, ": ".join(path), told, float(value), ends[0], ends[1]


def _told_apart(element: Any, place: int) -> tuple[tuple[str, str], ...]:
    """What names an element of a list: its strings; or where it has none, its place."""
    if isinstance(element, Mapping):
        named = tuple((name, each) for name, each in element.items() if isinstance(each, str))
        if named or _NAMING in element:
            return named
    return (("index", str(place)),)

"""`metrics.json` as it lies on the disk: there is none, it can be read, or it is said in one line why not.

What cannot be read is not absent: it may have the numbers of many encoders.
"""

import json
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from w2v_jax._src.files import is_dangling
from w2v_jax._src.quoting import quote

Metrics = dict[str, Any]

NAME = "metrics.json"

_DEEPEST = 64  # no experiment nests half as deep, and what writes it again counts on Python's stack


class MetricsFileError(ValueError):
    """A `metrics.json` that is there, and is not to be used. The message is one line and begins with its path."""


def read(path: pathlib.Path, experiment: str, *, finite: bool = True) -> Metrics | None:
    """What the file has; None where there is none.

    Args:
        path: the file.
        experiment: whose it must be.
        finite: whether a number that is not finite, which JSON does not have, makes the file one of another kind;
            otherwise such a number is None, as if it were missing.

    Raises:
        MetricsFileError: it cannot be read, is not JSON, or has not the shape that `metrics.save` gives it.
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
        found = json.loads(
            text.decode("utf-8"), parse_constant=_refuse if finite else _missing, parse_float=_float(finite)
        )
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else quote(error)
        raise MetricsFileError(f"{path}: it cannot be read ({len(text):,} bytes; {said})") from error
    if wrong := _wrong(found, experiment):
        raise MetricsFileError(f"{path}: not what w2v-jax {experiment} writes: {wrong}")
    checked: Metrics = found
    return checked


def _wrong(found: object, experiment: str) -> str | None:
    """What is of another shape than the parts that every experiment has, if anything is."""
    if not isinstance(found, dict):
        return f"expected an object, found a {_kind(found)}"
    if found.get("experiment") != experiment:
        return f"'experiment' is {_shown(found.get('experiment'))}"
    if not isinstance(found.get("encoders"), dict):
        return f"'encoders' is {_shown(found.get('encoders'))}; expected what was measured of each, by name"
    for name, (is_so, expected) in _PARTS.items():
        if name in found and not is_so(found[name]):
            return f"{name!r} is {_shown(found[name])}; expected {expected}"
    if not isinstance(found.get("vowels") or {}, dict):
        return f"'vowels' is {_shown(found['vowels'])}; expected which vowels were used"
    if _too_deep(found):
        return f"nested deeper than {_DEEPEST}"
    return None


def _objects(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _rows(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict)
        and isinstance(row.get("encoder"), str)
        and (row.get("step") is None or type(row["step"]) is int)
        for row in value
    )


_PARTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "encoders": (_objects, "what was measured of each, by name"),
    "controls": (_objects, "what was measured of each, by name"),
    "table": (_rows, "rows, each with 'encoder' and 'step'"),
    "notes": (_texts, "a list of texts"),
    "conclusion": (lambda value: isinstance(value, str), "a text"),
    "quick": (lambda value: isinstance(value, bool), "true or false"),
    "groups": (
        lambda value: value is None or (isinstance(value, dict) and all(map(_texts, value.values()))),
        "lists of names, by name",
    ),
}


def _too_deep(found: object) -> bool:
    level = [found]
    for _ in range(_DEEPEST):
        level = [
            inside
            for each in level
            if isinstance(each, dict | list)
            for inside in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _float(finite: bool) -> Callable[[str], float | None]:
    def parse(text: str) -> float | None:
        value = float(text)
        if finite and not math.isfinite(value):
            _refuse(text)
        return value if math.isfinite(value) else None

    return parse


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a number that JSON has")


def _missing(text: str) -> None:
    return None


def _kind(value: object) -> str:
    return {list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(value), "number")


def _shown(value: object) -> str:
    return "missing" if value is None else quote(value, 60)

"""Every number of an experiment, in `metrics.json`, and as a long table in `metrics.csv`."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from w2v_jax import _version

from ..front_ends.named import NamedFrontEnd, by_step
from . import locks, long_table, metrics_file
from .results import Results
from .sweeping import ReplacementError

Metrics = metrics_file.Metrics

_FILE = metrics_file.NAME
_TABLE = "metrics.csv"
_ABOUT = ("kind", "source", "revision", "assumed", "precision", "frames", "step")


def save(
    results: Results,
    experiment: str,
    per_front_end: Mapping[NamedFrontEnd, Metrics] | None = None,
    *,
    summary: Callable[[Metrics], Mapping[str, float]] | None = None,
    conclusion: str = "",
    notes: Sequence[str] = (),
    vowels: bool = False,
    by_layer: Collection[str] = (),
    by_name: Collection[str] = ("controls",),
    **others: Any,
) -> Metrics:
    """Writes `EXPERIMENT/metrics.json`, strict JSON, and `metrics.csv`; returns what this run found.

    The first process writes. What the files have of front ends that this run did not measure stays there, unless it
    is of other vowels and may be replaced. Two runs that end together write one after the other.

    Args:
        results: where results are kept.
        experiment: whose folder it is.
        per_front_end: what was measured of each.
        summary: the few numbers of it that fit in a table, which has a row per front end in the order of their
            training steps; those whose names have none come last, in the order given.
        conclusion: what came out, in a sentence.
        notes: what a reader must know to read the numbers right.
        vowels: whether the experiment asks about vowels: then the entry `vowels` says which, where they are not the
            paper's.
        by_layer: entries of `per_front_end` whose own entries are layers.
        by_name: those of `others` that have an entry for each front end, control or group: those of the ones that this
            run did not measure stay, too.
        others: further entries, such as those about several front ends.

    Raises:
        ValueError: a number that is not finite: JSON has no such thing.
        ReplacementError: what is there cannot be read, or is of other vowels and may not be replaced.
    """
    measured = per_front_end or {}
    which = results.vowels.as_numbers() if vowels else None
    metrics = {
        "experiment": experiment,
        "quick": results.quick,
        "w2v_jax": _version.__version__,
        "jax": jax.__version__,
        "device": jax.local_devices()[0].device_kind,
        "conclusion": _of_vowels(conclusion, results) if which else conclusion,
        "notes": list(dict.fromkeys([*(results.vowels.notes(quick=results.quick) if which else []), *notes])),
        **({"vowels": which} if which else {}),
        "encoders": {each.name: {**about(each), **found} for each, found in measured.items()},
        "table": _table(measured, summary) if summary else [],
        **others,
    }
    found: Metrics = json.loads(_text(metrics))
    if results.share.is_first:
        path = results.path(experiment, _FILE)
        with locks.alone(path, label=f"{experiment}/{_FILE}"):
            if vowels:
                check_vowels(results, experiment)
            merged = _merged(found, results.metrics_there(experiment), vowels=vowels, by_name=by_name)
            results.save_text(experiment, _FILE, _text(merged) + "\n")
            results.save_text(experiment, _TABLE, long_table.csv_text(merged, about=_ABOUT, by_layer=by_layer))
    return found


def _merged(found: Metrics, earlier: Metrics, *, vowels: bool, by_name: Collection[str]) -> Metrics:
    """What this run found, and of what was there before, the front ends that it did not measure, what must be known of
    them, and entries that this version does not write."""
    if vowels and earlier.get("vowels") != found.get("vowels"):
        return found  # the earlier ones are of other vowels, to be replaced
    others = _without(earlier.get("encoders"), found["encoders"])
    merged = {**earlier, **found, "encoders": {**found["encoders"], **others}}
    if not others:
        return merged
    merged["notes"] = list(dict.fromkeys([*found["notes"], *earlier.get("notes", [])]))
    for entry in by_name:
        if isinstance(earlier.get(entry), dict):
            ours = found.get(entry) or {}
            merged[entry] = {**ours, **_without(earlier[entry], ours)}
    for entry, rows in found.items():
        if isinstance(rows, list) and entry not in ("table", "notes"):
            merged[entry] = [*rows, *_rows_of_others(earlier.get(entry), rows, found["encoders"])]
    if earlier.get("table"):
        ours = {row["encoder"] for row in found["table"]}
        rows = [*found["table"], *(row for row in earlier["table"] if row["encoder"] not in ours)]
        merged["table"] = sorted(rows, key=lambda row: (row["step"] is None, row["step"] or 0))
    return merged


def _of_vowels(conclusion: str, results: Results) -> str:
    said = f"({results.vowels.said(quick=results.quick)}.)"
    return conclusion if said in conclusion else f"{conclusion} {said}"


def check_vowels(results: Results, experiment: str) -> None:
    """To be called before anything is done by an experiment that asks about vowels.

    Raises:
        ReplacementError: what the file has cannot be read, or is of other vowels and may not be replaced. Sweeps tell
            of themselves that they were made on another grid, but not before another front end's stand next to them
            in one table.
    """
    earlier = results.metrics_there(experiment)
    if not earlier or results.overwrite or results.recompute:
        return
    if earlier.get("vowels") != json.loads(_text(results.vowels.as_numbers())):
        named = (earlier.get("vowels") or {}).get("table", "the paper's vowels")
        raise ReplacementError(
            f"{results.path(experiment, _FILE)}: made with other vowels or another grid of them ({named}); choose "
            "another --output_dir, or give --overwrite to replace it"
        )


def about(front_end: NamedFrontEnd) -> Metrics:
    """What a reader of numbers must know of the front end that they are of."""
    frames = front_end.frames
    return {
        "kind": front_end.kind,
        "source": front_end.source,
        "revision": front_end.revision,
        "assumed": front_end.assumed,
        "precision": front_end.precision,
        "frames": {"sample_rate": frames.sample_rate, "receptive_field": frames.receptive_field, "hop": frames.hop},
    }


def _text(metrics: Mapping[str, Any] | None) -> str:
    return json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)


def _without(entries: object, ours: Mapping[str, Any]) -> Metrics:
    return {name: each for name, each in entries.items() if name not in ours} if isinstance(entries, dict) else {}


def _rows_of_others(earlier: object, rows: list[Any], measured: Mapping[str, Any]) -> list[Metrics]:
    """Rows about several front ends, such as pairs, of which none was measured again."""
    again = [set(row["encoders"]) for row in rows if isinstance(row, dict) and "encoders" in row]
    return [
        row
        for row in (earlier if isinstance(earlier, list) else [])
        if isinstance(row, dict)
        and isinstance(row.get("encoders"), list)
        and all(isinstance(name, str) and name not in measured for name in row["encoders"])
        and set(row["encoders"]) not in again
    ]


def _table(
    measured: Mapping[NamedFrontEnd, Metrics], summary: Callable[[Metrics], Mapping[str, float]]
) -> list[Metrics]:
    return [{"encoder": each.name, "step": each.step, **summary(measured[each])} for each in by_step(measured)]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | jax.Array):
        return np.asarray(value).tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in {_FILE}")

"""Every experiment in one run, and a table of what came out.

Writes what the experiments write, and `reproduce/metrics.json`: the table, and for the paper's own models the
published numbers next to ours.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from absl import flags as absl_flags

from .. import amplitude, diphthongs, f0, formants, temporal
from ..harness import flags, metrics, vowel_flags
from ..harness.front_ends import NamedFrontEnd
from ..harness.metrics import Metrics
from ..harness.results import Results
from . import published
from .published import Comparison

NAME = "reproduce"

absl_flags.declare_key_flag(formants.FINE.name)  # this program's, too

EXPERIMENTS = (temporal, f0, formants, amplitude, diphthongs)


def run(front_ends: Sequence[NamedFrontEnd], results: Results, *, fine: bool = False) -> Metrics:
    """Runs every experiment for every front end and returns the table. `fine` is as for `formants.run`."""
    metrics.check_vowels(results, NAME)
    found = {}
    for experiment in EXPERIMENTS:
        print(f"\n== {experiment.NAME}: {(experiment.__doc__ or '').splitlines()[0]}")
        further = {"fine": fine} if experiment is formants else {}
        found[experiment.NAME] = experiment.run(front_ends, results, **further)

    table = tabulate(found, [each.name for each in front_ends])
    comparisons = published.compare(found["temporal"], found["f0"], found["formants"])
    summary = metrics.save(
        results,
        NAME,
        {each: {"table": table[each.name]} for each in front_ends},
        summary=lambda measured: measured["table"],
        vowels=True,
        conclusion="\n".join(each["conclusion"] for each in found.values()),
        notes=list(dict.fromkeys(note for each in found.values() for note in each["notes"])),
        between_encoders=found["formants"]["between_encoders"],
        published=[dataclasses.asdict(comparison) for comparison in comparisons],
    )
    if results.share.is_first:
        print("\n".join(report_lines(results, table, summary, comparisons)))
    return summary


def tabulate(metrics: Mapping[str, Metrics], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each encoder the summaries of all experiments: quantity to value."""
    table: dict[str, dict[str, float]] = {name: {} for name in names}
    for experiment in EXPERIMENTS:
        for name in names:
            table[name] |= experiment.summary(metrics[experiment.NAME]["encoders"][name])
    return table


def table_lines(table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The table as text: quantities in rows, encoders in columns."""
    names = list(table)
    quantities = list(dict.fromkeys(quantity for column in table.values() for quantity in column))
    width = max(map(len, quantities))
    columns = [max(len(name), 9) for name in names]
    header = " " * width + "".join(f"  {name:>{column}}" for name, column in zip(names, columns, strict=True))
    lines = [header]
    for quantity in quantities:
        cells = (f"{table[name][quantity]:.4g}" if quantity in table[name] else "-" for name in names)
        lines.append(f"{quantity:<{width}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, columns, strict=True)))
    return lines


def comparison_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """The published numbers next to ours, as text, and a line that counts those that agree."""
    width = max(len(f"{each.encoders}: {each.quantity}") for each in comparisons)
    verdicts = {True: "agrees", False: "DIFFERS", None: "not comparable (--quick thins the grid)"}
    lines = [f"{'':<{width}}  {'paper':>10}  {'ours':>10}"]
    for each in comparisons:
        label = f"{each.encoders}: {each.quantity}"
        lines.append(f"{label:<{width}}  {each.published:>10}  {each.ours:>10.7f}  {verdicts[each.agrees]}")
    compared = [each for each in comparisons if each.agrees is not None]
    agreeing = sum(bool(each.agrees) for each in compared)
    return [*lines, f"{agreeing} of {len(compared)} agree to the printed digits."]


def report_lines(
    results: Results,
    table: Mapping[str, Mapping[str, float]],
    summary: Metrics,
    comparisons: Sequence[Comparison],
) -> list[str]:
    """The tables as text, and what must be known to read them."""
    lines = ["", "== Results" + (" (--quick: thinned grids)" if results.quick else ""), *table_lines(table)]
    for pair in (summary["between_encoders"] or {}).get("linear_cka", []):
        lines.append(f"linear CKA of {' and '.join(pair['encoders'])}: {pair['linear_cka']:.7f}")
    if comparisons:
        lines += ["", "== The paper's numbers next to ours", *comparison_lines(comparisons)]
    lines += ["", "== How to read them", *(f"- {note}" for note in summary["notes"])]
    return [*lines, "", f"(The tables above are in {results.path(NAME, 'metrics.json')}.)"]


if __name__ == "__main__":
    flags.launch(
        lambda front_ends, results: run(front_ends, results, fine=formants.FINE.value),
        vowels=vowel_flags.chosen,
    )

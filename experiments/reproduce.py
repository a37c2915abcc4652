"""Run all experiments of the paper, and write the page of results.

Writes what the experiments write; `reproduce/metrics.json` and `metrics.csv`, with the tables of all; and the page,
`index.html`. For the paper's own models, the paper's numbers stand next to ours. If no control is among the encoders,
one is added: random weights in the first encoder's architecture, or log-mel if it has no such architecture.
"""

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from . import records, running
from .experiment import Experiment, Published
from .forecast import forecast
from .front_ends import controls
from .front_ends.named import DEFAULT, NamedFrontEnd
from .launch import flags
from .page import page
from .store import measurements
from .store.results import Results
from .store.rows import CONTROLS, Measurements, Row

NAME = "reproduce"
OPTIONS = ("process", "common", "vowels", "synthesis", "learned_scale", "formants")  # those of all that it runs


def run(
    experiments: Sequence[Experiment],
    front_ends: Sequence[NamedFrontEnd],
    results: Results,
    options: Mapping[str, Any] | None = None,
) -> list[Measurements]:
    """Runs experiments for front ends, and writes the tables of all; returns what each measured.

    Args:
        experiments: in the order of the page.
        front_ends: who is asked.
        results: where results are kept.
        options: the values of the experiments' own flags, by name.
    """
    measurements.check_vowels(results, NAME)
    several = []
    for experiment in experiments:
        if results.share.is_first:
            print(f"{experiment.name} ...", flush=True)
        several.append(running.run(experiment, front_ends, results, options))
    if results.share.is_first:
        measurements.save(results, together(experiments, several))
    return several


def together(experiments: Sequence[Experiment], several: Sequence[Measurements]) -> Measurements:
    """The rows of the tables of all experiments, each with the experiment that it is of."""
    first = several[0]
    return dataclasses.replace(
        first,
        experiment=NAME,
        rows=tuple(row for each, measured in zip(experiments, several, strict=True) for row in table(each, measured)),
        encoders={name: about for measured in several for name, about in measured.encoders.items()},
        settings={name: value for measured in several for name, value in measured.settings.items()},
        notes=tuple(dict.fromkeys(note for measured in several for note in measured.notes)),
        headline="\n".join(measured.headline for measured in several),
    )


def table(experiment: Experiment, measured: Measurements) -> list[Row]:
    """The rows of an experiment's table, with its name as their first parameter."""
    return [
        dataclasses.replace(row, parameters=(("experiment", experiment.name), *row.parameters))
        for row in experiment.tabled(measured)
    ]


def controls_to_add(chosen: Sequence[NamedFrontEnd]) -> list[NamedFrontEnd]:
    """A control where there is none among the front ends: without one, nothing can be said of training."""
    if any(each.kind in CONTROLS for each in chosen):
        return []
    first = next((each for each in chosen if each.config is not None), chosen[0])
    several = controls.controls_of([first])[first]
    added = [*several.untrained[:1]] or [several.spectrograms["log-mel"]]
    print(f"Added {added[0].name} as a control: {added[0].source}.")
    return added


def comparison_lines(several: Sequence[Published]) -> list[str]:
    """Every published number next to ours, and how many agree, as text."""
    verdicts = {True: "agrees", False: "DIFFERS", None: "(thinned grid)"}
    rows = [("", "paper", "ours", "")]
    rows += [
        (f"{each.encoders}: {each.quantity}", each.published, f"{each.ours:.7f}", verdicts[each.agrees])
        for each in several
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"    {what:{widths[0]}}  {paper:>{widths[1]}}  {ours:>{widths[2]}}  {verdict}".rstrip()
        for what, paper, ours, verdict in rows
    ]
    compared = [each for each in several if each.agrees is not None]
    agreeing = sum(bool(each.agrees) for each in compared)
    lines.append(f"{agreeing} of {len(compared)} of the paper's numbers agree to the printed digits.")
    if thinned := len(several) - len(compared):
        lines.append(f"{thinned} cannot be compared: --quick has fewer sounds.")
    return lines


def said(experiments: Sequence[Experiment], several: Sequence[Measurements], results: Results) -> list[str]:
    """What came out, and where it is; writes the page."""
    lines = ["", "What came out (of few sounds):" if results.quick else "What came out:"]
    for each in several:
        lines += textwrap.wrap(each.headline, 110, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
    lines += ["", *page.written(results.folder)]
    compared = [
        number
        for experiment, each in zip(experiments, several, strict=True)
        if experiment.published is not None
        for number in experiment.published(each)
    ]
    if compared:
        lines += ["", "The paper's numbers, and ours:", *comparison_lines(compared)]
    return lines


def main() -> None:
    """The program."""
    experiments = records.in_paper()
    front_ends, results = flags.prepare(default=DEFAULT, asks_vowels=True, adds=controls_to_add)
    options = {name: value for each in experiments for name, value in flags.values(each).items()}
    if results.share.is_first and (told := forecast(experiments, front_ends, results, options)):
        print(told, flush=True)
    several = run(experiments, front_ends, results, options)
    if results.share.is_first:
        print("\n".join(flags.ending(front_ends, results, said(experiments, several, results))))


if __name__ == "__main__":
    errors = tuple(error for experiment in records.in_paper() for error in experiment.errors)
    flags.as_program(main, OPTIONS, errors=errors)

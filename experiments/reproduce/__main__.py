"""Every experiment in one run, a table of what came out, and the page of it all.

Writes what the experiments write; `reproduce/metrics.json`: the table, and for the paper's own models the published
numbers next to ours; and `index.html`, the page. Where no control is among the encoders, one is added: random weights
of the first encoder's architecture, or a log-Mel spectrogram where there is no architecture to speak of.
"""

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence

from absl import flags as absl_flags

from .. import amplitude, diphthongs, f0, formants, temporal
from ..front_ends import controls
from ..front_ends.named import NamedFrontEnd
from ..launch import flags
from ..page import findings, page
from ..page import finished as finished_results
from ..store import metrics
from ..store.metrics import Metrics
from ..store.results import Results
from ..vowels import flags as vowel_flags
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
        if results.share.is_first:
            print(f"{experiment.NAME} ...", flush=True)
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
    return summary


def tabulate(metrics: Mapping[str, Metrics], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each encoder the summaries of all experiments: quantity to value."""
    table: dict[str, dict[str, float]] = {name: {} for name in names}
    for experiment in EXPERIMENTS:
        for name in names:
            table[name] |= experiment.summary(metrics[experiment.NAME]["encoders"][name])
    return table


def controls_to_add(chosen: Sequence[NamedFrontEnd]) -> list[NamedFrontEnd]:
    """A control where there is none among the front ends: without one, nothing can be said of training."""
    if any(each.kind in finished_results.CONTROLS for each in chosen):
        return []
    first = next((each for each in chosen if each.config is not None), chosen[0])
    found = controls.controls_of([first])[first]
    added = [*found.untrained[:1]] or [found.spectrograms["log-mel"]]
    print(f"Added {added[0].name} as a control: {added[0].source}.")
    return added


def comparison_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """Every published number beside ours, and with how many ours agree, as text."""
    verdicts = {True: "agrees", False: "DIFFERS", None: "(thinned grid)"}
    rows = [("", "paper", "ours", "")]
    rows += [
        (f"{each.encoders}: {each.quantity}", each.published, f"{each.ours:.7f}", verdicts[each.agrees])
        for each in comparisons
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"    {what:{widths[0]}}  {paper:>{widths[1]}}  {ours:>{widths[2]}}  {verdict}".rstrip()
        for what, paper, ours, verdict in rows
    ]
    compared = [each for each in comparisons if each.agrees is not None]
    agreeing = sum(bool(each.agrees) for each in compared)
    lines.append(f"{agreeing} of {len(compared)} of the paper's numbers agree to the printed digits.")
    if thinned := len(comparisons) - len(compared):
        lines.append(f"{thinned} cannot be compared: --quick thins their grid.")
    return lines


def says(results: Results, summary: Metrics) -> list[str]:
    """What came out, and where it is; writes the page."""
    folder = results.folder
    try:
        found = findings.findings(finished_results.read(folder))
        path, lacks = page.write(folder)
        where = [*(f"NOTE: {line}" for line in lacks), f"The page, with figures, tables, maps and sounds: {path}"]
    except finished_results.ReportError as error:
        found, where = [], [f"There is no page: {error}"]
    lines = ["", "What came out (--quick: thinned grids):" if results.quick else "What came out:"]
    for each in found:
        lines += textwrap.wrap(each.text, 110, initial_indent="- ", subsequent_indent="  ")
    lines += ["", *where]
    if summary["published"]:
        lines += ["", "The paper's numbers, and ours:"]
        lines += comparison_lines([Comparison(**each) for each in summary["published"]])
    return lines


if __name__ == "__main__":
    flags.launch(
        lambda front_ends, results: run(front_ends, results, fine=formants.FINE.value),
        vowels=vowel_flags.chosen,
        says=says,
        adds=controls_to_add,
    )

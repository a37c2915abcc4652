"""The table of `experiments.claims`: scores in rows, encoders next to their controls, and who is ahead."""

import csv
import io
from collections.abc import Iterator, Mapping

from w2v_jax import scores
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score, UndefinedScoreError

from ..harness import cells
from ..harness.cells import Cell
from ..harness.controls import Controls
from ..harness.front_ends import NamedFrontEnd
from ..harness.metrics import Metrics

Column = Mapping[str, Mapping[str, Cell]]  # of one layer: by claim, then by name of the score
Columns = Mapping[NamedFrontEnd, Mapping[str, Column]]  # by front end, then by layer
Verdicts = Mapping[str, Mapping[str, Mapping[str, str]]]  # of one front end: by claim, score and control

UNTRAINED = "untrained"  # the control that stands for all seeds
SMALLEST = 0.005  # difference that counts: a smaller one is not in the table's digits, and may be rounding
MARKS = {"ahead": "▲", "level": "=", "behind": "▼", "undefined": "?"}


def compare(columns: Columns, front_end: NamedFrontEnd, controls: Controls) -> Verdicts:
    """Whether the front end's final frames beat those of its controls.

    Returns:
        By claim, score and control: "ahead", "behind", "level" (within the interval, or less than `SMALLEST`) or
        "undefined". The control "untrained" stands for all seeds, if there are any: ahead and behind are then to hold
        for each.
    """
    against: dict[str, dict[str, dict[str, str]]] = {}
    for claim, name in rows(columns):
        ours = columns[front_end][FRAMES][claim][name]
        verdicts = {each.name: _verdict(ours, columns[each][FRAMES][claim][name]) for each in controls.all}
        seeds = {verdicts[each.name] for each in controls.untrained}
        against.setdefault(claim, {})[name] = {**({UNTRAINED: _agreed(seeds)} if seeds else {}), **verdicts}
    return against


def _agreed(verdicts: set[str]) -> str:
    if "undefined" in verdicts:
        return "undefined"
    return verdicts.pop() if len(verdicts) == 1 else "level"


def _verdict(ours: Cell, theirs: Cell) -> str:
    if isinstance(ours, str) or isinstance(theirs, str):
        return "undefined"
    try:
        found = scores.difference(ours, theirs)
    except UndefinedScoreError:
        return "undefined"
    if abs(found.value) < SMALLEST:
        return "level"
    return "ahead" if found.low > 0 else "behind" if found.high < 0 else "level"


def rows(columns: Columns) -> Iterator[tuple[str, str]]:
    """Claim and name of every score."""
    first = next(iter(columns.values()))[FRAMES]
    return ((claim, name) for claim, names in first.items() for name in names)


def plain(by_layer: Mapping[str, Column]) -> Metrics:
    """The scores of an encoder as JSON has them."""
    return {
        layer: {claim: {name: cells.number(cell) for name, cell in names.items()} for claim, names in column.items()}
        for layer, column in by_layer.items()
    }


def csv_text(columns: Columns, against: Mapping[NamedFrontEnd, Verdicts]) -> str:
    """The whole table: a row per score; per encoder and layer its value, low and high; then the verdicts."""
    several = [(encoder, layer) for encoder, by_layer in columns.items() for layer in by_layer]
    header = ["claim", "score"]
    for encoder, layer in several:
        header += [f"{encoder.name} {layer}{end}" for end in ("", " low", " high")]
    table = []
    for claim, name in rows(columns):
        row = [claim, name]
        for encoder, layer in several:
            cell = columns[encoder][layer][claim][name]
            row += [""] * 3 if isinstance(cell, str) else [f"{x:.6g}" for x in (cell.value, cell.low, cell.high)]
        row += [verdict for verdicts in against.values() for verdict in verdicts[claim][name].values()]
        table.append(row)
    claim, name = table[0][:2]
    for encoder, verdicts in against.items():
        header += [f"{encoder.name} against {control}" for control in verdicts[claim][name]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *table])
    return text.getvalue()


def markdown(columns: Columns, front_end: NamedFrontEnd, controls: Controls, verdicts: Verdicts) -> list[str]:
    """Lines: the final frames of a front end next to its controls, and how often it is ahead."""
    table = [["claim", "score", front_end.name]]
    if controls.untrained:
        table[0].append(f"random weights, {len(controls.untrained)} seeds")
    table[0] += [control.name for control in controls.spectrograms.values()]
    for claim, name in rows(columns):
        row = [claim, name, _shown(columns[front_end][FRAMES][claim][name])]
        if controls.untrained:
            seeds = [columns[control][FRAMES][claim][name] for control in controls.untrained]
            values = [cell.value for cell in seeds if isinstance(cell, Score)]
            spread = f"{min(values):.2f} … {max(values):.2f}" if values else ""
            row.append(_marked(verdicts[claim][name][UNTRAINED], spread))
        for control in controls.spectrograms.values():
            row.append(_marked(verdicts[claim][name][control.name], _shown(columns[control][FRAMES][claim][name])))
        table.append(row)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    lines = [f"## {front_end.name}, final frames", ""]
    lines += [
        "| " + " | ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) + " |" for row in table
    ]
    lines += ["", f"In how many scores is {front_end.name} ahead of (▲), level with (=) or behind (▼) a control?", ""]
    lines += [f"- {claim}: {_tally(names, controls)}" for claim, names in verdicts.items()]
    lines += [
        "",
        f"Its frame rate is {front_end.frames.rate:g} Hz ({front_end.frames.sample_rate:,} samples a second).",
    ]
    if not controls.untrained:
        lines += [f"`{front_end.name}` is no encoder of ours: there is none of its architecture with random weights."]
    if front_end.kind == "random":
        lines += [
            f"`{front_end.name}` is itself UNTRAINED (random weights): no claim about a trained model follows",
            "from this table. It shows what the architecture scores before it has learned anything.",
        ]
    return lines


def conclude(front_end: NamedFrontEnd, controls: Controls, verdicts: Verdicts) -> str:
    """What came out, in a sentence."""
    names = [name for scores_of_claim in verdicts.values() for name in scores_of_claim.values()]
    parts = []
    for control in _compared(controls):
        found = [name[control] for name in names]
        parts.append(f"{found.count('ahead')} ahead of and {found.count('behind')} behind {control}")
    return f"Of {len(names)} scores (higher is what the paper claims), {front_end.name} is in {', in '.join(parts)}."


def _shown(cell: Cell) -> str:
    return "undefined" if isinstance(cell, str) else f"{cell:.2f}"


def _marked(verdict: str, text: str) -> str:
    return f"{MARKS[verdict]} {text}".rstrip()


def _tally(names: Mapping[str, Mapping[str, str]], controls: Controls) -> str:
    tallies = []
    for control in _compared(controls):
        found = [verdicts[control] for verdicts in names.values()]
        counts = " ".join(f"{MARKS[each]}{found.count(each)}" for each in ("ahead", "level", "behind"))
        tallies.append(f"{control} {counts}")
    return "; ".join(tallies)


def _compared(controls: Controls) -> list[str]:
    """Names of the controls in the verdicts, all seeds as one."""
    return [*([UNTRAINED] if controls.untrained else []), *(each.name for each in controls.spectrograms.values())]

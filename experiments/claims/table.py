"""The table of `experiments.claims`: scores in rows, encoders next to their controls, and who is ahead."""

import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from w2v_jax import scores
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.populations import interval

from ..harness import cells
from ..harness.cells import Cell
from ..harness.controls import Controls
from ..harness.front_ends import NamedFrontEnd
from ..harness.metrics import Metrics
from ..harness.populations import Population
from .questions import CLAIMS, Question

Column = Mapping[str, Mapping[str, Cell]]  # of one layer: by claim, then by name of the score
Columns = Mapping[NamedFrontEnd, Mapping[str, Column]]  # by front end, then by layer
Verdicts = Mapping[str, Mapping[str, Mapping[str, "Verdict"]]]  # of one population: by claim, score and control

UNTRAINED = "untrained"  # the control that stands for all seeds
SMALLEST = 0.005  # difference that counts: a smaller one is not in the table's digits, and may be rounding
FALSE_DISCOVERIES = 0.05  # the share of marks that may be by chance, of all of a column
CEILING = 0.995  # a score that all reach tells none of them apart
MARKS = {"ahead": "▲", "level": "=", "behind": "▼", "undefined": "?", "ceiling": "–"}
DEPENDS = "depends on the metric"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a population does against a control in one score.

    Attributes:
        word: "ahead", "behind", "level", "undefined", or "ceiling" where everyone is above `CEILING`.
        difference: of the means; None where undefined.
        p: two-sided, of this comparison alone.
        q: the same, adjusted over all scores (Benjamini and Hochberg).
        apart: whether all members lie outside all of the control's.
    """

    word: str
    difference: float | None = None
    p: float | None = None
    q: float | None = None
    apart: bool | None = None


def compare(columns: Columns, population: Population, controls: Controls) -> Verdicts:
    """Whether the final frames of a population beat those of its controls.

    Against the untrained encoders both are populations: of trainings, and of seeds (`scores.compare`). A spectrogram
    has no population. Over all scores against one control, at most `FALSE_DISCOVERIES` of the marks are expected to be
    false, and a difference below `SMALLEST` is none.
    """
    rivals: dict[str, tuple[NamedFrontEnd, ...]] = {UNTRAINED: controls.untrained} if controls.untrained else {}
    rivals |= {each.name: (each,) for each in controls.spectrograms.values()}
    against: dict[str, dict[str, dict[str, Verdict]]] = {}
    everyone = (*population.members, *controls.all)
    for rival, members in rivals.items():
        found = _compared(columns, population.members, members, everyone, fixed=rival != UNTRAINED)
        for (claim, name), verdict in found.items():
            against.setdefault(claim, {}).setdefault(name, {})[rival] = verdict
    return against


def _compared(
    columns: Columns,
    ours: Sequence[NamedFrontEnd],
    theirs: Sequence[NamedFrontEnd],
    everyone: Sequence[NamedFrontEnd],
    *,
    fixed: bool,
) -> dict[tuple[str, str], Verdict]:
    asked = {}
    for claim, name in rows(columns):
        cells_of = [[columns[each][FRAMES][claim][name] for each in several] for several in (ours, theirs, everyone)]
        values = [cell.value for cell in cells_of[2] if isinstance(cell, Score)]
        if len(values) == len(everyone) and min(values) > CEILING:
            asked[claim, name] = Verdict("ceiling")
            continue
        first, second = ([cell for cell in several if isinstance(cell, Score)] for several in cells_of[:2])
        try:
            if len(first) < len(ours) or len(second) < len(theirs):
                raise UndefinedScoreError
            found = scores.compare(first, second, second_is="fixed" if fixed else "drawn")
        except UndefinedScoreError:
            asked[claim, name] = Verdict("undefined")
            continue
        asked[claim, name] = Verdict("level", found.difference, found.p, None, scores.apart(first, second))
    known = {key: each for key, each in asked.items() if each.p is not None and each.difference is not None}
    adjusted = scores.benjamini_hochberg([each.p for each in known.values() if each.p is not None])
    for (key, each), q in zip(known.items(), adjusted, strict=True):
        assert each.difference is not None
        marked = q <= FALSE_DISCOVERIES and abs(each.difference) >= SMALLEST
        word = "level" if not marked else "ahead" if each.difference > 0 else "behind"
        asked[key] = dataclasses.replace(each, word=word, q=float(q))
    return asked


@dataclasses.dataclass(frozen=True)
class NullTable:
    """The same comparisons among encoders with random weights, where there is nothing to find.

    Attributes:
        marked: how many were marked, one seed against all the others.
        compared: of how many.
    """

    marked: int
    compared: int

    def __str__(self) -> str:
        share = self.marked / self.compared if self.compared else 0.0
        return f"Of {self.compared} comparisons among encoders with random weights {share:.1%} are marked."


def null_table(columns: Columns, untrained: Sequence[NamedFrontEnd]) -> NullTable | None:
    """Holds every seed against the others as if it were a trained encoder; None of fewer than three seeds."""
    if len(untrained) < 3:
        return None
    marked = compared = 0
    for each in untrained:
        others = [other for other in untrained if other is not each]
        found = _compared(columns, [each], others, untrained, fixed=False).values()
        marked += sum(verdict.word in ("ahead", "behind") for verdict in found)
        compared += sum(verdict.p is not None for verdict in found)
    return NullTable(marked, compared)


def agreements(verdicts: Verdicts, control: str) -> dict[str, str]:
    """By family of scores in several metrics: "ahead" or another verdict where all agree, else `DEPENDS`."""
    words: dict[str, set[str]] = {}
    for claim, names in verdicts.items():
        for name, by_control in names.items():
            question = _question(claim, name)
            if question is not None and question.family and by_control[control].word != "undefined":
                words.setdefault(question.family, set()).add(by_control[control].word)
    return {family: found.pop() if len(found) == 1 else DEPENDS for family, found in words.items()}


def _question(claim: str, name: str) -> Question | None:
    return CLAIMS.get(claim, {}).get(name)


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


def plain_verdicts(verdicts: Verdicts) -> Metrics:
    """Verdicts as JSON has them."""
    return {
        claim: {
            name: {control: dataclasses.asdict(verdict) for control, verdict in by_control.items()}
            for name, by_control in names.items()
        }
        for claim, names in verdicts.items()
    }


def csv_text(columns: Columns, against: Mapping[str, Verdicts]) -> str:
    """The whole table: a row per score; per encoder and layer its value, low and high; then verdicts and their q."""
    several = [(encoder, layer) for encoder, by_layer in columns.items() for layer in by_layer]
    header = ["claim", "score", "primary", "over", "units", "chance"]
    for encoder, layer in several:
        header += [f"{encoder.name} {layer}{end}" for end in ("", " low", " high")]
    table = []
    for claim, name in rows(columns):
        question = _question(claim, name)
        about = [question.primary, question.over, question.chance] if question else [False, "", ""]
        row: list[object] = [claim, name, "yes" if about[0] else "", about[1], _units(columns, claim, name), about[2]]
        for encoder, layer in several:
            cell = columns[encoder][layer][claim][name]
            row += [""] * 3 if isinstance(cell, str) else [f"{x:.6g}" for x in (cell.value, cell.low, cell.high)]
        for verdicts in against.values():
            for verdict in verdicts.get(claim, {}).get(name, {}).values():
                row += [verdict.word, "" if verdict.q is None else f"{verdict.q:.3g}"]
        table.append(row)
    claim, name = (str(each) for each in table[0][:2])
    for population, verdicts in against.items():
        for control in verdicts.get(claim, {}).get(name, {}):
            header += [f"{population} against {control}", f"{population} against {control} q"]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *table])
    return text.getvalue()


def _units(columns: Columns, claim: str, name: str) -> str:
    found = {cell.units for by_layer in columns.values() if isinstance(cell := by_layer[FRAMES][claim][name], Score)}
    return " or ".join(map(str, sorted(found)))


def markdown(
    columns: Columns, population: Population, controls: Controls, verdicts: Verdicts, null: NullTable | None
) -> list[str]:
    """Lines: the final frames of a population next to its controls: the main scores, all of them, and tallies."""
    primary = [(claim, name) for claim, name in rows(columns) if (q := _question(claim, name)) and q.primary]
    others = [row for row in rows(columns) if row not in primary]
    who = f"{population.name} ({len(population.members)} trainings)" if population.is_group else population.name
    lines = [f"## {who}, final frames", "", "The main questions, named beforehand:", ""]
    lines += _table(columns, population, controls, verdicts, primary)
    for control in _compared_with(controls):
        lines += ["", f"Against {control}, with all metrics together:", ""]
        lines += [f"- {family}: {word}" for family, word in agreements(verdicts, control).items()]
    lines += ["", "All others:", "", *_table(columns, population, controls, verdicts, others)]
    lines += ["", f"In how many scores is {population.name} ahead of (▲), level with (=) or behind (▼) a control?"]
    lines += ["(Scores that everyone has above 0.995 are left out: –.)", ""]
    lines += [f"- {claim}: {_tally(names, controls)}" for claim, names in verdicts.items()]
    if controls.untrained and population.is_group:
        found = [each[UNTRAINED] for names in verdicts.values() for each in names.values()]
        above, below = (
            sum(bool(each.apart) and each.difference is not None and sign * each.difference > 0 for each in found)
            for sign in (1, -1)
        )
        lines += [
            "",
            f"All {len(population.members)} trainings lie above all {len(controls.untrained)} encoders with random "
            f"weights in {above} of {len(found)} scores, and below all in {below}.",
        ]
    if null is not None:
        lines += ["", str(null)]
    frames = population.members[0].frames
    lines += ["", f"The frame rate is {frames.rate:g} Hz ({frames.sample_rate:,} samples a second)."]
    if not controls.untrained:
        lines += [f"`{population.name}` is no encoder of ours: there is none of its architecture with random weights."]
    if population.members[0].kind == "random":
        lines += [
            f"`{population.name}` is itself UNTRAINED (random weights): no claim about a trained model follows",
            "from this table. It shows what the architecture scores before it has learned anything.",
        ]
    return lines


def _table(
    columns: Columns,
    population: Population,
    controls: Controls,
    verdicts: Verdicts,
    shown: Sequence[tuple[str, str]],
) -> list[str]:
    table = [["claim", "score", "over (units)", "chance", population.name]]
    if controls.untrained:
        table[0].append(f"random weights, {len(controls.untrained)} seeds")
    table[0] += [control.name for control in controls.spectrograms.values()]
    for claim, name in shown:
        question = _question(claim, name)
        units = _units(columns, claim, name)
        over = f"{question.over} ({units})" if question else units
        row = [claim, name, over, question.chance if question else "", _ours(columns, population, claim, name)]
        if controls.untrained:
            seeds = [columns[control][FRAMES][claim][name] for control in controls.untrained]
            values = [cell.value for cell in seeds if isinstance(cell, Score)]
            spread = f"{np.mean(values):.2f} ({min(values):.2f} … {max(values):.2f})" if values else ""
            row.append(_marked(verdicts[claim][name][UNTRAINED], spread))
        for control in controls.spectrograms.values():
            row.append(_marked(verdicts[claim][name][control.name], _shown(columns[control][FRAMES][claim][name])))
        table.append(row)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    return [
        "| " + " | ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) + " |" for row in table
    ]


def _ours(columns: Columns, population: Population, claim: str, name: str) -> str:
    """A score with its interval over sounds; of several trainings their mean, each of them, and Student's interval."""
    found = [columns[each][FRAMES][claim][name] for each in population.members]
    if len(found) == 1:
        return _shown(found[0])
    known = [cell for cell in found if isinstance(cell, Score)]
    if len(known) < len(found):
        return "undefined"
    low, high = interval(known)
    each = ", ".join(f"{cell.value:.2f}" for cell in known)
    return f"{np.mean([cell.value for cell in known]):.2f} ({each}) [{low:.2f}, {min(high, 1.0):.2f}]"


def conclude(population: Population, controls: Controls, verdicts: Verdicts) -> str:
    """What came out, in a sentence: of the main questions first, then of all."""
    parts = []
    for primary in (True, False):
        names = [
            by_control
            for claim, found in verdicts.items()
            for name, by_control in found.items()
            if not primary or ((question := _question(claim, name)) and question.primary)
        ]
        told = []
        for control in _compared_with(controls):
            found_words = [each[control].word for each in names]
            told.append(f"{found_words.count('ahead')} ahead of and {found_words.count('behind')} behind {control}")
        what = "main scores, named beforehand," if primary else "scores"
        parts.append(f"of {len(names)} {what} {population.name} is in {', in '.join(told)}")
    return f"{parts[0][0].upper()}{parts[0][1:]}; {parts[1]} (higher is what the paper claims)."


def _shown(cell: Cell) -> str:
    return "undefined" if isinstance(cell, str) else f"{cell:.2f}"


def _marked(verdict: Verdict, text: str) -> str:
    return f"{MARKS[verdict.word]} {text}".rstrip()


def _tally(names: Mapping[str, Mapping[str, Verdict]], controls: Controls) -> str:
    tallies = []
    for control in _compared_with(controls):
        found = [verdicts[control].word for verdicts in names.values()]
        counts = " ".join(f"{MARKS[each]}{found.count(each)}" for each in ("ahead", "level", "behind", "ceiling"))
        tallies.append(f"{control} {counts}")
    return "; ".join(tallies)


def _compared_with(controls: Controls) -> list[str]:
    """Names of the controls in the verdicts, all seeds as one."""
    return [*([UNTRAINED] if controls.untrained else []), *(each.name for each in controls.spectrograms.values())]

"""The table of `experiments.claims`: scores in rows, encoders next to their controls, and who is ahead."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from w2v_jax import scores
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.populations import interval
from w2v_jax.scores.reading import Unit

from ..front_ends.controls import Controls
from ..front_ends.named import NamedFrontEnd
from ..front_ends.populations import Population
from ..store import cells, spreadsheet
from ..store.cells import Cell
from ..store.metrics import Metrics
from ..vowels.synthesis import SYNTHESES
from .questions import CLAIMS, DIGITS, WITH, Question, with_synthesis

Column = Mapping[str, Mapping[str, Cell]]  # of one layer: by claim, then by name of the score
Columns = Mapping[NamedFrontEnd, Mapping[str, Column]]  # by front end, then by layer
Chances = Mapping[tuple[str, str], str]  # by claim and name of a score, see `questions.chances`
Verdicts = Mapping[str, Mapping[str, Mapping[str, "Verdict"]]]  # of one population: by claim, score and control

_Key = TypeVar("_Key", bound=tuple[str, ...])  # claim and name, and what they are held against

UNTRAINED = "untrained"  # the control that stands for all seeds
# Difference that counts, by unit: a smaller one is not in the table's digits, and may be rounding.
SMALLEST = {None: 0.005, "cents": 1.0, "dB": 0.05}
FALSE_DISCOVERIES = 0.05  # the share of marks that may be by chance, of all of a column
CEILING = 0.995  # a score that both sides reach tells neither from the other
MOST_SPLITS = 150  # of the random encoders, for the null table
MARKS = {"ahead": "▲", "level": "=", "behind": "▼", "undefined": "?", "ceiling": "–"}
DEPENDS = "depends on the metric"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a population does against a control in one score.

    Attributes:
        word: "ahead", "behind", "level", "undefined", or "ceiling" where both sides are above `CEILING`.
        difference: of the means; None where undefined.
        p: two-sided, of this comparison alone.
        q: the same, adjusted over all scores (Benjamini and Hochberg).
        apart: whether all members lie outside all of the control's, by more than nothing.
    """

    word: str
    difference: float | None = None
    p: float | None = None
    q: float | None = None
    apart: bool | None = None


def compare(columns: Columns, population: Population, controls: Controls) -> Verdicts:
    """Whether the final frames of a population beat those of its controls.

    Against the untrained encoders both are populations: of trainings, and of seeds (`scores.compare`). A spectrogram
    has no population. Of all marks of the table at most `FALSE_DISCOVERIES` are expected to be false, and a difference
    below `SMALLEST` is none. Of errors, in cents and dB, lower is ahead.
    """
    rivals: dict[str, tuple[NamedFrontEnd, ...]] = {UNTRAINED: controls.untrained} if controls.untrained else {}
    rivals |= {each.name: (each,) for each in controls.spectrograms.values()}
    found = {
        (claim, name, rival): verdict
        for rival, members in rivals.items()
        for (claim, name), verdict in _compared(columns, population.members, members, fixed=rival != UNTRAINED).items()
    }
    against: dict[str, dict[str, dict[str, Verdict]]] = {}
    for (claim, name, rival), verdict in _marked_among(found).items():
        against.setdefault(claim, {}).setdefault(name, {})[rival] = verdict
    return against


def _compared(
    columns: Columns, ours: Sequence[NamedFrontEnd], theirs: Sequence[NamedFrontEnd], *, fixed: bool
) -> dict[tuple[str, str], Verdict]:
    """By claim and score; "level" stands for all that are yet to be marked."""
    asked = {}
    for claim, name in rows(columns):
        cells_of = [[columns[each][FRAMES][claim][name] for each in several] for several in (ours, theirs)]
        first, second = ([cell for cell in several if isinstance(cell, Score)] for several in cells_of)
        values = [cell.value for cell in (*first, *second)]
        unit = _unit(claim, name)
        if unit is None and len(values) == len(ours) + len(theirs) and min(values) > CEILING:
            asked[claim, name] = Verdict("ceiling")
            continue
        try:
            if len(first) < len(ours) or len(second) < len(theirs):
                raise UndefinedScoreError
            found = scores.compare(first, second, second_is="fixed" if fixed else "drawn")
        except UndefinedScoreError:
            asked[claim, name] = Verdict("undefined")
            continue
        is_apart = scores.apart(first, second) and abs(found.difference) >= SMALLEST[unit]
        asked[claim, name] = Verdict("level", found.difference, found.p, None, is_apart)
    return asked


def _marked_among(asked: Mapping[_Key, Verdict]) -> dict[_Key, Verdict]:
    """The same verdicts, those marked that are told apart where so many are asked."""
    decided = dict(asked)
    known = {key: each for key, each in asked.items() if each.p is not None and each.difference is not None}
    adjusted = scores.benjamini_hochberg([each.p for each in known.values() if each.p is not None])
    for (key, each), q in zip(known.items(), adjusted, strict=True):
        assert each.difference is not None
        claim, name = key[:2]
        marked = q <= FALSE_DISCOVERIES and abs(each.difference) >= SMALLEST[_unit(claim, name)]
        is_better = (each.difference > 0) == (_better(claim, name) == "higher")
        word = "level" if not marked else "ahead" if is_better else "behind"
        decided[key] = dataclasses.replace(each, word=word, q=float(q))
    return decided


@dataclasses.dataclass(frozen=True)
class NullTable:
    """The same comparisons among encoders with random weights, where there is nothing to find.

    Attributes:
        size: how many random encoders stand for the trained ones.
        others: how many they are held against.
        tables: in how many ways.
        tables_with_marks: in how many of these anything was marked.
        compared: comparisons, in all tables.
        marked: how many of them were marked.
        below_five: how many have p < 0.05 before they are corrected for their number.
    """

    size: int
    others: int
    tables: int
    tables_with_marks: int
    compared: int
    marked: int
    below_five: int

    def __str__(self) -> str:
        share, raw = (each / max(self.compared, 1) for each in (self.marked, self.below_five))
        return (
            f"Where there is nothing to find ({self.size} of the encoders with random weights against the other "
            f"{self.others}, in {self.tables} ways), {share:.2%} of {self.compared:,} comparisons are marked, in "
            f"{self.tables_with_marks} of {self.tables} tables; before correction p < 0.05 in {raw:.1%}."
        )


def null_table(columns: Columns, untrained: Sequence[NamedFrontEnd], *, size: int = 1) -> NullTable | None:
    """Holds every `size` seeds against the others as if they were trained; None where fewer than two are left."""
    if len(untrained) - size < 2:
        return None
    splits = list(itertools.combinations(untrained, size))
    splits = splits[:: -(-len(splits) // MOST_SPLITS)]
    marked, compared, below_five = [], 0, 0
    for chosen in splits:
        others = [each for each in untrained if each not in chosen]
        found = _marked_among(_compared(columns, chosen, others, fixed=False)).values()
        marked.append(sum(verdict.word in ("ahead", "behind") for verdict in found))
        compared += sum(verdict.p is not None for verdict in found)
        below_five += sum(verdict.p is not None and verdict.p < 0.05 for verdict in found)
    with_marks = sum(count > 0 for count in marked)
    return NullTable(size, len(untrained) - size, len(splits), with_marks, compared, sum(marked), below_five)


def agreements(verdicts: Verdicts, control: str) -> dict[str, str]:
    """By family of scores in several metrics, what all of them say together.

    "ahead", or another verdict, where all agree; "ahead in 3 of 5, level in 2" where the differences have one sign, but
    not all are marked; else `DEPENDS`.
    """
    families: dict[str, list[Verdict]] = {}
    for claim, names in verdicts.items():
        for name, by_control in names.items():
            question = _question(claim, name)
            if question is not None and question.family and by_control[control].difference is not None:
                synthesis = next((f", {told}" for told in WITH.values() if claim.endswith(told)), "")
                families.setdefault(f"{question.family}{synthesis}", []).append(by_control[control])
    return {family: _agreed(found) for family, found in families.items()}


def _agreed(found: Sequence[Verdict]) -> str:
    words = [each.word for each in found]
    if len(set(words)) == 1:
        return words[0]
    signs = {np.sign(each.difference) for each in found if each.difference is not None}
    if len(signs) > 1:
        return DEPENDS
    (word,) = {each for each in words if each != "level"}
    return f"{word} in {words.count(word)} of {len(words)} metrics, level in {words.count('level')}"


def _question(claim: str, name: str) -> Question | None:
    return CLAIMS.get(claim, {}).get(name)


def _unit(claim: str, name: str) -> Unit | None:
    question = _question(claim, name)
    return question.unit if question else None


def _better(claim: str, name: str) -> str:
    question = _question(claim, name)
    return question.better if question else "higher"


def of_both(verdicts: Verdicts, control: str) -> dict[str, str]:
    """By main score of vowels, what sines and voices say together: one word where both agree, else that of each."""
    found = {}
    for claim, asked in _OF_VOWELS.items():
        for name in asked:
            of_each = [verdicts.get(with_synthesis(claim, one), {}).get(name, {}).get(control) for one in SYNTHESES]
            if None not in of_each:
                words = [each.word for each in of_each if each]
                apart = ", ".join(f"{word} {WITH[one]}" for word, one in zip(words, SYNTHESES, strict=True))
                found[f"{claim}: {name}"] = f"{words[0]} with both" if len(set(words)) == 1 else apart
    return found


# The questions that lead with voices, by the claim without its synthesis.
_OF_VOWELS = {
    claim.removesuffix(f", {WITH['resonances']}"): [name for name, question in asked.items() if question.leads]
    for claim, asked in CLAIMS.items()
    if claim.endswith(f", {WITH['resonances']}")
}


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


def csv_text(columns: Columns, against: Mapping[str, Verdicts], *, chances: Chances) -> str:
    """The whole table: a row per score; per encoder and layer its value, low and high; then verdicts and their q."""
    several = [(encoder, layer) for encoder, by_layer in columns.items() for layer in by_layer]
    header = ["claim", "score", "primary", "over", "units", "chance", "better"]
    for encoder, layer in several:
        header += [f"{encoder.name} {layer}{end}" for end in ("", " low", " high")]
    table = []
    for claim, name in rows(columns):
        question = _question(claim, name)
        about = [question.primary, question.over, chances[claim, name]] if question else [False, "", ""]
        row: list[object] = [claim, name, "yes" if about[0] else "", about[1], _units(columns, claim, name), about[2]]
        row.append(_better(claim, name))
        for encoder, layer in several:
            cell = columns[encoder][layer][claim][name]
            row += [""] * 3 if isinstance(cell, str) else [f"{x:.6g}" for x in (cell.value, cell.low, cell.high)]
        for verdicts in against.values():
            for verdict in verdicts.get(claim, {}).get(name, {}).values():
                row += [verdict.word, "" if verdict.q is None else f"{verdict.q:.3g}"]
                row.append("" if verdict.apart is None else "yes" if verdict.apart else "no")
        table.append(row)
    claim, name = (str(each) for each in table[0][:2])
    for population, verdicts in against.items():
        for control in verdicts.get(claim, {}).get(name, {}):
            header += [f"{population} against {control}{end}" for end in ("", " q", " all outside")]
    return spreadsheet.csv_text(header, table)


def _units(columns: Columns, claim: str, name: str) -> str:
    found = {cell.units for by_layer in columns.values() if isinstance(cell := by_layer[FRAMES][claim][name], Score)}
    return " or ".join(map(str, sorted(found)))


def markdown(
    columns: Columns,
    population: Population,
    controls: Controls,
    verdicts: Verdicts,
    null: NullTable | None,
    *,
    chances: Chances,
) -> list[str]:
    """Lines: the final frames of a population next to its controls: the main scores, all of them, and tallies."""
    leading = [(claim, name) for claim, name in rows(columns) if (q := _question(claim, name)) and q.leads]
    others = [row for row in rows(columns) if row not in leading]
    who = f"{population.name} ({len(population.members)} trainings)" if population.is_group else population.name
    lines = [
        f"## {who}, final frames",
        "",
        "The main questions, named beforehand, and some to be seen with them (+):",
        "",
    ]
    lines += _table(columns, population, controls, verdicts, leading, chances)
    for control in _compared_with(controls):
        lines += ["", f"Against {control}, with all metrics together:", ""]
        lines += [f"- {family}: {word}" for family, word in agreements(verdicts, control).items()]
        if together := of_both(verdicts, control):
            lines += ["", f"Against {control}, of vowels as sums of sines and as voices:", ""]
            lines += [f"- {name}: {word}" for name, word in together.items()]
    lines += ["", "All others:", "", *_table(columns, population, controls, verdicts, others, chances)]
    lines += ["", f"In how many scores is {population.name} ahead of (▲), level with (=) or behind (▼) a control?"]
    lines += ["(Scores that both have above 0.995 are left out: –.)", ""]
    lines += [f"- {claim}: {_tally(names, controls)}" for claim, names in verdicts.items()]
    if controls.untrained and population.is_group:
        found = [
            (each[UNTRAINED], 1 if _better(claim, name) == "higher" else -1)
            for claim, names in verdicts.items()
            for name, each in names.items()
            if each[UNTRAINED].difference is not None
        ]
        above, below = (
            sum(bool(each.apart) and sign * better * (each.difference or 0.0) > 0 for each, better in found)
            for sign in (1, -1)
        )
        lines += [
            "",
            f"All {len(population.members)} trainings do better than all {len(controls.untrained)} encoders with "
            f"random weights in {above} of {len(found)} scores that are not at their ceiling, and worse in {below}.",
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


def saturated_lines(saturations: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Of which front ends, by name, the sounds of an RSA or of a near order are farther apart than the tuning."""
    return [
        f"- {name}: SATURATED for {what} ({share:.0%} of the pairs lie within 5% of the farthest distance): the sounds "
        "are farther apart than the tuning, and a low score of their order says nothing against it."
        for name, by_sounds in saturations.items()
        for what, share in by_sounds.items()
        if scores.saturated(share)
    ]


def _table(
    columns: Columns,
    population: Population,
    controls: Controls,
    verdicts: Verdicts,
    shown: Sequence[tuple[str, str]],
    chances: Chances,
) -> list[str]:
    table = [["claim", "score", "over (units)", "chance", population.name]]
    if controls.untrained:
        table[0].append(f"random weights, {len(controls.untrained)} seeds")
    table[0] += [control.name for control in controls.spectrograms.values()]
    for claim, name in shown:
        question = _question(claim, name)
        units = _units(columns, claim, name)
        over = f"{question.over} ({units})" if question else units
        said = f"{name} (+)" if question and question.leads and not question.primary else name
        chance = chances[claim, name] if question else ""
        row = [claim, said, over, chance, _ours(columns, population, claim, name)]
        if controls.untrained:
            seeds = [columns[control][FRAMES][claim][name] for control in controls.untrained]
            values = [cell.value for cell in seeds if isinstance(cell, Score)]
            as_text = functools.partial(_number, claim, name)
            spread = (
                f"{as_text(float(np.mean(values)))} ({as_text(min(values))} … {as_text(max(values))})" if values else ""
            )
            row.append(_marked(verdicts[claim][name][UNTRAINED], spread))
        for control in controls.spectrograms.values():
            row.append(
                _marked(verdicts[claim][name][control.name], _shown(claim, name, columns[control][FRAMES][claim][name]))
            )
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
        return _shown(claim, name, found[0])
    known = [cell for cell in found if isinstance(cell, Score)]
    if len(known) < len(found):
        return "undefined"
    low, high = interval(known)
    shown = functools.partial(_number, claim, name)
    each = ", ".join(shown(cell.value) for cell in known)
    highest = high if _unit(claim, name) else min(high, 1.0)
    lowest = max(low, 0.0) if _unit(claim, name) else low
    return f"{shown(float(np.mean([cell.value for cell in known])))} ({each}) [{shown(lowest)}, {shown(highest)}]"


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
    return f"{parts[0][0].upper()}{parts[0][1:]}; {parts[1]} (higher is what the paper claims, and of errors lower)."


def _shown(claim: str, name: str, cell: Cell) -> str:
    return "undefined" if isinstance(cell, str) else f"{cell:.{DIGITS[_unit(claim, name)]}f}"


def _number(claim: str, name: str, value: float) -> str:
    return f"{value:.{DIGITS[_unit(claim, name)]}f}"


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

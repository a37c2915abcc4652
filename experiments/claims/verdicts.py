"""Who is ahead of what: differences from controls as rows, and what the rows together say of each score."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from w2v_jax import scores
from w2v_jax.scores import Score, UndefinedScoreError

from ..store import rows
from ..store.populations import Population, populations
from ..store.rows import Cell, Measurements, Row
from ..vowels.synthesis import SYNTHESES
from .asking import Unit
from .questions import CLAIMS, WITH, question, with_synthesis

Column = Mapping[str, Mapping[str, Cell]]  # of the final frames of one front end: by claim, then by name of the score
Columns = Mapping[str, Column]  # by front end
Verdicts = Mapping[str, Mapping[str, Mapping[str, "Verdict"]]]  # of one population: by claim, score and control

_Key = TypeVar("_Key", bound=tuple[str, ...])  # claim and name, and what they are held against

UNTRAINED = "untrained"  # the control that stands for all seeds
DIFFERENCE = "difference from a control"
P = "difference from a control, p"
NULL_TABLE = "random weights against random weights"
AT_CEILING = "both are at their ceiling"
# Difference that counts, by unit: a smaller one is not in the table's digits, and may be rounding.
SMALLEST = {None: 0.005, "cents": 1.0, "dB": 0.05, "share": 0.005}
FALSE_DISCOVERIES = 0.05  # the share of marks that may be by chance, of all of a column
CEILING = 0.995  # a score that both sides reach tells neither from the other
MOST_SPLITS = 150  # of the random encoders, for the null table
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
            f"A check without a real difference, {self.size} of the encoders with random weights against the other "
            f"{self.others}, in {self.tables} ways: {share:.2%} of {self.compared:,} comparisons are marked, in "
            f"{self.tables_with_marks} of {self.tables} tables; before correction, p < 0.05 in {raw:.1%}."
        )


def rivals(population: Population) -> dict[str, tuple[str, ...]]:
    """What a population is held against, with the names of those that it stands for: all seeds as one."""
    seeds = {UNTRAINED: population.untrained} if population.untrained else {}
    return {**seeds, **{name: (name,) for name in population.spectrograms.values()}}


def compare(columns: Columns, measured: Measurements) -> list[Row]:
    """How the final frames of every population differ from those of its controls.

    Against encoders with random weights both are populations: of trainings, and of seeds (`scores.compare`). A
    spectrogram has no population.
    """
    several = []
    for population in populations(measured):
        members, all_rows = len(population.members), []
        for rival, theirs in rivals(population).items():
            fixed = rival != UNTRAINED
            for (claim, name), verdict in compared(columns, population.members, theirs, fixed=fixed).items():
                parameters: dict[str, Any] = {"claim": claim, "score": name, "against": rival, "members": members}
                why = AT_CEILING if verdict.word == "ceiling" else "one of the two lacks this score"
                unit = _unit(claim, name) or ""
                all_rows += [
                    rows.number(DIFFERENCE, verdict.difference, unit=unit, undefined=why, **parameters),
                    rows.number(P, verdict.p, undefined=why, **parameters),
                ]
        null = null_table(columns, population.untrained, size=members)
        if null is not None:
            for what, count in dataclasses.asdict(null).items():
                all_rows.append(rows.number(NULL_TABLE, count, count=what.replace("_", " "), members=members))
        several += [dataclasses.replace(row, encoder=population.members[0]) for row in all_rows]
    return several


def compared(
    columns: Columns, ours: Sequence[str], theirs: Sequence[str], *, fixed: bool
) -> dict[tuple[str, str], Verdict]:
    """By claim and score that all of ours were asked; "level" stands for all that are yet to be marked.

    Of the others those that were asked: of many random encoders some questions are asked of a few.
    """
    by_score = {}
    for claim, name in [(claim, name) for claim, names in columns[ours[0]].items() for name in names]:
        first_cells, second_cells = (
            [columns[each][claim][name] for each in several if name in columns[each].get(claim, {})]
            for several in (ours, theirs)
        )
        if len(first_cells) < len(ours):
            continue
        first, second = ([cell for cell in cells if isinstance(cell, Score)] for cells in (first_cells, second_cells))
        are_known = bool(second) and len(first) == len(first_cells) and len(second) == len(second_cells)
        if _unit(claim, name) is None and are_known and min(cell.value for cell in (*first, *second)) > CEILING:
            by_score[claim, name] = Verdict("ceiling")
            continue
        try:
            if not are_known:
                raise UndefinedScoreError
            difference = scores.compare(first, second, second_is="fixed" if fixed else "drawn")
        except UndefinedScoreError:
            by_score[claim, name] = Verdict("undefined")
            continue
        by_score[claim, name] = Verdict("level", difference.difference, difference.p)
    return by_score


def verdicts(measured: Measurements, population: Population) -> Verdicts:
    """What the rows say of every score of a population, against each of its controls; none where it was not compared.

    Of all marks of the table at most `FALSE_DISCOVERIES` are expected to be false, and a difference below `SMALLEST` is
    none. Of errors, in cents and dB, lower is ahead.
    """
    first, members = population.members[0], float(len(population.members))
    sides = rivals(population)
    known: dict[tuple[str, str, str], Verdict] = {}
    both = (list(measured.select(quantity, encoder=first, members=members)) for quantity in (DIFFERENCE, P))
    for difference, p in zip(*both, strict=True):
        parameters = dict(difference.parameters)
        claim, name, rival = (str(parameters[each]) for each in ("claim", "score", "against"))
        if difference.value is None or p.value is None:
            word = "ceiling" if difference.undefined == AT_CEILING else "undefined"
            known[claim, name, rival] = Verdict(word)
            continue
        of_both = [values_of(measured, each, claim, name) for each in (population.members, sides.get(rival, ()))]
        is_apart = _apart(*of_both) and abs(difference.value) >= SMALLEST[_unit(claim, name)]
        known[claim, name, rival] = Verdict("level", difference.value, p.value, None, is_apart)
    by_claim: dict[str, dict[str, dict[str, Verdict]]] = {}
    for (claim, name, rival), verdict in marked(known).items():
        by_claim.setdefault(claim, {}).setdefault(name, {})[rival] = verdict
    return by_claim


def values_of(measured: Measurements, encoders: Sequence[str], claim: str, name: str) -> list[float]:
    """A score of the final frames of several front ends, of those that have one."""
    own_rows = (next(measured.select(name, encoder=each, claim=claim), None) for each in encoders)
    return [row.value for row in own_rows if row is not None and row.value is not None]


def _apart(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether all of one side lie above, or all below, all of the other."""
    return bool(first and second) and (min(first) > max(second) or max(first) < min(second))


def marked(known: Mapping[_Key, Verdict]) -> dict[_Key, Verdict]:
    """The same verdicts, those marked that are told apart where so many are asked."""
    decided = dict(known)
    with_p = {key: each for key, each in known.items() if each.p is not None}
    adjusted = scores.benjamini_hochberg([each.p for each in with_p.values() if each.p is not None])
    for (key, each), q in zip(with_p.items(), adjusted, strict=True):
        assert each.difference is not None
        claim, name = key[:2]
        is_marked = q <= FALSE_DISCOVERIES and abs(each.difference) >= SMALLEST[_unit(claim, name)]
        is_better = (each.difference > 0) == (_better(claim, name) == "higher")
        word = "level" if not is_marked else "ahead" if is_better else "behind"
        decided[key] = dataclasses.replace(each, word=word, q=float(q))
    return decided


def null_table(columns: Columns, untrained: Sequence[str], *, size: int = 1) -> NullTable | None:
    """Holds every `size` seeds against the others as if they were trained; None where fewer than two are left."""
    if len(untrained) - size < 2:
        return None
    splits = list(itertools.combinations(untrained, size))
    splits = splits[:: -(-len(splits) // MOST_SPLITS)]
    counts, pairs, below_five = [], 0, 0
    for chosen in splits:
        others = [each for each in untrained if each not in chosen]
        outcomes = marked(compared(columns, chosen, others, fixed=False)).values()
        counts.append(sum(verdict.word in ("ahead", "behind") for verdict in outcomes))
        pairs += sum(verdict.p is not None for verdict in outcomes)
        below_five += sum(verdict.p is not None and verdict.p < 0.05 for verdict in outcomes)
    with_marks = sum(count > 0 for count in counts)
    return NullTable(size, len(untrained) - size, len(splits), with_marks, pairs, sum(counts), below_five)


def null_table_of(measured: Measurements, population: Population) -> NullTable | None:
    """The null table of a population among the rows; None where it has none."""
    own_rows = measured.select(NULL_TABLE, encoder=population.members[0], members=float(len(population.members)))
    counts = {str(dict(row.parameters)["count"]).replace(" ", "_"): int(row.value or 0) for row in own_rows}
    return NullTable(**counts) if counts else None


def agreements(by_claim: Verdicts, control: str) -> dict[str, str]:
    """By family of scores in several metrics, what all of them say together.

    "ahead", or another verdict, where all agree; "ahead in 3 of 5, level in 2" where the differences have one sign, but
    not all are marked; else `DEPENDS`.
    """
    families: dict[str, list[Verdict]] = {}
    for claim, names in by_claim.items():
        for name, by_control in names.items():
            about = question(claim, name)
            if about is not None and about.family and by_control[control].difference is not None:
                synthesis = next((f", {told}" for told in WITH.values() if claim.endswith(told)), "")
                families.setdefault(f"{about.family}{synthesis}", []).append(by_control[control])
    return {family: _agreed(several) for family, several in families.items()}


def _agreed(several: Sequence[Verdict]) -> str:
    words = [each.word for each in several]
    if len(set(words)) == 1:
        return words[0]
    signs = {np.sign(each.difference) for each in several if each.difference is not None}
    if len(signs) > 1:
        return DEPENDS
    (word,) = {each for each in words if each != "level"}
    return f"{word} in {words.count(word)} of {len(words)} metrics, level in {words.count('level')}"


def of_both(by_claim: Verdicts, control: str) -> dict[str, str]:
    """By main score of vowels, what sines and voices say together: one word where both agree, else that of each."""
    told = {}
    for claim, names in _OF_VOWELS.items():
        for name in names:
            of_each = [by_claim.get(with_synthesis(claim, one), {}).get(name, {}).get(control) for one in SYNTHESES]
            if None not in of_each:
                words = [each.word for each in of_each if each]
                apart = ", ".join(f"{word} {WITH[one]}" for word, one in zip(words, SYNTHESES, strict=True))
                told[f"{claim}: {name}"] = f"{words[0]} with both" if len(set(words)) == 1 else apart
    return told


# The questions that lead with voices, by the claim without its synthesis.
_OF_VOWELS = {
    claim.removesuffix(f", {WITH['resonances']}"): [name for name, about in questions.items() if about.leads]
    for claim, questions in CLAIMS.items()
    if claim.endswith(f", {WITH['resonances']}")
}


def _unit(claim: str, name: str) -> Unit | None:
    about = question(claim, name)
    return about.unit if about else None


def _better(claim: str, name: str) -> str:
    about = question(claim, name)
    return about.better if about else "higher"


def told(measured: Measurements, *, primary: bool = True) -> list[str]:
    """A sentence for each population: in how many scores, or main ones, it is ahead of its controls, and behind."""
    sentences = []
    for population in populations(measured):
        by_claim = verdicts(measured, population)
        several = [
            by_control
            for claim, names in by_claim.items()
            for name, by_control in names.items()
            if not primary or ((each := question(claim, name)) and each.primary)
        ]
        what = "main scores" if primary else "scores"
        parts: list[str] = []
        for rival in rivals(population):
            words = [by_control[rival].word for by_control in several if rival in by_control]
            if words:
                of = "" if parts else f" of {len(words)} {what}"
                against = "random weights" if rival == UNTRAINED else rival
                parts.append(f"ahead of {against} in {words.count('ahead')}{of} and behind in {words.count('behind')}")
        if parts:
            sentences.append(f"{population.told} is {'; '.join(parts)}.")
    return sentences

"""The table of `experiments.claims`: scores in rows, encoders next to their controls, and who is ahead."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from w2v_jax import scores
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Bootstrap, Score
from w2v_jax.scores.frequency_scale import SCALES
from w2v_jax.scores.learned_scale import SMALL_ENOUGH
from w2v_jax.scores.populations import interval

from ..measures import learned_scale
from ..store import spreadsheet
from ..store.populations import Population, populations
from ..store.rows import Measurements, Row
from .asking import DIGITS, SCALE_CLAIM, SMALL_STEPS, STEPS, scale_name
from .questions import CLAIMS, question
from .verdicts import UNTRAINED, Verdict, Verdicts, agreements, null_table_of, of_both, rivals, values_of, verdicts

Chances = Mapping[tuple[str, str], str]  # by claim and name of a score, see `questions.chances`

SATURATION = "pairs of sounds at the farthest distance"
MARKS = {"ahead": "▲", "level": "=", "behind": "▼", "undefined": "?", "ceiling": "–"}


def score_names(measured: Measurements) -> list[tuple[str, str]]:
    """Claim and name of every score that was asked."""
    several = [(claim, name) for claim, names in CLAIMS.items() for name in names]
    return [(claim, name) for claim, name in several if any(measured.select(name, claim=claim))]


def score_of(measured: Measurements, encoder: str, claim: str, name: str, layer: str = FRAMES) -> Row | None:
    """A score of a layer; None where it was not asked of it."""
    return next(measured.select(name, encoder=encoder, layer=layer, claim=claim), None)


def is_saturated(measured: Measurements, encoder: str, claim: str, name: str, layer: str = FRAMES) -> bool:
    """Whether the sounds of a score are farther apart than the tuning of a front end, so that it says little."""
    about = CLAIMS[claim][name]
    if about.saturates == STEPS:
        small = score_of(measured, encoder, claim, SMALL_STEPS, layer)
        return small is not None and small.value is not None and small.value < SMALL_ENOUGH
    if about.saturates is None:
        return False
    share = next(measured.select(SATURATION, encoder=encoder, layer=layer, sounds=about.saturates), None)
    return share is not None and share.value is not None and scores.saturated(share.value)


def layers_in(measured: Measurements, encoder: str) -> list[str]:
    """The layers of a front end of which there are scores, in their order."""
    return list(dict.fromkeys(row.layer for row in measured.rows if row.encoder == encoder and _is_score(row)))


def _is_score(row: Row) -> bool:
    return row.quantity in CLAIMS.get(str(dict(row.parameters).get("claim")), {})


def csv_text(measured: Measurements, *, chances: Chances) -> str:
    """The whole table: a row per score; per encoder and layer its value, low and high; then verdicts and their q."""
    columns = [(encoder, layer) for encoder in measured.encoders for layer in layers_in(measured, encoder)]
    against = [(each, verdicts(measured, each)) for each in populations(measured)]
    header = ["claim", "score", "primary", "over", "units", "chance", "better", "saturated"]
    header += [f"{encoder} {layer}{end}" for encoder, layer in columns for end in ("", " low", " high")]
    for population, _ in against:
        for control in rivals(population):
            header += [f"{population.name} against {control}{end}" for end in ("", " q", " all outside")]
    lines = []
    for claim, name in score_names(measured):
        about = CLAIMS[claim][name]
        line: list[object] = [claim, name, "yes" if about.primary else "", about.over, _units(measured, claim, name)]
        line += [chances[claim, name], about.better]
        line.append("; ".join(each for each in measured.encoders if is_saturated(measured, each, claim, name)))
        for encoder, layer in columns:
            row = score_of(measured, encoder, claim, name, layer)
            has_none = row is None or row.value is None
            line += [""] * 3 if has_none else [f"{x:.6g}" for x in (row.value, row.low, row.high)]  # type: ignore[union-attr]
        for population, by_claim in against:
            for control in rivals(population):
                verdict = by_claim[claim][name][control]
                line += [verdict.word, "" if verdict.q is None else f"{verdict.q:.3g}"]
                line.append("" if verdict.apart is None else "yes" if verdict.apart else "no")
        lines.append(line)
    return spreadsheet.csv_text(header, lines)


def _units(measured: Measurements, claim: str, name: str) -> str:
    several = {row.units for row in measured.select(name, claim=claim) if row.value is not None}
    return " or ".join(map(str, sorted(each for each in several if each is not None)))


def markdown(measured: Measurements, population: Population, *, chances: Chances) -> list[str]:
    """Lines: the final frames of a population next to its controls: the main scores, all of them, and tallies."""
    by_claim = verdicts(measured, population)
    several = score_names(measured)
    leading = [(claim, name) for claim, name in several if CLAIMS[claim][name].leads]
    others = [each for each in several if each not in leading]
    table = functools.partial(_table, measured, population, by_claim, chances)
    lines = [
        f"## {population.told}, final frames",
        "",
        "The main scores, chosen before the results were known, and some to read with them (+):",
        "",
        *table(leading),
    ]
    for control in rivals(population):
        lines += ["", f"Against {control}, all metrics together:", ""]
        lines += [f"- {family}: {word}" for family, word in agreements(by_claim, control).items()]
        if together := of_both(by_claim, control):
            lines += ["", f"Against {control}, vowels as sums of sines and as voices:", ""]
            lines += [f"- {name}: {word}" for name, word in together.items()]
    lines += ["", "All other scores:", "", *table(others)]
    lines += ["", f"Scores in which {population.name} is ahead of (▲), level with (=) or behind (▼) a control:"]
    lines += ["(– is a score above 0.995 on both sides, which is not compared.)", ""]
    lines += [f"- {claim}: {_tally(names, population)}" for claim, names in by_claim.items()]
    if population.untrained and population.is_group:
        lines += ["", _all_against_all(by_claim, population)]
    if null := null_table_of(measured, population):
        lines += ["", str(null)]
    about = measured.encoders[population.members[0]]
    rate, hop = about.frames["sample_rate"], about.frames["hop"]
    lines += ["", f"The frame rate is {rate / hop:g} Hz ({rate:,} samples a second)."]
    if not population.untrained:
        lines += [f"No random-weight control is possible for `{population.name}`."]
    if about.kind == "random":
        lines += [
            f"`{population.name}` is itself UNTRAINED (random weights): no claim about a trained model follows",
            "from this table. It shows what the architecture scores before it has learned anything.",
        ]
    return lines


def _all_against_all(by_claim: Verdicts, population: Population) -> str:
    known = [
        (verdict, 1 if CLAIMS[claim][name].better == "higher" else -1)
        for claim, names in by_claim.items()
        for name, by_control in names.items()
        if (verdict := by_control[UNTRAINED]).difference is not None
    ]
    above, below = (
        sum(bool(each.apart) and sign * better * (each.difference or 0.0) > 0 for each, better in known)
        for sign in (1, -1)
    )
    return (
        f"All {population.counted} do better than all {len(population.untrained)} encoders with random weights in "
        f"{above} of {len(known)} scores that are not at their ceiling, and worse in {below}."
    )


def saturated_lines(measured: Measurements) -> list[str]:
    """Front ends for which the sounds of an RSA or of a near order are farther apart than their tuning."""
    return [
        f"- {name}: SATURATED for {what} ({row.value:.0%} of the pairs lie within 5% of the farthest distance). These "
        "sounds are too far apart for its tuning, so a low score of their order does not count against it."
        for name in measured.encoders
        for row in measured.select(SATURATION, encoder=name)
        if (what := dict(row.parameters).get("sounds")) and row.value is not None and scores.saturated(row.value)
    ]


def scale_lines(measured: Measurements) -> list[str]:
    """What the learned scale of every front end is nearest to."""
    return [
        f"- {name}: {said}."
        for name in measured.encoders
        if (said := learned_scale.nearest(_scale_fits(measured, name), saturated=_is_too_coarse(measured, name)))
    ]


def _scale_fits(measured: Measurements, encoder: str) -> dict[str, Row]:
    """R² by known scale, of the final frames."""
    several = {scale: scale_name(scale) for scale in SCALES}
    by_scale = {scale: score_of(measured, encoder, SCALE_CLAIM, name) for scale, name in several.items()}
    return {scale: row for scale, row in by_scale.items() if row is not None and row.value is not None}


def _is_too_coarse(measured: Measurements, encoder: str) -> bool:
    return is_saturated(measured, encoder, SCALE_CLAIM, SMALL_STEPS)


def _table(
    measured: Measurements,
    population: Population,
    by_claim: Verdicts,
    chances: Chances,
    shown: Sequence[tuple[str, str]],
) -> list[str]:
    table = cells(measured, population, by_claim, chances, shown)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    return [
        "| " + " | ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)) + " |" for line in table
    ]


def cells(
    measured: Measurements,
    population: Population,
    by_claim: Verdicts,
    chances: Chances,
    shown: Sequence[tuple[str, str]],
) -> list[list[str]]:
    """A header; then, of each score that is shown, its cells: a population next to its controls."""
    table = [["claim", "score", "over (units)", "chance", population.name]]
    if population.untrained:
        table[0].append(f"random weights, {len(population.untrained)} seeds")
    table[0] += population.spectrograms.values()
    for claim, name in shown:
        about = CLAIMS[claim][name]
        by_control = by_claim.get(claim, {}).get(name, {})
        said = f"{name} (+)" if about.leads and not about.primary else name
        over = f"{about.over} ({_units(measured, claim, name)})"
        line = [claim, said, over, chances[claim, name], _ours(measured, population, claim, name)]
        if population.untrained:
            values = values_of(measured, population.untrained, claim, name)
            few = f"; of {len(values)}" if 0 < len(values) < len(population.untrained) else ""
            text = _spread(claim, name, values, few) + _saturated(measured, population.untrained, claim, name)
            line.append(_marked(by_control.get(UNTRAINED), text))
        for control in population.spectrograms.values():
            line.append(_marked(by_control.get(control), _shown(measured, control, claim, name)))
        table.append(line)
    return table


def _ours(measured: Measurements, population: Population, claim: str, name: str) -> str:
    """A score with its interval over sounds; of several trainings their mean, each of them, and Student's interval."""
    if not population.is_group:
        return _shown(measured, population.members[0], claim, name)
    values = values_of(measured, population.members, claim, name)
    if len(values) < len(population.members):
        return "undefined"
    low, high = interval([_as_score(each) for each in values])
    is_error = CLAIMS[claim][name].unit is not None
    ends = [max(low, 0.0) if is_error else low, high if is_error else min(high, 1.0)]
    shown = functools.partial(_number, claim, name)
    each = ", ".join(map(shown, values))
    told = _saturated(measured, population.members, claim, name)
    return f"{shown(float(np.mean(values)))} ({each}) [{', '.join(map(shown, ends))}]{told}"


def _as_score(value: float) -> Score:
    return Score(value, value, value, 1, Bootstrap(), np.array([]))


def _saturated(measured: Measurements, encoders: Sequence[str], claim: str, name: str) -> str:
    """What a cell says where the sounds are farther apart than the tuning of some front ends."""
    count = sum(is_saturated(measured, each, claim, name) for each in encoders)
    of = f"{count} of {len(encoders)} " if count < len(encoders) and len(encoders) > 1 else ""
    return f" {of}saturated" if count else ""


def _spread(claim: str, name: str, values: Sequence[float], few: str = "") -> str:
    """Mean, least and most; `few` says of how many, where they are not all."""
    if not values:
        return ""
    mean, least, most = (_number(claim, name, each) for each in (float(np.mean(values)), min(values), max(values)))
    return f"{mean} ({least} … {most}{few})"


def _shown(measured: Measurements, encoder: str, claim: str, name: str) -> str:
    row = score_of(measured, encoder, claim, name)
    if row is None or row.value is None:
        return "undefined"
    value, low, high = (_number(claim, name, each) for each in (row.value, row.low or 0.0, row.high or 0.0))
    return f"{value} [{low}, {high}]{_saturated(measured, [encoder], claim, name)}"


def _number(claim: str, name: str, value: float) -> str:
    about = question(claim, name)
    return f"{value:.{DIGITS[about.unit if about else None]}f}"


def _marked(verdict: Verdict | None, text: str) -> str:
    return f"{MARKS[verdict.word]} {text}".rstrip() if verdict else text


def _tally(names: Mapping[str, Mapping[str, Verdict]], population: Population) -> str:
    tallies = []
    for control in rivals(population):
        words = [by_control[control].word for by_control in names.values() if control in by_control]
        counts = " ".join(f"{MARKS[each]}{words.count(each)}" for each in ("ahead", "level", "behind", "ceiling"))
        tallies.append(f"{control} {counts}")
    return "; ".join(tallies)

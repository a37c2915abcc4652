"""The first screen: what came out, in sentences that the numbers bear.

Each sentence has a rule, which the page prints next to it. Where an experiment was not run there is no sentence, and a
front end of which it has no such number is not in it.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import amplitude, diphthongs, f0, formants, temporal
from ..sentences import listed
from ..store.metrics import Metrics
from .finished import Finished
from .lacking import Lacks, number

UNMOVED = 0.005  # cosine distance, below which a DC offset counts as leaving a tone where it is
CLEARLY = 1.25  # how many times as much the next best frequency scale must leave unexplained
F1_F2 = "distance and F1–F2 distance, Spearman"

# As `metrics.json` has a score.
Score = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Finding:
    """A sentence of the first screen.

    Attributes:
        experiment: that it is about.
        text: the sentence.
        rule: when it says what.
    """

    experiment: str
    text: str
    rule: str


def findings(finished: Finished) -> list[Finding]:
    """The sentences, for whatever front ends and experiments there are."""
    return told(finished)[0]


def told(finished: Finished) -> tuple[list[Finding], list[str]]:
    """The sentences, and a line for each that the numbers do not give because one of them is missing or damaged."""
    makers: tuple[tuple[str, Callable[[Finished], Finding | None]], ...] = (
        (temporal.NAME, bursts),
        ("f0", offset_and_scale),
        (formants.NAME, vowels),
        (amplitude.NAME, amplitudes),
        (diphthongs.NAME, glides),
        ("claims", main_scores),
    )
    found, lines = [], []
    for experiment, make in makers:
        lacks = Lacks(experiment)
        found.append(lacks.made("a sentence of the first screen", functools.partial(make, finished), None))
        lines += lacks.lines
    return [each for each in found if each], lines


def bursts(finished: Finished) -> Finding | None:
    """How short a burst stands out."""
    measured = finished.measured(temporal.NAME)
    if not measured:
        return None
    lengths = sorted(number(each["duration_ms"]) for each in next(iter(measured.values()))["bursts"])
    found: dict[str, list[str]] = {}
    for name, each in measured.items():
        shortest = temporal.shortest_burst(each["bursts"])
        said = "at no length" if shortest is None else f"down to {shortest:g} ms"
        if not temporal.several_frames(each):
            said = "at a length that one frame a sound cannot tell"
        found.setdefault(said, []).append(name)
    parts = listed([f"{said} for {listed(names)}" for said, names in found.items()])
    return Finding(
        temporal.NAME,
        f"A burst of 800 Hz in a tone of 200 Hz (tried: {', '.join(f'{each:g}' for each in lengths)} ms) stands out "
        f"from the frames around it {parts}.",
        "A burst stands out where the frames that overlap it are, on average, moved from the tone's direction towards "
        f"the burst's (by cosines) farther than any other frame of the sound, by {temporal.LEAST_DIFFERENCE:g} or "
        "more, and all longer bursts are, too.",
    )


def offset_and_scale(finished: Finished) -> Finding | None:
    """Whether a DC offset moves tones, and which frequency scale their spacing is nearest to."""
    measured = finished.measured("f0")
    if not measured:
        return None
    moved: dict[str, float] = {}
    nearest: dict[str, list[str]] = {}
    for name, each in measured.items():
        moved[name] = float(np.max(each["bias"]["cosine_distance"]))
        nearest.setdefault(_nearest_scale(each["learned_scale"]), []).append(name)
    still = [name for name, distance in moved.items() if distance < UNMOVED]
    farther = [f"{name} (by up to {distance:.2g})" for name, distance in moved.items() if distance >= UNMOVED]
    parts = [f"leaves pure tones where they are for {listed(still)}"] if still else []
    parts += [f"moves {'them' if still else 'pure tones'} for {listed(farther)}"] if farther else []
    scales = listed([f"{said} for {listed(names)}" for said, names in nearest.items()])
    return Finding(
        "f0",
        f"A DC offset {' and '.join(parts)}; of {listed(list(f0.SCALES))}, the scale of tones a small step apart is "
        f"{scales}.",
        f"An offset leaves tones where they are if no cosine distance reaches {UNMOVED:g}. The scale adds up the "
        "angles between neighbouring tones; a known scale is the nearest if the next one leaves "
        f"{CLEARLY:g} times as much of it unexplained (1 - R²) or more. What is nearest need not be near. "
        "Saturated: the steps are too coarse to tell.",
    )


def _nearest_scale(learned: Metrics) -> str:
    """What the scale by angles is nearest to, in a few words."""
    if "undefined" in learned:
        return "undefined"
    if learned["saturated"]:
        return "saturated"
    unexplained = {name: 1 - fit["value"] for name, fit in learned["r2"].items()}
    first, second, *_ = sorted(unexplained, key=lambda scale: unexplained[scale])
    clear = unexplained[second] >= CLEARLY * unexplained[first]
    return f"nearest to {first}" if clear else f"as near to {first} as to {second}"


def vowels(finished: Finished) -> Finding | None:
    """Whether distances follow F1 and F2, and better than in the controls."""
    measured = finished.measured(formants.NAME)
    of_sines = _scores(measured, lambda found: found["vowel_map"][formants.SINES][F1_F2])
    of_resonances = _scores(measured, lambda found: found["vowel_map"][formants.RESONANCES][F1_F2])
    parts = [
        f"with {kind}, {said}"
        for kind, scores in (("bare sines", of_sines), ("resonances", of_resonances))
        if (said := ahead(finished, scores, closer="more closely", farther="less closely", level="as closely"))
    ]
    if not parts:
        return None
    return Finding(
        formants.NAME,
        f"Do distances between vowels of one f0 follow F1 and F2? The rank correlation is, {'; '.join(parts)}.",
        _RULE,
    )


def amplitudes(finished: Finished) -> Finding | None:
    """Whether distances follow two amplitudes, and better than in the controls."""
    scores = _scores(finished.measured(amplitude.NAME), lambda found: found[amplitude.ORDER])
    said = ahead(finished, scores, closer="more closely", farther="less closely", level="as closely")
    if not said:
        return None
    return Finding(
        amplitude.NAME,
        f"Do distances between sums of two tones follow their amplitudes? The rank correlation is {said}.",
        _RULE,
    )


def glides(finished: Finished) -> Finding | None:
    """How many diphthongs begin and end where they should."""
    measured = finished.measured(diphthongs.NAME)
    if not measured:
        return None
    parts = []
    for name, each in measured.items():
        if shares := diphthongs.summary(each):
            begin, end = (round(100 * share) for share in shares.values())
            parts.append(f"{begin}% begin and {end}% end so for {name}")
    if not parts:
        return None
    count = sum(pair["start"] != pair["end"] for pair in next(iter(measured.values()))["pairs"])
    return Finding(
        diphthongs.NAME,
        f"A gliding vowel should begin nearer to its start vowel and end nearer to its end vowel: of {count} "
        f"diphthongs {listed(parts)} (50% by chance).",
        "Shares of the diphthongs whose first tenth is nearer by cosine to the steady vowel that they start on than to "
        "the one that they end on; and whose last tenth is nearer to that one.",
    )


def main_scores(finished: Finished) -> Finding | None:
    """In how many of the scores named beforehand each encoder, or group, is ahead of its controls and behind them."""
    found = finished.metrics.get("claims", {})
    primary = {name for name, question in found.get("questions", {}).items() if question["primary"]}
    groups, here = found.get("groups", {}), {each.name for each in finished.encoders}
    parts = []
    for name, verdicts in found.get("against", {}).items():
        members = groups.get(name, [name])
        if not here.issuperset(members):
            continue
        words: dict[str, list[str]] = {}
        for claim, scores in verdicts.items():
            for score, by_control in scores.items():
                if f"{claim}: {score}" in primary:
                    for control, verdict in by_control.items():
                        words.setdefault(control, []).append(verdict["word"])
        who = f"{name} ({len(members)} trainings)" if name in groups else name
        told = [
            f"ahead of {_CONTROLS.get(control, control)} in {each.count('ahead')} and behind in {each.count('behind')}"
            for control, each in words.items()
        ]
        if told:
            parts.append(f"{who} is {listed(told)}")
    if not parts:
        return None
    nulls = found.get("null_tables", {}).values()
    chance = [f"{each['marked']} of {each['compared']}" for each in nulls]
    return Finding(
        "claims",
        f"Of {len(primary)} scores of the paper's claims that were named beforehand, {'; '.join(parts)}.",
        "Ahead is higher, or lower where the score is an error. Random weights are ten draws, and so are several "
        "trainings; at most 5% of all that is marked is expected to be by chance (Benjamini and Hochberg)."
        + (f" Among encoders of random weights {listed(chance)} comparisons are marked." if chance else ""),
    )


_CONTROLS = {"untrained": "random weights"}

_RULE = (
    "More closely or less closely: the 95% intervals of the two do not overlap; otherwise as closely. The intervals "
    "are of these sounds; they say nothing of another training, which may differ by more."
)


def ahead(finished: Finished, scores: Mapping[str, Score], *, closer: str, farther: str, level: str) -> str:
    """Each front end that was asked about next to the controls, as part of a sentence; "" where there is none.

    Args:
        finished: says who is a control.
        scores: by name; those that are not defined are left out.
        closer, farther, level: what it is called where intervals do not overlap, and where they do.
    """
    asked = [each.name for each in finished.asked if each.name in scores]
    controls = [each.name for each in finished.controls if each.name in scores]
    parts = []
    for name in asked:
        ours = scores[name]
        found: dict[str, list[str]] = {}
        for control in controls:
            theirs = scores[control]
            said = closer if ours["low"] > theirs["high"] else farther if ours["high"] < theirs["low"] else level
            found.setdefault(said, []).append(f"{control} ({theirs['value']:.2f})")
        against = [
            f"{said} {'as' if said == level else 'than'} in {listed(names)}" for said, names in found.items() if names
        ]
        parts.append(f"{ours['value']:.2f} for {name}" + (f", {listed(against)}" if against else ""))
    return "; ".join(parts)


def _scores(measured: Mapping[str, Metrics], score: Callable[[Metrics], Score]) -> dict[str, Score]:
    found: dict[str, Score] = {}
    for name, each in measured.items():
        try:
            cell = score(each)
        except KeyError:  # results of an earlier version
            continue
        if "value" in cell:
            found[name] = {each: number(cell[each]) for each in ("value", "low", "high")}
    return found


def without_controls(finished: Finished, experiments: Sequence[str]) -> list[str]:
    """Those experiments that compare an encoder with nothing."""
    return [
        each
        for each in experiments
        if each in finished.metrics
        and not finished.metrics[each].get("controls")
        and not any(control.name in finished.measured(each) for control in finished.controls)
    ]

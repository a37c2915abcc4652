"""The paper's claims as numbers, for every layer of a front end, next to what random weights and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and figures: the main scores next to their controls', some layer by layer,
discrimination beside a listener's, probes by level of noise, first filters, and the tuning of channels.

`--encoders=NAME=A+B+C` (or `NAME=PATTERN`) takes trainings of one recipe as one: then what is said of training is said
of other trainings, and not of one. By default the grids are thinned so that three encoders with ten encoders of random
weights take a quarter of an hour on two CPU cores; `--full` takes the paper's own, `--quick` a handful of sounds.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from w2v_jax import tuning
from w2v_jax.front_end import FRAMES
from w2v_jax.front_end import filters as filters_of
from w2v_jax.scores import UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

from ..draw import vowel_chart
from ..front_ends import controls
from ..front_ends.named import BUNDLED, NamedFrontEnd
from ..front_ends.populations import populations
from ..launch import flags
from ..options import synthesis as options
from ..options.claims import FULL
from ..progress import progress_bar
from ..sentences import listed
from ..store import cells, metrics
from ..store.metrics import Metrics
from ..store.results import Results
from ..vowels import flags as vowel_flags
from ..vowels import synthesis
from ..vowels.synthesis import SYNTHESES, Synthesis
from . import curves, figures, table
from .listeners import NOTICEABLE
from .questions import WHERE, chances, claims_of, questions
from .sounds import FRACTIONS, NOISE, Heard, grids_of, listen
from .table import Column

NAME = "claims"


SEEDS_BY_LAYER = 3  # of the encoders with random weights
SEPARATED = 0.95  # AUC from which on a burst counts as told apart

NOTES = (
    "Every score is computed in the space of the features, never on a picture, and higher is what the paper's claim "
    "would have. An interval is over other values of what `over` names, and says nothing of other trainings: see "
    "the trainings side by side. Of fewer than 20 units it is Student's.",
    "`ahead` and `behind`: against random weights both are populations, of trainings and of seeds, and one encoder is "
    "asked whether it is one more draw. Marks hold a false discovery rate of 5% over the whole table (Benjamini and "
    "Hochberg), and a difference below 0.005 is none. What the same comparisons mark among the random encoders is "
    "printed below the table. Scores above 0.995 on both sides are at their ceiling, and left out.",
    "RSA depends on how parameters are measured: a claim needs all metrics to agree. It is a score of the far order; "
    "the overlap of nearest neighbours is one of the near order, and features may have either without the other.",
    "A probe's R^2 is mostly about ranges: features that only tell in which fifth a value lies have 0.9. `inside a "
    "range not heard` asks for the order inside. The values of a range share one fitted map, so that the intervals of "
    "probes are rather too narrow.",
    f"Probes are fitted on ranges of a parameter and asked about others, with noise of {NOISE:.0%} of the features' "
    "own deviation, unless they say otherwise; `noise` draws other levels.",
    *(f"A just noticeable difference: {each.source}." for each in dict.fromkeys(NOTICEABLE.values())),
    "A tone that repeats after 5 samples (3,200 and 6,400 Hz at 16 kHz) is constant to a first layer that moves by 5 "
    "samples; where that layer is normalised over time, the tone is gone. Such tones are left out, as is the Nyquist "
    "frequency, which is silence.",
    vowel_chart.NOTE,
    'The "f0" of a vowel is the lowest of three sines. Praat hears it as the pitch in 4 of 20: the others are not its '
    "harmonics, so that what is read off here is a frequency rather than a pitch. Of the paper's 5,400 vowels 210 have "
    "an F1 above their F2; the sounds of `vowels` here leave such out.",
    "A cosine near 1 says little where all sounds are alike: `relative` divides by how far apart other sounds are.",
    "Any two rising curves are alike: an R^2 of a frequency scale means something only next to the others.",
)


def run(
    front_ends: Sequence[NamedFrontEnd],
    results: Results,
    *,
    full: bool = False,
    syntheses: tuple[Synthesis, ...] = SYNTHESES,
) -> Metrics:
    """Scores every front end and its controls, and returns the metrics (in the first process).

    Args:
        front_ends: the front ends.
        results: where results are kept.
        full: whether to take the paper's full grids; `results.quick` comes first.
        syntheses: with which vowels are made.
    """
    metrics.check_vowels(results, NAME)
    vowels = results.vowels
    size = "quick" if results.quick else "full" if full else "usual"
    controls_of = controls.controls_of(front_ends)
    everyone = dict.fromkeys([*front_ends, *(each for found in controls_of.values() for each in found.all)])
    heard = {
        each: listen(each, grids_of(each.frames, size, vowels, syntheses), results, experiment=NAME)
        for each in everyone
    }
    if not results.share.is_first:
        return {}  # the first process measures and draws
    # Of most seeds the final frames are enough: layers are drawn, and not compared.
    in_layers = {*front_ends, *(one for found in controls_of.values() for one in found.untrained[:SEEDS_BY_LAYER])}
    columns = {}
    for each, by_layer in heard.items():
        asked_of = by_layer if each in in_layers else {FRAMES: by_layer[FRAMES]}
        columns[each] = {layer: measure(found) for layer, found in _with_progress(each, asked_of)}
    asked = populations(front_ends)
    of = {one.name: controls_of[one.members[0]] for one in asked}
    against = {one.name: table.compare(columns, one, of[one.name]) for one in asked}
    nulls = {one.name: table.null_table(columns, of[one.name].untrained, size=len(one.members)) for one in asked}
    tuned = {each: measure_tuning(heard[each]) for each in front_ends}
    noise = {
        each: curves.measure_noise(heard[each][FRAMES])
        for each in dict.fromkeys([*front_ends, *(one for found in of.values() for one in curves.shown(found))])
    }

    saturations = {each.name: by_layer[FRAMES].saturations() for each, by_layer in heard.items()}

    by_chance = {each: chances(by_layer[FRAMES].grids) for each, by_layer in heard.items()}
    first = by_chance[front_ends[0]]  # of one table for all: other sample rates may have other vowels

    lines = ["(--quick: a handful of sounds; for a first look)", ""] if results.quick else []
    lines += [] if vowels.is_papers else [f"{vowels.said(quick=results.quick)}.", ""]
    for one in asked:
        beside = of[one.name], against[one.name], nulls[one.name]
        lines += [*table.markdown(columns, one, *beside, chances=by_chance[one.members[0]]), ""]
    if saturated := table.saturated_lines(saturations):
        lines += ["## Sounds farther apart than the tuning", "", *saturated, ""]
    results.save_text(NAME, "claims.csv", table.csv_text(columns, against, chances=first))
    results.save_text(NAME, "claims.md", "\n".join(lines))
    said = {"quick": results.quick}
    for one in asked:
        theirs = of[one.name]
        drawings = {
            "claims": figures.draw_claims(one, theirs, columns, vowels=vowels, **said),
            "discrimination": curves.draw_discrimination(one, theirs, columns, vowels=vowels, **said),
            "read_off": figures.draw_read_off(one, theirs, columns, vowels=vowels, **said),
            "noise": curves.draw_noise(one, theirs, noise, vowels=vowels, **said),
        }
        for name, figure in drawings.items():
            results.save_figure(NAME, f"{name}.{one.name}", figure)
    for each in front_ends:
        layers = figures.draw_layers(each, controls_of[each], columns, vowels=vowels, **said)
        results.save_figure(NAME, f"layers.{each.name}", layers)
        results.save_figure(NAME, f"tuning.{each.name}", figures.draw_tuning(each, tuned[each]))
        filters = filters_of(each.front_end)
        if filters is not None:
            results.save_figure(NAME, f"filters.{each.name}", figures.draw_filters(each, filters))
    found = metrics.save(
        results,
        NAME,
        {
            each: {
                "scores": table.plain(columns[each]),
                "noise": curves.plain(noise[each]),
                "shortest_burst_told_apart": shortest_bursts(heard[each]),
                "tuning": {layer: _tuning_numbers(curves) for layer, curves in tuned[each].items()},
            }
            for each in front_ends
        },
        saturation=saturations,
        conclusion="\n".join(table.conclude(one, of[one.name], against[one.name]) for one in asked),
        notes=[*NOTES, *_without_filters(front_ends)],
        vowels=True,
        by_layer=("scores", "shortest_burst_told_apart", "tuning"),
        by_name=("against", "groups", "null_tables", "grids", "controls"),
        against={name: table.plain_verdicts(verdicts) for name, verdicts in against.items()},
        groups={one.name: [member.name for member in one.members] for one in asked if one.is_group},
        null_tables={name: dataclasses.asdict(null) for name, null in nulls.items() if null is not None},
        questions={
            f"{claim}: {name}": {
                "over": question.over,
                "chance": first[claim, name],
                "primary": question.primary,
                "better": question.better,
                "family": question.family,
            }
            for claim, name, question in questions(syntheses)
        },
        grids={
            each.name: {
                name: len(grid) for name, grid in grids_of(each.frames, size, vowels, syntheses).items().items()
            }
            for each in front_ends
        },
        controls={
            each.name: {
                **metrics.about(each),
                "scores": table.plain(columns[each]),
                **({"noise": curves.plain(noise[each])} if each in noise else {}),
            }
            for each in everyone
            if each not in front_ends
        },
    )
    print("\n".join(["", *lines]))
    print(f"Everything, layer by layer: {results.path(NAME, 'claims.csv')}.")
    return found


def _without_filters(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    names = [each.name for each in front_ends if filters_of(each.front_end) is None]
    return [f"There is no figure of the first layer's filters of {listed(names)}, which has none."] if names else []


def measure(heard: Heard) -> Column:
    """Every score of one layer."""
    return {
        claim: {name: cells.attempted(functools.partial(question.score, heard)) for name, question in found.items()}
        for claim, found in claims_of(heard.grids.syntheses).items()
    }


def shortest_bursts(heard: Mapping[str, Heard]) -> Metrics:
    """By layer, the shortest burst such that it and all longer ones have an AUC whose interval is above `SEPARATED`."""
    found: Metrics = {}
    for layer, each in heard.items():
        found[layer] = {}
        for at_rate, where in WHERE.items():
            shortest = None
            for fraction in FRACTIONS:  # longest first
                cell = cells.attempted(
                    functools.partial(Heard.burst_separation, each, fraction=float(fraction), at_rate=at_rate)
                )
                if isinstance(cell, str) or cell.low < SEPARATED:
                    break
                shortest = {
                    "ms": round(1000 * float(fraction)),
                    "frames": round(float(fraction) * each.frames.rate, 3),
                }
            found[layer][where] = shortest
    return found


def measure_tuning(heard: Mapping[str, Heard]) -> dict[str, tuning.TuningCurves]:
    """Tuning curves of the channels of every layer that has any, from the pure tones."""
    found = {}
    for layer, each in heard.items():
        with contextlib.suppress(UndefinedScoreError):
            found[layer] = tuning.tuning_curves(each.mean["tones"], each.points("tones")["frequency"])
    return found


def _tuning_numbers(curves: tuning.TuningCurves) -> Metrics:
    quartiles = (25, 50, 75)
    lowest, highest = float(curves.frequency[0]), float(curves.frequency[-1])
    return {
        "channels_tuned": len(curves.channel),
        "best_frequency_quartiles_hz": np.percentile(curves.best_frequency, quartiles),
        "bandwidth_quartiles_hz": np.percentile(curves.bandwidth, quartiles),
        # How far best frequencies are from an even spread along each scale.
        "distance_from_even_spread": {
            name: cells.number(
                cells.attempted(
                    functools.partial(tuning.spread_along, curves.best_frequency, scale, lowest=lowest, highest=highest)
                )
            )
            for name, scale in SCALES.items()
        },
    }


def _with_progress(front_end: NamedFrontEnd, by_layer: Mapping[str, Heard]) -> Iterator[tuple[str, Heard]]:
    with progress_bar(f"{front_end.name}: scores", len(by_layer), unit=" layers") as bar:
        for layer, heard in by_layer.items():
            yield layer, heard
            bar.update()


if __name__ == "__main__":
    flags.launch(
        lambda front_ends, results: run(front_ends, results, full=FULL.value, syntheses=synthesis.chosen()),
        default=(BUNDLED,),
        vowels=vowel_flags.chosen,
        own=(options,),
    )

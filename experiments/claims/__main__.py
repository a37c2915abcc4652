"""The paper's claims as numbers, for every layer of a front end, next to what random weights and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and for each encoder four figures: its scores next to its controls', its
scores layer by layer, its first filters, and the tuning of its channels.

By default the grids are thinned so that an encoder with its five controls takes a few minutes on two CPU cores;
`--full` takes the paper's own, `--quick` a handful of sounds.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from absl import flags as absl_flags

from w2v_jax import scores, tuning
from w2v_jax.front_end import filters as filters_of
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

from ..harness import cells, controls, flags, metrics, vowel_chart, vowel_flags
from ..harness.conclusions import listed
from ..harness.front_ends import BUNDLED, NamedFrontEnd
from ..harness.metrics import Metrics
from ..harness.progress import progress_bar
from ..harness.results import Results
from ..harness.vowel_choice import VowelChoice
from . import figures, table
from .sounds import FRACTIONS, Heard, grids_of, listen
from .table import Column

NAME = "claims"

FULL = absl_flags.DEFINE_bool("full", False, "claims: the paper's full grids, twelve times as many sounds.")

WHERE = {False: "other tones", True: "multiples of the frame rate"}
SEPARATED = 0.95  # AUC from which on a burst counts as told apart

NOTES = (
    "Every score is computed in the space of the features, never on a picture, and higher is what the paper's claim "
    "would have. An interval holds 95% of the values that the score takes when sounds are drawn again from the grid; "
    "it says nothing of other sounds.",
    "`ahead` and `behind` mean that the difference of two encoders on the same draws keeps its sign in 95% of them "
    "and is at least 0.005; of the untrained encoders, for every seed. No correction is made for the number of "
    "comparisons, and three seeds are few: one untrained encoder in four is the best of four. What `untrained` is "
    "ahead in shows how often chance is.",
    "A tone that repeats after 5 samples (3,200 and 6,400 Hz at 16 kHz) is constant to a first layer that moves by 5 "
    "samples; where that layer is normalised over time, the tone is gone. Such tones are left out, as is the Nyquist "
    "frequency, which is silence.",
    vowel_chart.NOTE,
    "A cosine near 1 says little where all sounds are alike: `relative` divides by how far apart other sounds are.",
    "Any two rising curves are alike: an R^2 of a frequency scale means something only next to the others.",
)


PAPERS_F0 = (
    "Of a tone at a multiple of the frame rate all frames see the same phase. The paper's six f0 are multiples of "
    "25 Hz, at which the frames of wav2vec 2.0 see one or two phases; `beside the paper's f0` has six others."
)
OTHER_F0 = (
    "Of a tone at a multiple of the frame rate all frames see the same phase. `beside these f0` has f0 next to those "
    "of the vowels of which the frames see many phases. Scores at an unheard f0 need three f0 or "
    "more, and those of f0 itself four."
)


def _invariances(grid: str, parameter: str, reference: float, change: str) -> dict[str, Callable[[Heard], Score]]:
    found: dict[str, Callable[[Heard], Score]] = {}
    for relative, kind in ((False, "cosine"), (True, "relative")):
        for at_rate, where in WHERE.items():
            found[f"same under {change}, {kind}, {where}"] = functools.partial(
                Heard.invariance,
                grid=grid,
                parameter=parameter,
                reference=reference,
                at_rate=at_rate,
                relative=relative,
            )
    return found


def _burst_separations() -> dict[str, Callable[[Heard], Score]]:
    found: dict[str, Callable[[Heard], Score]] = {}
    for at_rate, where in WHERE.items():
        for fraction in FRACTIONS[::-1]:
            found[f"burst of {round(1000 * float(fraction))} ms, AUC, {where}"] = functools.partial(
                Heard.burst_separation, fraction=float(fraction), at_rate=at_rate
            )
    return found


# The paper's claims, and the scores that bear on each.
CLAIMS: dict[str, dict[str, Callable[[Heard], Score]]] = {
    "fundamental frequency": {
        "f0 of vowels, R²": lambda heard: heard.read("vowels", "f0"),
        "f0 of vowels at an unheard f0, R²": lambda heard: heard.read("vowels", "f0", across="f0"),
        "f0 of vowels at an unheard f0 beside the paper's f0, R²": lambda heard: heard.read(
            "vowels_elsewhere", "f0", across="f0"
        ),
        "f0 of vowels, monotonicity": lambda heard: heard.monotonicity("vowels", "f0"),
        "tones: frequency (Mel), R²": lambda heard: heard.mel_read(),
        "tones: distance and Mel distance, Spearman": lambda heard: scores.rsa(heard.mean["tones"], heard.mel()),
        **{
            f"learned scale: {scale}, R²": functools.partial(lambda heard, scale: heard.scale_fit(scale), scale=scale)
            for scale in SCALES
        },
        "learned scale at multiples of the frame rate: Mel, R²": lambda heard: heard.scale_fit("Mel", "tones_at_rate"),
    },
    "formants": {
        "F1, R²": lambda heard: heard.read("vowels", "f1"),
        "F2, R²": lambda heard: heard.read("vowels", "f2"),
        "F1 at an unheard f0, R²": lambda heard: heard.read("vowels", "f1", across="f0"),
        "F1 at an unheard f0 beside the paper's f0, R²": lambda heard: heard.read(
            "vowels_elsewhere", "f1", across="f0"
        ),
        "F2 at an unheard f0, R²": lambda heard: heard.read("vowels", "f2", across="f0"),
        "F2 at an unheard f0 beside the paper's f0, R²": lambda heard: heard.read(
            "vowels_elsewhere", "f2", across="f0"
        ),
        "F1, monotonicity": lambda heard: heard.monotonicity("vowels", "f1"),
        "F2, monotonicity": lambda heard: heard.monotonicity("vowels", "f2"),
        "distance and F1–F2 distance, one f0, Spearman": lambda heard: heard.rsa("vowels", "f1", "f2", within="f0"),
    },
    "amplitude": {
        "amplitude of 100 Hz, R²": lambda heard: heard.read("amplitudes", "amplitude_low"),
        "amplitude of 700 Hz, R²": lambda heard: heard.read("amplitudes", "amplitude_high"),
        "amplitude of 100 Hz, monotonicity": lambda heard: heard.monotonicity("amplitudes", "amplitude_low"),
        "amplitude of 700 Hz, monotonicity": lambda heard: heard.monotonicity("amplitudes", "amplitude_high"),
        "distance and amplitude distance, Spearman": lambda heard: heard.rsa("amplitudes"),
        **_invariances("levels", "amplitude", 1.0, "level"),
    },
    "temporal detail": {
        **_burst_separations(),
        "steadiness, other tones": lambda heard: scores.steadiness(heard.steady["tones"]),
        "steadiness, multiples of the frame rate": lambda heard: scores.steadiness(heard.steady["tones_at_rate"]),
        **_invariances("shifts", "offset", 0.0, "shift"),
    },
    "bias": _invariances("biases", "bias", 0.0, "bias"),
    "metric space": {
        "distance and f0–F1–F2 distance, Spearman": lambda heard: heard.rsa("vowels"),
        "neighbours in f0–F1–F2, share": lambda heard: heard.neighbour_overlap("vowels"),
        "neighbours in both amplitudes, share": lambda heard: heard.neighbour_overlap("amplitudes"),
    },
}


def run(front_ends: Sequence[NamedFrontEnd], results: Results, *, full: bool = False) -> Metrics:
    """Scores every front end and its controls, and returns the metrics (in the first process).

    Args:
        front_ends: the front ends.
        results: where results are kept.
        full: whether to take the paper's full grids; `results.quick` comes first.
    """
    metrics.check_vowels(results, NAME)
    vowels = results.vowels
    size = "quick" if results.quick else "full" if full else "usual"
    controls_of = controls.controls_of(front_ends)
    everyone = dict.fromkeys([*front_ends, *(each for found in controls_of.values() for each in found.all)])
    heard = {each: listen(each, grids_of(each.frames, size, vowels), results, experiment=NAME) for each in everyone}
    if not results.share.is_first:
        return {}  # the first process measures and draws
    columns = {
        each: {layer: _named(measure(found), vowels) for layer, found in _with_progress(each, by_layer)}
        for each, by_layer in heard.items()
    }
    against = {each: table.compare(columns, each, controls_of[each]) for each in front_ends}
    tuned = {each: measure_tuning(heard[each]) for each in front_ends}

    lines = ["(--quick: a handful of sounds; for a first look)", ""] if results.quick else []
    lines += [] if vowels.is_papers else [f"{vowels.said(quick=results.quick)}.", ""]
    for each in front_ends:
        lines += [*table.markdown(columns, each, controls_of[each], against[each]), ""]
    results.save_text(NAME, "claims.csv", table.csv_text(columns, against))
    results.save_text(NAME, "claims.md", "\n".join(lines))
    for each in front_ends:
        drawings = {
            "claims": figures.draw_claims(each, controls_of[each], columns, quick=results.quick, vowels=vowels),
            "layers": figures.draw_layers(each, controls_of[each], columns, quick=results.quick, vowels=vowels),
            "tuning": figures.draw_tuning(each, tuned[each]),
        }
        filters = filters_of(each.front_end)
        if filters is not None:
            drawings["filters"] = figures.draw_filters(each, filters)
        for name, figure in drawings.items():
            results.save_figure(NAME, f"{name}.{each.name}", figure)
    found = metrics.save(
        results,
        NAME,
        {
            each: {
                "scores": table.plain(columns[each]),
                "against": against[each],
                "shortest_burst_told_apart": shortest_bursts(heard[each]),
                "tuning": {layer: _tuning_numbers(curves) for layer, curves in tuned[each].items()},
            }
            for each in front_ends
        },
        conclusion="\n".join(table.conclude(each, controls_of[each], against[each]) for each in front_ends),
        notes=[*NOTES[:2], PAPERS_F0 if vowels.is_papers else OTHER_F0, *NOTES[2:], *_without_filters(front_ends)],
        vowels=True,
        by_layer=("scores", "shortest_burst_told_apart", "tuning"),
        grids={
            each.name: {name: len(grid) for name, grid in grids_of(each.frames, size, vowels).items().items()}
            for each in front_ends
        },
        controls={
            each.name: {**metrics.about(each), "scores": table.plain(columns[each])}
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
        claim: {name: cells.attempted(functools.partial(score, heard)) for name, score in found.items()}
        for claim, found in CLAIMS.items()
    }


def _named(column: Column, vowels: VowelChoice) -> Column:
    """A column whose scores do not speak of the paper's f0 where they are of others."""
    if vowels.is_papers:
        return column
    return {
        claim: {name.replace("the paper's f0", "these f0"): cell for name, cell in found.items()}
        for claim, found in column.items()
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
        lambda front_ends, results: run(front_ends, results, full=FULL.value),
        default=(BUNDLED,),
        vowels=vowel_flags.chosen,
    )

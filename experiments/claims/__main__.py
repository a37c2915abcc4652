"""The paper's claims as numbers, for every layer of an encoder, beside what untrained encoders and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and for each encoder four figures: its scores beside its controls', its
scores layer by layer, its first filters, and the tuning of its channels.

By default the grids are thinned so that an encoder with its five controls takes a few minutes on two CPU cores;
`--full` takes the paper's own, `--quick` a handful of sounds.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from absl import flags as absl_flags

from w2v_jax import files, scores, stimuli, tuning
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

from ..harness import controls, flags, vowel_chart
from ..harness.front_ends import BUNDLED, NamedEncoder, remark
from ..harness.sweeping import progress_bar
from ..harness.workspace import Metrics, Workspace
from . import figures as claims_figures
from . import table as claims_table
from .sounds import FRACTIONS, FULL_GRIDS, GRIDS, QUICK_GRIDS, Heard, listen
from .table import Cell, Column

NAME = "claims"

FULL = absl_flags.DEFINE_bool("full", False, "claims: the paper's full grids, twelve times as many sounds.")

WHERE = {False: "other tones", True: "multiples of 50 Hz"}
HOP_MS = 20  # of the final frames of wav2vec 2.0
SEPARATED = 0.95  # AUC from which on a burst counts as told apart

NOTES = (
    "Every score is computed in the space of the features, never on a picture, and higher is what the paper's claim "
    "would have. An interval holds 95% of the values that the score takes when sounds are drawn again from the grid; "
    "it says nothing of other sounds.",
    "`ahead` and `behind` mean that the difference of two encoders on the same draws keeps its sign in 95% of them "
    "and is at least 0.005; of the untrained encoders, for every seed. No correction is made for the number of "
    "comparisons, and three seeds are few: one untrained encoder in four is the best of four. What `untrained` is "
    "ahead in shows how often chance is.",
    "The paper's six f0 are multiples of 25 Hz, at which frames see one or two phases; `not by 25 Hz` has six others.",
    "A tone at 3,200 or 6,400 Hz is a constant to every filter of the first layer, whose hop is 5 samples: where that "
    "layer is normalised over time, the tone is gone. Such tones are left out, as is 8 kHz, which is silence.",
    vowel_chart.NOTE,
    "A cosine near 1 says little where all sounds are alike: `relative` divides by how far apart other sounds are.",
    "Any two rising curves are alike: an R^2 of a frequency scale means something only beside the others.",
)


def _invariances(grid: str, parameter: str, reference: float, change: str) -> dict[str, Callable[[Heard], Score]]:
    found = {}
    for relative, kind in ((False, "cosine"), (True, "relative")):
        for at_50_hz, where in WHERE.items():
            found[f"same under {change}, {kind}, {where}"] = functools.partial(
                Heard.invariance,
                grid=grid,
                parameter=parameter,
                reference=reference,
                at_50_hz=at_50_hz,
                relative=relative,
            )
    return found


def _burst_separations() -> dict[str, Callable[[Heard], Score]]:
    found = {}
    for at_50_hz, where in WHERE.items():
        for fraction in FRACTIONS[::-1]:
            milliseconds = round(1000 * float(fraction))
            found[f"burst of {milliseconds} ms ({milliseconds / HOP_MS:g} frames), AUC, {where}"] = functools.partial(
                Heard.burst_separation, fraction=float(fraction), at_50_hz=at_50_hz
            )
    return found


# The paper's claims, and the scores that bear on each.
CLAIMS: dict[str, dict[str, Callable[[Heard], Score]]] = {
    "fundamental frequency": {
        "f0 of vowels, R²": lambda heard: heard.read("vowels", "f0"),
        "f0 of vowels at an unheard f0, R²": lambda heard: heard.read("vowels", "f0", across="f0"),
        "f0 of vowels at an unheard f0, not by 25 Hz, R²": lambda heard: heard.read(
            "vowels_elsewhere", "f0", across="f0"
        ),
        "f0 of vowels, monotonicity": lambda heard: heard.monotonicity("vowels", "f0"),
        "tones: frequency (Mel), R²": lambda heard: heard.mel_read(),
        "tones: distance and Mel distance, Spearman": lambda heard: scores.geometry(heard.mean["tones"], heard.mel()),
        **{
            f"learned scale: {scale}, R²": functools.partial(lambda heard, scale: heard.scale_fit(scale), scale=scale)
            for scale in SCALES
        },
        "learned scale at multiples of 50 Hz: Mel, R²": lambda heard: heard.scale_fit("Mel", "tones_at_50"),
    },
    "formants": {
        "F1, R²": lambda heard: heard.read("vowels", "f1"),
        "F2, R²": lambda heard: heard.read("vowels", "f2"),
        "F1 at an unheard f0, R²": lambda heard: heard.read("vowels", "f1", across="f0"),
        "F1 at an unheard f0, not by 25 Hz, R²": lambda heard: heard.read("vowels_elsewhere", "f1", across="f0"),
        "F2 at an unheard f0, R²": lambda heard: heard.read("vowels", "f2", across="f0"),
        "F2 at an unheard f0, not by 25 Hz, R²": lambda heard: heard.read("vowels_elsewhere", "f2", across="f0"),
        "F1, monotonicity": lambda heard: heard.monotonicity("vowels", "f1"),
        "F2, monotonicity": lambda heard: heard.monotonicity("vowels", "f2"),
        "distance and F1–F2 distance, one f0, Spearman": lambda heard: heard.geometry(
            "vowels", "f1", "f2", within="f0"
        ),
    },
    "amplitude": {
        "amplitude of 100 Hz, R²": lambda heard: heard.read("amplitudes", "amplitude_low"),
        "amplitude of 700 Hz, R²": lambda heard: heard.read("amplitudes", "amplitude_high"),
        "amplitude of 100 Hz, monotonicity": lambda heard: heard.monotonicity("amplitudes", "amplitude_low"),
        "amplitude of 700 Hz, monotonicity": lambda heard: heard.monotonicity("amplitudes", "amplitude_high"),
        "distance and amplitude distance, Spearman": lambda heard: heard.geometry("amplitudes"),
        **_invariances("levels", "amplitude", 1.0, "level"),
    },
    "temporal detail": {
        **_burst_separations(),
        "steadiness, other tones": lambda heard: scores.steadiness(heard.steady["tones"]),
        "steadiness, multiples of 50 Hz": lambda heard: scores.steadiness(heard.steady["tones_at_50"]),
        **_invariances("shifts", "offset", 0.0, "shift"),
    },
    "bias": _invariances("biases", "bias", 0.0, "bias"),
    "metric space": {
        "distance and f0–F1–F2 distance, Spearman": lambda heard: heard.geometry("vowels"),
        "neighbours in f0–F1–F2, share": lambda heard: heard.neighbours("vowels"),
        "neighbours in both amplitudes, share": lambda heard: heard.neighbours("amplitudes"),
    },
}


def run(encoders: Sequence[NamedEncoder], workspace: Workspace, *, full: bool = False) -> Metrics:
    """Scores every encoder and its controls, and returns the metrics (in the first process).

    Args:
        encoders: the encoders.
        workspace: where results are kept.
        full: whether to take the paper's full grids; `workspace.quick` comes first.
    """
    chosen = QUICK_GRIDS if workspace.quick else FULL_GRIDS if full else GRIDS
    controls_of = controls.controls_of(encoders)
    everyone = dict.fromkeys([*encoders, *(each for found in controls_of.values() for each in found.all)])
    heard = {encoder: listen(encoder, chosen, workspace, experiment=NAME) for encoder in everyone}
    if not workspace.share.is_first:
        return {}  # the first process measures and draws
    columns = {
        encoder: {layer: measure(each) for layer, each in _with_progress(encoder, by_layer)}
        for encoder, by_layer in heard.items()
    }
    against = {encoder: claims_table.compare(columns, encoder, controls_of[encoder]) for encoder in encoders}
    tuned = {encoder: measure_tuning(heard[encoder]) for encoder in encoders}

    table = []
    for encoder in encoders:
        table += [*claims_table.markdown(columns, encoder, controls_of[encoder], against[encoder]), ""]
    with files.atomic_path(workspace.path(NAME, "claims.csv")) as temporary:
        temporary.write_text(claims_table.csv_text(columns, against), encoding="utf-8")
    with files.atomic_path(workspace.path(NAME, "claims.md")) as temporary:
        temporary.write_text("\n".join(table), encoding="utf-8")
    for encoder in encoders:
        drawings = {
            "claims": claims_figures.draw_claims(encoder, controls_of[encoder], columns),
            "layers": claims_figures.draw_layers(encoder, controls_of[encoder], columns),
            "filters": claims_figures.draw_filters(encoder),
            "tuning": claims_figures.draw_tuning(encoder, tuned[encoder]),
        }
        for name, figure in drawings.items():
            workspace.save_figure(NAME, f"{name}.{encoder.name}", figure)
    metrics = workspace.save_metrics(
        NAME,
        {
            encoder: {
                "scores": claims_table.plain(columns[encoder]),
                "against": against[encoder],
                "shortest_burst_told_apart": shortest_bursts(heard[encoder]),
                "tuning": {layer: _tuning_numbers(found) for layer, found in tuned[encoder].items()},
            }
            for encoder in encoders
        },
        notes=NOTES,
        grids=chosen.sizes(),
        controls={
            each.name: {"source": each.source, "scores": claims_table.plain(columns[each])}
            for each in everyone
            if each not in encoders
        },
    )
    print("\n".join(["", *table]))
    if said := remark(encoders):
        print(f"\n{said}")
    print(f"\nEverything, layer by layer: {workspace.path(NAME, 'claims.csv')}; figures beside it.")
    return metrics


def measure(heard: Heard) -> Column:
    """Every score of one layer."""
    return {claim: {name: _cell(score, heard) for name, score in found.items()} for claim, found in CLAIMS.items()}


def _cell(score: Callable[[Heard], Score], heard: Heard) -> Cell:
    try:
        return score(heard)
    except UndefinedScoreError as error:
        return str(error)


def shortest_bursts(heard: Mapping[str, Heard]) -> Metrics:
    """By layer, the shortest burst such that it and all longer ones have an AUC whose interval is above `SEPARATED`."""
    found: Metrics = {}
    for layer, each in heard.items():
        found[layer] = {}
        for at_50_hz, where in WHERE.items():
            shortest = None
            for fraction in FRACTIONS:  # longest first
                cell = _cell(functools.partial(Heard.burst_separation, fraction=fraction, at_50_hz=at_50_hz), each)
                if isinstance(cell, str) or cell.low < SEPARATED:
                    break
                shortest = {
                    "ms": round(1000 * float(fraction)),
                    "frames": round(float(fraction) * stimuli.SAMPLE_RATE / each.layer.hop, 3),
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
    ends = {"lowest": float(curves.frequency[0]), "highest": float(curves.frequency[-1])}
    return {
        "channels_tuned": len(curves.channel),
        "best_frequency_quartiles_hz": np.percentile(curves.best_frequency, quartiles),
        "bandwidth_quartiles_hz": np.percentile(curves.bandwidth, quartiles),
        # How far best frequencies are from an even spread along each scale.
        "distance_from_even_spread": {
            name: claims_table.number(tuning.spread_along(curves.best_frequency, scale, **ends))
            for name, scale in SCALES.items()
        },
    }


def _with_progress(encoder: NamedEncoder, by_layer: Mapping[str, Heard]) -> Iterator[tuple[str, Heard]]:

    with progress_bar(f"{encoder.name}: scores", len(by_layer), unit=" layers") as bar:
        for layer, heard in by_layer.items():
            yield layer, heard
            bar.update()


if __name__ == "__main__":
    flags.launch(lambda encoders, workspace: run(encoders, workspace, full=FULL.value), default=(BUNDLED,))

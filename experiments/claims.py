"""The paper's claims as numbers, for every layer of an encoder, beside what untrained encoders and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and for each encoder four figures: its scores beside its controls', its
scores layer by layer, its first filters, and the tuning of its channels.

By default the grids are thinned so that an encoder with its five controls takes a few minutes on two CPU cores;
`--full` takes the paper's own, `--quick` a handful of sounds.
"""

import csv
import dataclasses
import functools
import io
from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from absl import flags as absl_flags

from experiments import amplitude, claims_figures, controls, flags, vowel_chart
from experiments.encoders import NamedEncoder, untrained_remark
from experiments.sweeping import progress_bar
from experiments.workspace import Metrics, Workspace
from w2v_jax import files, grids, scales, scores, stimuli, tuning
from w2v_jax.grids import Grid
from w2v_jax.layers import FRAMES, Layer, layers, split, split_nearness
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

NAME = "claims"

FULL = absl_flags.DEFINE_bool("full", False, "claims: the paper's full grids (about 25 minutes on two CPU cores).")

# The frame rate is 50 Hz: of a tone at a multiple of it, all frames see one phase. The other tones here share no
# divisor with 50, so that every frame sees another phase (at 25 Hz, say, they would see two).
AT_50_HZ = (100, 200, 300, 400, 500, 800, 1500, 3000)
ELSEWHERE = (113, 213, 337, 447, 563, 813, 1537, 3067)
BURST_TONES_AT_50_HZ = ((100, 700), (150, 600), (200, 800), (300, 1200), (400, 1500), (500, 2000))
BURST_TONES_ELSEWHERE = ((113, 713), (163, 617), (213, 833), (313, 1237), (413, 1537), (513, 2033))
# The paper's six f0 are multiples of 25 Hz; these are beside them.
F0_ELSEWHERE = (103, 127, 153, 177, 203, 227)


def _grid(name: str, **axes: Sequence[float] | np.ndarray) -> Grid:
    return Grid(name, tuple({parameter: np.asarray(values, np.float64)} for parameter, values in axes.items()))


def _tones(name: str, frequency, *, amplitude=(1.0,), bias=(0.0,), offset=(0.0,)) -> Grid:
    """Pure tones. All have the same four parameters, so that one compiled program serves them."""
    return _grid(name, frequency=frequency, amplitude=amplitude, bias=bias, offset=offset)


def _bursts(*pairs: tuple[float, float]) -> Grid:
    base, burst = np.array(pairs, np.float64).T
    return Grid("bursts", ({"base_frequency": base, "burst_frequency": burst}, *grids.BURSTS.axes))


def _beside(vowels: Grid) -> Grid:
    """The same vowels at f0 beside the paper's."""
    f0, *formants = vowels.axes
    return Grid("vowels_elsewhere", ({"f0": np.array(F0_ELSEWHERE[: len(f0["f0"])], np.float64)}, *formants))


@dataclasses.dataclass(frozen=True)
class Grids:
    """The sounds that every encoder and control is given. 8 kHz is not among them: at zero phase it is silence."""

    vowels: Grid
    vowels_elsewhere: Grid
    tones: Grid
    tones_at_50: Grid
    amplitudes: Grid
    bursts: Grid
    biases: Grid
    levels: Grid
    shifts: Grid


BOTH = (*AT_50_HZ, *ELSEWHERE)
FULL_GRIDS = Grids(
    vowels=grids.VOWEL_SPACE_BY_F0,
    vowels_elsewhere=_beside(grids.VOWEL_SPACE_BY_F0),
    tones=_tones("tones", np.arange(13, 8000, 10)),
    tones_at_50=_tones("tones_at_50", np.arange(50, 8000, 50)),
    amplitudes=grids.AMPLITUDES,
    bursts=_bursts(*BURST_TONES_AT_50_HZ, *BURST_TONES_ELSEWHERE),
    biases=_tones("biases", BOTH, amplitude=[0.5], bias=grids.BIAS.axis("bias")),
    levels=_tones("levels", BOTH, amplitude=[0.01, 0.03, 0.1, 0.3, 1]),
    shifts=_tones("shifts", BOTH, offset=np.arange(320)),
)
GRIDS = dataclasses.replace(
    FULL_GRIDS,
    vowels=FULL_GRIDS.vowels.thinned(f1=8, f2=8),
    vowels_elsewhere=FULL_GRIDS.vowels_elsewhere.thinned(f1=8, f2=8),
    tones=_tones("tones", np.arange(13, 8000, 40)),
    tones_at_50=_tones("tones_at_50", np.arange(50, 8000, 150)),
    amplitudes=FULL_GRIDS.amplitudes.thinned(amplitude_low=10, amplitude_high=10),
    shifts=_tones("shifts", BOTH, offset=[0, 1, 2, 3, 4, 7, 40, 113, 211, 319]),
)
QUICK_GRIDS = dataclasses.replace(
    GRIDS,
    vowels=FULL_GRIDS.vowels.thinned(f0=4, f1=4, f2=4),
    vowels_elsewhere=FULL_GRIDS.vowels_elsewhere.thinned(f0=4, f1=4, f2=4),
    tones=_tones("tones", np.arange(13, 8000, 240)),
    tones_at_50=_tones("tones_at_50", np.arange(50, 8000, 450)),
    amplitudes=FULL_GRIDS.amplitudes.thinned(amplitude_low=5, amplitude_high=5),
    bursts=_bursts(*BURST_TONES_AT_50_HZ[2:4], *BURST_TONES_ELSEWHERE[2:4]),
    shifts=_tones("shifts", BOTH, offset=[0, 1, 113]),
)

HOP_MS = 20  # of the final frames of wav2vec 2.0
SEPARATED = 0.95  # AUC from which on a burst counts as told apart

NOTES = (
    "Every score is computed in the space of the features, never on a picture, and higher is what the paper's claim "
    "would have. An interval holds 95% of the values that the score takes when sounds are drawn again from the grid; "
    "it says nothing of other sounds.",
    "`ahead` and `behind` mean that the difference of two encoders on the same draws keeps its sign in 95% of them; of "
    "the untrained encoders, for every seed. No correction is made for the number of comparisons, and three seeds are "
    "few: one untrained encoder in four is the best of four. What `untrained` is ahead in shows how often chance is.",
    "The paper's six f0 are multiples of 25 Hz, at which frames see one or two phases; `not by 25 Hz` has six others.",
    'The "formants" are bare sines at F1 and F2, not resonances of a source.',
    "A cosine near 1 says little where all sounds are alike: `relative` divides by how far apart other sounds are.",
    "Any two rising curves are alike: an R^2 of a frequency scale means something only beside the others.",
)


def tone(frequency, amplitude, bias, offset):
    """A tone from its sample `offset` on; frequency and offset are whole numbers, so that their product is exact."""
    turns = jnp.mod(frequency * offset, stimuli.SAMPLE_RATE) / stimuli.SAMPLE_RATE
    return stimuli.sine_mixture([frequency], amplitude, phases=2 * jnp.pi * turns, bias=bias)


def triple(base_frequency, burst_frequency, burst_fraction):
    """The base tone, the burst's tone and the burst, one second each, as `BurstNearness` takes them."""
    tones = [stimuli.sine_mixture([frequency]) for frequency in (base_frequency, burst_frequency)]
    return jnp.concatenate([*tones, stimuli.burst(base_frequency, burst_frequency, burst_fraction)])


SOUNDS: dict[str, Callable] = {
    "vowels": vowel_chart.vowel,
    "vowels_elsewhere": vowel_chart.vowel,
    "tones": tone,
    "tones_at_50": tone,
    "amplitudes": amplitude.two_tones,
    "biases": tone,
    "levels": tone,
    "shifts": tone,
}


@dataclasses.dataclass(frozen=True)
class Heard:
    """What one layer of one encoder made of all sounds.

    Attributes:
        layer: the layer.
        grids: the sounds.
        mean: by grid (of `SOUNDS`) the features averaged over time, (n, channels).
        steady: by grid how steady the frames were, (n,).
        nearness: (bursts, frames), of each frame of a burst to its tone.
    """

    layer: Layer
    grids: Grids
    mean: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]
    nearness: np.ndarray

    def points(self, grid: str, *names: str) -> dict[str, np.ndarray]:
        """The parameters of a grid: those named, or all."""
        points = getattr(self.grids, grid).points()
        return {name: points[name] for name in names or points}

    @functools.cached_property
    def _read(self) -> dict[tuple[str, str | None], dict[str, Score]]:
        return {}

    def read(self, grid: str, parameter: str, *, across: str | None = None) -> Score:
        """Decodability of a parameter, across the values of another where one is given."""
        # All parameters of a grid are read at once.
        if (grid, across) not in self._read:
            points = self.points(grid)
            groups = None if across is None else points[across]
            self._read[grid, across] = scores.decodability(self.mean[grid], points, groups=groups)
        return self._read[grid, across][parameter]

    def monotonicity(self, grid: str, parameter: str) -> Score:
        return scores.monotonicity(self.mean[grid], self.points(grid), parameter)

    def geometry(self, grid: str, *parameters: str, within: str | None = None) -> Score:
        points = self.points(grid)
        label = None if within is None else points[within]
        return scores.geometry(self.mean[grid], self.points(grid, *parameters), within=label)

    def neighbours(self, grid: str) -> Score:
        return scores.neighbours(self.mean[grid], self.points(grid))

    def mel(self) -> dict[str, np.ndarray]:
        return {"mel": scales.mel(self.points("tones")["frequency"])}

    def mel_read(self) -> Score:
        return scores.decodability(self.mean["tones"], self.mel())["mel"]

    def scale_fit(self, scale: str, grid: str = "tones") -> Score:
        return scores.scale_fit(self.mean[grid], self.points(grid)["frequency"], SCALES[scale])

    def burst_separation(self, fraction: float, *, at_50_hz: bool) -> Score:
        points = self.points("bursts")
        rows = np.isclose(points["burst_fraction"], fraction) & (_at_50_hz(points["base_frequency"]) == at_50_hz)
        start, stop = (int(edge) for edge in stimuli.burst_span(fraction, num_samples=stimuli.SAMPLE_RATE))
        overlaps = self.layer.frames_seeing(start, stop, num_samples=stimuli.SAMPLE_RATE)
        return scores.burst_separation(self.nearness[rows], overlaps)

    def invariance(
        self, grid: str, parameter: str, reference: float, *, at_50_hz: bool, relative: bool = False
    ) -> Score:
        points = self.points(grid)
        rows = _at_50_hz(points["frequency"]) == at_50_hz
        score = scores.relative_invariance if relative else scores.invariance
        is_reference = np.isclose(points[parameter][rows], reference)
        return score(self.mean[grid][rows], points["frequency"][rows], is_reference)


def _at_50_hz(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(frequency) % 50 == 0


def _invariances(grid: str, parameter: str, reference: float, change: str) -> dict[str, Callable[[Heard], Score]]:
    found = {}
    for relative, kind in ((False, "cosine"), (True, "relative")):
        for at_50_hz, where in ((False, "other tones"), (True, "multiples of 50 Hz")):
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
    for at_50_hz, where in ((False, "other tones"), (True, "multiples of 50 Hz")):
        for fraction in grids.BURSTS.axis("burst_fraction")[::-1]:
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

# A score, or why there is none.
Cell = Score | str
Column = dict[str, dict[str, Cell]]  # by claim, then by score


def run(encoders: Sequence[NamedEncoder], workspace: Workspace, *, full: bool = False) -> Metrics:
    """Scores every encoder and its controls, and returns the metrics.

    Args:
        encoders: the encoders.
        workspace: where results are kept.
        full: whether to take the paper's full grids; `workspace.quick` comes first.
    """
    chosen = QUICK_GRIDS if workspace.quick else FULL_GRIDS if full else GRIDS
    controls_of = controls.controls_of(encoders)
    everyone = dict.fromkeys([*encoders, *(each for found in controls_of.values() for each in found.all)])
    heard = {encoder: listen(encoder, chosen, workspace) for encoder in everyone}
    columns = {
        encoder: {layer: measure(each) for layer, each in _with_progress(encoder, by_layer)}
        for encoder, by_layer in heard.items()
    }
    against = {encoder: compare(columns, encoder, controls_of[encoder]) for encoder in encoders}
    tuned = {encoder: measure_tuning(encoder, heard[encoder]) for encoder in encoders}

    table = table_lines(columns, controls_of, against)
    with files.atomic_path(workspace.path(NAME, "claims.csv")) as temporary:
        temporary.write_text(table_csv(columns, against), encoding="utf-8")
    with files.atomic_path(workspace.path(NAME, "claims.md")) as temporary:
        temporary.write_text("\n".join(table) + "\n", encoding="utf-8")
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
                "scores": _plain(columns[encoder]),
                "against": against[encoder],
                "shortest_burst_told_apart": shortest_bursts(heard[encoder]),
                "tuning": {layer: _tuning_numbers(found) for layer, found in tuned[encoder].items()},
            }
            for encoder in encoders
        },
        notes=NOTES,
        grids={field.name: len(getattr(chosen, field.name)) for field in dataclasses.fields(chosen)},
        controls={
            each.name: {"source": each.source, "scores": _plain(columns[each])}
            for each in everyone
            if each not in encoders
        },
    )
    print("\n".join(["", *table]))
    if remark := untrained_remark(encoders):
        print(f"\n{remark}")
    print(f"\nEverything, layer by layer: {workspace.path(NAME, 'claims.csv')}; figures beside it.")
    return metrics


def listen(encoder: NamedEncoder, chosen: Grids, workspace: Workspace) -> dict[str, Heard]:
    """Plays all sounds to an encoder: by layer, what it made of them."""
    layout = layers(encoder.encoder)
    means, steady = {}, {}
    for grid, synthesize in SOUNDS.items():
        features = workspace.sweep(NAME, controls.layer_means(encoder), getattr(chosen, grid), synthesize)
        by_layer = split(features, layout)
        means[grid] = {name: found.mean for name, found in by_layer.items()}
        steady[grid] = {name: found.steadiness for name, found in by_layer.items()}
    nearness = workspace.sweep(NAME, controls.burst_nearness(encoder), chosen.bursts, triple, pooling="none")
    nearness = split_nearness(nearness, layout, num_samples=stimuli.SAMPLE_RATE)
    return {
        layer.name: Heard(
            layer,
            chosen,
            {grid: found[layer.name] for grid, found in means.items()},
            {grid: found[layer.name] for grid, found in steady.items()},
            nearness[layer.name],
        )
        for layer in layout
    }


def measure(heard: Heard) -> Column:
    """Every score of one layer."""
    return {claim: {name: _cell(score, heard) for name, score in found.items()} for claim, found in CLAIMS.items()}


def _cell(score: Callable[[Heard], Score], heard: Heard) -> Cell:
    try:
        return score(heard)
    except UndefinedScoreError as error:
        return str(error)


def compare(
    columns: Mapping[NamedEncoder, Mapping[str, Column]], encoder: NamedEncoder, found: controls.Controls
) -> dict[str, dict[str, dict[str, str]]]:
    """Whether the encoder's final frames beat those of its controls.

    Returns:
        By claim, score and control: "ahead", "behind", "level" (within the interval) or "undefined". The control
        "untrained" stands for all seeds: ahead and behind are then to hold for each.
    """
    against: dict[str, dict[str, dict[str, str]]] = {}
    for claim, names in CLAIMS.items():
        against[claim] = {}
        for name in names:

            def verdict(control: NamedEncoder, claim: str = claim, name: str = name) -> str:
                return _verdict(columns[encoder][FRAMES][claim][name], columns[control][FRAMES][claim][name])

            each = {control.name: verdict(control) for control in found.all}
            seeds = {each[control.name] for control in found.untrained}
            each["untrained"] = seeds.pop() if len(seeds) == 1 else "undefined" if "undefined" in seeds else "level"
            against[claim][name] = each
    return against


def _verdict(ours: Cell, theirs: Cell) -> str:
    if isinstance(ours, str) or isinstance(theirs, str):
        return "undefined"
    try:
        found = scores.difference(ours, theirs)
    except UndefinedScoreError:
        return "undefined"
    return "ahead" if found.low > 0 else "behind" if found.high < 0 else "level"


def shortest_bursts(heard: Mapping[str, Heard]) -> Metrics:
    """By layer, the shortest burst from which on all longer ones have an AUC whose interval is above `SEPARATED`."""
    found: Metrics = {}
    for layer, each in heard.items():
        found[layer] = {}
        for at_50_hz, where in ((False, "other tones"), (True, "multiples of 50 Hz")):
            shortest = None
            for fraction in grids.BURSTS.axis("burst_fraction"):  # longest first
                if each.burst_separation(float(fraction), at_50_hz=at_50_hz).low < SEPARATED:
                    break
                shortest = float(fraction)
            found[layer][where] = shortest and {
                "ms": round(1000 * shortest),
                "frames": round(shortest * stimuli.SAMPLE_RATE / each.layer.hop, 3),
            }
    return found


def measure_tuning(encoder: NamedEncoder, heard: Mapping[str, Heard]) -> dict[str, tuning.TuningCurves]:
    """Tuning curves of the channels of every layer, from the pure tones."""
    return {
        layer: tuning.tuning_curves(each.mean["tones"], each.points("tones")["frequency"])
        for layer, each in heard.items()
    }


def _tuning_numbers(curves: tuning.TuningCurves) -> Metrics:
    quartiles = (25, 50, 75)
    ends = {"lowest": float(curves.frequency[0]), "highest": float(curves.frequency[-1])}
    return {
        "channels_tuned": len(curves.channel),
        "best_frequency_quartiles_hz": np.percentile(curves.best_frequency, quartiles),
        "bandwidth_quartiles_hz": np.percentile(curves.bandwidth, quartiles),
        # How far best frequencies are from an even spread along each scale.
        "distance_from_even_spread": {
            name: _number(tuning.spread_along(curves.best_frequency, scale, **ends)) for name, scale in SCALES.items()
        },
    }


def _plain(by_layer: Mapping[str, Column]) -> Metrics:
    return {
        layer: {claim: {name: _number(cell) for name, cell in found.items()} for claim, found in column.items()}
        for layer, column in by_layer.items()
    }


def _number(cell: Cell) -> Metrics:
    if isinstance(cell, str):
        return {"undefined": cell}
    return {"value": cell.value, "low": cell.low, "high": cell.high, "units": cell.units}


def table_csv(
    columns: Mapping[NamedEncoder, Mapping[str, Column]],
    against: Mapping[NamedEncoder, Mapping[str, Mapping[str, Mapping[str, str]]]],
) -> str:
    """The whole table: a row per score; per encoder and layer its value, low and high; then the verdicts."""
    several = [(encoder, layer) for encoder, by_layer in columns.items() for layer in by_layer]
    header = ["claim", "score"]
    for encoder, layer in several:
        header += [f"{encoder.name} {layer}", f"{encoder.name} {layer} low", f"{encoder.name} {layer} high"]
    first = next(iter(CLAIMS))
    rivals = {encoder: list(next(iter(found[first].values()))) for encoder, found in against.items()}
    header += [f"{encoder.name} against {rival}" for encoder, names in rivals.items() for rival in names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for claim, names in CLAIMS.items():
        for name in names:
            row = [claim, name]
            for encoder, layer in several:
                cell = columns[encoder][layer][claim][name]
                row += [""] * 3 if isinstance(cell, str) else [f"{x:.6g}" for x in (cell.value, cell.low, cell.high)]
            row += [against[encoder][claim][name][rival] for encoder, found in rivals.items() for rival in found]
            writer.writerow(row)
    return text.getvalue()


MARKS = {"ahead": "▲", "level": "=", "behind": "▼", "undefined": "?"}


def table_lines(
    columns: Mapping[NamedEncoder, Mapping[str, Column]],
    controls_of: Mapping[NamedEncoder, controls.Controls],
    against: Mapping[NamedEncoder, Mapping[str, Mapping[str, Mapping[str, str]]]],
) -> list[str]:
    """The final frames of each encoder beside its controls, as a Markdown table, and how often it is ahead."""
    lines = []
    for encoder, found in controls_of.items():
        rivals = ["untrained", *(each.name for each in found.spectrograms)]
        rows = [["claim", "score", encoder.name, "untrained, 3 seeds", *rivals[1:]]]
        for claim, names in CLAIMS.items():
            for name in names:
                verdicts = against[encoder][claim][name]
                cells = [columns[each][FRAMES][claim][name] for each in (encoder, *found.all)]
                ours, seeds, spectrograms = (
                    cells[0],
                    cells[1 : 1 + len(found.untrained)],
                    cells[1 + len(found.untrained) :],
                )
                values = [cell.value for cell in seeds if isinstance(cell, Score)]
                row = [claim, name, "undefined" if isinstance(ours, str) else f"{ours:.2f}"]
                row.append(f"{MARKS[verdicts['untrained']]} {min(values):.2f} … {max(values):.2f}" if values else "?")
                for control, cell in zip(found.spectrograms, spectrograms, strict=True):
                    row.append("?" if isinstance(cell, str) else f"{MARKS[verdicts[control.name]]} {cell:.2f}")
                rows.append(row)
        widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
        lines += [f"## {encoder.name}, final frames", ""]
        rows.insert(1, ["-" * width for width in widths])
        lines += ["| " + " | ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) + " |" for row in rows]
        lines += [
            "",
            f"{encoder.name} is ahead of (▲), level with (=) or behind (▼) the control, in how many scores:",
            "",
        ]
        for claim, names in CLAIMS.items():
            counts = []
            for rival in rivals:
                verdicts = [against[encoder][claim][name][rival] for name in names]
                counts.append(
                    f"{rival} " + " ".join(f"{MARKS[each]}{verdicts.count(each)}" for each in list(MARKS)[:3])
                )
            lines.append(f"- {claim}: " + "; ".join(counts))
        lines.append("")
        if encoder.is_untrained:
            lines += [
                f"`{encoder.name}` is itself UNTRAINED (random weights, seed 0): no claim about a trained model "
                "follows from this table. It shows what the architecture scores before it has learned anything.",
                "",
            ]
    return lines[:-1]


def _with_progress(encoder: NamedEncoder, by_layer: Mapping[str, Heard]):

    with progress_bar(f"{encoder.name}: scores", len(by_layer), unit=" layers") as bar:
        for layer, heard in by_layer.items():
            yield layer, heard
            bar.update()


if __name__ == "__main__":
    flags.launch(lambda encoders, workspace: run(encoders, workspace, full=FULL.value))

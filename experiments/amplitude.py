"""Section 3.5 of the paper: amplitude.

Writes the sweep `amplitudes` of two tones and its UMAP picture for each encoder.
"""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from w2v_jax import grids, projection, scores, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.scores import Bootstrap

from .draw import figures
from .experiment import Experiment, Figure, Map, Parameter
from .hearing import Heard, Points, Setting, Sweep
from .launch import flags
from .measures import map_order
from .sentences import next_to_controls
from .store import rows
from .store.rows import Measurements, Row

FREQUENCIES = (100.0, 700.0)  # of the low and the high tone
PARAMETERS = ("amplitude_low", "amplitude_high")
AMPLITUDES = grids.AMPLITUDES
MARKED_AMPLITUDES = (0.1, 0.2, 0.3, 0.4, 0.5)
_THIN = {"smoke": dict.fromkeys(PARAMETERS, 4), "quick": dict.fromkeys(PARAMETERS, 7)}  # values of each, at most

# Quantities; `frequency` is that of the tone whose amplitude changes.
STEP = "mean cosine distance to the next amplitude"
ORDER = "distance and amplitude distance, Spearman"
ENERGY_STEP = "energy between neighbouring amplitudes of the grid"

NOTES = (
    "The amplitudes are spaced evenly in their square root, as in the authors' code. The paper's text says evenly in "
    "energy, the square of the amplitude: its grid has more quiet sounds than its text says.",
    f"`{STEP}`: the amplitude of one tone grows by a step of the grid, that of the other stays the same.",
    f"`{ORDER}`: over pairs of sounds, between the cosine distance of their features and their distance in both "
    "amplitudes. The interval resamples these sounds; it does not cover other trainings.",
    map_order.note("both amplitudes"),
    map_order.NOTE,
)


def two_tones(amplitude_low: Scalar, amplitude_high: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture(FREQUENCIES, [amplitude_low, amplitude_high], sample_rate=sample_rate)


def grid_for(setting: Setting) -> grids.Grid:
    """Both amplitudes; fewer where grids are thin."""
    return AMPLITUDES.thinned(**_THIN.get(setting.results.size, {}))


def measure(heard: Heard) -> list[Row]:
    """How far a step in one amplitude moves the features, and whether distances follow both amplitudes."""
    grid, features, bootstrap = heard.grid(AMPLITUDES.name), heard.features(AMPLITUDES.name), heard.results.bootstrap
    order = map_order.measure(features, map_positions(heard), grid.points(), sweep=grid.name, bootstrap=bootstrap)
    return [
        *measure_steps(features, grid),
        measure_order(features, grid, bootstrap=bootstrap),
        *order.rows(),
    ]


def measure_steps(features: np.ndarray, grid: grids.Grid) -> list[Row]:
    """How far a step in one amplitude moves the features, (n, channels) in grid order, the other amplitude fixed."""
    steps = similarity.grid_distances(features, grid.shape)
    return [rows.number(STEP, step, frequency=hertz) for step, hertz in zip(steps, FREQUENCIES, strict=True)]


def measure_order(features: np.ndarray, grid: grids.Grid, *, bootstrap: Bootstrap | None = None) -> Row:
    """Whether sounds whose amplitudes differ more lie farther apart, for features (n, channels) in grid order."""
    cell = rows.attempted(lambda: scores.rsa(features, grid.points(), bootstrap=bootstrap))
    return rows.score(ORDER, cell, better="higher")


def compare(several: Sequence[Heard], measured: Measurements) -> list[Row]:
    """How uneven the grid is, which is the same for all."""
    return measure_spacing(several[0].grid(AMPLITUDES.name))


def measure_spacing(grid: grids.Grid) -> list[Row]:
    """The steps of the grid in energy, amplitude squared."""
    amplitudes = grid.axis("amplitude_low").astype(np.float64)
    return rows.curve(ENERGY_STEP, np.diff(amplitudes**2), amplitude=amplitudes[:-1], next_amplitude=amplitudes[1:])


def map_positions(heard: Heard) -> np.ndarray:
    """The map as drawn, (n, 2)."""
    return heard.remembered("map", lambda: oriented(heard.umap(AMPLITUDES.name), heard.grid(AMPLITUDES.name)))


def oriented(positions: np.ndarray, grid: grids.Grid) -> np.ndarray:
    """Map positions, (n, 2), turned so that the low tone's amplitude grows to the right and the high one's upwards."""
    points = grid.points()
    amplitudes = np.stack([points[name] for name in PARAMETERS], axis=1)
    return positions @ projection.orientation(positions, amplitudes)


def headline(measured: Measurements) -> str:
    """Whether distances follow two amplitudes, and better than those of the controls."""
    said = next_to_controls(measured, ORDER, above="more closely than", below="less closely than")
    if not said:
        return "The rank correlation between distances of sums of two tones and the two amplitudes is undefined."
    return f"Distances between sums of two tones follow the two amplitudes with a rank correlation of {said}."


RULE = "A rank correlation of 1 keeps the order of all distances."


def draw(several: Sequence[Heard], measured: Measurements) -> figures.Figure:
    """A panel per encoder: the mesh, coloured by which tone is louder, with both amplitudes marked along its edges."""
    figure, panels = figures.panels(len(several), size=(5.6, 5.4), columns=3)
    grid = several[0].grid(AMPLITUDES.name)
    decibels = _louder(grid.points())
    limit = float(np.abs(decibels).max())
    colours = figures.BLUE_TO_ORANGE((decibels + limit) / (2 * limit)).reshape(*grid.shape, 4)
    low, high = (f"{frequency:g} Hz" for frequency in FREQUENCIES)
    meshes = [map_positions(each).reshape(*grid.shape, 2) for each in several]
    for axes, each, mesh in zip(panels, several, meshes, strict=True):
        figures.mesh(axes, mesh, colours, linewidth=0.8, point_size=9)
        for edge, parameter, colour in _edges(mesh):
            marked = _along(edge, grid.axis(parameter), MARKED_AMPLITUDES)
            axes.plot(*edge.T, color=colour, linewidth=1.6, zorder=3)
            axes.scatter(marked[:, 0], marked[:, 1], s=30, color=colour, edgecolors="white", linewidths=0.8, zorder=4)
        of = figures.map_of(f"{len(grid)} sums of two tones", each.results.size)
        below = map_order.below(measured, each.name, grid.name)
        figures.as_map(axes, f"Amplitudes of {low} and {high}: {each.name}", of=of, below=below)
        axes.margins(0.14)
    figures.colour_bar(panels, f"{high} over {low} (dB)", (-limit, limit), colours=figures.BLUE_TO_ORANGE)
    marks = ", ".join(f"{amplitude:g}" for amplitude in MARKED_AMPLITUDES)
    quietest = f"{MARKED_AMPLITUDES[0]:g}"
    handles = [
        figures.line(figures.BLUE, f"{low} louder, {high} at {quietest} (dots: {marks})"),
        figures.line(figures.ORANGE, f"{high} louder, {low} at {quietest} (dots: {marks})"),
    ]
    figures.legend(figure, handles)
    loudest = f"{MARKED_AMPLITUDES[-1]:g}"
    for axes, mesh in zip(panels, meshes, strict=True):
        ends = [
            figures.Label(f"both {quietest}", mesh[0, 0]),
            figures.Label(f"{low}: {loudest}", mesh[-1, 0], figures.BLUE),
            figures.Label(f"{high}: {loudest}", mesh[0, -1], figures.ORANGE),
        ]
        figures.labels(axes, ends, fontsize=9, avoid=np.concatenate([mesh[:, 0], mesh[0]]))
    return figure


def _edges(mesh: np.ndarray) -> Iterator[tuple[np.ndarray, str, str]]:
    """The two edges where the other tone is quietest: positions (n, 2), whose amplitude grows, and the colour."""
    yield mesh[:, 0], "amplitude_low", figures.BLUE
    yield mesh[0], "amplitude_high", figures.ORANGE


def _along(edge: np.ndarray, values: np.ndarray, marked: Sequence[float]) -> np.ndarray:
    """Where the marked values lie on an edge, (marked, 2)."""
    return np.stack([np.interp(marked, values, edge[:, axis]) for axis in (0, 1)], axis=1)


def _louder(points: Points) -> np.ndarray:
    """How much louder the high tone is than the low one, dB."""
    decibels: np.ndarray = 20 * np.log10(points["amplitude_high"] / points["amplitude_low"])
    return decibels


def _map(heard: Heard) -> tuple[Points, np.ndarray]:
    return heard.grid(AMPLITUDES.name).points(), map_positions(heard)


def _sound(points: Points) -> dict[str, object]:
    return {"kind": "sines", "frequencies": list(FREQUENCIES), "amplitudes": list(PARAMETERS)}


def _labels(points: Points, measured: Measurements) -> list[dict[str, object]]:
    low, high = (points[name] for name in PARAMETERS)
    low_hz, high_hz = FREQUENCIES
    ends = (
        (f"both {low.min():g}", low + high),
        (f"{low_hz:g} Hz: {low.max():g}", high - low),
        (f"{high_hz:g} Hz: {high.max():g}", low - high),
    )
    return [{"text": text, "row": int(np.argmin(which))} for text, which in ends]


EXPERIMENT = Experiment(
    name="amplitude",
    title="Amplitude",
    question="How do the amplitudes of two tones show in the features?",
    in_paper=True,
    sweeps=(Sweep(AMPLITUDES.name, grid_for, two_tones),),
    measure=measure,
    compare=compare,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "amplitudes",
            "Two amplitudes, as a figure",
            figures.AS_A_FIGURE,
            lambda heard, measured: draw([heard], measured),
            folded=True,
        ),
        Figure("amplitudes", "All encoders", figures.AS_A_FIGURE, draw, joint=True, at_least=2, on_page=False),
    ),
    maps=(
        Map(
            "amplitudes",
            "Two amplitudes",
            "Each point is a sum of two tones. Where the features keep both amplitudes, the map is a sheet with the "
            "quietest sound in one corner.",
            _map,
            parameters=tuple(
                Parameter(name, f"Amplitude of {hertz:g} Hz")
                for name, hertz in zip(PARAMETERS, FREQUENCIES, strict=True)
            ),
            colour="ratio",
            colour_title=f"{FREQUENCIES[1]:g} Hz over {FREQUENCIES[0]:g} Hz (dB)",
            colours=_louder,
            diverging=True,
            of=lambda points: f"{len(points[PARAMETERS[0]]):,} sums of two tones",
            sound=_sound,
            labels=_labels,
        ),
    ),
    table=(STEP, ORDER),
    notes=NOTES,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)

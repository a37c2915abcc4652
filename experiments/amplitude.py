"""Section 3.5: amplitude.

Writes the sweep `amplitudes` of two tones and its UMAP picture for each encoder.
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, projection, similarity, stimuli
from w2v_jax.arguments import Scalar

from .harness import figures, flags, maps, metrics
from .harness.conclusions import compared
from .harness.front_ends import NamedFrontEnd
from .harness.metrics import Metrics
from .harness.results import Results

NAME = "amplitude"

FREQUENCIES = (100.0, 700.0)  # of the low and the high tone
AMPLITUDES = grids.AMPLITUDES
QUICK_AMPLITUDES = grids.AMPLITUDES.thinned(amplitude_low=7, amplitude_high=7)
MARKED_AMPLITUDES = (0.1, 0.2, 0.3, 0.4, 0.5)

NOTES = (
    "The amplitudes are spaced evenly in their square root, as in the authors' code. The paper says evenly in energy, "
    "which would be their square: its grid has more quiet sounds than its text says.",
    "The mean cosine distances between neighbours, in the table, are those along one amplitude, the other fixed.",
)


def two_tones(amplitude_low: Scalar, amplitude_high: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture(FREQUENCIES, [amplitude_low, amplitude_high], sample_rate=sample_rate)


def run(front_ends: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    """Runs the section for every front end and returns its metrics."""
    grid = QUICK_AMPLITUDES if results.quick else AMPLITUDES
    measured, positions = {}, {}
    for each in front_ends:
        features = results.sweep(NAME, each, grid, two_tones)
        low, high = similarity.grid_distances(features, grid.shape)
        measured[each] = {
            "amplitudes": grid.axis("amplitude_low"),
            "energy_steps": measure_spacing(grid),
            "mean_adjacent_distance": {"amplitude_low": low, "amplitude_high": high},
        }
        positions[each] = maps.umap(results, NAME, each, grid.name, features)
        results.save_figure(NAME, f"amplitudes.{each.name}", draw({each: positions[each]}, grid))
    if len(front_ends) > 1:
        results.save_figure(NAME, "amplitudes", draw(positions, grid))
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}),
        notes=NOTES,
    )


def measure_spacing(grid: grids.Grid) -> Metrics:
    """How uneven the grid is in energy: its smallest and largest step in amplitude squared."""
    steps = np.diff(grid.axis("amplitude_low").astype(np.float64) ** 2)
    return {"smallest": float(np.min(steps)), "largest": float(np.max(steps))}


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    distances = measured["mean_adjacent_distance"]
    return {
        f"amplitude of {frequency:g} Hz: mean cosine distance between neighbours": distances[parameter]
        for frequency, parameter in zip(FREQUENCIES, ("amplitude_low", "amplitude_high"), strict=True)
    }


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    parts = []
    for frequency, parameter in zip(FREQUENCIES, ("amplitude_low", "amplitude_high"), strict=True):
        distances = {name: found["mean_adjacent_distance"][parameter] for name, found in measured.items()}
        parts.append(
            f"{compared(distances, better='higher', means='farther apart', spec='.2g')} for the {frequency:g} Hz tone"
        )
    return f"A step in one amplitude moves the features by a cosine distance of {', and of '.join(parts)}."


def draw(maps: dict[NamedFrontEnd, np.ndarray], grid: grids.Grid) -> figures.Figure:
    """A panel per encoder: the mesh, coloured by which tone is louder, with both amplitudes marked along its edges."""
    figure, panels = figures.panels(len(maps), size=(5.6, 5.0), columns=3)
    points = grid.points()
    decibels = 20 * np.log10(points["amplitude_high"] / points["amplitude_low"])
    limit = float(np.abs(decibels).max())
    colours = figures.BLUE_TO_ORANGE((decibels + limit) / (2 * limit)).reshape(*grid.shape, 4)
    amplitudes = np.stack([points["amplitude_low"], points["amplitude_high"]], axis=1)
    low, high = (f"{frequency:g} Hz" for frequency in FREQUENCIES)
    meshes = {
        each: (positions @ projection.orientation(positions, amplitudes)).reshape(*grid.shape, 2)
        for each, positions in maps.items()
    }
    for axes, (each, mesh) in zip(panels, meshes.items(), strict=True):
        figures.mesh(axes, mesh, colours, linewidth=0.8, point_size=9)
        figures.arrow(axes, mesh[0, 0], mesh[-1, 0], figures.BLUE)
        figures.arrow(axes, mesh[0, 0], mesh[0, -1], figures.ORANGE)
        figures.as_map(axes, f"Amplitudes of {low} and {high}: {each.name}")
        axes.margins(0.14)
    figures.colour_bar(panels, f"{high} over {low} (dB)", (-limit, limit), colours=figures.BLUE_TO_ORANGE)
    for axes, mesh in zip(panels, meshes.values(), strict=True):
        figures.labels(axes, _edge_labels(mesh, grid), fontsize=8)
    return figure


def _edge_labels(mesh: np.ndarray, grid: grids.Grid) -> list[figures.Label]:
    """Labels 0.1 ... 0.5 along the two edges where the other tone is quietest, and the names of the arrows."""
    labels = [figures.Label(f"both {MARKED_AMPLITUDES[0]:g}", mesh[0, 0])]
    for edge, parameter, colour, frequency in (
        (mesh[:, 0], "amplitude_low", figures.BLUE, FREQUENCIES[0]),
        (mesh[0], "amplitude_high", figures.ORANGE, FREQUENCIES[1]),
    ):
        for amplitude in MARKED_AMPLITUDES[1:]:
            along = np.interp(amplitude, grid.axis(parameter), np.arange(len(edge)))
            position = [np.interp(along, np.arange(len(edge)), edge[:, axis]) for axis in (0, 1)]
            name = f"A({frequency:g} Hz) = " if amplitude == MARKED_AMPLITUDES[-1] else ""
            labels.append(figures.Label(f"{name}{amplitude:g}", position, colour))
    return labels


if __name__ == "__main__":
    flags.launch(run)

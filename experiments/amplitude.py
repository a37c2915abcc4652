"""Section 3.5: amplitude.

Writes the sweep `amplitudes` of two tones and its UMAP picture for each encoder.
"""

from collections.abc import Sequence

import numpy as np

from w2v_jax import grids, projection, stimuli

from .harness import figures, flags, neighbours
from .harness.front_ends import NamedEncoder
from .harness.workspace import Metrics, Workspace

NAME = "amplitude"

FREQUENCIES = (100.0, 700.0)  # of the low and the high tone
AMPLITUDES = grids.AMPLITUDES
QUICK_AMPLITUDES = grids.AMPLITUDES.thinned(amplitude_low=7, amplitude_high=7)
MARKED_AMPLITUDES = (0.1, 0.2, 0.3, 0.4, 0.5)

NOTES = (
    "The amplitudes are spaced evenly in their square root, as in the authors' code. The paper says evenly in energy, "
    "which would be their square: its grid has more quiet sounds than its text says.",
    neighbours.NOTE,
)


def two_tones(amplitude_low, amplitude_high):
    return stimuli.sine_mixture(FREQUENCIES, [amplitude_low, amplitude_high])


def run(encoders: Sequence[NamedEncoder], workspace: Workspace) -> Metrics:
    """Runs the section for every encoder and returns its metrics."""
    grid = workspace.grid(AMPLITUDES, QUICK_AMPLITUDES)
    measured, maps = {}, {}
    for encoder in encoders:
        features = workspace.sweep(NAME, encoder, grid, two_tones)
        measured[encoder] = {
            "amplitudes": grid.axis("amplitude_low"),
            "energy_steps": measure_spacing(grid),
            "mean_adjacent_distance": neighbours.mean_distance(features, grid),
        }
        maps[encoder] = workspace.positions(
            NAME,
            encoder,
            grid.name,
            [features],
            lambda features=features: {"positions": projection.project(features)},
            settings=projection.LOCAL,
        )["positions"]
        workspace.save_figure(NAME, f"amplitudes.{encoder.name}", draw({encoder: maps[encoder]}, grid))
    if len(encoders) > 1:
        workspace.save_figure(NAME, "amplitudes", draw(maps, grid))
    return workspace.save_metrics(NAME, measured, summary=summary, notes=NOTES)


def measure_spacing(grid: grids.Grid) -> Metrics:
    """How uneven the grid is in energy: its smallest and largest step in amplitude squared."""
    steps = np.diff(grid.axis("amplitude_low").astype(np.float64) ** 2)
    return {"smallest": float(steps.min()), "largest": float(steps.max())}


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    distances = measured["mean_adjacent_distance"]
    return {
        f"amplitude of {frequency:g} Hz: mean cosine distance between neighbours": distances[parameter]
        for frequency, parameter in zip(FREQUENCIES, ("amplitude_low", "amplitude_high"), strict=True)
    }


def draw(maps: dict[NamedEncoder, np.ndarray], grid: grids.Grid) -> figures.Figure:
    """A panel per encoder: the mesh, coloured by which tone is louder, with both amplitudes marked along its edges."""
    figure, panels = figures.panels(len(maps), size=(5.6, 5.0), columns=3)
    points = grid.points()
    decibels = 20 * np.log10(points["amplitude_high"] / points["amplitude_low"])
    limit = float(np.abs(decibels).max())
    colours = figures.BLUE_TO_ORANGE((decibels + limit) / (2 * limit)).reshape(*grid.shape, 4)
    amplitudes = np.stack([points["amplitude_low"], points["amplitude_high"]], axis=1)
    low, high = (f"{frequency:g} Hz" for frequency in FREQUENCIES)
    meshes = {
        encoder: (positions @ projection.orientation(positions, amplitudes)).reshape(*grid.shape, 2)
        for encoder, positions in maps.items()
    }
    for axes, (encoder, mesh) in zip(panels, meshes.items(), strict=True):
        figures.mesh(axes, mesh, colours, linewidth=0.8, point_size=9)
        figures.arrow(axes, mesh[0, 0], mesh[-1, 0], figures.BLUE)
        figures.arrow(axes, mesh[0, 0], mesh[0, -1], figures.ORANGE)
        figures.as_map(axes, f"Amplitudes of {low} and {high}: {encoder.name}")
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

"""Section 3.5: amplitude.

Writes the sweep `amplitudes` of two tones and its UMAP picture for each encoder.
"""

from collections.abc import Iterator, Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, projection, scores, similarity, stimuli
from w2v_jax._src.arguments import Scalar

from .draw import figures
from .front_ends.named import NamedFrontEnd
from .launch import flags
from .measures import map_order
from .measures.map_order import MapOrder
from .sentences import compared
from .store import cells, maps, metrics
from .store.metrics import Metrics
from .store.results import Results

NAME = "amplitude"

FREQUENCIES = (100.0, 700.0)  # of the low and the high tone
AMPLITUDES = grids.AMPLITUDES
QUICK_AMPLITUDES = grids.AMPLITUDES.thinned(amplitude_low=7, amplitude_high=7)
MARKED_AMPLITUDES = (0.1, 0.2, 0.3, 0.4, 0.5)
ORDER = "distance and amplitude distance, Spearman"

NOTES = (
    "The amplitudes are spaced evenly in their square root, as in the authors' code. The paper says evenly in energy, "
    "which would be their square: its grid has more quiet sounds than its text says.",
    "The mean cosine distances between neighbours, in the table, are those along one amplitude, the other fixed.",
    f"`{ORDER}`: over pairs of sounds, of the cosine distance of their features with their distance in both "
    "amplitudes. Its interval is of these sounds; it says nothing of another training.",
    map_order.note("both amplitudes"),
)


def two_tones(amplitude_low: Scalar, amplitude_high: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture(FREQUENCIES, [amplitude_low, amplitude_high], sample_rate=sample_rate)


def run(front_ends: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    """Runs the section for every front end and returns its metrics."""
    grid = QUICK_AMPLITUDES if results.quick else AMPLITUDES
    measured, positions, orders = {}, {}, {}
    for each in front_ends:
        features = results.sweep(NAME, each, grid, two_tones)
        low, high = similarity.grid_distances(features, grid.shape)
        positions[each] = oriented(maps.umap(results, NAME, each, grid.name, features), grid)
        orders[each] = map_order.measure(features, positions[each], grid.points())
        measured[each] = {
            "amplitudes": grid.axis("amplitude_low"),
            "energy_steps": measure_spacing(grid),
            "mean_adjacent_distance": {"amplitude_low": low, "amplitude_high": high},
            ORDER: cells.number(measure_order(features, grid)),
            map_order.KEY: {grid.name: orders[each].as_numbers()},
        }
        maps.save_csv(results, NAME, each, grid.name, grid.points(), positions[each])
        one = draw({each: positions[each]}, grid, orders=orders, quick=results.quick)
        results.save_figure(NAME, f"amplitudes.{each.name}", one)
    if len(front_ends) > 1:
        results.save_figure(NAME, "amplitudes", draw(positions, grid, orders=orders, quick=results.quick))
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


def measure_order(features: np.ndarray, grid: grids.Grid) -> cells.Cell:
    """Whether sounds whose amplitudes differ more lie farther apart, for features (n, channels) in grid order."""
    return cells.attempted(lambda: scores.rsa(features, grid.points()))


def oriented(positions: np.ndarray, grid: grids.Grid) -> np.ndarray:
    """Map positions, (n, 2), turned so that the low tone's amplitude grows to the right and the high one's upwards."""
    points = grid.points()
    amplitudes = np.stack([points["amplitude_low"], points["amplitude_high"]], axis=1)
    return positions @ projection.orientation(positions, amplitudes)


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    distances = measured["mean_adjacent_distance"]
    found = {
        f"amplitude of {frequency:g} Hz: mean cosine distance between neighbours": distances[parameter]
        for frequency, parameter in zip(FREQUENCIES, ("amplitude_low", "amplitude_high"), strict=True)
    }
    if "value" in measured[ORDER]:
        found[f"amplitudes: {ORDER}"] = measured[ORDER]["value"]
    return found


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    parts = []
    for frequency, parameter in zip(FREQUENCIES, ("amplitude_low", "amplitude_high"), strict=True):
        distances = {name: found["mean_adjacent_distance"][parameter] for name, found in measured.items()}
        parts.append(
            f"{compared(distances, better='higher', means='farther apart', spec='.2g')} for the {frequency:g} Hz tone"
        )
    said = f"A step in one amplitude moves the features by a cosine distance of {', and of '.join(parts)}."
    order = {name: found[ORDER]["value"] for name, found in measured.items() if "value" in found.get(ORDER, {})}
    if order:
        said += (
            " Distances follow those of both amplitudes with a Spearman correlation of "
            f"{compared(order, better='higher', means='the order is kept better')}."
        )
    return said


def draw(
    maps: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    *,
    orders: Mapping[NamedFrontEnd, MapOrder],
    quick: bool = False,
) -> figures.Figure:
    """A panel per encoder: the mesh, coloured by which tone is louder, with both amplitudes marked along its edges.

    Args:
        maps: positions, (n, 2), turned by `oriented`.
        grid: their parameters.
        orders: the numbers under each map.
        quick: whether the grid is thin, which the caption says.
    """
    figure, panels = figures.panels(len(maps), size=(5.6, 5.4), columns=3)
    points = grid.points()
    decibels = 20 * np.log10(points["amplitude_high"] / points["amplitude_low"])
    limit = float(np.abs(decibels).max())
    colours = figures.BLUE_TO_ORANGE((decibels + limit) / (2 * limit)).reshape(*grid.shape, 4)
    low, high = (f"{frequency:g} Hz" for frequency in FREQUENCIES)
    meshes = {each: positions.reshape(*grid.shape, 2) for each, positions in maps.items()}
    for axes, (each, mesh) in zip(panels, meshes.items(), strict=True):
        figures.mesh(axes, mesh, colours, linewidth=0.8, point_size=9)
        for edge, parameter, colour in _edges(mesh):
            marked = _along(edge, grid.axis(parameter), MARKED_AMPLITUDES)
            axes.plot(*edge.T, color=colour, linewidth=1.6, zorder=3)
            axes.scatter(marked[:, 0], marked[:, 1], s=30, color=colour, edgecolors="white", linewidths=0.8, zorder=4)
        of = figures.quick_mark(f"{len(grid)} sums of two tones", quick=quick)
        below = map_order.caption(orders[each])
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
    for axes, mesh in zip(panels, meshes.values(), strict=True):
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


if __name__ == "__main__":
    flags.launch(run)

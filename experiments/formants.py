"""Section 3.4: formants.

Writes the sweeps `vowel_space` and `vowel_space_by_f0` (and `vowel_space_fine` with `--fine`), the vowel space of each
encoder drawn by UMAP, the same at six fundamental frequencies, and the linear CKA between encoders.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from absl import flags as absl_flags
from matplotlib.axes import Axes

from w2v_jax import grids, similarity

from .harness import figures, flags, neighbours, vowel_chart
from .harness.front_ends import NamedEncoder
from .harness.workspace import Metrics, Workspace

NAME = "formants"

VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE
QUICK_VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE.thinned(f1=8, f2=24)

NOTES = (vowel_chart.NOTE, neighbours.NOTE)

FINE = absl_flags.DEFINE_bool("fine", False, "formants: also sweep the 120,000 points of vowel_space_fine (not drawn).")


def run(encoders: Sequence[NamedEncoder], workspace: Workspace, *, fine: bool = False) -> Metrics:
    """Runs the section for every encoder and returns its metrics.

    Args:
        encoders: the encoders.
        workspace: where results are kept.
        fine: whether to sweep `vowel_space_fine` too.
    """
    grid = workspace.grid(vowel_chart.VOWEL_SPACE, vowel_chart.QUICK_VOWEL_SPACE)
    grid_by_f0 = workspace.grid(vowel_chart.VOWEL_SPACE_BY_F0, vowel_chart.QUICK_VOWEL_SPACE_BY_F0)
    grid_fine = workspace.grid(VOWEL_SPACE_FINE, QUICK_VOWEL_SPACE_FINE)
    measured, features_by_f0, maps, maps_by_f0 = {}, {}, {}, {}
    for encoder in encoders:
        features = vowel_chart.sweep(workspace, encoder, grid)
        features_by_f0[encoder] = vowel_chart.sweep(workspace, encoder, grid_by_f0)
        measured[encoder] = {
            each.name: {"mean_adjacent_distance": neighbours.mean_distance(points, each)}
            for each, points in ((grid, features), (grid_by_f0, features_by_f0[encoder]))
        }
        if fine:
            finely = vowel_chart.sweep(workspace, encoder, grid_fine)
            measured[encoder][grid_fine.name] = {"mean_adjacent_distance": neighbours.mean_distance(finely, grid_fine)}
        maps[encoder] = vowel_chart.project(workspace, encoder, grid, features)
        maps_by_f0[encoder] = vowel_chart.project(workspace, encoder, grid_by_f0, features_by_f0[encoder])

    for encoder in encoders:
        workspace.save_figure(NAME, f"vowel_space.{encoder.name}", draw_vowel_spaces({encoder: maps[encoder]}, grid))
        workspace.save_figure(
            NAME, f"vowel_space_by_f0.{encoder.name}", draw_by_f0({encoder: maps_by_f0[encoder]}, grid_by_f0)
        )
    between = None
    if len(encoders) > 1:
        workspace.save_figure(NAME, "vowel_space", draw_vowel_spaces(maps, grid))
        workspace.save_figure(NAME, "vowel_space_by_f0", draw_by_f0(maps_by_f0, grid_by_f0))
        between = {"linear_cka": measure_cka(features_by_f0)}
        workspace.save_figure(NAME, "cka", draw_cka(encoders, between))
    return workspace.save_metrics(NAME, measured, summary=summary, notes=NOTES, between_encoders=between)


def measure_cka(features: dict[NamedEncoder, np.ndarray]) -> list[Metrics]:
    """Linear CKA of every two encoders, of features (n, channels) of the same sounds."""
    return [
        {
            "encoders": [first.name, second.name],
            "linear_cka": float(similarity.linear_cka(features[first], features[second])),
        }
        for first, second in itertools.combinations(features, 2)
    ]


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    return {
        f"vowels: mean cosine distance between neighbours along {parameter.upper()}": distance
        for parameter, distance in measured["vowel_space_by_f0"]["mean_adjacent_distance"].items()
    }


def draw_vowel_spaces(maps: dict[NamedEncoder, np.ndarray], grid: grids.Grid) -> figures.Figure:
    """A panel per encoder: the mesh, coloured by F1, with the IPA's vowels."""
    titled = {f"Vowel space: {encoder.name}": positions for encoder, positions in maps.items()}
    return vowel_chart.draw_spaces(titled, grid)


def draw_by_f0(maps: dict[NamedEncoder, np.ndarray], grid: grids.Grid) -> figures.Figure:
    """A panel per encoder: one mesh per fundamental frequency, with its F1 and F2 arrows."""
    figure, panels = figures.panels(len(maps), size=(5.4, 5.2), columns=3)
    names = []
    for axes, (encoder, positions) in zip(panels, maps.items(), strict=True):
        names.append(_by_f0(axes, vowel_chart.oriented(positions, grid), grid))
        figures.as_map(axes, f"Vowel spaces by f0: {encoder.name}")
    handles = [
        *(figures.line(_f0_colour(i, grid), f"{f0:g} Hz") for i, f0 in enumerate(grid.axis("f0"))),
        figures.line(figures.BLUE, "F1, low to high", width=3),
        figures.line(figures.ORANGE, "F2, low to high", width=3),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    for axes, chosen in zip(panels, names, strict=True):
        figures.labels(axes, chosen, fontsize=9)
    return figure


def _by_f0(axes: Axes, meshes: np.ndarray, grid: grids.Grid) -> list[figures.Label]:
    """Draws a mesh per f0, and returns their names, at the ends of the highest formants."""
    names = []
    for i, (mesh, f0) in enumerate(zip(meshes, grid.axis("f0"), strict=True)):
        colour = _f0_colour(i, grid)
        figures.mesh(axes, mesh, np.array(colour), linewidth=0.5, point_size=0)
        vowel_chart.formant_arrows(axes, mesh, width=1.8)
        names.append(figures.Label(f"{f0:g} Hz", mesh[-1, -1], colour))
    return names


def _f0_colour(index: int, grid: grids.Grid) -> tuple[float, ...]:
    # Not up to the end of the map: its yellow is hard to see on white.
    return figures.SEQUENTIAL(0.92 * index / (grid.shape[0] - 1))


def draw_cka(encoders: Sequence[NamedEncoder], between: Metrics) -> figures.Figure:
    names = [encoder.name for encoder in encoders]
    matrix = np.eye(len(names))
    for pair in between["linear_cka"]:
        row, column = (names.index(name) for name in pair["encoders"])
        matrix[row, column] = matrix[column, row] = pair["linear_cka"]
    size = 3.0 + 0.55 * len(names)
    figure, (axes,) = figures.panels(1, size=(size + 1.2, size))
    figures.heat_map(axes, matrix, rows=names, columns=names, limits=(0, 1), colour_label="Linear CKA", digits=3)
    axes.tick_params(axis="x", rotation=30)
    axes.set_title("Similarity of vowel spaces by f0")
    return figure


if __name__ == "__main__":
    flags.launch(lambda encoders, workspace: run(encoders, workspace, fine=FINE.value))

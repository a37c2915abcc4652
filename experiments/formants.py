"""Section 3.4: formants.

Writes the sweeps `vowel_space`, `vowel_space_by_f0` and `vowel_space_source_filter` (and `vowel_space_fine` with
`--fine`), the vowel space of each encoder drawn by UMAP, the same at six fundamental frequencies, the vowel space of
resonances beside that of the paper's bare sines, and the linear CKA between encoders.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from absl import flags as absl_flags
from matplotlib.axes import Axes

from w2v_jax import grids, scores, similarity
from w2v_jax.scores import Score

from .harness import cells, figures, flags, metrics, vowel_chart, vowel_flags
from .harness.conclusions import compared
from .harness.front_ends import NamedFrontEnd
from .harness.metrics import Metrics
from .harness.results import Results
from .harness.vowel_choice import PAPERS, VowelChoice

NAME = "formants"

VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE
QUICK_VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE.thinned(f1=8, f2=24)

NOTES = (
    vowel_chart.NOTE,
    "The mean cosine distances between neighbours, in the table, are those along one parameter, the others fixed.",
    "`vowel_space_source_filter` has the grid of `vowel_space` with resonances: harmonics of f0, of a glottal pulse, "
    "through ten formants. `vowel_map` has the same scores for both kinds of sound.",
)

SINES, RESONANCES = "sines", "resonances"

FINE = absl_flags.DEFINE_bool("fine", False, "formants: also sweep the 120,000 points of vowel_space_fine (not drawn).")


def run(front_ends: Sequence[NamedFrontEnd], results: Results, *, fine: bool = False) -> Metrics:
    """Runs the section for every front end and returns its metrics.

    Args:
        front_ends: the front ends.
        results: where results are kept.
        fine: whether to sweep `vowel_space_fine` too.
    """
    metrics.check_vowels(results, NAME)
    grid = vowel_chart.vowel_space(results)
    grid_by_f0 = vowel_chart.vowel_space_by_f0(results)
    grid_fine = vowel_space_fine(results)
    grid_resonances = vowel_chart.vowel_space_source_filter(results)
    vowels, quick = results.vowels, results.quick
    measured, features_by_f0, maps, maps_by_f0, maps_resonances = {}, {}, {}, {}, {}
    for each in front_ends:
        features = vowel_chart.sweep(results, each, grid)
        features_by_f0[each] = vowel_chart.sweep(results, each, grid_by_f0)
        resonances = vowel_chart.sweep_source_filter(results, each, grid_resonances)
        measured[each] = {
            grid.name: measure_neighbours(features, grid),
            grid_by_f0.name: measure_neighbours(features_by_f0[each], grid_by_f0),
            grid_resonances.name: measure_neighbours(resonances, grid_resonances),
            "vowel_map": measure_map({SINES: features, RESONANCES: resonances}, grid),
        }
        if fine:
            measured[each][grid_fine.name] = measure_neighbours(vowel_chart.sweep(results, each, grid_fine), grid_fine)
        maps[each] = vowel_chart.project(results, each, grid, features)
        maps_by_f0[each] = vowel_chart.project(results, each, grid_by_f0, features_by_f0[each])
        maps_resonances[each] = vowel_chart.project(results, each, grid_resonances, resonances)

    for each in front_ends:
        spaces = draw_vowel_spaces({each: maps[each]}, grid, vowels, quick=quick)
        results.save_figure(NAME, f"vowel_space.{each.name}", spaces)
        by_f0 = draw_by_f0({each: maps_by_f0[each]}, grid_by_f0, vowels, quick=quick)
        results.save_figure(NAME, f"vowel_space_by_f0.{each.name}", by_f0)
        both = draw_sines_and_resonances({each: maps[each]}, {each: maps_resonances[each]}, grid, vowels, quick=quick)
        results.save_figure(NAME, f"{grid_resonances.name}.{each.name}", both)
    between = None
    if len(front_ends) > 1:
        results.save_figure(NAME, "vowel_space", draw_vowel_spaces(maps, grid, vowels, quick=quick))
        results.save_figure(NAME, "vowel_space_by_f0", draw_by_f0(maps_by_f0, grid_by_f0, vowels, quick=quick))
        both = draw_sines_and_resonances(maps, maps_resonances, grid, vowels, quick=quick)
        results.save_figure(NAME, grid_resonances.name, both)
        between = {"linear_cka": measure_cka(features_by_f0)}
        results.save_figure(NAME, "cka", draw_cka(front_ends, between, vowels))
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}, between),
        notes=NOTES,
        vowels=True,
        between_encoders=between,
    )


def vowel_space_fine(results: Results) -> grids.Grid:
    """The fine grid: the authors', or over the range of the user's."""
    if results.vowels.is_papers:
        return QUICK_VOWEL_SPACE_FINE if results.quick else VOWEL_SPACE_FINE
    own = results.vowels.vowel_space_fine()
    return own.thinned(f1=8, f2=24) if results.quick else own


def measure_neighbours(features: np.ndarray, grid: grids.Grid) -> Metrics:
    """Mean cosine distance of features, (n, channels), between neighbours along each parameter that varies."""
    distances = similarity.grid_distances(features, grid.shape)
    named = {next(iter(axis)): distance for axis, distance in zip(grid.axes, distances, strict=True)}
    return {"mean_adjacent_distance": {name: distance for name, distance in named.items() if distance is not None}}


def measure_map(features: Mapping[str, np.ndarray], grid: grids.Grid) -> Metrics:
    """Whether a front end has a map of the vowels, of sines and of resonances, and how alike the two are.

    Args:
        features: (n, channels) each, of the same grid.
        grid: of one f0.
    """
    points = {name: values for name, values in grid.points().items() if name != "f0"}
    found: Metrics = {}
    for kind, each in features.items():
        asked = map_scores(each, points)
        found[kind] = {name: cells.number(cell) for name, cell in asked.items()}
    found["linear_cka"] = float(similarity.linear_cka(features[SINES], features[RESONANCES]))
    return found


def map_scores(features: np.ndarray, points: Mapping[str, np.ndarray]) -> dict[str, cells.Cell]:
    """The scores of a vowel map: those of `claims` for F1 and F2, at one f0."""
    read: dict[str, Score] | str
    try:
        read = scores.decodability(features, points)
    except scores.UndefinedScoreError as error:
        read = str(error)
    return {
        **{f"{name.upper()}, R²": read if isinstance(read, str) else read[name] for name in points},
        "distance and F1–F2 distance, Spearman": cells.attempted(lambda: scores.rsa(features, points)),
        "neighbours in F1–F2, share": cells.attempted(lambda: scores.neighbour_overlap(features, points)),
    }


def measure_cka(features: dict[NamedFrontEnd, np.ndarray]) -> list[Metrics]:
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


def conclude(measured: Mapping[str, Metrics], between: Metrics | None) -> str:
    """What came out, in a sentence; by name of the front end."""
    along_f1, along_f2 = (
        {name: found["vowel_space_by_f0"]["mean_adjacent_distance"][axis] for name, found in measured.items()}
        for axis in ("f1", "f2")
    )
    said = (
        f"A step to the neighbouring vowel moves the features by a cosine distance of "
        f"{compared(along_f1, better='higher', means='farther apart', spec='.3f')} along F1, and of "
        f"{compared(along_f2, better='higher', means='farther apart', spec='.3f')} along F2"
    )
    if between:
        likeness = {" and ".join(pair["encoders"]): pair["linear_cka"] for pair in between["linear_cka"]}
        said += f"; linear CKA is {compared(likeness, better='higher', means='more alike', spec='.3f')}"
    said += "."
    order = "distance and F1–F2 distance, Spearman"
    sines, resonances = (
        {
            name: found["vowel_map"][kind][order]["value"]
            for name, found in measured.items()
            if "value" in found["vowel_map"][kind][order]
        }
        for kind in (SINES, RESONANCES)
    )
    if sines and resonances:
        better = "the map is kept better"
        said += (
            " Distances follow those of F1 and F2 with a Spearman correlation of "
            f"{compared(sines, better='higher', means=better)}; where the formants are resonances, of "
            f"{compared(resonances, better='higher', means=better)}."
        )
    return said


def draw_vowel_spaces(
    maps: dict[NamedFrontEnd, np.ndarray], grid: grids.Grid, vowels: VowelChoice = PAPERS, *, quick: bool = False
) -> figures.Figure:
    """A panel per encoder (and speaker): the mesh, coloured by F1, with the vowels."""
    titled = {f"Vowel space: {each.name}": positions for each, positions in maps.items()}
    return vowel_chart.draw_spaces(titled, grid, vowels=vowels, quick=quick)


def draw_sines_and_resonances(
    sines: dict[NamedFrontEnd, np.ndarray],
    resonances: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    quick: bool = False,
) -> figures.Figure:
    """Two panels per encoder: the vowel space of bare sines, and that of resonances."""
    titled = {}
    for each in sines:
        titled[f"{each.name}: sines at F1 and F2"] = sines[each]
        titled[f"{each.name}: resonances"] = resonances[each]
    return vowel_chart.draw_spaces(titled, grid, vowels=vowels, columns=2, quick=quick)


def draw_by_f0(
    maps: dict[NamedFrontEnd, np.ndarray], grid: grids.Grid, vowels: VowelChoice = PAPERS, *, quick: bool = False
) -> figures.Figure:
    """A panel per encoder: one mesh per fundamental frequency, with its F1 and F2 arrows."""
    figure, panels = figures.panels(
        len(maps), size=(5.4, 5.2), columns=3, title=None if vowels.is_papers else vowels.caption
    )
    names = []
    for axes, (each, positions) in zip(panels, maps.items(), strict=True):
        names.append(_by_f0(axes, vowel_chart.oriented(positions, grid), grid, vowels))
        of = figures.quick_mark(f"{len(grid):,} vowels, all f0 on one map", quick=quick)
        figures.as_map(axes, f"Vowel spaces by f0: {each.name}", of=of)
    handles = [
        *(figures.line(_f0_colour(i, grid), vowels.named_f0(f0)) for i, f0 in enumerate(grid.axis("f0"))),
        *vowel_chart.arrow_legend(),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    for axes, chosen in zip(panels, names, strict=True):
        figures.labels(axes, chosen, fontsize=9)
    return figure


def _by_f0(axes: Axes, meshes: np.ndarray, grid: grids.Grid, vowels: VowelChoice) -> list[figures.Label]:
    """Draws a mesh per f0, and returns their names, at the ends of the highest formants."""
    names = []
    for i, (mesh, f0) in enumerate(zip(meshes, grid.axis("f0"), strict=True)):
        colour = _f0_colour(i, grid)
        figures.mesh(axes, mesh, np.array(colour), linewidth=0.5, point_size=0)
        vowel_chart.formant_arrows(axes, mesh, width=1.8)
        names.append(figures.Label(vowels.named_f0(f0), mesh[-1, -1], colour))
    return names


def _f0_colour(index: int, grid: grids.Grid) -> tuple[float, float, float, float]:
    # Not up to the end of the map: its light greens and yellow are hard to read on white.
    return figures.SEQUENTIAL(0.72 * index / max(1, grid.shape[0] - 1))


def draw_cka(front_ends: Sequence[NamedFrontEnd], between: Metrics, vowels: VowelChoice = PAPERS) -> figures.Figure:
    names = [each.name for each in front_ends]
    matrix = np.eye(len(names))
    for pair in between["linear_cka"]:
        row, column = (names.index(name) for name in pair["encoders"])
        matrix[row, column] = matrix[column, row] = pair["linear_cka"]
    size = 3.0 + 0.55 * len(names)
    figure, (axes,) = figures.panels(1, size=(size + 1.2, size))
    figures.heat_map(axes, matrix, rows=names, columns=names, limits=(0, 1), colour_label="Linear CKA", digits=3)
    axes.tick_params(axis="x", rotation=30)
    title = "Similarity of vowel spaces by f0"
    axes.set_title(title if vowels.is_papers else f"{title}\n{vowels.caption_by_f0}")
    return figure


if __name__ == "__main__":
    flags.launch(lambda front_ends, results: run(front_ends, results, fine=FINE.value), vowels=vowel_flags.chosen)

"""Section 3.4: formants.

Writes the sweeps `vowel_space`, `vowel_space_by_f0` and `vowel_space_source_filter` (and `vowel_space_fine` with
`--fine`), the vowel space of each encoder drawn by UMAP, the same at six fundamental frequencies, the vowel space of
resonances beside that of the paper's bare sines, and the linear CKA between encoders, with its baselines: encoders of
random weights, and log-mel. `vowel_space_by_layer` asks each layer how alike it is to log-mel.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import grids, scores, similarity
from w2v_jax.scores import Score

from .draw import figures, vowel_chart
from .front_ends.named import NamedFrontEnd
from .launch import flags
from .measures import alignment, layer_alignment, map_order
from .measures.map_order import MapOrder
from .options.formants import FINE
from .sentences import compared
from .store import cells, metrics
from .store.metrics import Metrics
from .store.results import Results
from .vowels import flags as vowel_flags
from .vowels.choice import PAPERS, VowelChoice

NAME = "formants"

VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE
QUICK_VOWEL_SPACE_FINE = grids.VOWEL_SPACE_FINE.thinned(f1=8, f2=24)

NOTES = (
    vowel_chart.NOTE,
    "The mean cosine distances between neighbours, in the table, are those along one parameter, the others fixed.",
    "`vowel_space_source_filter` has the grid of `vowel_space` with resonances: harmonics of f0, of a glottal pulse, "
    "through ten formants. `vowel_map` has the same scores for both kinds of sound.",
    alignment.NOTE,
    layer_alignment.NOTE,
    map_order.note("F1 and F2 (and f0 where it varies)"),
)

SINES, RESONANCES = "sines", "resonances"


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
    measured: dict[NamedFrontEnd, Metrics] = {}
    features_by_f0, maps, maps_by_f0, maps_resonances = {}, {}, {}, {}
    orders: dict[str, dict[NamedFrontEnd, MapOrder]] = {each.name: {} for each in (grid, grid_by_f0, grid_resonances)}
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
        orders[grid.name][each] = map_order.measure(features, maps[each], grid.points())
        orders[grid_by_f0.name][each] = map_order.measure(features_by_f0[each], maps_by_f0[each], grid_by_f0.points())
        orders[grid_resonances.name][each] = map_order.measure(resonances, maps_resonances[each], grid.points())
        measured[each][map_order.KEY] = {sweep: of_sweep[each].as_numbers() for sweep, of_sweep in orders.items()}

    def spaces(chosen: Sequence[NamedFrontEnd]) -> figures.Figure:
        these = {each: maps[each] for each in chosen}
        return draw_vowel_spaces(these, grid, vowels, orders=orders[grid.name], quick=quick)

    def by_f0(chosen: Sequence[NamedFrontEnd]) -> figures.Figure:
        these = {each: maps_by_f0[each] for each in chosen}
        return draw_by_f0(these, grid_by_f0, vowels, orders=orders[grid_by_f0.name], quick=quick)

    def both(chosen: Sequence[NamedFrontEnd]) -> figures.Figure:
        of_sines, of_resonances = ({each: of[each] for each in chosen} for of in (maps, maps_resonances))
        return draw_sines_and_resonances(of_sines, of_resonances, grid, vowels, orders=orders, quick=quick)

    for each in front_ends:
        results.save_figure(NAME, f"vowel_space.{each.name}", spaces([each]))
        results.save_figure(NAME, f"vowel_space_by_f0.{each.name}", by_f0([each]))
        results.save_figure(NAME, f"{grid_resonances.name}.{each.name}", both([each]))
    if len(front_ends) > 1:
        results.save_figure(NAME, "vowel_space", spaces(front_ends))
        results.save_figure(NAME, "vowel_space_by_f0", by_f0(front_ends))
        results.save_figure(NAME, grid_resonances.name, both(front_ends))

    compared_with = alignment.baselines_of(front_ends)
    pairs = alignment.measure(itertools.combinations(front_ends, 2), features_by_f0, grid_by_f0)
    thinned, rows = alignment.thinned(grid_by_f0)
    features_thinned = {each: features[rows] for each, features in features_by_f0.items()}
    for each in alignment.beside(compared_with):
        features_thinned[each] = vowel_chart.sweep(results, each, thinned)
    with_baselines = alignment.measure_baselines(compared_with, features_thinned, thinned)
    between, baselines = alignment.defined(pairs), alignment.defined(with_baselines)
    if between or baselines:
        figure = alignment.draw(compared_with, [*between, *baselines], vowels, quick=quick)
        results.save_figure(NAME, "cka", figure)
    by_layer = layer_alignment.measure(results, front_ends)
    if by_layer:
        figure = layer_alignment.draw(by_layer, front_ends, layer_alignment.vowels_of(results), vowels, quick=quick)
        results.save_figure(NAME, "cka_layers", figure)
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}, between, baselines),
        notes=[*NOTES, *alignment.undefined_notes([*pairs, *with_baselines])],
        vowels=True,
        between_encoders={"linear_cka": between} if len(front_ends) > 1 else None,
        baselines=baselines,
        cka_with_log_mel=by_layer,
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


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    return {
        f"vowels: mean cosine distance between neighbours along {parameter.upper()}": distance
        for parameter, distance in measured["vowel_space_by_f0"]["mean_adjacent_distance"].items()
    }


def conclude(
    measured: Mapping[str, Metrics], between: Sequence[Metrics] = (), baselines: Sequence[Metrics] = ()
) -> str:
    """What came out, in a sentence; by name of the front end, of pairs of them, and of their baselines."""
    along_f1, along_f2 = (
        {name: found["vowel_space_by_f0"]["mean_adjacent_distance"][axis] for name, found in measured.items()}
        for axis in ("f1", "f2")
    )
    said = (
        f"A step to the neighbouring vowel moves the features by a cosine distance of "
        f"{compared(along_f1, better='higher', means='farther apart', spec='.3f')} along F1, and of "
        f"{compared(along_f2, better='higher', means='farther apart', spec='.3f')} along F2"
    )
    if alike := alignment.conclude(between, baselines):
        said += f"; {alike}"
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
    maps: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[NamedFrontEnd, MapOrder],
    quick: bool = False,
) -> figures.Figure:
    """A panel per encoder (and speaker): the mesh, coloured by F1, with the vowels."""
    titles = {each: f"Vowel space: {each.name}" for each in maps}
    return vowel_chart.draw_spaces(
        {titles[each]: positions for each, positions in maps.items()},
        grid,
        orders={titles[each]: orders[each] for each in maps},
        vowels=vowels,
        quick=quick,
    )


def draw_sines_and_resonances(
    sines: dict[NamedFrontEnd, np.ndarray],
    resonances: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[str, Mapping[NamedFrontEnd, MapOrder]],
    quick: bool = False,
) -> figures.Figure:
    """Two panels per encoder: the vowel space of bare sines, and that of resonances; `orders` are by sweep."""
    of_sines, of_resonances = orders["vowel_space"], orders["vowel_space_source_filter"]
    titled: dict[str, np.ndarray] = {}
    numbers: dict[str, MapOrder] = {}
    for each in sines:
        as_sines, as_resonances = f"{each.name}: sines at F1 and F2", f"{each.name}: resonances"
        titled |= {as_sines: sines[each], as_resonances: resonances[each]}
        numbers |= {as_sines: of_sines[each], as_resonances: of_resonances[each]}
    return vowel_chart.draw_spaces(titled, grid, orders=numbers, vowels=vowels, columns=2, quick=quick)


def draw_by_f0(
    maps: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[NamedFrontEnd, MapOrder],
    quick: bool = False,
) -> figures.Figure:
    """A panel per encoder: one mesh per fundamental frequency, with its F1 and F2 arrows."""
    figure, panels = figures.panels(
        len(maps), size=(5.4, 5.6), columns=3, title=None if vowels.is_papers else vowels.caption
    )
    names = []
    for axes, (each, positions) in zip(panels, maps.items(), strict=True):
        names.append(_by_f0(axes, vowel_chart.oriented(positions, grid), grid, vowels))
        of = figures.quick_mark(f"{len(grid):,} vowels, all f0 on one map", quick=quick)
        below = map_order.caption(orders[each], sounds="vowels")
        figures.as_map(axes, f"Vowel spaces by f0: {each.name}", of=of, below=below)
    handles = [
        *(figures.line(_f0_colour(i, grid), vowels.named_f0(f0)) for i, f0 in enumerate(grid.axis("f0"))),
        *vowel_chart.arrow_legend(),
    ]
    figures.legend(figure, handles)
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


if __name__ == "__main__":
    flags.launch(lambda front_ends, results: run(front_ends, results, fine=FINE.value), vowels=vowel_flags.chosen)

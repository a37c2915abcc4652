"""Figures and maps of vowel spaces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import grids

from ..draw import figures, vowel_chart
from ..experiment import Map, Points
from ..front_ends.named import NamedFrontEnd
from ..hearing import Heard
from ..measures import alignment, layer_alignment, map_order
from ..measures.map_order import MapOrder
from ..store.rows import Measurements
from ..vowel_choice import PAPERS, VowelChoice
from ..vowels import vowel_maps
from ..vowels.space import BY_F0, ONE_F0, RESONANCES


def _orders(several: Sequence[Heard], measured: Measurements, sweep: str) -> dict[NamedFrontEnd, MapOrder]:
    orders = {each.front_end: map_order.of(measured, each.name, sweep) for each in several}
    return {each: order for each, order in orders.items() if order is not None}


def _asked(heard: "Heard | Sequence[Heard]", *sweeps: str) -> list[Heard]:
    """Those that are drawn: one, or all that are no controls, if they heard these sweeps."""
    several = [heard] if isinstance(heard, Heard) else [each for each in heard if not each.is_control]
    return [each for each in several if all(sweep in each.sweeps for sweep in sweeps)]


def draw_one_f0(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, ONE_F0)):
        return None
    first = several[0]
    maps = {each.front_end: each.umap(ONE_F0) for each in several}
    orders = _orders(several, measured, ONE_F0)
    return draw_vowel_spaces(maps, first.grid(ONE_F0), first.vowels, orders=orders, quick=first.quick)


def draw_several_f0(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, BY_F0)):
        return None
    first = several[0]
    maps = {each.front_end: each.umap(BY_F0) for each in several}
    return draw_by_f0(
        maps, first.grid(BY_F0), first.vowels, orders=_orders(several, measured, BY_F0), quick=first.quick
    )


def draw_both_kinds(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, ONE_F0, RESONANCES)):
        return None
    first = several[0]
    sines, resonances = ({each.front_end: each.umap(sweep) for each in several} for sweep in (ONE_F0, RESONANCES))
    orders = {sweep: _orders(several, measured, sweep) for sweep in (ONE_F0, RESONANCES)}
    grid, vowels = first.grid(ONE_F0), first.vowels
    return draw_sines_and_resonances(sines, resonances, grid, vowels, orders=orders, quick=first.quick)


def draw_cka(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    if not any(row.value is not None for row in measured.select(alignment.LINEAR)):
        return None
    first = several[0]
    baselines = alignment.baselines_of([each.front_end for each in several if not each.is_control])
    return alignment.draw(baselines, measured, first.vowels, quick=first.quick)


def draw_cka_by_layer(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    first = several[0]
    return layer_alignment.draw(measured, layer_alignment.vowels_of(first.results), first.vowels, quick=first.quick)


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


def map_of(sweep: str, title: str, reading: str, sound: Callable[[Points], dict[str, Any]]) -> Map:
    """A map of the vowels of a sweep, coloured by F1, with their symbols."""

    def positions(heard: Heard) -> tuple[Points, np.ndarray] | None:
        if sweep not in heard.sweeps:
            return None
        grid = heard.grid(sweep)
        return grid.points(), vowel_chart.oriented(heard.umap(sweep), grid).reshape(-1, 2)

    return Map(
        sweep,
        title,
        reading,
        positions,
        parameters=vowel_maps.PARAMETERS,
        colour="f1",
        colour_title="F1 (Hz)",
        sounds="vowels",
        of=vowel_maps.caption,
        sound=sound,
        labels=vowel_maps.labels,
    )

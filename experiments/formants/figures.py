"""Figures and maps of vowel spaces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import grids

from ..draw import figures, vowel_chart
from ..experiment import Map
from ..hearing import Heard, Points
from ..measures import alignment, layer_alignment, map_order
from ..store.rows import Measurements
from ..vowel_choice import VowelChoice
from ..vowels import vowel_maps
from ..vowels.space import BY_F0, ONE_F0, RESONANCES

Shown = Heard | Sequence[Heard]  # one of whom there is a figure, or all


def draw_one_f0(shown: Shown, measured: Measurements) -> figures.Figure | None:
    """A panel per encoder (and speaker): the vowels as sums of sines, coloured by F1."""
    return _draw_spaces(_who_heard(shown, ONE_F0), measured, {ONE_F0: "Vowel space: {}"})


def draw_resonances(shown: Shown, measured: Measurements) -> figures.Figure | None:
    """The same of resonances; next to that of bare sines where they were heard, too."""
    several = _who_heard(shown, RESONANCES)
    titles = {ONE_F0: "{}: sines at F1 and F2", RESONANCES: "{}: resonances"}
    heard = {sweep: title for sweep, title in titles.items() if several and sweep in several[0].sweeps}
    return _draw_spaces(several, measured, heard, columns=2)


def _who_heard(shown: Shown, sweep: str) -> list[Heard]:
    """Those that are drawn: one, or all that are no controls, if they heard the sweep."""
    several = [shown] if isinstance(shown, Heard) else [each for each in shown if not each.is_control]
    return [each for each in several if sweep in each.sweeps]


def _draw_spaces(
    several: Sequence[Heard], measured: Measurements, titles: Mapping[str, str], *, columns: int = 3
) -> figures.Figure | None:
    """A map of each of some sweeps of one grid, each with its title, where a name takes the place of `{}`."""
    if not several:
        return None
    first, *_ = several
    panels = {title.replace("{}", each.name): (each, sweep) for each in several for sweep, title in titles.items()}
    return vowel_chart.draw_spaces(
        {title: each.umap(sweep) for title, (each, sweep) in panels.items()},
        first.grid(next(iter(titles))),
        below={
            title: map_order.below(measured, each.name, sweep, sounds="vowels")
            for title, (each, sweep) in panels.items()
        },
        vowels=first.vowels,
        columns=columns,
        grids=first.results.size,
    )


def draw_by_f0(shown: Shown, measured: Measurements) -> figures.Figure | None:
    """A panel per encoder: one mesh per fundamental frequency, with its F1 and F2 arrows."""
    several = _who_heard(shown, BY_F0)
    if not several:
        return None
    first, *_ = several
    grid, vowels = first.grid(BY_F0), first.vowels
    figure, panels = figures.panels(
        len(several), size=(5.4, 5.6), columns=3, title=None if vowels.is_papers else vowels.caption
    )
    names = []
    for axes, each in zip(panels, several, strict=True):
        names.append(_by_f0(axes, vowel_chart.oriented(each.umap(BY_F0), grid), grid, vowels))
        of = figures.map_of(f"{len(grid):,} vowels, all f0 on one map", first.results.size)
        below = map_order.below(measured, each.name, BY_F0, sounds="vowels")
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


def draw_cka(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    if not any(row.value is not None for row in measured.select(alignment.LINEAR)):
        return None
    first = several[0]
    baselines = alignment.baselines_of([each.front_end for each in several if not each.is_control])
    return alignment.draw(baselines, measured, first.vowels, quick=first.quick)


def draw_cka_by_layer(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    first = several[0]
    return layer_alignment.draw(measured, layer_alignment.vowels_of(first.results), first.vowels, quick=first.quick)


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

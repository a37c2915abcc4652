"""The figures of a run: what `figures` draws, of what front ends heard and of what was measured."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..hearing import Heard
from ..measures import map_order
from ..store.rows import Measurements
from . import encoding, figures, material, synthesis


def draw_map(heard: Heard, measured: Measurements) -> Figure:
    """The map of one front end."""
    return draw_all_maps([heard], measured)


def draw_all_maps(several: Sequence[Heard], measured: Measurements) -> Figure:
    """The maps of several, side by side."""
    first, placed = several[0], {each.name: encoding.on_map(each) for each in several}
    return figures.draw_maps(
        {name: (each.positions, each.places) for name, each in placed.items()},
        {each.name: material.framed(each).tokens for each in several},
        first.grid(synthesis.of_map(first)),
        first.vowels.on_grid,
        below={
            name: map_order.below(measured, name, encoding.VOWELS_MAP, sounds="synthesised vowels", narrow=True)
            for name in placed
        },
    )


def draw_all_scores(several: Sequence[Heard], measured: Measurements) -> Figure:
    """The scores of all."""
    return figures.draw_scores(measured, [each.name for each in several])

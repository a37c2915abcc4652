"""Two curves of `experiments.claims`: discrimination beside a listener's, and probes by their level of noise."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score

from ..draw import figures
from ..front_ends.controls import Controls
from ..front_ends.named import NamedFrontEnd
from ..front_ends.populations import Population
from ..store import cells
from ..store.cells import Cell
from ..store.metrics import Metrics
from ..vowels.choice import PAPERS, VowelChoice
from ..vowels.synthesis import SYNTHESES, Synthesis
from .figures import LEAST, add_legend, title
from .listeners import CORRECT, NOTICEABLE, expected_correct
from .questions import ABX, WITH, abx_name, with_synthesis
from .sounds import Heard, grid_name
from .table import Columns

LEVELS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)  # of noise, as a share of the features' deviation
_SEEDS_SHOWN = 3
_LISTENER: dict[str, Any] = {"color": "black", "linewidth": 1.2}
_MEASURED: dict[str, Any] = {"color": "black", "marker": "*", "markersize": 11, "linestyle": "none"}

NoiseCurves = Mapping[str, Mapping[float, Cell]]  # by what is read off, then by level


def shown(controls: Controls) -> tuple[NamedFrontEnd, ...]:
    """The controls whose probes are asked at every level of noise."""
    return (*controls.untrained[:_SEEDS_SHOWN], *controls.spectrograms.values())


def measure_noise(heard: Heard) -> NoiseCurves:
    """Linearity between values heard, of vowels as the paper has them, for every level of noise."""

    def of(grid: str, parameter: str) -> Callable[[float], Score]:
        return lambda level: heard.probe(grid, parameter, noise=level).interpolation

    synthesis = heard.grids.syntheses[0]
    vowels = grid_name("vowels", synthesis)
    asked = {
        f"f0 of vowels, {WITH[synthesis]}": of(vowels, "f0"),
        f"F1, {WITH[synthesis]}": of(vowels, "f1"),
        f"F2, {WITH[synthesis]}": of(vowels, "f2"),
        "amplitude of 700 Hz": of("amplitudes", "amplitude_high"),
    }
    return {
        name: {level: cells.attempted(functools.partial(score, level)) for level in LEVELS}
        for name, score in asked.items()
    }


def plain(curves: NoiseCurves) -> Metrics:
    """The curves as JSON has them."""
    return {name: {f"{level:g}": cells.number(cell) for level, cell in curve.items()} for name, curve in curves.items()}


def draw_noise(
    population: Population,
    controls: Controls,
    curves: Mapping[NamedFrontEnd, NoiseCurves],
    *,
    quick: bool,
    vowels: VowelChoice = PAPERS,
) -> figures.Figure:
    """A panel per parameter: what a probe reads off, by how much noise is added to the features."""
    names = list(next(iter(curves.values())))
    said = title(f"Linearity by level of noise: {population.name}, final frames", quick, vowels)
    figure, panels = figures.panels(len(names), size=(3.1, 3.0), columns=4, title=said)
    places = np.arange(len(LEVELS))
    for axes, name in zip(panels, names, strict=True):
        for kind, each in _drawn(population, controls, shown(controls)):
            values = [_value(curves[each][name][level]) for level in LEVELS]
            _line(axes, places, values, kind)
        axes.set_title(name, fontsize=10)
        axes.set_ylim(LEAST - 0.05, 1.05)
        axes.set_xticks(places, [f"{level:.0%}" for level in LEVELS], fontsize=8)
        axes.set_xlabel("Noise, share of the features' deviation", fontsize=8)
    panels[0].set_ylabel(f"R² between values heard\n(below {LEAST:g}: drawn there)", fontsize=9)
    drawn = dataclasses.replace(controls, untrained=controls.untrained[:_SEEDS_SHOWN])
    add_legend(figure, population, drawn, spectrograms_marked=False)
    return figure


def draw_discrimination(
    population: Population, controls: Controls, columns: Columns, *, quick: bool, vowels: VowelChoice = PAPERS
) -> figures.Figure:
    """A panel per parameter: ABX by the size of a difference, in what a listener just notices.

    Of sums of sines there is no panel for f0: three inharmonic sines have no pitch, and no listener to set beside.
    """
    said = title(f"Discrimination beside a listener's: {population.name}, final frames", quick, vowels)
    heard = columns[population.members[0]][FRAMES]
    asked: list[tuple[str, str, str, Synthesis]] = [
        (kind_of, with_synthesis(claim, synthesis), name, synthesis)
        for synthesis in SYNTHESES
        for kind_of, (claim, name) in ABX.items()
        if with_synthesis(claim, synthesis) in heard and not (kind_of == "f0" and synthesis == "sines")
    ]
    figure, panels = figures.panels(len(asked), size=(3.1, 3.0), columns=4, title=said)
    for axes, (kind_of, claim, name, synthesis) in zip(panels, asked, strict=True):
        noticeable = NOTICEABLE[kind_of]
        names = [abx_name(kind_of, name, multiple) for multiple in noticeable.multiples]
        for kind, each in _drawn(population, controls, controls.all):
            _line(axes, noticeable.multiples, [_value(columns[each][FRAMES][claim][one]) for one in names], kind)
        axes.axhline(0.5, color="black", linewidth=0.6, linestyle=":")
        multiples = np.geomspace(1, noticeable.multiples[-1], 100)
        axes.plot(multiples, [expected_correct(each) for each in multiples], **_LISTENER, zorder=4)
        axes.plot([1], [CORRECT], **_MEASURED, zorder=5)
        axes.set_xscale("log", base=2)
        axes.set_xticks(noticeable.multiples, [noticeable.shown(each) for each in noticeable.multiples], fontsize=7)
        axes.minorticks_off()
        axes.set_ylim(0.25, 1.03)
        axes.set_title(f"{name}, {WITH[synthesis]}", fontsize=9)
        axes.set_xlabel("Difference", fontsize=8)
    panels[0].set_ylabel("ABX: share told apart (chance 0.5)", fontsize=9)
    listener = [
        figures.Line2D([], [], label="a listener's just noticeable difference", **_MEASURED),
        figures.Line2D([], [], label="a listener, if d′ grows in proportion", **_LISTENER),
    ]
    add_legend(figure, population, controls, spectrograms_marked=False, others=listener)
    return figure


def _drawn(
    population: Population, controls: Controls, chosen: tuple[NamedFrontEnd, ...]
) -> list[tuple[str, NamedFrontEnd]]:
    """Kinds and front ends, the encoders last, so that they lie on top."""
    kinds = {each: kind for kind, each in controls.spectrograms.items()}
    found = [(kinds.get(each, "untrained"), each) for each in chosen]
    return [*found, *(("encoder", each) for each in population.members)]


def _line(axes: Axes, places: npt.ArrayLike, values: list[float], kind: str) -> None:
    style = figures.STYLES[kind]
    dashes = figures.LINES.get(kind, "-") if kind not in ("encoder", "untrained") else "-"
    marker = style["marker"] if kind in ("encoder", "untrained") else None
    width = 1.8 if kind == "encoder" else 1.0
    values = np.maximum(values, LEAST).tolist()
    axes.plot(places, values, color=style["color"], linestyle=dashes, linewidth=width, marker=marker, markersize=4)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.tick_params(axis="y", labelsize=8)


def _value(cell: Cell) -> float:
    return cell.value if isinstance(cell, Score) else np.nan

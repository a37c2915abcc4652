"""Two curves of `experiments.claims`: discrimination next to a listener's, and probes by their level of noise."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from w2v_jax.scores import Score

from ..draw import figures
from ..store import rows
from ..store.populations import Population
from ..store.rows import Measurements, Row, attempted
from ..vowel_choice import PAPERS, VowelChoice
from ..vowels.synthesis import SYNTHESES, Synthesis
from .asking import ABX, abx_name
from .figures import LEAST, add_legend, first_seeds, title, values_at
from .layers import Layer
from .listeners import CORRECT, NOTICEABLE, expected_correct
from .questions import WITH, with_synthesis
from .sounds import grid_name
from .table import score_of

NOISE_CURVE = "linearity between values heard by noise, R²"
LEVELS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)  # of noise, as a share of the features' deviation
_LISTENER: dict[str, Any] = {"color": "black", "linewidth": 1.2}
_MEASURED: dict[str, Any] = {"color": "black", "marker": "*", "markersize": 11, "linestyle": "none"}


def noise_rows(layer: Layer) -> list[Row]:
    """Linearity between values heard, of vowels as the paper has them, for every level of noise."""

    def of(grid: str, parameter: str) -> Callable[[float], Score]:
        return lambda level: layer.probe(grid, parameter, noise=level).interpolation

    synthesis = layer.grids.syntheses[0]
    vowels = grid_name("vowels", synthesis)
    score_at = {
        f"f0 of vowels, {WITH[synthesis]}": of(vowels, "f0"),
        f"F1, {WITH[synthesis]}": of(vowels, "f1"),
        f"F2, {WITH[synthesis]}": of(vowels, "f2"),
        "amplitude of 700 Hz": of("amplitudes", "amplitude_high"),
    }
    return [
        rows.score(NOISE_CURVE, attempted(functools.partial(score, level)), better="higher", of=name, noise=level)
        for name, score in score_at.items()
        for level in LEVELS
    ]


def draw_noise(population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS) -> figures.Figure:
    """A panel per parameter: what a probe reads off, by how much noise is added to the features."""
    several = measured.parameter("of", NOISE_CURVE, encoder=population.members[0])
    names = list(dict.fromkeys(map(str, several)))
    said = title(f"Linearity by level of noise: {population.name}, final frames", measured.quick, vowels)
    figure, panels = figures.panels(len(names), size=(3.1, 3.0), columns=4, title=said)
    places = np.arange(len(LEVELS))
    seeds = first_seeds(population)
    for axes, name in zip(panels, names, strict=True):
        for kind, each in _drawn(population, seeds):
            curve = [next(measured.select(NOISE_CURVE, encoder=each, of=name, noise=at), None) for at in LEVELS]
            _line(axes, places, values_at(curve), kind)
        axes.set_title(name, fontsize=10)
        axes.set_ylim(LEAST - 0.05, 1.05)
        axes.set_xticks(places, [f"{level:.0%}" for level in LEVELS], fontsize=8)
        axes.set_xlabel("Noise, share of the features' deviation", fontsize=8)
    panels[0].set_ylabel(f"R² between values heard\n(below {LEAST:g}: drawn at {LEAST:g})", fontsize=9)
    add_legend(figure, population, seeds=len(seeds), spectrograms_marked=False)
    return figure


def draw_discrimination(
    population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS
) -> figures.Figure:
    """A panel per parameter: ABX by the size of a difference, in what a listener just notices.

    Sums of sines have no panel for f0: three inharmonic sines have no pitch, and so no listener to compare with.
    """
    said = title(f"Discrimination next to a listener's: {population.name}, final frames", measured.quick, vowels)
    curves: list[tuple[str, str, str, Synthesis]] = [
        (kind_of, claim, name, synthesis)
        for synthesis in SYNTHESES
        for kind_of, (plain, name) in ABX.items()
        if not (kind_of == "f0" and synthesis == "sines")
        and score_of(
            measured,
            population.members[0],
            claim := with_synthesis(plain, synthesis),
            abx_name(kind_of, name, NOTICEABLE[kind_of].multiples[0]),
        )
    ]
    figure, panels = figures.panels(len(curves), size=(3.1, 3.0), columns=4, title=said)
    for axes, (kind_of, claim, name, synthesis) in zip(panels, curves, strict=True):
        noticeable = NOTICEABLE[kind_of]
        names = [abx_name(kind_of, name, multiple) for multiple in noticeable.multiples]
        for kind, each in _drawn(population, population.untrained):
            curve = [score_of(measured, each, claim, one) for one in names]
            _line(axes, noticeable.multiples, values_at(curve), kind)
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
    add_legend(figure, population, spectrograms_marked=False, others=listener)
    return figure


def _drawn(population: Population, seeds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Kinds and names of front ends, the encoders last, so that they lie on top."""
    return [
        *(("untrained", each) for each in seeds),
        *population.spectrograms.items(),
        *(("encoder", each) for each in population.members),
    ]


def _line(axes: Axes, places: npt.ArrayLike, values: np.ndarray, kind: str) -> None:
    style = figures.STYLES[kind]
    dashes = figures.LINES.get(kind, "-") if kind not in ("encoder", "untrained") else "-"
    marker = style["marker"] if kind in ("encoder", "untrained") else None
    width = 1.8 if kind == "encoder" else 1.0
    drawn = np.maximum(values, LEAST)
    axes.plot(places, drawn, color=style["color"], linestyle=dashes, linewidth=width, marker=marker, markersize=4)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.tick_params(axis="y", labelsize=8)

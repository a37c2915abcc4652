"""How far is a change that is too small to hear? Rows of `experiments.claims`, and their figure.

The paper calls the space of features metric: closer is more alike. This is the test of it. At half of what a listener
just notices, the distance of two sounds should be next to nothing beside that of unrelated ones.
"""

import functools

import numpy as np

from ..draw import figures
from ..store import rows
from ..store.populations import Population
from ..store.rows import Measurements, Row, attempted
from ..vowel_choice import PAPERS, VowelChoice
from .asking import PHASES_TAKEN
from .figures import add_legend, first_seeds, title, values_at
from .layers import Layer
from .listeners import NOTICEABLE

GROWTH = "distance of sounds some cents apart, share of that of unrelated ones"
THRESHOLD = "a listener's just noticeable difference"
OF = {"tones": "f0", "f0 of voices": "f0", "F1 of voices": "F1", "F2 of voices": "F2"}
"""What is moved, and whose just noticeable difference stands beside it."""

_LEAST = 1e-4  # shares below it are drawn there


def growth_rows(layer: Layer) -> list[Row]:
    """The share at every change, of everything that is moved, with one starting phase and with the mean of all."""
    all_rows = []
    for what in _moved(layer):
        threshold = NOTICEABLE[OF[what]].in_cents
        all_rows.append(rows.number(THRESHOLD, threshold, unit="cents", of=what))
        for phases in PHASES_TAKEN:
            for place, cents in enumerate(layer.changes):
                cell = attempted(functools.partial(layer.small_change, what, place, phases=phases))
                all_rows.append(rows.score(GROWTH, cell, better="lower", of=what, phases=phases, cents=round(cents, 3)))
    return all_rows


def _moved(layer: Layer) -> list[str]:
    return [what for what in OF if what == "tones" or "voice_changes" in layer.mean]


def draw(population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS) -> figures.Figure:
    """A column for everything that is moved, a row for each way to take starting phases."""
    first = population.members[0]
    names = list(dict.fromkeys(map(str, measured.parameter("of", THRESHOLD, encoder=first))))
    said = title(f"How far is a change too small to hear: {population.name}, final frames", measured.quick, vowels)
    figure, panels = figures.panels(len(names) * len(PHASES_TAKEN), size=(3.1, 2.8), columns=len(names), title=said)
    seeds = first_seeds(population)
    drawn = [("untrained", each) for each in seeds]
    drawn += [*population.spectrograms.items(), *(("encoder", each) for each in population.members)]
    for index, axes in enumerate(panels):
        phases, name = PHASES_TAKEN[index // len(names)], names[index % len(names)]
        for kind, each in drawn:
            parameters = {"of": name, "phases": phases}
            curve = list(measured.select(GROWTH, encoder=each, **parameters))
            cents = measured.parameter("cents", GROWTH, encoder=each, **parameters)
            style = figures.STYLES[kind]
            marker = style["marker"] if kind in ("encoder", "untrained") else None
            axes.plot(
                cents,
                np.maximum(values_at(curve), _LEAST),
                color=style["color"],
                linestyle=figures.LINES[kind],
                linewidth=1.8 if kind == "encoder" else 1.0,
                marker=marker,
                markersize=4,
            )
        threshold = measured.value(THRESHOLD, encoder=first, of=name)
        assert threshold is not None
        axes.axvline(threshold, color="black", linewidth=0.9)
        axes.axvline(threshold / 2, color="black", linewidth=0.9, linestyle=":")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.7 * _LEAST, 3)
        axes.tick_params(labelsize=8)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        axes.set_title(f"{name},\n{phases}", fontsize=9)
        if index >= len(panels) - len(names):
            axes.set_xlabel("Change (cents)", fontsize=8)
        if index % len(names) == 0:
            axes.set_ylabel(f"Distance, share of that of\nunrelated sounds (below {_LEAST:g}: there)", fontsize=8)
    lines = [
        figures.Line2D([], [], color="black", linewidth=0.9, label="a listener's just noticeable difference"),
        figures.Line2D(
            [], [], color="black", linewidth=0.9, linestyle=":", label="half of it: one sound to a listener"
        ),
    ]
    add_legend(figure, population, seeds=len(seeds), spectrograms_marked=False, others=lines)
    return figure

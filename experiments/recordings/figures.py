"""The figures of `experiments.recordings`: recorded vowels on the map of synthesised ones, and the scores."""

import collections
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from w2v_jax.grids import Grid, Vowel

from ..claims import listeners
from ..draw import figures, vowel_chart
from ..store.rows import Measurements, Row
from . import measuring, nearness
from .tokens import Tokens

# Okabe and Ito's, without black, then the same again with another shape.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C510A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*", "d", "8")
MOST_NAMED = len(COLOURS) * len(MARKERS)  # labels that can be told apart
MOST_ON_MAP = 200  # letters of all labels together, for names on the map too: more would cover each other
LEAST = -0.25  # scores below it are drawn at the edge
LEAST_ERROR = {"cents": 1.0, "dB": 0.0}  # errors below it are drawn at the edge
NOTICEABLE = {  # what a listener just notices, in cents or dB
    "f0": listeners.F0.in_cents,
    "F1": listeners.FORMANT.in_cents,
    "F2": listeners.FORMANT.in_cents,
    "intensity": listeners.LEVEL.amount,
}


def draw_maps(
    placed: Mapping[str, tuple[np.ndarray, np.ndarray]],
    tokens: Mapping[str, Tokens],
    grid: Grid,
    vowels: Sequence[Vowel],
    *,
    below: Mapping[str, Sequence[str]],
) -> Figure:
    """A panel per front end: the mesh of synthesised vowels, with the recorded tokens on it by label.

    Args:
        placed: by front end, positions of the grid, (n, 2), and of the tokens, (m, 2).
        tokens: by front end.
        grid: of the synthesised vowels, of one f0.
        vowels: those to mark on the mesh.
        below: by front end, the lines under the map of synthesised vowels.
    """
    figure, panels = figures.panels(len(placed), size=(5.4, 5.6), columns=3)
    counts = collections.Counter(label for each in tokens.values() for label in each.label)
    labels = sorted(sorted(counts, key=lambda label: (-counts[label], label))[:MOST_NAMED])
    styles = {label: (COLOURS[i % len(COLOURS)], MARKERS[i // len(COLOURS)]) for i, label in enumerate(labels)}
    names = []
    for axes, (name, (positions, others)) in zip(panels, placed.items(), strict=True):
        mesh, places = vowel_chart.oriented_with(positions, others, grid)
        figures.mesh(axes, mesh, "#C4C4C4", linewidth=0.4, point_size=0)
        names.append(
            _tokens(axes, tokens[name], places, styles) if any(labels) else _frames(axes, tokens[name], places)
        )
        none = () if len(tokens[name]) else ("no tokens: Praat finds no voiced frame with f0, F1 and F2",)
        figures.as_map(axes, name, below=(*below[name], *none))
        names[-1] += _grey(mesh, grid, vowels)
    if any(labels):
        handles = [_dot(label or "(none)", *styles[label]) for label in labels]
        title = "Recorded vowels; grey, with symbols in brackets: synthesised ones"
        if len(labels) < len(counts):
            title += (
                f"\nthe {len(labels)} most frequent of {len(counts):,} labels; small dots: other labels, named in the "
                "table"
            )
        figures.legend(figure, handles, columns=10, title=title)
    elif (limits := _f1_limits(list(tokens.values()))) is not None:
        figures.colour_bar(panels, "F1 of voiced frames (Hz)", limits)
    for axes, chosen in zip(panels, names, strict=True):
        figures.labels(axes, chosen, fontsize=9)
    return figure


def _grey(mesh: np.ndarray, grid: Grid, vowels: Sequence[Vowel]) -> list[figures.Label]:
    return [figures.Label(each.text, each.position, "#707070") for each in vowel_chart.vowel_labels(mesh, grid, vowels)]


def _tokens(
    axes: Axes, tokens: Tokens, places: np.ndarray, styles: Mapping[str, tuple[str, str]]
) -> list[figures.Label]:
    """Draws the tokens, and returns a label where the middle one of each name lies."""
    labels = []
    label = np.array(tokens.label, object)
    others = places[[each not in styles for each in tokens.label]]
    axes.scatter(others[:, 0], others[:, 1], color="#707070", s=4, linewidths=0, zorder=3)
    size = 22 if len(label) < 300 else 8
    for name, (colour, marker) in styles.items():
        some = places[label == name]
        if not len(some):
            continue
        x, y = some.T
        axes.scatter(x, y, color=colour, marker=marker, s=size, linewidths=0.3, edgecolors="white", zorder=4)
        if sum(map(len, styles)) <= MOST_ON_MAP:
            middle = some[np.argmin(np.linalg.norm(some - np.median(some, axis=0), axis=1))]
            labels.append(figures.Label(name, middle.tolist(), colour))
    return labels


def _frames(axes: Axes, tokens: Tokens, places: np.ndarray) -> list[figures.Label]:
    """Draws voiced frames, coloured by their F1."""
    if (limits := _f1_limits([tokens])) is None:
        return []
    f1, (low, high) = tokens.measured["f1"], limits
    x, y = places.T
    axes.scatter(x, y, c=f1, vmin=low, vmax=high, cmap=figures.SEQUENTIAL, s=8, linewidths=0, zorder=4)
    return []


def _f1_limits(several: Sequence[Tokens]) -> tuple[float, float] | None:
    """What the colours of F1 span, Hz; None where none is known."""
    f1 = np.concatenate([each.measured["f1"] for each in several])
    if not np.isfinite(f1).any():
        return None
    low, high = np.nanpercentile(f1, [2, 98]).tolist()
    return (low, high) if high > low else (low - 1, low + 1)


def _dot(label: str, colour: str, marker: str) -> Line2D:
    return Line2D([], [], linestyle="", color=colour, marker=marker, markersize=6, label=label)


def draw_scores(measured: Measurements, encoders: Sequence[str]) -> Figure:
    """The error of what is read off, next to a listener's; nearness to one's own synthesised vowel; linearity.

    Each has its interval.

    Args:
        measured: what was measured.
        encoders: whose scores are drawn.
    """
    figure, panels = figures.panels(4, size=(4.8, 3.6), columns=2)
    errors, near, linear = (
        {name: list(measured.select(quantity, encoder=name)) for name in encoders}
        for quantity in (measuring.ERROR, measuring.NEARNESS, measuring.LINEARITY)
    )
    for axes, unit in zip(panels, LEAST_ERROR, strict=False):
        of_unit = {name: [row for row in rows if row.unit == unit] for name, rows in errors.items()}
        axes.set(xlabel=f"median error, {unit}: lower is better", title=f"Read off other voices, {unit}")
        if unit == "cents":
            figures.logarithmic(axes, "x")
        for place, row in enumerate(of_unit[encoders[0]]):
            noticeable = NOTICEABLE[_parameter(row)]
            axes.plot([noticeable] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1.2, linestyle=":")
        _dots(axes, of_unit, _parameter, least=LEAST_ERROR[unit])
        if unit == "dB":
            axes.set_xlim(left=0)
    nearness_panel, lines = panels[2:]
    _dots(nearness_panel, near, _way)
    nearness_panel.set(xlabel="AUC (dashed: chance)", title="Nearness to one's own synthesised vowel")
    nearness_panel.set_xlim(0, 1.05)
    nearness_panel.axvline(nearness.CHANCE, color=figures.GREY, linewidth=0.8, linestyle="--")
    _dots(lines, linear, _parameter)
    lines.set(xlabel="R² of a line (other speakers or files)", title="Linearity")
    lines.set_xlim(LEAST - 0.05, 1.05)
    lines.axvline(0, color=figures.GREY, linewidth=0.8)
    handles = [_dot(name, *_style(index)) for index, name in enumerate(encoders)]
    listener = Line2D([], [], color="black", linestyle=":", label="what a listener just notices")
    figures.legend(figure, [*handles, listener])
    return figure


def _parameter(row: Row) -> str:
    return str(dict(row.parameters)["parameter"])


def _way(row: Row) -> str:
    """How nearness is asked, in one line or two."""
    parameters = dict(row.parameters)
    what = "" if parameters["features"] == nearness.AS_THEY_ARE else f",\n{parameters['features']}"
    return f"among {parameters['among']}{what}"


def _style(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]


def _dots(
    axes: Axes, scores: Mapping[str, Sequence[Row]], name_of: Callable[[Row], str], *, least: float = LEAST
) -> None:
    """Draws the scores of each front end, which are the same ones in the same order, a line of the panel for each."""
    step = 0.6 / max(1, len(scores))
    names = [name_of(row) for row in next(iter(scores.values()))]
    undefined = np.ones(len(names), bool)
    for index, rows in enumerate(scores.values()):
        colour, marker = _style(index)
        for place, row in enumerate(rows):
            if row.value is None or row.low is None or row.high is None:
                continue
            undefined[place] = False
            y = place + (index - (len(scores) - 1) / 2) * step
            value, low, high = (max(least, each) for each in (row.value, row.low, row.high))
            axes.plot([low, high], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
            axes.plot([value], [y], color=colour, marker=marker, markersize=6)
    for place in np.flatnonzero(undefined).tolist():
        where = axes.get_yaxis_transform()
        axes.text(0.5, place, "undefined", transform=where, ha="center", va="center", color=figures.GREY, fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)

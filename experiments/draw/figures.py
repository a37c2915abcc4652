"""How the figures look, and the drawings that several of them share.

Matplotlib's `Figure` is used directly: no window, no global state. The colours can be told apart by colourblind
readers (Okabe and Ito's, and the perceptually even maps viridis and cividis).
"""

import dataclasses
import math
import os
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.typing import ColorType

from w2v_jax._src.quoting import printable
from w2v_jax.tuning import FrequencyResponses

from ..store.results import THIN, projection_name
from . import lettering, room_for_text
from .room_for_text import legend as legend

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
GREY = "#8C8C8C"
PNG_DPI = 200
SVG_DPI = 120  # of the pictures in it
SEQUENTIAL = matplotlib.colormaps["viridis"]
BLUE_TO_ORANGE = LinearSegmentedColormap.from_list("blue_to_orange", [BLUE, "#C8C8C8", ORANGE])

# What the front end that is asked about and each kind of control look like: shape as well as colour.
STYLES = {
    "encoder": {"color": ORANGE, "marker": "o"},
    "untrained": {"color": GREY, "marker": "d"},
    "log-mel": {"color": BLUE, "marker": "^"},
    "stft": {"color": GREEN, "marker": "s"},
}
LINES = {"encoder": "-", "untrained": "-", "log-mel": "-.", "stft": "--"}

_CAPTION: dict[str, Any] = {"fontsize": 8, "color": "#505050", "linespacing": 1.35}
_TITLE_LETTER = 0.09  # inches, of a title
_CAPTION_LETTER = 0.068
_CROWD = 300  # elements of a collection, above which it is a picture in an SVG
_LEVEL = 7  # letters of a column's name, above which it stands at an angle
_LEAST_DECIBELS = -40  # responses below it are drawn as it
_OUTLINE = (patheffects.withStroke(linewidth=2.5, foreground="white"),)

AS_A_FIGURE = "The map above, for a paper."  # how to read it


def panels(
    count: int, *, size: tuple[float, float], columns: int = 4, title: str | None = None, below: Sequence[str] = ()
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels of `size` inches, at most `columns` in a row.

    Args:
        count: how many.
        size: of a panel.
        columns: panels in a row, at most.
        title: of the figure; one that is wider is wrapped.
        below: lines of a caption under all panels, wrapped likewise.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    width = size[0] * columns
    lines = _wrapped((title or "").splitlines(), round(width / _TITLE_LETTER))
    below = _wrapped(below, round(width / _CAPTION_LETTER))
    height = size[1] * rows + sum(0.15 + 0.2 * len(each) for each in (lines, below) if each)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for spare in axes[count:]:
        spare.remove()
    if lines:
        figure.suptitle("\n".join(lines))
    if below:
        figure.supxlabel("\n".join(below), **_CAPTION)
    return figure, axes[:count]


def _wrapped(lines: Sequence[str], letters: int) -> list[str]:
    return [part for line in lines for part in textwrap.wrap(line, letters)]


def save(figure: Figure, path: str | os.PathLike[str], *, png_dpi: int = PNG_DPI) -> None:
    """Writes `figure` in the format that the suffix of `path` names; the same figure gives the same file.

    In an SVG, meshes and clouds of many points are a picture, under vector lines and text: as paths they are megabytes.
    """
    date = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(os.path.splitext(path)[1], {})  # noqa: PTH122
    room_for_text.fit(figure)
    crowded = _crowded(figure) if str(path).endswith(".svg") else []
    for collection in crowded:
        collection.set_rasterized(True)
    with matplotlib.rc_context({"svg.hashsalt": "w2v_jax"}), lettering.without_remarks():
        dpi = SVG_DPI if str(path).endswith(".svg") else png_dpi
        figure.savefig(path, dpi=dpi, metadata=date, bbox_inches=room_for_text.box_of(figure))
    for collection in crowded:
        collection.set_rasterized(False)


def _crowded(figure: Figure) -> list[Collection]:
    """The collections of more than `_CROWD` elements."""
    several = [each for axes in figure.axes for each in axes.collections]
    return [each for each in several if max(len(each.get_paths()), len(each.get_offsets())) > _CROWD]  # type: ignore[arg-type, unused-ignore]


def heat_map(
    axes: Axes,
    values: np.ndarray,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    colour_label: str,
    digits: int = 2,
    least: float = 0,
) -> None:
    """Cells (rows, columns) coloured and labelled with their values; NaN leaves one empty.

    Of values nearer to 0 than `least`, other than 0, only that is written: their digits are rounding. Long names are
    broken into lines, and those of columns stand upright.
    """
    (rows, _), (columns, _) = map(lettering.beside_axis, (rows, columns))
    image = axes.imshow(values, vmin=limits[0], vmax=limits[1], cmap=SEQUENTIAL)
    if max(map(len, columns), default=0) > _LEVEL:
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    else:
        turned = {}
    axes.set_xticks(range(len(columns)), columns, **turned)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    for row, column in np.ndindex(*np.shape(values)):
        value = float(values[row][column])
        if math.isnan(value):
            continue
        light = (value - limits[0]) / (limits[1] - limits[0]) > 0.6
        axes.text(
            column,
            row,
            f"{value:.{digits}g}" if value == 0 or abs(value) >= least else f"<{least:g}",
            ha="center",
            va="center",
            fontsize=9,
            color="black" if light else "white",
        )
    axes.figure.colorbar(image, ax=axes, label=colour_label, shrink=0.85)


def as_map(axes: Axes, title: str, *, of: str = "", below: Sequence[str] = ()) -> None:
    """Dresses `axes` as a UMAP picture: only nearness means something, so no ticks, and one scale for both axes.

    Args:
        axes: where.
        title: its title.
        of: what the map is, as `map_of` says: "UMAP of 900 vowels, f0 120 Hz".
        below: further lines of its caption.
    """
    axes.set_title(title)
    if caption := [*([of] if of else []), *below]:
        axes.set_xlabel("\n".join(caption), **_CAPTION)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.09)


def colour_bar(
    axes: Axes | Sequence[Axes],
    label: str,
    limits: tuple[float, float],
    *,
    colours: Colormap = SEQUENTIAL,
    extend: Literal["neither", "min"] = "neither",
) -> None:
    """A colour bar next to `axes`; `extend` is "min" where values below the limits are drawn in the lowest colour."""
    several = [axes] if isinstance(axes, Axes) else axes
    specs = [each.get_subplotspec() for each in several]
    columns = len({spec.colspan.start for spec in specs if spec is not None})
    several[0].figure.colorbar(
        ScalarMappable(Normalize(*limits), colours),
        ax=axes,
        label=label,
        shrink=0.85,
        extend=extend,
        # Of the width of all: the bar takes no more room next to many panels than next to one.
        fraction=0.15 / columns,
        pad=0.05 / columns,
    )


def mesh(
    axes: Axes,
    positions: np.ndarray,
    colours: np.ndarray | str,
    *,
    linewidth: float = 0.6,
    point_size: float = 4.0,
) -> None:
    """A grid of points joined to their neighbours.

    Args:
        axes: where.
        positions: (rows, columns, 2).
        colours: (rows, columns, 4) red, green, blue, alpha; or one colour for all.
        linewidth: of the lines, in points.
        point_size: of the points, in square points; 0 for none.
    """
    rows, columns = positions.shape[:2]
    if isinstance(colours, str):
        # One line with gaps: as single pieces they are megabytes.
        ways = np.concatenate([_with_gaps(positions), _with_gaps(np.swapaxes(positions, 0, 1))])
        axes.plot(*ways.T, color=colours, linewidth=linewidth, alpha=0.6, zorder=1)
    else:
        colours = np.broadcast_to(colours, (rows, columns, 4))
        for line_axis in (0, 1):
            points = np.swapaxes(positions, 0, line_axis)
            segments = np.stack([points[:-1], points[1:]], axis=2).reshape(-1, 2, 2)
            of_points = np.swapaxes(colours, 0, line_axis)[:-1].reshape(-1, 4)
            axes.add_collection(LineCollection(list(segments), colors=of_points, linewidths=linewidth, alpha=0.6))
    if point_size:
        flat = colours if isinstance(colours, str) else colours.reshape(-1, 4)
        x, y = positions.reshape(-1, 2).T
        axes.scatter(x, y, s=point_size, c=flat, linewidths=0, zorder=2)
    axes.autoscale_view()


def _with_gaps(ways: np.ndarray) -> np.ndarray:
    """Lines (lines, n, 2) one after the other, with NaN between them: (lines * (n + 1), 2)."""
    gaps = np.full((len(ways), 1, 2), np.nan)
    return np.concatenate([ways, gaps], axis=1).reshape(-1, 2)


def filter_images(panels: Sequence[Axes], responses: Sequence[FrequencyResponses]) -> None:
    """The frequency responses of an encoder's filters in each panel, with one colour bar for all."""
    for axes, response in zip(panels, responses, strict=True):
        khz = response.frequency / 1000
        axes.imshow(
            response.decibels.T,
            origin="lower",
            aspect="auto",
            cmap=SEQUENTIAL,
            vmin=_LEAST_DECIBELS,
            vmax=0,
            extent=(0, len(response.peak), khz[0], khz[-1]),
        )
        axes.set_xlabel("Filter")
    panels[0].set_ylabel("Frequency (kHz)")
    colour_bar(panels, "Response relative to its peak (dB)", (_LEAST_DECIBELS, 0), extend="min")


def logarithmic(axes: Axes, which: Literal["x", "y"]) -> None:
    """Makes an axis logarithmic, with plain numbers at 1, 2, 5, 10, 20 and so on."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def arrow(axes: Axes, start: np.ndarray, end: np.ndarray, colour: str, *, width: float = 2.5) -> None:
    """An arrow between two positions."""
    axes.annotate(
        "",
        xy=(end[0], end[1]),
        xytext=(start[0], start[1]),
        zorder=3,
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": width,
            "mutation_scale": 6 * width,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )


def along(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Positions along an arrow, (n, 2), for labels to avoid."""
    return np.linspace(start, end, 12)


def map_of(sounds: str, size: str) -> str:
    """What a map is, for its caption: of which sounds, and of a smoke run that it is not UMAP's."""
    return quick_mark(f"{projection_name(size)} of {sounds}", quick=size in THIN)


def quick_mark(title: str, *, quick: bool) -> str:
    """A caption that says so where the grids are thin."""
    return f"{title} (few sounds)" if quick else title


def line(colour: ColorType, label: str, *, width: float = 2.0) -> Line2D:
    """A line for a legend."""
    return Line2D([], [], color=colour, linewidth=width, label=label)


@dataclasses.dataclass(frozen=True)
class Label:
    """A text next to a position, (2,). A black one is marked by a dot, one in colour (an arrow's) is not."""

    text: str
    position: Sequence[float]
    colour: ColorType = "black"


def labels(
    axes: Axes, chosen: Sequence[Label], *, fontsize: float = 11, avoid: Sequence[Sequence[float]] | np.ndarray = ()
) -> None:
    """Draws labels, pushed apart where they cover each other, and off the positions to `avoid`. Call it last."""
    if not chosen:
        return
    # A long name stands in full in the legend, or in the tables.
    chosen = [
        dataclasses.replace(each, text=lettering.shortened(printable(each.text), lettering.LONGEST_ON_MAP))
        for each in chosen
    ]
    positions = np.array([label.position for label in chosen])
    dots = np.array([label.colour == "black" for label in chosen])
    x, y = positions[dots].T
    axes.scatter(x, y, s=12, c="black", zorder=5, edgecolors="white", linewidths=0.5)
    room_for_text.fit(axes.figure)  # labels have a size in points, not in data
    # A map's limits depend on what room it had when it was drawn. The dots have them made anew: do that now, not later.
    axes.autoscale_view()
    axes.apply_aspect()
    points_per_pixel = 72 / axes.figure.dpi
    anchors = axes.transData.transform(positions) * points_per_pixel
    sizes = _text_sizes(axes, chosen, fontsize) * points_per_pixel + 3
    inside = axes.get_window_extent().get_points() * points_per_pixel + [[2], [-2]]
    off = axes.transData.transform(np.reshape(avoid, (-1, 2))) * points_per_pixel
    centres = _spread(anchors, sizes, inside, np.concatenate([anchors, off]))
    for label, offset in zip(chosen, centres - anchors, strict=True):
        far = float(np.hypot(*offset)) > 1.4 * fontsize + 3 * (len(label.text) > 4)
        text = axes.annotate(
            label.text,
            xy=(label.position[0], label.position[1]),
            xytext=(offset[0], offset[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=fontsize,
            color=label.colour,
            fontweight=_weight(label),
            path_effects=_OUTLINE,
            zorder=6,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": label.colour, "shrinkA": 3} if far else None,
        )
        lettering.as_letters(text)


def _text_sizes(axes: Axes, chosen: Sequence[Label], fontsize: float) -> np.ndarray:
    """Width and height of each label as it is drawn, (n, 2), in pixels."""
    sizes = []
    for label in chosen:
        text = axes.text(0, 0, label.text, fontsize=fontsize, fontweight=_weight(label))
        lettering.as_letters(text)
        with lettering.without_remarks():
            box = text.get_window_extent()
        text.remove()
        sizes.append((box.width, box.height))
    return np.array(sizes)


def _weight(label: Label) -> str:
    return "normal" if label.colour == "black" else "bold"


def _spread(anchors: np.ndarray, sizes: np.ndarray, inside: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Centres, (n, 2), of boxes of `sizes` near `anchors` that cover neither each other nor what is to be left free.

    They stay `inside`, [[left, bottom], [right, top]]. `free`, (m, 2), are positions, the anchors among them.
    """
    centres = anchors + np.array([0.0, 1.0]) * (sizes[:, 1:] / 2 + 3)
    first = np.where(np.arange(len(centres))[:, None] >= np.arange(len(centres)), 1.0, -1.0)  # of two in one place
    for _ in range(400):
        push = np.zeros_like(centres)
        # Boxes push boxes, and (smaller) free places push boxes.
        for others, other_sizes in ((centres, sizes), (free, np.full_like(free, 5.0))):
            apart = centres[:, None] - others[None]
            overlap = (sizes[:, None] + other_sizes[None]) / 2 - np.abs(apart)
            covered = (overlap > 0).all(axis=2)
            if others is centres:
                np.fill_diagonal(covered, False)
            along = np.argmin(overlap, axis=2)  # the shorter way out
            for axis in (0, 1):
                sign = np.sign(apart[..., axis])
                sign += (sign == 0) * (first if others is centres else 1.0)
                push[:, axis] += (sign * overlap[..., axis] * (covered & (along == axis))).sum(axis=1)
        if not push.any():
            break
        centres = np.clip(centres + 0.3 * push, inside[0] + sizes / 2, inside[1] - sizes / 2)
    return centres

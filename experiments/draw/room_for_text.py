"""Room for the texts of a figure: what is too wide is broken into lines, and the figure grows until nothing is cut."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import SubplotSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

from . import lettering

_PAD = 6.0  # pixels that a text keeps from an edge
_TICKS = 1.2  # inches that labels of ticks may take of a panel before the figure grows, or ...
_TICKS_SHARE = 0.35  # of the panel, if that is more
_LEGEND = 0.6  # inches of a legend below, for which figures have room


def legend(
    figure: Figure,
    handles: Sequence[Artist],
    *,
    names: Sequence[str] | None = None,
    columns: int = 4,
    title: str | None = None,
) -> Legend:
    """A legend below a figure, in as many columns as there is room for, of names of any length.

    Names that are wider than the figure are broken into lines, and the figure grows by what the legend needs. Names
    of more than `lettering.LONGEST_IN_LEGEND` letters, which are texts rather than names, lose their middle.

    Args:
        figure: where.
        handles: what is explained.
        names: of each; by default their labels.
        columns: at most.
        title: of the legend.
    """
    given = [str(each.get_label()) for each in handles] if names is None else list(names)
    shown = lettering.told_apart(given, lettering.LONGEST_IN_LEGEND)
    room = figure.bbox.width - 2 * _PAD

    def made(count: int) -> Legend:
        box = figure.legend(
            handles=list(handles),
            labels=shown,
            loc="outside lower center",
            ncols=count,
            fontsize=9,
            frameon=False,
            title=title,
        )
        lettering.settle(figure)
        box.get_title().set_multialignment("center")
        return box

    def width(box: Legend) -> float:
        return float(box.get_window_extent().width)

    with lettering.without_remarks():
        for count in range(max(1, min(columns, len(shown))), 0, -1):
            box = made(count)
            _wrap(box.get_title(), room)
            if width(box) <= room or count == 1:
                break
            box.remove()
        if width(box) > room:
            around = width(box) - max(text.get_window_extent().width for text in box.get_texts())
            for text in box.get_texts():
                _wrap(text, room - around)
        height = box.get_window_extent().height / figure.dpi
    if height > _LEGEND:
        figure.set_figheight(figure.get_figheight() + height - _LEGEND)
    return box


def fit(figure: Figure | SubFigure) -> None:
    """Lays `figure` out, once: everything that takes room must have been drawn."""
    lettering.settle(figure)
    if not isinstance(figure, Figure) or not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return
    with lettering.without_remarks():
        figure.draw_without_rendering()
        if _given_room_for_ticks(figure):
            figure.draw_without_rendering()
        if _broken(figure):
            figure.draw_without_rendering()
    figure.set_layout_engine(None)  # with "none", every file would be laid out again, to no effect


def box_of(figure: Figure) -> Bbox | None:
    """What is saved, in inches: the figure with what of its texts lies outside it; None where that is the figure."""
    with lettering.without_remarks():
        boxes = [each.get_window_extent() for each in visible_texts(figure)]
    own = figure.bbox
    outside = [each.padded(_PAD) for each in boxes if not holds(own, each)]
    return Bbox.union([own, *outside]).transformed(figure.dpi_scale_trans.inverted()) if outside else None


def holds(outer: BboxBase, inner: BboxBase) -> bool:
    return bool(outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and outer.x1 >= inner.x1 and outer.y1 >= inner.y1)


def visible_texts(figure: Figure) -> list[Text]:
    """The texts that are drawn, those of ticks within the axes' limits."""
    hidden = set()
    shown = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    hidden |= {id(tick.label1), id(tick.label2)}
    for text in figure.findobj(Text):
        if isinstance(text, Text) and id(text) not in hidden and text.get_visible() and text.get_text().strip():
            shown.append(text)
    return shown


def _given_room_for_ticks(figure: Figure) -> bool:
    """Makes a figure wider and higher by what long labels of ticks take of its panels."""
    more = np.zeros(2)
    for name, side, dimension in (("yaxis", "width", 0), ("xaxis", "height", 1)):
        taken: dict[int, float] = {}
        for axes in figure.axes:
            if (spec := axes.get_subplotspec()) is None:
                continue
            panel = _slot(figure, spec)[dimension] / figure.dpi
            at = spec.colspan.start if dimension == 0 else spec.rowspan.start
            labels = [each for each in getattr(axes, name).get_ticklabels() if each.get_text() and each.get_visible()]
            widest = max((getattr(each.get_window_extent(), side) for each in labels), default=0.0)
            too_much = widest / figure.dpi - max(_TICKS, _TICKS_SHARE * panel)
            taken[at] = max(taken.get(at, 0.0), too_much)
        more[dimension] = sum(taken.values())
    if not more.any():
        return False
    width, height = (figure.get_size_inches() + more).tolist()
    figure.set_size_inches(width, height)
    return True


def _broken(figure: Figure) -> bool:
    """Breaks titles and names of axes that are wider than their panel; the figure grows by the lines that this adds."""
    changed = False
    by_row: dict[int, float] = {}
    for axes in figure.axes:
        spec = axes.get_subplotspec()
        across, up = _room(figure, axes, spec)
        grown = 0.0
        for text in (axes.title, axes._left_title, axes._right_title):  # type: ignore[attr-defined]
            room = across if text is axes.title else axes.bbox.width + min(40.0, figure.bbox.x1 - axes.bbox.x1 - _PAD)
            grown += _wrap(text, room)
        grown += _wrap(axes.xaxis.label, across)
        changed |= bool(_wrap(axes.yaxis.label, up, upright=True)) or bool(grown)
        row = spec.rowspan.start if spec is not None else 0
        by_row[row] = max(by_row.get(row, 0.0), grown)
    height = sum(by_row.values())
    for name, side in (("_suptitle", figure.bbox.width), ("_supxlabel", figure.bbox.width)):
        if (text := getattr(figure, name)) is not None:
            height += _wrap(text, side - 2 * _PAD)
    if (text := getattr(figure, "_supylabel", None)) is not None:
        changed |= bool(_wrap(text, figure.bbox.height - 2 * _PAD, upright=True))
    if height:
        figure.set_figheight(figure.get_figheight() + height / figure.dpi)
    return changed or bool(height)


def _room(figure: Figure, axes: Axes, spec: SubplotSpec | None) -> tuple[float, float]:
    """How wide a text may be that is centred over `axes`, and how high one beside it, in pixels."""
    centre = (axes.bbox.x0 + axes.bbox.x1) / 2
    within = 2 * min(centre - figure.bbox.x0, figure.bbox.x1 - centre)
    if spec is None:  # a colour bar
        return max(axes.bbox.width, within - 2 * _PAD), figure.bbox.height - 2 * _PAD
    across, up = _slot(figure, spec)
    return min(across, within) - 2 * _PAD, up - 2 * _PAD


def _slot(figure: Figure, spec: SubplotSpec) -> tuple[float, float]:
    """The share of a figure that a panel has, in pixels."""
    grid = spec.get_gridspec()
    return figure.bbox.width * len(spec.colspan) / grid.ncols, figure.bbox.height * len(spec.rowspan) / grid.nrows


def _wrap(text: Text, room: float, *, upright: bool = False) -> float:
    """Breaks a text into lines of at most `room` pixels; by how much higher that makes it (upright: wider)."""
    if not text.get_text().strip() or not text.get_visible():
        return 0.0

    def size() -> tuple[float, float]:
        box = text.get_window_extent()
        return (box.height, box.width) if upright else (box.width, box.height)

    long, thick = size()
    if long <= room:
        return 0.0
    lines = text.get_text().split("\n")
    most = max(map(len, lines))
    letters = max(8, int(most * room / long))
    for _ in range(8):
        text.set_text("\n".join(part for line in lines for part in textwrap.wrap(line, letters) or [""]))
        if size()[0] <= room or letters <= 8:
            break
        letters = max(8, int(letters * 0.9))
    return size()[1] - thick

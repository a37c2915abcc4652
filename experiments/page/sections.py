"""A section for each experiment: its figures and how to read them, what came out, tables, the paper's numbers."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from w2v_jax.front_end import FRAMES

from ..experiment import Figure, Map, Published
from ..store.file_names import safe_name
from ..store.rows import Measurements, Row
from . import live_maps, recorded_map
from .folder import Folder, Part
from .lacking import Lacks

MOST_FIGURES = 8  # encoders of which a page has the figures; those of the others lie beside it
MOST_ROWS = 12  # of a quantity in the table of an experiment whose record nobody gave

VERDICTS = {True: "agrees", False: "differs", None: "not comparable: a thinned grid"}


@dataclasses.dataclass(frozen=True)
class Image:
    """A figure of an encoder: its files, from the folder of the results on."""

    name: str
    alt: str
    svg: str
    pdf: str


@dataclasses.dataclass(frozen=True)
class FigureGroup:
    """Figures of one kind side by side."""

    title: str
    reading: str
    folded: bool
    wide: bool
    images: tuple[Image, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """What the page says of an experiment.

    Attributes:
        id: of its place on the page.
        title, question: of the experiment.
        says: what came out, in lines.
        rule: when it is said.
        maps, figures, tables, notes, downloads: what it has.
        lacks: a line for each thing that it has not.
    """

    id: str
    title: str
    question: str
    says: tuple[str, ...]
    rule: str
    maps: tuple[dict[str, Any], ...]
    figures: tuple[FigureGroup, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    downloads: tuple[str, ...]
    lacks: tuple[str, ...] = ()


def sections(folder: Folder, *, clips: bool = True) -> list[Section]:
    """A section for each experiment that was run, in the order of the page; `clips` as for `page.page`."""
    return [_section(part, folder, clips=clips) for part in folder.parts]


def _section(part: Part, folder: Folder, *, clips: bool) -> Section:
    record, measured = part.record, part.measured
    lacks = Lacks(part, folder.left_out(part.name))
    headline = measured.headline
    if record is not None:  # of the chosen encoders: those that were run last are not all
        headline = lacks.made("what came out", functools.partial(record.headline, measured), "")
    tables = [each for each in (results_table(part), _published_table(part, lacks)) if each.rows]
    return Section(
        id="section-" + re.sub(r"[^\w-]", "-", part.name),
        title=part.title,
        question=record.question if record else "",
        says=tuple(line for line in headline.splitlines() if line.strip()),
        rule=record.rule if record else "",
        maps=tuple(_maps(part, folder, lacks, clips=clips)),
        figures=tuple(group for group in _figures(part, folder) if group.images),
        tables=tuple(tables),
        notes=measured.notes,
        downloads=tuple(_downloads(part, folder)),
        lacks=tuple(lacks.lines),
    )


def _maps(part: Part, folder: Folder, lacks: Lacks, *, clips: bool) -> Iterator[dict[str, Any]]:
    for each in part.record.maps if part.record else ():
        if each.on_page:
            drawn = lacks.made(f"the map {each.title!r}", _map(each, part, folder, clips=clips), None)
            if drawn is not None:
                yield drawn


def _map(map_: Map, part: Part, folder: Folder, *, clips: bool) -> Callable[[], dict[str, Any] | None]:
    if map_.recorded is not None:
        return functools.partial(recorded_map.of_part, map_, part, folder, clips=clips)
    return functools.partial(live_maps.of_part, map_, part, folder)


def _downloads(part: Part, folder: Folder) -> Iterator[str]:
    """Every table, of the maps those of the chosen encoders."""
    of_maps = tuple(safe_name(f".{each.name}.map.csv") for each in folder.encoders)
    for path in folder.files(part.name, ".csv"):
        if path.name.endswith(of_maps) or not path.name.endswith(".map.csv"):
            yield f"{part.name}/{path.name}"


def _figures(part: Part, folder: Folder) -> Iterator[FigureGroup]:
    names = [path.name.removesuffix(".svg") for path in folder.files(part.name, ".svg")]
    if part.record is None:
        images = [_image(part, "Figure", name, name) for name in names if _of_chosen(name, part)]
        yield FigureGroup("Figures", "", folded=False, wide=False, images=tuple(images))
        return
    for figure in part.record.figures:
        yield FigureGroup(
            figure.title, figure.reading, figure.folded, figure.wide, tuple(_images(figure, names, part, folder))
        )


def _images(figure: Figure, names: Sequence[str], part: Part, folder: Folder) -> Iterator[Image]:
    """Of a joint figure `STEM` and `STEM.PART`; of others `STEM.ENCODER` and `STEM.PART.ENCODER`, by encoder."""
    stem = safe_name(figure.stem)
    owners = {name: _owner(name, part.everyone) for name in names if name == stem or name.startswith(f"{stem}.")}
    if figure.joint:
        of_encoders = {each.stem for each in part.record.figures if not each.joint} if part.record else set()
        for name, owner in owners.items():
            piece = name[len(stem) + 1 :]
            if not piece or (not (owner and figure.stem in of_encoders) and _of_chosen(name, part)):
                yield _image(part, figure.title, name, _without_number(piece) or "all")
        return
    for encoder in _with_figures(part, folder):
        for name, owner in owners.items():
            if owner == encoder:
                piece = name[len(stem) : -len(_end(encoder))].lstrip(".")
                shown = f"{encoder}, {_without_number(piece)}" if piece else encoder
                yield _image(part, figure.title, name, shown)


def _with_figures(part: Part, folder: Folder) -> Sequence[str]:
    """The encoders whose figures the page has, as many as it takes."""
    asked, controls = ([each.name for each in several] for several in (folder.asked, folder.controls))
    if len(asked) + len(controls) > MOST_FIGURES:
        controls = controls[: MOST_FIGURES // 2]
        asked = asked[: MOST_FIGURES - len(controls)]
    return [name for name in (*asked, *controls) if name in part.measured.encoders]


def _end(encoder: str) -> str:
    return safe_name(f".{encoder}")


def _owner(name: str, encoders: Sequence[str]) -> str | None:
    """Whose figure it is: of encoders one of whose names ends like another's, the longer one."""
    return max((each for each in encoders if name.endswith(_end(each))), key=len, default=None)


def _of_chosen(name: str, part: Part) -> bool:
    """Whether a figure is of chosen encoders, as far as its name says of whom it is: of one, or of a group."""
    groups: dict[str, list[str]] = {}
    for each in part.measured.encoders.values():
        groups.setdefault(each.group or "", []).append(each.name)
    owner = _owner(name, [*part.everyone, *filter(None, groups)])
    return owner is None or owner in part.measured.encoders or owner in groups


def _without_number(piece: str) -> str:
    """A part of a figure's name as a reader sees it: parts may be numbered, so that their files are in order."""
    return re.sub(r"^\d+-", "", piece)


def _image(part: Part, title: str, stem: str, name: str) -> Image:
    alt = f"{title}: {name}. The numbers are in the table and in metrics.csv."
    return Image(name, alt, f"{part.name}/{stem}.svg", f"{part.name}/{stem}.pdf")


def results_table(part: Part) -> Table:
    """The quantities that the record names: a line for each with its parameters, a column for each front end."""
    measured = part.measured
    quantities = part.record.table if part.record else _short_quantities(measured)
    several = [row for quantity in quantities for row in measured.rows if row.quantity == quantity]
    several = [row for row in several if row.layer == FRAMES]
    names = [name for name in (*measured.encoders, "") if any(row.encoder == name for row in several)]
    lines: dict[str, dict[str, str]] = {}
    for row in several:
        lines.setdefault(_line(row), {})[row.encoder] = cell_text(row)
    controls = measured.controls
    header = [f"{name} (control)" if name in controls else name or "all" for name in names]
    intervals = " [95% interval]" if any(row.low is not None for row in several) else ""
    cells = [(line, *(of.get(name, "–") for name in names)) for line, of in lines.items()]
    return Table(f"Results{intervals}", ("Quantity", *header), tuple(cells))


def _line(row: Row) -> str:
    unit = f", {row.unit}" if row.unit else ""
    better = f" ({row.better} is better)" if row.better else ""
    return f"{row.label}{unit}{better}"


def cell_text(row: Row) -> str:
    """A number as text, with its interval where it has one; or that there is none."""
    if row.value is None:
        return "undefined"
    if row.low is None or row.high is None:
        return f"{row.value:.4g}"
    digits = 2 if row.high - row.low > 0.01 else 3
    return f"{row.value:.{digits}f} [{row.low:.{digits}f}, {row.high:.{digits}f}]"


def _short_quantities(measured: Measurements) -> list[str]:
    """Those of which there are few numbers: no curves, no matrices."""
    lines: dict[str, set[str]] = {}
    for row in measured.rows:
        lines.setdefault(row.quantity, set()).add(row.told)
    return [quantity for quantity, told in lines.items() if len(told) <= MOST_ROWS]


def published(part: Part) -> Sequence[Published]:
    """The paper's numbers next to ours."""
    made = part.record.published if part.record else None
    return made(part.measured) if made is not None else ()


def _published_table(part: Part, lacks: Lacks) -> Table:
    none: Sequence[Published] = ()
    several = lacks.made("the paper's numbers next to ours", functools.partial(published, part), none)
    rows = [
        (f"{each.encoders}: {each.quantity}", each.published, f"{each.ours:.7f}", VERDICTS[each.agrees])
        for each in several
    ]
    return Table("The paper's numbers next to ours", ("Quantity", "paper", "here", ""), tuple(rows))


def without_controls(folder: Folder) -> list[str]:
    """Titles of those experiments that compare an encoder with nothing."""
    everyone = ((part.title, part.measured.encoders.values()) for part in folder.parts)
    return [title for title, abouts in everyone if not any(each.is_control for each in abouts)]

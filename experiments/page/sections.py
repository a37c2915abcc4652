"""A section for each experiment: its figures and how to read them, what came out, tables, the paper's numbers."""

import collections
import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..experiment import Figure, Map
from ..store.file_names import safe_name
from . import live_maps, recorded_map, tables
from .folder import Folder, Part
from .lacking import Lacks
from .tables import Table

MOST_FIGURES = 8  # encoders of which a page has the figures; those of the others lie beside it


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
    own_tables = tables.of_part(part, lacks)
    return Section(
        id="section-" + re.sub(r"[^\w-]", "-", part.name),
        title=part.title,
        question=record.question if record else "",
        says=tuple(line for line in headline.splitlines() if line.strip()),
        rule=record.rule if record else "",
        maps=tuple(_maps(part, folder, lacks, clips=clips)),
        figures=tuple(group for group in _figures(part, folder) if group.images),
        tables=own_tables,
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
    for figure in (each for each in part.record.figures if each.on_page):
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
    named, controls = ([each.name for each in several] for several in (folder.asked, folder.controls))
    if len(named) + len(controls) > MOST_FIGURES:
        controls = controls[: MOST_FIGURES // 2]
        named = named[: MOST_FIGURES - len(controls)]
    return [name for name in (*named, *controls) if name in part.measured.encoders]


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


def shared_notes(several: Sequence[Section]) -> list[str]:
    """The notes that more than one section has."""
    counts = collections.Counter(note for each in several for note in dict.fromkeys(each.notes))
    return [note for note, count in counts.items() if count > 1]


def without_controls(folder: Folder) -> list[str]:
    """Titles of those experiments that compare an encoder with nothing."""
    everyone = ((part.title, part.measured.encoders.values()) for part in folder.parts)
    return [title for title, abouts in everyone if not any(each.is_control for each in abouts)]

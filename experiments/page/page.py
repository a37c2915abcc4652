"""The page: results, template, script and style put into one file."""

import base64
import dataclasses
import datetime
import functools
import gzip
import hashlib
import json
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import jinja2
import vl_convert

from w2v_jax import _version
from w2v_jax._src import files as files_of

from ..experiment import Experiment
from ..front_ends.paper import model_of
from ..measures import map_order
from ..sentences import listed
from ..store.results import THIN
from ..store.rows import About
from . import inside
from . import sections as sections_of
from .folder import Folder, ReportError, read
from .sections import Section

TEMPLATES = pathlib.Path(__file__).parent / "templates"
NAME = "index.html"
MOST_BYTES = 10_000_000  # of a page: what mail takes
_MOST_SHRINKING = 50  # what no table or figure shrinks by: larger files are not even read

_KINDS = {
    "trained": "encoder with trained weights",
    "random": "control: random weights",
    "spectrogram": "control: a spectrogram",
    "yours": "a front end of your own",
}


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of results.

    Attributes:
        html: the page.
        lacks: a line for each thing that it lacks because a file is damaged, or lies elsewhere; it says so itself.
    """

    html: str
    lacks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Rows:
    """A table as text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def write(
    folder: pathlib.Path, names: Sequence[str] = (), *, clips: bool = True, own: Sequence[Experiment] = ()
) -> tuple[pathlib.Path, Sequence[str]]:
    """Writes the page of the results in a folder into it, and returns its path, and what it lacks (as `Page`).

    Args:
        folder: where the experiments' folders are.
        names: of encoders, or patterns of them; by default all.
        clips: whether the sounds of recorded tokens are in it.
        own: records of experiments that do not come with w2v_jax.

    Raises:
        ReportError: there are no results, none of such encoders, or a file is damaged.
    """
    made = page(read(folder, names, own=own), now=datetime.datetime.now(), clips=clips)
    path = folder / NAME
    with files_of.atomic_path(path) as temporary:
        temporary.write_text(made.html, encoding="utf-8", errors="replace")
    return path, made.lacks


def written(folder: pathlib.Path, *, own: Sequence[Experiment] = ()) -> list[str]:
    """Writes the page at the end of a run; where it is, in lines, and what it lacks."""
    try:
        path, lacks = write(folder, own=own)
    except ReportError as error:
        return [f"The page was not written: {error}"]
    return [*(f"NOTE: {line}" for line in lacks), f"The page, with figures, tables, maps and sounds: {path}"]


def page(folder: Folder, *, now: datetime.datetime, most_bytes: int = MOST_BYTES, clips: bool = True) -> Page:
    """The page of some results.

    Args:
        folder: the results.
        now: when it is made.
        most_bytes: how large it may become with the files in it; further ones are left beside it.
        clips: whether the sounds of recorded tokens are in it.
    """
    sections = sections_of.sections(folder, clips=clips)
    vega = _vega() if any(each.maps for each in sections) else ""  # a megabyte, and seconds
    script = inlined((TEMPLATES / "page.js").read_text(encoding="utf-8"))
    maps_json = data([map_ for section in sections for map_ in section.maps])
    room = most_bytes - len(vega) - len(script) - len(maps_json) - 200_000  # for the text
    files, beside = pack(folder.path, wanted(sections), room=room)
    html = _template().render(
        title=f"What {listed([each.name for each in folder.asked], most=4)} hear{'s' * (len(folder.asked) == 1)}",
        css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        script_hashes=" ".join(hash_of(each) for each in (vega, script)),
        warnings=warnings(folder, clips=clips),
        run_on=run_on(folder),
        encoders=encoders_table(folder.encoders),
        remark=remark(folder.encoders),
        published_note=published_note(folder),
        sections=sections,
        notes=[each for each in sections_of.shared_notes(sections) if each != map_order.NOTE],
        map_note=map_order.NOTE,
        intervals=any("[" in cell for each in sections for table in each.tables for cell in table.cells),
        maps=any(each.maps or map_order.NOTE in each.notes for each in sections),
        sounds=any(map_["sound"]["kind"] != "none" for each in sections for map_ in each.maps),
        made=f"Made by w2v_jax {_version.__version__} on {now:%Y-%m-%d at %H:%M}, from {folder.path.name or '.'}/.",
        beside=beside,
        maps_json=maps_json,
        spec_json=data(json.loads((TEMPLATES / "map.vl.json").read_text(encoding="utf-8"))),
        files_json=data(files),
        vega=vega,
        js=script,
    )
    return Page(html, tuple(dict.fromkeys(line for section in sections for line in section.lacks)))


@functools.cache
def _vega() -> str:
    return inlined(vl_convert.javascript_bundle())  # type: ignore[call-arg, unused-ignore]


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["isolated"] = isolated
    return environment.get_template("page.html.j2")


# Scripts that are written from right to left.
_LEFTWARDS = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+")


def isolated(text: str) -> str:
    """Text whose words from right to left do not turn the numbers and brackets around them."""
    return _LEFTWARDS.sub(lambda word: f"\u2068{word.group()}\u2069", text)


def wanted(sections: Sequence[Section]) -> list[str]:
    """The files that the page would have, those first without which it would miss most."""
    figures = [image for section in sections for group in section.figures for image in group.images]
    tables = [name for section in sections for name in section.downloads]
    return [*(each.svg for each in figures), *tables, *(each.pdf for each in figures)]


def pack(folder: pathlib.Path, names: Iterable[str], *, room: int) -> tuple[dict[str, str], list[str]]:
    """Files as gzip in base64, by name, as many as there is room for in bytes; and the names of the others.

    Small ones come first among those with one suffix, so that one large file does not crowd out many.
    """
    sizes = {name: (folder / name).stat().st_size for name in dict.fromkeys(names) if inside.has(folder, folder / name)}
    suffixes = list(dict.fromkeys(pathlib.PurePosixPath(name).suffix for name in sizes))
    packed: dict[str, str] = {}
    beside = []
    for name in sorted(sizes, key=lambda name: (suffixes.index(pathlib.PurePosixPath(name).suffix), sizes[name])):
        text = ""
        if sizes[name] <= _MOST_SHRINKING * room:
            whole = inside.read_bytes(folder, folder / name)
            text = base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode()
        if not text or len(text) > room:
            beside.append(name)
            continue
        packed[name] = text
        room -= len(text) + len(name) + 8
    return packed, sorted(beside)


def data(value: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def inlined(script: str) -> str:
    """A script that cannot end the element that it stands in."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def hash_of(script: str) -> str:
    """What the page's policy calls a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def encoders_table(encoders: Sequence[About]) -> Rows:
    """What each encoder is; what was assumed of its checkpoint, where that is anything."""
    columns = {
        "Name": [each.name for each in encoders],
        "What it is": [_KINDS.get(each.kind, "not stated") for each in encoders],
        "Source": [
            f"{each.source or 'not stated'}{f' @ {each.revision}' if each.revision else ''}" for each in encoders
        ],
        "Assumed": [each.assumed or "nothing" for each in encoders],
        "Frames": [_frames(each) for each in encoders],
        "Precision": [each.precision or "–" for each in encoders],
    }
    if not any(each.assumed for each in encoders):
        del columns["Assumed"]
    return Rows(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _frames(encoder: About) -> str:
    rate, hop, field = (encoder.frames[each] for each in ("sample_rate", "hop", "receptive_field"))
    return f"{rate / hop:g} a second, {1000 * field / rate:g} ms each, of {rate / 1000:g} kHz"


def remark(encoders: Sequence[About]) -> str:
    """What a reader must know where the weights were trained on synthesised sound alone, or not at all."""
    ours = [
        each.name for each in encoders if each.kind == "trained" and each.source.startswith("experiments.pretrain:")
    ]
    others = [each.name for each in encoders if not each.is_control and each.name not in ours]
    if ours:
        return (
            f"{listed(ours)} learned from synthesised sound and never heard speech: nothing here says what wav2vec "
            "2.0 has learned."
        )
    if not others:
        return "Nothing here was trained: these results show what an architecture does by itself."
    return ""


def warnings(folder: Folder, *, clips: bool) -> list[str]:
    """What is missing that a reader would need to judge the results."""
    sizes = {part.measured.size for part in folder.parts}
    said = [told for size, told in THIN.items() if size in sizes]
    lacking = sections_of.without_controls(folder)
    if lacking and any(not each.is_control for each in folder.encoders):
        said.append(
            f"No control was run in {listed(lacking)}: what the architecture does without training is not shown. "
            "Add untrained or log-mel to --encoders."
        )
    if len(folder.encoders) > sections_of.MOST_FIGURES:
        said.append(
            f"The page has the figures of {sections_of.MOST_FIGURES} of {len(folder.encoders)} encoders; tables and "
            "maps have all."
        )
    if clips and _has_clips(folder):
        said.append(
            "The page has short clips of the recordings in it: ask the speakers before you send it, "
            "or make one without them: w2v-jax report --noclips."
        )
    return said


def _has_clips(folder: Folder) -> bool:
    maps = ((part.name, map_.recorded) for part in folder.parts if part.record for map_ in part.record.maps)
    return any(recorded and recorded.clips and folder.file(name, recorded.clips) for name, recorded in maps)


def run_on(folder: Folder) -> str:
    """When the results were made, with which versions, on what."""
    written = [(folder.path / each.name / "metrics.json").stat().st_mtime for each in folder.parts]
    days = sorted({datetime.datetime.fromtimestamp(each).strftime("%Y-%m-%d") for each in written})
    told = [each.measured.made_with for each in folder.parts]
    version, jax, device = (
        listed(sorted({each[key][:80] for each in told if each.get(key)}) or ["not stated"])
        for key in ("w2v_jax", "jax", "device")
    )
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"Measured on {when} with w2v_jax {version} and jax {jax}, on: {device}."


def published_note(folder: Folder) -> str:
    """To whom the paper's numbers apply."""
    ours = {each.name: model_of(each.source) for each in folder.encoders}
    models = [f"{name} ({model})" for name, model in ours.items() if model]
    if models:
        return f"The paper's numbers stand next to ours where they apply: to {listed(models)}."
    return "None of these encoders is one of the paper's, so its numbers are not compared."

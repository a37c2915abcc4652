"""A map of recorded sounds, which the page plays, for the page's script."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax._src.quoting import printable, quote
from w2v_jax._src.tensor_file import TensorFileError, open_file

from ..draw import figures
from ..experiment import Map, Recorded
from . import live_maps
from .folder import Folder, Part, ReportError, columns, numbers

COLOURS = (figures.BLUE, figures.ORANGE, figures.GREEN, "#CC79A7", "#B07C00", "#2E8BC0", "#8C510A")
_CLIP = "clip"


def of_part(map_: Map, part: Part, folder: Folder, *, clips: bool) -> dict[str, Any] | None:
    """The map; None where there is nothing on it. As `live_maps.of_part`; `clips`: whether its sounds are to be in the
    page."""
    recorded = map_.recorded
    assert recorded is not None
    measures = [each.name for each in map_.parameters]
    tables = {}
    for each in folder.encoders:
        path = folder.file(part.name, f"{map_.sweep}.{each.name}.map.csv")
        if path is not None and (table := columns(path)):
            needed = (*recorded.key, _CLIP, *measures, "x", "y")
            if missing := [name for name in needed if name not in table]:
                raise ReportError(f"{path}: it has no column {missing[0]!r}; {part.again}")
            tables[each.name] = table
    if not tables:
        return None
    rows: dict[tuple[str, ...], tuple[Mapping[str, Sequence[str]], int]] = {}
    for table in tables.values():
        for index, key in enumerate(_keys(table, recorded)):
            rows.setdefault(key, (table, index))
    row_of = {key: row for row, key in enumerate(rows)}
    encoders = []
    for each in folder.encoders:
        if each.name in tables:
            table = tables[each.name]
            places = np.full((2, len(rows)), np.nan)
            places[:, [row_of[key] for key in _keys(table, recorded)]] = [numbers(table[axis]) for axis in ("x", "y")]
            lines = live_maps.below(part, each, recorded.background)
            background = _background(map_, folder, part, each.name)
            encoders.append({**live_maps.encoder_of(each, *places, below=lines), "background": background})
    cells = {name: [table[name][index] for table, index in rows.values()] for name in next(iter(tables.values()))}
    labels = cells.get(recorded.label, [])
    colour: dict[str, Any] = {"name": map_.colour, "title": map_.colour_title, "diverging": map_.diverging}
    if any(labels):
        shown = [printable(label) or "(none)" for label in labels]
        colour = {"name": recorded.label, "title": "Label", "labels": shown, "range": COLOURS}
    sounds = _clips(folder, part, recorded, cells[_CLIP]) if clips else [None] * len(rows)
    count = sum(sound is not None for sound in sounds)
    held = f"{count} of them can be heard" if count else "their sounds are not in the page"
    values = {name: numbers(cells[name]) for name in measures}
    of = map_.of(values) if map_.of is not None else f"{len(rows)} {map_.sounds}"
    return {
        "id": live_maps.id_of(part, map_),
        "title": map_.title,
        "reading": map_.reading,
        "caption": f"{live_maps.kind_of(part)} of {of}; {held}",
        "parameters": [{"name": each.name, "label": each.label, "unit": each.unit} for each in map_.parameters],
        "values": {name: live_maps.packed(each) for name, each in values.items()},
        "texts": recorded.texts(cells),
        "colour": colour,
        "names": [],
        "sound": {"kind": "clips", "clips": sounds} if count else {"kind": "none"},
        "silent": [],
        "grid": False,
        "encoders": encoders,
    }


def _keys(table: Mapping[str, Sequence[str]], recorded: Recorded) -> list[tuple[str, ...]]:
    return list(zip(*(table[name] for name in recorded.key), strict=True))


def _background(map_: Map, folder: Folder, part: Part, encoder: str) -> dict[str, Any]:
    """The points that lie beneath, of which there may be none, and what is written on them."""
    assert map_.recorded is not None
    path = folder.file(part.name, f"{map_.recorded.background}.{encoder}.map.csv")
    points = {name: numbers(column) for name, column in columns(path).items()} if path is not None else {}
    x, y = (points.pop(axis, np.zeros(0)) for axis in ("x", "y"))
    names = map_.labels(points, part.measured) if map_.labels is not None and len(x) else []
    return {"x": live_maps.packed(x), "y": live_maps.packed(y), "names": names}


def _clips(folder: Folder, part: Part, recorded: Recorded, chosen: Sequence[str]) -> list[str | None]:
    """The sounds of the rows, in base64; None where a row has none."""
    path = folder.file(part.name, recorded.clips)
    if not recorded.clips or path is None:
        return [None] * len(chosen)
    try:
        tensors = open_file(path)
        samples, first = tensors.array("samples"), tensors.array("first")
    except (TensorFileError, KeyError, OSError) as error:
        raise ReportError(f"{path}: it cannot be read ({quote(error)}); {part.again}") from None
    known: dict[str, str] = {}
    for each in filter(None, chosen):
        if each not in known and each.isdecimal() and int(each) + 1 < len(first):
            sound = samples[int(first[int(each)]) : int(first[int(each) + 1])]
            known[each] = base64.b64encode(encoded(sound, recorded.clip_rate)).decode()
    return [known.get(each) for each in chosen]


def encoded(samples: np.ndarray, rate: int) -> bytes:
    """A sound file of int16 samples that browsers play: MP3 where soundfile is installed, else WAV."""
    file = io.BytesIO()
    try:
        import soundfile  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        from scipy.io import wavfile  # here: every page would wait for it

        wavfile.write(file, rate, samples)
        return file.getvalue()
    soundfile.write(file, samples, rate, format="MP3")
    return file.getvalue()

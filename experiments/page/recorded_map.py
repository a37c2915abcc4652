"""The map of recorded tokens, with their sounds, for the page's script."""

import base64
import io
import pathlib
import wave
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax._src.quoting import printable, quote
from w2v_jax._src.tensor_file import TensorFileError, open_file

from ..draw import figures
from ..measures import map_order
from ..recordings.clips import FILE, SAMPLE_RATE
from .finished import Finished, ReportError, columns, numbers
from .live_maps import HERTZ, encoder_of, packed

EXPERIMENT = "recordings"
TOKENS, VOWELS = "recordings", "recordings_vowels"
COLOURS = (figures.BLUE, figures.ORANGE, figures.GREEN, "#CC79A7", "#B07C00", "#2E8BC0", "#8C510A")
_KEY = ("file", "label", "start", "end")
_NEEDED = (*_KEY, "clip", "f0", "f1", "f2", "x", "y")


def of_recordings(finished: Finished, *, clips: bool) -> dict[str, Any] | None:
    """The map of the tokens; None where there are none.

    Args:
        finished: the results.
        clips: whether the tokens' sounds are to be in the page.
    """
    tables = {
        each.name: _table(path)
        for each in finished.encoders
        if (path := finished.file(EXPERIMENT, f"{TOKENS}.{each.name}.map.csv"))
    }
    tables = {name: table for name, table in tables.items() if table}
    if not tables:
        return None
    rows: dict[tuple[str, ...], tuple[dict[str, list[str]], int]] = {}
    for table in tables.values():
        for index, key in enumerate(_keys(table)):
            rows.setdefault(key, (table, index))
    row_of = {key: row for row, key in enumerate(rows)}
    encoders = []
    for each in finished.encoders:
        if each.name not in tables:
            continue
        table = tables[each.name]
        places = np.full((2, len(rows)), np.nan)
        places[:, [row_of[key] for key in _keys(table)]] = [numbers(table[axis]) for axis in ("x", "y")]
        under = finished.file(EXPERIMENT, f"{VOWELS}.{each.name}.map.csv")
        vowels = columns(under) if under else {}
        background = {axis: packed(numbers(vowels.get(axis, []))) for axis in ("x", "y")}
        order = map_order.of_metrics(finished.measured(EXPERIMENT).get(each.name, {}), VOWELS)
        below = map_order.caption(order, sounds="synthesised vowels") if order else ()
        encoders.append({**encoder_of(each, *places, below=below), "background": background})
    measures = ("f0", "f1", "f2")
    values = {name: numbers([table[name][index] for table, index in rows.values()]) for name in measures}
    labels = [key[1] for key in rows]
    colour: dict[str, Any] = {"name": "f1", "title": "F1 (Hz)", "diverging": False}
    if any(labels):
        shown = [printable(label) or "(none)" for label in labels]
        colour = {"name": "label", "title": "Label", "labels": shown, "range": COLOURS}
    sounds = _clips(finished, [table["clip"][index] for table, index in rows.values()]) if clips else [None] * len(rows)
    heard = sum(sound is not None for sound in sounds)
    held = f"{heard} of them can be heard" if heard else "their sounds are not in the page"
    return {
        "id": TOKENS,
        "title": "Recorded vowels on the map of synthesised ones",
        "reading": "Grey: synthesised vowels, on which the map was made; in colour, recorded ones, placed on it "
        "afterwards. Where no synthesised vowel is near, a recorded one gets a place all the same.",
        "caption": f"UMAP of synthesised vowels, with {len(rows)} recorded tokens; {held}",
        "parameters": [{"name": name, "label": f"{HERTZ[name]} (Praat)", "unit": "Hz"} for name in measures],
        "values": {name: packed(each) for name, each in values.items()},
        "texts": [
            {"label": "", "values": [f"[{printable(label)}]" if label else "" for label in labels]},
            {"label": "in", "values": [printable(pathlib.PurePath(key[0]).name) for key in rows]},
            {"label": "at", "values": [f"{float(key[2]):.2f} s" for key in rows]},
        ],
        "colour": colour,
        "names": [],
        "sound": {"kind": "clips", "clips": sounds},
        "silent": [],
        "grid": False,
        "walks": "left and right: one by one; up and down: ten at a time",
        "encoders": encoders,
    }


def _keys(table: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    return list(zip(*(table[name] for name in _KEY), strict=True))


def _table(path: pathlib.Path) -> dict[str, list[str]]:
    table = columns(path)
    if table and (missing := [name for name in _NEEDED if name not in table]):
        raise ReportError(f"{path}: it has no column {missing[0]!r}; run w2v-jax recordings again")
    return table


def _clips(finished: Finished, chosen: Sequence[str]) -> list[str | None]:
    """The sounds of the rows, in base64; None where a row has none."""
    path = finished.file(EXPERIMENT, FILE)
    if path is None:
        return [None] * len(chosen)
    try:
        found = open_file(path)
        samples, first = found.array("samples"), found.array("first")
    except (TensorFileError, KeyError, OSError) as error:
        raise ReportError(f"{path}: it cannot be read ({quote(error)}); run w2v-jax recordings again") from None
    known: dict[str, str] = {}
    for each in filter(None, chosen):
        if each not in known and each.isdecimal() and int(each) + 1 < len(first):
            sound = samples[int(first[int(each)]) : int(first[int(each) + 1])]
            known[each] = base64.b64encode(encoded(sound)).decode()
    return [known.get(each) for each in chosen]


def encoded(samples: np.ndarray) -> bytes:
    """A sound file of int16 samples that browsers play: MP3 where soundfile is installed, else WAV."""
    try:
        import soundfile  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return as_wave(samples)
    file = io.BytesIO()
    soundfile.write(file, np.asarray(samples), SAMPLE_RATE, format="MP3")
    return file.getvalue()


def as_wave(samples: np.ndarray) -> bytes:
    """A WAV file of int16 samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(SAMPLE_RATE)
        target.writeframes(np.asarray(samples, "<i2").tobytes())
    return file.getvalue()

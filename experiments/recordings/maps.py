"""The maps of `recordings` that one can touch and hear: the synthesised vowels, and the tokens placed on their map."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax._src.quoting import printable

from ..experiment import Map, Parameter, Recorded
from ..hearing import Heard, Points
from ..vowels import vowel_maps
from . import clips, encoding, material, synthesis
from .encoding import TOKENS_MAP, VOWELS_MAP

_MEASURES = ("f0", "f1", "f2")


def vowel_positions(heard: Heard) -> tuple[Points, np.ndarray]:
    """Where the synthesised vowels lie."""
    points = heard.grid(synthesis.of_map(heard)).points()
    return points, encoding.on_map(heard).mesh.reshape(-1, 2)


def token_positions(heard: Heard) -> tuple[Points, np.ndarray]:
    """Where the tokens lie, and which clip is whose."""
    tokens, clip_of = material.framed(heard).tokens, material.of(heard).clip_of
    keys = clips.keys_of(tokens)
    columns = {
        "file": np.array([key[0] for key in keys], object),
        "speaker": tokens.speaker,
        "label": np.array(tokens.label, object),
        "start": tokens.start,
        "end": tokens.end,
        "clip": np.array([clip_of.get(key, "") for key in keys], object),
        **{name: tokens.measured[name] for name in _MEASURES},
    }
    return columns, encoding.on_map(heard).turned


def _texts(table: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    return [
        {"label": "", "values": [f"[{printable(label)}]" if label else "" for label in table["label"]]},
        {"label": "in", "values": [printable(pathlib.PurePath(file).name) for file in table["file"]]},
        {"label": "at", "values": [f"{float(start):.2f} s" for start in table["start"]]},
    ]


def _on_map(points: Points) -> str:
    count = len(points["f0"])
    return f"synthesised vowels, with {count} recorded token{'s' * (count != 1)}"


VOWELS = Map(
    VOWELS_MAP,
    "Synthesised vowels",
    "Recorded vowels are placed on this map.",
    vowel_positions,
    on_page=False,
)

TOKENS = Map(
    TOKENS_MAP,
    "Recorded vowels on the map of synthesised ones",
    "Grey, with symbols in brackets: synthesised vowels, which made the map. In colour: recorded ones, placed on it "
    "afterwards; each symbol stands at the middle of its tokens. A token gets a place even where no synthesised vowel "
    "is near.",
    token_positions,
    parameters=(
        Parameter("f0", "f0 (Praat)", "Hz"),
        Parameter("f1", "F1 (Praat)", "Hz"),
        Parameter("f2", "F2 (Praat)", "Hz"),
    ),
    colour="f1",
    colour_title="F1 (Hz)",
    sounds="recorded tokens",
    of=_on_map,
    labels=vowel_maps.labels,
    recorded=Recorded(
        key=("file", "label", "start", "end"),
        texts=_texts,
        label="label",
        background=VOWELS_MAP,
        clips=clips.FILE,
        clip_rate=clips.SAMPLE_RATE,
    ),
)

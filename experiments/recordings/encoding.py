"""What one front end makes of the recordings: features of tokens and of their synthesised vowels, and its map."""

import dataclasses

import numpy as np

from w2v_jax.source_filter import LOWEST_F0

from ..draw import vowel_chart
from ..hearing import Heard
from ..measures import map_order
from ..measures.map_order import MapOrder
from . import frames_and_measures, material, nearness, synthesis
from .material import NAME

# Maps: of the synthesised vowels, and of the tokens on it.
VOWELS_MAP, TOKENS_MAP = "recordings_vowels", "recordings"


@dataclasses.dataclass(frozen=True, eq=False)
class Encoded:
    """What a front end makes of the recordings.

    Attributes:
        frames: of all recordings, (frames, channels).
        tokens: the mean of each token's frames, (tokens, channels).
        own: features of the synthesised vowels of the f0, F1 and F2 of those tokens that are compared,
            (compared, channels).
        equal_f0: the f0 of each, rounded, (compared,).
        at_equal_f0: the same vowels at these f0.
    """

    frames: np.ndarray
    tokens: np.ndarray
    own: np.ndarray
    equal_f0: np.ndarray
    at_equal_f0: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class OnMap:
    """Where UMAP lays things, turned as vowels are drawn.

    Attributes:
        positions: of the synthesised vowels as UMAP lays them, (n, 2).
        places: of the tokens, (tokens, 2).
        mesh: the first turned, (F1, F2, 2).
        turned: the second turned.
    """

    positions: np.ndarray
    places: np.ndarray
    mesh: np.ndarray
    turned: np.ndarray


def hear(heard: Heard) -> None:
    """Encodes the recordings, and the synthesised vowels that their tokens ask for."""
    of(heard)


def of(heard: Heard) -> Encoded:
    """What a front end makes of the recordings, read back where it is there."""
    encoded = heard.remembered("encoded", lambda: _encode(heard))
    assert isinstance(encoded, Encoded)
    return encoded


def _encode(heard: Heard) -> Encoded:
    shared, framed = material.of(heard), material.framed(heard)
    frames = frames_and_measures.encode(
        heard.results, NAME, heard.front_end, framed.layout, normalize=shared.normalised[heard.front_end]
    )
    features = framed.tokens.features(frames)
    if len(framed.compared) < 2:
        none = np.zeros((0, frames.shape[1]), np.float32)
        return Encoded(frames, features, none, np.zeros(0), none)
    measured = {name: framed.tokens.measured[name][framed.compared] for name in ("f0", "f1", "f2")}
    equal = np.maximum(nearness.rounded(measured["f0"]), LOWEST_F0)
    return Encoded(
        frames=frames,
        tokens=features,
        own=synthesis.of_their_own(heard, measured, name="own_vowels"),
        equal_f0=equal,
        at_equal_f0=synthesis.of_their_own(heard, measured | {"f0": equal}, name="own_equal_f0"),
    )


def on_map(heard: Heard) -> OnMap:
    """Where the synthesised vowels lie, and the tokens, which are placed on their map and do not change it."""
    placed = heard.remembered("on map", lambda: _place(heard))
    assert isinstance(placed, OnMap)
    return placed


def _place(heard: Heard) -> OnMap:
    sweep, features = synthesis.of_map(heard), of(heard).tokens
    if len(features):
        positions, places = heard.umap_onto(TOKENS_MAP, heard.features(sweep), features)
    else:
        positions, places = heard.umap(sweep), np.zeros((0, 2), np.float32)
    return OnMap(positions, places, *vowel_chart.oriented_with(positions, places, heard.grid(sweep)))


def order(heard: Heard) -> MapOrder:
    """The numbers under the map of synthesised vowels."""
    sweep = synthesis.of_map(heard)
    return map_order.measure(
        heard.features(sweep),
        on_map(heard).positions,
        heard.grid(sweep).points(),
        sweep=VOWELS_MAP,
        bootstrap=heard.results.bootstrap,
    )

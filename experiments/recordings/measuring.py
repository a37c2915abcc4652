"""What is measured of a front end that hears recordings: what is read off, how near tokens lie, and their table."""

from collections.abc import Mapping

import numpy as np

from ..hearing import Heard
from ..store import rows
from ..store.rows import Cell, Row
from . import encoding, frames_and_measures, material, nearness, reading, synthesis, tokens
from .nearness import Way
from .tokens import Placed

# Quantities, with their parameters.
FRAMES, NORMALISED, TOKENS = "frames", "normalised", "tokens"
READ, COMPARED = "frames read", "tokens compared"
NOT_COMPARED = "tokens not compared"  # `why`
ERROR = "read off other voices: median error"  # of a `parameter`
LINEARITY = "linearity, R²"  # of a `parameter`
NEARNESS = "nearness to the own synthesised vowel, AUC"  # `among` which tokens, of which `features`

NAMES = {"f0": "f0", "f1": "F1", "f2": "F2", "intensity": "intensity"}  # values of `parameter`


def measure(heard: Heard) -> list[Row]:
    """All of it."""
    framed = material.framed(heard)
    return [
        rows.number(
            FRAMES,
            framed.layout.num_frames,
            measures=f"{frames_and_measures.measures_name(heard.frames)}.safetensors",
        ),
        rows.number(NORMALISED, material.of(heard).normalised[heard.front_end]),
        rows.number(TOKENS, len(framed.tokens)),
        rows.number(READ, len(framed.read)),
        rows.number(COMPARED, len(encoding.of(heard).own)),
        *(rows.number(NOT_COMPARED, count, why=why) for why, count in framed.not_compared.items()),
        *measure_reading(heard),
        *measure_nearness(heard),
        *encoding.order(heard).rows(),
    ]


def measure_reading(heard: Heard) -> list[Row]:
    """The error of each parameter, and its linearity."""
    framed, frames = material.framed(heard), encoding.of(heard).frames
    voiced = reading.Voiced(frames, framed.measures, framed.read, framed.speaker, heard.results.bootstrap)
    return reading_rows(reading.errors(voiced), reading.linearity(voiced))


def reading_rows(errors: Mapping[str, Cell], linear: Mapping[str, Cell]) -> list[Row]:
    """Rows of what `reading` computes."""
    return [
        *(
            rows.score(ERROR, cell, unit=reading.UNITS[name], better="lower", parameter=NAMES[name])
            for name, cell in errors.items()
        ),
        *(rows.score(LINEARITY, cell, better="higher", parameter=NAMES[name]) for name, cell in linear.items()),
    ]


def measure_nearness(heard: Heard) -> list[Row]:
    """The nearness of tokens to their own synthesised vowels, in each way."""
    return nearness_rows(_nearness(heard))


def nearness_rows(cells: Mapping[Way, Cell]) -> list[Row]:
    """Rows of what `nearness` computes."""
    return [
        rows.score(NEARNESS, cells[among, what], better="higher", among=among, features=what)
        for among, what in nearness.WAYS
    ]


def _nearness(heard: Heard) -> Mapping[Way, Cell]:
    framed, encoded = material.framed(heard), encoding.of(heard)
    if not len(encoded.own):
        told = f"there are {len(framed.compared)} tokens of which Praat measures f0, F1 and F2; expected at least 2"
        return dict.fromkeys(nearness.WAYS, told)
    recorded, bootstrap = encoded.tokens[framed.compared], heard.results.bootstrap
    equal = nearness.nearness_at(recorded, encoded.at_equal_f0, encoded.equal_f0, bootstrap=bootstrap)
    return {
        **nearness.nearness(recorded, encoded.own, framed.tokens.speaker[framed.compared], bootstrap=bootstrap),
        (nearness.AT_EQUAL_F0, nearness.AS_THEY_ARE): equal,
    }


def save_tokens(heard: Heard) -> None:
    """Writes `tokens.ENCODER.csv`: a row for each token."""
    framed, encoded, sweep = material.framed(heard), encoding.of(heard), synthesis.of_map(heard)
    rank = np.full(len(framed.tokens), np.nan)
    if count := len(encoded.own):
        rank[framed.compared] = nearness.ranks(encoded.tokens[framed.compared], encoded.own)
    near = tokens.nearest(encoded.tokens, heard.features(sweep))
    placed = Placed(encoding.on_map(heard).turned, *near, rank, count)
    text = tokens.csv_text(framed.tokens, placed, heard.grid(sweep).points(), heard.vowels.on_grid)
    heard.results.save_text(material.NAME, f"tokens.{heard.name}.csv", text)

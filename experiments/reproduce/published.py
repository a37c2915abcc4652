"""The numbers that the paper prints, and whether ours agree with them."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from ..front_ends.paper import MODELS

# Section 3.2, first figure: Base, 100 ... 500 Hz. Numbers are kept as printed: their digits matter.
STATIONARITY = (
    ("1", "0.36", "0.25", "0.14", "-0.076"),
    ("0.36", "1", "0.15", "0.039", "-0.23"),
    ("0.25", "0.15", "1", "0.37", "0.22"),
    ("0.14", "0.039", "0.37", "1", "0.32"),
    ("-0.076", "-0.23", "0.22", "0.32", "1"),
)
# Section 3.3, first figure: Base, all 25 cells.
BIAS = "1"
# The heat maps print two significant digits (0.996 is a "1").
HEAT_MAP_DIGITS = 2

# Section 3.4: linear CKA on the vowel space by f0.
CKA = {
    frozenset({"Base", "Large"}): "0.9350568",
    frozenset({"Base", "XLS-R"}): "0.8245917",
    frozenset({"Large", "XLS-R"}): "0.8295691",
}
CKA_DIGITS = 7


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One of the paper's numbers next to ours.

    Attributes:
        encoders: the encoder, or the two, that ours is of.
        quantity: what it is.
        published: as the paper prints it.
        ours: unrounded.
        agrees: whether ours, printed like that, is the same; None where the grids differ (`--quick`).
    """

    encoders: str
    quantity: str
    published: str
    ours: float
    agrees: bool | None


def model_of(source: str) -> str | None:
    """Which of the paper's models weights from `source` are: "Base", "Large", "XLS-R", or None."""
    return MODELS.get(source.partition("@")[0])


def agrees(ours: float, published: str, *, digits: int) -> bool:
    """Whether `ours` prints as `published` with that many significant digits, trailing zeros dropped."""
    return f"{ours:.{digits}g}" == published


def compare(temporal: Mapping[str, Any], f0: Mapping[str, Any], formants: Mapping[str, Any]) -> list[Comparison]:
    """The published numbers next to ours, for those encoders that the paper used.

    Args:
        temporal, f0, formants: what the three experiments' `metrics.json` say.
    """
    models = {name: model_of(measured["source"]) for name, measured in temporal["encoders"].items()}
    comparisons = []
    for name, model in models.items():
        if model == "Base":
            comparisons += _stationarity(name, temporal["encoders"][name]["stationarity"])
            comparisons.append(_bias(name, f0["encoders"][name]["bias"]))
    # The paper's CKA is of its own vowels: next to that of others it would mislead.
    between = {} if formants.get("vowels") else formants.get("between_encoders") or {}
    for pair in between.get("linear_cka", []):
        first, second = pair["encoders"]
        published = CKA.get(frozenset(model for model in (models[first], models[second]) if model is not None))
        if published is not None:
            ours = pair["linear_cka"]
            verdict = None if formants["quick"] else agrees(ours, published, digits=CKA_DIGITS)
            comparisons.append(Comparison(f"{first}, {second}", "linear CKA", published, ours, verdict))
    return comparisons


def _stationarity(name: str, measured: Mapping[str, Any]) -> list[Comparison]:
    khz = [f"{frequency / 1000:g}" for frequency in measured["frequency"]]
    return [
        Comparison(
            name,
            f"stationarity, {khz[row]} and {khz[column]} kHz",
            STATIONARITY[row][column],
            measured["matrix"][row][column],
            agrees(measured["matrix"][row][column], STATIONARITY[row][column], digits=HEAT_MAP_DIGITS),
        )
        for row, column in itertools.product(range(len(STATIONARITY)), repeat=2)
    ]


def _bias(name: str, measured: Mapping[str, Any]) -> Comparison:
    cosines = list(itertools.chain.from_iterable(measured["matrix"]))
    farthest = max(cosines, key=lambda cosine: abs(cosine - float(BIAS)))
    agreeing = all(agrees(cosine, BIAS, digits=HEAT_MAP_DIGITS) for cosine in cosines)
    return Comparison(name, f"bias, {len(cosines)} cells (ours: the farthest)", BIAS, farthest, agreeing)

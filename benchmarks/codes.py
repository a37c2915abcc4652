"""Known codes: features made from the parameters of sounds themselves, so that what they know needs no network.

A code maps the parameters of n sounds, by name, to features (n, channels), and says which parameters it knows.
"""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Mapping

import numpy as np

from w2v_jax import scales

Points = Mapping[str, np.ndarray]

FREQUENCIES = ("f0", "f1", "f2", "frequency")
AMPLITUDES = ("amplitude_low", "amplitude_high")
LOWEST, HIGHEST = 40.0, 8_000.0  # Hz, of the axes
_SPANS = {"f0": 125.0, "f1": 615.0, "f2": 1805.0, "frequency": 8_000.0}  # Hz, as far as they mostly go
_CHANNELS = 512  # of a random projection
_STRENGTH = {"f0": 0.5, "f1": 0.35, "f2": 0.15, "frequency": 1.0}  # of the partials of a spectrum


@dataclasses.dataclass(frozen=True)
class Code:
    """Features whose answer is known.

    Attributes:
        name: in a table.
        features: of parameters by name, (n,) each; (n, channels).
        knows: the parameters of vowels that are in it.
        kind: how values are told: by place on an axis, by a rate that rises, by a vector of their own, or not at all.
        width: of the tuning in cents, where there is one.
    """

    name: str
    features: Callable[[Points], np.ndarray]
    knows: frozenset[str] = frozenset(("f0", "f1", "f2"))
    kind: str = "place"
    width: float | None = None

    def projected(self) -> "Code":
        """The same through one random matrix: all distances stay, all channels are mixed."""

        def features(points: Points) -> np.ndarray:
            channels = self.features(points)
            mixing = np.random.default_rng(channels.shape[1]).normal(size=(channels.shape[1], _CHANNELS))
            return channels @ mixing / np.sqrt(_CHANNELS)

        return dataclasses.replace(self, name=f"{self.name}, projected", features=features)


def _size(points: Points) -> int:
    return len(next(iter(points.values())))


def _cents(name: str, values: np.ndarray) -> np.ndarray:
    """Where a value lies on an axis of cents; a tenth of a decibel is ten cents."""
    values = np.asarray(values, np.float64)
    return 2_000 * np.log10(values) + 4_000 if name in AMPLITUDES else 1200 * np.log2(values / LOWEST)


def _bumps(place: np.ndarray, width: float, highest: float) -> np.ndarray:
    axis = np.arange(-3 * width, highest + 3 * width, min(width, highest / 20))
    return np.exp(-np.square((place[:, None] - axis) / width) / 2)


def _unit(features: np.ndarray) -> np.ndarray:
    """Features whose rows have a length of 1 on average, so that parts of a code weigh alike."""
    return features / np.sqrt(np.mean(np.square(features).sum(axis=1)))


def _parts(points: Points, part: Callable[[str, np.ndarray], np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    parts = [part(name, values) for name, values in points.items() if name in names]
    return np.hstack(parts) if parts else np.ones((_size(points), 1))


def place(points: Points, *, width: float, names: tuple[str, ...] = (*FREQUENCIES, *AMPLITUDES)) -> np.ndarray:
    """Bumps on an axis of cents, one axis for each parameter."""
    top = float(1200 * np.log2(HIGHEST / LOWEST))
    return _parts(points, lambda name, values: _unit(_bumps(_cents(name, values), width, top)), names)


def place_on_mel(points: Points, *, width: float) -> np.ndarray:
    """Bumps on an axis of Mel."""
    top = float(scales.mel(HIGHEST))
    return _parts(points, lambda _, values: _unit(_bumps(scales.mel(values), width, top)), FREQUENCIES)


def rate(points: Points) -> np.ndarray:
    """One channel for each parameter, which rises with it, and one that is always on."""

    def channel(name: str, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, np.float64)
        return (_cents(name, values) / 1_500 if name in AMPLITUDES else values / _SPANS[name])[:, None]

    channels = _parts(points, channel, (*FREQUENCIES, *AMPLITUDES))
    return np.hstack([channels - 2.0, np.full((len(channels), 1), 40.0)])


def unequal(points: Points, *, width: float = 400.0) -> np.ndarray:
    """Place, with f0 under ten times its variance of F2."""

    def part(name: str, values: np.ndarray) -> np.ndarray:
        top = float(1200 * np.log2(HIGHEST / LOWEST))
        return (10**0.5 if name == "f2" else 1.0) * _unit(_bumps(_cents(name, values), width, top))

    return _parts(points, part, (*FREQUENCIES, *AMPLITUDES))


def spectrum(points: Points, *, width: float) -> np.ndarray:
    """All partials on one axis, through filters of one width in cents, as a bank of filters hears them."""
    top = float(1200 * np.log2(HIGHEST / LOWEST))

    def heard(name: str, values: np.ndarray) -> np.ndarray:
        if name in AMPLITUDES:  # of a partial that stays where it is
            return values[:, None] * _bumps(_cents("frequency", np.full(len(values), _PARTIALS[name])), width, top)
        return _STRENGTH[name] * _bumps(_cents(name, values), width, top)

    partials = [heard(name, values) for name, values in points.items() if name in (*FREQUENCIES, *AMPLITUDES)]
    return np.sum(partials, axis=0)


_PARTIALS = {"amplitude_low": 100.0, "amplitude_high": 700.0}  # Hz


def _vector(name: str, value: float, channels: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(f"{name} {value:.6g}".encode())).normal(size=channels)


def lookup(points: Points, *, channels: int = 100) -> np.ndarray:
    """A vector of its own for every value, in no order."""

    def part(name: str, values: np.ndarray) -> np.ndarray:
        distinct, index = np.unique(values, return_inverse=True)
        return _unit(np.stack([_vector(name, float(value), channels) for value in distinct]))[index]

    return _parts(points, part, (*FREQUENCIES, *AMPLITUDES))


def noise(points: Points, *, channels: int = 300) -> np.ndarray:
    """Nothing of the sounds."""
    return np.random.default_rng(_size(points)).normal(size=(_size(points), channels))


def jumping(points: Points, *, width: float = 100.0, channels: int = 300) -> np.ndarray:
    """Place, beside as much again that is another for every sound, however alike, as a phase is."""
    whole = place(points, width=width)
    rows = [
        np.random.default_rng(zlib.crc32(np.array(row, np.float64).tobytes())).normal(size=channels)
        for row in zip(*points.values(), strict=True)
    ]
    return np.hstack([whole, np.linalg.norm(whole, axis=1).mean() * _unit(np.stack(rows))])


def _place(width: float) -> Code:
    return Code(f"place, {width:g} cents", functools.partial(place, width=width), width=width)


def _only(*names: str, said: str) -> Code:
    kept = (*names, "frequency", *AMPLITUDES)
    return Code(said, functools.partial(place, width=200.0, names=kept), frozenset(names), width=200.0)


NARROWEST, NARROW, MIDDLE, WIDE = (_place(width) for width in (10.0, 25.0, 100.0, 400.0))
MEL = Code("place, 60 Mel", functools.partial(place_on_mel, width=60.0))
RATE = Code("rate", rate, kind="rate")
F0_ONLY, F1_ONLY, F2_ONLY = _only("f0", said="f0 only"), _only("f1", said="F1 only"), _only("f2", said="F2 only")
ALL_BUT_F0 = _only("f1", "f2", said="all but f0")
UNEQUAL = Code("F2 over f0, tenfold", unequal, width=400.0)
NARROW_FILTERS = Code("filters, 50 cents", functools.partial(spectrum, width=50.0), kind="spectrum", width=50.0)
WIDE_FILTERS = Code("filters, 300 cents", functools.partial(spectrum, width=300.0), kind="spectrum", width=300.0)
LOOKUP = Code("lookup", lookup, kind="lookup")
JUMPING = Code("place and jumps", jumping, kind="jumping", width=100.0)
NOISE = Code("noise", noise, frozenset(), kind="noise")

CODES = (
    *(NARROWEST, NARROW, MIDDLE, WIDE, MEL, RATE, F0_ONLY, F1_ONLY, F2_ONLY, ALL_BUT_F0, UNEQUAL),
    *(NARROW_FILTERS, WIDE_FILTERS, LOOKUP, JUMPING, NOISE),
)

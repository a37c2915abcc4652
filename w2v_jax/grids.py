"""The paper's parameter grids, by name and in a fixed order.

A grid is a product of axes, outer loop first. Its points are one float32 array per parameter, row by row, which
is what `w2v_jax.sweep` takes and what is stored next to the features. The values are computed in float64 and then
rounded. Frequencies are in Hz; amplitudes and the burst's share of the waveform have no unit.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

Points = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Vowel:
    """A vowel: its symbol and its formants.

    Attributes:
        symbol: of the IPA, mostly.
        f1, f2: its first two formants, Hz.
        f3: the third, where a table has it.
        f0: the fundamental frequency it was spoken at, Hz, where a table has it.
        speaker: who spoke it, or a group of speakers; empty where a table names none.
    """

    symbol: str
    f1: float
    f2: float
    f3: float | None = None
    f0: float | None = None
    speaker: str = ""


VOWELS = (
    Vowel("i", 240, 2400),
    Vowel("e", 390, 2300),
    Vowel("ɛ", 610, 1900),
    Vowel("a", 850, 1610),
    Vowel("ɑ", 750, 940),
    Vowel("ʌ", 600, 1170),
    Vowel("ɤ", 460, 1310),
    Vowel("ɯ", 300, 1390),
    Vowel("y", 235, 2100),
    Vowel("ø", 370, 1900),
    Vowel("œ", 585, 1710),
    Vowel("ɶ", 820, 1530),
    Vowel("ɒ", 700, 750),
    Vowel("ɔ", 500, 700),
    Vowel("o", 360, 640),
    Vowel("u", 250, 595),
)
"""The vowel table of paper section 3.4: front unrounded to back unrounded, then front rounded to back rounded."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """A named product of axes.

    Attributes:
        name: the sweep's name, as in the names of result files.
        axes: outer loop first. An axis is one array per parameter that varies along it: mostly one, but the vowels
            of a diphthong move F1 and F2 together.
    """

    name: str
    axes: tuple[Mapping[str, np.ndarray], ...]

    def __post_init__(self) -> None:
        for axis in self.axes:
            lengths = {name: len(values) for name, values in axis.items()}
            if len(set(lengths.values())) != 1 or 0 in lengths.values():
                raise ValueError(f"grid {self.name!r}: an axis has lengths {lengths}; expected one, at least 1")
        names = [name for axis in self.axes for name in axis]
        if len(set(names)) != len(names) or not names:
            raise ValueError(f"grid {self.name!r} has parameters {names}; expected each once, and at least one")

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis, outer loop first."""
        return tuple(len(next(iter(axis.values()))) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def axis(self, parameter: str) -> np.ndarray:
        """The values that `parameter` takes along its axis, float32. Raises `KeyError` where there is none."""
        for axis in self.axes:
            if parameter in axis:
                return np.asarray(axis[parameter], np.float32)
        raise KeyError(f"grid {self.name!r} has no parameter {parameter!r}")

    def points(self) -> Points:
        """One array (n,) float32 per parameter, n = len(self), in grid order."""
        rows = np.indices(self.shape).reshape(len(self.axes), -1)
        return {
            name: np.asarray(values, np.float32)[row]
            for axis, row in zip(self.axes, rows, strict=True)
            for name, values in axis.items()
        }

    def thinned(self, **most: int) -> "Grid":
        """The same grid with at most `most[parameter]` values along that parameter's axis.

        The values kept are among the old ones, evenly spread, the first and the last included.

        Raises:
            ValueError: a parameter that the grid does not have, or fewer than 2 values of it.
        """
        known = {name for axis in self.axes for name in axis}
        if unknown := sorted(most.keys() - known):
            raise ValueError(f"grid {self.name!r} has no parameter {unknown[0]!r}; expected some of {sorted(known)}")
        if few := {name: count for name, count in most.items() if count < 2}:
            raise ValueError(f"grid {self.name!r} cannot be thinned to {few}; expected at least 2 values")
        axes = []
        for axis, length in zip(self.axes, self.shape, strict=True):
            counts = [most[name] for name in axis if name in most]
            keep = np.arange(length)
            if counts and min(counts) < length:
                keep = np.linspace(0, length - 1, min(counts)).round().astype(int)
            axes.append({name: np.asarray(values)[keep] for name, values in axis.items()})
        return Grid(self.name, tuple(axes))

    def limited(self, parameter: str, *, highest: float) -> "Grid":
        """The same grid without the values of `parameter` above `highest`, such as the Nyquist frequency.

        Raises:
            KeyError: the grid has no such parameter.
            ValueError: no value is left.
        """
        values = self.axis(parameter)
        keep = values <= highest
        if not keep.any():
            raise ValueError(
                f"grid {self.name!r}: no {parameter} is at most {highest:g}; the lowest is {values.min():g}"
            )
        axes = tuple(
            {name: np.asarray(each)[keep] for name, each in axis.items()} if parameter in axis else axis
            for axis in self.axes
        )
        return Grid(self.name, axes)


def diphthongs(vowels: Sequence[Vowel] = VOWELS, *, f0: float = 120.0) -> Grid:
    """Every ordered pair of `vowels`, start vowel outside, end vowel inside; 120 Hz, as in the authors' code."""
    f1 = np.array([vowel.f1 for vowel in vowels])
    f2 = np.array([vowel.f2 for vowel in vowels])
    return Grid(
        "diphthongs",
        ({"f0": np.array([f0])}, {"f1_start": f1, "f2_start": f2}, {"f1_end": f1, "f2_end": f2}),
    )


def _grid(name: str, **axes: np.ndarray | list[float]) -> Grid:
    return Grid(name, tuple({parameter: np.asarray(values, np.float64)} for parameter, values in axes.items()))


STATIONARITY = _grid("stationarity", frequency=[100, 200, 300, 400, 500])
"""Section 3.2: is a steady tone steady in the features?"""

BURSTS = _grid("bursts", burst_fraction=[0.32, 0.16, 0.08, 0.04, 0.02, 0.01])
"""Section 3.2: how short a change do the features show?"""

BURST_TONES = _grid("burst_tones", frequency=[200, 800])
"""The two tones of the bursts, by themselves."""

BIAS = _grid("bias", frequency=[100, 200, 300, 400, 500], bias=[-0.5, -0.25, 0, 0.25, 0.5])
"""Section 3.3: fundamental frequency and bias."""

PURE_TONES = _grid("pure_tones", frequency=np.linspace(10, 8000, 800))
"""Section 3.3: fundamental frequency."""

VOWEL_SPACE = _grid("vowel_space", f0=[120], f1=np.linspace(235, 850, 30), f2=np.linspace(595, 2400, 30))
"""Section 3.4: two formants."""

VOWEL_SPACE_BY_F0 = _grid(
    "vowel_space_by_f0",
    f0=np.linspace(100, 225, 6),
    f1=np.linspace(235, 850, 30),
    f2=np.linspace(595, 2400, 30),
)
"""Section 3.4: fundamental frequency and two formants."""

VOWEL_SPACE_FINE = _grid("vowel_space_fine", f0=[120], f1=np.linspace(100, 1000, 200), f2=np.linspace(100, 3000, 600))
"""Two formants, of the authors' code only."""

_AMPLITUDES = np.linspace(math.sqrt(0.1), math.sqrt(0.5), 20) ** 2
AMPLITUDES = _grid("amplitudes", amplitude_low=_AMPLITUDES, amplitude_high=_AMPLITUDES)
"""Section 3.5: amplitude. The authors' code spaces its square root evenly; the text says the energy."""

DIPHTHONGS = diphthongs()
"""Every pair of vowels, of the authors' code only."""

GRIDS = {
    grid.name: grid
    for grid in (
        STATIONARITY,
        BURSTS,
        BURST_TONES,
        BIAS,
        PURE_TONES,
        VOWEL_SPACE,
        VOWEL_SPACE_BY_F0,
        VOWEL_SPACE_FINE,
        AMPLITUDES,
        DIPHTHONGS,
    )
}
"""All grids by name."""

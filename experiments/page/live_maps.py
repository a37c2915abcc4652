"""The maps that one can touch and hear: what the page's script needs of each.

A map's points are the sounds that any of the encoders heard, told apart by their parameters; an encoder's positions are
in the order of these points. The numbers are float32 in base64, little-endian; a position that an encoder does not have
is NaN.
"""

import base64
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from w2v_jax import grids, source_filter
from w2v_jax._src.quoting import printable

from .. import amplitude
from ..draw import vowel_chart
from ..measures import map_order
from .finished import Encoder, Finished, ReportError, columns, numbers

SAMPLE_RATE = 16_000  # Hz, of the source-filter vowels: their harmonics end below 8 kHz
_SECONDS = 0.25  # of a vowel whose harmonics are measured
_CHUNK = 64
_LOWEST_F0 = 10.0  # Hz, of a vowel whose harmonics are measured: there are 800 of them


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the sounds: its column, its name for a reader, and its unit."""

    name: str
    label: str
    unit: str


HERTZ = {"f0": "f0", "f1": "F1", "f2": "F2", "frequency": "Frequency"}


@dataclasses.dataclass(frozen=True)
class MapKind:
    """A map that an experiment leaves as `SWEEP.ENCODER.map.csv`.

    Attributes:
        experiment, sweep: whose.
        title: of it.
        reading: how to read it, in a sentence.
        parameters: of its sounds; the last one changes fastest.
        colour: column that colours it.
        colour_title: of its legend.
        of: what is on it, for its caption, given the columns.
        sounds: what its points are called.
        sound: how its sounds are made, given the columns.
        names: what is written on it: text and row, given the columns and the results.
    """

    experiment: str
    sweep: str
    title: str
    reading: str
    parameters: tuple[Parameter, ...]
    colour: str
    colour_title: str
    of: Callable[[Mapping[str, np.ndarray]], str]
    sounds: str
    sound: Callable[[Mapping[str, np.ndarray]], dict[str, Any]]
    names: Callable[[Mapping[str, np.ndarray], Finished], list[dict[str, Any]]]


def _hertz(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, HERTZ[name], "Hz") for name in names)


def _of_vowels(points: Mapping[str, np.ndarray]) -> str:
    f0 = ", ".join(f"{each:g}" for each in np.unique(points["f0"]))
    return f"{len(points['f0']):,} vowels, f0 {f0} Hz"


def _sines(points: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"kind": "sines", "frequencies": ["f0", "f1", "f2"], "amplitudes": list(vowel_chart.AMPLITUDES)}


def _harmonics(points: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"kind": "harmonics", **harmonics_of(points["f0"], points["f1"], points["f2"])}


def _vowel_names(points: Mapping[str, np.ndarray], finished: Finished) -> list[dict[str, Any]]:
    """The vowels' symbols, at the nearest points."""
    which = finished.metrics["formants"].get("vowels")
    vowels = [(each["symbol"], each["f1"], each["f2"]) for each in which["vowels"]] if which else None
    vowels = vowels or [(each.symbol, each.f1, each.f2) for each in grids.VOWELS]
    spans = {name: float(np.ptp(points[name])) or 1.0 for name in ("f1", "f2")}
    found: dict[str, int] = {}
    for symbol, f1, f2 in vowels:
        if not (points["f1"].min() <= f1 <= points["f1"].max() and points["f2"].min() <= f2 <= points["f2"].max()):
            continue
        distance = ((points["f1"] - f1) / spans["f1"]) ** 2 + ((points["f2"] - f2) / spans["f2"]) ** 2
        found.setdefault(f"[{printable(symbol)}]", int(np.argmin(distance)))
    return [{"text": text, "row": row} for text, row in found.items()]


def _tone_names(points: Mapping[str, np.ndarray], finished: Finished) -> list[dict[str, Any]]:
    frequency = points["frequency"]
    heard = [khz for khz in range(1, 9) if 1000 * khz <= frequency.max()]
    return [{"text": f"{khz} kHz", "row": int(np.argmin(np.abs(frequency - 1000 * khz)))} for khz in heard]


def _amplitude_names(points: Mapping[str, np.ndarray], finished: Finished) -> list[dict[str, Any]]:
    low, high = points["amplitude_low"], points["amplitude_high"]
    low_hz, high_hz = amplitude.FREQUENCIES
    ends = (
        (f"both {low.min():g}", low + high),
        (f"{low_hz:g} Hz: {low.max():g}", high - low),
        (f"{high_hz:g} Hz: {high.max():g}", low - high),
    )
    return [{"text": text, "row": int(np.argmin(which))} for text, which in ends]


KINDS = (
    MapKind(
        "f0",
        "pure_tones",
        "Pure tones",
        "Each point is a pure tone. Neighbours on a smooth line are tones that the encoder hears as similar; where the "
        "line folds or breaks, tones far apart in frequency are alike, or near ones are not.",
        _hertz("frequency"),
        "frequency",
        "Frequency (Hz)",
        lambda points: (
            f"{len(points['frequency']):,} tones, {points['frequency'].min():,.0f} to "
            f"{points['frequency'].max():,.0f} Hz"
        ),
        "tones",
        lambda points: {"kind": "sines", "frequencies": ["frequency"], "amplitudes": [1.0]},
        _tone_names,
    ),
    MapKind(
        "formants",
        "vowel_space",
        "Vowels of one f0, as sums of sines",
        "Each point is a vowel: three sines, at f0, F1 and F2. Of an encoder that keeps the order of vowels, the map "
        "looks like a vowel chart: F2 grows to the left, F1 downwards.",
        _hertz("f0", "f1", "f2"),
        "f1",
        "F1 (Hz)",
        _of_vowels,
        "vowels",
        _sines,
        _vowel_names,
    ),
    MapKind(
        "formants",
        "vowel_space_by_f0",
        "Vowels of several f0, as sums of sines",
        "The same vowels at several f0, each a colour. Sheets that lie apart mean that the encoder tells f0 before it "
        "tells vowels.",
        _hertz("f0", "f1", "f2"),
        "f0",
        "f0 (Hz)",
        _of_vowels,
        "vowels",
        _sines,
        lambda points, finished: [],
    ),
    MapKind(
        "formants",
        "vowel_space_source_filter",
        "Vowels of one f0, as resonances",
        "The same vowels as a voice makes them: harmonics of f0 through resonances at F1, F2 and above.",
        _hertz("f0", "f1", "f2"),
        "f1",
        "F1 (Hz)",
        _of_vowels,
        "vowels",
        _harmonics,
        _vowel_names,
    ),
    MapKind(
        "amplitude",
        "amplitudes",
        "Two amplitudes",
        "Each point is a sum of two tones. Of an encoder that keeps both amplitudes, the map is a sheet with the "
        "quietest sound in one corner.",
        tuple(
            Parameter(name, f"Amplitude of {frequency:g} Hz", "")
            for name, frequency in zip(("amplitude_low", "amplitude_high"), amplitude.FREQUENCIES, strict=True)
        ),
        "ratio",
        f"{amplitude.FREQUENCIES[1]:g} Hz over {amplitude.FREQUENCIES[0]:g} Hz (dB)",
        lambda points: f"{len(points['amplitude_low']):,} sums of two tones",
        "sounds",
        lambda points: {
            "kind": "sines",
            "frequencies": list(amplitude.FREQUENCIES),
            "amplitudes": ["amplitude_low", "amplitude_high"],
        },
        _amplitude_names,
    ),
)


def kinds(experiment: str) -> list[MapKind]:
    """Those of an experiment."""
    return [kind for kind in KINDS if kind.experiment == experiment]


def of_experiment(experiment: str, finished: Finished) -> list[dict[str, Any]]:
    """The maps of an experiment, for the page's script; those of which there are files."""
    return [found for kind in kinds(experiment) if (found := of_kind(kind, finished))]


def files(kind: MapKind, finished: Finished) -> dict[str, pathlib.Path]:
    """By encoder, the tables of a map that are there."""
    paths = {
        each.name: finished.file(kind.experiment, f"{kind.sweep}.{each.name}.map.csv") for each in finished.encoders
    }
    return {name: path for name, path in paths.items() if path is not None}


def of_kind(kind: MapKind, finished: Finished) -> dict[str, Any] | None:
    """A map for the page's script; None where there are no files of it.

    Raises:
        ReportError: a file is not such a table.
    """
    names = [parameter.name for parameter in kind.parameters]
    tables = {name: _table(path, names) for name, path in files(kind, finished).items()}
    if not any(table["x"] for table in tables.values()):
        return None
    keys = {name: list(zip(*(table[each] for each in names), strict=True)) for name, table in tables.items()}
    together = sorted({key: tuple(map(float, key)) for several in keys.values() for key in several}.items(), key=_last)
    row_of = {key: row for row, (key, _) in enumerate(together)}
    points = {name: np.array([values[i] for _, values in together]) for i, name in enumerate(names)}
    encoders = []
    for each in finished.encoders:
        if each.name not in tables:
            continue
        places = np.full((2, len(row_of)), np.nan)
        rows = [row_of[key] for key in keys[each.name]]
        places[:, rows] = [numbers(tables[each.name][axis]) for axis in ("x", "y")]
        encoders.append(encoder_of(each, *places, below=_below(kind, each, finished)))
    values = dict(points)
    if kind.colour == "ratio":
        values["ratio"] = 20 * np.log10(points["amplitude_high"] / points["amplitude_low"])
    return {
        "id": kind.sweep,
        "title": kind.title,
        "reading": kind.reading,
        "caption": f"UMAP of {kind.of(points)}{' (--quick: thinned)' if finished.is_quick else ''}",
        "parameters": [dataclasses.asdict(parameter) for parameter in kind.parameters],
        "values": {name: packed(each) for name, each in values.items()},
        "colour": {"name": kind.colour, "title": kind.colour_title, "diverging": kind.colour == "ratio"},
        "names": kind.names(points, finished),
        "sound": kind.sound(points),
        "silent": _silent(kind, points, finished),
        "grid": True,
        "walks": _walks(points, kind.parameters),
        "encoders": encoders,
    }


def _below(kind: MapKind, encoder: Encoder, finished: Finished) -> tuple[str, ...]:
    """The lines under an encoder's map, which are those of the figure; none in results of an earlier version."""
    order = map_order.of_metrics(finished.measured(kind.experiment).get(encoder.name, {}), kind.sweep)
    return map_order.caption(order, sounds=kind.sounds) if order else ()


def encoder_of(encoder: Encoder, x: np.ndarray, y: np.ndarray, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """An encoder on a map, with its positions, (n,) each, and the lines under it."""
    return {
        "name": encoder.name,
        "control": encoder.is_control,
        "step": encoder.step,
        "x": packed(x),
        "y": packed(y),
        "below": list(below),
    }


def _walks(points: Mapping[str, np.ndarray], parameters: Sequence[Parameter]) -> str:
    """Which keys change what, in words."""
    varying = [each.label for each in reversed(parameters) if len(np.unique(points[each.name])) > 1]
    keys = ("left and right", "up and down", "Page Up and Page Down")
    return "; ".join(f"{key}: {label}" for key, label in zip(keys, varying, strict=False))


def _last(entry: tuple[Any, tuple[float, ...]]) -> tuple[float, ...]:
    return entry[1]


def _table(path: pathlib.Path, names: Sequence[str]) -> dict[str, list[str]]:
    table = columns(path)
    if not table:
        raise ReportError(f"{path}: it has no rows; run its experiment again")
    if missing := [name for name in (*names, "x", "y") if name not in table]:
        raise ReportError(f"{path}: it has no column {missing[0]!r}; run its experiment again")
    try:
        for name in (*names, "x", "y"):
            found = numbers(table[name])
            if name in names and np.isnan(found).any():
                raise ValueError(f"an empty cell in column {name!r}")
    except ValueError as error:
        raise ReportError(f"{path}: {error}; run its experiment again") from None
    return table


def _silent(kind: MapKind, points: Mapping[str, np.ndarray], finished: Finished) -> list[int]:
    """The rows of which a front end hears nothing: with zero phase a tone at its Nyquist frequency is silence."""
    if kind.sweep != "pure_tones":
        return []
    nyquist = {each.about["frames"]["sample_rate"] / 2 for each in finished.encoders}
    return [row for row, frequency in enumerate(points["frequency"]) if frequency in nyquist]


def packed(values: np.ndarray) -> str:
    """Numbers as float32 in base64."""
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def harmonics_of(f0: np.ndarray, f1: np.ndarray, f2: np.ndarray) -> dict[str, Any]:
    """The harmonics of source-filter vowels, (n,) each in Hz, as a browser's `PeriodicWave` takes them.

    A vowel is the sum over h of `real[h] * cos(2 pi h f0 t) + imag[h] * sin(2 pi h f0 t)`; both are 16-bit shares of
    `scale`, in base64, `count` for each vowel, from h = 1 on; those above the Nyquist frequency are 0.
    """
    if not f0.min() >= _LOWEST_F0:
        raise ReportError(f"a vowel of f0 {f0.min():g} Hz; expected at least {_LOWEST_F0:g} Hz")
    count = max(1, int(np.ceil(SAMPLE_RATE / 2 / f0.min())) - 1)
    found = np.concatenate(
        [
            _measured(*(each[start : start + _CHUNK] for each in (f0, f1, f2)), count=count)
            for start in range(0, len(f0), _CHUNK)
        ]
    )
    scale = float(max(np.abs(found.real).max(), np.abs(found.imag).max()))
    # The real part of c * exp(i x) is Re c * cos x - Im c * sin x.
    real, imag = (np.round(32767 / scale * each).astype("<i2") for each in (found.real, -found.imag))
    return {
        "count": count,
        "scale": scale,
        "real": base64.b64encode(real.tobytes()).decode(),
        "imag": base64.b64encode(imag.tobytes()).decode(),
    }


def _measured(f0: np.ndarray, f1: np.ndarray, f2: np.ndarray, *, count: int) -> np.ndarray:
    """Complex amplitudes of harmonics 1 ... count, (n, count), of vowels (n,)."""
    waveforms = np.asarray(_vowels()(*(np.asarray(each, np.float32) for each in (f0, f1, f2))), np.float64)
    samples = np.arange(waveforms.shape[1])
    window = np.hanning(len(samples) + 2)[1:-1]  # harmonics are 50 Hz apart or more: none leaks into another
    turns = samples[:, None] * (np.asarray(f0, np.float32).astype(np.float64)[:, None, None] / SAMPLE_RATE)
    harmonic = np.arange(1, count + 1)
    found = np.einsum("nt,nth->nh", waveforms * window, np.exp(-2j * np.pi * turns * harmonic))
    found *= 2 / window.sum()
    return np.where(harmonic * f0[:, None] < SAMPLE_RATE / 2, found, 0)


@functools.cache
def _vowels() -> Callable[..., jax.Array]:
    def one(f0: jax.Array, f1: jax.Array, f2: jax.Array) -> jax.Array:
        formants = source_filter.with_higher_formants(f1, f2)
        return source_filter.vowel(f0, formants, duration=_SECONDS, sample_rate=SAMPLE_RATE)

    return jax.jit(jax.vmap(one))

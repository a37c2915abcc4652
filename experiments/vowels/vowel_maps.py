"""What maps of vowels have in common: their parameters, their names, and how a browser makes their sounds."""

import base64
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from w2v_jax import grids, source_filter
from w2v_jax._src.quoting import printable

from ..experiment import Parameter
from ..hearing import Points
from ..store.rows import Measurements
from . import space

PARAMETERS = (Parameter("f0", "f0", "Hz"), Parameter("f1", "F1", "Hz"), Parameter("f2", "F2", "Hz"))

SAMPLE_RATE = 16_000  # Hz, of the source-filter vowels: their harmonics end below 8 kHz
_SECONDS = 0.25  # of a vowel whose harmonics are measured
_CHUNK = 64
_LOWEST_F0 = 10.0  # Hz, of a vowel whose harmonics are measured: there are 800 of them


def caption(points: Points) -> str:
    """What is on such a map."""
    f0 = ", ".join(f"{each:g}" for each in np.unique(points["f0"]))
    return f"{len(points['f0']):,} vowels, f0 {f0} Hz"


def labels(points: Points, measured: Measurements) -> list[dict[str, Any]]:
    """The symbols of the vowels that were asked about, at the nearest points."""
    which = measured.settings.get("vowels")
    vowels = [(each["symbol"], each["f1"], each["f2"]) for each in which["vowels"]] if which else None
    vowels = vowels or [(each.symbol, each.f1, each.f2) for each in grids.VOWELS]
    spans = {name: float(np.ptp(points[name])) or 1.0 for name in ("f1", "f2")}
    nearest: dict[str, int] = {}
    for symbol, f1, f2 in vowels:
        if not (points["f1"].min() <= f1 <= points["f1"].max() and points["f2"].min() <= f2 <= points["f2"].max()):
            continue
        distance = ((points["f1"] - f1) / spans["f1"]) ** 2 + ((points["f2"] - f2) / spans["f2"]) ** 2
        nearest.setdefault(f"[{printable(symbol)}]", int(np.argmin(distance)))
    return [{"text": text, "row": row} for text, row in nearest.items()]


def sines(points: Points) -> dict[str, Any]:
    """Vowels as sums of three sines."""
    return {"kind": "sines", "frequencies": ["f0", "f1", "f2"], "amplitudes": list(space.AMPLITUDES)}


def resonances(points: Points) -> dict[str, Any]:
    """Vowels as harmonics of f0 through resonances, as a browser's `PeriodicWave` takes them.

    A vowel is the sum over h of `real[h] * cos(2 pi h f0 t) + imag[h] * sin(2 pi h f0 t)`; both are 16-bit shares of
    `scale`, in base64, `count` for each vowel, from h = 1 on; those above the Nyquist frequency are 0.

    Raises:
        ValueError: an f0 is too low.
    """
    f0, f1, f2 = (points[name] for name in ("f0", "f1", "f2"))
    if not f0.min() >= _LOWEST_F0:
        raise ValueError(f"a vowel of f0 {f0.min():g} Hz; expected at least {_LOWEST_F0:g} Hz")
    count = max(1, int(np.ceil(SAMPLE_RATE / 2 / f0.min())) - 1)
    coefficients = np.concatenate(
        [
            _harmonics(*(each[start : start + _CHUNK] for each in (f0, f1, f2)), count=count)
            for start in range(0, len(f0), _CHUNK)
        ]
    )
    scale = float(max(np.abs(coefficients.real).max(), np.abs(coefficients.imag).max()))
    # The real part of c * exp(i x) is Re c * cos x - Im c * sin x.
    real, imag = (np.round(32767 / scale * each).astype("<i2") for each in (coefficients.real, -coefficients.imag))
    return {
        "kind": "harmonics",
        "count": count,
        "scale": scale,
        "real": base64.b64encode(real.tobytes()).decode(),
        "imag": base64.b64encode(imag.tobytes()).decode(),
    }


def _harmonics(f0: np.ndarray, f1: np.ndarray, f2: np.ndarray, *, count: int) -> np.ndarray:
    """Complex amplitudes of harmonics 1 ... count, (n, count), of vowels (n,)."""
    waveforms = np.asarray(_vowels()(*(np.asarray(each, np.float32) for each in (f0, f1, f2))), np.float64)
    samples = np.arange(waveforms.shape[1])
    window = np.hanning(len(samples) + 2)[1:-1]  # harmonics are 50 Hz apart or more: none leaks into another
    turns = samples[:, None] * (np.asarray(f0, np.float32).astype(np.float64)[:, None, None] / SAMPLE_RATE)
    harmonic = np.arange(1, count + 1)
    amplitudes = np.einsum("nt,nth->nh", waveforms * window, np.exp(-2j * np.pi * turns * harmonic))
    amplitudes *= 2 / window.sum()
    return np.where(harmonic * f0[:, None] < SAMPLE_RATE / 2, amplitudes, 0)


@functools.cache
def _vowels() -> Callable[..., jax.Array]:
    def one(f0: jax.Array, f1: jax.Array, f2: jax.Array) -> jax.Array:
        formants = source_filter.with_higher_formants(f1, f2)
        return source_filter.vowel(f0, formants, duration=_SECONDS, sample_rate=SAMPLE_RATE)

    return jax.jit(jax.vmap(one))

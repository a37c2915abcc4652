"""What a DC offset does to tones, and the frequency scale that a front end has learned."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from w2v_jax import grids, scales, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.frequency_scale import SCALES

from ..hearing import Heard, Setting, Sweep
from ..measures import learned_scale, map_order
from ..store import rows
from ..store.rows import Row

BIAS = grids.BIAS
BIAS_AMPLITUDE = 0.5
PURE_TONES = grids.PURE_TONES
_THINNED = {"smoke": grids.PURE_TONES.thinned(frequency=17), "quick": grids.PURE_TONES.thinned(frequency=80)}

VERSIONS: dict[scales.Version, str] = {
    "published": "As published: sum of 2 − cos",
    "corrected": "Corrected: sum of 1 − cos",
}

# Quantities, and the values of their parameter `tones`.
BIAS_COSINE = "cosine of a tone with a DC offset to the same tone without"
BIAS_DISTANCE = "cosine distance of a tone with a DC offset to the same tone without"
BIAS_LEAST = "lowest cosine of a tone with a DC offset to the same tone without"
STEP = "cosine distance to the next tone"
STEP_MEDIAN = "cosine distance to the next tone, median"
STEP_LAST = "cosine distance to the next tone, of the last step"
REFERENCE = "known frequency scale"
SCALE = "learned frequency scale"
RMS = "learned frequency scale: rms difference from a known scale"
ZEROS = "tones of zeros"
ALL, BELOW_NYQUIST = "all", "below Nyquist"

# Why something is undefined.
NO_DIRECTION = "a vector of zeros has no direction"
ALIKE = "all tones have the same features"


def tone(frequency: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], sample_rate=sample_rate)


def biased_tone(frequency: Scalar, bias: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], BIAS_AMPLITUDE, bias=bias, sample_rate=sample_rate)


def pure_tones(setting: Setting) -> grids.Grid:
    """The paper's pure tones, as far as the front end's sample rate holds them."""
    grid = _THINNED.get(setting.results.size, PURE_TONES)
    return grid.limited("frequency", highest=setting.front_end.frames.nyquist)


def sweeps(setting: Setting) -> tuple[Sweep, ...]:
    """What a front end hears."""
    return (
        Sweep(BIAS.name, BIAS, biased_tone),
        Sweep(PURE_TONES.name, pure_tones, tone),
        learned_scale.sweep_for(setting),
    )


def measure(heard: Heard) -> list[Row]:
    """What a DC offset does, the learned scale in three ways, and the numbers under the map of tones."""
    frequency = heard.grid(PURE_TONES.name).axis("frequency")
    tones, nyquist = heard.features(PURE_TONES.name), heard.frames.nyquist
    steps = learned_scale.SWEEP
    bias, small_steps = heard.features(BIAS.name), heard.features(steps)
    below = tones[frequency < nyquist]
    return [
        *measure_bias(bias),
        *measure_scale(tones, frequency, nyquist=nyquist),
        *learned_scale.measure(small_steps, heard.grid(steps), bootstrap=heard.results.bootstrap),
        *measure_order(
            tones, heard.umap(PURE_TONES.name), frequency, nyquist=nyquist, bootstrap=heard.results.bootstrap
        ).rows(),
        rows.number(ZEROS, sum(int((~each.any(axis=1)).sum()) for each in (bias, below, small_steps))),
    ]


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine distances of two rows of vectors, (n, channels); NaN where one is a vector of zeros."""
    known = first.any(axis=1) & second.any(axis=1)
    distances = np.full(len(first), np.nan, np.float32)
    if known.any():
        distances[known] = similarity.paired_cosine_distance(first[known], second[known])
    return distances


def _summary(quantity: str, values: np.ndarray, of: Callable[[np.ndarray], float], **more: Any) -> Row:
    """One number of the values that are known."""
    known = values[np.isfinite(values)]
    return rows.number(quantity, of(known) if len(known) else None, undefined=NO_DIRECTION, **more)


def measure_bias(features: np.ndarray) -> list[Row]:
    """cos(r(f, b), r(f, 0)), for features (frequencies * biases, channels) in grid order."""
    frequency, bias = BIAS.axis("frequency"), BIAS.axis("bias")
    features = features.reshape(*BIAS.shape, -1)
    unbiased = np.broadcast_to(features[:, bias == 0], features.shape)
    pairs = (each.reshape(-1, each.shape[-1]) for each in (features, unbiased))
    distance = _distances(*pairs).reshape(BIAS.shape)
    frequency = frequency[:, None]
    return [
        *rows.curve(BIAS_COSINE, 1 - distance, undefined=NO_DIRECTION, frequency=frequency, bias=bias),
        # With digits that 1 - distance has not.
        *rows.curve(BIAS_DISTANCE, distance, undefined=NO_DIRECTION, frequency=frequency, bias=bias),
        _summary(BIAS_LEAST, 1 - distance, np.min, better="higher"),
    ]


def measure_order(
    features: np.ndarray,
    positions: np.ndarray,
    frequency: np.ndarray,
    *,
    nyquist: float,
    bootstrap: Bootstrap | None = None,
) -> map_order.MapOrder:
    """The numbers under the map of tones; those of silence, at Nyquist, are left out.

    Args:
        features: (tones, channels).
        positions: (tones, 2), on the map.
        frequency: (tones,) in Hz.
        nyquist: Hz.
        bootstrap: as for the scores.
    """
    below = frequency < nyquist
    log_frequency = {"log frequency": scales.log_hz(frequency[below])}
    return map_order.measure(
        features[below], positions[below], log_frequency, sweep=PURE_TONES.name, bootstrap=bootstrap
    )


def measure_scale(features: np.ndarray, frequency: np.ndarray, *, nyquist: float) -> list[Row]:
    """The learned scale with and without the tone at Nyquist, and how far it is from known scales.

    Args:
        features: (tones, channels).
        frequency: (tones,) in Hz, ascending.
        nyquist: Hz; of a tone there, with zero phase, nothing is left.
    """
    below = frequency < nyquist
    # Nothing with it where no tone is there, or where silence has no features at all, and so no distance to anything.
    with_nyquist = _scales(features, frequency, tones=ALL) if not below[-1] and features[-1].any() else []
    return [*with_nyquist, *_scales(features[below], frequency[below], tones=BELOW_NYQUIST)]


def _scales(features: np.ndarray, frequency: np.ndarray, *, tones: str) -> list[Row]:
    distances = _distances(features[:-1], features[1:])
    references = {name: scales.normalise(scale(frequency)) for name, scale in SCALES.items()}
    measured = [
        *rows.curve(STEP, distances, undefined=NO_DIRECTION, frequency=frequency[:-1], tones=tones),
        _summary(STEP_MEDIAN, distances, np.median, tones=tones),
        _summary(STEP_LAST, distances[-1:], np.min, tones=tones),
    ]
    for name, reference in references.items():
        measured += rows.curve(REFERENCE, reference, frequency=frequency, scale=name, tones=tones)
    for version in VERSIONS:
        # A sum over all steps: one without a distance leaves it undefined, and so do tones that are all alike.
        steps = distances if version == "corrected" else distances + 1
        why = NO_DIRECTION if np.isnan(steps).any() else "" if steps.any() else ALIKE
        learned = np.full(len(frequency), np.nan) if why else scales.learned(distances, version=version)
        measured += rows.curve(SCALE, learned, undefined=why, frequency=frequency, sum=version, tones=tones)
        for name, reference in references.items():
            rms = None if why else float(np.sqrt(np.mean((learned - reference) ** 2)))
            measured.append(rows.number(RMS, rms, better="lower", undefined=why, sum=version, scale=name, tones=tones))
    return measured

"""What a DC offset does to tones, and the frequency scale that a front end has learned."""

import jax
import numpy as np

from w2v_jax import grids, scales, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.scores import Bootstrap

from ..hearing import Heard, Setting, Sweep
from ..measures import learned_scale, map_order
from ..store import rows
from ..store.rows import Row

BIAS = grids.BIAS
BIAS_AMPLITUDE = 0.5
PURE_TONES = grids.PURE_TONES
_THINNED = {"smoke": grids.PURE_TONES.thinned(frequency=17), "quick": grids.PURE_TONES.thinned(frequency=80)}

SCALES = {"Hz": scales.hz, "Mel": scales.mel, "Bark": scales.bark, "ERB": scales.erb, "log Hz": scales.log_hz}
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
ALL, BELOW_NYQUIST = "all", "below Nyquist"


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
    return [
        *measure_bias(heard.features(BIAS.name)),
        *measure_scale(tones, frequency, nyquist=nyquist),
        *learned_scale.measure(heard.features(steps), heard.grid(steps), bootstrap=heard.results.bootstrap),
        *measure_order(
            tones, heard.umap(PURE_TONES.name), frequency, nyquist=nyquist, bootstrap=heard.results.bootstrap
        ).rows(),
    ]


def measure_bias(features: np.ndarray) -> list[Row]:
    """cos(r(f, b), r(f, 0)), for features (frequencies * biases, channels) in grid order."""
    frequency, bias = BIAS.axis("frequency"), BIAS.axis("bias")
    features = features.reshape(*BIAS.shape, -1)
    unbiased = np.broadcast_to(features[:, bias == 0], features.shape)
    pairs = (each.reshape(-1, each.shape[-1]) for each in (features, unbiased))
    distance = np.asarray(similarity.paired_cosine_distance(*pairs)).reshape(BIAS.shape)
    frequency = frequency[:, None]
    return [
        *rows.curve(BIAS_COSINE, 1 - distance, frequency=frequency, bias=bias),
        # With digits that 1 - distance has not.
        *rows.curve(BIAS_DISTANCE, distance, frequency=frequency, bias=bias),
        rows.number(BIAS_LEAST, np.min(1 - distance), better="higher"),
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
    distances = np.asarray(similarity.adjacent_distance(features))
    references = {name: scales.normalise(scale(frequency)) for name, scale in SCALES.items()}
    measured = [
        *rows.curve(STEP, distances, frequency=frequency[:-1], tones=tones),
        rows.number(STEP_MEDIAN, np.median(distances), tones=tones),
        rows.number(STEP_LAST, distances[-1], tones=tones),
    ]
    for name, reference in references.items():
        measured += rows.curve(REFERENCE, reference, frequency=frequency, scale=name, tones=tones)
    for version in VERSIONS:
        learned = scales.learned(distances, version=version)
        measured += rows.curve(SCALE, learned, frequency=frequency, sum=version, tones=tones)
        for name, reference in references.items():
            difference = float(np.sqrt(np.mean((learned - reference) ** 2)))
            measured.append(rows.number(RMS, difference, better="lower", sum=version, scale=name, tones=tones))
    return measured

"""Speech-like sound without end, from a seed: a source and a filter, and syllables of both.

The training sound of the bundled encoder. A voice (all harmonics of a gliding fundamental) and noise pass through
resonances that move: formants for the voice, the constrictions of fricatives and bursts for the noise (Fant 1960;
cascaded resonators as in Klatt 1980). Nothing here is recorded, and none of it is a probe: no bare tones, no sums of a
few sines.

Pure functions of explicit keys, which run jitted and vmapped.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from w2v_jax import source_filter
from w2v_jax.stimuli import SAMPLE_RATE

Range = tuple[float, float]

_KINDS = 5
_VOWEL, _FRICATIVE, _VOICED_FRICATIVE, _STOP, _SILENCE = range(_KINDS)


@dataclasses.dataclass(frozen=True)
class SpeechConfig:
    """What utterances are like.

    Ranges are (lowest, highest) of uniform draws; those in Hz and seconds, of draws of the logarithm.

    Attributes:
        f0: fundamental frequency of a voice at rest, Hz; intonation moves it by up to `intonation` semitones.
        intonation: semitones up or down.
        tract: length of the vocal tract, as the factor of all formants.
        f1, f2, f3, f4: formants of vowels before that factor, Hz. Each lies at least `formant_gap` above the one below.
        formant_gap: Hz.
        bandwidth: of formants, Hz.
        tilt: of the voice, dB per octave above 300 Hz.
        breath: noise that passes through the formants with the voice, dB below it.
        friction: resonances of fricatives and bursts, Hz.
        friction_bandwidth: Hz.
        phone: duration of a phone, seconds.
        kinds: how often a phone is a vowel, a fricative, a voiced fricative, a stop, silence.
        phone_level: level of a phone, dB.
        level: of the whole utterance, root mean square, dB below 1.
        background: stationary noise, dB below the utterance.
    """

    f0: Range = (65.0, 420.0)
    intonation: float = 5.0
    tract: Range = (0.85, 1.2)
    f1: Range = (220.0, 950.0)
    f2: Range = (600.0, 2700.0)
    f3: Range = (1700.0, 3500.0)
    f4: Range = (3200.0, 4800.0)
    formant_gap: float = 200.0
    bandwidth: Range = (40.0, 200.0)
    tilt: Range = (-12.0, -1.0)
    breath: Range = (-45.0, -8.0)
    friction: Range = (500.0, 7500.0)
    friction_bandwidth: Range = (150.0, 2500.0)
    phone: Range = (0.06, 0.4)
    kinds: tuple[float, ...] = (0.6, 0.12, 0.08, 0.12, 0.08)
    phone_level: Range = (-10.0, 0.0)
    level: Range = (-40.0, -10.0)
    background: Range = (-70.0, -35.0)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple) and field.name != "kinds" and not (len(value) == 2 and value[0] <= value[1]):
                raise ValueError(f"SpeechConfig.{field.name} is {value}; expected (lowest, highest)")
        if len(self.kinds) != _KINDS or min(self.kinds) < 0 or not math.isclose(sum(self.kinds), 1):
            raise ValueError(f"SpeechConfig.kinds is {self.kinds}; expected {_KINDS} probabilities that add up to 1")


def utterance(
    key: jax.Array,
    config: SpeechConfig | None = None,
    *,
    duration: float = 1.0,
    sample_rate: int = SAMPLE_RATE,
) -> jax.Array:
    """One utterance of a random speaker.

    Args:
        key: a JAX random key; the same one gives the same utterance.
        config: what utterances are like.
        duration: seconds; a Python number, since it fixes the shape.
        sample_rate: Hz, a multiple of 100.

    Returns:
        (samples,) float32, with a root mean square in `config.level`; peaks may pass 1.

    Raises:
        ValueError: a duration without samples, a sample rate that is not a multiple of 100.
    """
    config = config or SpeechConfig()
    num_samples = _num_samples(duration, sample_rate)
    frames = source_filter.num_filter_frames(num_samples, sample_rate)
    of_speaker, of_phones, of_noise = jax.random.split(key, 3)
    voice = _speaker(of_speaker, config)
    said = _articulation(of_phones, config, voice, num_frames=frames)
    breathing, friction, background = jax.random.normal(of_noise, (3, num_samples), jnp.float32)

    def per_sample(track: jax.Array) -> jax.Array:
        return _interpolated(track, num_samples=num_samples, hop=sample_rate // source_filter.FRAME_RATE)

    pulses = source_filter.harmonics(per_sample(said["f0"]), sample_rate=sample_rate)
    # Harmonics of amplitude 1 have the power of one half each.
    pulses = pulses * jnp.sqrt(4 * per_sample(said["f0"]) / sample_rate)
    source = per_sample(said["voicing"]) * (pulses + voice["breath"] * breathing)
    vocal_tract = source_filter.unit_power(
        source_filter.resonances(said["formants"], said["bandwidths"], sample_rate=sample_rate)
        * source_filter.tilted(voice["tilt"], corner=300.0, sample_rate=sample_rate)[None].astype(jnp.complex64)
    )
    constriction = source_filter.unit_power(
        source_filter.constriction(
            said["friction"], said["friction_bandwidths"], said["friction_mix"], sample_rate=sample_rate
        )
    )
    waveform = source_filter.filtered(source, vocal_tract, sample_rate=sample_rate)
    waveform += source_filter.filtered(per_sample(said["noise"]) * friction, constriction, sample_rate=sample_rate)
    waveform += voice["background"] * background
    return waveform * voice["level"] * lax.rsqrt(jnp.mean(jnp.square(waveform)))


def _num_samples(duration: float, sample_rate: int) -> int:
    if sample_rate % source_filter.FRAME_RATE or sample_rate <= 0:
        raise ValueError(f"sample_rate is {sample_rate}; expected a positive multiple of {source_filter.FRAME_RATE} Hz")
    if not math.isfinite(duration) or round(duration * sample_rate) < 1:
        raise ValueError(f"duration is {duration} s; expected at least one sample at {sample_rate} Hz")
    return round(duration * sample_rate)


def _speaker(key: jax.Array, config: SpeechConfig) -> dict[str, jax.Array]:
    """What stays the same through an utterance; scalars."""
    draws = jax.random.uniform(key, (6,), jnp.float32)  # in one go: random numbers take longer to compile than to make
    return {
        "f0": _log_between(config.f0, draws[0]),
        "tract": _log_between(config.tract, draws[1]),
        "tilt": _between(config.tilt, draws[2]),
        "breath": source_filter.gain(_between(config.breath, draws[3])),
        "background": source_filter.gain(_between(config.background, draws[4])),
        "level": source_filter.gain(_between(config.level, draws[5])),
    }


def _articulation(
    key: jax.Array, config: SpeechConfig, voice: dict[str, jax.Array], *, num_frames: int
) -> dict[str, jax.Array]:
    """What moves: one target per phone, and smooth ways between them; each (frames,) or (frames, resonances)."""
    # As many phones as there may be; time begins somewhere in the middle of the first.
    most = math.ceil(num_frames / source_filter.FRAME_RATE / config.phone[0]) + 1
    draws = jax.random.uniform(key, (19, most), jnp.float32)
    lengths = _log_between(config.phone, draws[0])
    ends = jnp.cumsum(lengths) - lengths[0] * draws[1, 0]
    time = jnp.arange(num_frames, dtype=jnp.float32) / source_filter.FRAME_RATE
    phone = jnp.sum(time[:, None] >= ends[None, :-1], axis=-1)
    since = time - (ends - lengths)[phone]
    kind = jnp.sum(draws[2, :, None] >= np.cumsum(config.kinds).astype(np.float32)[None, :-1], axis=-1)[phone]

    floor = jnp.float32(0)
    resonances: list[jax.Array] = []
    for draw, bounds in zip(draws[3:7], (config.f1, config.f2, config.f3, config.f4), strict=True):
        lowest = jnp.maximum(bounds[0], floor + config.formant_gap)
        resonances.append(lowest * (jnp.maximum(bounds[1], lowest) / lowest) ** draw)
        floor = resonances[-1]
    formants = jnp.stack(resonances, axis=-1) * voice["tract"]
    bandwidths = _log_between(config.bandwidth, draws[7:11].T) * np.array([[1.0, 1.2, 1.6, 2.0]], np.float32)
    level = source_filter.gain(_between(config.phone_level, draws[11]))[phone]

    # A stop is closed for its first half; its burst dies away within a few hundredths of a second.
    closed = 0.5 * lengths[phone]
    decay = _log_between((0.005, 0.04), draws[12])[phone]
    burst = jnp.where(since >= closed, jnp.exp(-(since - closed) / decay), 0.0)
    voiced = jnp.where(kind == _VOWEL, 1.0, jnp.where(kind == _VOICED_FRICATIVE, 0.3, 0.0))
    fricative = jnp.where((kind == _FRICATIVE) | (kind == _VOICED_FRICATIVE), 0.5, 0.0)
    intonation = _between((-config.intonation, config.intonation), draws[13])
    slow, quick, quickest = (jnp.asarray(_smoothing(num_frames, width)) for width in (15, 6, 3))
    return {
        "f0": voice["f0"] * 2.0 ** (slow @ intonation[phone] / 12),
        "formants": quick @ formants[phone],
        "bandwidths": quick @ bandwidths[phone],
        "voicing": quickest @ (voiced * level),
        "noise": quickest @ (fricative * level) + jnp.where(kind == _STOP, burst * level, 0.0),
        "friction": _log_between(config.friction, draws[14:16].T)[phone],
        "friction_bandwidths": _log_between(config.friction_bandwidth, draws[16:18].T)[phone],
        "friction_mix": source_filter.gain(_between((-20.0, 0.0), draws[18]))[phone],
    }


def _smoothing(num_frames: int, width: int) -> np.ndarray:
    """A matrix, (frames, frames), that averages over a Hann window of `width` frames either side of each."""
    distance = np.arange(num_frames)[:, None] - np.arange(num_frames)
    weight = np.where(abs(distance) < width, 1 + np.cos(np.pi * distance / width), 0.0)
    return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


def _interpolated(track: jax.Array, *, num_samples: int, hop: int) -> jax.Array:
    """`track`, (frames,), on straight lines from frame to frame; (samples,)."""
    part = np.arange(hop, dtype=np.float32)[None] / hop
    return (track[:-1, None] * (1 - part) + track[1:, None] * part).ravel()[:num_samples]


def _between(bounds: Range, draw: jax.Array) -> jax.Array:
    """What a uniform draw from 0 to 1 stands for."""
    return bounds[0] + (bounds[1] - bounds[0]) * draw


def _log_between(bounds: Range, draw: jax.Array) -> jax.Array:
    return bounds[0] * (bounds[1] / bounds[0]) ** draw

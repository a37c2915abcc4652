"""What users of the library set in JAX, and what must go on under each setting."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax import layer_pooling, similarity, source_filter, speech, stimuli, sweep
from w2v_jax.contrastive import ContrastiveConfig, ContrastivePredictor
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import mean_over_time
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram

SOUNDS = np.random.default_rng(0).standard_normal((2, 800)).astype(np.float32)
LENGTHS = np.array([800, 500])
KINDS = (("group", "float32"), ("layer", "bfloat16"), ("global", "exact"))
# What `numbers` is given: traced, so that nothing is computed while it is compiled.
ARGUMENTS = (SOUNDS, np.float32(120), jax.random.key(0))


@contextlib.contextmanager
def all_settings():
    """Together, they refuse the most: types that only x64 tells apart, too."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


def encoder(conv_norm, precision="float32", key=0):
    """A tiny one with some of everything: biases, a skip connection, log compression, sums in blocks of channels."""
    channels = 80 if precision == "exact" else 8
    config = EncoderConfig(
        channels=(channels, channels),
        kernel_sizes=(10, 3),
        strides=(5, 2),
        conv_norm=conv_norm,
        conv_bias=True,
        skip_connections=True,
        log_compression=conv_norm == "global",
    )
    return FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(key))


def voice(f0):
    return source_filter.vowel(f0, [500.0, 1_500.0], duration=0.05)


def sounds(f0, key):
    """Everything that makes a sound, by name."""
    through = source_filter.resonances(jnp.array([700.0, 1_200.0]), jnp.array([80.0, 90.0]))
    frames = source_filter.num_filter_frames(800, stimuli.SAMPLE_RATE)
    pulses = source_filter.harmonics(jnp.broadcast_to(f0, (800,)))
    return {
        "sines": stimuli.sine_mixture([f0, 550.0], [0.5, 0.4], phases=0.1, bias=0.1, duration=0.05),
        "burst": stimuli.burst(f0, 2_000.0, 0.1, duration=0.05),
        "glide": stimuli.glide(f0, [850.0, 1_610.0], [240.0, 2_400.0], [0.5, 0.35, 0.15], duration=0.05),
        "vowel": source_filter.vowel(f0, source_filter.with_higher_formants(300.0, 2_300.0), tilt=-3.0, duration=0.05),
        "filtered": source_filter.filtered(pulses, jnp.broadcast_to(through, (frames, *through.shape))),
        "speech": speech.utterance(key, duration=0.05),
    }


def numbers(waveforms, f0, key):
    """What JAX traces of sounds and front ends, by name; new encoders among them."""
    traced = sounds(f0, key)
    for kind in KINDS:
        front_end = encoder(*kind, key)
        outputs = front_end.outputs(waveforms, lengths=LENGTHS)
        traced |= {f"{' '.join(kind)} {layer}": each for layer, each in outputs.items()}
    front_end = encoder("group", key=key)
    gradient = jax.grad(lambda each: jnp.sum(jnp.abs(each(waveforms))))(front_end)
    traced["gradient"] = gradient.filters
    for spectrogram in (LogMelSpectrogram(), LogMagnitudeSpectrogram()):
        traced[type(spectrogram).__name__] = spectrogram(waveforms, lengths=LENGTHS)
    traced["mean"] = mean_over_time(waveforms[..., None], jnp.ones(waveforms.shape, bool))
    predictor = ContrastivePredictor(front_end, ContrastiveConfig(hidden=4, steps=2), rngs=nnx.Rngs(key))
    traced["loss"] = predictor(waveforms).loss
    return traced


def on_the_host(front_end):
    """What is asked of front ends, features and stimuli from outside of any program of one's own, by name."""
    grid = {"f0": np.array([100.0, 150.0, 200.0])}
    arrays = {"tone": stimuli.sine_mixture([440.0], duration=0.01), "voice": voice(np.float64(120))}
    arrays["sweep"] = sweep(front_end, voice, grid, pooling=layer_pooling.layer_means, batch_size=2)
    features = np.random.default_rng(0).standard_normal((6, 4))
    arrays["cosine"] = similarity.cosine_similarity(features, features)
    arrays["cka"] = similarity.linear_cka(features, features[:, :2])
    arrays["stationarity"] = similarity.stationarity(np.stack([features, features[::-1]]))
    return arrays

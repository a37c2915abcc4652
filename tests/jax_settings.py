"""What users of the library set in JAX, and what must go on under each setting."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax import probes, similarity, source_filter, speech, stimuli, sweep
from w2v_jax.contrastive import ContrastiveConfig, ContrastivePredictor
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import mean_over_time
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram

SOUNDS = np.random.default_rng(0).standard_normal((2, 900)).astype(np.float32)
LENGTHS = np.array([900, 500])


def encoder(conv_norm, precision="float32"):
    """Three kinds of everything: biases, skip connections, a layer that pairs frames, one that groups channels."""
    config = EncoderConfig(
        channels=(20, 20, 20),
        kernel_sizes=(10, 3, 2),
        strides=(5, 2, 2),
        conv_norm=conv_norm,
        conv_bias=True,
        skip_connections=True,
        log_compression=conv_norm == "global",
    )
    return FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(0))


def voice(f0):
    return source_filter.vowel(f0, [500.0, 1_500.0], duration=0.1)


def sounds():
    """Everything that makes a sound, by name."""
    return {
        "sines": stimuli.sine_mixture([440.0, 550.0], [0.5, 0.4], phases=0.1, bias=0.1, duration=0.05),
        "burst": stimuli.burst(500.0, 2_000.0, 0.1, duration=0.05),
        "glide": stimuli.glide(120.0, [850.0, 1_610.0], [240.0, 2_400.0], [0.5, 0.35, 0.15], duration=0.05),
        "vowel": source_filter.vowel(
            np.float64(120), source_filter.with_higher_formants(300.0, 2_300.0), tilt=-3.0, duration=0.05
        ),
        "filtered": filtered(),
        "speech": speech.utterance(jax.random.key(0), duration=0.05),
    }


def filtered():
    through = source_filter.resonances(jnp.array([700.0, 1_200.0]), jnp.array([80.0, 90.0]))
    frames = source_filter.num_filter_frames(800, stimuli.SAMPLE_RATE)
    return source_filter.filtered(source_filter.harmonics(jnp.full(800, 120.0)), jnp.tile(through, (frames, 1)))


def numbers():
    """What is asked of front ends and features, by name; as NumPy arrays, of the type that they had."""
    found = dict(sounds())
    for conv_norm, precision in (("group", "float32"), ("layer", "bfloat16"), ("global", "exact")):
        name, front_end = f"{conv_norm} {precision}", encoder(conv_norm, precision)
        found[name] = front_end(SOUNDS)
        found |= {f"{name} {layer}": each for layer, each in front_end.outputs(SOUNDS, lengths=LENGTHS).items()}
        found[f"{name} gradient"] = jax.grad(lambda each: jnp.sum(jnp.abs(each(SOUNDS))))(front_end).filters
    for front_end in (LogMelSpectrogram(), LogMagnitudeSpectrogram()):
        found[type(front_end).__name__] = front_end(SOUNDS, lengths=LENGTHS)
    front_end = encoder("group")
    grid = {"f0": np.array([100.0, 150.0, 200.0])}
    for pooling in ("mean", "none", probes.layer_means):
        found[f"sweep {pooling}"] = sweep(front_end, voice, grid, pooling=pooling, batch_size=2)
    features = np.random.default_rng(0).standard_normal((6, 4))
    found["cosine"] = similarity.cosine_similarity(features, features)
    found["paired"] = similarity.paired_cosine_distance(features, features[::-1])
    found["cka"] = similarity.linear_cka(features, features[:, :2])
    found["debiased cka"] = similarity.debiased_linear_cka(features, features[:, :2])
    found["stationarity"] = similarity.stationarity(np.stack([features, features[::-1]]))
    found["mean"] = mean_over_time(jnp.asarray(SOUNDS)[..., None], jnp.ones((2, 900), bool))
    predictor = ContrastivePredictor(front_end, ContrastiveConfig(hidden=4, steps=2), rngs=nnx.Rngs(1))
    found["loss"] = predictor(SOUNDS).loss
    return {name: np.asarray(each) for name, each in found.items()}

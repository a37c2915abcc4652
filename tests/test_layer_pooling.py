"""Every layer in one sweep, and the tuning of channels."""

import jax
import numpy as np
import pytest
from flax import nnx

from w2v_jax import layer_pooling, similarity, stimuli, tuning
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.engine import sweep
from w2v_jax.front_end import Frames
from w2v_jax.scores import UndefinedScoreError

TINY = EncoderConfig(channels=(8, 12, 6), kernel_sizes=(10, 3, 3), strides=(5, 4, 4), conv_norm="layer")


@pytest.fixture(scope="module")
def encoder():
    return FeatureEncoder(TINY, rngs=nnx.Rngs(0))


# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
outputs_of = jax.jit(lambda encoder, sounds: encoder.outputs(sounds))
nearness_of = jax.jit(layer_pooling.burst_nearness)
means_of = jax.jit(layer_pooling.layer_means)
a_burst = jax.jit(lambda: stimuli.burst(215.0, 835.0, 0.5, duration=0.1))


@jax.jit
def tone(frequency):
    return stimuli.sine_mixture([frequency], duration=0.1)


def test_one_sweep_has_every_layer(encoder):
    frequency = np.array([100.0, 700.0, 3000.0])
    channels = layer_pooling.layer_channels(encoder, num_samples=1600)
    assert channels == {"conv 0": 8, "conv 1": 12, "conv 2": 6, "frames": 6}
    features = sweep(encoder, tone, {"frequency": frequency}, pooling=layer_pooling.layer_means, batch_size=2)
    by_layer = layer_pooling.split_means(features, channels)
    expected = jax.device_get(outputs_of(encoder, np.stack([tone(each) for each in frequency])))
    assert list(by_layer) == list(expected)
    for name, frames in expected.items():
        np.testing.assert_allclose(by_layer[name].mean, frames.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(by_layer[name].steadiness, np.diag(similarity.stationarity(frames)), atol=1e-6)
    with pytest.raises(ValueError, match="for 4 layers"):
        layer_pooling.split_means(features[:, :-1], channels)


def test_nearness_of_a_burst_in_every_layer(encoder):
    sounds = np.stack([tone(215.0), tone(835.0), a_burst()])
    outputs = jax.device_get(outputs_of(encoder, np.stack([np.roll(sounds, 1, axis=0), sounds])))
    nearness = layer_pooling.split_nearness(np.asarray(nearness_of(outputs)), encoder.layers, num_samples=1600)
    for name, frames in encoder.layers.items():
        base, burst, mixed = outputs[name][1]
        cosines = similarity.cosine_similarity(mixed, np.stack([burst.mean(axis=0), base.mean(axis=0)]))
        assert nearness[name].shape == (2, 1, frames.num_frames(1600))
        np.testing.assert_allclose(nearness[name][1, 0], cosines[:, 0] - cosines[:, 1], atol=1e-5)
    with pytest.raises(ValueError, match=r"expected \(rows, 2 \+ bursts, frames, channels\)"):
        layer_pooling.burst_nearness({name: each[1] for name, each in outputs.items()})
    with pytest.raises(ValueError, match=r"expected \(n, bursts"):
        layer_pooling.split_nearness(np.zeros((2, 1, 5)), encoder.layers, num_samples=3200)


def test_frames_of_zeros_have_no_cosine_and_stop_no_sweep():
    # As a layer that ends in a ReLU may make them: the second frame of the second layer, in the second row.
    frames = np.random.default_rng(0).uniform(1, 2, (2, 3, 4, 5)).astype(np.float32)
    frames[1, 2, 1] = 0
    ones = np.ones_like(frames)
    pooled = np.asarray(nearness_of({"conv 0": ones[:, :, :2], "frames": frames}))
    assert np.isfinite(pooled).all()
    layers = {"conv 0": Frames(16_000, 800, 800), "frames": Frames(16_000, 400, 400)}
    nearness = layer_pooling.split_nearness(pooled, layers, num_samples=1600)
    np.testing.assert_array_equal(np.argwhere(np.isnan(nearness["frames"])), [[1, 0, 1]])
    pooled = np.asarray(means_of({"conv 0": ones[:, 2], "frames": frames[:, 2]}))
    assert np.isfinite(pooled).all()
    means = layer_pooling.split_means(pooled, {"conv 0": 5, "frames": 5})
    np.testing.assert_array_equal(np.isnan(means["frames"].steadiness), [False, True])
    np.testing.assert_allclose(means["frames"].mean, frames[:, 2].mean(axis=1), rtol=1e-6)
    # Features that are not finite are something else: a sweep must find them.
    frames[0, 2, 0, 0] = np.inf
    assert not np.isfinite(means_of({"conv 0": ones[:, 2], "frames": frames[:, 2]})).all(axis=1)[0]
    assert np.isnan(nearness_of({"conv 0": ones[:, :, :2], "frames": frames})[0]).any()


def test_tuning_curves_of_made_up_channels():
    frequency = np.linspace(0, 1000, 101)
    triangle = np.maximum(0, 1 - np.abs(frequency - 400) / 200)  # half its height from 300 to 500 Hz
    two_peaks = np.where(np.abs(frequency - 900) < 55, 2.0, np.where(np.abs(frequency - 100) < 15, 1.9, 0.0))
    features = np.stack([5 - 3 * (1 - triangle), np.full(101, 7.0), two_peaks, frequency], axis=1)
    curves = tuning.tuning_curves(features, frequency)
    np.testing.assert_array_equal(curves.channel, [0, 2, 3])  # a channel that answers to all alike is left out
    np.testing.assert_allclose(curves.best_frequency, [400, 850, 1000])
    np.testing.assert_allclose(curves.bandwidth, [200, 110, 500])
    assert curves.response.min() == 0
    assert curves.response.max() == 1
    with pytest.raises(UndefinedScoreError, match="none of the 1 channels"):
        tuning.tuning_curves(features[:, 1:2], frequency)


def test_spread_of_best_frequencies():
    def spread(frequency, **scale):
        return tuning.spread_along(frequency, lowest=0, highest=8000, **scale)

    even_in_mel = 700 * (10 ** (np.linspace(0, 2840.02, 400) / 2595) - 1)
    assert spread(even_in_mel).value < 0.01
    assert spread(np.linspace(0, 8000, 400), scale=np.asarray).value < 0.01
    assert spread(np.linspace(0, 8000, 400)).low > 0.2
    assert spread(np.full(10, 8000.0)).value == pytest.approx(1)


def test_filters_are_sorted_by_peak():
    time = np.arange(64) / 16_000
    filters = [np.sin(2 * np.pi * 3000 * time), np.zeros(64), 5 * np.sin(2 * np.pi * 1000 * time)]
    responses = tuning.frequency_responses(filters, sample_rate=16_000)
    np.testing.assert_array_equal(responses.channel, [2, 0])  # the filter of zeros is left out
    np.testing.assert_allclose(responses.peak, [1000, 3000], atol=63)
    np.testing.assert_allclose(responses.decibels.max(axis=1), 0)
    assert responses.decibels.min() >= -60
    with pytest.raises(ValueError, match="as many bins as taps"):
        tuning.frequency_responses(filters, sample_rate=16_000, num_bins=32)

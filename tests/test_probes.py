"""Every layer in one sweep, and the tuning of channels."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from w2v_jax import probes, similarity, stimuli, tuning
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.engine import sweep
from w2v_jax.scores import UndefinedScoreError
from w2v_jax.spectrograms import LogMelSpectrogram

TINY = EncoderConfig(channels=(8, 12, 6), kernel_sizes=(10, 3, 3), strides=(5, 4, 4), conv_norm="layer")


@pytest.fixture(scope="module")
def encoder():
    return FeatureEncoder(TINY, rngs=nnx.Rngs(0))


def tone(frequency):
    return stimuli.sine_mixture([frequency], duration=0.1)


def test_layers_have_their_own_geometry():
    found = probes.layers(FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0)))
    assert [layer.name for layer in found] == [*(f"conv {i}" for i in range(7)), "frames"]
    assert [(layer.receptive_field, layer.hop) for layer in found[-2:]] == [(400, 320)] * 2
    assert (found[0].receptive_field, found[0].hop) == (10, 5)
    assert [layer.num_frames(16_000) for layer in found] == [3199, 1599, 799, 399, 199, 99, 49, 49]
    # 20 ms from sample 7,840 to 8,160; frame k sees samples 320 k to 320 k + 400.
    np.testing.assert_array_equal(np.flatnonzero(found[-1].frames_seeing(7840, 8160, num_samples=16_000)), [24, 25])
    (only,) = probes.layers(LogMelSpectrogram())
    assert (only.name, only.channels, only.receptive_field, only.hop) == ("frames", 80, 400, 320)


def test_one_sweep_has_every_layer(encoder):
    frequency = np.array([100.0, 700.0, 3000.0])
    layout = probes.layers(encoder)
    features = sweep(probes.LayerMeans(encoder), tone, {"frequency": frequency}, batch_size=2)
    found = probes.split(features, layout)
    waveforms = jnp.stack([tone(each) for each in frequency])
    expected = dict(zip(found, [*encoder.activations(waveforms), encoder(waveforms)], strict=True))
    assert list(found) == ["conv 0", "conv 1", "conv 2", "frames"]
    for name, frames in expected.items():
        np.testing.assert_allclose(found[name].mean, frames.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(found[name].steadiness, np.diag(similarity.stationarity(frames)), atol=1e-6)
    with pytest.raises(ValueError, match="for 4 layers"):
        probes.split(features[:, :-1], layout)


def test_nearness_of_a_burst_in_every_layer(encoder):
    sounds = jnp.stack([tone(215.0), tone(835.0), stimuli.burst(215.0, 835.0, 0.5, duration=0.1)])
    triples = jnp.stack([jnp.roll(sounds, 1, axis=0), sounds]).reshape(2, -1)
    layout = probes.layers(encoder)
    nearness = np.asarray(probes.BurstNearness(encoder, num_samples=1600)(triples))
    found = probes.split_nearness(nearness, layout, num_samples=1600)
    base, burst, mixed = zip(*([*encoder.activations(sounds), encoder(sounds)]), strict=True)
    for index, layer in enumerate(layout):
        tones = jnp.stack([burst[index].mean(axis=0), base[index].mean(axis=0)])
        cosines = similarity.cosine_similarity(mixed[index], tones)
        assert found[layer.name].shape == (2, 1, layer.num_frames(1600))
        np.testing.assert_allclose(found[layer.name][1, 0], cosines[:, 0] - cosines[:, 1], atol=1e-5)
    with pytest.raises(ValueError, match="two tones and at least one burst"):
        probes.BurstNearness(encoder, num_samples=500)(jnp.zeros(1000))
    with pytest.raises(ValueError, match="expected \\(n, bursts"):
        probes.split_nearness(nearness, layout, num_samples=3200)


def test_tuning_curves_of_made_up_channels():
    frequency = np.linspace(0, 1000, 101)
    triangle = np.maximum(0, 1 - np.abs(frequency - 400) / 200)  # half its height from 300 to 500 Hz
    two_peaks = np.where(np.abs(frequency - 900) < 55, 2.0, np.where(np.abs(frequency - 100) < 15, 1.9, 0.0))
    features = np.stack([5 - 3 * (1 - triangle), np.full(101, 7.0), two_peaks, frequency], axis=1)
    found = tuning.tuning_curves(features, frequency)
    np.testing.assert_array_equal(found.channel, [0, 2, 3])  # a channel that answers to all alike is left out
    np.testing.assert_allclose(found.best_frequency, [400, 850, 1000])
    np.testing.assert_allclose(found.bandwidth, [200, 110, 500])
    assert found.response.min() == 0
    assert found.response.max() == 1
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
    encoder = FeatureEncoder(EncoderConfig(channels=(3,), kernel_sizes=(64,), strides=(5,)), rngs=nnx.Rngs(0))
    time = np.arange(64) / 16_000
    kernel = np.stack([np.sin(2 * np.pi * 3000 * time), np.zeros(64), 5 * np.sin(2 * np.pi * 1000 * time)], axis=1)
    encoder.conv_layers[0].kernel[...] = jnp.asarray(kernel[:, None, :], jnp.float32)
    found = tuning.frequency_responses(encoder)
    np.testing.assert_array_equal(found.channel, [2, 0])  # the filter of zeros is left out
    np.testing.assert_allclose(found.peak, [1000, 3000], atol=63)
    np.testing.assert_allclose(found.decibels.max(axis=1), 0)
    assert found.decibels.min() >= -60

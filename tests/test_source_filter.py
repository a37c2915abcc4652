"""A source and a filter: harmonics at f0 and nothing else, resonances where they should be, filters that move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from w2v_jax import source_filter

FORMANTS, BANDWIDTHS = [500.0, 1500.0, 2500.0], [60.0, 90.0, 120.0]


def constant_filter(transfer, num_samples):
    return jnp.broadcast_to(transfer, (-(-num_samples // 160) + 1, transfer.size))


@settings(max_examples=20, deadline=None)
@given(st.integers(50, 600))
def test_harmonics_of_equal_amplitude_and_nothing_else(f0):
    voice = np.asarray(source_filter.harmonics(jnp.full(16_000, float(f0))), np.float64)
    amplitude = np.abs(np.fft.rfft(voice)) / 8_000  # bins of 1 Hz
    harmonic = np.arange(8_000) % f0 == 0
    harmonic[0] = False
    np.testing.assert_allclose(amplitude[:8_000][harmonic], 1, atol=2e-3)
    assert amplitude[:8_000][~harmonic].max() < 2e-3


def test_gliding_harmonics_against_their_sum():
    f0 = np.linspace(130, 140, 8_000).astype(np.float32)
    turns = np.cumsum(f0.astype(np.float64)) / 16_000
    number = np.ceil(8_000 / f0) - 1
    expected = sum(np.cos(2 * np.pi * h * turns) * (h <= number) for h in range(1, 62))
    # Pulses are 60 high. After half a second the 60th harmonic is off by 1e-4 turns: f0 is rounded to 4e-6 Hz.
    np.testing.assert_allclose(source_filter.harmonics(jnp.asarray(f0)), expected, atol=0.05)


def test_resonances_against_a_recursion():
    noise = np.random.default_rng(0).standard_normal(4_000).astype(np.float32)
    transfer = source_filter.resonances(jnp.array(FORMANTS), jnp.array(BANDWIDTHS))
    found = source_filter.filtered(jnp.asarray(noise), constant_filter(transfer, noise.size))
    expected = noise.astype(np.float64)
    for frequency, bandwidth in zip(FORMANTS, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / 16_000)
        poles = [1, -2 * radius * np.cos(2 * np.pi * frequency / 16_000), radius**2]
        expected = signal.lfilter([sum(poles)], poles, expected)
    assert np.linalg.norm(found - expected) < 2e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("f0", [80.0, 125.0])
def test_a_voice_peaks_at_its_formants(f0):
    voice = source_filter.harmonics(jnp.full(16_000, f0))
    vowel = source_filter.filtered(
        voice, constant_filter(source_filter.resonances(jnp.array(FORMANTS), jnp.array(BANDWIDTHS)), 16_000)
    )
    spectrum = np.abs(np.fft.rfft(vowel))
    harmonics = np.arange(f0, 3_500, f0).astype(int)
    peaks = harmonics[signal.argrelmax(spectrum[harmonics])[0]]
    assert len(peaks) == len(FORMANTS)
    np.testing.assert_allclose(peaks, FORMANTS, atol=f0)


def test_a_filter_may_move():
    """Noise through a resonance that rises from 1 to 3 kHz: the peak of each tenth of a second."""
    noise = jax.random.normal(jax.random.key(0), (16_000,))
    track = jnp.linspace(1_000, 3_000, 101)
    sound = source_filter.filtered(noise, source_filter.resonances(track[:, None], jnp.full((101, 1), 40.0)))
    for part, expected in zip(np.asarray(sound).reshape(10, 1_600), np.arange(1_100, 3_000, 200), strict=True):
        frequency, power = signal.welch(part, 16_000, nperseg=400)
        assert frequency[power.argmax()] == pytest.approx(expected, abs=160)


def test_a_transfer_function_of_another_length_is_named():
    with pytest.raises(ValueError, match=r"expected \(11, 561\)"):
        source_filter.filtered(jnp.zeros(1_600), jnp.zeros((3, 3)))

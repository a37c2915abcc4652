"""Speech-like sound: harmonics at f0, resonances where they should be, utterances that are no probes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from w2v_jax import speech
from w2v_jax.speech import SpeechConfig

KEYS = jax.random.split(jax.random.key(7), 48)
FORMANTS, BANDWIDTHS = [500.0, 1500.0, 2500.0], [60.0, 90.0, 120.0]


make_utterances = jax.jit(jax.vmap(speech.utterance))


@pytest.fixture(scope="module")
def utterances():
    return np.asarray(make_utterances(KEYS))


def constant_filter(transfer, num_samples):
    return jnp.broadcast_to(transfer, (-(-num_samples // 160) + 1, transfer.size))


@settings(max_examples=20, deadline=None)
@given(st.integers(50, 600))
def test_harmonics_of_equal_amplitude_and_nothing_else(f0):
    voice = np.asarray(speech.harmonics(jnp.full(16_000, float(f0))), np.float64)
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
    np.testing.assert_allclose(speech.harmonics(jnp.asarray(f0)), expected, atol=0.05)


def test_resonances_against_a_recursion():
    noise = np.random.default_rng(0).standard_normal(4_000).astype(np.float32)
    transfer = speech.resonances(jnp.array(FORMANTS), jnp.array(BANDWIDTHS))
    found = speech.filtered(jnp.asarray(noise), constant_filter(transfer, noise.size))
    expected = noise.astype(np.float64)
    for frequency, bandwidth in zip(FORMANTS, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / 16_000)
        poles = [1, -2 * radius * np.cos(2 * np.pi * frequency / 16_000), radius**2]
        expected = signal.lfilter([sum(poles)], poles, expected)
    assert np.linalg.norm(found - expected) < 2e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("f0", [80.0, 125.0])
def test_a_voice_peaks_at_its_formants(f0):
    voice = speech.harmonics(jnp.full(16_000, f0))
    vowel = speech.filtered(
        voice, constant_filter(speech.resonances(jnp.array(FORMANTS), jnp.array(BANDWIDTHS)), 16_000)
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
    sound = speech.filtered(noise, speech.resonances(track[:, None], jnp.full((101, 1), 40.0)))
    for part, expected in zip(np.asarray(sound).reshape(10, 1_600), np.arange(1_100, 3_000, 200), strict=True):
        frequency, power = signal.welch(part, 16_000, nperseg=400)
        assert frequency[power.argmax()] == pytest.approx(expected, abs=160)


def test_utterances_are_finite_and_as_loud_as_they_should_be(utterances):
    assert utterances.shape == (len(KEYS), 16_000)
    assert utterances.dtype == np.float32
    level = 20 * np.log10(np.sqrt(np.square(utterances).mean(-1)))
    lowest, highest = SpeechConfig().level
    assert lowest - 0.01 <= level.min() < lowest + 5
    assert highest - 5 < level.max() <= highest + 0.01


def test_no_utterance_is_a_tone_or_a_sum_of_a_few(utterances):
    """Not even a tenth of a second of one: the strongest 3 of 80 bands do not hold nearly everything."""
    assert len(utterances) == len(KEYS)
    _, _, spectrogram = signal.spectrogram(utterances, 16_000, window="hann", nperseg=1_600, noverlap=800)
    share = np.sort(spectrogram, axis=1)[:, -3:].sum(axis=1) / spectrogram.sum(axis=1)
    assert np.quantile(share, 0.95) < 0.99
    assert np.median(share) < 0.8


def test_an_utterance_is_that_of_its_key(utterances):
    np.testing.assert_array_equal(make_utterances(KEYS[::-1])[::-1], utterances)
    assert len(np.unique(np.round(utterances[:, 5_000], 7))) == len(KEYS)


def test_loud_and_quiet_follow_each_other(utterances):
    """Syllables: within an utterance the level of 20 ms moves by more than 10 dB."""
    power = np.square(utterances.reshape(len(KEYS), -1, 320)).mean(-1)
    assert np.mean(10 * np.log10(np.quantile(power, 0.9, axis=1) / np.quantile(power, 0.1, axis=1)) > 10) > 0.7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpeechConfig(f0=(300.0, 100.0)), r"SpeechConfig.f0 is \(300.0, 100.0\); expected \(lowest, highest\)"),
        (lambda: SpeechConfig(kinds=(0.5, 0.5)), "expected 5 probabilities"),
        (lambda: speech.utterance(KEYS[0], duration=0.0), "duration is 0.0 s; expected at least one sample"),
        (lambda: speech.utterance(KEYS[0], sample_rate=22_050 + 1), "expected a positive multiple of 100"),
        (lambda: speech.filtered(jnp.zeros(1_600), jnp.zeros((3, 3))), r"expected \(11, 561\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()

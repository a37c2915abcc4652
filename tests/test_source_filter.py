"""A source and a filter: harmonics at f0 and nothing else, resonances where they should be, filters that move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from w2v_jax import grids, praat, source_filter
from w2v_jax.source_filter import formant_bandwidths, vowel, with_higher_formants

FORMANTS, BANDWIDTHS = np.array([500.0, 1500.0, 2500.0]), np.array([60.0, 90.0, 120.0])

# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
harmonics, filtered, resonances = map(
    jax.jit, (source_filter.harmonics, source_filter.filtered, source_filter.resonances)
)


def constant_filter(num_samples):
    transfer = np.asarray(resonances(FORMANTS, BANDWIDTHS))
    return np.broadcast_to(transfer, (-(-num_samples // 160) + 1, transfer.size))


@settings(max_examples=20, deadline=None)
@given(st.integers(50, 600))
def test_harmonics_of_equal_amplitude_and_nothing_else(f0):
    voice = np.asarray(harmonics(np.full(16_000, f0, np.float32)), np.float64)
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
    np.testing.assert_allclose(harmonics(f0), expected, atol=0.05)


def test_resonances_against_a_recursion():
    noise = np.random.default_rng(0).standard_normal(4_000).astype(np.float32)
    ours = filtered(noise, constant_filter(noise.size))
    expected = noise.astype(np.float64)
    for frequency, bandwidth in zip(FORMANTS, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / 16_000)
        poles = [1, -2 * radius * np.cos(2 * np.pi * frequency / 16_000), radius**2]
        expected = signal.lfilter([sum(poles)], poles, expected)
    assert np.linalg.norm(ours - expected) < 2e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("f0", [80.0, 125.0])
def test_a_voice_peaks_at_its_formants(f0):
    voice = harmonics(np.full(16_000, f0, np.float32))
    spectrum = np.abs(np.fft.rfft(filtered(voice, constant_filter(16_000))))
    at = np.arange(f0, 3_500, f0).astype(int)
    peaks = at[signal.argrelmax(spectrum[at])[0]]
    assert len(peaks) == len(FORMANTS)
    np.testing.assert_allclose(peaks, FORMANTS, atol=f0)


def test_a_filter_may_move():
    """Noise through a resonance that rises from 1 to 3 kHz: the peak of each tenth of a second."""
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    track = np.linspace(1_000, 3_000, 101)
    sound = filtered(noise, resonances(track[:, None], np.full((101, 1), 40.0)))
    for part, expected in zip(np.asarray(sound).reshape(10, 1_600), np.arange(1_100, 3_000, 200), strict=True):
        frequency, power = signal.welch(part, 16_000, nperseg=400)
        assert frequency[power.argmax()] == pytest.approx(expected, abs=160)


def test_a_transfer_function_of_another_length_is_named():
    with pytest.raises(ValueError, match=r"expected \(11, 561\)"):
        source_filter.filtered(np.zeros(1_600, np.float32), np.zeros((3, 3), np.complex64))


def vowel_in_float64(f0, formants, bandwidths, num_samples, level=0.1):
    order = np.arange(1, int(np.ceil(8_000 / f0)))
    delay = np.exp(-2j * np.pi * order * f0 / 16_000)
    gains = source_filter._glottal_pulse(160)[: len(order)].astype(complex)
    for frequency, bandwidth in zip(formants, bandwidths, strict=True):
        if frequency < 8_000:
            radius = np.exp(-np.pi * bandwidth / 16_000)
            first = 2 * radius * np.cos(2 * np.pi * frequency / 16_000)
            gains *= (1 - first + radius**2) / (1 - first * delay + radius**2 * delay**2)
    gains *= level / np.sqrt(np.square(np.abs(gains)).sum() / 2)
    turns = np.outer(order, f0 * np.arange(num_samples) / 16_000)
    return (gains[:, None] * np.exp(2j * np.pi * turns)).real.sum(axis=0)


@settings(max_examples=10, deadline=None)
@given(st.floats(50, 500, width=32), st.floats(200, 1_000, width=32), st.floats(500, 3_000, width=32))
def test_vowel_against_float64(f0, f1, f2):
    formants = with_higher_formants(f1, f2)
    assert formants[-1] > 8_000  # left out
    expected = vowel_in_float64(
        f0, *(np.asarray(each, np.float64) for each in (formants, formant_bandwidths(formants))), 8_000
    )
    ours = jax.jit(vowel, static_argnames="duration")(f0, formants, duration=0.5)
    assert np.abs(ours - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_glottis_closes_with_a_negative_peak():
    sound = np.asarray(vowel(120.0, with_higher_formants(300.0, 2_300.0), duration=0.1))
    assert -sound.min() > 1.5 * sound.max()


def test_vowel_is_differentiable_to_any_order():
    parameters = {"f0": 117.3, "f1": 431.0, "f2": 1_370.0, "bandwidth": 90.0}

    def loudness(f0, f1, f2, bandwidth, power=jnp):
        formants = [f1, f2, 2_600.0]
        if power is jnp:
            sound = vowel(f0, formants, jnp.stack([bandwidth, 100.0, 150.0]), duration=0.03)
        else:
            sound = vowel_in_float64(f0, formants, [bandwidth, 100.0, 150.0], 480)
        return power.sum(power.sin(20 * sound))

    gradient = jax.jit(jax.grad(loudness, argnums=(0, 1, 2, 3)))
    for derivative, (name, value) in zip(gradient(*parameters.values()), parameters.items(), strict=True):
        step = 1e-4 * value
        above, below = (loudness(**{**parameters, name: np.float64(value + sign * step)}, power=np) for sign in (1, -1))
        np.testing.assert_allclose(derivative, (above - below) / (2 * step), rtol=5e-3)
    # Once more, along f0 and F1 at once.
    direction = (1.0, 1.0, 0.0, 0.0)

    def rate(*values):
        return jax.jvp(loudness, values, direction)[1]

    derivative = jax.jit(lambda *values: jax.jvp(rate, values, direction)[1])(*parameters.values())
    above, below = (
        sum(gradient(*map(sum, zip(parameters.values(), (sign * 0.1, sign * 0.1, 0, 0), strict=True)))[:2])
        for sign in (1, -1)
    )
    np.testing.assert_allclose(derivative, (above - below) / 0.2, rtol=0.02)


def test_vowel_says_what_is_impossible():
    for arguments, message in (
        ((40.0, [500.0]), "f0 is 40 Hz; expected at least 50 Hz"),
        ((9_000.0, [500.0]), "f0 is 9000.0 Hz; expected 0 to the Nyquist frequency"),
        ((100.0, [500.0, -1.0]), "formants is .* expected positive"),
        ((100.0, [500.0], [80.0, 90.0]), "bandwidths has 2 values; expected 1, as many as formants"),
    ):
        with pytest.raises(ValueError, match=message):
            vowel(*arguments)
    traced = jax.jit(lambda f0, f1: vowel(f0, [f1, 1_500.0], duration=0.01))
    assert np.isnan(traced(40.0, 500.0)).all()
    assert np.isnan(traced(100.0, -1.0)).all()
    assert np.isfinite(traced(100.0, 500.0)).all()


def test_vowel_has_praats_spectrum():
    """Praat's own pulses through its own filters: their harmonics have the same levels, within 0.2 dB to 7 kHz."""
    parselmouth = pytest.importorskip("parselmouth")
    call = parselmouth.praat.call
    formants = with_higher_formants(730.0, 1_090.0, count=7)
    pitch = call("Create PitchTier", "pitch", 0, 1)
    call(pitch, "Add point", 0.5, 100.0)
    # Praat samples its pulses without a filter: at eight times the rate what folds back is small.
    sound = call(call(pitch, "To PointProcess"), "To Sound (phonation)", 128_000, 1.0, 0.05, 0.7, 0.03, 3.0, 4.0)
    sound = call(sound, "Resample", 16_000, 50)
    for formant, bandwidth in zip(formants.tolist(), formant_bandwidths(formants).tolist(), strict=True):
        sound = call(sound, "Filter (one formant)", formant, bandwidth)
    levels = [
        20 * np.log10(np.abs(np.fft.rfft(each[4_000:12_000]))[50:3_501:50])
        for each in (sound.values[0], np.asarray(vowel(100.0, formants), np.float64))
    ]
    difference = levels[0] - levels[1]
    assert np.abs(difference - np.median(difference)).max() < 0.2


def test_praat_finds_what_a_vowel_was_made_of():
    pytest.importorskip("parselmouth")
    grid = grids.VOWEL_SPACE.thinned(f1=7, f2=9).points()
    apart = grid["f2"] - grid["f1"] > 250  # closer ones are one peak to any analysis
    made = {name: values[apart] for name, values in grid.items()}
    make = jax.jit(jax.vmap(lambda f0, f1, f2: vowel(f0, with_higher_formants(f1, f2), duration=0.3)))
    sounds = np.asarray(make(**made))
    assert len(sounds) >= 50
    measures = [
        praat.measure(each, 16_000, np.linspace(0.1, 0.2, 5), praat.PraatSettings(formant_ceiling=5_000))
        for each in sounds
    ]
    for name, tolerance in (("f0", 0.01), ("f1", 0.05), ("f2", 0.05)):
        errors = np.array([np.median(each[name]) for each in measures]) / made[name] - 1
        assert np.median(np.abs(errors)) < tolerance, name
        if name == "f0":
            assert np.abs(errors).max() < 0.01

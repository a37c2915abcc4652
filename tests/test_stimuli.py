"""Stimuli against exact phases: rational arithmetic at the same float32 parameters."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import jit_as_in_use

from w2v_jax import stimuli

hertz = st.floats(0, 8_000, width=32)
radians = st.floats(-10, 10, width=32)


def exact_sine(frequency: float, duration: float, phase: float = 0.0, rate: int = 16_000) -> np.ndarray:
    """The frequency is an integer times 2^-k, so its phase in turns is exact in integers."""
    numerator, denominator = float(np.float32(frequency)).as_integer_ratio()
    samples = round(duration * rate)
    fraction = [(numerator * n) % (denominator * rate) / (denominator * rate) for n in range(samples)]
    return np.sin(2 * np.pi * np.array(fraction) + np.float64(np.float32(phase)))


def exact_chirp(start: float, end: float, duration: float) -> np.ndarray:
    time = np.arange(round(duration * 16_000)).astype(np.longdouble) / 16_000
    start, end = np.longdouble(np.float32(start)), np.longdouble(np.float32(end))
    turns = start * time + (end - start) * time**2 / (2 * np.longdouble(duration))
    return np.cos(2 * np.pi * (turns % 1).astype(np.float64))


# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
jitted_tone = jit_as_in_use(stimuli.sine_mixture, static_argnames=("duration", "sample_rate"))
jitted_burst = jit_as_in_use(stimuli.burst)
jitted_glide = jit_as_in_use(stimuli.glide, static_argnames="duration")


def chirp(start, end, duration):
    return jitted_glide(0.0, [start], [end], [0.0, 1.0], duration=duration)


@settings(max_examples=40, deadline=None)
@given(frequency=hertz, phase=radians)
@example(frequency=8_000.0, phase=0.0)
@example(frequency=7_999.9995, phase=10.0)
def test_tone_of_one_second(frequency, phase):
    exact = exact_sine(frequency, 1.0, phase)
    for synthesise in (stimuli.sine_mixture, jitted_tone):
        tone = synthesise([np.float32(frequency)], phases=np.float32(phase))
        assert tone.dtype == jnp.float32
        assert np.abs(np.asarray(tone, np.float64) - exact).max() < 5e-7


@pytest.mark.parametrize("frequency", [100.0, 440.1, 3_333.3333, 7_989.9, 8_000.0])
def test_tone_of_ten_seconds(frequency):
    exact = exact_sine(frequency, 10.0)
    tone = jitted_tone([np.float32(frequency)], duration=10.0)
    assert np.abs(np.asarray(tone, np.float64) - exact).max() < 5e-7


def test_mixture_with_bias_is_the_sum():
    frequencies, amplitudes, phases = (120.0, 850.3, 1_610.7), (0.5, 0.35, 0.15), (0.0, 1.0, -2.0)
    mixture = jitted_tone(frequencies, amplitudes, phases=phases, bias=-0.25)
    exact = -0.25 + sum(
        np.float64(np.float32(a)) * exact_sine(f, 1.0, p)
        for f, a, p in zip(frequencies, amplitudes, phases, strict=True)
    )
    assert np.abs(np.asarray(mixture, np.float64) - exact).max() < 5e-7


@settings(max_examples=30, deadline=None)
@given(start=hertz, end=hertz, duration=st.sampled_from([0.5, 2.0, 10.0]))
def test_glide_is_exact(start, end, duration):
    glide = chirp(np.float32(start), np.float32(end), duration)
    assert np.abs(np.asarray(glide, np.float64) - exact_chirp(start, end, duration)).max() < 2e-6


def test_glide_adds_a_sine_fundamental():
    glide = jitted_glide(120.0, [300.0, 2_000.0], [700.0, 1_000.0], [0.5, 0.35, 0.15])
    parts = (exact_sine(120.0, 2.0), exact_chirp(300.0, 700.0, 2.0), exact_chirp(2_000.0, 1_000.0, 2.0))
    exact = sum(np.float64(np.float32(m)) * part for m, part in zip((0.5, 0.35, 0.15), parts, strict=True))
    assert np.abs(np.asarray(glide, np.float64) - exact).max() < 2e-6


@pytest.mark.parametrize("milliseconds", [320, 160, 80, 40, 20, 10])
def test_burst_replaces_the_middle_of_a_running_tone(milliseconds):
    burst = np.asarray(jitted_burst(211.0, 813.0, milliseconds / 1000))  # which differ where it begins and ends
    half = 8 * milliseconds
    exact = exact_sine(211.0, 1.0)
    exact[8_000 - half : 8_000 + half] = exact_sine(813.0, 1.0)[8_000 - half : 8_000 + half]
    assert np.abs(burst - exact).max() < 5e-7


def test_other_rates_and_lengths():
    tone = jitted_tone(1_000.0, duration=0.5, sample_rate=44_100)
    assert np.abs(tone - exact_sine(1_000.0, 0.5, rate=44_100)).max() < 5e-7


@jit_as_in_use
@jax.grad
def gradient_of_a_sample(point):
    tone = functools.partial(stimuli.sine_mixture, phases=[point["phase"], 1.0], bias=point["bias"])
    return tone([point["frequency"], 90.0], [point["amplitude"], 0.2])[7_777]


@pytest.mark.parametrize("name", ["frequency", "amplitude", "phase", "bias"])
def test_gradients_match_finite_differences(name):
    point = dict(frequency=411.25, amplitude=0.7, phase=0.3, bias=0.1)

    def exact(point):
        turns = point["frequency"] * 7_777 / 16_000
        return point["amplitude"] * np.sin(2 * np.pi * turns + point["phase"]) + point["bias"]

    step = 1e-5
    difference = (exact(point | {name: point[name] + step}) - exact(point | {name: point[name] - step})) / (2 * step)
    np.testing.assert_allclose(gradient_of_a_sample(point)[name], difference, rtol=1e-4)


def test_gradients_of_glide_and_second_derivative():
    def sample(start, end):
        return stimuli.glide(0.0, [start], [end], [0.0, 1.0])[9_999]

    time = 9_999 / 16_000
    weights = np.array([time - time**2 / 4, time**2 / 4])
    angle = 2 * np.pi * (weights @ [500.0, 900.0])
    gradient = jax.jit(jax.grad(sample, argnums=(0, 1)))(500.0, 900.0)
    np.testing.assert_allclose(gradient, -np.sin(angle) * 2 * np.pi * weights, rtol=1e-4)
    curvature = jax.jit(jax.grad(jax.grad(sample)))(500.0, 900.0)
    np.testing.assert_allclose(curvature, -np.cos(angle) * (2 * np.pi * weights[0]) ** 2, rtol=1e-3)


def test_vmap_is_a_loop():
    frequencies = np.array([[100.0, 230.5], [440.0, 7_000.25]])
    batched = jax.jit(jax.vmap(stimuli.sine_mixture))(frequencies)
    for row, pair in zip(batched, frequencies, strict=True):
        np.testing.assert_allclose(row, jitted_tone(pair), atol=2e-7)


def test_traced_values_that_are_not_finite_show():
    assert np.isnan(jitted_tone([np.nan, 100.0])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stimuli.sine_mixture([8_000.5]), r"8000\.5.*Nyquist frequency, 8000 Hz"),
        (lambda: stimuli.sine_mixture([-1.0]), "-1"),
        (lambda: stimuli.sine_mixture([float("nan")]), "frequencies.*finite"),
        (lambda: stimuli.sine_mixture([1.0], bias=float("inf")), "bias.*finite"),
        (lambda: stimuli.sine_mixture([1.0], np.inf), "amplitudes.*finite"),
        (lambda: stimuli.sine_mixture([1.0, 2.0], [1.0, 2.0, 3.0]), "3 values; expected 2"),
        (lambda: stimuli.sine_mixture([1.0, 2.0], phases=[1.0]), "phases has 1 values"),
        (lambda: stimuli.sine_mixture([]), "empty"),
        (lambda: stimuli.sine_mixture(np.ones((2, 2))), "one dimension"),
        (lambda: stimuli.sine_mixture([1.0], duration=-1.0), "duration is -1"),
        (lambda: stimuli.sine_mixture([1.0], duration=float("nan")), "duration is nan"),
        (lambda: stimuli.sine_mixture([1.0], sample_rate=0), "sample_rate"),
        (lambda: stimuli.burst(200.0, 800.0, 1.01), "burst_fraction"),
        (lambda: stimuli.burst(200.0, 9_000.0, 0.5), "Nyquist"),
        (lambda: stimuli.glide(120.0, [1.0], [2.0, 3.0], 1.0), "end_frequencies has 2 values"),
        (lambda: stimuli.glide(120.0, [1.0], [2.0], [1.0]), "amplitudes has 1 values; expected 2"),
        (lambda: stimuli.glide(120.0, [1.0], [8_001.0], 1.0), "end_frequencies.*Nyquist"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

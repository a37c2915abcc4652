"""Spectrograms against scipy in float64, and as drop-in encoders."""

import jax
import numpy as np
import pytest
from scipy import signal

from w2v_jax import scales, stimuli
from w2v_jax.encoder import EncoderConfig
from w2v_jax.engine import sweep
from w2v_jax.front_end import Frames
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram, SpectrogramConfig

CONFIG = SpectrogramConfig()

# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
spectrogram = jax.jit(lambda module, waveform: module(waveform), static_argnums=0)
sines = jax.jit(stimuli.sine_mixture, static_argnames=("duration", "sample_rate"))


def reference_power(waveform):
    """(frames, 513) float64, by scipy's short-time Fourier transform."""
    window = signal.get_window("hann", 400, fftbins=True)
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(np.float64), 400)[::320]
    spectrum = np.fft.rfft(frames * window, n=1024)
    # scipy's own framing agrees wherever it does not pad.
    transform = signal.ShortTimeFFT(window, hop=320, fs=16_000, mfft=1024)
    inside = transform.stft(waveform.astype(np.float64), p0=1, p1=len(frames)).T
    np.testing.assert_allclose(np.abs(inside), np.abs(_framed(waveform, window, inside)), atol=1e-9)
    return np.square(np.abs(spectrum) / (window.sum() / 2))


def _framed(waveform, window, like):
    starts = np.arange(1, len(like) + 1) * 320 - 200
    return np.fft.rfft([waveform[start : start + 400].astype(np.float64) * window for start in starts], n=1024)


def reference_mel(power):
    edges = np.linspace(0, scales.mel(8000), 82)
    mel = scales.mel(np.arange(513) * 16_000 / 1024)
    filters = [np.interp(mel, edges[band : band + 3], [0, 1, 0]) for band in range(80)]
    return power @ np.array(filters).T


@pytest.mark.parametrize("sound", ["noise", "tone", "quiet tone"])
def test_spectrograms_agree_with_float64(sound):
    rng = np.random.default_rng(0)
    waveform = {
        "noise": 0.3 * rng.normal(size=16_000),
        "tone": np.asarray(sines([1000.0, 3333.0], 0.5)),
        "quiet tone": np.asarray(sines([440.0], 1e-3)),
    }[sound].astype(np.float32)
    power = reference_power(waveform)
    for module, expected in (
        (LogMagnitudeSpectrogram(), np.log1p(power / 1e-8)),
        (LogMelSpectrogram(), np.log1p(reference_mel(power) / 1e-8)),
    ):
        ours = spectrogram(module, waveform)
        assert ours.shape == expected.shape
        # Rounding of a loud sound reaches the floor of the logarithm: an absolute tolerance, of values up to 18.
        np.testing.assert_allclose(ours, expected, atol=2e-3)
        assert np.median(np.abs(ours - expected)) < 1e-4


def test_frames_are_those_of_the_encoder():
    encoder = EncoderConfig()
    assert CONFIG.frames == encoder.frames
    waveforms = np.zeros((2, 3, 1000), np.float32)
    assert LogMelSpectrogram()(waveforms).shape == (2, 3, encoder.frames.num_frames(1000), 80)
    assert spectrogram(LogMagnitudeSpectrogram(), waveforms).shape == (2, 3, encoder.frames.num_frames(1000), 513)


@pytest.mark.parametrize("frames", [Frames(8_000, 80, 40), Frames(24_000, 3_000, 240), Frames(16_000, 465, 160, 100)])
def test_other_frames(frames):
    config = SpectrogramConfig.framed_as(frames)
    module = LogMagnitudeSpectrogram(config)
    assert module.frames == frames
    tone = sines([0.1 * frames.sample_rate], duration=0.5, sample_rate=frames.sample_rate)
    spectrum = np.asarray(spectrogram(module, tone))
    assert spectrum.shape == (frames.num_frames(len(tone)), config.fft_size // 2 + 1)
    assert (spectrum[1:-1].argmax(axis=1) == round(0.1 * config.fft_size)).all()
    assert spectrogram(LogMelSpectrogram(config), tone).shape == (len(spectrum), 80)


@pytest.mark.parametrize("module", [LogMelSpectrogram(), LogMagnitudeSpectrogram()])
def test_silence_is_zero_and_gradients_are_finite_on_it(module):
    silence = np.zeros(800, np.float32)
    assert not np.any(spectrogram(module, silence))
    gradient_at = jax.jit(jax.grad(lambda waveform: module(waveform).sum()))
    gradient = gradient_at(silence)
    assert np.isfinite(gradient).all()
    gradient = gradient_at(sines([700.0], duration=0.05))
    assert np.isfinite(gradient).all()
    assert np.any(gradient)


def test_a_full_scale_sine_has_power_one():
    tone = sines([1000.0])  # on a bin
    spectrum = np.asarray(spectrogram(LogMagnitudeSpectrogram(), tone))
    np.testing.assert_allclose(spectrum.max(axis=1), np.log1p(1e8), atol=1e-5)
    assert (spectrum.argmax(axis=1) == 64).all()


def test_spectrograms_go_through_the_sweep():
    def tone(frequency):
        return stimuli.sine_mixture([frequency])

    frequency = np.array([500.0, 4000.0, 1000.0])
    features = sweep(LogMelSpectrogram(), tone, {"frequency": frequency}, batch_size=2)
    assert features.shape == (3, 80)
    assert list(np.argsort(features.argmax(axis=1))) == [0, 2, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LogMelSpectrogram()(np.zeros(399, np.float32)), ValueError, "at least the 400 samples"),
        (lambda: LogMelSpectrogram()(np.zeros((), np.float32)), ValueError, r"shape \(\)"),
        (lambda: LogMelSpectrogram()(np.zeros(500, np.int32)), TypeError, "waveform is int32; expected a float32"),
        (lambda: LogMelSpectrogram()([0.0] * 500), TypeError, "waveform is list"),
        (lambda: SpectrogramConfig(fft_size=256), ValueError, "at least the receptive field, 400"),
        (lambda: SpectrogramConfig(bands=400), ValueError, "without any bin"),
        (lambda: SpectrogramConfig(bands=0), ValueError, "bands is 0; expected a positive integer"),
        (lambda: SpectrogramConfig(floor=0), ValueError, "floor is 0"),
    ],
)
def test_what_is_wrong_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()

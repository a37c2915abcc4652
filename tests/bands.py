"""A front end such as a user may bring: NumPy, no weights, another sample rate, and frames of its own."""

import numpy as np

from w2v_jax import Frames


class Bands:
    """Log power in the bins of a short Fourier transform, 100 frames a second at 8 kHz."""

    frames = Frames(sample_rate=8_000, receptive_field=240, hop=80)

    def __call__(self, waveforms):
        assert isinstance(waveforms, np.ndarray)
        cut = np.lib.stride_tricks.sliding_window_view(waveforms, 240, axis=-1)[:, ::80]
        return np.log1p(np.square(np.abs(np.fft.rfft(cut * np.hanning(240), 256))) / 1e-4).astype(np.float32)


def make():
    return Bands()


class OneFrame:
    """One frame of the beginning of a sound, whatever its length up to 4 s."""

    frames = Frames(sample_rate=8_000, receptive_field=8_000, hop=32_000)

    def __call__(self, waveforms):
        return np.log1p(Bands()(waveforms[..., :8_000])).mean(axis=-2, keepdims=True)


def make_one_frame():
    return OneFrame()


class Silenced(Bands):
    """The same with every tenth frame a vector of zeros, as a ReLU may leave it."""

    def __call__(self, waveforms):
        features = super().__call__(waveforms)
        features[..., ::10, :] = 0
        return features


def make_silenced():
    return Silenced()


class Muted(Bands):
    """Nothing of sounds that have a partial above 2 kHz."""

    def __call__(self, waveforms):
        features = super().__call__(waveforms)
        return features * (features[..., 65:].mean(axis=1).max(axis=-1) < 10)[:, None, None]


def make_muted():
    return Muted()


def make_nothing():
    return 7


def make_without_frames():
    return np.square


def make_other_frames():
    bands = Bands()
    bands.frames = Frames(sample_rate=8_000, receptive_field=240, hop=100)
    return bands


def fail():
    raise RuntimeError("no such model\nsecond line")

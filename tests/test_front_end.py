"""Frames: which samples each one sees, whatever the geometry; and what counts as a front end."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax import front_end
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import Frames, FrontEnd
from w2v_jax.spectrograms import LogMelSpectrogram

WAV2VEC2 = Frames(sample_rate=16_000, receptive_field=400, hop=320)

geometries = st.builds(
    Frames,
    sample_rate=st.sampled_from([8_000, 16_000, 22_050, 24_000]),
    receptive_field=st.integers(1, 40),
    hop=st.integers(1, 40),
    padding=st.integers(0, 10),
)


def windows(frames: Frames, num_samples: int) -> list[range]:
    """What each frame sees, counted one by one: whole windows of the padded waveform."""
    ranges, start = [], -frames.padding
    while start + frames.receptive_field <= num_samples + frames.padding:
        ranges.append(range(start, start + frames.receptive_field))
        start += frames.hop
    return ranges


@settings(max_examples=60, deadline=None)
@given(frames=geometries, num_samples=st.integers(0, 200), data=st.data())
def test_frames_are_the_windows_that_fit(frames, num_samples, data):
    expected = windows(frames, num_samples)
    assert frames.num_frames(num_samples) == len(expected)
    centres = [(window.start + window.stop - 1) / 2 / frames.sample_rate for window in expected]
    np.testing.assert_allclose(frames.times(len(expected)), centres)
    start = data.draw(st.integers(0, 200))
    stop = data.draw(st.integers(start, 210))
    seen = [any(start <= sample < stop for sample in window) for window in expected]
    np.testing.assert_array_equal(frames.seeing(start, stop, num_samples=num_samples), seen)


@settings(max_examples=30, deadline=None)
@given(frames=geometries, frequency=st.integers(0, 4_000))
def test_phases_are_those_that_frames_see(frames, frequency):
    turns = [frequency * frames.hop * i % frames.sample_rate for i in range(frames.sample_rate)]
    assert frames.phases(frequency) == len(set(turns))


def test_frames_of_wav2vec2():
    assert [WAV2VEC2.num_frames(n) for n in (0, 399, 400, 719, 720, 16_000)] == [0, 0, 1, 1, 2, 49]
    assert (WAV2VEC2.rate, WAV2VEC2.nyquist) == (50, 8_000)
    # 20 ms from sample 7,840 to 8,160; frame k sees samples 320 k to 320 k + 400.
    np.testing.assert_array_equal(np.flatnonzero(WAV2VEC2.seeing(7_840, 8_160, num_samples=16_000)), [24, 25])
    assert hash(WAV2VEC2) == hash(Frames(np.int64(16_000), 400, 320))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(hop=0), "Frames.hop is 0; expected a positive integer"),
        (dict(sample_rate=16e3), "Frames.sample_rate is 16000.0"),
        (dict(receptive_field=True), "Frames.receptive_field is True"),
        (dict(padding=-1), "Frames.padding is -1; expected 0 or a positive integer"),
    ],
)
def test_bad_frames_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Frames(**{"sample_rate": 16_000, "receptive_field": 400, "hop": 320} | changes)


def test_layers_by_name():
    encoder = FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))
    layers = front_end.layers(encoder)
    assert list(layers) == [*(f"conv {i}" for i in range(7)), "frames"]
    assert layers["frames"] == layers["conv 6"] == encoder.frames == WAV2VEC2
    assert layers["conv 0"] == Frames(16_000, 10, 5)
    assert [each.num_frames(16_000) for each in layers.values()] == [3199, 1599, 799, 399, 199, 99, 49, 49]
    assert front_end.layers(LogMelSpectrogram()) == {"frames": WAV2VEC2}


def test_anything_with_frames_and_a_call_is_a_front_end():
    class Energy:
        frames = Frames(16_000, 100, 100)

        def __call__(self, waveforms):
            return np.square(waveforms).reshape(len(waveforms), -1, 100, 1).mean(axis=2)

    energy = Energy()
    for each in (energy, LogMelSpectrogram(), FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))):
        assert isinstance(each, FrontEnd)
    assert not isinstance(np.square, FrontEnd)
    assert not front_end.is_compiled(energy)
    assert front_end.filters(energy) is None
    outputs = front_end.outputs(energy, np.ones((2, 300), np.float32))
    np.testing.assert_array_equal(outputs["frames"], np.ones((2, 3, 1)))


def test_outputs_are_those_that_layers_name():
    class Odd:
        frames = Frames(16_000, 1, 1)

        def __init__(self, layers, outputs):
            self.layers = layers
            self.outputs = lambda waveform: outputs

        def __call__(self, waveform):
            return waveform[..., None]

    two = {"first": Frames(16_000, 1, 1), "frames": Frames(16_000, 1, 1)}
    with pytest.raises(ValueError, match=r"returned the layers \['frames'\]; expected \['first', 'frames'\]"):
        front_end.outputs(Odd(two, {"frames": 0}), jnp.zeros(3))
    with pytest.raises(ValueError, match="its last layer is 'first'; expected 'frames'"):
        front_end.layers(Odd({"first": Frames(16_000, 1, 1)}, {}))


def test_the_last_layer_has_the_frames_of_the_front_end():
    class Two:
        frames = WAV2VEC2
        layers = {"frames": Frames(16_000, 800, 640)}  # noqa: RUF012

    with pytest.raises(ValueError, match=r"its layer 'frames' has Frames\(.*640.*expected its `frames`, Frames\(.*320"):
        front_end.layers(Two())

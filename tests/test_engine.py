"""The sweep: the same numbers as one call per stimulus, in grid order, from one compilation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from w2v_jax import stimuli
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.engine import sweep

CONFIG = EncoderConfig(channels=(6, 4), kernel_sizes=(4, 3), strides=(3, 2))
GRID = dict(low=np.linspace(100, 400, 11), high=np.linspace(1_000, 3_000, 11)[::-1])


def two_tones(low, high):
    return stimuli.sine_mixture([low, high], [0.6, 0.4], duration=0.02)


# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
encoded = jax.jit(lambda encoder, waveforms: encoder(waveforms))
outputs_of = jax.jit(lambda encoder, waveforms: encoder.outputs(waveforms))
tones = jax.jit(jax.vmap(two_tones))


@pytest.fixture(scope="module")
def encoder() -> FeatureEncoder:
    return FeatureEncoder(CONFIG, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("pooling", ["mean", "none"])
@pytest.mark.parametrize("batch_size", [1, 4, 11, 64, None])
def test_rows_are_single_calls_in_grid_order(encoder, pooling, batch_size):
    features = sweep(encoder, two_tones, GRID, pooling=pooling, batch_size=batch_size)
    frames = np.stack([encoded(encoder, waveform) for waveform in tones(*GRID.values())])
    assert isinstance(features, np.ndarray)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, frames.mean(axis=1) if pooling == "mean" else frames, atol=3e-5)


def test_one_compilation_for_a_grid_and_for_encoders_of_one_config():
    traces = []

    def counted(low, high):
        traces.append(1)
        return two_tones(low, high)

    for seed in range(3):
        sweep(FeatureEncoder(CONFIG, rngs=nnx.Rngs(seed)), counted, GRID, batch_size=4)
    # The shape of the output is looked at once, and the program is traced once, whatever the number of encoders.
    assert len(traces) == 1 + 1


def test_progress_counts_rows_not_padding(encoder):
    finished = []
    sweep(encoder, two_tones, GRID, batch_size=4, progress=finished.append)
    assert finished == [4, 4, 3]


def test_any_module_with_frames_can_be_swept():
    class Energy(nnx.Module):
        def __call__(self, waveform):
            return jnp.sum(waveform**2, axis=-1)[..., None, None]

    assert sweep(Energy(), two_tones, GRID).shape == (11, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(parameters={}), "empty"),
        (dict(parameters=dict(low=[1.0], high=[1.0, 2.0])), "differ in length"),
        (dict(parameters=dict(low=[], high=[])), "no rows"),
        (dict(parameters=dict(low=1.0, high=[1.0])), "'low' is a scalar"),
        (dict(parameters=dict(low=[np.nan], high=[1.0])), "'low' has values that are not finite"),
        (dict(pooling="max"), "pooling is 'max'"),
        (dict(batch_size=0), "batch_size is 0"),
        (dict(synthesize=lambda low, high: low), "synthesize, <lambda>, returns"),
    ],
)
def test_bad_arguments_are_named(encoder, change, message):
    arguments = dict(synthesize=two_tones, parameters=GRID) | change
    with pytest.raises(ValueError, match=message):
        sweep(encoder, **arguments)


def test_several_sounds_a_row(encoder):
    def both(low, high):
        return jnp.stack([two_tones(low, high), two_tones(high, low)])

    features = sweep(encoder, both, GRID, pooling="none", batch_size=4)
    assert features.shape[:2] == (11, 2)
    np.testing.assert_allclose(features[:, 0], sweep(encoder, two_tones, GRID, pooling="none"), atol=3e-5)
    np.testing.assert_allclose(sweep(encoder, both, GRID), features.mean(axis=2), atol=3e-5)


def test_a_row_of_parameters_per_point(encoder):
    def mixture(frequencies):
        return stimuli.sine_mixture(frequencies, [0.6, 0.4], duration=0.02)

    rows = np.stack(list(GRID.values()), axis=1)
    np.testing.assert_allclose(
        sweep(encoder, mixture, {"frequencies": rows}), sweep(encoder, two_tones, GRID), atol=3e-5
    )


def largest_of_every_layer(outputs):
    return jnp.stack([frames.max(axis=(-2, -1)) for frames in outputs.values()], axis=-1)


def test_pooling_of_every_layer(encoder):
    largest = sweep(encoder, two_tones, GRID, pooling=largest_of_every_layer, batch_size=4)
    expected = [np.max(frames, axis=(1, 2)) for frames in outputs_of(encoder, tones(*GRID.values())).values()]
    np.testing.assert_allclose(largest, np.stack(expected, axis=1), atol=3e-5)


class OnTheHost:
    """What a NumPy callable of a user's is: the same encoder, called with arrays of NumPy."""

    def __init__(self, encoder):
        self.encoder, self.frames, self.layers, self.calls = encoder, encoder.frames, encoder.layers, []

    def __call__(self, waveforms):
        assert isinstance(waveforms, np.ndarray)
        self.calls.append(waveforms.shape)
        return np.asarray(encoded(self.encoder, waveforms), np.float64)

    def outputs(self, waveforms):
        return {name: np.asarray(frames) for name, frames in outputs_of(self.encoder, waveforms).items()}


@pytest.mark.parametrize("pooling", ["mean", "none", largest_of_every_layer])
def test_a_callable_on_the_host_is_swept_as_a_module_is(encoder, pooling):
    host = OnTheHost(encoder)
    finished = []
    features = sweep(host, two_tones, GRID, pooling=pooling, batch_size=4, progress=finished.append)
    np.testing.assert_allclose(features, sweep(encoder, two_tones, GRID, pooling=pooling), atol=3e-5)
    assert finished == [4, 4, 3]
    assert set(host.calls) <= {(4, 320)}  # whole blocks, so that a part gives the bits of the whole


@pytest.mark.parametrize(
    ("front_end", "error", "message"),
    [
        ("formant-base", TypeError, r"front_end is the name 'formant-base'; expected .*load_encoder\('formant-base'\)"),
        (CONFIG, TypeError, "front_end is a EncoderConfig; expected a front end"),
        (
            lambda waveforms: waveforms,
            ValueError,
            r"<lambda> returned shape \(11, 320\) for \(11, 320\); expected \(11, ",
        ),
        (lambda waveforms: None, ValueError, "<lambda> returned a NoneType; expected a NumPy array"),
        (lambda waveforms: np.ones((11, 2, 3), int), ValueError, "returned int64; expected floating-point frames"),
    ],
)
def test_what_is_no_front_end_is_named(front_end, error, message):
    with pytest.raises(error, match=message):
        sweep(front_end, two_tones, GRID, batch_size=11)


def in_numpy(low, high):
    return np.sin(np.arange(320) * np.float32(low)) + np.sin(np.arange(320) * np.asarray(high))


def with_if(low, high):
    return two_tones(low, high) if low < high else two_tones(high, low)


@pytest.mark.parametrize("synthesize", [in_numpy, with_if])
def test_a_stimulus_that_jax_cannot_trace_is_told_how_it_must_be_written(encoder, synthesize):
    with pytest.raises(TypeError, match=rf"synthesize, {synthesize.__name__}, asks for .* jax.numpy .* jnp.where"):
        sweep(encoder, synthesize, GRID)


def test_a_tone_above_the_nyquist_frequency_stops_the_sweep(encoder):
    grid = GRID | {"high": np.linspace(7_000, 9_000, 11)}
    with pytest.raises(
        FloatingPointError, match=r"row 6 cannot be made: frequencies is .*8200.0\] Hz; expected 0 to the"
    ):
        sweep(encoder, two_tones, grid, batch_size=4)


def test_features_that_are_not_finite_stop_the_sweep(encoder):
    def broken(low, high):
        return two_tones(low, high) * jnp.where(low > 200, jnp.inf, 1.0)

    with pytest.raises(FloatingPointError, match=r"row 4 .*'low': 220\.0"):
        sweep(encoder, broken, GRID, batch_size=4)


def test_a_sweep_does_not_switch_on_x64(encoder):
    sweep(encoder, two_tones, GRID)
    assert jax.dtypes.canonicalize_dtype(np.float64) == np.float32

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


@pytest.fixture
def encoder() -> FeatureEncoder:
    return FeatureEncoder(CONFIG, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("pooling", ["mean", "none"])
@pytest.mark.parametrize("batch_size", [1, 4, 11, 64, None])
def test_rows_are_single_calls_in_grid_order(encoder, pooling, batch_size):
    found = sweep(encoder, two_tones, GRID, pooling=pooling, batch_size=batch_size)
    frames = np.stack([encoder(two_tones(low, high)) for low, high in zip(*GRID.values(), strict=True)])
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, frames.mean(axis=1) if pooling == "mean" else frames, atol=3e-5)


def test_one_compilation_for_a_grid_and_for_encoders_of_one_config():
    traces = []

    def counted(low, high):
        traces.append(1)
        return two_tones(low, high)

    for seed in range(3):
        sweep(FeatureEncoder(CONFIG, rngs=nnx.Rngs(seed)), counted, GRID, batch_size=4)
    # Each call looks at the output's shape once; the program itself is traced once in all.
    assert len(traces) == 3 + 1


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
        (dict(synthesize=lambda low, high: low), "synthesize returns"),
    ],
)
def test_bad_arguments_are_named(encoder, change, message):
    arguments = dict(synthesize=two_tones, parameters=GRID) | change
    with pytest.raises(ValueError, match=message):
        sweep(encoder, **arguments)


def test_features_that_are_not_finite_stop_the_sweep(encoder):
    def broken(low, high):
        return two_tones(low, high) * jnp.where(low > 200, jnp.inf, 1.0)

    with pytest.raises(FloatingPointError, match=r"row 4 .*'low': 220\.0"):
        sweep(encoder, broken, GRID, batch_size=4)


def test_a_sweep_does_not_switch_on_x64(encoder):
    sweep(encoder, two_tones, GRID)
    assert jax.dtypes.canonicalize_dtype(np.float64) == np.float32

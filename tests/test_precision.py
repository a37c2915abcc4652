"""Every way to convolve is the convolution, and every precision has the error that it names.

Compiled as it is in use; what test_encoder asks for does not depend on that.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from flax import nnx

from w2v_jax import convolution, sweep
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

TINY = EncoderConfig(channels=(6, 5, 4), kernel_sizes=(4, 3, 2), strides=(3, 2, 1))
features = reference.jit_as_in_use(lambda encoder, waveform: encoder(waveform))


def tiny_encoder(**changes) -> FeatureEncoder:
    return FeatureEncoder(EncoderConfig(**{**vars(TINY), **changes}), rngs=nnx.Rngs(0))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def in_float64(x: np.ndarray, kernel: np.ndarray, *, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), len(kernel), axis=1)[:, ::stride]
    return np.einsum("btck,kcd->btd", windows, kernel.astype(np.float64), optimize=True)


@pytest.mark.parametrize("frames_in", [5, 900, 4_001])
@pytest.mark.parametrize("channels", [1, 40, 64, 150])
def test_convolution_in_tiles_and_groups_is_the_convolution(frames_in, channels):
    x, kernel = noise(3, frames_in, channels), noise(3, channels, 8)
    ours = jax.jit(lambda x, kernel: convolution.convolve(x, kernel, 2, "exact"))(x, kernel)
    np.testing.assert_allclose(ours, in_float64(x, kernel, stride=2), atol=1e-4 if channels > 1 else 1e-5)


@pytest.mark.parametrize("kernel_size", [2, 3])
@pytest.mark.parametrize("frames_in", [3, 4, 5, 6, 7, 200])
def test_convolution_in_pairs_is_the_convolution(frames_in, kernel_size):
    x, kernel = noise(3, frames_in, 40), noise(kernel_size, 40, 8)
    ours = jax.jit(convolution._convolve_in_pairs)(x, kernel)
    np.testing.assert_allclose(ours, in_float64(x, kernel, stride=2), atol=3e-5)


def test_multiplying_and_adding_is_the_convolution():
    x, kernel = noise(2, 53, 1), noise(10, 1, 8)
    ours = jax.jit(lambda x, kernel: convolution._multiply_and_add(x, kernel, stride=5))(x, kernel)
    np.testing.assert_allclose(ours, in_float64(x, kernel, stride=5), atol=3e-6)


@pytest.mark.parametrize(
    ("precision", "least", "most"),
    [
        ("exact", 0, 1e-6),
        ("float32", 0, 1e-6),
        ("tensorfloat32", 2e-4, 7e-4),
        ("float16", 2e-4, 9e-4),
        ("bfloat16", 2e-3, 7e-3),
    ],
)
def test_each_precision_has_the_error_that_it_names(precision, least, most):
    """On a CPU too, where factors are rounded in software, for quiet, usual and loud sounds on a bias."""
    config = dataclasses.replace(TINY, channels=(32, 32, 32))
    tensors = reference.weights(config, seed=7)
    for scale, bias in ((1e-3, 0), (1, 1), (30, 300)):
        waveform = scale * noise(400) + np.float32(bias)
        exact = reference.plain_layers(config, tensors, waveform)[-1]
        ours = features(reference.encoder_from_tensors(config, tensors, precision=precision), waveform)
        assert least <= reference.relative_error(ours, exact) <= most


def test_an_overflow_of_float16_is_seen():
    encoder = tiny_encoder(activation="relu")
    encoder.conv_layers[1].kernel[...] = -1e6 * jnp.abs(encoder.conv_layers[1].kernel[...])
    assert not np.isnan(features(encoder, noise(100))).any()
    encoder = nnx.clone(encoder)
    cheap = FeatureEncoder(encoder.config, precision="float16", rngs=nnx.Rngs(0))
    nnx.update(cheap, nnx.state(encoder))
    assert np.isnan(features(cheap, noise(100))).all()
    with pytest.raises(FloatingPointError, match=r"row 0 are not finite; .* the precision bfloat16 does"):
        sweep(cheap, lambda level: level * noise(100), {"level": np.ones(2)})


@pytest.mark.parametrize(("precision", "most"), [("float16", 0.01), ("bfloat16", 0.08)])
def test_half_precisions_have_the_gradients_of_float32(precision, most):
    def gradient(precision):
        encoder = FeatureEncoder(TINY, precision=precision, rngs=nnx.Rngs(0))
        return jax.jit(jax.grad(lambda x: jnp.sum(jnp.square(encoder(x)) * jnp.arange(4.0))))(noise(100))

    assert reference.relative_error(gradient(precision), gradient("float32")) < most


def test_precision_is_a_static_attribute_of_the_encoder():
    encoder = FeatureEncoder(TINY, precision="bfloat16", rngs=nnx.Rngs(0))
    cheap = features(encoder, noise(100))
    assert encoder.precision == "bfloat16"
    assert nnx.graphdef(encoder) != nnx.graphdef(tiny_encoder())
    encoder.set_attributes(precision="float32")
    full = features(encoder, noise(100))
    np.testing.assert_array_equal(full, features(tiny_encoder(), noise(100)))
    assert (full != cheap).any()
    with pytest.raises(ValueError, match="precision is 'float8'; expected one of float32, exact, "):
        FeatureEncoder(TINY, precision="float8", rngs=nnx.Rngs(0))

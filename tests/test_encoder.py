"""Geometry, shapes, transformations and errors of the encoder; its numbers are in test_golden and test_parity."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from flax import linen, nnx
from flax.nnx import bridge
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import Frames

TINY = EncoderConfig(channels=(6, 5, 4), kernel_sizes=(4, 3, 2), strides=(3, 2, 1))


def tiny_encoder(**changes) -> FeatureEncoder:
    return FeatureEncoder(EncoderConfig(**{**vars(TINY), **changes}), rngs=nnx.Rngs(0))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


# Compiled as a whole: outside `jax.jit` every operation of every shape is a program of its own.
features = jax.jit(lambda encoder, waveform: encoder(waveform))


def test_frames_of_the_presets_architecture():
    assert EncoderConfig().frames == Frames(sample_rate=16_000, receptive_field=400, hop=320)
    assert EncoderConfig(sample_rate=24_000).frames.rate == 75


def test_config_is_hashable_and_equal_by_value():
    assert hash(EncoderConfig(channels=[8], kernel_sizes=[3], strides=[2])) == hash(
        EncoderConfig(channels=(8,), kernel_sizes=(3,), strides=(2,))
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(channels=()), "channels"),
        (dict(channels=(8, 0)), "channels"),
        (dict(strides=(2,)), "lengths differ"),
        (dict(conv_norm="batch"), "conv_norm is 'batch'; expected 'group', 'layer' or 'global'"),
        (dict(activation="GELU"), "activation is 'GELU'; expected 'gelu', 'gelu_tanh', 'relu' or 'silu'"),
        (dict(activation=None), "activation is None"),
        (dict(final_norm=None), "final_norm is None; expected True or False"),
        (dict(log_compression="log"), "log_compression is 'log'; expected True or False"),
        (dict(skip_connections=1), "skip_connections is 1; expected True or False"),
        (dict(residual_scale=0), "residual_scale is 0; expected a positive number"),
        (dict(residual_scale=float("nan")), "residual_scale is nan; expected a positive number"),
        (dict(residual_scale=True), "residual_scale is True"),
        (dict(conv_bias=1), "conv_bias"),
        (dict(layer_norm_eps=0.0), "layer_norm_eps"),
        (dict(sample_rate=16e3), "sample_rate is 16000.0"),
        (dict(sample_rate=10**30), "expected a positive integer in Hz"),
        (dict(strides=(10**5,) * 7), r"EncoderConfig.strides is .*; expected at most 2,147,483,647 in all"),
        (dict(channels=(8,) * 6 + (10**20,)), r"EncoderConfig.channels is .*; expected at most 2,147,483,647"),
    ],
)
def test_bad_config_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        EncoderConfig(**changes)


def test_presets():
    assert EncoderConfig.preset("wav2vec2") == EncoderConfig()
    for name in EncoderConfig.presets():
        assert EncoderConfig.preset(name).frames.hop in (160, 320)
    assert EncoderConfig.preset("wav2vec").frames == Frames(sample_rate=16_000, receptive_field=465, hop=160)
    with pytest.raises(ValueError, match="no preset 'wav2vec3'; expected one of wav2vec2, xls-r, "):
        EncoderConfig.preset("wav2vec3")


# Strides 2 and 3 over kernels of 3 and 1: where a layer's frames do not divide its input's.
SKIPPING = dict(channels=(6, 6, 6, 4), kernel_sizes=(4, 3, 1, 2), strides=(3, 2, 1, 1), skip_connections=True)


@pytest.mark.parametrize(
    ("activation", "conv_norm", "ending"),
    [
        ("relu", "global", dict(final_norm=False, log_compression=True)),
        ("gelu", "global", dict(log_compression=True)),
        ("gelu_tanh", "layer", dict(final_norm=False)),
        ("silu", "group", {}),
    ],
)
def test_every_architecture_is_what_it_is_step_by_step(activation, conv_norm, ending):
    config = EncoderConfig(**SKIPPING, conv_norm=conv_norm, activation=activation, **ending)
    tensors = reference.weights(config, seed=5)
    encoder = reference.encoder_from_tensors(config, tensors)
    waveform = noise(2, 103)
    layers = jax.jit(lambda encoder, x: encoder.outputs(x))(encoder, waveform)
    *hidden, last = reference.plain_layers(config, tensors, waveform[1])
    expected = {f"conv {i}": each for i, each in enumerate(hidden)} | {"frames": last}
    assert list(layers) == list(encoder.layers)
    assert ("conv 3" in layers) == (conv_norm != "layer")
    for name, each in layers.items():
        np.testing.assert_allclose(each[1], expected[name], atol=2e-5, err_msg=name)


@pytest.mark.parametrize("samples", [5, 6, 8, 21])
def test_skip_connections_of_few_frames(samples):
    # Two frames of five, two of six: every second or third one is added, and what is over is left.
    config = EncoderConfig(
        channels=(4, 4),
        kernel_sizes=(1, 4),
        strides=(1, 1),
        conv_norm="layer",
        skip_connections=True,
        residual_scale=0.3,
    )
    tensors = reference.weights(config, seed=6)
    waveform = noise(samples)
    ours = features(reference.encoder_from_tensors(config, tensors), waveform)
    np.testing.assert_allclose(ours, reference.plain_layers(config, tensors, waveform)[-1], atol=2e-5)


def test_skip_connections_skip_only_what_has_as_many_channels():
    plain, skipping = tiny_encoder(), tiny_encoder(skip_connections=True)
    np.testing.assert_array_equal(features(plain, noise(100)), features(skipping, noise(100)))


@pytest.mark.parametrize(
    ("ending", "last"),
    [
        (dict(final_norm=False), ["conv 2", "frames"]),
        (dict(final_norm=False, log_compression=True), ["conv 3", "frames"]),
        (dict(log_compression=True), ["conv 3", "frames"]),
        ({}, ["conv 3", "frames"]),
    ],
)
def test_the_last_layer_is_called_frames_and_is_no_other(ending, last):
    encoder = FeatureEncoder(EncoderConfig(**SKIPPING, **ending), rngs=nnx.Rngs(0))
    outputs = jax.jit(lambda encoder, x: encoder.outputs(x))(encoder, noise(60))
    assert list(outputs)[-2:] == list(encoder.layers)[-2:] == last
    assert encoder.layers["frames"] == encoder.frames
    assert (outputs[last[0]].shape != outputs["frames"].shape) or (outputs[last[0]] != outputs["frames"]).any()


WAV2VEC = EncoderConfig(**SKIPPING, conv_norm="global", activation="relu", final_norm=False, log_compression=True)


def test_wav2vec_1_under_the_usual_transformations():
    encoder, waveforms = FeatureEncoder(WAV2VEC, rngs=nnx.Rngs(0)), noise(3, 100)
    plain = features(encoder, waveforms)
    # The norm over time and channels is over one waveform's alone.
    np.testing.assert_allclose(plain[1], features(encoder, waveforms[1]), atol=3e-5)
    np.testing.assert_allclose(jax.jit(jax.vmap(encoder))(waveforms), plain, atol=3e-5)

    def loss(encoder, x):
        return jnp.sum(jnp.square(encoder(x)) * jnp.arange(4.0))

    gradients = nnx.jit(nnx.grad(loss))(encoder, waveforms)
    assert all(np.isfinite(leaf).all() and np.any(leaf) for leaf in jax.tree.leaves(gradients))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_a_cast_encoder_keeps_its_dtype(dtype):
    cast = jax.tree.map(lambda leaf: leaf.astype(dtype), FeatureEncoder(WAV2VEC, rngs=nnx.Rngs(0)))
    assert jax.eval_shape(cast, jax.ShapeDtypeStruct((100,), dtype)).dtype == dtype


layers = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(layers=layers, extra=st.integers(0, 30), wav2vec_1=st.booleans())
def test_num_frames_is_what_the_encoder_returns(layers, extra, wav2vec_1):
    kernel_sizes, strides = zip(*layers, strict=True)
    config = EncoderConfig(
        channels=(3,) * len(layers),
        kernel_sizes=kernel_sizes,
        strides=strides,
        conv_norm="global" if wav2vec_1 else "group",
        skip_connections=wav2vec_1,
        log_compression=wav2vec_1,
        final_norm=not wav2vec_1,
    )
    samples = config.frames.receptive_field + extra
    waveform = jax.ShapeDtypeStruct((samples,), jnp.float32)
    shape = jax.eval_shape(lambda x: FeatureEncoder(config, rngs=nnx.Rngs(0))(x), waveform).shape
    assert shape == (config.frames.num_frames(samples), 3)


@pytest.mark.parametrize("conv_norm", ["group", "layer", "global"])
def test_a_frame_sees_its_receptive_field_and_no_more(conv_norm):
    # Two of the norms look at all times; only the third one leaves frames local.
    encoder = tiny_encoder(conv_norm=conv_norm)
    frames, frame = encoder.frames, 2
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(encoder(x)[frame] * jnp.arange(4.0))))(noise(60))
    seen = np.flatnonzero(gradient)
    if conv_norm == "layer":
        assert seen.min() == frame * frames.hop
        assert seen.max() == frame * frames.hop + frames.receptive_field - 1
    else:
        assert len(seen) > frames.receptive_field


@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_leading_shapes(conv_norm):
    encoder = tiny_encoder(conv_norm=conv_norm, conv_bias=True)
    waveforms = noise(2, 3, 100)
    batched = features(encoder, waveforms)
    assert batched.shape == (2, 3, encoder.frames.num_frames(100), 4)
    np.testing.assert_allclose(batched[1, 2], features(encoder, waveforms[1, 2]), atol=3e-5)
    assert features(encoder, waveforms[:0]).shape == (0, 3, *batched.shape[2:])


def test_activations_are_one_array_per_layer_and_lead_to_the_features():
    encoder = tiny_encoder()
    every_way = jax.jit(lambda encoder, x: (encoder.activations(x), encoder.outputs(x), encoder(x)))
    hidden, outputs, encoded = every_way(encoder, noise(2, 100))
    assert [h.shape for h in hidden] == [(2, 33, 6), (2, 16, 5), (2, 15, 4)]
    assert list(outputs) == list(encoder.layers) == ["conv 0", "conv 1", "conv 2", "frames"]
    for (name, frames), output, expected in zip(
        encoder.layers.items(), outputs.values(), [*hidden, encoded], strict=True
    ):
        np.testing.assert_array_equal(output, expected, err_msg=name)
        assert frames.num_frames(100) == output.shape[1]
    np.testing.assert_array_equal(encoder.filters[2], encoder.conv_layers[0].kernel[...][:, 0, 2])


def test_jit_vmap_and_grad_agree_with_plain_calls():
    encoder, waveforms = tiny_encoder(), noise(3, 100)
    plain = encoder(waveforms)
    np.testing.assert_allclose(features(encoder, waveforms), plain, atol=3e-5)
    np.testing.assert_allclose(jax.jit(jax.vmap(encoder))(waveforms), plain, atol=3e-5)

    def loss(encoder, x):
        return jnp.sum(jnp.square(encoder(x)) * jnp.arange(4.0))

    gradients = nnx.jit(nnx.grad(loss))(encoder, waveforms)
    assert all(np.isfinite(leaf).all() and np.any(leaf) for leaf in jax.tree.leaves(gradients))


def test_gradient_matches_finite_differences():
    encoder, waveform, direction = tiny_encoder(conv_norm="layer"), noise(100), noise(2, 100)[1]
    config = dataclasses.replace(encoder.config, layer_norm_eps=1.0)  # smooth enough for a step float32 can resolve
    encoder = FeatureEncoder(config, rngs=nnx.Rngs(0))

    @jax.jit
    def loss(x):
        return jnp.sum(encoder(x) * jnp.arange(4.0))

    slope = jax.jvp(loss, (waveform,), (direction,))[1]
    step = 2e-3
    difference = (loss(waveform + step * direction) - loss(waveform - step * direction)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=2e-2)
    np.testing.assert_allclose(jnp.vdot(jax.jit(jax.grad(loss))(waveform), direction), slope, rtol=1e-4)


def test_encoders_of_one_config_share_one_compilation():
    traces = []

    @jax.jit
    def counted(encoder, x):
        traces.append(1)
        return encoder(x)

    for seed in range(3):
        counted(FeatureEncoder(TINY, rngs=nnx.Rngs(seed)), noise(100))
    assert len(traces) == 1


def test_works_inside_a_linen_model():
    class Classifier(linen.Module):
        @linen.compact
        def __call__(self, waveform):
            frames = bridge.to_linen(FeatureEncoder, TINY, name="encoder")(waveform)
            return linen.Dense(2)(frames.mean(axis=-2))

    model = Classifier()
    variables = model.init(jax.random.key(0), noise(3, 100))
    assert model.apply(variables, noise(3, 100)).shape == (3, 2)
    assert variables["params"]["encoder"]["conv_layers"][0]["kernel"].shape == (4, 1, 6)


@pytest.mark.parametrize(
    ("waveform", "error", "message"),
    [
        (noise(TINY.frames.receptive_field - 1), ValueError, "receptive field"),
        (jnp.float32(0.5), ValueError, "scalar"),
        (noise(100).astype(np.float64), TypeError, r"float64.*astype\('float32'\)"),
        (jnp.zeros(100, jnp.bfloat16), TypeError, "bfloat16"),
        (np.zeros(100, np.int16), TypeError, "scaled to the range"),
        ([0.0] * 100, TypeError, "list"),
    ],
)
def test_bad_waveforms_are_named(waveform, error, message):
    with pytest.raises(error, match=message):
        tiny_encoder()(waveform)

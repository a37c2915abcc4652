"""Padded batches and long waveforms: every waveform has the features that it has alone, and memory stays flat."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from w2v_jax import encoder as encoders
from w2v_jax import front_end
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.spectrograms import LogMelSpectrogram, SpectrogramConfig

LENGTHS = np.array([400, 5, 61, 0])
# The second layer skips; of few frames it takes every third one, where its stride is 2.
LAYERS = dict(channels=(12, 12, 8), kernel_sizes=(10, 4, 2), strides=(5, 2, 1), skip_connections=True)
CONFIGS = {
    "group": EncoderConfig(**LAYERS, conv_norm="group", conv_bias=True),
    "layer": EncoderConfig(**LAYERS, conv_norm="layer"),
    "global": EncoderConfig(**LAYERS, conv_norm="global", final_norm=False, log_compression=True, activation="relu"),
}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def padded(padding: float = np.nan) -> np.ndarray:
    waveforms = noise(len(LENGTHS), LENGTHS.max())
    waveforms[np.arange(LENGTHS.max()) >= LENGTHS[:, None]] = padding
    return waveforms


def in_pieces(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    """Cuts everything into pieces of so many frames."""
    monkeypatch.setattr(encoders, "_PIECES_AT_LEAST", 0)
    monkeypatch.setattr(encoders, "_PIECE_BYTES", 0)
    monkeypatch.setattr(encoders, "_LEAST_FRAMES", frames)


def check_each_as_if_alone(front, *, atol: float = 5e-6) -> None:
    together = jax.jit(lambda front, x, n: front(x, lengths=n))(front, padded(), LENGTHS)
    assert together.shape[1] == front.frames.num_frames(LENGTHS.max())
    for row, length in zip(together, LENGTHS, strict=True):
        frames = front.frames.num_frames(length)
        assert not row[frames:].any()
        if frames:
            np.testing.assert_allclose(row[:frames], jax.jit(front)(alone(length)), atol=atol)


def alone(length: int) -> np.ndarray:
    return padded()[list(LENGTHS).index(length), :length]


@pytest.mark.parametrize(
    ("norm", "precision"), [*((norm, "float32") for norm in CONFIGS), ("group", "exact"), ("group", "float16")]
)
def test_each_waveform_of_a_padded_batch_is_as_if_alone(norm, precision):
    front = FeatureEncoder(CONFIGS[norm], precision=precision, rngs=nnx.Rngs(0))
    # A last digit of float16 can fall either way.
    check_each_as_if_alone(front, atol=5e-6 if precision != "float16" else 5e-3)


@pytest.mark.parametrize("padding", [0, 8])
def test_spectrograms_of_padded_batches(padding):
    frames = front_end.Frames(16_000, receptive_field=40, hop=20, padding=padding)
    check_each_as_if_alone(LogMelSpectrogram(SpectrogramConfig.framed_as(frames)))


def test_layers_of_padded_batches():
    front = FeatureEncoder(CONFIGS["global"], rngs=nnx.Rngs(0))
    outputs = jax.jit(lambda front, x, n: front.outputs(x, lengths=n))(front, padded(), LENGTHS)
    expected = jax.jit(lambda front, x: front.outputs(x))(front, alone(61))
    for name, frames in front.layers.items():
        count = frames.num_frames(61)
        np.testing.assert_allclose(outputs[name][2, :count], expected[name], atol=5e-6)
        assert not outputs[name][2, count:].any()


def test_padded_batches_under_vmap_and_grad():
    front = FeatureEncoder(CONFIGS["group"], rngs=nnx.Rngs(0))

    def loss(front, waveforms, lengths):
        return jnp.sum(jnp.square(front(waveforms, lengths=lengths)) * jnp.arange(8.0))

    mapped = jax.jit(jax.vmap(lambda x, n: front(x, lengths=n)))(padded(0), LENGTHS)
    np.testing.assert_allclose(mapped, jax.jit(lambda x, n: front(x, lengths=n))(padded(), LENGTHS), atol=5e-6)
    gradient = jax.jit(jax.grad(loss, argnums=1))(front, padded(), LENGTHS)
    of_one = jax.jit(jax.grad(loss, argnums=1))(front, alone(61)[None], np.array([61]))
    np.testing.assert_allclose(gradient[2, :61], of_one[0], atol=1e-4 * np.abs(of_one).max())
    assert not gradient[2, 61:].any()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([400.0] * 4, TypeError, "lengths are float64; expected integers"),
        ([400] * 3, ValueError, r"shape \(3,\); expected one per waveform, \(4,\)"),
        ([400, 1, 401, 3], ValueError, "lengths has 401; expected 0 to 400"),
        ([400, 1, -1, 3], ValueError, "lengths has -1"),
    ],
)
def test_bad_lengths_are_named(lengths, error, message):
    with pytest.raises(error, match=message):
        FeatureEncoder(CONFIGS["layer"], rngs=nnx.Rngs(0))(padded(0), lengths=np.array(lengths))


def test_mean_over_time_leaves_the_padding_out():
    valid = front_end.Frames(16_000, 10, 5).valid(np.array([15, 20, 3]), 4)
    means = jax.jit(front_end.mean_over_time)(np.arange(12, dtype=np.float32).reshape(3, 4, 1), valid)
    np.testing.assert_array_equal(means, [[0.5], [5.0], [np.nan]])


@pytest.mark.parametrize(("norm", "frames"), [("group", 7), ("layer", 7), ("global", 7), ("global", 16)])
def test_pieces_are_the_whole(norm, frames, monkeypatch):
    front = FeatureEncoder(CONFIGS[norm], rngs=nnx.Rngs(0))
    waveforms = noise(2, 400) + np.float32(3)
    whole = jax.jit(lambda x: front(x))(waveforms)
    in_pieces(monkeypatch, frames)
    joined = jax.jit(lambda x: front(x))(waveforms)
    if norm != "layer":
        assert (joined != whole).any()  # Cut indeed: sums over time are other sums.
    np.testing.assert_allclose(joined, whole, atol=5e-6)


@pytest.mark.parametrize("norm", ["group", "global"])
def test_padded_batches_in_pieces(norm, monkeypatch):
    in_pieces(monkeypatch, 9)
    check_each_as_if_alone(FeatureEncoder(CONFIGS[norm], rngs=nnx.Rngs(0)))


def test_gradients_in_pieces(monkeypatch):
    front = FeatureEncoder(CONFIGS["global"], rngs=nnx.Rngs(0))
    waveforms = noise(1, 400)

    def gradient() -> list[jax.Array]:
        loss = lambda front: jnp.sum(jnp.square(front(waveforms)) * jnp.arange(8.0))  # noqa: E731
        return jax.tree.leaves(nnx.jit(nnx.grad(loss))(front))

    whole = gradient()
    in_pieces(monkeypatch, 10)
    cut = gradient()
    assert any((ours != expected).any() for ours, expected in zip(cut, whole, strict=True))
    for ours, expected in zip(cut, whole, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max())


def test_memory_stays_flat_with_the_length():
    config = EncoderConfig(channels=(512, 8, 8), kernel_sizes=(10, 8, 8), strides=(5, 8, 8))
    front = FeatureEncoder(config, rngs=nnx.Rngs(0))

    def megabytes(seconds: int) -> float:
        sound = jax.ShapeDtypeStruct((seconds * 16_000,), np.float32)
        return jax.jit(front).lower(sound).compile().memory_analysis().temp_size_in_bytes / 2**20

    # Whole, five minutes would take 1.9 GB for the first layer alone.
    assert megabytes(300) < megabytes(60) + 4 * (300 - 60) * 16_000 * 3 / 2**20 < 500

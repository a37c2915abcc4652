"""Our own weight file: what it keeps, and that damage is found."""

import json
import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from flax import nnx

from w2v_jax import checkpoint
from w2v_jax.checkpoint import CheckpointError, Provenance, load_encoder, read_metadata, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

features = jax.jit(lambda encoder, waveform: encoder(waveform))
CONFIG = EncoderConfig(channels=(6, 4), kernel_sizes=(4, 3), strides=(3, 2), conv_norm="layer", conv_bias=True)


@pytest.fixture
def encoder() -> FeatureEncoder:
    return FeatureEncoder(CONFIG, rngs=nnx.Rngs(0))


@pytest.fixture
def path(encoder, tmp_path) -> pathlib.Path:
    save_encoder(encoder, tmp_path / "weights" / "tiny.safetensors", provenance=Provenance("a/b", revision="c"))
    return tmp_path / "weights" / "tiny.safetensors"


def rewrite(path: pathlib.Path, *, tensors: dict | None = None, metadata: dict | None = None) -> None:
    with safetensors.safe_open(path, framework="numpy") as file:
        old = file.metadata()
    new = safetensors.numpy.load_file(path) | (tensors or {})
    safetensors.numpy.save_file({k: v for k, v in new.items() if v is not None}, path, metadata=old | (metadata or {}))


def test_round_trip_is_exact(encoder, path):
    loaded = load_encoder(path)
    assert loaded.config == CONFIG
    waveform = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    np.testing.assert_array_equal(features(loaded, waveform), features(encoder, waveform))
    assert read_metadata(path).provenance == Provenance("a/b", revision="c")


LISTS = ("channels", "kernel_sizes", "strides")
EVERY_SETTING = dict(
    channels=(6, 6, 4),
    kernel_sizes=(4, 3, 2),
    strides=(3, 2, 1),
    conv_norm="global",
    activation="relu",
    final_norm=False,
    log_compression=True,
    skip_connections=True,
    residual_scale=0.5,
    sample_rate=8_000,
)


def test_a_file_keeps_every_setting(tmp_path):
    encoder = FeatureEncoder(EncoderConfig(**EVERY_SETTING), rngs=nnx.Rngs(0))
    save_encoder(encoder, tmp_path / "wav2vec.safetensors")
    loaded = load_encoder(tmp_path / "wav2vec.safetensors")
    assert loaded.config == encoder.config
    waveform = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    np.testing.assert_array_equal(features(loaded, waveform), features(encoder, waveform))
    names = {f"conv_layers.{i}.{part}" for i in range(3) for part in ("kernel", "norm.scale", "norm.bias")}
    assert checkpoint.tensor_shapes(encoder.config).keys() == names  # without a final norm


def test_later_settings_are_written_only_where_they_differ_from_their_defaults():
    # As version 0.1.0 wrote it.
    old = '{"channels": [4], "kernel_sizes": [3], "strides": [2], "conv_norm": "layer", "conv_bias": true, '
    old += '"layer_norm_eps": 1e-05}'
    assert checkpoint.config_text(EncoderConfig(**json.loads(old))) == old
    new = json.loads(checkpoint.config_text(EncoderConfig(**EVERY_SETTING)))
    assert EVERY_SETTING.items() <= {**new, **{name: tuple(new[name]) for name in LISTS}}.items()


def test_float16_file_loads_as_float32(encoder, tmp_path):
    save_encoder(encoder, tmp_path / "half.safetensors", dtype=np.float16)
    kernel = load_encoder(tmp_path / "half.safetensors").conv_layers[0].kernel[...]
    assert kernel.dtype == jnp.float32
    np.testing.assert_allclose(kernel, encoder.conv_layers[0].kernel[...], rtol=1e-3)


def test_bare_names_are_found_in_weights(path, monkeypatch):
    monkeypatch.chdir(path.parent.parent)
    assert load_encoder("tiny").config == load_encoder("tiny.safetensors").config == CONFIG


def test_missing_file_says_where_it_looked():
    with pytest.raises(FileNotFoundError, match=r"'nowhere'.*weights.*python -m w2v_jax\.convert"):
        load_encoder("nowhere")


def test_altered_tensors_are_found(path):
    rewrite(path, tensors={"layer_norm.bias": np.full(4, 1e-3, np.float32)})
    with pytest.raises(CheckpointError, match="altered"):
        load_encoder(path)


def test_truncation_anywhere_is_found(path):
    whole = path.read_bytes()
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="tiny"):
            load_encoder(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (dict(format="other"), "convert it first"),
        (dict(format_version="99"), "format version 99"),
        (dict(config="{"), "config or provenance was altered"),
        (dict(config="{", format_version="1"), "damaged metadata"),
        (dict(config="[" * 50_000, format_version="1"), "damaged metadata"),
        (dict(config='{"dilation": 2}', format_version="1"), r"has dilation, unknown to this .*: upgrade it"),
        (dict(config='["channels"]', format_version="1"), "damaged metadata"),
        (dict(config=json.dumps(dict(channels=[4], kernel_sizes=[4], strides=[3]))), "unexpected|digest|missing"),
        (dict(provenance="[]", format_version="1"), "damaged metadata"),
    ],
)
def test_metadata_that_does_not_fit_is_found(path, metadata, message):
    rewrite(path, metadata=metadata)
    with pytest.raises(CheckpointError, match=message):
        load_encoder(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"layer_norm.bias": None}, r"missing layer_norm\.bias"),
        ({"extra": np.zeros(3, np.float32)}, "unexpected extra"),
        ({"layer_norm.bias": np.zeros(5, np.float32)}, r"shape \(5,\); expected \(4,\)"),
        ({"layer_norm.bias": np.zeros(4, np.int32)}, "int32; expected a floating-point"),
        ({"layer_norm.bias": np.full(4, np.nan, np.float32)}, "4 values that are not finite"),
        ({"layer_norm.bias": np.full(4, 1e300)}, "4 values that are not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_named(encoder, tensors, message):
    altered = {**checkpoint.encoder_tensors(encoder), **tensors}
    with pytest.raises(CheckpointError, match=message):
        checkpoint.encoder_from_tensors(CONFIG, {k: v for k, v in altered.items() if v is not None}, origin="file")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(encoder, path, monkeypatch):
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_encoder(encoder, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_non_finite_parameters_are_not_saved(encoder, tmp_path):
    encoder.layer_norm.bias[...] = jnp.full(4, jnp.inf)
    with pytest.raises(CheckpointError, match="not finite"):
        save_encoder(encoder, tmp_path / "bad.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "config",
    [
        dict(channels=[4] * 20_000, kernel_sizes=[4] * 20_000, strides=[3] * 20_000),
        dict(channels=[10**40], kernel_sizes=[4], strides=[3]),
        dict(channels=[4, 6], kernel_sizes=[10**9, 3], strides=[3, 10**300]),
    ],
)
def test_a_config_of_a_size_that_no_file_has_is_refused(path, config):
    """Before an encoder of that size is thought of, which would take minutes."""
    rewrite(path, metadata=dict(config=json.dumps(config), format_version="1"))
    with pytest.raises(CheckpointError) as caught:
        load_encoder(path)
    assert len(str(caught.value)) < 1_500
    assert str(caught.value).isprintable()

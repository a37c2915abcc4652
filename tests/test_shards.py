"""Shards on disk: what is there is used, what is damaged or of another sweep is not, and all of them make one file."""

import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from experiments.store import made_with, shards
from w2v_jax import checkpoint, stimuli
from w2v_jax._src import files, tensor_file
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.engine import block_size, sweep, sweep_spans

SETTINGS = {"encoder": "sha256:0", "precision": "float32"}
FEATURES = np.arange(22 * 3, dtype=np.float32).reshape(22, 3)
PARAMETERS = {"high": np.arange(22, dtype=np.float32), "a": np.ones(22, np.float32)}


@pytest.fixture
def folder(tmp_path):
    return shards.ShardFolder(tmp_path / "x.shards", SETTINGS, shards.shard_spans(22, block_size=2, rows_per_shard=8))


def fill(folder):
    for span in folder.spans:
        folder.write(span, FEATURES[span.start : span.stop])


def test_spans_are_whole_blocks_without_gaps(folder):
    assert folder.spans == (range(0, 8), range(8, 16), range(16, 22))


def test_assembled_file_is_what_safetensors_would_have_written(folder, tmp_path):
    fill(folder)
    assert folder.inventory() == shards.Inventory(tuple(folder.spans), (), (), ())
    folder.assemble(tmp_path / "x.safetensors", PARAMETERS, SETTINGS)
    tensors = load_file(tmp_path / "x.safetensors")
    expected = {"features": FEATURES, **PARAMETERS}
    assert tensors.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(tensors[name], expected[name])
    file = tensor_file.open_file(tmp_path / "x.safetensors")
    assert file.metadata["digest"] == file.digest() == checkpoint.tensors_digest(expected)
    np.testing.assert_array_equal(file.array("features"), FEATURES)
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_tensor_files_of_the_library_are_read(tmp_path):
    tensors = {"a": np.arange(6.0).reshape(2, 3), "none": np.zeros((0, 2), np.int32), "b": np.float16(3)[None]}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"k": "v"})
    file = tensor_file.open_file(tmp_path / "x.safetensors")
    assert file.metadata == {"k": "v"}
    assert file.digest() == checkpoint.tensors_digest(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(file.array(name), tensor)


def test_shards_that_cannot_be_used_are_missing(folder):
    fill(folder)
    first, second, third = sorted(folder.path.iterdir())
    whole = second.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (b"", whole[:20], whole[:-1], whole + b"x", bytes(flipped), first.read_bytes(), b"\xff" * 64):
        second.write_bytes(damaged)
        inventory = folder.inventory()
        assert inventory.finished == (range(0, 8), range(16, 22))
        assert inventory.missing == (range(8, 16),)
        assert "rows 8 to 15 again" in inventory.remarks[0]
        with pytest.raises(tensor_file.TensorFileError):
            folder.assemble(folder.path.with_suffix(".safetensors"), PARAMETERS, SETTINGS)
    second.unlink()
    assert folder.inventory() == shards.Inventory((range(0, 8), range(16, 22)), (range(8, 16),), (), ())
    assert third.exists()


@pytest.mark.parametrize(
    ("settings", "spans", "changed"),
    [
        (SETTINGS | {"precision": "bfloat16"}, None, "precision"),
        ({"encoder": "sha256:0"}, None, "precision"),
        (SETTINGS, shards.shard_spans(22, block_size=3, rows_per_shard=9), "rows per shard"),
    ],
)
def test_shards_of_another_sweep_are_not_used(folder, settings, spans, changed):
    fill(folder)
    inventory = shards.ShardFolder(folder.path, settings, spans or folder.spans).inventory()
    assert inventory.finished == inventory.remarks == ()
    assert inventory.changed == (changed,)


def test_a_writer_that_fails_leaves_nothing(folder, tmp_path):
    def pieces():
        yield FEATURES[:4]
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        tensor_file.write_file(
            tmp_path / "y.safetensors", {"features": tensor_file.Stream((22, 3), pieces())}, metadata={}
        )
    with pytest.raises(ValueError, match="pieces of 48 bytes"):
        tensor_file.write_file(
            tmp_path / "y.safetensors", {"features": tensor_file.Stream((22, 3), [FEATURES[:4]])}, metadata={}
        )
    assert not list(tmp_path.iterdir())


def test_a_file_is_as_it_was_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_half():
        with files.atomic_path(path) as temporary:
            temporary.write_text("half of the new")
            assert path.read_text() == "old"
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_say_what_they_were_made_with(folder):
    folder.write(folder.spans[0], FEATURES[:8])
    (path,) = folder.path.iterdir()
    np.testing.assert_array_equal(made_with.read_back(path, SETTINGS).array("features"), FEATURES[:8])
    with pytest.raises(made_with.OtherSettingsError, match="changed: encoder, hop"):
        made_with.find(path, {"encoder": "sha256:1", "precision": "float32", "hop": "320"})
    tensor_file.write_file(path, {"features": FEATURES}, metadata={})
    with pytest.raises(tensor_file.TensorFileError, match="does not say its settings"):
        made_with.find(path, SETTINGS)


def two_tones(low, high):
    return stimuli.sine_mixture([low, high], [0.6, 0.4], duration=0.02)


def test_spans_in_any_order_are_the_rows_of_the_whole():
    encoder = FeatureEncoder(EncoderConfig(channels=(6, 4), kernel_sizes=(4, 3), strides=(3, 2)), rngs=nnx.Rngs(0))
    grid = dict(low=np.linspace(100, 400, 22), high=np.linspace(1_000, 3_000, 22))
    whole = sweep(encoder, two_tones, grid, batch_size=4)
    assert block_size(22, batch_size=4) == 4
    spans = [range(20, 22), range(8, 16), range(0, 4)]
    for span, features in zip(spans, sweep_spans(encoder, two_tones, grid, spans, batch_size=4), strict=True):
        np.testing.assert_array_equal(features, whole[span.start : span.stop])
    for span in (range(2, 8), range(0, 6), range(0, 24), range(8, 8)):
        with pytest.raises(ValueError, match="expected whole blocks of 4"):
            sweep_spans(encoder, two_tones, grid, [span], batch_size=4)

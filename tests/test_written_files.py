"""Every file that is written is one that is read: what reading refuses is refused before a byte is written."""

import json
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from checkpoints import SMALL, config_json, save_transformers
from flax import nnx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from experiments.store import made_with
from w2v_jax._src import safetensors_header, tensor_file
from w2v_jax._src.quoting import printable
from w2v_jax.checkpoint import (
    CheckpointError,
    Provenance,
    encoder_tensors,
    load_encoder,
    read_metadata,
    save_encoder,
    verify_weights,
)
from w2v_jax.convert import convert_checkpoint
from w2v_jax.convert.__main__ import main
from w2v_jax.encoder import FeatureEncoder

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=30)  # lone surrogates, too
HERE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def encoder():
    return FeatureEncoder(SMALL, rngs=nnx.Rngs(0))


@HERE
@given(st.builds(Provenance, ANY_TEXT, st.none() | ANY_TEXT, st.none() | ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT))
@example(Provenance("two\nlines"))
@example(Provenance("no-break\u00a0space"))
@example(Provenance("half\ud800"))
@example(Provenance("x" * 5_000))
@example(Provenance(None))
@example(Provenance("a", normalize_input="yes"))
@example(Provenance("a", normalize_input=False))
def test_an_encoder_that_is_saved_is_loaded(tmp_path, encoder, provenance):
    path = tmp_path / "a.safetensors"
    path.unlink(missing_ok=True)
    try:
        save_encoder(encoder, path, provenance=provenance)
    except CheckpointError:
        assert not path.exists()
        return
    assert read_metadata(path).provenance == provenance == verify_weights(path).provenance
    load_encoder(path)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\u00a0b", "caf\udce9", "Zoë", "x" * 200])
def test_a_folder_of_any_name_is_converted(tmp_path, name, capsys):
    save_transformers(tmp_path / name)
    output = tmp_path / "out.safetensors"
    convert_checkpoint(tmp_path / name, output)
    load_encoder(output)
    source = read_metadata(output).provenance.source
    assert source == printable(name)
    assert main([f"--source={tmp_path / name}", f"--output={output}"]) == 0
    (tmp_path / name / "config.json").write_text(config_json(conv_bias=True))
    assert main([f"--source={tmp_path / name}", f"--output={output}"]) == 1
    said = capsys.readouterr()
    assert all(line == printable(line) for line in (said.out + said.err).split("\n"))
    assert said.err.count("\n") == 1


def test_a_weight_file_says_nothing_of_normalisation_where_nothing_was_stated(tmp_path, encoder):
    save_encoder(encoder, tmp_path / "a.safetensors")
    with safetensors.safe_open(tmp_path / "a.safetensors", "numpy") as file:
        assert "normalize" not in file.metadata()["provenance"]
    assert read_metadata(tmp_path / "a.safetensors").normalize_input is None


@HERE
@given(
    st.dictionaries(ANY_TEXT, st.sampled_from([np.zeros(3, np.float32), np.zeros((2, 0)), np.array(1)]), max_size=3),
    st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2),
    st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2),
)
@example({"__metadata__": np.zeros(1)}, {}, {})
@example({"x": np.zeros((1,) * 33)}, {}, {})
@example({"x": np.zeros(1, np.complex64)}, {}, {})
@example({"x": np.zeros(1)}, {"half": "\ud800"}, {})
@example({"x": np.zeros(1)}, {}, {"settings": "0"})
def test_a_result_that_is_written_is_read_back(tmp_path, tensors, settings, further):
    path = tmp_path / "result.safetensors"
    path.unlink(missing_ok=True)
    try:
        made_with.write(path, tensors, settings, further=further)
    except ValueError:
        assert not list(tmp_path.iterdir())
        return
    file = made_with.read_back(path, settings)
    reference = safetensors.numpy.load_file(path)
    assert file.entries.keys() == reference.keys() == tensors.keys()
    for name, values in tensors.items():
        np.testing.assert_array_equal(file.array(name), values)


# The header against the library's own reader


def entry(first, last, **changes):
    return {"dtype": "F32", "shape": [(last - first) // 4], "data_offsets": [first, last]} | changes


TWO = {"a": entry(0, 4), "b": entry(4, 8)}
HEADERS = [
    TWO,
    {"b": entry(4, 8), "a": entry(0, 4)},
    {"a": entry(0, 8), "b": entry(0, 8)},
    {"a": entry(0, 8), "b": entry(4, 8)},
    {"b": entry(4, 8)},
    {"a": entry(0, 4)},
    {"z": entry(0, 0, shape=[0]), "a": entry(0, 8), "y": entry(8, 8, shape=[0, 3])},
    {"z": entry(2, 2, shape=[0]), "a": entry(0, 8)},
    {"a": entry(0, 8, shape=[2**40, 2**40, 0])},
    {"a": entry(0, 8, shape=[2.0])},
    {"a": entry(0, 8, shape=[True, 2])},
    {"a": entry(0, 8, shape=[-2])},
    {"a": entry(0, 8, data_offsets=[0, 8, 8])},
    {"a": entry(0, 8, dtype="f32")},
    {"a": entry(0, 8, dtype="C128")},
    {"a": entry(0, 8, dtype="F4", shape=[16])},
    {"a": entry(0, 8, dtype="F4", shape=[15])},
    {"a": entry(0, 8, dtype="F8_E4M3", shape=[8])},
    {"a": entry(0, 8, more=[1, {"x": None}])},
    {"a": entry(0, 8, more=1e308)},
    {"__metadata__": None, "a": entry(0, 8)},
    {"__metadata__": {"a": 1}, "a": entry(0, 8)},
    {"__metadata__": [], "a": entry(0, 8)},
    {},
    [],
]
PLAIN = json.dumps({"a": entry(0, 8)}).encode()
RAW = [
    PLAIN + b" \n",
    PLAIN + b"\0",
    PLAIN + b"x",
    b"\xef\xbb\xbf" + PLAIN,
    PLAIN.decode().encode("utf-16"),
    PLAIN.replace(b'"a"', b'"a\\ud800"'),
    PLAIN.replace(b'"a"', b'"a\xff"'),
    PLAIN.replace(b'"a"', b'"a\x01"'),
    PLAIN.replace(b"[2]", b"[2, -0]"),
    PLAIN.replace(b"[2]", b"[02]"),
    PLAIN.replace(b"[0, 8]", b"[-0, 8]"),
    PLAIN.replace(b"[2]", b"[2],}"),
    *(PLAIN[:-2] + b', "e": ' + value + b"}}" for value in (b"NaN", b"1e400", b"9" * 400, b'"\\udc00"', b"-1")),
    *(PLAIN[:-2] + b', "e": ' + b"[" * depth + b"]" * depth + b"}}" for depth in (125, 126, 5_000)),
    PLAIN[:-2] + b', "shape": [2]}}',
    PLAIN[:-1] + b', "a": ' + PLAIN[6:-1] + b"}",
]


@pytest.mark.parametrize("header", [*HEADERS, *RAW], ids=range(len(HEADERS) + len(RAW)))
def test_what_the_safetensors_library_refuses_is_refused(tmp_path, header):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(8))
    try:
        with safetensors.safe_open(path, "numpy") as file:
            reference = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError:
        reference = None
    try:
        with path.open("rb") as file:
            entries = safetensors_header.read_header(file, path.stat().st_size).tensors
    except safetensors_header.HeaderError:
        with pytest.raises(tensor_file.TensorFileError):
            tensor_file.open_file(path)
        # Two equal keys are refused only here.
        assert reference is None or raw.count(b'"a"') > 1
        return
    assert {name: list(tensor.shape) for name, tensor in entries.items()} == reference


def test_the_same_numbers_as_the_library(tmp_path, encoder):
    save_encoder(encoder, tmp_path / "a.safetensors")
    reference = safetensors.numpy.load_file(tmp_path / "a.safetensors")
    file = tensor_file.open_file(tmp_path / "a.safetensors")
    for name, values in encoder_tensors(encoder).items():
        np.testing.assert_array_equal(file.array(name), values)
        np.testing.assert_array_equal(reference[name], values)

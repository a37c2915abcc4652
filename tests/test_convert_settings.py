"""What a checkpoint states is found wherever tools put it; where two places differ neither is taken; what nobody states
is told."""

import argparse
import dataclasses
import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from checkpoints import (
    LAYERS,
    SMALL,
    STANDARD,
    config_json,
    expected,
    save_safetensors,
    save_transformers,
    state_dict,
    tensors,
)
from flax import nnx
from torch_format import save_zip

from experiments.front_ends import remarks, resolving
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
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

OTHER_LAYERS = "[(4, 4, 2), (6, 3, 2), (5, 2, 1)]"
SAID = {"conv_feature_layers": LAYERS, "extractor_mode": "default", "conv_bias": False}
LISTED = [[4, 4, 3], [6, 3, 2], [5, 2, 1]]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "encoder.safetensors"


def converted(source, output, **options):
    done = convert_checkpoint(source, output, **options)
    assert read_metadata(output).provenance == done.provenance
    return done


PLACES = {
    "args": {"args": argparse.Namespace(arch="wav2vec2", **SAID)},
    "cfg": {"cfg": {"model": SAID}},
    "cfg nested twice": {"cfg": {"cfg": {"model": SAID}}},
    "s3prl": {"model_cfg": SAID, "task_cfg": {"sample_rate": 16_000}},
    "config": {"config": {"model": SAID}},
    "fine-tuned, the pretrained model's own": {
        "cfg": {"model": {"conv_feature_layers": OTHER_LAYERS, "w2v_args": {"model": SAID}}}
    },
    "fine-tuned, the outer settings alone": {
        "args": argparse.Namespace(w2v_path="p", w2v_args=None, conv_feature_layers=LAYERS)
    },
    "pruned": {"config": {"extractor_mode": "group_norm", "extractor_conv_layer_config": LISTED}},
    "distilled": {"Config": {"distiller": {"extractor_mode": "default", "extractor_conv_feature_layers": LAYERS}}},
    "data2vec 2.0": {"cfg": {"model": {"modalities": {"audio": {"feature_encoder_spec": LAYERS}}}}},
    "interpolated": {"cfg": {"model": {"conv_feature_layers": "${cfg.layers}"}, "layers": LAYERS}},
    "interpolated, from the settings' own root": {
        "cfg": {"model": {"conv_feature_layers": "${task.layers}"}, "task": {"layers": LAYERS}}
    },
    "both, alike": {"args": argparse.Namespace(**SAID), "cfg": {"model": SAID}},
}


@pytest.mark.parametrize("place", PLACES)
def test_strides_are_read_wherever_a_tool_puts_them(tmp_path, output, place):
    save_zip(tmp_path / "a.pt", {**PLACES[place], "model": tensors(state_dict(tool="fairseq"))})
    done = converted(tmp_path / "a.pt", output)
    assert done.config == SMALL
    assert done.provenance.assumed == (None if place == "s3prl" else "sample rate (Hz) 16000")
    assert "in the file" in done.stated_by


def test_two_places_that_differ(tmp_path, output):
    both = {"args": argparse.Namespace(**SAID), "cfg": {"model": {**SAID, "conv_feature_layers": OTHER_LAYERS}}}
    save_zip(tmp_path / "a.pt", {**both, "model": tensors(state_dict(tool="fairseq"))})
    with pytest.raises(CheckpointError, match=r"args in the file says strides \(3, 2, 1\), and cfg\.model in the file"):
        convert_checkpoint(tmp_path / "a.pt", output)
    (tmp_path / "mine.json").write_text(json.dumps({"strides": SMALL.strides}))
    done = converted(tmp_path / "a.pt", output, config=str(tmp_path / "mine.json"))
    assert done.config == SMALL
    assert done.stated_by.startswith(f"config={tmp_path}/mine.json and ")


@pytest.mark.parametrize(
    ("tool", "assumed"),
    [
        ("torchaudio", "strides (5, 2, 2, 2, 2, 2, 2), sample rate (Hz) 16000"),
        ("fairseq", "strides (5, 2, 2, 2, 2, 2, 2), sample rate (Hz) 16000"),
        (
            "transformers",
            "strides (5, 2, 2, 2, 2, 2, 2), epsilon of the final norm 1e-05, activation gelu, sample rate (Hz) 16000",
        ),
    ],
)
def test_what_nothing_states_is_told(tmp_path, output, tool, assumed):
    save_safetensors(tmp_path / "a.safetensors", state_dict(STANDARD, tool))
    assert converted(tmp_path / "a.safetensors", output).provenance.assumed == assumed
    (named,) = resolving.resolve([str(output)])
    (line,) = remarks.assumptions([named])
    assert f"encoder: its checkpoint does not state {assumed}, which was assumed" in line


def test_config_settles_it(tmp_path, output):
    save_safetensors(tmp_path / "a.safetensors", state_dict(dataclasses.replace(STANDARD, channels=(512,) * 7)))
    done = converted(tmp_path / "a.safetensors", output, config="wav2vec2")
    assert done.provenance.assumed is None
    assert done.config == EncoderConfig()
    with pytest.raises(CheckpointError, match=r"0\.layer_norm\.weight|1\.layer_norm.*config=xls-r"):
        convert_checkpoint(tmp_path / "a.safetensors", output, config="xls-r")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"stride": [1]}', "unknown 'stride'; expected some of channels, kernel_sizes"),
        ("[1]", "no JSON object"),
        ("{", "not valid JSON"),
        ('{"strides": [3, 2]}', "lengths differ"),
        ('{"channels": [4, 6, 7], "strides": [3, 2, 1]}', r"shape \(5, 6, 2\); expected \(7, 6, 2\)"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_config_that_does_not_fit(tmp_path, output, content, message):
    save_safetensors(tmp_path / "a.safetensors", state_dict())
    (tmp_path / "mine.json").write_text(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        convert_checkpoint(tmp_path / "a.safetensors", output, config=str(tmp_path / "mine.json"))
    assert str(caught.value).isprintable()
    with pytest.raises(CheckpointError, match=r"^config=wav2vec3: no preset and no file; expected one of wav2vec2, "):
        convert_checkpoint(tmp_path / "a.safetensors", output, config="wav2vec3")
    assert not output.exists()


def test_the_sample_rate_is_the_files(tmp_path, output):
    save_transformers(tmp_path / "model")
    (tmp_path / "model/preprocessor_config.json").write_text('{"sampling_rate": 24000}')
    done = converted(tmp_path / "model", output)
    assert (done.config.sample_rate, done.provenance.assumed) == (24_000, None)
    assert load_encoder(output).frames.sample_rate == 24_000
    (tmp_path / "model/config.json").write_text(config_json(sample_rate=16_000))
    message = r"config\.json says sample rate \(Hz\) 16000, and preprocessor_config\.json says 24000"
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(tmp_path / "model", output)
    cfg = {"cfg": {"model": SAID, "task": {"sample_rate": 8_000}}}
    save_zip(tmp_path / "a.pt", {**cfg, "model": tensors(state_dict(tool="fairseq"))})
    assert converted(tmp_path / "a.pt", output).config.sample_rate == 8_000


def test_a_blob_of_the_hubs_cache_has_the_config_of_its_snapshot(tmp_path, output):
    cache = tmp_path / "models--a--b"
    state = save_transformers(cache / "snapshots/c0ffee")
    (cache / "blobs").mkdir()
    (cache / "snapshots/c0ffee/model.safetensors").rename(cache / "blobs/123")
    (cache / "snapshots/c0ffee/model.safetensors").symlink_to("../../blobs/123")
    done = converted(cache / "blobs/123", output)
    assert done.config == SMALL
    ours, wanted = encoder_tensors(load_encoder(output)), expected(SMALL, state, "transformers", "wav2vec2.")
    assert all(np.array_equal(ours[name], wanted[name]) for name in wanted)


def test_a_config_without_a_family_states_what_it_has(tmp_path, output):
    save_transformers(tmp_path, model_type=None, feat_extract_norm=None, feat_extract_activation=None)
    done = converted(tmp_path, output)
    assert done.config == SMALL
    assert done.provenance.assumed == "activation gelu, sample rate (Hz) 16000"


def test_several_encoders_are_listed_and_one_is_chosen(tmp_path, output):
    teacher, student = (state_dict(prefix=prefix) for prefix in ("teacher.", "student."))
    student = {name: 2 * values for name, values in student.items()}
    (tmp_path / "config.json").write_text(config_json())
    save_safetensors(tmp_path / "model.safetensors", teacher | student)
    message = r"2 encoders, with the prefixes 'student\.' \(transformers\) and 'teacher\.' .*prefix=PREFIX chooses"
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(tmp_path, output)
    for prefix in ("student", "student."):
        converted(tmp_path, output, prefix=prefix)
        wanted = expected(SMALL, student, "transformers", "student.")
        assert all(np.array_equal(each, wanted[name]) for name, each in encoder_tensors(load_encoder(output)).items())
    with pytest.raises(CheckpointError, match=r"no encoder with prefix=ema; it has 'student\.' and 'teacher\.'"):
        convert_checkpoint(tmp_path, output, prefix="ema")


@pytest.mark.parametrize(("bit", "readable"), [("neg", True), ("conj", False)])
def test_a_tensor_that_waits_for_its_negation(tmp_path, output, bit, readable):
    state = state_dict()
    name = "feature_projection.layer_norm.bias"
    tree = tensors(state)
    save_zip(tmp_path / "a.pt", {**tree, name: dataclasses.replace(tree[name], bits={bit: True})})
    (tmp_path / "config.json").write_text(config_json())
    if not readable:
        with pytest.raises(CheckpointError, match=r"missing feature_projection\.layer_norm\.bias"):
            convert_checkpoint(tmp_path / "a.pt", output)
        return
    converted(tmp_path / "a.pt", output)
    np.testing.assert_array_equal(encoder_tensors(load_encoder(output))["layer_norm.bias"], -state[name])


def test_an_expanded_tensor(tmp_path, output):
    state = state_dict()
    name = "feature_projection.layer_norm.bias"
    tree = tensors(state)
    save_zip(tmp_path / "a.pt", {**tree, name: dataclasses.replace(tree[name], claims={"stride": (0,)})})
    (tmp_path / "config.json").write_text(config_json())
    converted(tmp_path / "a.pt", output)
    np.testing.assert_array_equal(encoder_tensors(load_encoder(output))["layer_norm.bias"], state[name][[0] * 5])


def rewritten(path, old, new):
    """Changes the header of a safetensors file, keeping its length."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = data[8 : 8 + size]
    assert header.count(old) >= 1
    path.write_bytes(data[:8] + header.replace(old, new) + data[8 + size :])


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"[3, 2, 1]", b"[2, 2, 1]"), (b'eps\\": 1e-05', b'eps\\": 1e-03'), (b"a test", b"a task"), (b"group", b"layer")],
)
def test_our_own_file_vouches_for_its_config_and_provenance(tmp_path, old, new):
    path = tmp_path / "a.safetensors"
    save_encoder(FeatureEncoder(SMALL, rngs=nnx.Rngs(0)), path, provenance=Provenance(source="a test"))
    load_encoder(path)
    rewritten(path, old, new)
    for read in (load_encoder, read_metadata, verify_weights):
        with pytest.raises(CheckpointError, match="its config or provenance was altered"):
            read(path)


# Where a checkpoint may lie


def test_folders_that_hold_one_checkpoint(tmp_path, output, monkeypatch):
    save_transformers(tmp_path / "run/checkpoint-500")
    assert converted(tmp_path / "run", output).provenance.source == "run"
    cache = tmp_path / "models--facebook--wav2vec2-base"
    for commit in ("c0ffee", "decade"):
        save_transformers(cache / "snapshots" / commit)
    with pytest.raises(CheckpointError, match=r"2 checkpoints \(c0ffee, decade\); expected one: name the folder"):
        convert_checkpoint(cache, output)
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text("decade")
    provenance = converted(cache, output).provenance
    assert (provenance.source, provenance.revision) == ("facebook/wav2vec2-base", "decade")
    monkeypatch.setenv("HOME", str(tmp_path))
    converted("~/run", output)
    (tmp_path / "run/.metadata").write_bytes(b"\x80\x02N.")
    with pytest.raises(CheckpointError, match=r"a distributed checkpoint of PyTorch.*dcp_to_torch"):
        convert_checkpoint(tmp_path / "run", output)


def test_tensors_that_share_their_numbers(tmp_path, output):
    state = save_transformers(tmp_path)
    name = "wav2vec2.feature_projection.layer_norm.bias"
    kept = {key: values for key, values in state.items() if key != name} | {"copy": state[name]}
    data = safetensors.numpy.save(kept, metadata={"format": "pt", name: "copy"})
    (tmp_path / "model.safetensors").write_bytes(data)
    converted(tmp_path, output)
    np.testing.assert_array_equal(encoder_tensors(load_encoder(output))["layer_norm.bias"], state[name])


def test_wav2vec_1_without_settings_is_the_published_one(tmp_path, output):
    config = EncoderConfig.preset("wav2vec")
    small = dataclasses.replace(config, channels=(4,) * 7)
    state, before = {}, 1
    for i, size in enumerate(small.kernel_sizes):
        state[f"feature_extractor.conv_layers.{i}.0.weight"] = np.ones((4, before, size), np.float32)
        state |= {f"feature_extractor.conv_layers.{i}.2.{part}": np.ones(4, np.float32) for part in ("weight", "bias")}
        before = 4
    save_zip(tmp_path / "a.pt", {"model": tensors(state)})
    done = converted(tmp_path / "a.pt", output)
    assert done.config == small
    assert done.provenance.assumed == (
        "strides (5, 4, 2, 2, 2, 1, 1), activation relu, log compression True, skip connections False, "
        "sample rate (Hz) 16000"
    )

"""Settings as newer models keep them: config objects in pickles, files of torchaudio's, families that are not known."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
import safetensors.numpy
from checkpoints import LAYERS, SMALL, STANDARD, config_json, expected, save_safetensors, state_dict, tensors
from torch_format import Instance, Name, save_legacy, save_zip

from experiments.front_ends import remarks, resolving
from w2v_jax import checkpoint
from w2v_jax.checkpoint import CheckpointError, encoder_tensors, load_encoder, read_metadata
from w2v_jax.convert import convert_checkpoint
from w2v_jax.convert.__main__ import main
from w2v_jax.encoder import EncoderConfig

AVES = {"extractor_mode": "group_norm", "extractor_conv_bias": False, "encoder_embed_dim": 16}
LISTED = {"conv_feature_layers": LAYERS}
AVES["extractor_conv_layer_config"] = [[4, 4, 3], [6, 3, 2], [5, 2, 1]]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "encoder.safetensors"


def converted(source, output, state=None, tool="transformers", prefix="", wanted=SMALL, **options):
    done = convert_checkpoint(source, output, **options)
    assert done.config == wanted == read_metadata(output).config
    if state is not None:
        tensors = encoder_tensors(load_encoder(output))
        for name, values in expected(wanted, state, tool, prefix).items():
            np.testing.assert_array_equal(tensors[name], values)
    return done


def config_object(cls="HubertConfig", **changes):
    module = "transformers.models.hubert.configuration_hubert"
    return Instance(Name(module, cls), json.loads(config_json(**changes)))


@pytest.mark.parametrize("save", [save_zip, save_legacy])
@pytest.mark.parametrize("place", ["model_config", "config", "hyper_parameters", "anything"])
def test_a_pickled_config_object_is_read_by_its_attributes(tmp_path, output, place, save):
    state = state_dict(prefix="model_state_dict.")
    saved = config_object(model_type=None, sample_rate=500)
    contents = {place: {"config": saved} if place == "hyper_parameters" else saved, "global_step": 5}
    save(tmp_path / "a.pt", {**contents, "model_state_dict": tensors(state_dict())})
    done = converted(
        tmp_path / "a.pt",
        output,
        state,
        prefix="model_state_dict.",
        wanted=dataclasses.replace(SMALL, sample_rate=500),
    )
    assert place in done.stated_by
    assert done.provenance.assumed is None


def test_an_unknown_config_object_states_what_it_has(tmp_path, output):
    saved = config_object("HuBERTECGConfig", model_type="hubert_ecg", layer_norm_eps=None)
    save_zip(tmp_path / "a.pt", {"model_config": saved, "model": tensors(state_dict())})
    assert converted(tmp_path / "a.pt", output).provenance.assumed == (
        "epsilon of the final norm 1e-05, sample rate (Hz) 16000"
    )


def test_two_config_objects_that_differ(tmp_path, output):
    both = {"teacher": config_object(), "student": config_object(conv_stride=[3, 2, 2])}
    save_zip(tmp_path / "a.pt", {**both, "model": tensors(state_dict())})
    with pytest.raises(CheckpointError, match=r"teacher in the file says strides .*student in the file says"):
        convert_checkpoint(tmp_path / "a.pt", output)


@pytest.mark.parametrize("name", ["model_config.json", "a.torchaudio.model_config.json", "config.json", "--config"])
def test_the_settings_file_of_torchaudio(tmp_path, output, name):
    state = state_dict(tool="torchaudio")
    save_zip(tmp_path / "a.torchaudio.pt", tensors(state))
    config = tmp_path / ("mine.json" if name == "--config" else name)
    config.write_text(json.dumps(AVES))
    chosen = str(config) if name == "--config" else None
    done = converted(tmp_path / "a.torchaudio.pt", output, state, "torchaudio", config=chosen)
    assert config.name in done.stated_by
    config.write_text(json.dumps({**AVES, "extractor_mode": "layer_norm"}))
    with pytest.raises(CheckpointError, match=r"missing .*layer_norm"):
        convert_checkpoint(tmp_path / "a.torchaudio.pt", output, config=chosen)


def test_a_config_of_another_kind_of_model_beside_a_file_of_torchaudio(tmp_path, output, capsys):
    state = state_dict(STANDARD, "torchaudio")
    save_zip(tmp_path / "a.pt", tensors(state))
    (tmp_path / "config.json").write_text('{"model_type": "llama", "do_normalize": true}')
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": true}')
    done = converted(tmp_path / "a.pt", output, state, "torchaudio", wanted=STANDARD)
    assert done.provenance.normalize_input is None
    (note,) = done.notes
    assert 'config.json: of another kind of model (model_type is "llama"' in note
    assert main([f"--source={tmp_path / 'a.pt'}", f"--output={output}"]) == 0
    assert "note     " in capsys.readouterr().out


def test_a_model_type_of_its_own(tmp_path, output):
    state = state_dict(prefix="hubert_ecg.")
    save_safetensors(tmp_path / "model.safetensors", state)
    (tmp_path / "config.json").write_text(config_json(model_type="hubert_ecg"))
    with pytest.raises(CheckpointError, match=r'model_type is "hubert_ecg"; expected one of .* config=.*json'):
        convert_checkpoint(tmp_path, output)
    (tmp_path / "mine.json").write_text(json.dumps({"strides": SMALL.strides}))
    for chosen in (tmp_path / "config.json", tmp_path / "mine.json"):
        done = convert_checkpoint(tmp_path, output, config=str(chosen))
        assert done.config == SMALL
        assert "hubert_ecg" in done.notes[0]


def test_the_front_end_of_espnet(tmp_path, output):
    state = {
        name.replace("feature_extractor.conv_layers", "frontend.layers"): values
        for name, values in state_dict(STANDARD).items()
        if not name.startswith("feature_projection")
    }
    save_zip(tmp_path / "xeus.pth", {"model": tensors(state)})
    done = convert_checkpoint(tmp_path / "xeus.pth", output)
    assert done.config == dataclasses.replace(STANDARD, final_norm=False)
    assert done.provenance.assumed == "strides (5, 2, 2, 2, 2, 2, 2), sample rate (Hz) 16000"


def test_convolutions_in_the_order_of_mlx(tmp_path, output):
    """Also where the shapes alone would fit both orders."""
    config = EncoderConfig(channels=(3, 3, 3), kernel_sizes=(4, 3, 3), strides=(3, 2, 1))
    state = state_dict(config)
    mlx = {name: np.ascontiguousarray(np.swapaxes(v, 1, 2)) if v.ndim == 3 else v for name, v in state.items()}
    (tmp_path / "model.safetensors").write_bytes(safetensors.numpy.save(mlx, metadata={"format": "mlx"}))
    (tmp_path / "config.json").write_text(config_json(config))
    converted(tmp_path, output, state, wanted=config)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"model.encoder.lora_A.weight": (4, 16)}, "an adapter, which holds changes to another model"),
        (
            {"feature_extractor.sinc.low_hz_": (8, 1), "feature_extractor.conv_layers.0.0.weight": (8, 64, 10)},
            r"takes 64 channels.*feature_extractor\.sinc\.low_hz_",
        ),
    ],
)
def test_models_without_such_an_encoder(tmp_path, output, names, message):
    save_safetensors(tmp_path / "a", {name: np.zeros(shape) for name, shape in names.items()})
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(tmp_path / "a", output)


def wav2vec_1(kernel_sizes):
    state, before = {}, 1
    for i, size in enumerate(kernel_sizes):
        state[f"feature_extractor.conv_layers.{i}.0.weight"] = np.ones((4, before, size), np.float32)
        state |= {f"feature_extractor.conv_layers.{i}.2.{part}": np.ones(4, np.float32) for part in ("weight", "bias")}
        before = 4
    return state


@pytest.mark.parametrize("preset", ["wav2vec", "vq-wav2vec"])
@pytest.mark.parametrize("settings", [{}, {"arch": "wav2vec"}, {"log_compression": True}, {"activation": None}])
def test_wav2vec_1_whose_args_say_no_layers(tmp_path, output, preset, settings):
    known = EncoderConfig.preset(preset)
    contents = {"args": argparse.Namespace(**settings), "model": tensors(wav2vec_1(known.kernel_sizes))}
    save_zip(tmp_path / "a.pt", contents)
    done = convert_checkpoint(tmp_path / "a.pt", output)
    assert (done.config.strides, done.config.conv_norm) == (known.strides, "global")
    assert f"strides {known.strides}" in done.provenance.assumed


# Files that are not what they seem


def test_what_cannot_be_read_beside_a_checkpoint_is_not_taken_for_absent(tmp_path, output):
    save_safetensors(tmp_path / "model.safetensors", state_dict(STANDARD))
    (tmp_path / "config.json").symlink_to("gone.json")
    with pytest.raises(CheckpointError, match=r"config\.json: a link to a file that is not there"):
        convert_checkpoint(tmp_path, output)
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CheckpointError, match=r"config\.json: not a file"):
        convert_checkpoint(tmp_path, output)
    assert not output.exists()


def test_hidden_files_are_no_checkpoints(tmp_path, output, monkeypatch):
    save_zip(tmp_path / "a.pt", {"args": {"conv_feature_layers": LAYERS}, "model": tensors(state_dict(tool="fairseq"))})
    save_safetensors(tmp_path / ".half.x1.safetensors", state_dict())
    (tmp_path / "._a.pt").write_bytes(b"\0\5\x16\7" + b"\0" * 99)
    assert converted(tmp_path, output).provenance.source == tmp_path.name
    (output.parent / "._encoder.safetensors").write_bytes(b"\0\5\x16\7")
    monkeypatch.chdir(tmp_path)
    output.parent.rename("weights")
    assert not [name for name in checkpoint.weight_names() if name.startswith(".")]


# Normalised input


@pytest.mark.parametrize(
    "contents",
    [
        {"args": {"conv_feature_layers": LAYERS, "normalize": True}},
        {"cfg": {"model": {"conv_feature_layers": LAYERS}, "task": {"normalize": True}}},
        {
            "cfg": {
                "model": {"conv_feature_layers": LAYERS, "normalize": "${task.normalize}"},
                "task": {"normalize": True},
            }
        },
        {"model_cfg": {"conv_feature_layers": LAYERS}, "task_cfg": {"normalize": True}},
        {"cfg": {"conv_feature_layers": LAYERS, "normalize": True}},
    ],
)
def test_fairseq_states_normalised_input(tmp_path, output, contents):
    save_zip(tmp_path / "a.pt", {**contents, "model": tensors(state_dict(tool="fairseq"))})
    done = converted(tmp_path / "a.pt", output)
    assert done.provenance.normalize_input is True is read_metadata(output).normalize_input
    (named,) = resolving.resolve([str(output)])
    assert named.normalize
    assert any("asks for normalised input" in line for line in remarks.assumptions([named]))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("preprocessor_config.json", {"do_normalize": True}, True),
        ("preprocessor_config.json", {"do_normalize": False}, False),
        ("preprocessor_config.json", {"sampling_rate": 16_000}, None),
        ("processor_config.json", {"feature_extractor": {"do_normalize": True}, "processor_class": "x"}, True),
    ],
)
def test_transformers_states_normalised_input(tmp_path, output, name, content, wanted):
    save_safetensors(tmp_path / "model.safetensors", state_dict())
    (tmp_path / "config.json").write_text(config_json())
    (tmp_path / name).write_text(json.dumps(content))
    converted(tmp_path, output)
    assert read_metadata(output).normalize_input is wanted
    (named,) = resolving.resolve([str(output)])
    assert named.normalize is bool(wanted)
    (tmp_path / "mine.json").write_text('{"normalize_input": false}')
    converted(tmp_path, output, config=str(tmp_path / "mine.json"))
    assert read_metadata(output).normalize_input is False
    (tmp_path / name).write_text('{"do_normalize": "yes"}')
    with pytest.raises(CheckpointError, match=r"says normalize_input yes; expected true or false"):
        convert_checkpoint(tmp_path, output)

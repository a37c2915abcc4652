"""Every layout of docs/checkpoints.md: the names that each tool writes, and what becomes of them."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
from checkpoints import save_safetensors, tensors
from flax import serialization
from torch_format import save_zip

from w2v_jax.checkpoint import CheckpointError, encoder_tensors, load_encoder
from w2v_jax.convert import convert_checkpoint
from w2v_jax.encoder import EncoderConfig

WIDTHS = (4, 6, 6)
BASE = EncoderConfig(channels=WIDTHS, kernel_sizes=(4, 3, 1), strides=(3, 2, 1))


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "encoder.safetensors"


@dataclasses.dataclass(frozen=True)
class Case:
    """One layout: the module names of layer {i}, of the final norm, and of what else the tool has there."""

    conv: str
    norm: str
    final: str | None
    others: tuple[str, ...] = ()
    conv_norm: str = "group"
    contents: dict | None = None  # of a PyTorch archive, besides "model"
    config: dict | None = None  # config.json
    changes: dict = dataclasses.field(default_factory=dict)  # of the config that should be found
    user: dict | None = None  # --config


HF = dict(conv_dim=list(WIDTHS), conv_kernel=[4, 3, 1], conv_stride=[3, 2, 1], sample_rate=16_000)
FAIRSEQ_LAYERS = "[(4, 4, 3), (6, 3, 2), (6, 1, 1)]"
WAV2VEC = dict(
    arch="wav2vec", conv_feature_layers=FAIRSEQ_LAYERS, log_compression=True, residual_scale=0.25, sample_rate=16_000
)
OLD_WAV2VEC = {**WAV2VEC, "skip_connections_feat": True}
VQ = {**WAV2VEC, "activation": "gelu", "skip_connections_feat": False}
FROM_1 = dict(final_norm=False, log_compression=True)
CASES = {
    "transformers": Case(
        "wav2vec2.feature_extractor.conv_layers.{i}.conv",
        "wav2vec2.feature_extractor.conv_layers.{i}.layer_norm",
        "wav2vec2.feature_projection.layer_norm",
        ("wav2vec2.encoder.layer_norm", "lm_head"),
        config={"model_type": "wav2vec2", **HF},
    ),
    "MERT": Case(
        "feature_extractor.conv_layers.{i}.conv",
        "feature_extractor.conv_layers.{i}.layer_norm",
        "feature_projection.layer_norm",
        config={"model_type": "mert_model", **HF, "sample_rate": 24_000},
        changes=dict(sample_rate=24_000),
    ),
    "SEW": Case(
        "sew.feature_extractor.conv_layers.{i}.conv",
        "sew.feature_extractor.conv_layers.{i}.layer_norm",
        "sew.layer_norm",
        ("sew.encoder.layer_norm", "sew.feature_projection"),
        config={"model_type": "sew", **HF, "layer_norm_eps": 1e-4},
        changes=dict(layer_norm_eps=1e-4),
    ),
    "SEW-D": Case(
        "feature_extractor.conv_layers.{i}.conv",
        "feature_extractor.conv_layers.{i}.layer_norm",
        "layer_norm",
        conv_norm="layer",
        config={"model_type": "sew-d", **HF, "layer_norm_eps": 1e-7, "feature_layer_norm_eps": 1e-4},
        changes=dict(layer_norm_eps=1e-4),
    ),
    "SpeechT5": Case(
        "speecht5.encoder.prenet.feature_encoder.conv_layers.{i}.conv",
        "speecht5.encoder.prenet.feature_encoder.conv_layers.{i}.layer_norm",
        "speecht5.encoder.prenet.feature_projection.layer_norm",
        ("speecht5.decoder.prenet.final_layer",),
        config={"model_type": "speecht5", **HF},
    ),
    "omniASR, transformers": Case(
        "model.audio_tower.subsampling.conv_layers.{i}.conv",
        "model.audio_tower.subsampling.conv_layers.{i}.layer_norm",
        "model.audio_tower.subsampling.layer_norm",
        ("model.audio_tower.subsampling.projection",),
        conv_norm="layer",
        config={"model_type": "omniasr", "audio_config": {"model_type": "omniasr_audio", "hidden_act": "relu", **HF}},
        changes=dict(activation="relu"),
    ),
    "omniASR, fairseq2": Case(
        "encoder_frontend.feature_extractor.layers.{i}.conv",
        "encoder_frontend.feature_extractor.layers.{i}.layer_norm",
        "encoder_frontend.post_extract_layer_norm",
        ("encoder_frontend.model_dim_proj", "encoder.layer_norm"),
        conv_norm="layer",
        contents={},
        user=dict(strides=[3, 2, 1], sample_rate=16_000),
    ),
    "DistilHuBERT, transformers": Case(
        "feature_extractor.conv_layers.{i}.conv",
        "feature_extractor.conv_layers.{i}.layer_norm",
        None,
        ("feature_projection.projection", "encoder.layer_norm"),
        config={"model_type": "hubert", "feat_proj_layer_norm": False, **HF},
        changes=dict(final_norm=False),
    ),
    "hubert-soft": Case(
        "feature_extractor.conv{i}",
        "feature_extractor.norm{i}",
        "feature_projection.norm",
        ("feature_projection.projection", "norm"),
        contents={},
        user=dict(strides=[3, 2, 1], sample_rate=16_000),
    ),
    "fairseq": Case(
        "feature_extractor.conv_layers.{i}.0",
        "feature_extractor.conv_layers.{i}.2",
        "layer_norm",
        ("post_extract_proj",),
        contents={"args": argparse.Namespace(conv_feature_layers=FAIRSEQ_LAYERS, sample_rate=16_000)},
    ),
    "data2vec 2.0": Case(
        "modality_encoders.AUDIO.local_encoder.conv_layers.{i}.0",
        "modality_encoders.AUDIO.local_encoder.conv_layers.{i}.2.1",
        "modality_encoders.AUDIO.project_features.1",
        ("modality_encoders.AUDIO.project_features.2",),
        conv_norm="layer",
        contents={
            "cfg": {
                "model": {"modalities": {"audio": {"feature_encoder_spec": FAIRSEQ_LAYERS}}},
                "task": {"sample_rate": 16_000},
            }
        },
    ),
    "wav2vec 1.0": Case(
        "feature_extractor.conv_layers.{i}.0",
        "feature_extractor.conv_layers.{i}.2",
        None,
        ("layer_norm", "feature_aggregator.conv_layers.0.1"),  # a root LayerNorm that fits by chance is not its own
        conv_norm="global",
        contents={"args": argparse.Namespace(**OLD_WAV2VEC)},
        changes=dict(FROM_1, activation="relu", skip_connections=True, residual_scale=0.5),
    ),
    "vq-wav2vec": Case(
        "feature_extractor.conv_layers.{i}.0",
        "feature_extractor.conv_layers.{i}.2",
        None,
        ("vector_quantizer.weight_proj",),
        conv_norm="global",
        contents={"args": argparse.Namespace(**VQ)},
        changes=dict(FROM_1, activation="gelu", residual_scale=0.5),
    ),
    "a feature encoder alone": Case(
        "conv_layers.{i}.conv",
        "conv_layers.{i}.layer_norm",
        None,
        contents={},
        user=dict(strides=[3, 2, 1], layer_norm_eps=1e-5, activation="gelu", sample_rate=16_000),
        changes=dict(final_norm=False),
    ),
}


def made(case: Case) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], EncoderConfig]:
    """A state dict with the tool's names, what ours should hold, and the config that should be found."""
    config = dataclasses.replace(BASE, conv_norm=case.conv_norm, **case.changes)
    rng = np.random.default_rng(0)

    def numbers(*shape):
        return rng.integers(-64, 64, shape).astype(np.float32) / 32

    theirs, ours, before = {}, {}, 1
    for i, (width, size) in enumerate(zip(WIDTHS, BASE.kernel_sizes, strict=True)):
        weight = numbers(width, before, size)
        theirs[case.conv.format(i=i) + ".weight"] = weight
        ours[f"conv_layers.{i}.kernel"] = weight.transpose(2, 1, 0)
        if case.conv_norm != "group" or i == 0:
            for part, name in (("weight", "scale"), ("bias", "bias")):
                ours[f"conv_layers.{i}.norm.{name}"] = theirs[f"{case.norm.format(i=i)}.{part}"] = numbers(width)
        before = width
    if case.final:
        for part, name in (("weight", "scale"), ("bias", "bias")):
            ours[f"layer_norm.{name}"] = theirs[f"{case.final}.{part}"] = numbers(before)
    theirs |= {f"{name}.{part}": numbers(before) for name in case.others for part in ("weight", "bias")}
    return theirs, ours, config


def saved(case: Case, folder, theirs):
    if case.contents is None:
        folder.mkdir()
        save_safetensors(folder / "model.safetensors", theirs)
        (folder / "config.json").write_text(json.dumps(case.config))
    else:
        save_zip(folder, {**case.contents, "model": tensors(theirs)} if case.contents else tensors(theirs))
    return folder


def convert(case: Case, source, output, tmp_path):
    (tmp_path / "user.json").write_text(json.dumps(case.user))
    return convert_checkpoint(source, output, config=str(tmp_path / "user.json") if case.user else None)


def check(output, done, ours, config):
    assert done.config == config
    tensors = encoder_tensors(load_encoder(output))
    assert tensors.keys() == ours.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(tensors[name], values, err_msg=name)
    assert done.provenance.assumed is None


@pytest.mark.parametrize("name", CASES)
def test_every_layout(tmp_path, output, name):
    case = CASES[name]
    theirs, ours, config = made(case)
    done = convert(case, saved(case, tmp_path / "source", theirs), output, tmp_path)
    check(output, done, ours, config)


@pytest.mark.parametrize("name", CASES)
def test_a_layout_that_lacks_a_tensor_is_refused(tmp_path, output, name):
    case = CASES[name]
    theirs, _, _ = made(case)
    for lost in [f"{case.conv.format(i=1)}.weight", f"{case.norm.format(i=0)}.bias", f"{case.final}.bias"]:
        if lost in theirs:
            left = {key: values for key, values in theirs.items() if key != lost}
            source = saved(case, tmp_path / lost, left)
            with pytest.raises(CheckpointError, match=r"missing|lengths differ|expected"):
                convert(case, source, output, tmp_path)
    assert not output.exists()


def test_the_names_tell_the_layout_where_the_config_is_of_another(tmp_path, output):
    """As where a repository has fairseq's file next to the config of transformers."""
    theirs, ours, config = made(CASES["fairseq"])
    source = saved(dataclasses.replace(CASES["transformers"]), tmp_path / "source", theirs)
    check(output, convert_checkpoint(source, output), ours, config)


def test_the_msgpack_file_of_the_former_flax_port(tmp_path, output):
    case = dataclasses.replace(CASES["transformers"], conv_norm="layer")
    theirs, ours, config = made(case)
    tree: dict = {}
    for name, values in theirs.items():
        *modules, part = name.split(".")
        node = tree
        for module in modules:
            node = node.setdefault(module, {})
        part = {"weight": "kernel" if values.ndim == 3 else "scale"}.get(part, part)
        node[part] = values.transpose(2, 1, 0) if values.ndim == 3 else values
    saved(case, tmp_path / "source", theirs)
    (tmp_path / "source/model.safetensors").unlink()
    (tmp_path / "source/flax_model.msgpack").write_bytes(serialization.msgpack_serialize(tree))
    done = convert_checkpoint(tmp_path / "source", output)
    check(output, done, ours, config)
    assert "Flax msgpack" in done.found
    whole = (tmp_path / "source/flax_model.msgpack").read_bytes()
    for size in range(1, len(whole), 37):
        (tmp_path / "source/flax_model.msgpack").write_bytes(whole[:size])
        with pytest.raises(CheckpointError) as caught:
            convert_checkpoint(tmp_path / "source", output)
        assert str(caught.value).isprintable()


RENAMED = {
    "compiled": lambda name: f"_orig_mod.{name}",
    "checkpointed": lambda name: name.replace("feature_extractor.", "feature_extractor._checkpoint_wrapped_module."),
    "sharded": lambda name: name.replace(".0.", ".0._fsdp_wrapped_module.", 1),
    "gamma and beta": lambda name: (
        name.replace("norm.weight", "norm.gamma").replace("norm.bias", "norm.beta") if "norm" in name else name
    ),
}


@pytest.mark.parametrize("how", RENAMED)
def test_names_that_wrappers_change(tmp_path, output, how):
    case = CASES["transformers"]
    theirs, ours, config = made(case)
    renamed = {RENAMED[how](name): values for name, values in theirs.items()}
    assert renamed.keys() != theirs.keys()
    check(output, convert_checkpoint(saved(case, tmp_path / "source", renamed), output), ours, config)


@pytest.mark.parametrize(
    ("magnitude", "direction"),
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")],
)
@pytest.mark.parametrize("kept", [0, 2])
def test_weight_norms_are_folded(tmp_path, output, magnitude, direction, kept):
    case = CASES["transformers"]
    theirs, ours, config = made(case)
    conv = case.conv.format(i=1)
    weight = theirs.pop(f"{conv}.weight").astype(np.float64)
    over = tuple(axis for axis in range(3) if axis != kept)
    theirs[f"{conv}.{direction}"] = weight.astype(np.float32)
    norm = np.sqrt(np.square(weight).sum(axis=over, keepdims=True))
    theirs[f"{conv}.{magnitude}"] = (2 * norm).astype(np.float32)
    ours["conv_layers.1.kernel"] = (
        (theirs[f"{conv}.{magnitude}"].astype(np.float64) * (weight / norm)).astype(np.float32).transpose(2, 1, 0)
    )
    check(output, convert_checkpoint(saved(case, tmp_path / "source", theirs), output), ours, config)


def test_pruned_widths_and_eight_layers(tmp_path, output):
    widths = (5, 3, 7, 4, 6, 2, 3, 8)
    sizes, strides = (10, 3, 3, 3, 3, 2, 2, 2), (5, 2, 2, 2, 2, 2, 2, 2)
    rng = np.random.default_rng(1)
    theirs, before = {}, 1
    for i, (width, size) in enumerate(zip(widths, sizes, strict=True)):
        theirs[f"feature_extractor.conv_layers.{i}.conv.weight"] = rng.normal(size=(width, before, size))
        before = width
    for part in ("weight", "bias"):
        theirs[f"feature_extractor.conv_layers.0.layer_norm.{part}"] = rng.normal(size=5)
        theirs[f"feature_projection.layer_norm.{part}"] = rng.normal(size=8)
    settings = dict(conv_dim=list(widths), conv_kernel=list(sizes), conv_stride=list(strides), sample_rate=16_000)
    case = dataclasses.replace(CASES["transformers"], config={"model_type": "hubert", **settings})
    done = convert_checkpoint(saved(case, tmp_path / "source", theirs), output)
    assert done.config == EncoderConfig(channels=widths, kernel_sizes=sizes, strides=strides)
    assert load_encoder(output).frames.hop == 640

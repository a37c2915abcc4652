"""Conversion of what PyTorch and transformers really write; the features must be PyTorch's."""

import argparse
import enum
import json
import os
import subprocess
import sys

import hub_server
import numpy as np
import pytest

from w2v_jax.checkpoint import CheckpointError, load_encoder, read_metadata
from w2v_jax.convert import convert_checkpoint

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.parity

GEOMETRY = {"conv_dim": (8, 12, 16), "conv_kernel": (10, 3, 2), "conv_stride": (5, 2, 2)}
TINY = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
    "num_codevectors_per_group": 4,
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
}
FAMILIES = {
    "wav2vec2": "Wav2Vec2",
    "hubert": "Hubert",
    "wavlm": "WavLM",
    "data2vec-audio": "Data2VecAudio",
    "unispeech": "UniSpeech",
    "unispeech-sat": "UniSpeechSat",
    "wav2vec2-conformer": "Wav2Vec2Conformer",
    "sew": "SEW",
    "sew-d": "SEWD",
    "speecht5": "SpeechT5",
    "omniasr_audio": "OmniASRAudio",
}


def build(family="wav2vec2", head="Model", **settings):
    """A random model, its norms too, in eval mode."""
    torch.manual_seed(0)
    settings = TINY | GEOMETRY | settings
    if family == "omniasr_audio":  # its settings are checked, and have no vocabulary and no choice of norm
        known = transformers.OmniASRAudioConfig().to_dict()
        settings = {name: value for name, value in settings.items() if name in known}
    if family == "speecht5":
        settings |= dict(hidden_size=24, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8, decoder_ffn_dim=8)
    if family == "sew-d":
        settings["feature_layer_norm_eps"] = settings.pop("layer_norm_eps", 1e-5)
    config = getattr(transformers, f"{FAMILIES[family]}Config")(**settings)
    model = getattr(transformers, f"{FAMILIES[family]}{head}")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_norm" in name or name.endswith("bias"):
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def parts(base):
    """The convolutional stack and the final norm of a model of transformers."""
    if hasattr(base, "subsampling"):
        stack = torch.nn.Sequential(torch.nn.Unflatten(-1, (1, -1)), *base.subsampling.conv_layers)
        return stack, base.subsampling.layer_norm
    if base.config.model_type == "speecht5":
        return base.encoder.prenet.feature_encoder, base.encoder.prenet.feature_projection.layer_norm
    if base.config.model_type in ("sew", "sew-d"):
        return base.feature_extractor, base.layer_norm
    return base.feature_extractor, getattr(base.feature_projection, "layer_norm", torch.nn.Identity())


def check(source, model, tmp_path, *, bound=1e-6):
    """Converts `source` and compares features with those of `model` in float64."""
    convert_checkpoint(source, tmp_path / "encoder.safetensors")
    check_features(tmp_path / "encoder.safetensors", model, bound=bound)


def check_features(path, model, *, bound=1e-6):
    base = getattr(model, model.base_model_prefix, model) if model.base_model_prefix != "model" else model
    waveform = np.random.default_rng(0).standard_normal((2, 800)).astype(np.float32)
    features = np.asarray(load_encoder(path)(waveform))
    dtype = next(base.parameters()).dtype
    extractor, norm = (part.double() for part in parts(base))
    with torch.no_grad():
        wanted = norm(extractor(torch.from_numpy(waveform).double()).transpose(1, 2)).numpy()
    base.to(dtype)
    assert features.shape == wanted.shape
    error = np.linalg.norm(features - wanted) / np.linalg.norm(wanted)
    assert error < bound, error


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("family", FAMILIES)
def test_families(tmp_path, family, norm):
    head = "ForSpeechToText" if family == "speecht5" else "Model"
    model = build(family, head, feat_extract_norm=norm, conv_bias=norm == "layer", layer_norm_eps=1e-4)
    model.save_pretrained(tmp_path / "model")
    check(tmp_path / "model", model, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_defaults_are_those_of_transformers(tmp_path, family):
    """A config that leaves everything out means the same to us: sizes are compared with the real default's."""
    from w2v_jax.convert.settings_file import read_settings

    config = getattr(transformers, f"{FAMILIES[family]}Config")()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    reading = read_settings(tmp_path / "config.json")
    said = reading.statement
    assert reading.family == config.model_type
    assert said.settings["channels"] == tuple(config.conv_dim)
    assert said.settings["kernel_sizes"] == tuple(config.conv_kernel)
    assert said.settings["strides"] == tuple(config.conv_stride)
    eps = config.feature_layer_norm_eps if family == "sew-d" else config.layer_norm_eps
    assert said.settings["layer_norm_eps"] == eps
    assert said.settings["activation"] == "gelu"


def test_no_final_norm_and_another_activation(tmp_path):
    model = build("hubert", feat_proj_layer_norm=False, feat_extract_activation="gelu_new")
    model.save_pretrained(tmp_path / "model")
    check(tmp_path / "model", model, tmp_path)
    model = build("wavlm", feat_extract_activation="relu")
    model.save_pretrained(tmp_path / "other")
    check(tmp_path / "other", model, tmp_path)


def test_weight_norms_and_lazy_tensors(tmp_path):
    model = build()
    plain = model.state_dict()
    for name, function in (
        ("new", torch.nn.utils.parametrizations.weight_norm),
        ("old", torch.nn.utils.weight_norm),
    ):
        other = build()
        function(other.feature_extractor.conv_layers[1].conv)
        other.config.save_pretrained(tmp_path / name)
        torch.save(other.state_dict(), tmp_path / name / "pytorch_model.bin")
        check(tmp_path / name, model, tmp_path)
    bias = "feature_projection.layer_norm.bias"
    model.config.save_pretrained(tmp_path / "lazy")
    lazy = {**plain, bias: torch._neg_view(-plain[bias])}
    assert lazy[bias].is_neg()
    torch.save(lazy, tmp_path / "lazy/pytorch_model.bin")
    check(tmp_path / "lazy", model, tmp_path)
    with torch.no_grad():
        model.feature_projection.layer_norm.bias.fill_(0.25)
    torch.save({**plain, bias: torch.tensor([0.25]).expand(16)}, tmp_path / "lazy/pytorch_model.bin")
    check(tmp_path / "lazy", model, tmp_path)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_dtypes(tmp_path, dtype):
    model = build().to(getattr(torch, dtype))
    model.save_pretrained(tmp_path / "model")
    check(tmp_path / "model", model, tmp_path)
    torch.save(model.state_dict(), tmp_path / "model" / "model.safetensors")
    check(tmp_path / "model", model, tmp_path)


@pytest.mark.parametrize("head", ["ForCTC", "ForPreTraining", "ForSequenceClassification"])
@pytest.mark.parametrize("zipped", [True, False])
def test_heads_and_torch_files(tmp_path, head, zipped):
    model = build(head=head)
    model.save_pretrained(tmp_path)
    check(tmp_path, model, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    path = tmp_path / "pytorch_model.bin"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=zipped)
    (tmp_path / "encoder.safetensors").unlink()
    check(tmp_path, model, tmp_path)
    # A training checkpoint: optimizer state, numbers and objects next to the weights; half of the parameters frozen.
    optimizer = torch.optim.AdamW(model.parameters())
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimizer.step()
    saved = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "lr": np.float64(0.1)}
    saved["parameters"] = list(model.parameters())
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    check(path, model, tmp_path)


@pytest.mark.parametrize("safe", [True, False])
def test_shards(tmp_path, safe):
    model = build(conv_dim=(32, 48, 16))
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    if not safe:
        state = model.state_dict()
        for shard in set(index["weight_map"].values()):
            part = {name: state[name] for name, place in index["weight_map"].items() if place == shard}
            torch.save(part, tmp_path / shard)
        (tmp_path / "model.safetensors.index.json").rename(tmp_path / "pytorch_model.bin.index.json")
    encoder = {place for name, place in index["weight_map"].items() if "feature_" in name}
    assert len(encoder) > 1
    check(tmp_path, model, tmp_path)


class Mode(enum.Enum):
    LAYER = "layer_norm"


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("norm", ["group", "layer"])
def test_fairseq(tmp_path, zipped, norm):
    model = build(feat_extract_norm=norm, conv_bias=norm == "layer")
    module = {"conv.": "0.", "layer_norm.": "2." if norm == "group" else "2.1."}
    state = {}
    for name, value in model.state_dict().items():
        for theirs, fairseq in module.items():
            if name.startswith("feature_extractor"):
                name = name.replace(f".{theirs}", f".{fairseq}")
        state[name.replace("feature_projection.layer_norm", "layer_norm")] = value
    layers = "[(8, 10, 5)] + [(12, 3, 2)] + [(16,2,2)] * 1"
    mode = Mode.LAYER if norm == "layer" else "default"
    args = argparse.Namespace(conv_feature_layers=layers, extractor_mode=mode, conv_bias=norm == "layer")
    for settings in ({"args": args}, {"cfg": {"model": args}}, {"cfg": {"model": vars(args)}, "args": None}):
        path = tmp_path / "a.pt"
        torch.save({"model": state, **settings}, path, _use_new_zipfile_serialization=zipped)
        check(path, model, tmp_path)


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_torchaudio(tmp_path, norm):
    geometry = {"conv_dim": (8,) * 7, "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}
    model = build(feat_extract_norm=norm, **geometry)
    state = {k.replace("feature_proj", "encoder.feature_proj"): v for k, v in model.state_dict().items()}
    torch.save(state, tmp_path / "a.pth")
    check(tmp_path / "a.pth", model, tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_config_objects(tmp_path, zipped):
    """As HuBERT-ECG saves itself; the strides are none that would be assumed."""
    for family in ("hubert", "wav2vec2", "sew-d"):
        model = build(family, conv_stride=(5, 2, 1))
        saved = {"global_step": 5, "model_config": model.config, "model_state_dict": model.state_dict()}
        torch.save(saved, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
        check(tmp_path / "a.pt", model, tmp_path)


def test_settings_of_torchaudio_beside_the_file(tmp_path):
    model = build(conv_stride=(5, 2, 1))
    state = {k.replace("feature_proj", "encoder.feature_proj"): v for k, v in model.state_dict().items()}
    torch.save(state, tmp_path / "aves.torchaudio.pt")
    layers = [list(layer) for layer in zip((8, 12, 16), (10, 3, 2), (5, 2, 1), strict=True)]
    settings = {"extractor_mode": "group_norm", "extractor_conv_layer_config": layers, "extractor_conv_bias": False}
    (tmp_path / "aves.torchaudio.model_config.json").write_text(json.dumps(settings))
    check(tmp_path / "aves.torchaudio.pt", model, tmp_path)


def test_strided_and_shared_storages(tmp_path):
    """Parameters that are views of one flat buffer, and transposed ones, as PyTorch saves them."""
    model = build()
    flat = torch.cat([value.flatten() for value in model.state_dict().values()])
    state, at = {}, 0
    for name, value in model.state_dict().items():
        state[name] = flat[at : at + value.numel()].view(value.shape)
        at += value.numel()
    weight = "feature_extractor.conv_layers.1.conv.weight"
    state[weight] = state[weight].transpose(0, 2).contiguous().transpose(0, 2)
    model.config.save_pretrained(tmp_path)
    for zipped in (True, False):
        torch.save(state, tmp_path / "a.bin", _use_new_zipfile_serialization=zipped)
        check(tmp_path / "a.bin", model, tmp_path)


def test_what_is_not_a_state_dict(tmp_path):
    for zipped in (True, False):
        torch.save(torch.nn.Linear(1, 1), tmp_path / "whole.pt", _use_new_zipfile_serialization=zipped)
        with pytest.raises(CheckpointError, match=r"holds a pickled torch\.nn\.modules\.linear\.Linear"):
            convert_checkpoint(tmp_path / "whole.pt", tmp_path / "encoder.safetensors")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), tmp_path / "script.pt")
    with pytest.raises(CheckpointError, match="TorchScript"):
        convert_checkpoint(tmp_path / "script.pt", tmp_path / "encoder.safetensors")


BASE = {"conv_dim": (512,) * 7, "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}
FULL = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


@pytest.fixture(scope="module")
def base_model():
    settings = {"num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16, "vocab_size": 32}
    return build(head="ForPreTraining", **BASE, **FULL, **settings)


@pytest.fixture
def hub(tmp_path):
    """A hub on this machine, for the real huggingface_hub, and the command that asks it."""
    with hub_server.serving() as server:
        folder = server.folders["some/model"] = tmp_path / "repository"
        folder.mkdir()
        changes = {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(tmp_path / "hf"), "W2V_JAX_HOME": str(tmp_path / "w")}

        def convert(*arguments):
            command = [sys.executable, "-m", "w2v_jax.convert", *map(str, arguments)]
            return subprocess.run(command, env=os.environ | changes, capture_output=True, text=True)

        yield folder, server, convert


def save_as(kind, model, folder):
    model.save_pretrained(folder, **({"max_shard_size": "50MB"} if kind == "sharded" else {}))
    if kind in ("zip", "legacy"):
        (folder / "model.safetensors").unlink()
        zipped = kind == "zip"
        torch.save(model.state_dict(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("kind", ["safetensors", "sharded", "zip", "legacy"])
def test_of_a_model_of_bases_size_the_encoder_comes_and_is_pytorchs(tmp_path, hub, base_model, kind):
    folder, server, convert = hub
    save_as(kind, base_model, folder)
    encoder = sum(value.numel() for part in parts(base_model.wav2vec2) for value in part.parameters()) * 4
    done = convert("--source=some/model", "--output", tmp_path / "encoder.safetensors")
    assert done.returncode == 0, done.stderr
    print(f"{kind}: {server.sent / encoder:.3f} times the encoder's {encoder} bytes, {len(server.requests)} requests")
    if kind == "legacy":
        assert "fetches the whole file, 378 MB" in done.stderr
    else:
        assert server.sent < 1.1 * encoder
    check_features(tmp_path / "encoder.safetensors", base_model)


def test_the_hub_through_its_own_library(tmp_path, hub):
    folder, server, convert = hub
    model = build(conv_dim=(32, 48, 16))
    model.save_pretrained(folder, max_shard_size="10KB")
    (folder / "README.md").write_text("not needed")
    weight_map = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    shards = {shard for name, shard in weight_map.items() if "feature_extractor" in name or "projection.layer" in name}
    output = tmp_path / "out" / "encoder.safetensors"
    done = convert("--source=some/model@main", f"--output={output}")
    assert done.returncode == 0, done.stderr
    provenance = read_metadata(output).provenance
    assert (provenance.source, provenance.revision) == ("some/model", hub_server.COMMIT)
    fetched = {request.path.split("/")[-1] for request in server.requests if "/resolve/" in request.path}
    assert fetched == shards | {"config.json", "model.safetensors.index.json"}
    assert len(shards) < len(set(weight_map.values()))
    failed = convert("--source=no/such", f"--output={tmp_path / 'out' / 'other.safetensors'}")
    assert failed.returncode == 1
    assert failed.stderr.startswith(
        "error: no/such: no such file here, and the hub answers 401; there is no such model"
    )
    assert failed.stderr.count("\n") == 1
    assert [path.name for path in output.parent.iterdir()] == [output.name]

"""Conversion: every source gives the encoder that it holds."""

import argparse
import dataclasses
import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
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
from hypothesis import given
from hypothesis import strategies as st
from processes import module_done
from torch_format import Call, Instance, Name, Tensor, save_legacy, save_zip

from w2v_jax.checkpoint import Provenance, encoder_tensors, load_encoder, read_metadata
from w2v_jax.convert import convert_checkpoint
from w2v_jax.convert.fairseq import parse_layers

SAVERS = {"zip": save_zip, "legacy": save_legacy}
VARIANTS = {
    "group": SMALL,
    "group-bias": dataclasses.replace(SMALL, conv_bias=True),
    "layer": dataclasses.replace(SMALL, conv_norm="layer", layer_norm_eps=1e-3),
    "layer-bias": dataclasses.replace(SMALL, conv_norm="layer", conv_bias=True),
}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "encoder.safetensors"


def check(source, output, config, state, tool, prefix=""):
    """Converts, and compares what is loaded with the state dict."""
    done = convert_checkpoint(source, output)
    assert done.config == config == read_metadata(output).config
    assert done.digest == read_metadata(output).digest
    ours, wanted = encoder_tensors(load_encoder(output)), expected(config, state, tool, prefix)
    assert ours.keys() == wanted.keys()
    for name, tensor in wanted.items():
        np.testing.assert_array_equal(ours[name], tensor, err_msg=name)
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    return done


# transformers


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("prefix", ["", "wav2vec2.", "model.foo."])
def test_transformers_directory(tmp_path, output, config, prefix):
    state = save_transformers(tmp_path / "model", config, prefix=prefix)
    done = check(tmp_path / "model", output, config, state, "transformers", prefix)
    digest = hashlib.sha256((tmp_path / "model" / "model.safetensors").read_bytes()).hexdigest()
    wanted = Provenance(source="model", source_sha256=digest, assumed="sample rate (Hz) 16000")
    assert done.provenance == wanted == read_metadata(output).provenance


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_every_dtype_and_a_misleading_name(tmp_path, output, dtype, kind):
    state = state_dict(prefix="m.")
    (tmp_path / "config.json").write_text(config_json())
    if kind == "safetensors":
        path = tmp_path / "weights.bin"
        save_safetensors(path, state, dtype)
    else:
        path = tmp_path / "model.safetensors"
        SAVERS[kind](path, tensors(state, dtype))
    check(path, output, SMALL, state, "transformers", "m.")
    check(tmp_path / "config.json", output, SMALL, state, "transformers", "m.")


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_shards_are_read_only_where_the_encoder_is(tmp_path, output, kind):
    state = state_dict(prefix="w.")
    (tmp_path / "config.json").write_text(config_json())
    names = sorted(name for name in state if name != "w.encoder.layer_norm.weight")
    shards = {"b": names[::2], "a": names[1::2]}
    for shard, inside in shards.items():
        part = {name: state[name] for name in inside}
        save_safetensors(tmp_path / shard, part) if kind == "safetensors" else SAVERS[kind](
            tmp_path / shard, tensors(part)
        )
    weight_map = {name: shard for shard, inside in shards.items() for name in inside}
    weight_map["w.encoder.layer_norm.weight"] = "not-downloaded"
    index = "model.safetensors.index.json" if kind == "safetensors" else "pytorch_model.bin.index.json"
    (tmp_path / index).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    done = check(tmp_path, output, SMALL, state, "transformers", "w.")
    digests = [hashlib.sha256((tmp_path / shard).read_bytes()).hexdigest() for shard in ("a", "b")]
    assert done.provenance.source_sha256 == hashlib.sha256("".join(digests).encode()).hexdigest()
    check(tmp_path / index, output, SMALL, state, "transformers", "w.")


def test_settings_that_a_config_leaves_out_are_the_defaults(tmp_path, output):
    (tmp_path / "config.json").write_text('{"model_type": "wavlm"}')
    state = state_dict(dataclasses.replace(STANDARD, channels=(512,) * 7))
    save_safetensors(tmp_path / "any", state, "float16")
    check(tmp_path, output, dataclasses.replace(STANDARD, channels=(512,) * 7), state, "transformers")


def test_data2vec_has_layer_norms_whatever_its_config_says(tmp_path, output):
    config = VARIANTS["layer"]
    state = save_transformers(tmp_path, config, model_type="data2vec-audio", feat_extract_norm="group")
    check(tmp_path, output, config, state, "transformers", "wav2vec2.")


def test_a_part_of_a_composite_model(tmp_path, output):
    state = save_transformers(tmp_path, prefix="encoder.")
    parts = {"encoder": json.loads(config_json()), "decoder": {"model_type": "bart"}}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "speech-encoder-decoder"} | parts))
    check(tmp_path, output, SMALL, state, "transformers", "encoder.")


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("tool", ["transformers", "torchaudio", "fairseq"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_without_settings_the_tensors_tell(tmp_path, output, tool, norm, kind):
    config = dataclasses.replace(STANDARD, conv_norm=norm, conv_bias=norm == "layer")
    state = state_dict(config, tool, "model.")
    path = tmp_path / "source"
    save_safetensors(path, state) if kind == "safetensors" else SAVERS[kind](path, tensors(state))
    done = check(path, output, config, state, tool, "model.")
    assert tool in done.found


# fairseq


def omegaconf(value):
    """As omegaconf pickles a config: nodes in nodes, each with its state."""
    if isinstance(value, dict):
        content = {name: omegaconf(inner) for name, inner in value.items()}
        return Instance(Name("omegaconf.dictconfig", "DictConfig"), {"_metadata": None, "_content": content})
    return Instance(Name("omegaconf.nodes", "AnyNode"), {"_metadata": None, "_val": value})


def fairseq_checkpoint(state, settings, style):
    extra = {"extra_state": {"epoch": 3}, "optimizer_history": [Call(Name("fairseq", "X"), ({},))]}
    match style:
        case "args":
            return {"args": argparse.Namespace(arch="wav2vec2", **settings), "model": state, **extra}
        case "cfg":
            return {"args": None, "cfg": {"_name": None, "model": settings}, "model": state, **extra}
        case "cfg-namespace":
            return {"cfg": {"model": argparse.Namespace(**settings)}, "model": state, **extra}
        case "cfg-omegaconf":
            return {"cfg": omegaconf({"task": {}, "model": settings}), "model": state, **extra}
        case "cfg-flat":
            return {"cfg": settings, "model": state}
        case "finetuned-args":
            inner = argparse.Namespace(**settings)
            outer = argparse.Namespace(w2v_path="/old/place.pt", w2v_args=inner, conv_feature_layers="[(1, 1, 1)]")
            return {"args": outer, "model": state}
        case "finetuned-cfg":
            return {"cfg": {"model": {"w2v_path": "p", "w2v_args": {"model": settings}}}, "model": state}
    raise AssertionError(style)


STYLES = ["args", "cfg", "cfg-namespace", "cfg-omegaconf", "cfg-flat", "finetuned-args", "finetuned-cfg"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", SAVERS)
@pytest.mark.parametrize("variant", ["group", "layer-bias"])
def test_fairseq(tmp_path, output, style, kind, variant):
    config = VARIANTS[variant]
    mode = Call(Name("fairseq.models.wav2vec", "ExtractorMode"), ("layer_norm",))  # an enum's member
    settings = {"conv_feature_layers": LAYERS, "extractor_mode": mode if config.conv_norm == "layer" else "default"}
    settings["conv_bias"] = config.conv_bias
    inside = "w2v_encoder.w2v_model." if style.startswith("finetuned") else ""
    state = state_dict(config, "fairseq", inside)
    SAVERS[kind](tmp_path / "model.safetensors", fairseq_checkpoint(tensors(state), settings, style))
    prefixed = {f"model.{name}": values for name, values in state.items()}
    check(tmp_path / "model.safetensors", output, config, prefixed, "fairseq", f"model.{inside}")


def test_fairseq_settings_that_are_absent_are_the_defaults(tmp_path, output):
    config = dataclasses.replace(STANDARD, channels=(512,) * 7)
    state = state_dict(config, "fairseq")
    save_zip(tmp_path / "a.pt", {"args": argparse.Namespace(arch="hubert"), "model": tensors(state, "float16")})
    check(tmp_path / "a.pt", output, config, {f"model.{k}": v for k, v in state.items()}, "fairseq", "model.")


def test_fairseq_fine_tuned_without_the_pretrained_settings(tmp_path, output):
    config = dataclasses.replace(STANDARD, conv_norm="layer", conv_bias=True)
    state = state_dict(config, "fairseq", "w2v_encoder.w2v_model.")
    settings = argparse.Namespace(w2v_path="p", w2v_args=None)
    save_zip(tmp_path / "a.pt", {"args": settings, "model": tensors(state)})
    prefixed = {f"model.{name}": values for name, values in state.items()}
    check(tmp_path / "a.pt", output, config, prefixed, "fairseq", "model.w2v_encoder.w2v_model.")


def test_layer_list():
    standard = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
    assert parse_layers(standard) == [(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2
    assert parse_layers(" [(2*4, 3, 1+1)] + 2 * [[8, 2, 2]]\n") == [(8, 3, 2), (8, 2, 2), (8, 2, 2)]


HOSTILE_LAYERS = [
    "",
    "[]",
    "1",
    "[(512, 10)]",
    "[(512, 10, 0)]",
    "[(512, 10, -5)]",
    "[(512, 10, True)]",
    "[(512, 10, 5.0)]",
    "[(512, 10, 5)",
    "[(512, 10, 5)] * 10**9",
    "[(512, 10, 5)] * 1000000000",
    "10 * [(512, 10, 5)] * 1000000000000",
    "[[[(1,1,1)]*99]*99]*99",
    "9" * 9000,
    "(" * 9000,
    "-" * 9000 + "1",
    "+".join(["1"] * 4900),
    "[(1, 1, 1)] * -1",
    "__import__('os').system('false')",
    "[x for x in [(1, 1, 1)]]",
    "[(512, 10, 5)]; import os",
    "'[' * 3",
    "\0",
    " " * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE_LAYERS, ids=range(len(HOSTILE_LAYERS)))
def test_a_layer_list_is_never_evaluated(text):
    with pytest.raises(ValueError, match="conv_feature_layers"):
        parse_layers(text)


@given(st.lists(st.tuples(*[st.integers(1, 999)] * 3), min_size=1, max_size=9), st.integers(1, 9))
def test_layer_list_is_read_as_python_would(layers, times):
    assert parse_layers(f"{layers!r} * {times} + {layers!r}") == layers * times + layers


# PyTorch's archives


def test_big_endian_archive(tmp_path, output):
    state = state_dict()
    (tmp_path / "config.json").write_text(config_json())
    for dtype in ("float32", "bfloat16"):
        save_zip(tmp_path / "a", tensors(state, dtype), byte_order="big")
        check(tmp_path / "a", output, SMALL, state, "transformers")
    save_zip(tmp_path / "a", tensors(state), byte_order=None)
    check(tmp_path / "a", output, SMALL, state, "transformers")


@pytest.mark.parametrize("kind", SAVERS)
def test_views_of_larger_storages(tmp_path, output, kind):
    state = state_dict()
    (tmp_path / "config.json").write_text(config_json())
    views = tensors(state)
    name = "feature_extractor.conv_layers.1.conv.weight"
    out_channels, in_channels, _ = state[name].shape
    # Stored transposed, and after five other numbers.
    stored = np.concatenate([np.full(5, np.nan), state[name].transpose(2, 1, 0).ravel()]).astype(np.float32)
    claims = {"offset": 5, "size": state[name].shape, "stride": (1, out_channels, out_channels * in_channels)}
    views[name] = Tensor(stored, claims=claims)
    SAVERS[kind](tmp_path / "a", views)
    check(tmp_path / "a", output, SMALL, state, "transformers")


# the hub, whose ids are in test_hub.py


def test_a_path_in_the_cache_of_the_hub_tells_its_provenance(tmp_path, output):
    folder = tmp_path / "hub" / "models--facebook--wav2vec2-base" / "snapshots" / "c0ffee"
    state = save_transformers(folder)
    for source in (folder, folder / "model.safetensors"):
        done = check(source, output, SMALL, state, "transformers", "wav2vec2.")
        assert (done.provenance.source, done.provenance.revision) == ("facebook/wav2vec2-base", "c0ffee")


def test_what_is_neither_here_nor_on_the_hub(output):
    with pytest.raises(FileNotFoundError, match="no such file"):
        convert_checkpoint("weights/missing.pt", output)


# the command


def command(*args):
    return subprocess.run([sys.executable, "-m", "w2v_jax.convert", *map(str, args)], capture_output=True, text=True)


def test_command(tmp_path, output):
    save_transformers(tmp_path / "model")
    done = command(f"--source={tmp_path / 'model'}", "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_metadata(output).digest in done.stdout
    assert "3 layers" in done.stdout
    assert str(output) in done.stdout
    failed = module_done("w2v_jax.convert", "--source", str(output), f"--output={tmp_path / 'again.safetensors'}")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"error: {output}: already converted")
    assert failed.stderr.count("\n") == 1

"""Conversion of files that are damaged, of another kind or hostile: one line says so; nothing is run or written."""

import dataclasses
import json
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from checkpoints import LAYERS, SMALL, config_json, save_safetensors, save_transformers, state_dict, tensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_format import MAGIC, Call, Instance, Name, Persistent, Raw, Tensor, pickled, save_legacy, save_zip

from w2v_jax.checkpoint import CheckpointError, load_encoder
from w2v_jax.convert import convert_checkpoint, pickled_tensors, torch_archive, unpickle
from w2v_jax.convert.__main__ import main

SAVERS = {"zip": save_zip, "legacy": save_legacy}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "encoder.safetensors"


def refused(source, output, match):
    """Conversion fails with one line that matches, and leaves nothing behind."""
    before = sorted(output.parent.rglob("*"))
    with pytest.raises(CheckpointError, match=match) as caught:
        convert_checkpoint(source, output)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    assert sorted(output.parent.rglob("*")) == before
    return message


# Files of another kind


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"\x01", "not a checkpoint"),
        (b"\0" * 5000, "not a checkpoint"),
        (b"hello, world\n" * 100, "a text file of 1300 bytes that starts with 'hello, world"),
        (b"\n <!DOCTYPE html><html>404</html>", "a web page"),
        (b"<html>rate limited</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git-LFS pointer.*git lfs pull"),
        (b'{"error": "Repository not found"}', "a JSON file"),
        (b'{"error": ', "not valid JSON"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "HDF5"),
        (b"\x1f\x8b\x08" + b"\0" * 99, "gzip"),
        (b"PK\x03\x04", "zip archive"),
        (pickle.dumps({"a": 1}), "a pickle, but not of torch.save"),
        (b"\x80\x02.", "cut short or damaged"),
        (struct.pack("<Q", 10**7) + b"{", "truncated"),
        (struct.pack("<Q", 9) + b'{"a": }  ', "not valid JSON"),
        (struct.pack("<Q", 4) + b"{}  ", "no encoder among 0 tensors"),
    ],
)
def test_other_files(tmp_path, output, content, match):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    message = refused(path, output, match)
    assert message.startswith(f"{path}: ")
    assert refused(tmp_path, output, match) == message


def test_other_archives(tmp_path, output):
    path = tmp_path / "pytorch_model.bin"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "storages")
    refused(path, output, "tar archive")
    np.savez(tmp_path / "a.npz", a=1)
    refused(tmp_path / "a.npz", output, "0 data.pkl")
    save_zip(path, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    refused(path, output, "TorchScript")


def test_directories(tmp_path, output):
    folder = tmp_path / "folder"
    folder.mkdir()
    refused(folder, output, r"without a checkpoint \(it has nothing\)")
    (folder / "README.md").write_text("hello")
    refused(folder, output, r"without a checkpoint \(it has README\.md\)")
    save_zip(folder / "a", tensors(state_dict()))
    save_zip(folder / "b", tensors(state_dict()))
    refused(folder, output, r"2 checkpoints \(a, b\)")


@pytest.mark.parametrize(
    ("weight_map", "match"),
    [
        ([], "weight_map is damaged"),
        ({}, "no encoder"),
        (dict.fromkeys(state_dict(), "gone"), "gone: the shard is missing"),
        (dict.fromkeys(state_dict(), "../secret"), "not a file next to it"),
        (dict.fromkeys(state_dict(), "config.json"), "expected a shard"),
        (dict.fromkeys(state_dict(), "other"), "missing feature_extractor"),
    ],
)
def test_indexes(tmp_path, output, weight_map, match):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (tmp_path / "config.json").write_text(config_json())
    save_safetensors(tmp_path / "other", {"x": np.zeros(1)})
    refused(tmp_path, output, match)


# Checkpoints that do not fit


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model_type": "bert"}, 'config.json: model_type is "bert"; expected one of wav2vec2, hubert'),
        ({"feat_extract_activation": "mish"}, 'feat_extract_activation is "mish"; expected one of gelu, '),
        ({"model_type": "hubert", "feat_proj_layer_norm": False}, "unexpected .*by config.json: .*no final norm"),
        ({"feat_extract_norm": "batch"}, "'batch'; expected 'group', 'layer' or 'global'"),
        ({"feat_extract_norm": "layer"}, r"missing .*conv_layers\.1\.layer_norm\.bias.*expected by config\.json"),
        ({"conv_bias": True}, r"missing .*0\.conv\.bias"),
        ({"conv_bias": "no"}, "conv_bias"),
        ({"conv_dim": [4, 6]}, "lengths differ"),
        ({"conv_dim": [4, 6, 7]}, r"has shape \(5, 6, 2\); expected \(7, 6, 2\)"),
        ({"conv_kernel": [4, 3, 3]}, r"has shape \(5, 6, 2\); expected \(5, 6, 3\)"),
        ({"conv_dim": [4, 6], "conv_kernel": [4, 3], "conv_stride": [2, 2]}, r"unexpected .*2\.conv\.weight"),
        ({"conv_stride": [2, 2, 0]}, "strides"),
        ({"conv_dim": "512"}, "channels"),
        ({"conv_dim": {"a": 1}}, "channels"),
        ({"layer_norm_eps": -1}, "layer_norm_eps"),
    ],
)
def test_configs_that_do_not_fit(tmp_path, output, changes, match):
    save_transformers(tmp_path, SMALL, **changes)
    refused(tmp_path, output, match)


def test_without_a_config_strides_are_not_guessed(tmp_path, output):
    save_safetensors(tmp_path / "model.safetensors", state_dict())
    refused(tmp_path, output, r"kernel sizes \(4, 3, 2\), and no config\.json next to it to say the strides")


CHANGES = {
    "missing": (lambda s: s.pop("w.feature_projection.layer_norm.bias"), r"missing w\.feature_projection"),
    "extra": (
        lambda s: s.update({"w.feature_extractor.extra": np.zeros(2)}),
        r"unexpected w\.feature_extractor\.extra",
    ),
    "shape": (
        lambda s: s.update({"w.feature_projection.layer_norm.bias": np.zeros(9)}),
        r"shape \(9,\); expected \(5,\)",
    ),
    "nan": (lambda s: s["w.feature_projection.layer_norm.bias"].fill(np.nan), "5 of 5 values not finite"),
    "two": (lambda s: s.update({f"v{k}": v for k, v in s.items()}), "2 encoders, with the prefixes 'vw.'.*and 'w.'"),
    "none": (lambda s: s.clear(), "no encoder among 0 tensors"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_tensors_that_do_not_fit(tmp_path, output, change, kind):
    apply, match = CHANGES[change]
    state = state_dict(prefix="w.")
    apply(state)
    (tmp_path / "config.json").write_text(config_json())
    path = tmp_path / "model"
    save_safetensors(path, state) if kind == "safetensors" else SAVERS[kind](path, tensors(state))
    refused(path, output, match)


def test_values_too_large_for_float32_and_dtypes_that_are_no_floats(tmp_path, output):
    (tmp_path / "config.json").write_text(config_json())
    state = state_dict()
    state["feature_projection.layer_norm.bias"] = np.full(5, 1e300)
    save_safetensors(tmp_path / "a", state, "float64")
    refused(tmp_path / "a", output, "not finite in float32")
    save_safetensors(tmp_path / "a", state_dict(), "int32")
    refused(tmp_path / "a", output, "is I32; expected one of float64")


def test_fairseq_settings_that_do_not_fit(tmp_path, output):
    state = tensors(state_dict(tool="fairseq"))
    for settings_, match in [
        ({"conv_feature_layers": "[(4, 4, 3)] * 10**9"}, "in its settings, conv_feature_layers is"),
        ({"conv_feature_layers": 3}, "conv_feature_layers"),
        ({"conv_feature_layers": LAYERS, "extractor_mode": "conformer"}, "extractor_mode is 'conformer'"),
        ({"conv_feature_layers": LAYERS, "extractor_mode": "layer_norm"}, "missing .*by cfg.model in the file"),
        ({"conv_feature_layers": LAYERS, "conv_bias": "x"}, "conv_bias"),
    ]:
        save_zip(tmp_path / "a.pt", {"cfg": {"model": settings_}, "model": state})
        refused(tmp_path / "a.pt", output, match)


# Where it goes


def test_outputs(tmp_path, output, monkeypatch):
    source = tmp_path / "model" / "model.safetensors"
    save_transformers(source.parent)
    content = source.read_bytes()
    refused(source, tmp_path / "model.npz", "ends so")
    refused(source, tmp_path, "a directory")
    refused(source, source, "the source itself")
    refused(source, source / "under" / "a.safetensors", "is a file; expected a folder")
    assert source.read_bytes() == content
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="cannot write"):
        convert_checkpoint(source, output)


def test_the_command_says_one_line(tmp_path, output, capsys, monkeypatch):
    monkeypatch.setattr("w2v_jax._src.streams.prepare", lambda: None)  # a program's streams, which pytest's are not
    assert main([f"--source={tmp_path / 'none.pt'}", f"--output={output}"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1


def test_names_in_a_file_cannot_write_to_the_terminal(tmp_path, output):
    save_safetensors(tmp_path / "a", {"\x1b[2J\n\u202e" + "x" * 5000: np.zeros(1)})
    assert len(refused(tmp_path / "a", output, "no encoder")) < 1000


# Truncation and damage


def write_each_format(folder):
    fairseq = {"args": {"conv_feature_layers": LAYERS}, "model": tensors(state_dict(tool="fairseq"))}
    save_transformers(folder)
    save_zip(folder / "zip", fairseq)
    save_legacy(folder / "legacy", fairseq)
    return [folder / name for name in ("model.safetensors", "zip", "legacy")]


def test_truncation_anywhere_is_noticed(tmp_path, output):
    for whole in write_each_format(tmp_path):
        convert_checkpoint(whole, tmp_path / "whole.safetensors")
        data = whole.read_bytes()
        step = max(1, len(data) // 150)
        for size in {*range(0, len(data), step), *range(min(64, len(data))), *range(len(data) - 32, len(data))}:
            whole.write_bytes(data[:size])
            refused(whole, output, "truncated|damaged|empty|not a checkpoint|text file|not valid JSON")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_gives_an_encoder_or_one_line(tmp_path, output, data):
    files = write_each_format(tmp_path)
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    # The first and last parts hold the structure.
    places = st.one_of(st.integers(0, min(3000, len(content) - 1)), st.integers(0, len(content) - 1))
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        content[at] = value
    path.write_bytes(content)
    output.unlink(missing_ok=True)
    if main([f"--source={path}", f"--output={output}"]) == 0:  # any other exception would get through
        load_encoder(output)
    else:
        assert not output.exists()


# Pickles that would run something


def stack_global(module, name):
    return Raw(
        b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93"
    )


def attacks(mark):
    """Ways to run code, each of which would make the file `mark` if it ran."""
    touch = f"open({str(mark)!r}, 'w').close()"
    system, evaluate = Name("os", "system"), Name("builtins", "eval")
    getattr_ = Name("builtins", "getattr")
    text = f"{touch}\n".encode().replace(b"\n", b"")
    return {
        "os.system": Call(system, (f"touch {mark}",)),
        "posix.system": Call(Name("posix", "system"), (f"touch {mark}",)),
        "eval": Call(evaluate, (touch,)),
        "eval-py2": Call(Name("__builtin__", "eval"), (touch,)),
        "exec": Call(Name("builtins", "exec"), (touch,)),
        "subprocess": Call(Name("subprocess", "check_call"), (["touch", str(mark)],)),
        "open": Call(Name("builtins", "open"), (str(mark), "w")),
        "getattr": Call(Call(getattr_, (Name("os", "sys"), "system")), (f"touch {mark}",)),
        "dotted": Call(stack_global("torch._utils", "importlib.os.system"), (f"touch {mark}",)),
        "dotted-whitelisted": Call(stack_global("collections", "OrderedDict.__init__.__globals__"), ()),
        "torch-load": Call(Name("torch.storage", "_load_from_bytes"), (str(mark),)),
        "runpy": Call(Name("runpy", "_run_code"), (touch, {})),
        "inst": Raw(b"(" + b"X" + struct.pack("<I", len(text)) + text + b"ibuiltins\neval\n"),
        "obj": Raw(b"(cbuiltins\neval\nX" + struct.pack("<I", len(text)) + text + b"o"),
        "newobj": Raw(b"cbuiltins\neval\nX" + struct.pack("<I", len(text)) + text + b"\x85\x81"),
        "newobj_ex": Raw(b"cbuiltins\neval\nX" + struct.pack("<I", len(text)) + text + b"\x85}\x92"),
        "build-class": Instance(Name("collections", "OrderedDict"), {"__class__": evaluate, "__reduce__": evaluate}),
        "build-slots": Raw(pickled(Name("torch._utils", "_rebuild_tensor_v2"))[2:-1] + b"N}X\x01\0\0\0aNs\x86b"),
        "build-function": Instance(Name("torch._utils", "_rebuild_tensor_v2"), {"__code__": 1, "__defaults__": ()}),
        "setstate": Instance(Name("functools", "partial"), (system, (f"touch {mark}",), {}, None)),
        "from-type": Call(Name("torch._tensor", "_rebuild_from_type_v2"), (system, 1, (f"touch {mark}",), None)),
        "nested-rebuild": Call(Name("torch._utils", "_rebuild_parameter"), (Call(system, (f"touch {mark}",)),)),
        "persistent": Persistent(("module", Call(evaluate, (touch,)), None, None)),
        "storage-type": Persistent(("storage", evaluate, touch, "cpu", 3)),
        "storage-type-and-view": Persistent(("storage", evaluate, touch, "cpu", 3, None)),
        "key": {Call(evaluate, (touch,)).function.name: Call(evaluate, (touch,))},
    }


ATTACKS = list(attacks("x"))
# What PyTorch refuses wherever it stands: ids that the other format has, functions without their arguments.
REFUSED_ANYWHERE = {
    ("zip", "persistent"),
    ("zip", "storage-type-and-view"),
    ("legacy", "storage-type"),
    *((kind, attack) for kind in ("zip", "legacy") for attack in ("build-function", "nested-rebuild")),
}


def survives(path, output, mark, *, converts):
    if converts:
        convert_checkpoint(path, output)
        load_encoder(output)
    else:
        with pytest.raises(CheckpointError):
            convert_checkpoint(path, output)
        assert not output.exists()
    assert not mark.exists()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", SAVERS)
def test_nothing_in_a_pickle_runs(tmp_path, output, kind, attack):
    mark = tmp_path / "ran"
    hostile = attacks(mark)[attack]
    model = tensors(state_dict(tool="fairseq"))
    args = {"conv_feature_layers": LAYERS}
    path = tmp_path / "a.pt"
    # Next to the encoder it does no harm; in place of a tensor, of the settings or of everything, it is refused.
    SAVERS[kind](path, {"extra": hostile, "args": args, "model": model | {"x": hostile}})
    survives(path, output, mark, converts=(kind, attack) not in REFUSED_ANYWHERE)
    output.unlink(missing_ok=True)
    SAVERS[kind](path, {"args": args, "model": model | {"feature_extractor.conv_layers.0.0.weight": hostile}})
    survives(path, output, mark, converts=False)
    SAVERS[kind](path, {"args": {"conv_feature_layers": hostile}, "model": model})
    survives(path, output, mark, converts=False)
    SAVERS[kind](path, hostile)
    survives(path, output, mark, converts=False)


def test_these_attacks_would_work(tmp_path):
    """That the test above tests something: Python's unpickler falls for them."""
    mark = tmp_path / "ran"
    for attack in ("os.system", "eval", "exec", "open", "inst", "obj", "subprocess"):
        pickle.loads(pickled(attacks(mark)[attack]))
        assert mark.exists(), attack
        mark.unlink()


def test_the_registry_of_extensions_is_not_consulted(tmp_path, output):
    import copyreg

    copyreg.add_extension("os", "system", 0x7E)
    try:
        hostile = Call(Raw(b"\x82\x7e"), (f"touch {tmp_path / 'ran'}",))
        path = tmp_path / "a"
        args = {"conv_feature_layers": LAYERS}
        save_zip(path, {"args": args, "x": hostile, "model": tensors(state_dict(tool="fairseq"))})
        survives(path, output, tmp_path / "ran", converts=True)
    finally:
        copyreg.remove_extension("os", "system", 0x7E)


# Pickles that would fill memory, or read what is not theirs


@pytest.mark.parametrize(
    "claims",
    [
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**60},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"stride": (2**61,)},
        {"stride": ()},
        {"size": (-5,)},
        {"size": (2**61,)},
        {"size": (2**40,), "stride": (0,), "numel": 2**40},
        {"size": (2**100,)},
        {"size": (1,) * 99, "stride": (1,) * 99},
        {"size": "abcde"},
        {"size": [[5]]},
        {"numel": 4},
        {"numel": 6},
        {"numel": 2**61},
        {"numel": -1},
        {"numel": "5"},
        {"numel": 2**2000},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", SAVERS)
def test_views_outside_of_their_storage(tmp_path, output, kind, claims):
    state = tensors(state_dict())
    name = "feature_projection.layer_norm.bias"
    state[name] = dataclasses.replace(state[name], claims=claims)
    (tmp_path / "config.json").write_text(config_json())
    SAVERS[kind](tmp_path / "a", state)
    refused(tmp_path / "a", output, "damaged|missing|shape")


REBUILD = b"ctorch._tensor\n_rebuild_from_type_v2\n"
BOMBS = {
    "huge-string": Raw(b"\x8d" + struct.pack("<Q", 2**62) + b"x"),
    "huge-bytes": Raw(b"B" + struct.pack("<I", 2**32 - 1) + b"x"),
    "huge-number": Raw(b"\x8b" + struct.pack("<i", 2**31 - 1) + b"x"),
    "negative": Raw(b"\x8b" + struct.pack("<i", -1)),
    "deep": Raw(b")" + b"\x85" * 100_000),
    "deep-key": Raw(b"}(" + b")" + b"\x85" * 100_000 + b"Nu"),
    "deep-calls": Raw(REBUILD + (b"(" + REBUILD + b"N") * 3000 + b")" + b"Nt" * 3000 + b"R"),
    "deep-lists": Raw(b"]" * 100_000 + b"a" * 99_999),
    "laughs": Raw(b"}q\x00" + b"".join(b"}(X\1\0\0\0ah%cX\1\0\0\0bh%cuq%c" % (i, i, i + 1) for i in range(200))),
    "itself": Raw(b"}q\x00X\1\0\0\0ah\x00s"),
    "endless": Raw(b"]" + b"Na" * 200_000),
    "no-mark": Raw(b"t"),
    "no-memo": Raw(b"h\x63"),
    "underflow": Raw(b"000"),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("kind", SAVERS)
def test_bombs(tmp_path, output, kind, bomb, monkeypatch):
    monkeypatch.setattr(unpickle, "MOST_STEPS", 300_000)
    SAVERS[kind](tmp_path / "a", BOMBS[bomb])
    if bomb.startswith("huge"):
        tracemalloc.start()
    refused(tmp_path / "a", output, "damaged|no encoder|more than|holds a pickled")
    if bomb.startswith("huge"):
        assert tracemalloc.get_traced_memory()[1] < 10e6
        tracemalloc.stop()


def test_zip_bombs_and_names_that_lead_elsewhere(tmp_path, output):
    (tmp_path / "config.json").write_text(config_json())
    save_zip(tmp_path / "a", tensors(state_dict()), compression=zipfile.ZIP_DEFLATED)
    refused(tmp_path / "a", output, "compressed")
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        name = Persistent(("storage", Name("torch", "FloatStorage"), "../../../etc/passwd", "cpu", 5))
        hooks = Call(Name("collections", "OrderedDict"))
        tensor = Call(Name("torch._utils", "_rebuild_tensor_v2"), (name, 0, (5,), (1,), False, hooks))
        archive.writestr("a/data.pkl", pickled({"feature_extractor.conv_layers.0.conv.weight": tensor}))
        archive.writestr("a/version", "3")
    refused(tmp_path / "a", output, "etc/passwd is missing")


@pytest.mark.parametrize(("module", "dtype"), [("torch", "float32"), ("torch.storage", "float32"), ("torchy", None)])
def test_storages_of_other_packages_are_not_taken_for_pytorchs(module, dtype):
    identity = ("storage", pickled_tensors.Global(module, "FloatStorage"), "0", "cpu", 5)
    assert pickled_tensors.persistent(identity, with_views=False).dtype == dtype


def test_a_directory_that_leads_beyond_any_file(tmp_path, output):
    """A zip64 offset of more than a file can have."""
    save_zip(tmp_path / "a", tensors(state_dict()))
    data = (tmp_path / "a").read_bytes()
    at = data.index(b"PK\x01\x02")  # the first entry of the directory
    name_length, extra_length = struct.unpack("<HH", data[at + 28 : at + 32])
    extra = struct.pack("<HHQ", 1, 8, 2**63 + 5)
    entry = data[at : at + 30] + struct.pack("<H", extra_length + len(extra)) + data[at + 32 : at + 42]
    entry += b"\xff" * 4 + data[at + 46 : at + 46 + name_length + extra_length] + extra
    end = data.index(b"PK\x05\x06")
    directory = entry + data[at + 46 + name_length + extra_length : end]
    ending = data[end : end + 12] + struct.pack("<II", len(directory), at) + data[end + 20 :]
    (tmp_path / "a").write_bytes(data[:at] + directory + ending)
    refused(tmp_path / "a", output, "lies outside the file|damaged")


def test_names_that_fill_the_memory(tmp_path, output, monkeypatch):
    """A small file whose shared dicts stand for many values with long names."""
    monkeypatch.setattr(torch_archive, "_MOST_CHARACTERS", 1_000_000)
    inner = b"}(" + b"".join(b"X\xf4\1\0\0" + b"%0500dN" % i for i in range(200)) + b"u"
    middle = b"}q\x00(" + b"".join(b"X\xf4\1\0\0" + b"%0500d" % i + b"h\x01" for i in range(200)) + b"u"
    save_zip(tmp_path / "a", Raw(inner + b"q\x010" + middle))
    tracemalloc.start()
    refused(tmp_path / "a", output, "it holds more than 200000 values, or their names more than 1000000 characters")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_legacy_counts_that_lie(tmp_path, output):
    save_legacy(tmp_path / "a", {"x": Tensor(np.zeros(3, np.float32))})
    data = (tmp_path / "a").read_bytes()
    for count in (2, 4, 2**61, 2**64 - 1):
        (tmp_path / "a").write_bytes(data[:-20] + struct.pack("<Q", count) + data[-12:])
        refused(tmp_path / "a", output, "damaged|truncated")
    (tmp_path / "a").write_bytes(pickled(MAGIC) + pickled(1000) + data)
    refused(tmp_path / "a", output, "not version 1001")


def test_a_safetensors_header_that_lies(tmp_path, output):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    for lie in (
        {"shape": [3]},
        {"shape": [-2]},
        {"shape": [2**40]},
        {"shape": "2"},
        {"data_offsets": [8, 0]},
        {"data_offsets": [-8, 0]},
        {"data_offsets": [0, 16]},
        {"data_offsets": [0]},
        {"dtype": 3},
        {"dtype": "F64"},
    ):
        header = json.dumps({"x": entry | lie}).encode()
        (tmp_path / "a").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
        refused(tmp_path / "a", output, "describes|truncated")

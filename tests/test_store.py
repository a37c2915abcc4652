"""What is kept stays: what cannot be read is neither absent nor damaged, and no process undoes another's work."""

import dataclasses
import errno
import json
import os
import pathlib
import threading
import time

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from processes import run_in_process, wait_until

from experiments.front_ends import named
from experiments.store import file_names, locks, made_with, measurements, measurements_file, rows, shards
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from w2v_jax._src import tensor_file

SETTINGS = {"encoder": "ours"}
TENSORS = {"x": np.arange(3, dtype=np.float32)}


def no_call(*_):
    raise AssertionError("nothing is to be computed")


def everything(folder):
    """Every file below a folder and its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def unreadable(monkeypatch):
    """Makes every opening of a path fail with an error number, until another is chosen."""
    chosen: dict[pathlib.Path, int] = {}
    original = pathlib.Path.open

    def open_(path, *arguments, **options):
        if path in chosen:
            raise OSError(chosen[path], os.strerror(chosen[path]), str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(pathlib.Path, "open", open_)
    return chosen


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.EISDIR])
@pytest.mark.parametrize("settings", [SETTINGS, {"encoder": "another"}])
def test_a_result_that_cannot_be_read_stays(tmp_path, unreadable, number, settings):
    path = tmp_path / "f0/map.a.umap.safetensors"
    made_with.write(path, TENSORS, settings)
    before = everything(tmp_path)
    unreadable[path] = number
    with pytest.raises(made_with.UnreadableError) as raised:
        Results(tmp_path).kept("f0", path.name, SETTINGS, no_call)
    said = str(raised.value)
    assert said.startswith(f"{path}: it cannot be read ({os.strerror(number)}), so nothing was changed")
    assert "\n" not in said
    unreadable.clear()
    assert everything(tmp_path) == before


def test_a_link_to_a_disk_that_is_away_is_not_absent(tmp_path):
    for name in ("map.a.safetensors", "metrics.json"):
        (tmp_path / "f0").mkdir(exist_ok=True)
        (tmp_path / "f0" / name).symlink_to(tmp_path / "away" / name)
    with pytest.raises(ReplacementError, match=r"metrics.json: it cannot be read \(a link to what is not there\)"):
        Results(tmp_path).kept("f0", "map.a.safetensors", SETTINGS, no_call)
    (tmp_path / "f0/metrics.json").unlink()
    with pytest.raises(made_with.UnreadableError, match="a link to what is not there"):
        Results(tmp_path).kept("f0", "map.a.safetensors", SETTINGS, no_call)
    assert (tmp_path / "f0/map.a.safetensors").is_symlink()


def test_a_folder_in_a_files_place_stays(tmp_path):
    (tmp_path / "f0/map.a.safetensors").mkdir(parents=True)
    with pytest.raises(made_with.UnreadableError, match="Is a directory"):
        Results(tmp_path).kept("f0", "map.a.safetensors", SETTINGS, no_call)


def of_ours(path):
    tensor_file.write_file(path, TENSORS, metadata={"made by": "somebody"})


def of_bfloat16(path):
    header = b'{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (of_ours, "it does not say its settings"),
        (lambda path: safetensors.numpy.save_file(TENSORS, path, {"format": "pt"}), "it does not say its settings"),
        (of_bfloat16, "its x is BF16, which NumPy lacks"),
    ],
)
def test_a_whole_file_of_unknown_settings_is_not_replaced(tmp_path, write, message):
    path = tmp_path / "f0/map.a.safetensors"
    path.parent.mkdir()
    write(path)
    before = everything(tmp_path)
    with pytest.raises(ReplacementError, match=message):
        Results(tmp_path).kept("f0", path.name, SETTINGS, no_call)
    assert everything(tmp_path) == before
    Results(tmp_path, overwrite=True).kept("f0", path.name, SETTINGS, lambda: TENSORS)
    assert made_with.read_back(path, SETTINGS)


def test_an_altered_file_is_computed_again_and_it_is_said(tmp_path, capsys):
    path = Results(tmp_path).folder / "f0/map.a.safetensors"
    Results(tmp_path).kept("f0", path.name, SETTINGS, lambda: TENSORS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 4]))
    Results(tmp_path).kept("f0", path.name, SETTINGS, lambda: TENSORS)
    assert "computed again (the file is damaged: " in capsys.readouterr().out
    assert path.read_bytes() == whole
    Results(tmp_path).kept("f0", path.name, SETTINGS, no_call)


def test_a_whole_shard_of_unknown_settings_is_not_made_again(tmp_path):
    folder = shards.ShardFolder(tmp_path / "x.shards", SETTINGS, shards.shard_spans(6, block_size=3, rows_per_shard=3))
    folder.write(folder.spans[0], np.zeros((3, 2), np.float32))
    (path,) = folder.path.iterdir()
    of_bfloat16(path)
    (changed,) = folder.inventory().changed
    assert changed == f"{path.name}: its x is BF16, which NumPy lacks"


def test_a_shard_that_cannot_be_read_is_not_made_again(tmp_path, unreadable):
    folder = shards.ShardFolder(tmp_path / "x.shards", SETTINGS, shards.shard_spans(6, block_size=3, rows_per_shard=3))
    folder.write(folder.spans[0], np.zeros((3, 2), np.float32))
    (path,) = folder.path.iterdir()
    unreadable[path] = errno.EIO
    for look in (folder.inventory, lambda: folder.has(folder.spans[0])):
        with pytest.raises(made_with.UnreadableError, match="Input/output error"):
            look()


def measured(*names, experiment="f0", value=1.0, notes=(), settings=None, pairs=()):
    """What a run has measured of front ends of these names, and of pairs of them."""
    several = [measurements.about(named.random_encoder(name, 0)) for name in names]
    of_each = [dataclasses.replace(rows.number("score", value), encoder=name) for name in names]
    of_pairs = [dataclasses.replace(rows.number("cka", value, **{rows.WITH: b}), encoder=a) for a, b in pairs]
    encoders = {each.name: each for each in several}
    return rows.Measurements(experiment, (*of_each, *of_pairs), encoders, settings=settings or {}, notes=tuple(notes))


METRICS = json.loads(measurements_file.json_text(measured("theirs", value=1.5)))


def without(entry):
    return {name: each for name, each in METRICS.items() if name != entry}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(METRICS)[:-5], "it cannot be read ("),
        ("", "it cannot be read (0 bytes"),
        ("\xff", "it cannot be read"),
        (json.dumps(METRICS).replace("1.5", "NaN"), "NaN is not a number that JSON has"),
        (json.dumps(METRICS).replace("1.5", "1e400"), "1e400 is not a number that JSON has"),
        (json.dumps(METRICS).replace("1.5", "[" * 100_000), "nested too deep"),
        (json.dumps(METRICS | {"experiment": "temporal"}), "'experiment' is temporal"),
        (json.dumps(without("format")), "an earlier version wrote it; expected format 2"),
        (json.dumps(METRICS | {"format": 3}), "'format' is 3; expected format 2"),
        (json.dumps(METRICS | {"encoders": [1]}), "'encoders' is [1]"),
        (json.dumps(METRICS | {"encoders": {"a": 1}}), "'encoders' has 1 for 'a'"),
        (json.dumps(METRICS | {"encoders": {"a": {"kind": "random"}}}), "'encoders' has {'kind': 'random'} for 'a'"),
        (json.dumps(without("rows")), "'rows' is missing"),
        (json.dumps(METRICS | {"rows": [[1]]}), "a row is [1]"),
        (json.dumps(METRICS | {"rows": [[1, *METRICS["rows"][0][1:]]]}), "a row has 1 for its quantity"),
        (json.dumps(METRICS | {"columns": ["value"]}), "'columns' is ['value']"),
        (json.dumps(METRICS | {"notes": [1]}), "'notes' or 'made_with' has something else than text"),
        ("[]", "expected an object, found a list"),
        (None, "it cannot be read (Is a directory)"),
    ],
)
def test_metrics_that_cannot_be_read_stop_everything(tmp_path, text, message):
    path = tmp_path / "f0/metrics.json"
    path.parent.mkdir()
    path.mkdir() if text is None else path.write_bytes(text.encode("latin-1"))
    before = everything(tmp_path)
    ours = named.random_encoder("ours", 0)
    for attempt in (
        lambda: Results(tmp_path).kept("f0", "map.a.safetensors", SETTINGS, no_call),  # before anything is computed
        lambda: Results(tmp_path, overwrite=True).sweep("f0", ours, None, no_call),
        lambda: measurements.save(Results(tmp_path, recompute=True), measured("ours")),
        lambda: measurements.check_vowels(Results(tmp_path), "f0"),
    ):
        with pytest.raises(ReplacementError) as raised:
            attempt()
        assert str(raised.value).startswith(f"{path}: ")
        assert message in str(raised.value)
        assert str(raised.value).isprintable()
    assert everything(tmp_path) == before


def test_runs_that_end_together_keep_all_their_numbers(tmp_path):
    names = [f"random-{index}" for index in range(12)]

    def save(name):
        measurements.save(Results(tmp_path), measured(name))

    threads = [threading.Thread(target=save, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    kept = Results(tmp_path).measurements("f0")
    assert set(kept.encoders) == {row.encoder for row in kept.rows} == set(names)
    assert {path.name for path in (tmp_path / "f0").iterdir()} == {"metrics.json", "metrics.csv"}


def test_a_run_keeps_what_others_have_measured(tmp_path):
    """Rows of other front ends and of pairs among them, with their notes; rows of those measured again are replaced."""
    results = Results(tmp_path)
    measurements.save(results, measured("a", "r1", "r2", notes=["of a"], pairs=[("a", "r1"), ("r1", "r2")]))
    measurements.save(results, measured("b", "r1", value=2, notes=["of b"], pairs=[("b", "r1")]))
    kept = results.measurements("f0")
    assert [(row.encoder, row.parameters, row.value) for row in kept.rows] == [
        ("b", (), 2),
        ("r1", (), 2),
        ("b", (("with", "r1"),), 2),
        ("a", (), 1),
        ("r2", (), 1),
    ]
    assert kept.notes == ("of b", "of a")
    measurements.save(results, measured("a", "b", "r1", "r2", notes=["of all"]))
    assert results.measurements("f0").notes == ("of all",)


def test_other_vowels_that_came_meanwhile_are_not_replaced(tmp_path):
    hers = measured("a", experiment="formants", settings={"vowels": {"table": "hers.csv"}})
    measurements.save(Results(tmp_path, overwrite=True), hers)
    before = everything(tmp_path)
    with pytest.raises(ReplacementError, match=r"made with other vowels .*hers\.csv"):
        measurements.save(Results(tmp_path), measured("a", experiment="formants", settings={"vowels": None}))
    assert everything(tmp_path) == before


def hold(path, told):
    with locks.alone(path, label="a sweep"):
        told.touch()
        time.sleep(600)


def test_who_waits_says_for_whom_and_a_killed_one_holds_nothing(tmp_path, capsys):
    path = tmp_path / "r/x.safetensors"
    holder = run_in_process(hold, path, tmp_path / "held")
    wait_until((tmp_path / "held").exists)
    threading.Timer(0.5, holder.kill).start()
    with locks.alone(path, label="a sweep"):
        holder.join(60)
    said = capsys.readouterr().out
    assert said.startswith("a sweep: waiting; another process is at work on it (host ")
    assert f"process {holder.pid}, since 2" in said
    assert not list(path.parent.iterdir())
    with locks.alone(path, label="a sweep"):
        assert [each.name for each in path.parent.iterdir()] == [".x.lock"]


def test_a_second_command_waits_and_reads_what_the_first_has_made(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        time.sleep(0.3)
        return TENSORS

    def command():
        Results(tmp_path).kept("f0", "map.a.safetensors", SETTINGS, compute)

    threads = [threading.Thread(target=command) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert calls == [1]
    assert [path.name for path in (tmp_path / "f0").iterdir()] == ["map.a.safetensors"]


@given(st.text(min_size=1, max_size=40))
def test_safe_names_are_safe_on_every_system(name):
    safe = file_names.safe_name(name)
    assert not set(safe) & set('<>:"/\\|?*')
    assert all(ord(sign) >= 32 for sign in safe)
    assert not safe.endswith((".", " "))
    assert safe.partition(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert file_names.safe_name(safe) == safe
    safe.encode()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("bias.claims.crepe:make.png", "bias.claims.crepe-make.png"),
        ("facebook/wav2vec2-base@main", "facebook--wav2vec2-base@main"),
        ("what?.png", "what_.png"),
        ("nul.txt", "nul_.txt"),
        ("console.txt", "console.txt"),
        ("ends. ", "ends__"),
        ("bias.zoë.png", "bias.zoë.png"),
    ],
)
def test_safe_names(name, safe):
    assert file_names.safe_name(name) == safe


def test_results_under_the_old_names_are_read(tmp_path):
    results, old = Results(tmp_path), tmp_path / "f0/tones.m:make.safetensors"
    assert results.path("f0", old.name).name == "tones.m-make.safetensors"
    made_with.write(old, TENSORS, SETTINGS)
    tensors = results.kept("f0", old.name, SETTINGS, no_call)
    np.testing.assert_array_equal(tensors["x"], TENSORS["x"])
    assert results.read_back == [old]
    results.save_text("f0", "tones.m:make.map.csv", "x,y\n")
    assert sorted(path.name for path in old.parent.iterdir()) == ["tones.m-make.map.csv", old.name]


def test_names_that_would_share_files_are_refused(tmp_path):
    assert file_names.shared(["a:b", "c", "a-b"]) == ("a:b", "a-b")
    assert file_names.shared(["Zo\u00eb", "zoe\u0308"]) == ("Zo\u00eb", "zoe\u0308")
    measurements.save(Results(tmp_path), measured("m:make"))
    with pytest.raises(ReplacementError, match=r"f0 has results of 'm:make', whose files .* 'm-make'"):
        Results(tmp_path).admit("f0", "m-make")
    Results(tmp_path).admit("f0", "m:make")
    Results(tmp_path, overwrite=True).admit("f0", "m-make")

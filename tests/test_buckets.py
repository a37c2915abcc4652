"""Results in a bucket: kept, read back and gone on with as in a folder. It is fsspec's file system in memory."""

import contextlib
import dataclasses
import fcntl
import functools
import json
import os
import tempfile

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from processes import two_tones

from experiments.front_ends import resolving
from experiments.store import buckets, made_with, measurements, rows, sweeping
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError, Share
from w2v_jax._src import files, tensor_file
from w2v_jax.grids import Grid

GRID = Grid("tones", ({"low": np.linspace(100, 400, 40)}, {"high": np.linspace(1_000, 3_000, 10)}))


class Bucket(MemoryFileSystem):
    """`s3://`, in memory; counts what is written."""

    protocol = "s3"
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(str(path).removeprefix("s3://"))


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    epath = pytest.importorskip("etils.epath")
    fsspec.register_implementation("s3", Bucket, clobber=True)
    type(epath.backend.fsspec_backend)._get_filesystem.cache_clear()
    Bucket.store.clear()
    monkeypatch.chdir(tmp_path)
    yield buckets.path_of("s3://results/mine")
    assert not list(tmp_path.iterdir())  # no folder named "s3:"


def sweep(results, weights, **changes):
    (front_end,) = resolving.resolve([weights])
    grid = changes.pop("grid", GRID)
    return results.sweep("tones", front_end, grid, two_tones, **changes)


def test_a_sweep_is_kept_and_read_back(bucket, weights, tmp_path_factory):
    results = Results(bucket)
    results.check()
    features = sweep(results, weights)
    expected = sweep(Results(tmp_path_factory.mktemp("folder")), weights)
    np.testing.assert_array_equal(features, expected)
    assert sorted(Bucket.store) == ["/results/mine/tones/tones.tiny.safetensors"]  # neither probe nor shards

    again = Results(bucket)
    np.testing.assert_array_equal(sweep(again, weights), expected)
    assert [str(path) for path in again.read_back] == ["s3://results/mine/tones/tones.tiny.safetensors"]
    other = Grid("tones", ({"low": np.array([100.0, 200.0])}, {"high": np.array([1_000.0, 1_100.0])}))
    with pytest.raises(ReplacementError, match=r"^s3://results/mine/tones/.* made with other settings .*grid"):
        sweep(Results(bucket), weights, grid=other)
    assert len(sweep(Results(bucket, overwrite=True), weights, grid=other)) == 4


def test_a_sweep_that_was_stopped_goes_on(bucket, weights, monkeypatch, capsys):
    write, written = sweeping.ShardFolder.write, []

    def stop_at_the_third(folder, span, features):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(span)
        write(folder, span, features)

    with monkeypatch.context() as patch:
        patch.setattr(sweeping.ShardFolder, "write", stop_at_the_third)
        with pytest.raises(
            sweeping.SweepStopped, match=r"256 of 400 sounds are finished and kept in s3://results/mine/"
        ):
            sweep(Results(bucket, batch_size=32), weights)
    assert len(Bucket.store) == 2
    sweep(Results(bucket, batch_size=32), weights)
    assert "going on, 256 of 400 sounds were finished before" in capsys.readouterr().out
    assert len(Bucket.store) == 1


def test_two_processes_share_a_sweep(bucket, weights):
    """One after the other here: the second finds what the first has put there."""
    share = functools.partial(Share, count=2, patience=0.1)
    wait = sweeping.await_file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "await_file", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(sweeping.SweepStopped):
            sweep(Results(bucket, batch_size=32, share=share(1)), weights)
    assert Bucket.store
    assert len(sweep(Results(bucket, batch_size=32, share=share(0)), weights)) == 400
    path = bucket / "tones/tones.tiny.safetensors"
    wait(path, json.loads(tensor_file.open_file(path).metadata["settings"]), label="tones")


def test_texts_and_metrics(bucket, weights):
    (tiny,) = resolving.resolve([weights])
    for value in (0.5, 0.6):
        row = dataclasses.replace(rows.number("score", value), encoder="tiny")
        measured = rows.Measurements("f0", (row,), {"tiny": measurements.about(tiny)})
        measurements.save(Results(bucket), measured)
    assert Results(bucket).measurements("f0").value("score", encoder="tiny") == 0.6
    assert "score" in (bucket / "f0/metrics.csv").read_text(encoding="utf-8")
    with contextlib.suppress(RuntimeError), files.atomic_path(bucket / "half.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert not (bucket / "half.txt").exists()


def test_waiting_fetches_a_result_of_others_once(bucket, monkeypatch):
    path, fetched, looks = bucket / "tones/tones.a.safetensors", [], []
    made_with.write(path, {"x": np.zeros(3, np.float32)}, {"encoder": "another"})
    original = files.fetched
    monkeypatch.setattr(files, "fetched", lambda path: fetched.append(path) or original(path))

    def pause(seconds):
        looks.append(seconds)
        if len(looks) == 20:
            made_with.write(path, {"x": np.ones(3, np.float32)}, {"encoder": "ours"})

    monkeypatch.setattr(sweeping.time, "sleep", pause)
    sweeping.await_file(path, {"encoder": "ours"}, label="tones")
    assert len(looks) == 20
    assert len(fetched) == 2


def test_copies_have_no_name_and_go_with_who_uses_them(bucket, monkeypatch, tmp_path_factory):
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    made_with.write(bucket / "x.safetensors", {"x": np.arange(3.0)}, {})
    file = made_with.read_back(bucket / "x.safetensors", {})
    values = file.array("x")
    assert not list(place.iterdir())  # a kill here leaves nothing
    del file
    np.testing.assert_array_equal(values, np.arange(3.0))


def test_what_a_killed_process_was_sending_goes_with_the_next_file(bucket, monkeypatch, tmp_path_factory):
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    left, busy, elsewhere = (place / f"w2v_jax-upload-{name}" for name in ("left", "busy", "link"))
    for each in (left, busy):
        each.mkdir()
        (each / "x").write_bytes(b"x")
        os.utime(each, (1, 1))
    elsewhere.symlink_to(left)
    handle = os.open(busy, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    made_with.write(bucket / "x.safetensors", {"x": np.arange(3.0)}, {})
    assert set(place.iterdir()) == {busy, elsewhere}
    os.close(handle)
    made_with.write(bucket / "x.safetensors", {"x": np.arange(3.0)}, {})
    assert set(place.iterdir()) == {elsewhere}


@pytest.mark.parametrize("error", [ValueError("Forbidden:\nno token"), OSError(28, "No space left on device")])
def test_what_cannot_be_fetched_stays(bucket, monkeypatch, error):
    made_with.write(bucket / "f0/map.a.safetensors", {"x": np.arange(3.0)}, {"encoder": "another"})
    before = {name: file.getvalue() for name, file in Bucket.store.items()}

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(files.shutil, "copyfileobj", refuse)
    with pytest.raises(made_with.UnreadableError) as raised:
        Results(bucket).kept("f0", "map.a.safetensors", {"encoder": "ours"}, refuse)
    assert str(raised.value).isprintable()
    assert "f0/map.a.safetensors: it cannot be read (" in str(raised.value)
    assert {name: file.getvalue() for name, file in Bucket.store.items()} == before


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/folder", "expected a folder, or gs://, s3://, az:// with a bucket"),
        ("s3://", "with a bucket"),
        ("az://bucket/results", "needs the package adlfs"),
    ],
)
def test_what_is_no_bucket(url, message):
    with pytest.raises(NotADirectoryError, match=message):
        buckets.path_of(url)


def test_a_bucket_that_cannot_be_written(bucket, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("Forbidden:\nno credentials")

    monkeypatch.setattr(Bucket, "_open", refuse)
    with pytest.raises(
        PermissionError, match=r"^--output_dir=s3://results/mine cannot be written \(ValueError: Forbidden: no"
    ):
        Results(bucket).check()

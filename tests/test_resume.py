"""Nothing lost: whatever happened to a sweep, the next run ends with the features of an undisturbed one."""

import os
import pathlib
import random
import re
import signal
import subprocess
import time

import jax.numpy as jnp
import numpy as np
import pytest
from processes import NUM_ROWS, NUM_SHARDS, ROWS_PER_SHARD, SweepProcess, program, two_tones, wait_until

from experiments.f0 import measuring
from experiments.front_ends import resolving
from experiments.store.results import Results
from w2v_jax import sweep
from w2v_jax._src.tensor_file import open_file
from w2v_jax.checkpoint import load_encoder
from w2v_jax.grids import BURST_TONES, Grid


def result(output: pathlib.Path) -> bytes:
    assert [path.name for path in output.iterdir()] == ["tones.safetensors"]
    return (output / "tones.safetensors").read_bytes()


def finishes(weights, output, undisturbed, **options) -> str:
    """Runs the sweep to its end, compares, and returns what it said."""
    process = SweepProcess(weights, output, **options)
    assert process.join() == 0, process.said
    assert result(output) == undisturbed
    return process.said


def test_undisturbed_features_are_those_of_the_library(weights, undisturbed, tmp_path):
    (tmp_path / "tones.safetensors").write_bytes(undisturbed)
    file = open_file(tmp_path / "tones.safetensors")
    points = {"low": file.array("low"), "high": file.array("high")}
    assert file.array("features").shape == (NUM_ROWS, 64)
    features = sweep(load_encoder(weights), two_tones, points, batch_size=4)
    np.testing.assert_array_equal(file.array("features"), features)


def test_killed_at_random_moments(weights, undisturbed, tmp_path):
    chance = random.Random()
    output = tmp_path / "output"
    before = 0
    for number in sorted(chance.sample(range(1, NUM_SHARDS // 2), 3)):  # the last one comes late on a busy machine
        process = SweepProcess(weights, output)
        process.wait_for_shards(max(number, before + 1))
        time.sleep(chance.random() * 0.02)
        process.kill()
        if before:
            assert f"going on, {rows_of(before)} of {NUM_ROWS} sounds" in process.said
        before = len(process.shards())
        assert before, "killed too late: the file was finished"
    assert f"going on, {rows_of(before)} of" in finishes(weights, output, undisturbed)


def rows_of(num_shards):
    return min(num_shards * ROWS_PER_SHARD, NUM_ROWS)


@pytest.mark.parametrize(
    ("moment", "shards"),
    [
        (("os.fsync", 3), 3),  # the fourth shard is written, perhaps not on the disk
        (("pathlib.Path.replace", 5), 5),  # the sixth has not its name yet
        (("os.fsync", NUM_SHARDS), NUM_SHARDS),  # the file that all of them make
        (("shutil.rmtree", 0), NUM_SHARDS),  # it is there, and so are the shards
    ],
)
def test_killed_at_chosen_moments(weights, undisturbed, tmp_path, moment, shards):
    process = SweepProcess(weights, tmp_path / "output", kill_at=moment)
    assert process.join() == -signal.SIGKILL
    assert len(process.shards()) == shards
    said = finishes(weights, tmp_path / "output", undisturbed)
    assert f"going on, {rows_of(shards)} of {NUM_ROWS} sounds were finished before" in said


def test_damaged_shards_and_other_configurations(weights, undisturbed, tmp_path):
    process = SweepProcess(weights, tmp_path / "output", kill_at=("pathlib.Path.replace", 6))
    process.join()
    shards = process.shards()
    whole = shards[1].read_bytes()
    shards[1].write_bytes(whole[: len(whole) // 2])
    shards[4].write_bytes(whole)
    altered = bytearray(shards[2].read_bytes())
    altered[-9] ^= 4
    shards[2].write_bytes(altered)
    said = finishes(weights, tmp_path / "output", undisturbed)
    assert re.findall(r"rows (\d+) to \d+ again", said) == [str(i * ROWS_PER_SHARD) for i in (1, 2, 4)]
    assert f"going on, {3 * ROWS_PER_SHARD} of" in said

    other = tmp_path / "other"
    SweepProcess(weights, other, kill_at=("pathlib.Path.replace", 6), settings={"encoder": "another"}).join()
    kept = {path: path.read_bytes() for path in (other / "tones.shards").iterdir()}
    process = SweepProcess(weights, other)
    assert process.join() == 1
    assert "begun here with other settings (changed: encoder)" in process.said
    assert {path: path.read_bytes() for path in (other / "tones.shards").iterdir()} == kept
    said = finishes(weights, other, undisturbed, overwrite=True)
    assert "starting over (--overwrite; changed: encoder)" in said
    assert "going on" not in said


def test_file_that_may_not_grow(weights, undisturbed, tmp_path):
    process = SweepProcess(weights, tmp_path / "output", most_file_bytes=400_000)
    assert process.join() == 1
    assert re.search(
        rf"tones.safetensors: File too large; {NUM_ROWS} of {NUM_ROWS} sounds are finished and kept in \S+tones.shards"
        ": free some space and run the same command again to go on\n",
        process.said,
    )
    assert len(process.shards()) == NUM_SHARDS
    finishes(weights, tmp_path / "output", undisturbed)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 500 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here: a disk that fills up cannot be tried (a file that may not grow is)")
    if mounted.returncode:
        pytest.skip(f"no right to mount a small disk ({mounted.stderr.strip()}); a file that may not grow is tried")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_disk_that_fills_up(weights, undisturbed, small_disk):
    process = SweepProcess(weights, small_disk / "output")
    assert process.join() == 1
    number = len(process.shards())
    assert 0 < number < NUM_SHARDS
    assert f"No space left on device; {number * ROWS_PER_SHARD} of {NUM_ROWS} sounds are finished" in process.said
    assert process.said.endswith("free some space and run the same command again to go on\n")
    # Room for the shards, but not for the file that they make.
    subprocess.run(["mount", "-o", "remount,size=1300k", small_disk], check=True)
    process = SweepProcess(weights, small_disk / "output")
    assert process.join() == 1
    assert len(process.shards()) == NUM_SHARDS
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert f"going on, {NUM_ROWS} of {NUM_ROWS}" in finishes(weights, small_disk / "output", undisturbed)


def test_interrupted_program_says_what_was_finished(weights, tmp_path):
    log, output = tmp_path / "log", tmp_path / "results"
    options = (f"--encoders={weights}", f"--output_dir={output}", "--batch_size=1")
    process = program("f0", log, *options)
    wait_until(lambda: len(list(output.glob("f0/pure_tones.tiny.shards/rows-*"))) > 1 or process.exitcode is not None)
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert process.exitcode == 130
    said = log.read_text()
    assert "Traceback" not in said
    stopped = re.search(r"stopped\. tiny: pure_tones: (\d+) of 800 sounds are finished and kept in (\S+)\.\n", said)
    assert int(stopped[1]) == ROWS_PER_SHARD * len(list(pathlib.Path(stopped[2]).glob("rows-*")))
    assert said.endswith("Run the same command again to go on from there.\n")


def test_features_that_are_not_finite_stop_the_sweep_and_are_not_kept(weights, tmp_path):
    def broken_from_200_hz(frequency, *, sample_rate):
        return two_tones(frequency, 1_000.0) * jnp.where(frequency >= 200, jnp.inf, 1.0)

    (tiny,) = resolving.resolve([weights])
    results = Results(tmp_path, batch_size=1)
    grid = Grid("tones", ({"frequency": np.arange(300)},))
    with pytest.raises(FloatingPointError, match=r"tiny: tones: features of row 200 .* {'frequency': 200\.0}"):
        results.sweep("x", tiny, grid, broken_from_200_hz)
    (kept,) = (tmp_path / "x/tones.tiny.shards").iterdir()
    assert kept.name == f"rows-00000000-{ROWS_PER_SHARD:08d}.safetensors"
    open_file(kept).check()


def test_shards_left_by_a_process_killed_after_the_last_are_removed(weights, tmp_path):
    (tiny,) = resolving.resolve([weights])
    results = Results(tmp_path)
    features = results.sweep("x", tiny, BURST_TONES, measuring.tone)
    leftover = tmp_path / "x/burst_tones.tiny.shards/rows-00000000-00000002.safetensors"
    leftover.parent.mkdir()
    leftover.touch()
    np.testing.assert_array_equal(results.sweep("x", tiny, BURST_TONES, measuring.tone), features)
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["burst_tones.tiny.safetensors"]

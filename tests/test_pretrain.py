"""Training: it learns, and a run that is stopped, killed or damaged ends as if nothing had happened."""

import dataclasses
import errno
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from processes import TINY, run_in_process, wait_until

from experiments.pretrain import run as training_run
from experiments.pretrain import storage_errors, training
from experiments.pretrain.run import Run, TrainingError
from experiments.pretrain.training import Recipe
from w2v_jax import checkpoint
from w2v_jax.contrastive import ContrastiveConfig, Outcome
from w2v_jax.encoder import FeatureEncoder

RECIPE = Recipe(
    steps=200,
    batch_size=4,
    seconds=0.3,
    learning_rate=1e-2,
    first_layer_rate=1.0,
    encoder=TINY,
    contrastive=ContrastiveConfig(hidden=16, steps=3, group=4),
)

speech_of = training._sound


def run_in(folder, **changes):
    return Run(folder, dataclasses.replace(RECIPE, **changes), save_every=20, held_out_every=80)


def files_of(run):
    """Everything that a run leaves behind but the checkpoints, byte for byte."""
    return {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}


def hum(recipe, key, stream, first, count):
    """In place of speech, which takes longer to compile than all the rest: a tone per utterance, in noise."""

    def one(number):
        pitch, noise = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, stream), number))
        turns = 100 * 16 ** jax.random.uniform(pitch) * jnp.arange(round(recipe.seconds * 16_000)) / 16_000
        return jnp.sin(2 * jnp.pi * turns) + 0.1 * jax.random.normal(noise, turns.shape)

    return jax.vmap(one)(first + jnp.arange(count))


def train_humming(run):
    training._sound = hum
    training_run.train(run)


@pytest.fixture(scope="module")
def humming():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_sound", hum)
        yield


@pytest.fixture(scope="module")
def finished(humming, tmp_path_factory):
    run = run_in(tmp_path_factory.mktemp("runs") / "tiny")
    assert training_run.train(run)
    return run


def test_it_learns(finished):
    rows = training_run.read_curve(finished.curve)
    assert [row["step"] for row in rows] == list(range(201))
    chance = np.log(RECIPE.candidates)
    assert rows[0]["held_out_loss"] == pytest.approx(chance, abs=1)
    assert rows[200]["held_out_loss"] < chance - 0.4
    assert rows[200]["held_out_accuracy"] > 5 / RECIPE.candidates
    assert {row["step"] for row in rows if "held_out_loss" in row} == {0, 1, 2, 5, 10, 20, 50, 80, 100, 160, 200}


def test_what_it_leaves(finished):
    others = {"recipe.json", "curve.csv", "tiny.safetensors"}
    steps = (0, 1, 2, 5, 10, 20, 50, 100, 200)
    assert set(files_of(finished)) == others | {finished.snapshot(step).name for step in steps}
    untrained = checkpoint.encoder_tensors(FeatureEncoder(TINY, rngs=nnx.Rngs(RECIPE.seed)))
    first, last, half = (
        checkpoint.encoder_tensors(checkpoint.load_encoder(path))
        for path in (finished.snapshot(0), finished.snapshot(200), finished.result)
    )
    for name in untrained:
        np.testing.assert_array_equal(first[name], untrained[name])
        assert np.abs(last[name] - untrained[name]).max() > 0
        np.testing.assert_array_equal(half[name], last[name].astype(np.float16))
    metadata = checkpoint.read_metadata(finished.result)
    assert "seed 0, step 200 of 200, 4 x 0.3 s a step" in metadata.provenance.source


@pytest.fixture
def hardly_optimised_either():
    """Compiling is most of what these take."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.usefixtures("hardly_optimised_either")
def test_the_first_layer_has_a_rate_of_its_own():
    state = training.initial_state(RECIPE)

    def update(rate):
        optimizer = training._optimizer(dataclasses.replace(RECIPE, first_layer_rate=rate))
        changes, _ = jax.jit(optimizer.update)(state.parameters, state.optimizer, state.parameters)
        return dict(jax.tree_util.tree_leaves_with_path(changes))

    alike, faster = update(1.0), update(7.0)
    ratios = {jax.tree_util.keystr(path): float(jnp.sum(faster[path]) / jnp.sum(alike[path])) for path in alike}
    ratios = {path: ratio for path, ratio in ratios.items() if np.isfinite(ratio)}  # biases begin at 0, and stay there
    (first,) = (path for path, ratio in ratios.items() if ratio != pytest.approx(1))
    assert "['conv_layers'][0]['kernel']" in first
    assert ratios[first] == pytest.approx(7)


def test_stopped_again_and_again(finished, tmp_path, monkeypatch):
    run = run_in(tmp_path / "tiny")
    seconds = itertools.count()  # the clock goes on by one when it is looked at, which is once a step
    monkeypatch.setattr(training_run, "time", types.SimpleNamespace(monotonic=lambda: next(seconds)))
    sessions = [training_run.train(run, max_minutes=88 / 60) for _ in range(3)]
    assert sessions == [False, False, True]
    assert files_of(run) == files_of(finished)


def test_killed(finished, tmp_path):
    run = run_in(tmp_path / "tiny")
    process = run_in_process(train_humming, run)
    wait_until(lambda: (run.checkpoints / "20").exists())
    process.kill()
    process.join()
    assert not run.result.exists()
    assert training_run.train(run)
    assert files_of(run) == files_of(finished)


@pytest.mark.parametrize("damage", ["checkpoint", "curve"])
def test_damaged(finished, tmp_path, damage, capsys):
    run = run_in(tmp_path / "tiny")
    shutil.copytree(finished.folder, run.folder)
    if damage == "checkpoint":
        for path in (run.checkpoints / "200").rglob("*"):
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)
    else:
        os.truncate(run.curve, run.curve.stat().st_size // 2)
    run.result.unlink()
    assert training_run.train(run)
    said = capsys.readouterr().out
    assert "checkpoint of step 200: not used" in said
    assert ("going on from step 180" in said) == (damage == "checkpoint")
    assert files_of(run) == files_of(finished)


def test_another_recipe_is_refused(finished):
    before = files_of(finished)
    with pytest.raises(TrainingError, match=r"another recipe \(seed was 0, is 1\); choose another --output_dir"):
        training_run.train(run_in(finished.folder, seed=1))
    assert files_of(finished) == before
    assert json.loads(before["recipe.json"])["seed"] == 0


def test_a_loss_that_is_not_finite_stops_it(finished, tmp_path, monkeypatch):
    def diverged(recipe, mesh, state):
        return state, Outcome(jnp.float32("nan"), jnp.float32(0))

    monkeypatch.setattr(training, "train_step", diverged)
    run = run_in(tmp_path / "tiny")
    with pytest.raises(FloatingPointError, match="step 1: the loss is nan; lower --learning_rate"):
        training_run.train(run)
    assert not run.snapshot(1).exists()


@pytest.mark.usefixtures("hardly_optimised_either")
def test_sound_is_its_seeds_and_held_out_sound_nobodys():
    @jax.jit
    def sound(seed, stream, first):
        return speech_of(RECIPE, jax.random.key(seed), stream, first, 2)

    one, again, next_ones, other_seed, held_out = (
        sound(*each) for each in ((0, 1, 0), (0, 1, 0), (0, 1, 1), (1, 1, 0), (0, 2, 0))
    )
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one[1], next_ones[0])  # utterances are numbered
    for other in (next_ones, other_seed, held_out):
        assert np.abs(one - other).max() > 1e-3


def test_snapshots():
    assert [step for step in range(3_000) if training.is_snapshot(step)] == [
        *(0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(batch_size=6), "batch_size is 6; expected a multiple of 4"),
        (dict(steps=0), "steps is 0"),
        (dict(seconds=0.06), "expected more than the 3 that are predicted"),
    ],
)
def test_recipes_that_cannot_be_trained(tmp_path, changes, message):
    with pytest.raises(TrainingError, match=message):
        training_run.train(run_in(tmp_path / "tiny", **changes))
    assert not (tmp_path / "tiny").exists()


def test_the_program_says_what_is_wrong_in_one_line(tmp_path):
    command = [sys.executable, "-m", "experiments.pretrain", "--batch_size=5", f"--output_dir={tmp_path / 'new'}"]
    done = subprocess.run(command, cwd=pathlib.Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 1
    said = "error: batch_size is 5; expected a multiple of 2 (utterances in groups of 2, on 1 device)\n"
    assert done.stderr == said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (ValueError("RESOURCE_EXHAUSTED: Error writing local file \"/d/_sharding\": Failed [os_error_code='28']"), 28),
        (ValueError("UNKNOWN: Error writing [OS error 122: EDQUOT Disk quota exceeded]"), errno.EDQUOT),
        (ValueError("No space left on device"), errno.ENOSPC),
        (OSError(errno.EIO, "Input/output error"), errno.EIO),
        (ValueError("the tree has another structure"), None),
    ],
)
def test_errors_of_the_disk_are_found_in_those_of_orbax(error, number):
    outer = RuntimeError("checkpointing failed")
    outer.__cause__ = error
    cause = storage_errors.os_error_in(outer)
    assert (cause and cause.errno) == number
    with pytest.raises(RuntimeError if number is None else OSError), storage_errors.as_os_errors():
        raise outer


def test_a_checkpoint_that_cannot_be_read_is_not_removed(finished, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("PERMISSION_DENIED: Error opening [os_error_code='13']")

    monkeypatch.setattr(training_run.ocp.CheckpointManager, "restore", refuse)
    before = sorted(finished.checkpoints.rglob("*"))
    with pytest.raises(OSError, match=r"checkpoints/200: it cannot be read \(Permission denied\)"):
        training_run.train(finished)
    assert sorted(finished.checkpoints.rglob("*")) == before


def test_a_disk_that_is_too_full_for_a_checkpoint(humming, tmp_path, monkeypatch):
    monkeypatch.setattr(training_run.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1_000))
    with pytest.raises(OSError, match="No space left on device") as raised:
        training_run.train(run_in(tmp_path / "tiny"))
    said = storage_errors.one_line(raised.value, folder="runs/tiny")
    assert said == (
        f"{tmp_path / 'tiny/checkpoints'}: No space left on device; what was saved is kept in runs/tiny: "
        "free some space and run the same command again to go on"
    )

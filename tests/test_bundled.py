"""The encoder in the box is what its card says, and its training can be begun again."""

import math
import pathlib
import re

import jax
import numpy as np
import pytest

from experiments.pretrain import run as training_run
from experiments.pretrain import training
from experiments.pretrain.training import Recipe
from w2v_jax import checkpoint
from w2v_jax._src import tensor_file
from w2v_jax.encoder import EncoderConfig

WEIGHTS = pathlib.Path(__file__).parent.parent / "weights"
BUNDLED = WEIGHTS / "formant-base.safetensors"
CARD = (WEIGHTS / "README.md").read_text()
RECIPE = Recipe(steps=12_500, batch_size=32, precision="tensorfloat32")
FEW_STEPS = 5  # of 32 utterances each
OTHERS = ("formant-base-1", "formant-base-2")  # the same recipe, other seeds
SNAPSHOTS = {1_000: "formant-base.step-001000", 5_000: "formant-base.step-005000"}


@pytest.fixture(scope="module")
def curve():
    return training_run.read_curve(WEIGHTS / "formant-base.curve.csv")


def test_the_file():
    assert BUNDLED.stat().st_size < 9e6
    assert {entry.dtype for entry in tensor_file.open_file(BUNDLED).entries.values()} == {np.dtype(np.float16)}
    metadata = checkpoint.verify_weights(BUNDLED)
    assert metadata.config == EncoderConfig()
    assert f"step {RECIPE.steps} of {RECIPE.steps}" in metadata.provenance.source
    assert metadata.digest in CARD


def test_saving_it_again_gives_the_same_config(tmp_path):
    # It is older than some settings of the config: what it does not say means their defaults, then as now.
    encoder = checkpoint.load_encoder(BUNDLED)
    checkpoint.save_encoder(encoder, tmp_path / "again.safetensors", dtype=np.float16)
    stated = [tensor_file.open_file(path).metadata["config"] for path in (BUNDLED, tmp_path / "again.safetensors")]
    assert stated[0] == stated[1]
    assert checkpoint.read_metadata(tmp_path / "again.safetensors").digest == checkpoint.read_metadata(BUNDLED).digest


def test_the_card_tells_the_end_of_the_curve(curve):
    assert len(curve) == RECIPE.steps + 1
    loss, accuracy = re.search(r"held-out loss ([0-9.]+), accuracy ([0-9.]+)", CARD).groups()
    assert f"{curve[-1]['held_out_loss']:.3f}" == loss
    assert f"{curve[-1]['held_out_accuracy']:.3f}" == accuracy
    assert curve[0]["held_out_loss"] == pytest.approx(math.log(RECIPE.candidates), abs=0.2)


def test_the_other_trainings_and_the_snapshots_are_of_the_same_recipe():
    for seed, name in enumerate(OTHERS, start=1):
        metadata = checkpoint.verify_weights(WEIGHTS / f"{name}.safetensors")
        assert f"seed {seed}, step {RECIPE.steps} of {RECIPE.steps}" in metadata.provenance.source
        assert metadata.digest in CARD
        assert len(training_run.read_curve(WEIGHTS / f"{name}.curve.csv")) == RECIPE.steps + 1
    for step, name in SNAPSHOTS.items():
        assert f"seed 0, step {step} of" in checkpoint.verify_weights(WEIGHTS / f"{name}.safetensors").provenance.source


@pytest.mark.retrain
def test_training_again_gives_the_start_of_the_curve(curve):
    mesh = training.mesh_of(jax.local_devices()[:1])
    state = training.replicated(training.initial_state(RECIPE), mesh)
    for row in curve[1 : FEW_STEPS + 1]:
        state, outcome = training.train_step(RECIPE, mesh, state)
        print(f"step {row['step']}: loss {float(outcome.loss):.6f}, recorded {row['loss']:.6f}", flush=True)
        # The curve was made in TensorFloat32; rounding differs between processors, too, and grows from step to step.
        assert float(outcome.loss) == pytest.approx(row["loss"], rel=3e-4)

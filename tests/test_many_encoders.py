"""Checkpoints of a training run: chosen by a pattern, loaded one at a time, swept by one program."""

import gc

import jax
import pytest
from processes import TINY, save_tiny

from experiments import amplitude, running
from experiments.front_ends import named, resolving
from experiments.store.results import Results
from w2v_jax import stimuli
from w2v_jax.checkpoint import CheckpointError
from w2v_jax.encoder import FeatureEncoder
from w2v_jax.grids import AMPLITUDES

GRID = AMPLITUDES.thinned(amplitude_low=5, amplitude_high=5)
STEPS = (100, 20, 3)


@pytest.fixture
def runs(tmp_path):
    for step in STEPS:
        save_tiny(tmp_path / f"weights/step-{step}.safetensors", seed=step)
    (tmp_path / "weights/step-9.json").write_text("{}")
    return tmp_path / "weights"


def names(chosen):
    return [encoder.name for encoder in chosen]


def test_patterns_match_paths_and_weights_in_the_order_of_steps(runs, monkeypatch):
    in_order = ["step-3", "step-20", "step-100"]
    assert names(resolving.resolve([f"{runs}/step-*.safetensors"])) == in_order
    assert names(resolving.resolve([f"{runs}/step-*"])) == in_order
    assert names(resolving.resolve([f"{runs}/step-?"])) == ["step-3"]
    monkeypatch.chdir(runs.parent)
    assert names(resolving.resolve(["untrained", "step-*0"])) == ["untrained", "step-20", "step-100"]
    with pytest.raises(named.EncoderChoiceError, match=r"no .safetensors file matches 'run-\*'"):
        resolving.resolve(["run-*"])
    with pytest.raises(named.EncoderChoiceError, match="names 'step-3' twice"):
        resolving.resolve(["step-*", "step-3"])


@pytest.mark.parametrize(
    ("name", "step"),
    [("step-000100", 100), ("base_step_7", 7), ("checkpoint-5000", 5000), ("large.Step12", 12), ("base-960", None)],
)
def test_step_of_a_name(name, step):
    assert named.random_encoder(name, 0, config=TINY).step == step


def test_files_are_checked_before_the_first_is_used(runs):
    path = runs / "step-100.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"step-100\.safetensors: its tensors have digest"):
        resolving.resolve([f"{runs}/step-*"])


def test_a_file_that_is_replaced_meanwhile(runs):
    (chosen,) = resolving.resolve([f"{runs}/step-3.safetensors"])
    save_tiny(runs / "step-3.safetensors", seed=5)
    with pytest.raises(CheckpointError, match="it was replaced while it was in use"):
        _ = chosen.front_end


def test_one_compilation_and_one_encoder_in_memory(runs, tmp_path):
    compiled, traced = [], []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if event.endswith("backend_compile_duration") else None
    )

    def two_tones(amplitude_low, amplitude_high, *, sample_rate):
        traced.append(1)
        tones = [100.0, 700.0], [amplitude_low, amplitude_high]
        return stimuli.sine_mixture(*tones, duration=0.1, sample_rate=sample_rate)

    results = Results(tmp_path / "results")
    compilations = []
    gc.collect()
    alive_before = _encoders_alive()
    for encoder in resolving.resolve([f"{runs}/step-*"]):
        compiled.clear()
        features = results.sweep("many", encoder, GRID, two_tones)
        assert features.shape == (25, 64)
        compilations.append(len(compiled))
        gc.collect()
        assert _encoders_alive() <= alive_before + 1
    assert compilations[0] > 0
    assert compilations[1:] == [0, 0]
    # Once for the program, once for the digest of the stimulus, once for the shape of its waveform.
    assert len(traced) == 3


def test_table_is_sorted_by_step(runs, tmp_path):
    save_tiny(runs / "other.safetensors", seed=0)
    chosen = resolving.resolve([f"{runs}/other.safetensors", *(f"{runs}/step-{step}.safetensors" for step in STEPS)])
    results = Results(tmp_path / "results", size="smoke")
    measured = running.measure(amplitude.EXPERIMENT, running.listen(amplitude.EXPERIMENT, chosen, results), results)
    assert [(each.name, each.step) for each in measured.encoders.values()] == [
        ("step-3", 3),
        ("step-20", 20),
        ("step-100", 100),
        ("other", None),
    ]


def _encoders_alive() -> int:
    return sum(type(each) is FeatureEncoder for each in gc.get_objects())

"""Several processes: any number of them ends with the file of one, whoever is killed meanwhile."""

import pathlib
import socket

import numpy as np
import pytest
from processes import NUM_SHARDS, SweepProcess, program, wait_until

from experiments.experiment import Experiment
from experiments.f0 import measuring
from experiments.hearing import Sweep
from experiments.launch import distribution
from experiments.store import rows
from experiments.store.results import AtRate, Results
from experiments.store.sweeping import Share
from w2v_jax import sweep
from w2v_jax._src.tensor_file import open_file
from w2v_jax.checkpoint import load_encoder
from w2v_jax.grids import PURE_TONES


def assert_finished(output: pathlib.Path, undisturbed: bytes, *processes: SweepProcess) -> None:
    for process in processes:
        assert process.join() == 0, process.said
    assert [path.name for path in output.iterdir()] == ["tones.safetensors"]
    assert (output / "tones.safetensors").read_bytes() == undisturbed


def test_every_shard_has_one_owner():
    spans = [range(i, i + 1) for i in range(10)]
    shares = [Share(index, 3).of(spans) for index in range(3)]
    assert sorted((span for share in shares for span in share), key=lambda span: span.start) == spans


def test_either_may_be_killed_and_started_again(weights, undisturbed, tmp_path):
    first, second = (SweepProcess(weights, tmp_path / "out", share=Share(index, 2)) for index in range(2))
    second.wait_for_shards(3)
    second.kill()
    assert "waiting for" not in second.said
    first.wait_for_shards(NUM_SHARDS // 2)
    first.kill()
    assert not (tmp_path / "out/tones.safetensors").exists()
    first, second = (SweepProcess(weights, tmp_path / "out", share=Share(index, 2)) for index in range(2))
    assert_finished(tmp_path / "out", undisturbed, first, second)
    assert "going on, " in first.said


def test_the_first_takes_over_from_one_who_does_not_come_back(weights, undisturbed, tmp_path):
    first, second = (SweepProcess(weights, tmp_path / "out", share=Share(index, 3, 0.5)) for index in range(2))
    assert_finished(tmp_path / "out", undisturbed, first, second)  # the third never came
    assert "nothing new for 0.5 s; computing rows" in first.said


def measure(heard):
    return [rows.number("mean", heard.features(PURE_TONES.name).mean())]


def headline(measured):
    return ""


SWEEP_TONES = Experiment(
    name="f0",
    title="Tones",
    question="What an experiment does, without the pictures?",
    sweeps=(Sweep(PURE_TONES.name, PURE_TONES, measuring.tone),),
    measure=measure,
    headline=headline,
)


def test_programs_that_meet_through_jax(weights, tmp_path):
    """Two real processes; one is killed when they have met, and started again by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"--coordinator_address=127.0.0.1:{free.getsockname()[1]}"
    output = tmp_path / "results"

    def start(index: int, name: str, *options: str):
        common = (f"--encoders={weights}", f"--output_dir={output}", "--batch_size=1")
        numbers = ("--distributed", "--num_processes=2", f"--process_id={index}")
        return program(SWEEP_TONES, tmp_path / name, *common, *numbers, *options)

    first, second = (start(index, str(index), address) for index in range(2))
    wait_until(lambda: list(output.glob("f0/*.shards/rows-*")) or second.exitcode is not None)
    second.kill()
    again = start(1, "again")
    for process, name in ((first, "0"), (again, "again")):
        process.join(60)
        assert process.exitcode == 0, (tmp_path / name).read_text()
    assert [path.name for path in sorted((output / "f0").iterdir())] == [
        "metrics.csv",
        "metrics.json",
        "pure_tones.tiny.safetensors",
    ]
    features = open_file(output / "f0/pure_tones.tiny.safetensors").array("features")
    expected = sweep(load_encoder(weights), AtRate(measuring.tone, 16_000), PURE_TONES.points(), batch_size=1)
    np.testing.assert_array_equal(features, expected)
    assert Results(output).measurements("f0").value("mean", encoder="tiny") == float(expected.mean())


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (dict(num_processes=2), "expected both or none"),
        (dict(process_id=2), "expected both or none"),
        (dict(num_processes=2, process_id=2), "--process_id=2; expected 0 to 1"),
    ],
)
def test_numbers_that_make_no_sense(numbers, message):
    arguments = dict(coordinator_address=None, num_processes=None, process_id=None, patience=1.0) | numbers
    with pytest.raises(distribution.DistributionError, match=message):
        distribution.share(**arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--distributed"], "error: --distributed: jax.distributed found no cluster here"),
        (["--distributed", "--num_processes=2", "--process_id=0", "--recompute"], "error: --recompute with"),
        (["--process_id=0"], "error: --process_id without --distributed"),
    ],
)
def test_programs_say_what_is_wrong(tmp_path, options, message):
    process = program("f0", tmp_path / "log", "--encoders=untrained", f"--output_dir={tmp_path}", *options)
    process.join(60)
    assert process.exitcode == 1
    said = (tmp_path / "log").read_text()
    assert said.startswith(message)
    assert len(said.splitlines()) == 1

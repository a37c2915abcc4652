"""What the runner makes of a record: sweeps, rows, controls, figures, and files that the next run reads."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure as Drawing

from experiments import running
from experiments.experiment import Experiment, Figure, Map
from experiments.front_ends import named, resolving
from experiments.hearing import Sweep
from experiments.store import rows
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError, Share
from w2v_jax import stimuli
from w2v_jax.grids import Grid

GRID = Grid("levels", ({"amplitude": np.array([0.1, 0.4])},))


def tone(amplitude, *, sample_rate):
    return stimuli.sine_mixture([440.0], amplitude, duration=0.1, sample_rate=sample_rate)


def measure(heard):
    norms = np.linalg.norm(heard.features("levels"), axis=1)
    return rows.curve("length of the features", norms, **GRID.points())


def compare(several, measured):
    if len(several) < 2:
        return []
    a, b = (each.name for each in several[:2])
    ratio = measured.array("length of the features", encoder=a) / measured.array("length of the features", encoder=b)
    return [dataclasses.replace(rows.number("ratio", ratio.mean(), **{rows.WITH: b}), encoder=a)]


def headline(measured):
    return f"{' and '.join(measured.asked)} next to {' and '.join(measured.controls)}"


def controls(chosen):
    return {named.spectrogram("log-mel", as_named="log-mel"): tuple(each.name for each in chosen)}


RECORD = Experiment(
    name="levels",
    title="Levels",
    question="Does level leave a trace?",
    sweeps=(Sweep("levels", GRID, tone, of_controls=True), Sweep("of the asked", GRID, tone)),
    measure=measure,
    compare=compare,
    headline=headline,
    controls=controls,
    figures=(
        Figure("parts", "Parts", "Read them.", lambda heard, measured: {"1": Drawing(), "2": Drawing()}),
        Figure("none", "None", "None.", lambda heard, measured: None),
        Figure("all", "All", "Of all.", lambda several, measured: Drawing(), joint=True, at_least=2),
    ),
    maps=(Map("levels", "Levels", "Of levels.", lambda heard: (GRID.points(), np.zeros((2, 2)))),),
    notes=("Levels are amplitudes.",),
)
FILES = {
    "levels.stft.map.csv",
    "levels.stft.safetensors",
    "levels.log-mel.safetensors",
    "metrics.csv",
    "metrics.json",
    *(f"parts.{part}.stft.{suffix}" for part in (1, 2) for suffix in ("pdf", "png", "svg")),
    "of the asked.stft.safetensors",
}


@pytest.fixture(scope="module")
def stft():
    return resolving.resolve(["stft"])


def test_a_run_writes_what_the_record_says_and_the_next_one_reads_it(stft, tmp_path):
    results = Results(tmp_path, size="smoke")
    measured = running.run(RECORD, stft, results)
    assert {path.name for path in (tmp_path / "smoke/levels").iterdir()} == FILES
    assert measured.headline == "stft next to log-mel"
    assert measured.encoders["log-mel"].control_of == ("stft",)
    assert [row.parameters for row in measured.select("length of the features", encoder="log-mel")] == [
        (("amplitude", float(np.float32(each))),) for each in (0.1, 0.4)
    ]
    kept = results.measurements("levels")
    assert kept == dataclasses.replace(measured, headline=kept.headline)
    again = Results(tmp_path, size="smoke")
    assert running.run(RECORD, stft, again).rows == measured.rows
    assert len(again.read_back) == 3


def test_a_process_that_is_not_the_first_hears_and_writes_no_numbers(stft, tmp_path):
    share = Share(0, 2, 0.1)
    running.run(RECORD, stft, Results(tmp_path, share=share))
    second = Results(tmp_path / "other", share=dataclasses.replace(share, index=1))
    for path in (tmp_path / "levels").glob("*.safetensors"):
        (tmp_path / "other/levels").mkdir(parents=True, exist_ok=True)
        path.rename(tmp_path / "other/levels" / path.name)
    assert running.run(RECORD, stft, second).rows == ()
    assert not list((tmp_path / "other").rglob("*.json"))


def test_a_control_that_the_user_names_is_asked_like_the_others(stft, tmp_path):
    other = resolving.resolve(["log-mel"])
    record = dataclasses.replace(RECORD, controls=lambda chosen: {other[0]: ("stft",)})
    measured = running.run(record, [*stft, *other], Results(tmp_path))
    assert measured.encoders["log-mel"].control_of == ()
    assert (tmp_path / "levels/all.png").exists()


def test_results_of_an_earlier_version_stop_a_run_before_it_computes(stft, tmp_path):
    (tmp_path / "levels").mkdir()
    (tmp_path / "levels/metrics.json").write_text('{"experiment": "levels", "encoders": {}}')
    with pytest.raises(ReplacementError, match=r"an earlier version wrote it; expected format 2"):
        running.run(RECORD, stft, Results(tmp_path))
    assert [path.name for path in (tmp_path / "levels").iterdir()] == ["metrics.json"]

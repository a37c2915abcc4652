"""The experiments end to end with a tiny encoder, their caches, their choice of encoders, and the published numbers."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import smoke_run
from absl import app
from absl import flags as absl_flags
from safetensors.numpy import load_file

from experiments import forecast as forecasting
from experiments import records, reproduce, running
from experiments.experiment import Published
from experiments.f0 import __main__ as f0
from experiments.forecast import forecast
from experiments.front_ends import named, remarks, resolving
from experiments.front_ends.paper import prints_as
from experiments.hearing import Setting
from experiments.launch import flags
from experiments.store import measurements_file
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from experiments.temporal import __main__ as temporal
from experiments.temporal import measuring
from w2v_jax import grids, stimuli

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def pair(smoke):
    """Two tiny encoders whose files say that they are two of the paper's models."""
    return smoke.front_ends[:2]


@pytest.fixture(scope="module")
def experiments():
    return records.in_paper()


@pytest.fixture(scope="module")
def results(smoke):
    """A folder with the results of `reproduce --size=smoke`, which nobody changes."""
    return smoke.results.folder


@pytest.fixture
def copied(results, tmp_path):
    """A copy of those of `temporal`."""
    shutil.copytree(results / "temporal", tmp_path / "smoke/temporal")
    return tmp_path


def test_every_sweep_is_written_in_grid_order(results, experiments, pair):
    for experiment in experiments:
        for each in pair:
            setting = Setting(Results(results.parent, size="smoke"), each, {"lowest": None, "fine": False}, (*pair,))
            heard = experiment.heard_by(setting)
            for name, sweep in heard.sweeps.items():
                tensors = load_file(results / (sweep.folder or experiment.name) / f"{name}.{each.name}.safetensors")
                points = heard.grid(name).points()
                assert len(tensors["features"]) == len(heard.grid(name))
                for parameter, values in points.items():
                    np.testing.assert_array_equal(tensors[parameter], values)


def test_features_are_those_of_the_encoder(results, pair):
    tensors = load_file(results / "temporal/bursts.second.safetensors")
    row = 3
    waveform = measuring.burst(jnp.float32(tensors["burst_fraction"][row]), sample_rate=16_000)
    np.testing.assert_allclose(tensors["features"][row], pair[1].front_end(waveform), atol=2e-5)


def test_every_metrics_file_is_strict_json(results, experiments):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    for name in (*(each.name for each in experiments), "reproduce"):
        text = (results / name / "metrics.json").read_text(encoding="utf-8")
        metrics = json.loads(text, parse_constant=refuse)
        assert list(metrics["encoders"])[:2] == ["first", "second"]
        assert metrics["encoders"]["first"]["source"] == "facebook/wav2vec2-base"


def test_every_figure_is_png_and_pdf_and_svg(results, experiments):
    drawn = {path.relative_to(results) for path in results.rglob("*.png")}
    for suffix in (".pdf", ".svg"):
        others = {path.relative_to(results) for path in results.rglob(f"*{suffix}")}
        assert others == {path.with_suffix(suffix) for path in drawn}
    for experiment in experiments:
        names = {path.stem for path in drawn if path.parent.name == experiment.name}
        for figure in experiment.figures:
            wanted = {figure.stem} if figure.joint else {f"{figure.stem}.first", f"{figure.stem}.second"}
            assert wanted <= names
        for map_ in experiment.maps:
            assert (results / experiment.name / f"{map_.sweep}.first.map.csv").exists()


def test_the_tables_of_all_are_together(results, experiments):
    together = measurements_file.read(results / "reproduce/metrics.json", "reproduce")
    for experiment in experiments:
        kept = measurements_file.read(results / experiment.name / "metrics.json", experiment.name)
        several = [row for row in together.rows if row.has({"experiment": experiment.name})]
        assert [row.value for row in several] == [row.value for row in reproduce.table(experiment, kept)]
        assert several
        assert kept.headline in together.headline


def test_published_numbers_stand_next_to_ours(results, experiments):
    both = {each.name: each.published for each in experiments if each.published is not None}
    of_each = {
        name: published(measurements_file.read(results / name / "metrics.json", name))
        for name, published in both.items()
    }
    assert {name: len(several) for name, several in of_each.items()} == {"temporal": 25, "f0": 1, "formants": 1}
    assert {each.encoders for several in of_each.values() for each in several} == {"first", "first, second"}
    assert of_each["formants"][0].quantity == "linear CKA"
    assert of_each["formants"][0].agrees is None  # a thinned grid
    lines = reproduce.comparison_lines([each for several in of_each.values() for each in several])
    assert len(lines) == 1 + 27 + 2
    assert lines[-1] == "1 cannot be compared: --quick has fewer sounds."


def test_the_page_of_all(results, experiments):
    told = reproduce.said([], [], Results(results.parent, size="smoke"))
    (line,) = [line for line in told if "page" in line]
    assert line == f"The page, with figures, tables, maps and sounds: {results / 'index.html'}"
    html = (results / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="section-(\w+)">', html) == [each.name for each in experiments]
    for experiment in experiments:
        for figure in experiment.figures:
            assert f'data-file="{experiment.name}/{figure.stem}' in html


def test_second_run_reads_what_the_first_has_made(copied, pair, capsys):
    again = Results(copied, size="smoke")
    with smoke_run.saved_as(lambda figure, path, **_: path.touch()):
        measured = running.run(temporal.EXPERIMENT, pair, again)
    assert len(again.read_back) == 2 * 4  # three sweeps and a map, for each encoder
    assert capsys.readouterr().out == ""
    (line,) = [line for line in flags.ending(pair, again, "") if "read back" in line]
    assert f"    {copied}/smoke/temporal: " in "\n".join(flags.came_out(again, measured))
    assert flags.came_out(again, measured)[1] == measured.headline
    assert line == f"(8 files in {copied}/smoke were read back, not computed again)"

    # A damaged file is made again, with the same content.
    path = copied / "smoke/temporal/stationarity.first.safetensors"
    tensors, whole = load_file(path), path.read_bytes()
    flipped = bytearray(whole)
    flipped[-100] ^= 1
    for damaged in (whole[:-7], bytes(flipped), b""):
        path.write_bytes(damaged)
        Results(copied, size="smoke").sweep("temporal", pair[0], grids.STATIONARITY, measuring.tone, pooling="none")
        assert "stationarity.first.safetensors: computed again (the file is damaged" in capsys.readouterr().out
        assert_same_tensors(load_file(path), tensors)


def test_results_of_other_settings_are_never_replaced_unasked(copied, pair, capsys):
    swapped = dataclasses.replace(pair[1], name="first")
    path = copied / "smoke/temporal/burst_tones.first.safetensors"
    tensors, before = load_file(path), path.read_bytes()
    another = grids.Grid("burst_tones", ({"frequency": np.array([300.0, 900.0])},))
    careful = Results(copied, size="smoke")
    for front_end, grid, changed in (
        (swapped, grids.BURST_TONES, "encoder"),
        (pair[0], another, "grid"),
        (dataclasses.replace(pair[0], precision="bfloat16"), grids.BURST_TONES, "precision"),
    ):
        with pytest.raises(ReplacementError, match=rf"made with other settings \(changed: {changed}\); .*--overwrite"):
            careful.sweep("temporal", front_end, grid, measuring.tone)
        assert path.read_bytes() == before
    Results(copied, size="smoke", overwrite=True).sweep("temporal", swapped, grids.BURST_TONES, measuring.tone)
    assert "computed again (--overwrite; changed: encoder)" in capsys.readouterr().out
    assert path.read_bytes() != before
    Results(copied, size="smoke", recompute=True).sweep("temporal", pair[0], grids.BURST_TONES, measuring.tone)
    assert "computed again (--recompute)" in capsys.readouterr().out
    assert_same_tensors(load_file(path), tensors)


def test_quick_results_have_a_folder_of_their_own(tmp_path, pair):
    for size, count in (("quick", 80), ("usual", 800)):
        heard = f0.EXPERIMENT.heard_by(Setting(Results(tmp_path, size=size), pair[0]))
        assert len(heard.features("pure_tones")) == len(heard.grid("pure_tones")) == count
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.safetensors")) == [
        "f0/pure_tones.first.safetensors",
        "quick/f0/pure_tones.first.safetensors",
    ]


def test_an_array_per_point_is_swept_and_kept(tmp_path, pair):
    def mixture(frequencies, *, sample_rate):
        return stimuli.sine_mixture(frequencies, 0.5, duration=0.1, sample_rate=sample_rate)

    rows = np.array([[100.0, 700.0], [150.0, 800.0], [200.0, 900.0]], np.float32)
    grid = grids.Grid("mixtures", ({"frequencies": rows},))
    features = Results(tmp_path).sweep("x", pair[0], grid, mixture)
    np.testing.assert_allclose(features[1], pair[0].front_end(mixture(rows[1], sample_rate=16_000)).mean(0), atol=1e-5)
    np.testing.assert_array_equal(load_file(tmp_path / "x/mixtures.first.safetensors")["frequencies"], rows)


def assert_same_tensors(tensors, expected):
    assert tensors.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(tensors[name], expected[name])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "--encoders is empty"),
        (["untrained", ""], "has an empty name"),
        (["untrained", "untrained"], "names 'untrained' twice"),
        (["a/x.safetensors", "b/x.safetensors"], "names 'x' twice"),
    ],
)
def test_encoder_choice_errors(names, message):
    with pytest.raises(named.EncoderChoiceError, match=message):
        resolving.resolve(names)


def test_default_encoders(tmp_path, monkeypatch):
    monkeypatch.setattr(resolving, "BUNDLED", "no-such-encoder")
    for default in (("no-such-encoder", "untrained"), ("no-such-encoder",)):
        (chosen,) = resolving.resolve(None, default=default)
        assert chosen.name == "untrained"
        assert "UNTRAINED" in remarks.remark([chosen])
    monkeypatch.setattr(resolving, "BUNDLED", "bundled")
    smoke_run.save_tiny(tmp_path / "weights/bundled.safetensors", seed=0, source="experiments.pretrain: a test")
    monkeypatch.chdir(tmp_path)
    chosen = resolving.resolve(None, default=("bundled", "untrained"))
    assert [each.name for each in chosen] == ["bundled", "untrained"]
    assert "bundled learned from synthesised sound and never heard speech" in remarks.remark(chosen)
    smoke_run.save_tiny(tmp_path / "weights/converted.safetensors", seed=0, source="facebook/wav2vec2-base")
    assert remarks.remark(resolving.resolve(["converted", "untrained"])) is None


@pytest.mark.parametrize(
    ("ours", "printed", "digits", "expected"),
    [
        (0.3649, "0.36", 2, True),
        (0.3651, "0.36", 2, False),
        (-0.0764, "-0.076", 2, True),
        (-0.0767, "-0.076", 2, False),
        (0.9951, "1", 2, True),
        (0.9949, "1", 2, False),
        (0.93505684, "0.9350568", 7, True),
        (0.93505686, "0.9350568", 7, False),
    ],
)
def test_agreement_is_to_the_printed_digits(ours, printed, digits, expected):
    assert prints_as(ours, printed, digits=digits) is expected


def test_reproduce_adds_a_control_where_there_is_none(capsys):
    log_mel, random = resolving.resolve(["log-mel", "untrained"])
    assert reproduce.controls_to_add([log_mel]) == []
    assert reproduce.controls_to_add([random]) == []
    trained = dataclasses.replace(random, name="mine", kind="trained")
    assert [each.name for each in reproduce.controls_to_add([trained])] == ["random-1"]
    assert "Added random-1 as a control" in capsys.readouterr().out


def test_all_numbers_that_agree_are_counted():
    several = [Published("b", "bias", "1", 0.999, True), Published("b, x", "linear CKA", "0.8", 0.7, False)]
    lines = reproduce.comparison_lines(several)
    assert lines[-1] == "1 of 2 of the paper's numbers agree to the printed digits."
    assert lines[-2].split()[-4:] == ["CKA", "0.8", "0.7000000", "DIFFERS"]


def run_program(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.temporal", *arguments],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )


def test_program_says_in_one_line_what_is_wrong(tmp_path):
    output = tmp_path / "results"
    ended = run_program("--encoders=untrained,formant-bass", f"--output_dir={output}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: no weights 'formant-bass'; did you mean 'formant-base'?")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""
    assert not output.exists()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("file", r"--output_dir=\S+ is a file; expected a folder"),
        ("file/below", r"--output_dir=\S+ cannot be made \(Not a directory: \S+\); choose another folder"),
        ("/proc/1/below", r"--output_dir=/proc/1/below cannot be made \(No such file or directory: "),
    ],
)
def test_output_folders_that_cannot_be(tmp_path, folder, message):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=message):
        Results(tmp_path / folder).check()


def test_help_tells_of_every_flag(monkeypatch):
    monkeypatch.setattr(app, "run", lambda main: None)
    flags.launch(temporal.EXPERIMENT)  # as the module that this is
    told = {flag.name for flag in absl_flags.FLAGS.get_key_flags_for_module(sys.modules[__name__])}
    assert {"encoders", "output_dir", "size", "quick", "distributed", "compilation_cache_dir"} <= told


def test_a_forecast_counts_the_sounds_and_times_the_first(tmp_path):
    told = forecast([temporal.EXPERIMENT], resolving.resolve(["log-mel"]), Results(tmp_path, size="smoke"))
    assert re.fullmatch(
        r"\d+ sounds for each front end: about \d+ s on this machine, at the pace .* for log-mel, on average\)\. .*",
        told,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_forecast_times_nothing_where_all_was_heard(smoke, monkeypatch):
    monkeypatch.setattr(forecasting, "seconds_of_one", None)
    assert forecast([temporal.EXPERIMENT], smoke.front_ends, smoke.results) == ""

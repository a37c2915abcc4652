"""The experiments end to end with a tiny encoder, their caches, their choice of encoders, and the published numbers."""

import dataclasses
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from absl import app
from absl import flags as absl_flags
from flax import nnx
from safetensors.numpy import load_file

from experiments import f0, temporal
from experiments.draw import figures
from experiments.front_ends import named as front_ends
from experiments.launch import flags
from experiments.measures import alignment
from experiments.reproduce import __main__ as reproduce
from experiments.reproduce import published
from experiments.store import metrics
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from w2v_jax import grids, projection, stimuli
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.scores import Bootstrap

ROOT = pathlib.Path(__file__).parent.parent
# Two layers with the frame geometry of wav2vec 2.0: receptive field 400, hop 320.
TINY = EncoderConfig(channels=(8, 12), kernel_sizes=(16, 25), strides=(16, 20))


def save_tiny(path, *, seed, source):
    save_encoder(FeatureEncoder(TINY, rngs=nnx.Rngs(seed)), path, provenance=Provenance(source=source))
    return str(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two tiny encoders whose files say that they are two of the paper's models."""
    folder = tmp_path_factory.mktemp("weights")
    return front_ends.resolve(
        [
            save_tiny(folder / "first.safetensors", seed=1, source="facebook/wav2vec2-base"),
            save_tiny(folder / "second.safetensors", seed=2, source="facebook/wav2vec2-large@abc"),
        ]
    )


@pytest.fixture(scope="module")
def results(pair, tmp_path_factory):
    """A folder with the results of `reproduce --quick` for both."""
    results = Results(tmp_path_factory.mktemp("results"), quick=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "PNG_DPI", 20)
        patch.setattr(Bootstrap.__init__, "__defaults__", (40, 0.95, 0))  # a tenth of the resamples
        patch.setattr(projection, "project", lambda features, **_: features[:, :2])  # as quick as UMAP is slow
        patch.setattr(projection, "project_onto", lambda features, others, **_: (features[:, :2], others[:, :2]))
        reproduce.run(pair, results)
    return results.folder


def test_reproduce_writes_every_sweep_in_grid_order(results):
    shapes = {
        "temporal/stationarity": (5, 49, 12),
        "temporal/bursts": (6, 49, 12),
        "f0/bias": (25, 12),
        "f0/pure_tones": (80, 12),
        "formants/vowel_space": (64, 12),
        "formants/vowel_space_by_f0": (108, 12),
        "formants/vowel_space_source_filter": (64, 12),
        "amplitude/amplitudes": (49, 12),
        "diphthongs/diphthongs": (16, 99, 12),
    }
    for name, shape in shapes.items():
        for encoder in ("first", "second"):
            assert load_file(results / f"{name}.{encoder}.safetensors")["features"].shape == shape
    tensors = load_file(results / "f0/bias.first.safetensors")
    for parameter, values in grids.BIAS.points().items():
        np.testing.assert_array_equal(tensors[parameter], values)


def test_features_are_those_of_the_encoder(results, pair):
    tensors = load_file(results / "temporal/bursts.second.safetensors")
    row = 3
    waveform = temporal.burst(jnp.float32(tensors["burst_fraction"][row]), sample_rate=16_000)
    np.testing.assert_allclose(tensors["features"][row], pair[1].front_end(waveform), atol=2e-5)


def test_every_metrics_file_is_strict_json(results):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    for experiment in (*(each.NAME for each in reproduce.EXPERIMENTS), "reproduce"):
        text = (results / experiment / "metrics.json").read_text(encoding="utf-8")
        metrics = json.loads(text, parse_constant=refuse)
        assert list(metrics["encoders"]) == ["first", "second"]
        assert metrics["encoders"]["first"]["source"] == "facebook/wav2vec2-base"


def test_every_figure_is_png_and_pdf_and_svg(results):
    drawn = {path.relative_to(results) for path in results.rglob("*.png")}
    for suffix in (".pdf", ".svg"):
        others = {path.relative_to(results) for path in results.rglob(f"*{suffix}")}
        assert others == {path.with_suffix(suffix) for path in drawn}
    names = {path.as_posix().removesuffix(".png") for path in drawn}
    assert {
        "temporal/example_burst",
        "formants/cka",
        "formants/cka_layers",
        "formants/vowel_space_by_f0",
        "amplitude/amplitudes",
    } <= names
    per_encoder = {name.removesuffix(".first") for name in names if name.endswith(".first")}
    assert per_encoder == {
        "temporal/stationarity",
        "temporal/bursts",
        "temporal/bursts_map",
        "f0/bias",
        "f0/pure_tones",
        "f0/frequency_scale",
        "formants/vowel_space",
        "formants/vowel_space_by_f0",
        "formants/vowel_space_source_filter",
        "amplitude/amplitudes",
        "diphthongs/closing",
        "diphthongs/closing_at_frame_rate",
        "diphthongs/diphthongs",
    }


def test_published_numbers_stand_beside_ours(results):
    compared = json.loads((results / "reproduce/metrics.json").read_text())["published"]
    assert len(compared) == 25 + 1 + 1
    assert {each["encoders"] for each in compared} == {"first", "first, second"}
    assert not all(each["agrees"] for each in compared)
    assert compared[-1]["quantity"] == "linear CKA"
    assert compared[-1]["agrees"] is None  # --quick


def test_cka_stands_beside_its_baselines(results):
    found = json.loads((results / "formants/metrics.json").read_text())
    ((between,), baselines) = (found["between_encoders"]["linear_cka"], found["baselines"])
    assert between["encoders"] == ["first", "second"]
    assert {"value", "low", "high", "units"} == between["debiased_linear_cka"].keys()
    assert between["debiased_linear_cka"]["units"] == 36  # F1 and F2 of 108 vowels
    assert [(*pair["encoders"], pair["baseline"]) for pair in baselines if "first" in pair["encoders"]] == [
        ("first", "first.random-1", "front end and random weights"),
        ("first", "first.random-2", "front end and random weights"),
        ("first", "log-mel", "front end and log-mel"),
    ]
    of_two = [pair["encoders"] for pair in baselines if pair["baseline"] == alignment.TWO_RANDOM]
    assert of_two == [["first.random-1", "first.random-2"]]
    assert "two encoders of random weights reach 0." in found["conclusion"]
    layers = {(*each["encoders"], each["layer"]) for each in found["cka_with_log_mel"]}
    assert layers == set(itertools.product(("first", "second", "first.random-1"), ("conv 0", "conv 1", "frames")))


def test_second_run_reads_what_the_first_has_made(results, pair, capsys):
    again = Results(results.parent, quick=True)
    temporal.run(pair, again)
    assert len(again.read_back) == 2 * 4  # three sweeps and a map, for each encoder
    assert capsys.readouterr().out == ""
    (line,) = [line for line in flags.ending(pair, again, "") if "read back" in line]
    assert line == f"(8 files in {results} read back, not computed again)"

    # A damaged file is made again, with the same content.
    path = results / "temporal/stationarity.first.safetensors"
    tensors, whole = load_file(path), path.read_bytes()
    flipped = bytearray(whole)
    flipped[-100] ^= 1
    for damaged in (whole[:-7], bytes(flipped), b""):
        path.write_bytes(damaged)
        Results(results.parent, quick=True).sweep(
            "temporal", pair[0], grids.STATIONARITY, temporal.tone, pooling="none"
        )
        assert "stationarity.first.safetensors: computed again (the file is damaged" in capsys.readouterr().out
        assert_same_tensors(load_file(path), tensors)


def test_results_of_other_settings_are_never_replaced_unasked(results, pair, capsys):
    swapped = dataclasses.replace(pair[1], name="first")
    path = results / "temporal/burst_tones.first.safetensors"
    tensors, before = load_file(path), path.read_bytes()
    another = grids.Grid("burst_tones", ({"frequency": np.array([300.0, 900.0])},))
    careful = Results(results.parent, quick=True)
    for front_end, grid, changed in (
        (swapped, grids.BURST_TONES, "encoder"),
        (pair[0], another, "grid"),
        (dataclasses.replace(pair[0], precision="bfloat16"), grids.BURST_TONES, "precision"),
    ):
        with pytest.raises(ReplacementError, match=rf"made with other settings \(changed: {changed}\); .*--overwrite"):
            careful.sweep("temporal", front_end, grid, temporal.tone)
        assert path.read_bytes() == before
    Results(results.parent, quick=True, overwrite=True).sweep("temporal", swapped, grids.BURST_TONES, temporal.tone)
    assert "computed again (--overwrite; changed: encoder)" in capsys.readouterr().out
    assert path.read_bytes() != before
    Results(results.parent, quick=True, recompute=True).sweep("temporal", pair[0], grids.BURST_TONES, temporal.tone)
    assert "computed again (--recompute)" in capsys.readouterr().out
    assert_same_tensors(load_file(path), tensors)


def test_quick_results_have_a_folder_of_their_own(tmp_path, pair):
    for quick in (False, True):
        results = Results(tmp_path, quick=quick)
        grid = f0.pure_tones(pair[0], quick=quick)
        assert len(results.sweep("f0", pair[0], grid, f0.tone)) == len(grid) == (80 if quick else 800)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.safetensors")) == [
        "f0/pure_tones.first.safetensors",
        "quick/f0/pure_tones.first.safetensors",
    ]


def test_metrics_of_other_encoders_stay_in_the_file(tmp_path, pair):
    def save(value, *chosen):
        return metrics.save(
            Results(tmp_path),
            "x",
            {each: {"value": value} for each in chosen},
            summary=lambda measured: {"value": measured["value"]},
        )

    save(1, *pair)
    found = save(2, pair[1])
    assert list(found["encoders"]) == ["second"]
    kept = json.loads((tmp_path / "x/metrics.json").read_text())
    assert {name: each["value"] for name, each in kept["encoders"].items()} == {"first": 1, "second": 2}
    assert {row["encoder"]: row["value"] for row in kept["table"]} == {"first": 1, "second": 2}


def test_an_array_per_point_is_swept_and_kept(tmp_path, pair):
    def mixture(frequencies, *, sample_rate):
        return stimuli.sine_mixture(frequencies, 0.5, duration=0.1, sample_rate=sample_rate)

    rows = np.array([[100.0, 700.0], [150.0, 800.0], [200.0, 900.0]], np.float32)
    grid = grids.Grid("mixtures", ({"frequencies": rows},))
    features = Results(tmp_path).sweep("x", pair[0], grid, mixture)
    np.testing.assert_allclose(features[1], pair[0].front_end(mixture(rows[1], sample_rate=16_000)).mean(0), atol=1e-5)
    np.testing.assert_array_equal(load_file(tmp_path / "x/mixtures.first.safetensors")["frequencies"], rows)


def assert_same_tensors(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_every_experiment_ends_with_what_came_out_and_its_figures(results, pair):
    for experiment in reproduce.EXPERIMENTS:
        said = json.loads((results / experiment.NAME / "metrics.json").read_text())["conclusion"]
        assert "for first and" in said or "for first (" in said
        assert re.search(r"higher is|lower is", said)
    drawn = Results(results.parent, quick=True)
    drawn.save_figure("temporal", "example_burst", temporal.draw_example())
    assert f"    {results}/temporal: example_burst" in flags.came_out(drawn, {"conclusion": "What came out."})


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
    with pytest.raises(front_ends.EncoderChoiceError, match=message):
        front_ends.resolve(names)


def test_default_encoders(tmp_path, monkeypatch):
    monkeypatch.setattr(front_ends, "BUNDLED", "no-such-encoder")
    for default in (("no-such-encoder", "untrained"), ("no-such-encoder",)):
        (chosen,) = front_ends.resolve(None, default=default)
        assert chosen.name == "untrained"
        assert "UNTRAINED" in front_ends.remark([chosen])
    monkeypatch.setattr(front_ends, "BUNDLED", "bundled")
    save_tiny(tmp_path / "weights/bundled.safetensors", seed=0, source="experiments.pretrain: a test")
    monkeypatch.chdir(tmp_path)
    chosen = front_ends.resolve(None, default=("bundled", "untrained"))
    assert [each.name for each in chosen] == ["bundled", "untrained"]
    assert "bundled learned from synthesised sound and never heard speech" in front_ends.remark(chosen)
    save_tiny(tmp_path / "weights/converted.safetensors", seed=0, source="facebook/wav2vec2-base")
    assert front_ends.remark(front_ends.resolve(["converted", "untrained"])) is None


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
    assert published.agrees(ours, printed, digits=digits) is expected


def test_published_numbers_are_compared_for_the_papers_models_only():
    def metrics(key, value):
        sources = {"b": "facebook/wav2vec2-base@main", "x": "facebook/wav2vec2-xls-r-300m", "u": "untrained"}
        return {"quick": False, "encoders": {name: {"source": source, key: value} for name, source in sources.items()}}

    right = [[float(cell) for cell in row] for row in published.STATIONARITY]
    hertz = [100, 200, 300, 400, 500]
    temporal_metrics = metrics("stationarity", {"frequency": hertz, "matrix": right})
    f0_metrics = metrics("bias", {"frequency": hertz, "bias": [-0.5, -0.25, 0, 0.25, 0.5], "matrix": [[0.999] * 5] * 5})
    pairs = [{"encoders": ["b", "x"], "linear_cka": 0.82459172}, {"encoders": ["b", "u"], "linear_cka": 0.5}]
    formants_metrics = {"quick": False, "between_encoders": {"linear_cka": pairs}}
    comparisons = published.compare(temporal_metrics, f0_metrics, formants_metrics)
    assert len(comparisons) == 25 + 1 + 1
    assert all(each.agrees for each in comparisons)
    lines = reproduce.comparison_lines(comparisons)
    assert lines[-1] == "27 of 27 of the paper's numbers agree to the printed digits."
    assert [line.split()[-4:] for line in lines if "linear CKA" in line] == [
        ["CKA", "0.8245917", "0.8245917", "agrees"]
    ]
    assert len(lines) == 1 + 27 + 1

    right[0][1] = 0.37
    pairs[0]["linear_cka"] = 0.8245919
    for measured in f0_metrics["encoders"].values():
        measured["bias"]["matrix"] = [[0.999] * 5] * 4 + [[0.999, 0.999, 0.999, 0.98, 0.999]]
    wrong = [each for each in published.compare(temporal_metrics, f0_metrics, formants_metrics) if not each.agrees]
    assert [each.quantity for each in wrong] == [
        "stationarity, 0.1 and 0.2 kHz",
        "bias, 25 cells (ours: the farthest)",
        "linear CKA",
    ]
    assert wrong[1].ours == 0.98


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
    found = run_program("--encoders=untrained,formant-bass", f"--output_dir={output}")
    assert found.returncode == 1
    assert found.stderr.startswith("error: no weights 'formant-bass'; did you mean 'formant-base'?")
    assert len(found.stderr.splitlines()) == 1
    assert found.stdout == ""
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
    flags.launch(temporal.run)  # as the module that this is
    told = {flag.name for flag in absl_flags.FLAGS.get_key_flags_for_module(sys.modules[__name__])}
    assert {"encoders", "output_dir", "quick", "distributed", "compilation_cache_dir"} <= told

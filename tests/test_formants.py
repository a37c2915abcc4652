"""formants: one small run that every test reads, what `--synthesis` leaves out, and what is known without a run."""

import itertools

import numpy as np
import pytest
import smoke_run
from safetensors.numpy import load_file

from experiments import running
from experiments.formants import __main__ as formants
from experiments.formants import measuring
from experiments.front_ends import resolving
from experiments.measures import alignment, layer_alignment, map_order
from experiments.store import rows
from experiments.store.results import Results
from experiments.vowels.space import BY_F0, ONE_F0, RESONANCES
from w2v_jax import similarity
from w2v_jax.grids import Grid

FRAMES = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}


ASKED = ("first", "second", "log-mel", "bands-make")


@pytest.fixture(scope="module")
def run(smoke):
    """The results, and what was measured."""
    return smoke.results, smoke.results.measurements("formants")


def names_of(results, suffix):
    return {path.name.removesuffix(suffix) for path in (results.folder / "formants").glob(f"*{suffix}")}


def test_sweeps_are_in_grid_order(run):
    results, _ = run
    for sweep, count in {ONE_F0: 16, BY_F0: 18, RESONANCES: 16}.items():
        for encoder in ("first", "second"):
            kept = load_file(results.folder / f"formants/{sweep}.{encoder}.safetensors")
            assert kept["features"].shape == (count, 12)
            order = np.lexsort([kept["f2"], kept["f1"], kept["f0"]])
            np.testing.assert_array_equal(order, np.arange(count))
    assert not (results.folder / f"formants/{ONE_F0}.first.random-1.safetensors").exists()


def test_every_figure_and_map_is_there(run):
    results, _ = run
    spaces = {ONE_F0, BY_F0, RESONANCES}
    of_each = {f"{space}.{name}" for space in spaces for name in ASKED}
    for suffix in (".png", ".pdf", ".svg"):
        assert names_of(results, suffix) == spaces | of_each | {"cka", "cka_layers"}
    assert names_of(results, ".map.csv") == of_each


def test_cka_is_of_the_features_and_stands_next_to_its_baselines(run):
    results, measured = run
    first, second = (
        load_file(results.folder / f"formants/{BY_F0}.{name}.safetensors")["features"] for name in ("first", "second")
    )
    between = measured.row(alignment.LINEAR, encoder="first", **{rows.WITH: "second"})
    assert between.value == pytest.approx(float(similarity.linear_cka(first, second)))
    assert measured.row(alignment.DEBIASED, encoder="first", **{rows.WITH: "second"}).units == 9
    roles = {tuple(rows.names_in(row)): dict(row.parameters)["pair"] for row in measured.select(alignment.LINEAR)}
    assert {names: role for names, role in roles.items() if "second" not in names} == {
        ("first", "first.random-1"): "front end and random weights",
        ("first", "first.random-2"): "front end and random weights",
        ("first", "log-mel"): alignment.TWO_ASKED,
        ("first", "bands:make"): alignment.TWO_ASKED,
        ("log-mel", "bands:make"): alignment.TWO_ASKED,
        ("bands:make", "log-mel.8000-240-80"): "front end and log-mel",
        ("first.random-1", "first.random-2"): alignment.TWO_RANDOM,
        ("first.random-1", "log-mel"): "random weights and log-mel",
        ("first.random-2", "log-mel"): "random weights and log-mel",
    }
    layers = {(row.encoder, row.layer) for row in measured.select(layer_alignment.QUANTITY, layer=None)}
    assert layers == set(itertools.product(("first", "second", "first.random-1"), ("conv 0", "conv 1", "frames")))


def test_rows_of_the_table_and_of_maps(run):
    _, measured = run
    for encoder in ("first", "second"):
        assert measured.parameter("along", measuring.STEP, encoder=encoder, vowels=BY_F0) == ["f0", "F1", "F2"]
        for kind in ("sines", "resonances"):
            assert measured.parameter("of", measuring.LINEAR_PROBE, encoder=encoder, sounds=kind) == ["F1", "F2"]
        for sweep in (ONE_F0, BY_F0, RESONANCES):
            assert map_order.of(measured, encoder, sweep) is not None
    assert "two encoders with random weights reach 0." in measured.headline


def test_published_numbers_are_of_the_papers_models_vowels_and_grids():
    def measured(value, second, **options):
        sources = {"b": "facebook/wav2vec2-base@main", "x": "facebook/wav2vec2-xls-r-300m", "u": "untrained"}
        row = rows.Row(alignment.LINEAR, value, ((rows.WITH, second), ("pair", alignment.TWO_ASKED)), encoder="b")
        abouts = {name: rows.About(name, "trained", source, FRAMES) for name, source in sources.items()}
        return rows.Measurements("formants", (row,), abouts, **options)

    (number,) = formants.published(measured(0.82459172, "x"))
    assert (number.encoders, number.published, number.agrees) == ("b, x", "0.8245917", True)
    assert not formants.published(measured(0.8245919, "x"))[0].agrees
    assert formants.published(measured(0.82459172, "x", size="quick"))[0].agrees is None
    assert formants.published(measured(0.82459172, "u")) == []
    assert formants.published(measured(0.82459172, "x", settings={"vowels": {"table": "mine.csv"}})) == []


def test_neighbours_a_quarter_turn_apart():
    axes = ({"f0": np.array([120.0])}, {"f1": np.array([300.0, 400.0])}, {"f2": np.array([900.0, 1000.0, 1100.0])})
    first, second = np.eye(2)
    features = np.stack([first] * 3 + [second] * 3)  # F1 turns them, F2 does nothing
    measured = measuring.measure_neighbours(features, Grid("vowels", axes))
    assert [(dict(row.parameters)["along"], row.value) for row in measured] == [
        ("F1", pytest.approx(1)),
        ("F2", pytest.approx(0, abs=1e-6)),
    ]


@pytest.mark.parametrize(
    ("synthesis", "maps", "left_out"), [("sines", {ONE_F0, BY_F0}, "resonances"), ("resonances", {RESONANCES}, "sines")]
)
def test_what_synthesis_leaves_out(synthesis, maps, left_out, tmp_path):
    results = Results(tmp_path, size="smoke")
    log_mel = resolving.resolve(["log-mel"])
    with smoke_run.saved_as(lambda figure, path, **_: path.touch()):
        measured = running.run(formants.EXPERIMENT, log_mel, results, {"synthesis": synthesis})
    assert names_of(results, ".map.csv") == {f"{space}.log-mel" for space in maps}
    swept = {name.removesuffix(".umap") for name in names_of(results, ".safetensors")}
    assert swept == {f"{space}.log-mel" for space in maps}
    assert f"Vowels as {left_out} were left out (--synthesis)." in measured.notes
    assert any("vowel_space_source_filter" in note for note in measured.notes) == (synthesis == "resonances")
    assert any("CKA" in note for note in measured.notes) == (synthesis == "sines")
    assert not list(measured.select(measuring.ORDER, sounds=left_out))
    assert not list(measured.select(measuring.BOTH_KINDS))
    assert ("voices" in measured.headline) == (synthesis == "resonances")


def test_the_fine_grid_is_heard_when_wanted_and_not_drawn(tmp_path):
    results = Results(tmp_path, size="smoke")
    options = {"synthesis": "sines", "fine": True}
    with smoke_run.saved_as(lambda figure, path, **_: path.touch()):
        running.run(formants.EXPERIMENT, resolving.resolve(["log-mel"]), results, options)
    assert len(load_file(results.folder / f"formants/{measuring.FINE}.log-mel.safetensors")["features"]) > 0
    assert not any(measuring.FINE in name for name in names_of(results, ".png"))

"""`experiments.emergence`: its scores of made-up features, and the program end to end with tiny encoders."""

import json

import numpy as np
import pytest
from processes import save_tiny

from experiments import emergence
from experiments.claims import sounds
from experiments.draw import figures
from experiments.emergence import F1, NEAR, SCORES, TONES, VOWELS, VOWELS_AT_ONE_F0
from experiments.front_ends import controls
from experiments.front_ends import named as front_ends
from experiments.store.results import Results
from w2v_jax import projection, scales
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap, Score
from w2v_jax.scores.bootstrap import mean_score

GRIDS = sounds.grids_of(Frames(16_000, 400, 320), "quick")
GRID, FREQUENCY = GRIDS.vowels, GRIDS.tones.axis("frequency")
POINTS = GRID.points()
ERB = {name: scales.erb(values) for name, values in POINTS.items()}
STEPS = (100, 20, 0)


def flat_map(*columns):
    """Features whose cosine distances have the order of distances in `columns`: a small patch of a sphere."""
    spanned = [(each - each.mean()) / np.ptp(each) for each in columns]
    return np.stack([*spanned, np.full(len(columns[0]), 1000.0)], axis=1)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for step in STEPS:
        save_tiny(folder / f"step-{step:06d}.safetensors", seed=step)
    return front_ends.resolve([str(folder / f"step-{step:06d}.safetensors") for step in STEPS])


@pytest.fixture(scope="module")
def results(snapshots, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "PNG_DPI", 20)
        patch.setattr(controls, "SEEDS", (1, 2))
        patch.setattr(projection, "project", lambda features, **_: features[:, :2])
        results = Results(tmp_path_factory.mktemp("results"), quick=True)
        emergence.run(snapshots, results)
    return results.folder / "emergence"


def test_features_that_are_the_parameters_score_one():
    found = emergence.measure(flat_map(*POINTS.values()), POINTS, flat_map(np.log(FREQUENCY)), FREQUENCY)
    assert list(found) == list(SCORES)
    for name in (VOWELS, TONES, NEAR):
        assert found[name].value == pytest.approx(1, abs=0.03)
    assert 0.85 < found[VOWELS_AT_ONE_F0].value < 1  # which is asked in ERB
    at_one_f0 = flat_map(ERB["f1"], ERB["f2"] * np.ptp(ERB["f1"]) / np.ptp(ERB["f2"]))
    assert emergence.measure(at_one_f0, POINTS, flat_map(FREQUENCY), FREQUENCY)[VOWELS_AT_ONE_F0].value > 0.8
    assert found[F1].value > 0.5  # of few values, with noise


def test_each_score_asks_for_its_parameters():
    found = emergence.measure(flat_map(POINTS["f0"]), POINTS, flat_map(FREQUENCY), FREQUENCY)
    assert found[VOWELS].value > 0.9  # with all weight on f0
    assert isinstance(found[VOWELS_AT_ONE_F0], str)  # vowels of one f0 are all alike
    assert 0.5 < found[TONES].high < 0.95  # spaced in Hz
    found = emergence.measure(flat_map(POINTS["f1"], POINTS["f2"]), POINTS, flat_map(FREQUENCY), FREQUENCY)
    assert found[NEAR].value < 0.9
    assert found[VOWELS_AT_ONE_F0].value > 0.85


def test_random_features_score_zero():
    rng = np.random.default_rng(0)
    found = emergence.measure(rng.normal(size=(len(GRID), 8)), POINTS, rng.normal(size=(len(FREQUENCY), 8)), FREQUENCY)
    for name in (VOWELS, VOWELS_AT_ONE_F0, TONES):
        assert abs(found[name].value) < 0.25
    assert found[F1].value < 0.1


def test_table_is_sorted_by_step_and_has_the_controls_beside_it(results):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    metrics = json.loads((results / "metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert [row["step"] for row in metrics["table"]] == sorted(STEPS)
    seeds = [f"step-000000.random-{seed}" for seed in (1, 2)]
    assert list(metrics["controls"]) == [*seeds, "log-mel"]
    (means,) = metrics["untrained_means"]
    for name in SCORES:
        for row in metrics["table"]:
            score = metrics["encoders"][row["encoder"]]["scores"][name]
            assert score["low"] <= score["value"] == row[name] <= score["high"]
        values = [metrics["controls"][seed]["scores"][name]["value"] for seed in seeds]
        assert means["scores"][name] == pytest.approx(np.mean(values))


def test_every_figure_is_png_and_pdf(results):
    for suffix in (".png", ".pdf"):
        assert {path.stem for path in results.glob(f"*{suffix}")} == {"scores", "vowels", "filters"}


def test_encoders_side_by_side(snapshots):
    names = [each.name for each in emergence.with_controls(snapshots).drawn]
    assert names == ["step-000000", "step-000020", "step-000100"]
    alone = emergence.with_controls(snapshots[:1])
    assert [alone.labels[each] for each in alone.drawn] == ["step-000100", "random weights, seed 1"]
    many = [front_ends.random_encoder(f"step-{n}", n, config=snapshots[0].config) for n in range(11)]
    assert [each.step for each in emergence.with_controls(many).drawn] == [0, 3, 7, 10]


@pytest.mark.parametrize("count", [1, 3])
def test_a_collapsed_encoder_is_told_and_drawn_as_far_as_it_can_be(snapshots, tmp_path, count):
    compared = emergence.with_controls(snapshots[:count])
    score = mean_score(np.linspace(0.2, 0.4, 9), bootstrap=Bootstrap(resamples=20))
    columns = {each: dict.fromkeys(SCORES, score) for each in compared.all}
    zeros = np.zeros((len(GRID), 8)), POINTS, np.zeros((len(FREQUENCY), 8)), FREQUENCY
    columns[compared.front_ends[0]] = emergence.measure(*zeros)
    assert not any(isinstance(cell, Score) for cell in columns[compared.front_ends[0]].values())
    lines = emergence.table_lines(compared, columns)
    assert lines[2].split()[1:] == ["undefined"] * len(SCORES)
    assert lines[-2].split()[-len(SCORES) :] == ["0.300"] * len(SCORES)  # of the seeds
    figures.save(emergence.draw_scores(compared, columns), tmp_path / "scores.png")

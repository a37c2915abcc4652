"""`experiments.claims` end to end with a tiny encoder."""

import csv
import json

import numpy as np
import pytest
from flax import nnx

from experiments.claims import __main__ as claims
from experiments.claims import figures as claims_figures
from experiments.claims import sounds as claims_sounds
from experiments.claims import table as claims_table
from experiments.harness import controls, figures, front_ends
from experiments.harness.workspace import Workspace
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.bootstrap import mean_score

# Two layers with the frame geometry of wav2vec 2.0.
TINY = EncoderConfig(channels=(8, 12), kernel_sizes=(16, 25), strides=(16, 20), conv_norm="layer")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_encoder(FeatureEncoder(TINY, rngs=nnx.Rngs(7)), path, provenance=Provenance(source="tiny"))
    return front_ends.resolve([str(path)])


@pytest.fixture(scope="module")
def results(tiny, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "SEEDS", (1,))
        patch.delitem(controls.SPECTROGRAMS, "stft")
        patch.setattr(figures, "PNG_DPI", 40)
        workspace = Workspace(tmp_path_factory.mktemp("results"), quick=True)
        claims.run(tiny, workspace)
    return workspace.output_dir / "claims"


def test_the_table_has_every_claim_layer_and_control(results):
    with (results / "claims.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [(claim, name) for claim, names in claims.CLAIMS.items() for name in names]
    assert [(row["claim"], row["score"]) for row in rows] == expected
    columns = ["tiny conv 0", "tiny conv 1", "tiny frames", "tiny.random-1 conv 0", "log-mel frames"]
    for row in rows:
        for column in columns:
            low, value, high = (float(row[f"{column}{end}"]) for end in (" low", "", " high"))
            assert low <= high
            assert np.isfinite(value)
        verdicts = {row[f"tiny against {rival}"] for rival in ("untrained", "tiny.random-1", "log-mel")}
        assert verdicts <= {"ahead", "level", "behind"}


def test_metrics_are_strict_json_and_agree_with_the_table(results):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    metrics = json.loads((results / "metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert metrics["encoders"]["tiny"]["trained"]
    assert set(metrics["controls"]) == {"tiny.random-1", "log-mel"}
    with (results / "claims.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    found = metrics["controls"]["log-mel"]["scores"]["frames"][first["claim"]][first["score"]]
    assert found["value"] == pytest.approx(float(first["log-mel frames"]), rel=1e-5)
    assert set(metrics["encoders"]["tiny"]["tuning"]) == {"conv 0", "conv 1", "frames"}


def test_scores_drawn_through_the_layers_exist():
    assert all(name in claims.CLAIMS[claim] for claim, name in claims_figures.BY_LAYER)


def test_every_figure_is_png_and_pdf(results):
    for suffix in ("png", "pdf"):
        names = {path.name.split(".")[0] for path in results.glob(f"*.{suffix}")}
        assert names == {"claims", "layers", "filters", "tuning"}


def test_second_run_sweeps_nothing(results, tiny, capsys):
    workspace = Workspace(results.parent, quick=True)
    claims_sounds.listen(tiny[0], claims_sounds.QUICK_GRIDS, workspace, experiment=claims.NAME)
    assert capsys.readouterr().out.count("unchanged, read from") == len(claims_sounds.SOUNDS) + 1


def test_verdicts_hold_for_every_seed(tiny):
    found = controls.controls_of(tiny)[tiny[0]]
    rng = np.random.default_rng(0)
    noise = rng.normal(size=40)

    def column(value):
        score = mean_score(value + 0.01 * noise, bootstrap=Bootstrap(resamples=50))
        return {"frames": {claim: dict.fromkeys(names, score) for claim, names in claims.CLAIMS.items()}}

    columns = {tiny[0]: column(0.5)} | {control: column(0.1) for control in found.all}
    columns[found.untrained[0]] = column(0.9)
    columns[found.spectrograms[1]]["frames"]["bias"] = dict.fromkeys(claims.CLAIMS["bias"], "no score")
    against = claims_table.compare(columns, tiny[0], found)["bias"]["same under bias, cosine, other tones"]
    assert against[found.untrained[0].name] == "behind"
    assert against[found.untrained[1].name] == "ahead"
    assert against["untrained"] == "level"
    assert against["log-mel"] == "ahead"
    assert against["stft"] == "undefined"


def test_an_untrained_encoder_is_said_to_prove_nothing(tiny):
    (untrained,) = front_ends.resolve(["untrained"])
    found = controls.Controls((), controls.controls_of(tiny)[tiny[0]].spectrograms)
    column = {"frames": {claim: dict.fromkeys(names, "no score") for claim, names in claims.CLAIMS.items()}}
    columns = dict.fromkeys([untrained, *found.all], column)
    verdicts = claims_table.compare(columns, untrained, found)
    lines = claims_table.markdown(columns, untrained, found, verdicts)
    assert "no claim about a trained model follows" in lines[-2]


@pytest.mark.parametrize("grids", [claims_sounds.FULL_GRIDS, claims_sounds.GRIDS, claims_sounds.QUICK_GRIDS])
def test_grids_keep_multiples_of_50_hz_apart_and_leave_out_8_khz(grids):
    for grid in (grids.tones, grids.tones_at_50):
        assert (grid.axis("frequency") % 3200 != 0).all()
        assert grid.axis("frequency").max() < 8000
    assert (grids.tones_at_50.axis("frequency") % 50 == 0).all()
    assert (np.gcd(grids.tones.axis("frequency").astype(int), 50) == 1).all()
    for grid, parameter in ((grids.biases, "frequency"), (grids.bursts, "base_frequency")):
        at_50_hz = grid.axis(parameter) % 50 == 0
        assert at_50_hz.sum() == (~at_50_hz).sum()

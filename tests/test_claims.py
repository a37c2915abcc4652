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
from experiments.claims.listeners import expected_correct
from experiments.claims.questions import CLAIMS, WITH, chances, claims_of
from experiments.draw import figures
from experiments.front_ends import controls
from experiments.front_ends import named as front_ends
from experiments.front_ends.populations import populations
from experiments.store.results import Results
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.bootstrap import mean_score

# Two layers with the frame geometry of wav2vec 2.0.
TINY = EncoderConfig(channels=(8, 12), kernel_sizes=(16, 25), strides=(16, 20), conv_norm="layer")
FRAMES = [Frames(16_000, 400, 320), Frames(16_000, 465, 160), Frames(24_000, 400, 320), Frames(8_000, 4_000, 2_000)]
CHANCES = chances(claims_sounds.grids_of(FRAMES[0]))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_encoder(FeatureEncoder(TINY, rngs=nnx.Rngs(7)), path, provenance=Provenance(source="tiny"))
    return front_ends.resolve([str(path)])


@pytest.fixture(scope="module")
def results(tiny, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bootstrap.__init__, "__defaults__", (40, 0.95, 0))  # a tenth of the resamples
        patch.setattr(controls, "SEEDS", (1,))
        patch.delitem(front_ends.SPECTROGRAMS, "stft")
        patch.setattr(figures, "PNG_DPI", 40)
        results = Results(tmp_path_factory.mktemp("results"), quick=True)
        claims.run(tiny, results)
    return results.folder / "claims"


def test_the_table_has_every_claim_layer_and_control(results):
    with (results / "claims.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [(claim, name) for claim, names in CLAIMS.items() for name in names]
    assert [(row["claim"], row["score"]) for row in rows] == expected
    columns = ["tiny conv 0", "tiny conv 1", "tiny frames", "tiny.random-1 conv 0", "log-mel frames"]
    for row in rows:
        for column in columns:
            low, value, high = (float(row[f"{column}{end}"]) for end in (" low", "", " high"))
            assert low <= high
            assert np.isfinite(value)
        verdicts = {row[f"tiny against {rival}"] for rival in ("untrained", "log-mel")}
        assert verdicts <= {"ahead", "level", "behind", "ceiling"}
        assert row["over"]
        assert int(row["units"]) >= 2
    assert {row["primary"] for row in rows} == {"", "yes"}


def test_metrics_are_strict_json_and_agree_with_the_table(results):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    metrics = json.loads((results / "metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert metrics["encoders"]["tiny"]["kind"] == "trained"
    assert set(metrics["controls"]) == {"tiny.random-1", "log-mel"}
    with (results / "claims.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    found = metrics["controls"]["log-mel"]["scores"]["frames"][first["claim"]][first["score"]]
    assert found["value"] == pytest.approx(float(first["log-mel frames"]), rel=1e-5)
    assert set(metrics["saturation"]) == {"tiny", "tiny.random-1", "log-mel"}
    cents = metrics["encoders"]["tiny"]["scores"]["frames"]["formants, with voices"]
    assert cents["F2 read off across f0 and F1, cents"]["value"] > 0
    assert set(metrics["encoders"]["tiny"]["tuning"]) == {"conv 0", "conv 1", "frames"}
    with (results / "metrics.csv").open(encoding="utf-8") as file:
        layers = {row["layer"] for row in csv.DictReader(file) if row["encoder"] == "tiny"}
    assert layers == {"conv 0", "conv 1", "frames"}


def test_scores_drawn_through_the_layers_exist():
    assert all(name in CLAIMS[claim] for claim, name in claims_figures.BY_LAYER)


def test_every_figure_is_png_and_pdf(results):
    for suffix in ("png", "pdf"):
        names = {path.name.split(".")[0] for path in results.glob(f"*.{suffix}")}
        assert names == {"claims", "read_off", "discrimination", "noise", "layers", "filters", "tuning"}


def test_second_run_sweeps_nothing(results, tiny):
    again = Results(results.parent.parent, quick=True)
    claims_sounds.listen(tiny[0], claims_sounds.grids_of(tiny[0].frames, "quick"), again, experiment=claims.NAME)
    assert len(again.read_back) == len(claims_sounds.SOUNDS) + 1


def test_vowels_may_be_of_one_synthesis():
    assert set(claims_of()) == set(CLAIMS)
    assert {claim for claim in claims_of(("sines",)) if claim.endswith(WITH["resonances"])} == set()
    of_one = claims_sounds.grids_of(FRAMES[0], syntheses=("resonances",)).items()
    assert {name for name in of_one if "vowel" in name} == {"vowels_resonances", "vowel_lines_resonances"}


def test_chance_is_said_of_the_sounds_that_are_heard():
    def of(size, claim, name):
        return chances(claims_sounds.grids_of(FRAMES[0], size))[claim, name]

    f0 = "fundamental frequency, with voices", "f0 read off across vowels, cents"
    assert [int(of(size, *f0)) for size in ("usual", "full")] == pytest.approx([347, 347], abs=3)
    assert of("quick", *f0) == of("quick", f0[0], "f0 read off across vowels and between the f0 heard, cents")
    assert int(of("usual", "formants, with sines", "F2 read off across f0 and F1, cents")) == pytest.approx(567, abs=3)
    assert 1 < float(of("usual", "amplitude", "amplitude of 100 Hz read off across that of 700 Hz, dB")) < 6


def columns_of(values, rng, *, names=None):
    """A column per front end: every score is its value, give or take."""
    shared = rng.normal(size=40)

    def column(value):
        def of(claim, name):  # of errors lower is better
            centre = value if CLAIMS[claim][name].unit is None else 100 * (1 - value)
            return mean_score(centre + 0.01 * (shared + rng.normal(size=40)), bootstrap=Bootstrap(resamples=50))

        return {"frames": {claim: {name: of(claim, name) for name in found} for claim, found in CLAIMS.items()}}

    return {each: column(value) for each, value in values.items()}


def words(verdicts, control):
    return [by_control[control].word for names in verdicts.values() for by_control in names.values()]


@pytest.fixture
def trainings(tiny, tmp_path):
    names = []
    for seed in range(3):
        save_encoder(FeatureEncoder(TINY, rngs=nnx.Rngs(seed + 20)), tmp_path / f"training-{seed}.safetensors")
        names.append(str(tmp_path / f"training-{seed}.safetensors"))
    (group,) = populations(front_ends.resolve([f"several={'+'.join(names)}"]))
    return group


def test_a_group_of_trainings_is_held_against_ten_seeds(trainings):
    found = controls.controls_of(trainings.members)[trainings.members[0]]
    assert len(found.untrained) >= 10
    rng = np.random.default_rng(0)
    values = dict(zip(trainings.members, (0.5, 0.55, 0.6), strict=True))
    values |= {each: 0.2 + 0.02 * rng.normal() for each in found.untrained}
    values |= {found.spectrograms["log-mel"]: 0.9, found.spectrograms["stft"]: 0.55}
    columns = columns_of(values, rng)
    columns[found.spectrograms["stft"]]["frames"]["bias"] = dict.fromkeys(CLAIMS["bias"], "no score")
    against = claims_table.compare(columns, trainings, found)
    assert set(words(against, "untrained")) == {"ahead"}
    assert set(words(against, "log-mel")) == {"behind"}
    assert set(words({"others": against["formants, with sines"]}, "stft")) == {"level"}  # the middle of the three
    assert {each["stft"].word for each in against["bias"].values()} == {"undefined"}
    first = next(iter(against["formants, with sines"].values()))["untrained"]
    assert first.apart
    assert first.q >= first.p
    assert set(claims_table.agreements(against, "log-mel").values()) == {"behind"}
    null = claims_table.null_table(columns, found.untrained)
    lines = claims_table.markdown(columns, trainings, found, against, null, chances=CHANCES)
    assert "several (3 trainings), final frames" in lines[0]
    assert any("Where there is nothing to find (1 of" in line for line in lines)


def test_among_random_encoders_few_comparisons_are_marked(trainings):
    found = controls.controls_of(trainings.members)[trainings.members[0]]
    rng = np.random.default_rng(1)
    by_name = {}
    for claim, names in CLAIMS.items():
        for name in names:  # seeds differ by more than their intervals are wide
            by_name[claim, name] = dict(zip(found.untrained, 0.3 + 0.1 * rng.normal(size=10), strict=True))
    columns = columns_of(dict.fromkeys(found.untrained, 0.0), rng)
    for (claim, name), values in by_name.items():
        for each, value in values.items():
            score = columns[each]["frames"][claim][name]
            moved = mean_score(value + 0.01 * rng.normal(size=40), bootstrap=score.bootstrap)
            columns[each]["frames"][claim][name] = moved
    null = claims_table.null_table(columns, found.untrained)
    assert null.compared == 10 * len(by_name)
    assert null.marked <= 0.05 * null.compared
    assert null.tables_with_marks <= 0.2 * null.tables
    assert 0.02 < null.below_five / null.compared < 0.08
    of_three = claims_table.null_table(columns, found.untrained[:5], size=3)
    assert (of_three.others, of_three.tables) == (2, 10)
    assert claims_table.null_table(columns, found.untrained[:2]) is None


def test_a_claim_in_some_metrics_only_depends_on_the_metric(tiny):
    found = controls.controls_of(tiny)[tiny[0]]
    rng = np.random.default_rng(2)
    columns = columns_of({tiny[0]: 0.5, **{each: 0.3 + 0.001 * rng.normal() for each in found.all}}, rng)
    family = "RSA of vowels with f0, F1, F2"
    low = columns_of({tiny[0]: 0.1}, rng)[tiny[0]]["frames"]["metric space, with sines"][f"{family}, Hz"]
    columns[tiny[0]]["frames"]["metric space, with sines"][f"{family}, Hz"] = low
    against = claims_table.compare(columns, populations(tiny)[0], found)
    agreed = claims_table.agreements(against, "untrained")
    assert agreed.pop(f"{family}, with sines") == claims_table.DEPENDS
    assert set(agreed.values()) == {"ahead"}
    against["metric space, with sines"][f"{family}, Hz"]["untrained"] = claims_table.Verdict("level", 0.2, 0.5)
    assert (
        claims_table.agreements(against, "untrained")[f"{family}, with sines"] == "ahead in 4 of 5 metrics, level in 1"
    )


def test_of_errors_lower_is_ahead_and_a_verdict_says_of_which_sounds_it_holds(tiny):
    found = controls.controls_of(tiny)[tiny[0]]
    rng = np.random.default_rng(4)
    columns = columns_of({tiny[0]: 0.5, **{each: 0.3 + 0.001 * rng.normal() for each in found.all}}, rng)
    name = "f0 read off across vowels, cents"
    behind = columns_of({tiny[0]: 0.1}, rng)[tiny[0]]["frames"]
    with_voices = "fundamental frequency, with voices"
    columns[tiny[0]]["frames"][with_voices][name] = behind[with_voices][name]
    against = claims_table.compare(columns, populations(tiny)[0], found)
    assert against["fundamental frequency, with sines"][name]["untrained"].difference == pytest.approx(-20, abs=1)
    both = claims_table.of_both(against, "untrained")
    assert both[f"fundamental frequency: {name}"] == "ahead with sines, behind with voices"
    assert both["formants: F2 read off across f0 and F1, cents"] == "ahead with both"


def test_sounds_farther_apart_than_the_tuning_are_told():
    (line,) = claims_table.saturated_lines({"narrow": {"tones": 0.8, "vowels, sines": 0.5}, "wide": {"tones": 0.01}})
    assert line.startswith("- narrow: SATURATED for tones (80% of the pairs")


def test_scores_at_their_ceiling_are_left_out(tiny):
    found = controls.controls_of(tiny)[tiny[0]]
    columns = columns_of(dict.fromkeys([tiny[0], *found.all], 1.01), np.random.default_rng(3))
    against = claims_table.compare(columns, populations(tiny)[0], found)
    shares = {c: {n: v for n, v in names.items() if CLAIMS[c][n].unit is None} for c, names in against.items()}
    assert set(words(shares, "untrained")) == {"ceiling"}
    assert "0 ahead of and 0 behind untrained" in claims_table.conclude(populations(tiny)[0], found, against)


def test_an_untrained_encoder_is_said_to_prove_nothing(tiny):
    (untrained,) = front_ends.resolve(["untrained"])
    found = controls.Controls((), controls.controls_of(tiny)[tiny[0]].spectrograms)
    column = {"frames": {claim: dict.fromkeys(names, "no score") for claim, names in CLAIMS.items()}}
    columns = dict.fromkeys([untrained, *found.all], column)
    (alone,) = populations([untrained])
    verdicts = claims_table.compare(columns, alone, found)
    lines = claims_table.markdown(columns, alone, found, verdicts, None, chances=CHANCES)
    assert "no claim about a trained model follows" in lines[-2]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("one=untrained+untrained", "twice"),
        ("alone=weights/formant-base-1*", "1 member"),
        ("log-mel=log-mel+stft", "name of a group and of an encoder"),
    ],
)
def test_groups_that_are_none(named, message):
    with pytest.raises(front_ends.EncoderChoiceError, match=message):
        front_ends.resolve([named])


@pytest.mark.parametrize("size", ["quick", "usual", "full"])
@pytest.mark.parametrize("frames", FRAMES, ids=lambda frames: f"{frames.rate:g} Hz")
def test_multiples_of_the_frame_rate_are_kept_apart_from_other_tones(frames, size):
    grids = claims_sounds.grids_of(frames, size)
    least = min(8, frames.phases(1))
    for grid in (grids.tones, grids.tones_at_rate):
        frequency = grid.axis("frequency")
        assert (frequency * 5 % frames.sample_rate != 0).all()
        assert frequency.max() < frames.nyquist
    assert {frames.phases(each) for each in grids.tones_at_rate.axis("frequency")} == {1}
    for grid, parameter in ((grids.biases, "frequency"), (grids.levels, "frequency"), (grids.shifts, "frequency")):
        phases = np.array([frames.phases(each) for each in grid.axis(parameter)])
        assert set(phases[phases < least]) <= {1}
        assert 0 < (phases == 1).sum() <= (phases > 1).sum()
    assert grids.shifts.axis("offset").max() < frames.hop


def test_sounds_of_wav2vec2_are_as_they_were():
    grids = claims_sounds.grids_of(FRAMES[0])
    of_vowels = {"vowels": 507, "vowel_lines": 125, "abx_f0": 168, "abx_formants": 216, "abx_level": 144}
    assert {name: len(grid) for name, grid in grids.items().items()} == {
        "tones": 200,
        "tones_at_rate": 52,
        "amplitudes": 80,
        "amplitude_lines": 100,
        "bursts": 12,
        "biases": 80,
        "levels": 80,
        "shifts": 160,
        **{f"{name}_resonances": count for name, count in of_vowels.items()},
        **of_vowels,
    }
    assert list(grids.biases.axis("frequency")[:9]) == [100, 200, 300, 400, 500, 800, 1500, 3000, 113]
    f0 = np.unique(grids.vowels.points()["f0"])
    assert len(f0) >= 20
    assert (f0 % 25 != 0).all()


def test_a_listeners_curve_goes_through_chance_and_what_was_measured():
    assert [round(expected_correct(multiple), 3) for multiple in (0, 1, 2, 8)] == [0.5, 0.75, 0.911, 1.0]

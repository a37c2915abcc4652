"""`experiments.claims`: a whole run with a tiny encoder, and what its tables and verdicts say of made numbers."""

import csv
import dataclasses
import itertools

import numpy as np
import pytest

from experiments.claims import phased, small_changes, table, terminal, verdicts
from experiments.claims import sounds as claims_sounds
from experiments.claims.__main__ import EXPERIMENT
from experiments.claims.asking import PHASES_TAKEN
from experiments.claims.figures import draw_claims
from experiments.claims.listeners import expected_correct
from experiments.claims.questions import CLAIMS, WITH, chances, claims_of, placed
from experiments.front_ends import resolving
from experiments.front_ends.named import EncoderChoiceError
from experiments.store import measurements_file, rows
from experiments.store.populations import populations
from experiments.store.rows import About, Measurements
from w2v_jax import scores
from w2v_jax.front_end import FRAMES, Frames
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.bootstrap import mean_score

FRAMINGS = [Frames(16_000, 400, 320), Frames(16_000, 465, 160), Frames(24_000, 400, 320), Frames(8_000, 4_000, 2_000)]
CHANCES = chances(claims_sounds.grids_of(FRAMINGS[0]))


NAME = "step-000000"
STEMS = ("claims", "read_off", "discrimination", "small_changes", "noise", "layers", "filters", "tuning")


@pytest.fixture(scope="module")
def folder(smoke_claims):
    """What a smoke run of a tiny encoder wrote."""
    return smoke_claims.folder / "claims"


@pytest.fixture(scope="module")
def measured(folder):
    return measurements_file.read(folder / "metrics.json", "claims")


def test_the_table_has_every_claim_layer_and_control(folder):
    with (folder / "claims.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["claim"], line["score"]) for line in lines] == [
        (claim, name) for claim, names in CLAIMS.items() for name in names
    ]
    for line in lines:
        question = CLAIMS[line["claim"]][line["score"]]
        # Of the inner layers of controls what is drawn is enough.
        is_scored = {f"{NAME} conv 0": question.of_layers, f"{NAME}.random-1 conv 0": question.by_layer}
        assert {column for column in is_scored if line[column]} == {column for column in is_scored if is_scored[column]}
        for column in (f"{NAME} frames", "log-mel frames", *(column for column in is_scored if is_scored[column])):
            low, value, high = (float(line[f"{column}{end}"]) for end in (" low", "", " high"))
            assert low <= value <= high
        words = {line[f"{NAME} against {rival}"] for rival in ("untrained", "log-mel")}
        assert words <= {"ahead", "level", "behind", "ceiling"}
        assert line["over"]
        assert int(line["units"]) >= 2
    assert {line["primary"] for line in lines} == {"", "yes"}
    assert f"{NAME}.random-3 frames" in lines[0]
    assert f"{NAME}.random-3 conv 0" not in lines[0]  # of most seeds the final frames are enough


def test_rows_are_what_was_measured_and_verdicts_are_theirs(measured):
    assert list(measured.encoders) == [NAME, *(f"{NAME}.random-{seed}" for seed in (1, 2, 3)), "log-mel"]
    cents = measured.row("F2 read off across f0 and F1, cents", encoder=NAME, claim="formants, with voices")
    assert (cents.unit, cents.better, cents.layer) == ("cents", "lower", FRAMES)
    assert cents.low <= cents.value <= cents.high
    assert len(list(measured.select("channels tuned", encoder=NAME, layer=None))) == 2
    assert {row.encoder for row in measured.select(table.SATURATION)} == set(measured.encoders)
    assert len(list(measured.select("linearity between values heard by noise, R²", encoder=NAME))) == 24
    (population,) = populations(measured)
    assert population.controls == tuple(measured.encoders)[1:]
    by_claim = verdicts.verdicts(measured, population)
    assert sum(len(names) for names in by_claim.values()) == sum(map(len, CLAIMS.values()))
    assert measured.headline == EXPERIMENT.headline(measured)
    assert measured.headline.startswith(f"{NAME} is ahead of random weights in ")
    assert EXPERIMENT.headline(measured.of("log-mel")) == "No control was compared with these front ends."


def test_every_figure_is_drawn_in_every_format(folder):
    for suffix in ("png", "pdf", "svg"):
        assert {path.stem for path in folder.glob(f"*.{suffix}")} == {f"{stem}.{NAME}" for stem in STEMS}


def test_places_in_figures_are_told_by_questions():
    several = [(claim, name) for claim, name, _ in placed("through_layers")]
    assert several[0] == ("metric space, with sines", "RSA of vowels with f0, F1, F2, span")
    assert len(several) == 16
    assert len(placed("through_training", ("resonances",))) == 6
    assert all(question.hears for *_, question in placed("through_training"))


def test_the_ten_scores_that_are_printed_are_asked():
    for claim, name, of_vowels in terminal.TEN:
        for each in [f"{claim}, {told}" for told in WITH.values()] if of_vowels else [claim]:
            assert name in CLAIMS[each]


def test_vowels_may_be_of_one_synthesis():
    assert set(claims_of()) == set(CLAIMS)
    assert {claim for claim in claims_of(("sines",)) if claim.endswith(WITH["resonances"])} == set()
    of_one = claims_sounds.grids_of(FRAMINGS[0], syntheses=("resonances",)).items()
    assert {name for name in of_one if "vowel" in name} == {"vowels_resonances", "vowel_lines_resonances"}


def test_chance_is_said_of_the_sounds_that_are_heard():
    def of(size, claim, name):
        return chances(claims_sounds.grids_of(FRAMINGS[0], size))[claim, name]

    f0 = "fundamental frequency, with voices", "f0 read off across vowels, cents"
    assert [int(of(size, *f0)) for size in ("usual", "full")] == pytest.approx([347, 347], abs=3)
    assert of("quick", *f0) == of("quick", f0[0], "f0 read off across vowels and between the f0 heard, cents")
    assert int(of("usual", "formants, with sines", "F2 read off across f0 and F1, cents")) == pytest.approx(567, abs=3)
    assert 1 < float(of("usual", "amplitude", "amplitude of 100 Hz read off across that of 700 Hz, dB")) < 6


SEEDS = tuple(f"random-{seed}" for seed in range(1, 11))
CONTROLS = (*SEEDS, "log-mel", "stft")


def columns_of(values, rng, *, spread=0.0):
    """By name, a column of final frames: every score is its value, give or take; of errors lower is better."""
    shared = rng.normal(size=40)

    def score(claim, name, value):
        centre = value if CLAIMS[claim][name].unit is None else 100 * (1 - value)
        own = centre + spread * rng.normal()
        return mean_score(own + 0.01 * (shared + rng.normal(size=40)), bootstrap=Bootstrap(resamples=50))

    return {
        each: {claim: {name: score(claim, name, value) for name in names} for claim, names in CLAIMS.items()}
        for each, value in values.items()
    }


def measured_of(columns, *, group=None, kind="trained"):
    """Measurements of made scores: of `tiny` or several trainings, and of controls."""

    def about(name):
        its_kind = "random" if name.startswith("random-") else "spectrogram" if name in CONTROLS else kind
        theirs = [each for each in columns if each in CONTROLS and each != name]
        frames = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}
        if name in CONTROLS:
            return About(name, its_kind, "", frames, control_of=("tiny",))
        return About(name, its_kind, "", frames, group=group, compared_with=tuple(theirs))

    scored = [
        dataclasses.replace(rows.score(name, cell, claim=claim), encoder=each)
        for each, column in columns.items()
        for claim, names in column.items()
        for name, cell in names.items()
    ]
    empty = Measurements("claims", tuple(scored), {name: about(name) for name in columns})
    return dataclasses.replace(empty, rows=(*scored, *verdicts.compare(columns, empty)))


def judged(measured):
    (population,) = populations(measured)
    return population, verdicts.verdicts(measured, population)


def words(by_claim, control):
    return [by_control[control].word for names in by_claim.values() for by_control in names.values()]


def test_a_group_of_trainings_is_held_against_ten_seeds(monkeypatch):
    monkeypatch.setattr(verdicts, "MOST_SPLITS", 12)  # of 120
    rng = np.random.default_rng(0)
    values = {"a": 0.5, "b": 0.55, "c": 0.6, **{each: 0.2 + 0.02 * rng.normal() for each in SEEDS}}
    columns = columns_of({**values, "log-mel": 0.9, "stft": 0.55}, rng)
    columns["stft"]["bias"] = dict.fromkeys(CLAIMS["bias"], "no score")
    measured = measured_of(columns, group="several")
    population, by_claim = judged(measured)
    assert population.told == "several (3 trainings)"
    assert set(words(by_claim, "untrained")) == {"ahead"}
    assert set(words(by_claim, "log-mel")) == {"behind"}
    assert set(words({"others": by_claim["formants, with sines"]}, "stft")) == {"level"}  # the middle of the three
    assert {each["stft"].word for each in by_claim["bias"].values()} == {"undefined"}
    first = next(iter(by_claim["formants, with sines"].values()))["untrained"]
    assert first.apart
    assert first.q >= first.p
    assert set(verdicts.agreements(by_claim, "log-mel").values()) == {"behind"}
    printed = terminal.lines(measured, population, chances=CHANCES)
    assert printed[0] == f"several (3 trainings), final frames: 10 of {len(table.score_names(measured))} scores"
    assert len(printed) == 3 + len(terminal.TEN)
    assert terminal.leading(measured) == [population]
    lines = table.markdown(measured, population, chances=CHANCES)
    assert "several (3 trainings), final frames" in lines[0]
    assert any("All 3 trainings do better than all 10 encoders with random weights in" in line for line in lines)
    assert any("A check without a real difference" in line for line in lines)
    assert "several (3 trainings) is ahead of random weights in 43 of 43 main scores" in EXPERIMENT.headline(measured)
    assert list(populations(measured.of("a", "b", *CONTROLS))) != [population]
    assert verdicts.told(measured.of("a", "b", *CONTROLS)) == []  # the rows are of all three


def test_one_training_is_held_against_seeds_as_one_more_draw_from_them():
    values = {"tiny": 0.3, **{seed: 0.2 + 0.02 * at for at, seed in enumerate(SEEDS)}}
    columns = columns_of(values, np.random.default_rng(2))
    _, by_claim = judged(measured_of(columns))
    claim, name = "formants, with sines", next(iter(CLAIMS["formants, with sines"]))
    training, seeds = ([columns[each][claim][name] for each in several] for several in (["tiny"], SEEDS))
    drawn, fixed = (scores.compare(training, seeds, second_is=kind).p for kind in ("drawn", "fixed"))
    assert by_claim[claim][name]["untrained"].p == drawn != fixed


def test_random_weights_are_never_called_trainings():
    rng = np.random.default_rng(0)
    columns = columns_of(dict.fromkeys(["a", "b", "c", *SEEDS[:4]], 0.5), rng)
    measured = measured_of(columns, group="mine", kind="random")
    (population,) = populations(measured)
    assert population.told == "mine (3 seeds of random weights)"
    lines = table.markdown(measured, population, chances=CHANCES)
    assert not any("trainings" in line for line in lines)
    assert "no claim about a trained model follows" in lines[-2]


def test_among_random_encoders_few_comparisons_are_marked():
    # Seeds differ by more than their intervals are wide.
    columns = columns_of(dict.fromkeys(SEEDS, 0.3), np.random.default_rng(1), spread=0.1)
    null = verdicts.null_table(columns, SEEDS)
    assert null.compared == 10 * sum(map(len, CLAIMS.values()))
    assert null.marked <= 0.05 * null.compared
    assert null.tables_with_marks <= 0.2 * null.tables
    assert 0.02 < null.below_five / null.compared < 0.08
    of_three = verdicts.null_table(columns, SEEDS[:5], size=3)
    assert (of_three.others, of_three.tables) == (2, 10)
    assert verdicts.null_table(columns, SEEDS[:2]) is None


@pytest.fixture
def ahead():
    """Columns of which `tiny` is ahead of all controls."""
    rng = np.random.default_rng(2)
    return columns_of({"tiny": 0.5, **{each: 0.3 + 0.001 * rng.normal() for each in CONTROLS}}, rng)


def test_a_claim_in_some_metrics_only_depends_on_the_metric(ahead):
    family = "RSA of vowels with f0, F1, F2"
    low = columns_of({"tiny": 0.1}, np.random.default_rng(2))["tiny"]["metric space, with sines"][f"{family}, Hz"]
    ahead["tiny"]["metric space, with sines"][f"{family}, Hz"] = low
    _, by_claim = judged(measured_of(ahead))
    agreed = verdicts.agreements(by_claim, "untrained")
    assert agreed.pop(f"{family}, with sines") == verdicts.DEPENDS
    assert set(agreed.values()) == {"ahead"}
    by_claim["metric space, with sines"][f"{family}, Hz"]["untrained"] = verdicts.Verdict("level", 0.2, 0.5)
    assert verdicts.agreements(by_claim, "untrained")[f"{family}, with sines"] == "ahead in 4 of 5 metrics, level in 1"


def test_of_errors_lower_is_ahead_and_a_verdict_says_of_which_sounds_it_holds(ahead):
    name, with_voices = "f0 read off across vowels, cents", "fundamental frequency, with voices"
    behind = columns_of({"tiny": 0.1}, np.random.default_rng(4))["tiny"]
    ahead["tiny"][with_voices][name] = behind[with_voices][name]
    _, by_claim = judged(measured_of(ahead))
    assert by_claim["fundamental frequency, with sines"][name]["untrained"].difference == pytest.approx(-20, abs=1)
    both = verdicts.of_both(by_claim, "untrained")
    assert both[f"fundamental frequency: {name}"] == "ahead with sines, behind with voices"
    assert both["formants: F2 read off across f0 and F1, cents"] == "ahead with both"


def test_sounds_farther_apart_than_the_tuning_are_told(measured):
    def saturation(encoder, share, what):
        return dataclasses.replace(rows.number(table.SATURATION, share, sounds=what), encoder=encoder)

    shares = (saturation(NAME, 0.8, "tones"), saturation(NAME, 0.5, "vowels"), saturation("log-mel", 0.01, "tones"))
    (line,) = table.saturated_lines(dataclasses.replace(measured, rows=shares))
    assert line.startswith(f"- {NAME}: SATURATED for tones (80% of the pairs")
    others = tuple(row for row in measured.rows if row.quantity != table.SATURATION)
    told = dataclasses.replace(measured, rows=(*shares, *others))
    (population,) = populations(told)
    lines = [line for line in table.markdown(told, population, chances=CHANCES) if "| RSA of" in line]
    of_tones = [line.split("|")[5] for line in lines if "RSA of tones" in line]
    assert all(cell.strip().endswith("saturated") for cell in of_tones)
    assert len(of_tones) == 4
    assert not any("saturated" in line for line in lines if "RSA of vowels" in line)
    with_mark = {
        each.get_text()
        for axes in draw_claims(population, told).axes
        for each in axes.get_yticklabels()
        if each.get_text().endswith("†")
    }
    assert len(with_mark) == 5  # four metrics, and the nearest tones


def test_small_changes_and_the_learned_scale_are_rows(measured, folder):
    for what in small_changes.OF:
        for phases in PHASES_TAKEN:
            cents = measured.parameter("cents", small_changes.GROWTH, encoder=NAME, of=what, phases=phases)
            assert cents == [4.317, 33.95, 1200]
            shares = measured.array(small_changes.GROWTH, encoder=NAME, of=what, phases=phases)
            assert shares[0] < shares[-1]
    threshold = measured.value(small_changes.THRESHOLD, encoder="log-mel", of="F1 of voices")
    assert threshold == pytest.approx(67.9, abs=0.1)
    name = "distance of half a just noticeable difference of tones, one starting phase"
    row = measured.row(name, encoder=NAME, claim="metric space")
    assert row.value == measured.array(small_changes.GROWTH, encoder=NAME, of="tones", phases=PHASES_TAKEN[0])[0]
    assert (row.better, row.unit) == ("lower", "")
    # Of the seeds beyond the first, few things are asked, and a difference is one from those that were.
    assert not any(measured.select(name, encoder=f"{NAME}.random-2"))
    (population,) = populations(measured)
    assert verdicts.verdicts(measured, population)["metric space"][name]["untrained"].difference is not None
    text = (folder / "claims.md").read_text(encoding="utf-8")
    assert "; of 1)" in text
    assert "- log-mel: " in text.split("## The learned scale by angles")[1]


@pytest.mark.parametrize("frames", FRAMINGS, ids=lambda frames: f"{frames.rate:g} Hz")
def test_front_ends_of_the_same_frames_share_the_programs_of_all_sounds(frames):
    for size in ("smoke", "usual"):
        for name in claims_sounds.SOUNDS:
            assert claims_sounds.stimulus_of(name, frames, size) is claims_sounds.stimulus_of(name, frames, size)
    of_phases = [claims_sounds.stimulus_of(name, frames, "usual") for name in ("tone_changes", "scale_tones")]
    assert of_phases[0] is of_phases[1]
    assert claims_sounds.duration(frames, "smoke") * frames.sample_rate >= frames.receptive_field + 3 * frames.hop


def test_sounds_begin_at_a_share_of_their_period():
    made = [np.asarray(phased.voice(160.0, 500.0, 1500.0, turns, sample_rate=16_000)) for turns in (0.0, 0.25)]
    assert made[0].shape == (1600,)
    np.testing.assert_allclose(made[0][25:], made[1][:-25], atol=1e-4)  # a period is 100 samples
    plain = claims_sounds.voice(160.0, 500.0, 1500.0, sample_rate=16_000, duration=0.1)
    np.testing.assert_allclose(made[0], plain, atol=1e-6)
    points = claims_sounds.grids_of(FRAMINGS[0]).voice_changes.points()
    f0, f1, f2 = (points[name].reshape(12, 22, 8)[:, :, 0] for name in phased.MOVED)
    assert (f1 < f2).all()
    np.testing.assert_allclose(
        1200 * np.log2(f1[:, 8:15] / f1[:, :1]), np.tile(phased.changes("usual"), (12, 1)), atol=1e-3
    )
    assert (f0[:, 8:] == f0[:, :1]).all()


def test_scores_at_their_ceiling_are_left_out():
    measured = measured_of(columns_of(dict.fromkeys(["tiny", *CONTROLS], 1.01), np.random.default_rng(3)))
    _, by_claim = judged(measured)
    shares = {c: {n: v for n, v in names.items() if CLAIMS[c][n].unit is None} for c, names in by_claim.items()}
    assert set(words(shares, "untrained")) == {"ceiling"}
    assert "ahead of random weights in 0 of 43 main scores and behind in 0" in EXPERIMENT.headline(measured)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("one=untrained+untrained", "twice"),
        ("alone=weights/formant-base-1*", "1 member"),
        ("log-mel=log-mel+stft", "name of a group and of an encoder"),
    ],
)
def test_groups_that_are_none(group, message):
    with pytest.raises(EncoderChoiceError, match=message):
        resolving.resolve([group])


@pytest.mark.parametrize(
    ("frames", "size"),
    list(itertools.product(FRAMINGS, ["smoke", "quick", "usual", "full"])),
    ids=lambda each: f"{each.rate:g} Hz" if isinstance(each, Frames) else each,
)
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
    grids = claims_sounds.grids_of(FRAMINGS[0])
    of_vowels = {"vowels": 507, "vowel_lines": 64, "abx_f0": 168, "abx_formants": 216, "abx_level": 144}
    assert {name: len(grid) for name, grid in grids.items().items()} == {
        "tones": 200,
        "tones_at_rate": 52,
        "amplitudes": 80,
        "amplitude_lines": 64,
        "bursts": 8,
        "biases": 80,
        "levels": 80,
        "shifts": 96,
        "tone_changes": 12 * 8 * 8,
        "voice_changes": 12 * 22 * 8,
        "scale_tones": 275 * 8,
        **{f"{name}_resonances": count for name, count in of_vowels.items()},
        **of_vowels,
    }
    assert list(grids.biases.axis("frequency")[:9]) == [100, 200, 300, 400, 500, 800, 1500, 3000, 113]
    f0 = np.unique(grids.vowels.points()["f0"])
    assert len(f0) >= 20
    assert (f0 % 25 != 0).all()


def test_a_listeners_curve_goes_through_chance_and_what_was_measured():
    assert [round(expected_correct(multiple), 3) for multiple in (0, 1, 2, 8)] == [0.5, 0.75, 0.911, 1.0]

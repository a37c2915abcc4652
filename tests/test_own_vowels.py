"""Experiments with vowels of one's own: the grid, what is drawn of it, and that it is never taken for another."""

import contextlib
import dataclasses

import numpy as np
import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver
from safetensors.numpy import load_file

from experiments import records, running
from experiments.claims.layers import Layer
from experiments.claims.sounds import grids_of
from experiments.diphthongs import measuring
from experiments.draw import figures
from experiments.formants import __main__ as formants
from experiments.front_ends import resolving
from experiments.measures import alignment
from experiments.store import rows
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from experiments.vowel_choice import PAPERS, Span, VowelChoice, find_table
from experiments.vowels import flags as vowel_flags
from experiments.vowels import space
from w2v_jax import grids, vowels
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap, UndefinedScoreError
from w2v_jax.scores.parameter_metrics import VOWEL_METRICS
from w2v_jax.vowels import VowelTableError

TABLE = vowels.published("peterson-barney-1952")
SMALL = {"f1": Span(260, 1040, 4), "f2": Span(800, 3300, 4)}
FRAMES = Frames(sample_rate=16_000, receptive_field=400, hop=320)


@pytest.fixture(scope="module")
def log_mel():
    return resolving.resolve(["log-mel"])


@pytest.fixture(scope="module")
def run(log_mel, tmp_path_factory):
    """Formants and diphthongs of two speakers at f0 of their own: results, measurements, and the texts of figures."""
    choice = VowelChoice(TABLE.only(["men", "women"]), **SMALL)
    results = Results(tmp_path_factory.mktemp("results"), size="smoke", vowels=choice)
    texts = []

    def save(figure, path, **_):
        path.touch()
        several = [text for axes in figure.axes for text in (axes.title, *axes.texts)]
        several += [text for legend in figure.legends for text in legend.get_texts()]
        texts.append("\n".join([figure.get_suptitle(), *(text.get_text() for text in several)]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", save)
        measured = [running.run(records.experiment(each), log_mel, results) for each in ("formants", "diphthongs")]
    return results, measured, texts


def test_grids_without_flags_are_the_papers():
    for size in ("usual", "quick"):
        papers = Results("results", size=size)
        assert space.one_f0(papers).name == "vowel_space"
        assert papers.vowels.notes() == []
        assert papers.vowels.as_numbers() is None
    # The paper's grid goes from its lowest to its highest vowel: the rule for other tables gives it back.
    for ours, theirs in (
        (PAPERS.vowel_space(), grids.VOWEL_SPACE),
        (PAPERS.vowel_space_by_f0(), grids.VOWEL_SPACE_BY_F0),
    ):
        assert ours.shape == theirs.shape
        for name, values in theirs.points().items():
            np.testing.assert_array_equal(ours.points()[name], values)


def test_grid_follows_the_table():
    choice = VowelChoice(TABLE)
    assert choice.span("f1") == Span(270, 1030, 30)
    assert choice.span("f2") == Span(840, 3200, 30)
    assert choice.all_f0 == (132, 223, 264)  # means over each speaker's ten vowels
    assert choice.one_f0 == 132
    assert VowelChoice(TABLE, f0=(200, 100)).one_f0 == 200
    assert VowelChoice(TABLE, f0=(200, 100)).all_f0 == (100, 200)
    assert VowelChoice(TABLE.only(["women"])).one_f0 == 223


def test_sweeps_have_the_grid(run):
    results, _, _ = run
    folder = results.folder
    vowel_space = load_file(folder / "formants/vowel_space.log-mel.safetensors")
    assert set(vowel_space["f0"]) == {132}
    np.testing.assert_array_equal(np.unique(vowel_space["f1"]), [260, 520, 780, 1040])
    np.testing.assert_array_equal(
        np.unique(load_file(folder / "formants/vowel_space_by_f0.log-mel.safetensors")["f0"]), [132, 223]
    )
    # Nobody glides from one speaker's vowel to another's.
    gliding = load_file(folder / "diphthongs/diphthongs.log-mel.safetensors")
    ends = {speaker: {(v.f1, v.f2) for v in results.vowels.of(speaker, quick=True)} for speaker in ("men", "women")}
    assert len(gliding["f0"]) == sum(len(each) ** 2 for each in ends.values())
    for row in range(len(gliding["f0"])):
        start, end = ((gliding[f"f1_{at}"][row], gliding[f"f2_{at}"][row]) for at in ("start", "end"))
        assert any({start, end} <= of_speaker for of_speaker in ends.values())


def test_figures_say_which_vowels_and_f0(run):
    _, _, texts = run
    everything = "\n".join(texts)
    assert all("Vowels: peterson-barney-1952" in text for text in texts)
    assert "Vowel space: log-mel, men" in everything
    assert "Vowel space: log-mel, women" in everything
    assert "peterson-barney-1952; f0 132 Hz" in everything
    assert "223 Hz, women" in everything
    assert "[ɝ]" in everything
    assert not any(f"[{symbol}]" in everything for symbol in "ɤɯyøœɶɒ")  # the paper's


def test_diphthongs_of_each_speaker_have_figures_of_their_own(run):
    results, _, _ = run
    stems = ("closing", "closing_at_frame_rate", "diphthongs")
    assert {path.name for path in (results.folder / "diphthongs").glob("*.png")} == {
        f"{stem}.{part}.log-mel.png" for stem in stems for part in ("1-men", "2-women")
    }


def test_metrics_say_which_vowels(run):
    results, (_, measured), _ = run
    kept = results.measurements("diphthongs")
    assert kept.settings["vowels"]["table"] == "peterson-barney-1952"
    assert kept.settings["vowels"]["f1"] == {"low": 260, "high": 1040, "count": 4}
    assert len(kept.settings["vowels"]["vowels"]) == 20
    assert "Table II" in "\n".join(kept.notes)
    assert set(kept.parameter("speaker", measuring.COSINE, encoder="log-mel")) == {"men", "women"}
    assert kept.rows == measured.rows


@pytest.mark.parametrize("choice", [PAPERS, VowelChoice(TABLE, **SMALL), VowelChoice(TABLE, f0=(140,), **SMALL)])
@pytest.mark.parametrize("encoder", ["log-mel", "stft"])
def test_other_vowels_are_not_read_back_as_the_same(run, choice, encoder):
    # stft has no file here yet; its numbers must not join a table of other vowels.
    results, _, _ = run
    others = Results(results.output_dir, size="smoke", vowels=choice)
    with pytest.raises(
        ReplacementError, match=r"metrics.json: made with other vowels .*\(peterson-barney-1952\); choose"
    ):
        running.run(formants.EXPERIMENT, resolving.resolve([encoder]), others)


def test_sweeps_of_other_vowels_are_not_read_back_either(run, log_mel):
    results, _, _ = run
    others = Results(results.output_dir, size="smoke", vowels=VowelChoice(TABLE, f0=(140,), **SMALL))
    with pytest.raises(ReplacementError, match=r"vowel_space.log-mel.safetensors: made with other settings .*grid"):
        others.sweep("formants", log_mel[0], space.one_f0(others), space.vowel)


def test_published_numbers_are_not_put_beside_other_vowels():
    sources = {"one": "facebook/wav2vec2-large", "two": "facebook/wav2vec2-xls-r-300m"}
    abouts = {name: rows.About(name, "trained", source, {}) for name, source in sources.items()}
    cka = rows.Row(alignment.LINEAR, 0.8, ((rows.WITH, "two"),), encoder="one")
    measured = rows.Measurements("formants", (cka,), abouts)
    assert len(formants.published(measured)) == 1
    assert formants.published(dataclasses.replace(measured, settings={"vowels": {"table": "mine.csv"}})) == []


def test_vowels_off_the_grid_are_left_out_and_named():
    choice = VowelChoice(TABLE.only(["men"]), f1=Span(300, 700, 4))
    assert [vowel.symbol for vowel in choice.left_out] == ["i", "ɑ"]
    assert "Not on the grid, and left out: [i] of men, [ɑ] of men." in choice.notes()
    with pytest.raises(VowelTableError, match=r"0 of 10 vowels of 'men' lie on the grid .* expected at least 2"):
        VowelChoice(TABLE.only(["men"]), f1=Span(3000, 3100, 4))


def test_sample_rates_that_cannot_hold_them(tmp_path):
    (tmp_path / "high.csv").write_text("symbol,F1,F2\na,800,1300\n\ni,300,8000\n")
    choice = VowelChoice(vowels.read_table(tmp_path / "high.csv"))
    with pytest.raises(
        VowelTableError, match=r"high.csv, line 4: 'i': F2 is 8000 Hz; expected below 8000 Hz, .* log-mel"
    ):
        choice.check(resolving.resolve(["log-mel"]))
    with pytest.raises(VowelTableError, match=r"--f2 has 9000 Hz; expected below 8000 Hz"):
        VowelChoice(f2=Span(500, 9000, 3)).check_rate(16_000, who="x")


@contextlib.contextmanager
def flags_as(**given):
    """As a command line that gives these flags."""
    with flagsaver.flagsaver():
        absl_flags.FLAGS.mark_as_parsed()
        for name, value in given.items():
            setattr(absl_flags.FLAGS, name, value)
        yield


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"vowels": "petersen"},
            "--vowels=petersen: there is no such file, .* hillenbrand-1995 or peterson-barney-1952",
        ),
        ({"vowels": "."}, r"--vowels=.: it cannot be read \(Is a directory\)"),
        ({"speakers": ["men"]}, "--speakers=men, but no speaker is named in the paper's vowels"),
        ({"vowels": "hillenbrand-1995", "speakers": ["girls"]}, "has no speaker 'girls'; expected some of men, women"),
        ({"f0": "120;200"}, "--f0=120;200; expected Hz, or several"),
        ({"f0": "0"}, "--f0=0; expected different frequencies above 0 Hz"),
        ({"f1": "900:300:30"}, "--f1=900:300:30; expected LOW:HIGH:COUNT in Hz"),
        ({"f2": "300:900:1"}, "--f2=300:900:1; expected LOW:HIGH:COUNT"),
    ],
)
def test_flags_that_make_no_sense(given, said):
    with flags_as(**given), pytest.raises(VowelTableError, match=said):
        vowel_flags.chosen()


def test_flags():
    with flags_as(vowels="hillenbrand-1995", speakers=["women"], f0="210.5,190", f1="300:900:7"):
        choice = vowel_flags.chosen()
    assert choice == VowelChoice(
        find_table("hillenbrand-1995").only(["women"]), f0=(210.5, 190.0), f1=Span(300, 900, 7), f2=None
    )


def test_claims_take_the_range_of_the_grid():
    choice = VowelChoice(TABLE, **SMALL)
    grids = grids_of(FRAMES, "quick", choice)
    points = grids.vowels.points()
    f0 = np.unique(points["f0"])
    assert len(f0) == 11
    assert 132 <= f0.min() <= 136
    assert 262 <= f0.max() <= 266
    for name in ("f1", "f2"):
        assert set(np.unique(points[name])) <= set(np.linspace(*SMALL[name].values[[0, -1]], 11).astype(np.float32))
    assert all(FRAMES.phases(each) > 1 for each in f0)
    np.testing.assert_array_equal(grids.vowel_lines.axis("f0"), [132, 223, 264])


def heard_as(grids, features):
    return Layer(FRAMES, grids, {"vowels": features}, {}, np.zeros(0), Bootstrap(resamples=40))


def test_formants_are_read_where_there_is_one_f0():
    grids = grids_of(FRAMES, "quick", VowelChoice(TABLE, f0=(140,), **SMALL))
    points = grids.vowels.points()
    heard = heard_as(grids, np.stack([points["f1"], points["f2"]], axis=1))
    assert heard.probe("vowels", "f1", noise=0).interpolation.value > 0.99
    with pytest.raises(UndefinedScoreError, match="f0 is 140 for all sounds"):
        heard.probe("vowels", "f0")
    # With formants as its own metric, and no f0 to be drawn again.
    profile = heard.rsa("vowels", metrics={"Hz": VOWEL_METRICS["Hz"]})
    assert set(profile.marginal) == {"f1", "f2"}
    assert grids.abx_formants.shape[1] == 5  # across f0 near the only one

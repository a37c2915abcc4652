"""diphthongs: where gliding vowels begin and end, of frames whose answer is known."""

import dataclasses

import numpy as np
import pytest

from experiments.diphthongs import __main__ as diphthongs
from experiments.diphthongs import figures as drawn
from experiments.diphthongs import measuring
from experiments.front_ends import resolving
from experiments.hearing import Setting
from experiments.store import rows
from experiments.store.results import Results
from w2v_jax.front_end import Frames
from w2v_jax.grids import VOWEL_SPACE, VOWELS

SOME = tuple(vowel for vowel in VOWELS if vowel.symbol in "iau")


def measured(several, *, one_frame=False):
    own = [*several, *measuring.measure_shares(several, one_frame=one_frame)]
    about = rows.About("a", "trained", "", {"sample_rate": 16_000, "receptive_field": 400, "hop": 320})
    return rows.Measurements("diphthongs", tuple(dataclasses.replace(row, encoder="a") for row in own), {"a": about})


def features_of(f1, f2):
    """A direction for each F1 and F2."""
    angles = np.pi / 2 * (np.stack([f1, f2]) - [[200], [400]]) / [[1000], [3000]]
    return np.concatenate([np.cos(angles), np.sin(angles)]).T.astype(np.float32)


def gliding(frames, *, backwards=False):
    """Frames of every diphthong of SOME, which go from the start vowel to the end vowel."""
    share = np.linspace(0, 1, frames)[::-1] if backwards else np.linspace(0, 1, frames)
    ways = [
        features_of(start.f1 + share * (end.f1 - start.f1), start.f2 + share * (end.f2 - start.f2))
        for start in SOME
        for end in SOME
    ]
    return np.stack(ways)


@pytest.mark.parametrize(("backwards", "share"), [(False, 1), (True, 0)])
def test_a_diphthong_begins_and_ends_where_its_frames_do(backwards, share):
    points = VOWEL_SPACE.points()
    steady = features_of(points["f1"], points["f2"])
    ends = measured(measuring.measure_ends(gliding(20, backwards=backwards), steady, VOWEL_SPACE, SOME))
    assert ends.value(measuring.BEGIN, encoder="a") == ends.value(measuring.END, encoder="a") == share
    assert len(list(ends.select(measuring.COSINE))) == 4 * 9
    same = ends.array(measuring.COSINE, encoder="a", start="a", end="a", tenth="first")
    assert same[0] == same[1]
    assert diphthongs.headline(ends).startswith(
        f"For a, {6 * share} of 6 diphthongs begin, and {6 * share} of 6 end, nearer the right vowel (chance: half"
    )


def test_one_frame_or_one_vowel_leaves_undefined_where_diphthongs_begin():
    assert diphthongs.headline(measured([], one_frame=True)) == (
        "The beginnings and ends of diphthongs have no score: there is one frame of each."
    )
    assert "there is one vowel" in diphthongs.headline(measured([]))


def test_an_f0_of_which_every_frame_sees_the_same_phase():
    frames = Frames(16_000, 400, 320)
    assert measuring.f0_at_frame_rate(frames, 150.0) == 150
    assert measuring.f0_at_frame_rate(frames, 120.0) == 100
    assert "every frame sees the same phase" in drawn.phases_seen(frames, 100.0)
    assert "frames see 5 phases" in drawn.phases_seen(frames, 120.0)


def test_sounds_are_the_closing_diphthongs_or_all(tmp_path):
    setting = Setting(Results(tmp_path, size="quick"), resolving.resolve(["log-mel"])[0])
    (some,), (every,) = (diphthongs.sounds(setting, which) for which in ("some", "all"))
    assert len(every) == len(every.names) == 16
    assert {symbols for _, symbols in some.names} == {"a-i", "a-u", "ɔ-i"}


def test_a_run_leaves_its_figures_and_maps(smoke):
    measured, folder = smoke.results.measurements("diphthongs"), smoke.results.folder
    stems = ("closing", "closing_at_frame_rate", "diphthongs")
    assert {path.name for path in (folder / "diphthongs").glob("*.log-mel.png")} == {
        f"{stem}.log-mel.png" for stem in stems
    }
    assert (folder / "formants/vowel_space.log-mel.safetensors").exists()
    for sweep, count in (("diphthongs", 4), ("diphthongs_at_frame_rate", 1)):
        lines = (folder / f"diphthongs/{sweep}.log-mel.map.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "f0,f1_start,f2_start,f1_end,f2_end,time,x,y"
        assert len(lines) == 1 + count * measured.value(diphthongs.FRAMES, encoder="log-mel")

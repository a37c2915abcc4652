"""What each front end is compared with: its architecture with random weights, and spectrograms."""

import dataclasses

import numpy as np
import pytest

from experiments.formants import __main__ as formants
from experiments.front_ends import controls, resolving
from experiments.front_ends.named import EncoderChoiceError, random_encoder
from experiments.hearing import Setting
from experiments.store.populations import Population
from experiments.store.results import Results
from w2v_jax.front_end import Frames


class Bands:
    """A front end of a user's, with weights from a seed."""

    frames = Frames(16_000, 320, 160)

    def __init__(self, seed=7, *, alike=False):
        self.weights = np.random.default_rng(0 if alike else seed).normal(size=(320, 5)).astype(np.float32)

    def __call__(self, waveform):
        count = self.frames.num_frames(waveform.shape[-1])
        cut = np.stack([waveform[:, 160 * i : 160 * i + 320] for i in range(count)], axis=1)
        return np.abs(cut @ self.weights)

    def untrained(self, seed):
        return Bands(100 + seed)


class Alike(Bands):
    def untrained(self, seed):
        return Bands(alike=True)


class Raising(Bands):
    def untrained(self, seed):
        raise RuntimeError("no weights")


class OtherFrames(Bands):
    def untrained(self, seed):
        bands = Bands(seed)
        bands.frames = Frames(16_000, 400, 320)
        return bands


class Without(Bands):
    untrained = None


def resolved(kind, name="mine"):
    (front_end,) = resolving.resolve([f"{name}=test_controls:{kind}"])
    return front_end


def test_a_front_end_of_ones_own_has_random_controls():
    mine = resolved("Bands")
    theirs = controls.controls_of([mine])[mine]
    assert [each.name for each in theirs.untrained] == [f"mine.random-{seed}" for seed in range(1, 11)]
    assert {each.kind for each in theirs.untrained} == {"random"}
    assert len({each.digest for each in theirs.untrained}) == 10
    np.testing.assert_array_equal(theirs.untrained[2].front_end.weights, Bands(103).weights)
    assert [each.name for each in theirs.spectrograms.values()] == ["log-mel.16000-320-160", "stft.16000-320-160"]


def random_itself():
    return Bands(101)


def test_one_that_is_of_random_weights_itself_has_those_of_the_other_seeds():
    mine = resolved("random_itself")
    assert [each.name for each in controls.controls_of([mine])[mine].untrained] == [
        f"mine.random-{seed}" for seed in range(2, 11)
    ]


def test_one_architecture_has_one_set_of_controls():
    several = [resolved("Bands", "a"), resolved("Bands", "b")]
    of = controls.controls_of(several)
    assert of[several[0]].untrained == of[several[1]].untrained
    assert set(controls.all_of(several).values()) == {("a", "b")}


def test_one_without_untrained_has_spectrograms_only():
    mine = resolved("Without")
    assert controls.controls_of([mine])[mine].untrained == ()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Alike", "the same for several seeds"),
        ("Raising", r"its untrained\(1\) raised RuntimeError: no weights"),
        ("OtherFrames", "with the frames"),
    ],
)
def test_controls_that_are_none_are_refused(kind, message):
    mine = resolved(kind)
    with pytest.raises(EncoderChoiceError, match=message) as raised:
        controls.controls_of([mine])
    assert "\n" not in str(raised.value)


def test_members_of_a_group_are_no_controls_of_each_other():
    group = resolving.resolve(["seeds=random-1+random-2+random-3"])
    for each in group:
        assert [control.name for control in controls.controls_of(group)[each].untrained] == [
            f"random-{seed}" for seed in range(4, 11)
        ]


def test_a_control_that_the_user_has_named_is_that_one():
    several = resolving.resolve(["untrained", "random-2", "log-mel"])
    untrained, random_2, log_mel = several
    of_it = controls.controls_of(several)[untrained]
    assert of_it.untrained[1] is random_2
    assert of_it.spectrograms["log-mel"] is log_mel
    assert "log-mel" not in controls.controls_of(several)[log_mel].spectrograms


def test_few_are_enough_for_a_smoke_run():
    names = [each.name for each in controls.few(controls.all_of(resolving.resolve(["untrained"])))]
    assert names == ["random-1", "random-2", "random-3", "log-mel"]


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"trained"}, "3 trainings"),
        ({"yours"}, "3 trainings"),
        ({"random"}, "3 seeds of random weights"),
        ({"random", "trained"}, "3 front ends"),
    ],
)
def test_what_a_group_has_is_counted_by_its_kind(kinds, told):
    assert Population("g", ("a", "b", "c"), frozenset(kinds)).counted == told


def test_what_is_asked_of_many_front_ends_is_asked_once(tmp_path):
    """Each entry of `--encoders` is read once to know its layers, not once for each of the others."""
    made = []

    def counted(name):
        each = random_encoder(name, 0)
        return dataclasses.replace(each, make=lambda: made.append(name) or each.make())

    several = tuple(counted(name) for name in "abc")
    for each in several:
        formants.EXPERIMENT.sweeps_for(Setting(Results(tmp_path), each, {}, several, several))
    assert sorted(made) == ["a", "b", "c"]

"""Layers keep their numbers, whatever their names and the order in which anything lists them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import emergence
from experiments.claims.__main__ import EXPERIMENT as CLAIMS
from experiments.claims.layers import layers_of
from experiments.claims.sounds import BURSTS
from experiments.f0 import measuring
from experiments.front_ends import named
from experiments.hearing import Setting
from experiments.measures import layer_alignment
from experiments.store.results import Results
from experiments.vowels import space
from w2v_jax import front_end, grids, layer_pooling, recordings, stimuli
from w2v_jax.engine import sweep
from w2v_jax.front_end import Frames

FRAMES = Frames(16_000, 400, 320)
FINER = Frames(16_000, 400, 160)
TWELVE = (*(f"layer {i}" for i in range(1, 13)), "frames")
LAYERS = [
    {"stft": (1.0, 3), "conv": (2.0, 2), "frames": (3.0, 4)},
    {name: (float(value), 2) for value, name in enumerate(TWELVE, 1)},
]
GRID = {"frequency": np.array([100.0, 200.0])}


def tone(frequency):
    return stimuli.sine_mixture([frequency], duration=0.1)


def frames_of(waveform, value, width, frames):
    return value + jnp.zeros((*waveform.shape[:-1], frames.num_frames(waveform.shape[-1]), width), jnp.float32)


class OnTheHost:
    """Layers of one value each, by name (value, channels); the first frames are finer where there are several."""

    frames = FRAMES

    def __init__(self, made, returned=None):
        self.made, self.returned = made, returned or tuple(made)
        self.layers = {name: FINER if name == min(made) != "frames" else FRAMES for name in made}

    def outputs(self, waveforms):
        return {name: np.asarray(frames_of(waveforms, *self.made[name], self.layers[name])) for name in self.returned}

    def __call__(self, waveforms):
        return self.outputs(waveforms)["frames"]


class Compiled(nnx.Module):
    """The same; what it adds up goes through a dict of its own, which `nnx.merge` sorts, and a compiled function."""

    frames = FRAMES

    def __init__(self, made, mapping=dict):
        self.layers = mapping(dict.fromkeys(made, FRAMES))
        self.values = nnx.data({name: nnx.Param(jnp.full(width, value)) for name, (value, width) in made.items()})
        assert list(self.values) == list(made)

    def outputs(self, waveforms):
        frames = self.layers["frames"].num_frames(waveforms.shape[-1])
        values = {name: value[...] for name, value in self.values.items()}
        first = next(iter(values.values()))[0]  # of the first layer, whatever it is called
        spread = {name: jnp.broadcast_to(v, (*waveforms.shape[:-1], frames, len(v))) for name, v in values.items()}
        return jax.jit(lambda spread: {name: each * (first + 1) / 2 for name, each in spread.items()})(spread)

    def __call__(self, waveforms):
        return self.outputs(waveforms)["frames"]


def means(front, *, channels=None):
    features = sweep(front, tone, GRID, pooling=layer_pooling.layer_means)
    by_layer = layer_pooling.split_means(features, channels or layer_pooling.layer_channels(front, num_samples=1600))
    return {name: each.mean for name, each in by_layer.items()}


@pytest.mark.parametrize("made", LAYERS)
@pytest.mark.parametrize("kind", [OnTheHost, Compiled, lambda made: Compiled(made, nnx.Dict)])
def test_every_name_gets_its_own_features(made, kind):
    by_layer = means(kind(made))
    assert list(by_layer) == list(made)
    for name, (value, width) in made.items():
        np.testing.assert_array_equal(by_layer[name], np.full((2, width), value))


@settings(max_examples=10, deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=8).filter(lambda name: name != "frames"), max_size=4, unique=True),
    widths=st.lists(st.integers(1, 2), min_size=5, max_size=5),
    data=st.data(),
)
def test_no_permutation_of_names_moves_a_number(names, widths, data):
    names = [*names, "frames"]
    numbered = dict(zip(data.draw(st.permutations(range(len(names)))), names, strict=True))
    made = {name: (float(value), widths[value]) for value, name in sorted(numbered.items())}
    made["frames"] = made.pop("frames")  # the last layer has to be this one
    front = OnTheHost(made, returned=data.draw(st.permutations(list(made))))
    channels = {name: width for name, (_, width) in made.items()}
    widths_by_name = dict(data.draw(st.permutations(list(channels.items()))))
    outputs = front_end.outputs(front, np.zeros((2, 1600), np.float32))
    assert list(outputs) == list(made)
    by_layer = layer_pooling.split_means(np.asarray(layer_pooling.layer_means(outputs)), widths_by_name)
    assert list(by_layer) == list(widths_by_name)
    for name, (value, width) in made.items():
        np.testing.assert_array_equal(by_layer[name].mean, np.full((2, width), value))


def test_layers_of_bursts_are_found_by_name_too():
    made = {"z": (1.0, 2), "a": (2.0, 3), "frames": (3.0, 2)}
    front = OnTheHost(made)
    noise = {name: 1 + np.random.default_rng(len(name)).random((1, 3, 8, 4)) for name in ("z", "frames")}
    alone = {name: np.asarray(layer_pooling.burst_nearness({name: jnp.asarray(each)})) for name, each in noise.items()}
    both = np.asarray(layer_pooling.burst_nearness({name: jnp.asarray(each) for name, each in noise.items()}))
    layers = {"frames": Frames(16_000, 200, 200), "z": Frames(16_000, 200, 200)}
    nearness = layer_pooling.split_nearness(both, layers, num_samples=1600)
    for name in layers:
        np.testing.assert_array_equal(nearness[name], alone[name][..., :-1])
    features = sweep(
        front, lambda frequency: jnp.stack([tone(frequency)] * 3), GRID, pooling=layer_pooling.burst_nearness
    )
    nearness = layer_pooling.split_nearness(features, dict(reversed(front.layers.items())), num_samples=1600)
    assert {name: each.shape[2] for name, each in nearness.items()} == {"z": 4, "a": 8, "frames": 4}


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"stft": 2, "conv": 3, "frames": 4}, "no layer 'stft' of 2 channels"),
        ({"stft": 3, "convs": 2, "frames": 4}, "no layer 'convs' of 2 channels"),
        ({"stft": 3, "conv": 2, "frames": 3}, r"expected \(n, 14\) for 3 layers"),
    ],
)
def test_a_width_under_another_name_is_refused(channels, message):
    with pytest.raises(ValueError, match=message):
        means(OnTheHost(LAYERS[0]), channels=channels)


def test_recordings_take_a_module_whose_layers_are_a_dict():
    frames = recordings.encode(Compiled(LAYERS[0]), [np.zeros(1600, np.float32)])
    np.testing.assert_array_equal(frames[0], np.full((4, 4), 3.0))


def test_a_module_that_cannot_be_hashed_is_told_what_to_do():
    front = Compiled(LAYERS[0])
    front.options = {"a": 1}
    with pytest.raises(TypeError, match=r"Compiled has a static attribute that cannot be hashed .* expected tuples"):
        sweep(front, tone, GRID)


class Spectra:
    """Layers that hear differently, under names of one's own: of which every experiment must find the same."""

    frames = Frames(16_000, 1_600, 1_600)

    def __init__(self, names):
        self.layers = dict.fromkeys((*names, "frames"), self.frames)

    def outputs(self, waveforms):
        windows = waveforms.reshape(*waveforms.shape[:-1], -1, 1600)
        spectra = np.abs(np.fft.rfft(windows))[..., :400]
        different = [np.log1p(spectra), spectra[..., :200], spectra**2]
        return dict(zip(self.layers, (each.astype(np.float32) for each in different), strict=True))

    def __call__(self, waveforms):
        return self.outputs(waveforms)["frames"]


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """By order of the names, what experiments have of each layer."""
    by_order = {}
    for names in (("a", "b"), ("b", "a")):
        front = Spectra(names)
        each = named.NamedFrontEnd(
            name="mine", kind="yours", source="", digest="same", frames=front.frames, make=lambda front=front: front
        )
        results = Results(tmp_path_factory.mktemp("results"), size="smoke", batch_size=8)
        of_claims = CLAIMS.heard_by(Setting(results, each, {}, (each,), (each,)))
        one_of_each_pooling = {name: of_claims.sweeps[name] for name in ("shifts", BURSTS)}
        claims = layers_of(dataclasses.replace(of_claims, sweeps=one_of_each_pooling))
        grid = layer_alignment.vowels_of(results)
        features = results.sweep("formants", each, grid, space.vowel, pooling=layer_pooling.layer_means)
        channels = layer_pooling.layer_channels(front, num_samples=front.frames.sample_rate)
        curve = {name: one.mean for name, one in layer_pooling.split_means(features, channels).items()}
        tones = results.sweep("f0", each, grids.PURE_TONES.thinned(frequency=4), measuring.tone)
        of_emergence = results.sweep("emergence", each, grids.PURE_TONES.thinned(frequency=3), measuring.tone)
        # By what a layer hears: its place, not its name.
        by_order[names] = [
            {"claims": claims[name].mean, "bursts": claims[name].nearness, "formants": curve[name]}
            for name in (*names, "frames")
        ] + [{"f0": tones, "emergence": of_emergence}]
    assert emergence.EXPERIMENT.name == "emergence"
    return by_order


def test_experiments_find_the_same_whatever_layers_are_called(heard):
    first, second = heard.values()
    for one, other in zip(first, second, strict=True):
        jax.tree.map(np.testing.assert_array_equal, one, other)
    assert first[0]["formants"].shape[1] == 400  # and a layer is the one that its place says
    assert first[1]["formants"].shape[1] == 200


def test_results_of_another_order_are_not_read_back(tmp_path):
    def run(names):
        front = Spectra(names)
        each = named.NamedFrontEnd(
            name="mine", kind="yours", source="", digest="same", frames=front.frames, make=lambda: front
        )
        grid = grids.PURE_TONES.thinned(frequency=2)
        return Results(tmp_path, size="quick").sweep(
            "f0", each, grid, measuring.tone, pooling=layer_pooling.layer_means
        )

    run(("a", "b"))
    with pytest.raises(ValueError, match="changed: pooling"):
        run(("b", "a"))

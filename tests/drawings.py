"""Every figure of every experiment, drawn of made numbers in no time: for tests of how figures look."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from experiments import amplitude, diphthongs, emergence, f0, formants, temporal
from experiments.claims import curves
from experiments.claims import figures as of_claims
from experiments.claims.questions import CLAIMS
from experiments.front_ends import controls
from experiments.front_ends.named import random_encoder, spectrogram
from experiments.front_ends.populations import Population
from experiments.measures import alignment, layer_alignment
from experiments.measures.map_order import MapOrder
from experiments.pretrain import run as pretrain
from experiments.recordings import figures as of_recordings
from experiments.recordings import scores
from experiments.store import rows
from experiments.vowels.choice import VowelChoice
from w2v_jax import front_end, grids, tuning
from w2v_jax.front_end import FRAMES
from w2v_jax.grids import Vowel
from w2v_jax.scores.bootstrap import Bootstrap, mean_score
from w2v_jax.vowels import VowelTable

_RANDOM = np.random.default_rng(0)
_SCORE = mean_score(np.linspace(0.2, 0.6, 9), bootstrap=Bootstrap(resamples=20))
_KNOWN, _CHANCE, _HALF = (rows.number("a number", each) for each in (0.6, 0.011, 0.502))
ORDER = MapOrder(
    _KNOWN, _CHANCE, _KNOWN, _KNOWN, rows.number("a number", None, undefined="..."), _HALF, rows.number("a number", 0.0)
)
GRID = grids.VOWEL_SPACE.thinned(f1=5, f2=5)
BY_F0 = grids.VOWEL_SPACE_BY_F0.thinned(f0=3, f1=4, f2=4)


def places(count):
    return _RANDOM.normal(size=(count, 2)).astype(np.float32)


def tokens(labels):
    """What `draw_maps` asks of tokens."""
    count = len(labels)
    measured = {"f1": _RANDOM.uniform(300, 800, count)}

    class Made(SimpleNamespace):
        def __len__(self):
            return count

    return Made(label=tuple(labels), measured=measured)


def recorded(names, labels):
    """The map of recorded tokens, a token for each label."""
    placed = {name: (places(len(GRID)), places(len(labels))) for name in names}
    found = {name: tokens(labels) for name in names}
    return of_recordings.draw_maps(placed, found, GRID, grids.VOWELS, orders=dict.fromkeys(names, ORDER))


def recorded_scores(names, cell=_SCORE):
    read = dict.fromkeys(("f0", "f1", "f2", "intensity"), cell)
    near = dict.fromkeys(("among all", "among all, less the mean"), cell)
    each, linear = dict.fromkeys(names, near), dict.fromkeys(names, read)
    return of_recordings.draw_scores(linear, each, linear, units=scores.UNITS, chance=0.5)


def all_drawings(names, symbols=("i", "a", "u", "o"), labels=("a", "i", "u")):
    """Functions that draw, by what they draw.

    Args:
        names: of front ends; most figures are of the first.
        symbols: of the vowels of a table of one's own, of two speakers.
        labels: of recorded tokens.
    """
    several = [random_encoder(name, seed) for seed, name in enumerate(names)]
    one = several[0]
    theirs = controls.Controls(tuple(several[1:4]), {"log-mel": spectrogram("log-mel", as_named="log-mel")})
    everyone = [*several, *theirs.spectrograms.values()]
    table = tuple(
        Vowel(symbol, 300 + 60 * i, 2200 - 120 * i, speaker=names[j % len(names)])
        for j in range(2)
        for i, symbol in enumerate(symbols)
    )
    own = VowelChoice(VowelTable(f"{one.name}.csv", table, source=""))
    maps = {each: places(len(GRID)) for each in several}
    orders = dict.fromkeys(several, ORDER)
    layers = [*front_end.layers(one.front_end)]
    column = {claim: dict.fromkeys(found, _SCORE) for claim, found in CLAIMS.items()}
    columns = {each: dict.fromkeys(layers, column) for each in everyone}
    assert FRAMES in layers
    noise = {name: dict.fromkeys(curves.LEVELS, _SCORE) for name in ("f0 of vowels", "F1", "F2", "amplitude")}
    population = Population(one.name, (one,))
    abouts = {
        each.name: rows.About(each.name, "random", "a test", dataclasses.asdict(each.frames)) for each in everyone
    }

    def measured(*several_rows):
        return rows.Measurements("formants", several_rows, abouts)

    pairs = measured(
        *(
            rows.Row(quantity, 0.5, ((rows.WITH, b.name),), encoder=a.name)
            for i, a in enumerate(several)
            for b in several[:i]
            for quantity in (alignment.LINEAR, alignment.DEBIASED)
        )
    )
    frequency = np.arange(100.0, 8001.0, 100.0)
    features = _RANDOM.normal(size=(len(frequency), 8))
    by_angles = {"frequency": frequency, "scale": frequency / 8000, "step_cents": 25.0, "saturated": True}
    scale = {
        "frequency_scale": f0.measure_scale(features, frequency, nyquist=8000.0),
        "learned_scale": {**by_angles, "r2": {name: {"value": 0.9} for name in f0.SCALES}},
    }
    mesh, paths = places(25).reshape(5, 5, 2), _RANDOM.normal(size=(16, 9, 2))
    vowels = table[: len(symbols)]
    ways = _RANDOM.normal(size=(len(vowels) ** 2, 9, 2))
    amplitudes = grids.AMPLITUDES.thinned(amplitude_low=4, amplitude_high=4)
    tuned = {
        name: tuning.TuningCurves(frequency, features.T, frequency[:8], frequency[:8], np.arange(8)) for name in layers
    }
    burst_count = len(temporal.BURSTS)
    bursts = {
        "bursts": [
            {
                "nearer_to_800_hz": [0.1] * 9,
                "overlaps": [False] * 8 + [True],
                "burst_fraction": 0.1,
                "duration_ms": 100,
                "frames_overlapping": 1,
            }
        ]
        * burst_count,
        "stationarity": {"matrix": np.full((len(temporal.STATIONARITY.axis("frequency")),) * 2, 0.5)},
        "bias": {"cosine_distance": np.full([len(f0.BIAS.axis(each)) for each in ("frequency", "bias")], 0.5)},
    }
    scored = {each: dict.fromkeys(emergence.SCORES, _SCORE) for each in everyone}

    def compared(chosen):
        labels = {each: each.name for each in everyone}
        return emergence.Compared(tuple(chosen), (tuple(several[1:3]),), tuple(theirs.spectrograms.values()), labels)

    by_layer = measured(
        *(
            rows.Row(layer_alignment.QUANTITY, 0.5, low=0.4, high=0.6, layer=layer, encoder=each.name)
            for each in several[:3]
            for layer in layers
        )
    )
    step = random_encoder(f"{one.name} step-000100", 0), random_encoder(f"{one.name} step-000200", 0)
    trained = {each: dict.fromkeys(emergence.SCORES, _SCORE) for each in (*step, *everyone)}
    training = [
        {"step": float(i), "loss": 1.0, "accuracy": 0.5, "held_out_loss": 1.0, "held_out_accuracy": 1.0}
        for i in range(3)
    ]
    found = {
        "temporal.example": temporal.draw_example,
        "temporal.stationarity": lambda: temporal.draw_stationarity(one, bursts),
        "temporal.bursts": lambda: temporal.draw_bursts(one, bursts),
        "temporal.bursts_map": lambda: temporal.draw_bursts_map(one, _RANDOM.normal(size=(burst_count, 11, 2)), bursts),
        "f0.bias": lambda: f0.draw_bias(one, bursts),
        "f0.pure_tones": lambda: f0.draw_pure_tones(one, places(len(frequency)), frequency, order=ORDER),
        "f0.scale": lambda: f0.draw_scale(one, scale),
        "formants.spaces": lambda: formants.draw_vowel_spaces(maps, GRID, orders=orders),
        "formants.own": lambda: formants.draw_vowel_spaces(maps, own_grid(own), own, orders=orders),
        "formants.both": lambda: formants.draw_sines_and_resonances(
            maps, maps, GRID, orders={"vowel_space": orders, "vowel_space_source_filter": orders}
        ),
        "formants.by_f0": lambda: formants.draw_by_f0(
            {each: places(len(BY_F0)) for each in several}, BY_F0, own, orders=orders
        ),
        "formants.alignment": lambda: alignment.draw(dict.fromkeys(several, theirs.all), pairs),
        "formants.layers": lambda: layer_alignment.draw(by_layer, GRID),
        "amplitude": lambda: amplitude.draw(
            {each: places(len(amplitudes)) for each in several}, amplitudes, orders=orders
        ),
        "diphthongs.closing": lambda: diphthongs.draw_closing(
            one,
            mesh,
            paths[: len(diphthongs.closing(vowels))],
            GRID,
            vowels,
            order=ORDER,
            title=own.titled(f"x: {one.name}"),
        ),
        "diphthongs.all": lambda: diphthongs.draw_all(one, mesh, ways, GRID, vowels, order=ORDER),
        "claims": lambda: of_claims.draw_claims(population, theirs, columns, quick=True, vowels=own),
        "claims.layers": lambda: of_claims.draw_layers(one, theirs, columns, quick=True),
        "claims.filters": lambda: of_claims.draw_filters(one, _RANDOM.normal(size=(10, 8))),
        "claims.tuning": lambda: of_claims.draw_tuning(one, tuned),
        "claims.noise": lambda: curves.draw_noise(population, theirs, dict.fromkeys(everyone, noise), quick=True),
        "claims.discrimination": lambda: curves.draw_discrimination(population, theirs, columns, quick=True),
        "emergence.rows": lambda: emergence.draw_scores(compared(several), scored),
        "emergence.training": lambda: emergence.draw_scores(compared((*several, *step)), trained),
        "emergence.filters": lambda: emergence.draw_filters(compared(several)),
        "recordings.map": lambda: recorded(names[:3], labels),
        "recordings.scores": lambda: recorded_scores(names),
        "pretrain": lambda: pretrain.draw_curve(SimpleNamespace(recipe=SimpleNamespace(candidates=100)), training),
    }
    assert found.keys() == NAMES.keys()
    return found


def own_grid(own):
    return own.vowel_space().thinned(f1=5, f2=5)


# The drawings, and of how many front ends.
NAMES = {
    "temporal.example": 1,
    "temporal.stationarity": 1,
    "temporal.bursts": 1,
    "temporal.bursts_map": 1,
    "f0.bias": 1,
    "f0.pure_tones": 1,
    "f0.scale": 1,
    "formants.spaces": 2,
    "formants.own": 2,
    "formants.both": 1,
    "formants.by_f0": 2,
    "formants.alignment": 8,
    "formants.layers": 3,
    "amplitude": 2,
    "diphthongs.closing": 1,
    "diphthongs.all": 1,
    "claims": 1,
    "claims.layers": 1,
    "claims.filters": 1,
    "claims.tuning": 1,
    "claims.noise": 1,
    "claims.discrimination": 1,
    "emergence.rows": 12,
    "emergence.training": 12,
    "emergence.filters": 2,
    "recordings.map": 2,
    "recordings.scores": 12,
    "pretrain": 1,
}
# Those that look like others, and are drawn by `make pages`.
SLOW = (
    "temporal.stationarity",
    "temporal.bursts",
    "f0.bias",
    "f0.pure_tones",
    "formants.spaces",
    "formants.both",
    "diphthongs.all",
    "claims.layers",
    "claims.tuning",
    "claims.noise",
    "emergence.filters",
    "pretrain",
)

"""Every figure of every experiment, drawn of front ends of given names: for tests of how figures look.

All names stand for one tiny encoder, and what it hears of a few sounds follows their parameters: how features look is
not asked here, and making sounds would take longer than drawing.
"""

import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace

import jax
import numpy as np
from matplotlib.figure import Figure as Drawing

from experiments import records, running
from experiments.claims.asking import Question
from experiments.claims.questions import placed, questions
from experiments.experiment import Experiment, Figure
from experiments.front_ends import controls
from experiments.front_ends.named import NamedFrontEnd, random_encoder
from experiments.hearing import Heard, Setting
from experiments.measures import map_order
from experiments.measures.map_order import MapOrder
from experiments.pretrain import run as pretrain
from experiments.recordings import figures as of_recordings
from experiments.recordings import measuring, nearness, reading
from experiments.store import measurements, rows
from experiments.store.results import Results
from experiments.vowel_choice import PAPERS, VowelChoice
from w2v_jax import front_end as library
from w2v_jax import grids, layer_pooling
from w2v_jax.encoder import EncoderConfig
from w2v_jax.engine import Pooling
from w2v_jax.front_end import FRAMES
from w2v_jax.grids import Grid, Vowel
from w2v_jax.scores.bootstrap import Bootstrap, mean_score
from w2v_jax.vowels import VowelTable

# With the frames of wav2vec 2.0. No tone of the grids repeats every 5 samples: its features would be zero.
TINY = EncoderConfig(channels=(8, 12), kernel_sizes=(10, 79), strides=(5, 64))
TRAINING = "emergence in training"  # the same experiment with steps among the names, which has other figures

# How many front ends each experiment is asked with: the more, the more their names crowd a figure of all.
ENCODERS = {
    "temporal": 1,
    "f0": 1,
    "formants": 8,
    "amplitude": 2,
    "diphthongs": 1,
    "claims": 1,
    "emergence": 12,
    TRAINING: 12,
}
OWN_VOWELS = ("formants", "diphthongs", "claims")
# Those that look like others, or are of an experiment that takes long, and are drawn by `make pages`.
SLOW = (
    "temporal: stationarity",
    "temporal: bursts",
    "f0: bias",
    "f0: pure_tones",
    "formants: vowel_space",
    "formants: vowel_space_by_f0",
    "formants: vowel_space_source_filter",
    "formants: vowel_space_source_filter of all",
    "diphthongs: diphthongs",
    *(f"claims: {stem}" for stem in ("claims", "discrimination", "read_off", "small_changes", "noise")),
    *(f"claims: {stem}" for stem in ("layers", "tuning", "filters")),
    *(f"{experiment}: {stem}" for experiment in ("emergence", TRAINING) for stem in ("scores", "vowels", "filters")),
    "pretrain: curve",
)
# What is measured takes a minute.
CLAIMS, EMERGENCE, IN_TRAINING = (
    f"{name}, of made numbers" for name in ("claims: claims", "emergence: scores", f"{TRAINING}: scores")
)
MADE = (CLAIMS, EMERGENCE, IN_TRAINING, "recordings: map", "recordings: scores", "pretrain: curve")


def figures_of(experiment: str) -> dict[str, Figure]:
    """The figures of a record, by what tests call them: a figure of all may have the stem of one of each."""
    by_name: dict[str, Figure] = {}
    for figure in records.experiment(experiment.split()[0]).figures:
        name = f"{experiment}: {figure.stem}"
        by_name[f"{name} of all" if name in by_name else name] = figure
    return by_name


NAMES = (*(name for experiment in ENCODERS for name in figures_of(experiment)), *MADE)


def draw(
    name: str, names: Sequence[str], *, symbols: Sequence[str] = ("i", "a", "u", "o"), labels: Sequence[str] = ()
) -> dict[str, Drawing]:
    """The drawings of a figure, one of `NAMES`, by the part of their file's name.

    Args:
        name: of the figure.
        names: of front ends, of which the first few are asked. A figure of each is drawn of the first one.
        symbols: of the vowels of a table of one's own, of two speakers with names like the first front end's.
        labels: of recorded tokens.
    """
    if name in MADE:
        return {"": _made(name, names, labels)}
    experiment, _ = name.split(": ")
    figure = figures_of(experiment)[name]
    chosen = names[: ENCODERS[experiment]]
    chosen = in_training(chosen) if experiment == TRAINING else chosen
    several, measured = _asked(experiment.split()[0], tuple(chosen), tuple(symbols))
    drawn = figure.draw(several if figure.joint else several[0], measured)
    assert drawn is not None
    return dict(drawn) if isinstance(drawn, Mapping) else {"": drawn}


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory:
    """For features, until this process ends."""
    return tempfile.TemporaryDirectory(prefix="drawings")


class _MadeUp(Results):
    """Features are not heard."""

    def sweep(
        self,
        experiment: str,
        front_end: NamedFrontEnd,
        grid: Grid,
        stimulus: Callable[..., jax.Array],
        *,
        pooling: Pooling = "mean",
    ) -> np.ndarray:
        """Frames that are a mixture of the parameters and of noise."""
        if pooling is layer_pooling.burst_nearness:
            return super().sweep(experiment, front_end, grid, stimulus, pooling=pooling)
        points = np.concatenate([each.reshape(len(grid), -1) for each in grid.points().values()], axis=1)
        points = (points - points.mean(axis=0)) / (points.std(axis=0) + 1e-6)
        second = front_end.frames.sample_rate
        random = np.random.default_rng(0)
        outputs = {}
        for name, channels in layer_pooling.layer_channels(front_end.front_end, num_samples=second).items():
            count = library.layers(front_end.front_end)[name].num_frames(second) if pooling == "none" else 3
            mixed = points @ random.normal(size=(points.shape[1], channels))
            outputs[name] = (mixed[:, None] + random.normal(size=(len(grid), count, channels))).astype(np.float32)
        if callable(pooling):
            return np.asarray(pooling(outputs))
        return outputs[FRAMES].mean(axis=1) if pooling == "mean" else outputs[FRAMES]


def _results(vowels: VowelChoice) -> Results:
    """A folder of its own, as names may be the same."""
    return _MadeUp(pathlib.Path(tempfile.mkdtemp(dir=_temporary().name)), size="smoke", vowels=vowels)


@functools.cache
def _heard(experiment: str) -> list[Heard]:
    """What a tiny encoder heard, and its controls. How vowels and their speakers are called is not heard."""
    results = _results(own_vowels("tiny", "iauo") if experiment in OWN_VOWELS else PAPERS)
    return running.listen(records.experiment(experiment), front_ends(["tiny"]), results)


@functools.cache
def _asked(experiment: str, names: tuple[str, ...], symbols: tuple[str, ...]) -> tuple[list[Heard], rows.Measurements]:
    """What front ends of these names heard, all of them the same, and what was measured of it."""
    record = records.experiment(experiment)
    results = _results(own_vowels(names[0], symbols) if experiment in OWN_VOWELS else PAPERS)
    one, *its_controls = _heard(experiment)
    named = tuple(dataclasses.replace(one.front_end, name=name) for name in names)
    everyone = (*named, *added_controls(record, named))
    several = [
        dataclasses.replace(like, setting=Setting(results, each, {}, everyone, named), memory=dict(like.memory))
        for like, each in zip([one] * len(named) + its_controls, everyone, strict=True)
    ]
    measured = functools.cache(record.measure)

    def once(heard: Heard) -> Sequence[rows.Row]:
        first = several[len(named) if heard.is_control else 0]
        of_first = measured(first)
        heard.memory.update(first.memory)
        return of_first

    return several, running.measure(dataclasses.replace(record, measure=once), several, results)


def added_controls(record: Experiment, named: Sequence[NamedFrontEnd]) -> list[NamedFrontEnd]:
    """Those that an experiment of few sounds adds."""
    return [each for each in controls.few(record.controls(named)) if each not in named]


def front_ends(names: Sequence[str]) -> list[NamedFrontEnd]:
    """Tiny encoders."""
    return [random_encoder(name, seed, config=TINY) for seed, name in enumerate(names)]


def in_training(names: Sequence[str]) -> list[str]:
    """The first one at two steps, and all."""
    return [*(f"{names[0]} step-{step:06}" for step in (100, 200)), *names]


def own_vowels(name: str, symbols: Sequence[str]) -> VowelChoice:
    """A table of one's own, of two speakers, with a name like an encoder's."""
    table = tuple(
        Vowel(symbol, 300 + 60 * i, 2200 - 120 * i, speaker=speaker)
        for speaker in (name, f"{name} again")
        for i, symbol in enumerate(symbols)
    )
    return VowelChoice(VowelTable(f"{name}.csv", table, source=""))


# Figures of made numbers: of recordings, of which there are none, of a training, and of claims.
_RANDOM = np.random.default_rng(0)
_SCORE = mean_score(np.linspace(0.2, 0.6, 9), bootstrap=Bootstrap(resamples=20))
_KNOWN, _CHANCE, _HALF = (rows.number("a number", each) for each in (0.6, 0.011, 0.502))
ORDER = MapOrder(
    _KNOWN, _CHANCE, _KNOWN, _KNOWN, rows.number("a number", None, undefined="..."), _HALF, rows.number("a number", 0.0)
)
GRID = grids.VOWEL_SPACE.thinned(f1=5, f2=5)


def _made(name: str, names: Sequence[str], labels: Sequence[str]) -> Drawing:
    drawn: dict[str, Callable[[], Drawing]] = {
        CLAIMS: lambda: claims(names[0]),
        EMERGENCE: lambda: emergence(names[: ENCODERS["emergence"]]),
        IN_TRAINING: lambda: emergence(in_training(names[: ENCODERS[TRAINING]])),
        "recordings: map": lambda: recorded(names[:2], labels),
        "recordings: scores": lambda: recorded_scores(names),
        "pretrain: curve": trained,
    }
    return drawn[name]()


def _places(count: int) -> np.ndarray:
    return _RANDOM.normal(size=(count, 2)).astype(np.float32)


class _Tokens(SimpleNamespace):
    """What `draw_maps` asks of tokens."""

    def __len__(self) -> int:
        return len(self.label)


def recorded(names: Sequence[str], labels: Sequence[str]) -> Drawing:
    """The map of recorded tokens, a token for each label."""
    placed = {name: (_places(len(GRID)), _places(len(labels))) for name in names}
    measured = {"f1": _RANDOM.uniform(300, 800, len(labels))}
    tokens = {name: _Tokens(label=tuple(labels), measured=measured) for name in names}
    return of_recordings.draw_maps(
        placed,
        tokens,
        GRID,
        grids.VOWELS,
        below=dict.fromkeys(names, map_order.caption(ORDER, sounds="synthesised vowels", narrow=True)),
    )


def recorded_scores(names: Sequence[str], cell: rows.Cell = _SCORE) -> Drawing:
    """What is read off recordings, every number the same."""
    read = dict.fromkeys(reading.READ, cell)
    each = [*measuring.reading_rows(read, read), *measuring.nearness_rows(dict.fromkeys(nearness.WAYS, cell))]
    all_rows = tuple(dataclasses.replace(row, encoder=name) for name in names for row in each)
    return of_recordings.draw_scores(rows.Measurements("recordings", all_rows, {}), names)


def claims(name: str) -> Drawing:
    """The main scores of a front end and its controls, every number the same."""
    (figure,) = (each for each in records.experiment("claims").figures if each.stem == "claims")
    several = [SimpleNamespace(vowels=own_vowels(name, "iauo"))]
    drawn = figure.draw(several, scored("claims", [name], questions()))
    assert isinstance(drawn, Mapping)
    return drawn[name]


def emergence(names: Sequence[str]) -> Drawing:
    """Scores of front ends and their controls, through training where there are steps, every number the same."""
    (figure,) = (each for each in records.experiment("emergence").figures if each.stem == "scores")
    drawn = figure.draw([], scored("emergence", names, placed("through_training")))
    assert isinstance(drawn, Drawing)
    return drawn


def scored(experiment: str, names: Sequence[str], entries: Iterable[tuple[str, str, Question]]) -> rows.Measurements:
    """Some claims' scores of front ends and of their controls."""
    named = front_ends(names)
    added = added_controls(records.experiment(experiment), named)
    abouts = {each.name: measurements.about(each, control_of=tuple(names)) for each in added}
    asked = {each.name: measurements.about(each, compared_with=tuple(abouts)) for each in named}
    all_rows = [
        rows.score(quantity, _SCORE, unit=question.unit or "", better=question.better, claim=claim)
        for claim, quantity, question in entries
    ]
    every = tuple(dataclasses.replace(row, encoder=each) for each in (*names, *abouts) for row in all_rows)
    return rows.Measurements(experiment, every, {**asked, **abouts}, size="smoke")


def trained() -> Drawing:
    """The curve of a training."""
    training = [
        {"step": float(i), "loss": 1.0, "accuracy": 0.5, "held_out_loss": 1.0, "held_out_accuracy": 1.0}
        for i in range(3)
    ]
    return pretrain.draw_curve(SimpleNamespace(recipe=SimpleNamespace(candidates=100)), training)

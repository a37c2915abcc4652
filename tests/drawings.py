"""Every figure of every experiment, drawn of what tiny front ends of given names hear: for tests of how figures look.

An experiment is run once for the names it is asked with, a few sounds each, and nothing of it is written but features.
"""

import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from matplotlib.figure import Figure as Drawing

from experiments import records, running
from experiments.claims.questions import questions
from experiments.experiment import Figure
from experiments.front_ends import controls
from experiments.front_ends.named import NamedFrontEnd, random_encoder
from experiments.hearing import Heard
from experiments.measures import map_order
from experiments.measures.map_order import MapOrder
from experiments.pretrain import run as pretrain
from experiments.recordings import figures as of_recordings
from experiments.recordings import measuring, nearness, reading
from experiments.store import measurements, rows
from experiments.store.results import Results
from experiments.vowel_choice import PAPERS, VowelChoice
from w2v_jax import grids
from w2v_jax.encoder import EncoderConfig
from w2v_jax.grids import Vowel
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
    "emergence: vowels",
    "emergence: filters",
    f"{TRAINING}: vowels",
    f"{TRAINING}: filters",
    "pretrain: curve",
)
CLAIMS = "claims: claims, of made numbers"  # what is measured takes a minute
MADE = (CLAIMS, "recordings: map", "recordings: scores", "pretrain: curve")


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
    several, measured = _asked(experiment, tuple(names[: ENCODERS[experiment]]), tuple(symbols))
    drawn = figure.draw(several if figure.joint else several[0], measured)
    assert drawn is not None
    return dict(drawn) if isinstance(drawn, Mapping) else {"": drawn}


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory:
    """For features, until this process ends."""
    return tempfile.TemporaryDirectory(prefix="drawings")


@functools.cache
def _folder(first_name: str, symbols: tuple[str, ...]) -> pathlib.Path:
    """Of one choice of names and vowels: its experiments share sweeps."""
    return pathlib.Path(tempfile.mkdtemp(dir=_temporary().name))


@functools.cache
def _asked(experiment: str, names: tuple[str, ...], symbols: tuple[str, ...]) -> tuple[list[Heard], rows.Measurements]:
    """What front ends heard, and what was measured of it."""
    own = experiment in OWN_VOWELS
    vowels = own_vowels(names[0], symbols) if own else PAPERS
    results = Results(_folder(names[0], symbols if own else ()), size="smoke", vowels=vowels)
    record = records.experiment(experiment.split()[0])
    several = running.listen(record, front_ends(names, in_training=experiment == TRAINING), results)
    return several, running.measure(record, several, results)


def front_ends(names: Sequence[str], *, in_training: bool = False) -> list[NamedFrontEnd]:
    """Tiny encoders; in training, the first one at two steps, and the others."""
    steps = [f"{names[0]} step-{step:06}" for step in (100, 200)] if in_training else []
    seeds = {**{name: seed for seed, name in enumerate(names)}, **{name: 100 + i for i, name in enumerate(steps)}}
    return [random_encoder(name, seed, config=TINY) for name, seed in seeds.items()]


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
    record = records.experiment("claims")
    (figure,) = (each for each in record.figures if each.stem == "claims")
    (one,) = front_ends([name])
    wanted = controls.few(record.controls([one]))
    abouts = {each.name: measurements.about(each, control_of=(name,)) for each in wanted}
    about = measurements.about(one, compared_with=tuple(abouts))
    all_rows = [
        rows.score(quantity, _SCORE, unit=question.unit or "", better=question.better, claim=claim)
        for claim, quantity, question in questions()
    ]
    every = tuple(dataclasses.replace(row, encoder=each) for each in (name, *abouts) for row in all_rows)
    several = [SimpleNamespace(vowels=own_vowels(name, "iauo"))]
    drawn = figure.draw(several, rows.Measurements("claims", every, {name: about, **abouts}, size="smoke"))
    assert isinstance(drawn, Mapping)
    return drawn[name]


def trained() -> Drawing:
    """The curve of a training."""
    training = [
        {"step": float(i), "loss": 1.0, "accuracy": 0.5, "held_out_loss": 1.0, "held_out_accuracy": 1.0}
        for i in range(3)
    ]
    return pretrain.draw_curve(SimpleNamespace(recipe=SimpleNamespace(candidates=100)), training)

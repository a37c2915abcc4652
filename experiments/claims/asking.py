"""Kinds of questions that `questions` asks: a score, what it speaks of, and where it is drawn."""

import dataclasses
import functools
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, get_args

import numpy as np

from w2v_jax.scores import BlockScores, Score, UndefinedScoreError, reading_chance
from w2v_jax.scores.parameter_metrics import VOWEL_METRICS
from w2v_jax.scores.reading import Unit as ErrorUnit
from w2v_jax.scores.representational_similarity import BEST

from ..measures.learned_scale import SWEEP
from ..vowels.synthesis import Synthesis
from .layers import Layer, Phases
from .listeners import NOTICEABLE
from .phased import HALF, MOVED
from .sounds import BURSTS, FRACTIONS, Grids

PHASES_TAKEN: tuple[Phases, ...] = get_args(Phases)
Unit = Literal["cents", "dB", "share"]  # share: of the distance of unrelated sounds

WHERE = {False: "other tones", True: "multiples of the frame rate"}


@dataclasses.dataclass(frozen=True)
class Question:
    """A score, and what a reader must know of it.

    Attributes:
        score: of what a layer heard.
        over: what is drawn again: the score speaks of other such.
        chance: its value for features that know nothing, in words; `chance_of` says it of the sounds that are heard.
        primary: whether it was named beforehand as a main one; the text leads with these.
        family: of scores that ask the same in other units: a claim needs them all.
        beside: whether it is shown with the main ones, as a near order is beside a far one.
        unit: in which it is, where it is no correlation or probability. Of these lower is better.
        guesses: the values that are guessed at, of the sounds that are heard, where chance is the error of a guess.
        through_layers: its place in the figure layer by layer, where it is drawn there.
        through_training: its place in the figure of `emergence`, where it is asked there.
        of_layers: whether it is asked of inner layers, too; of those of controls what is drawn there is enough.
        hears: the grids that it asks about, where it is asked there, or where not all front ends hear them.
        saturates: which of `Layer.saturations` says whether the sounds are farther apart than the tuning.
        noticeable: what a listener just notices, in its unit, where it is drawn beside that.
    """

    score: Callable[[Layer], Score]
    over: str
    chance: str
    primary: bool = False
    family: str | None = None
    beside: bool = False
    unit: Unit | None = None
    guesses: Callable[[Grids], np.ndarray] | None = None
    through_layers: int | None = None
    through_training: int | None = None
    of_layers: bool = True
    hears: tuple[str, ...] = ()
    saturates: str | None = None
    noticeable: float | None = None

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which values are what a claim would have."""
        return "higher" if self.unit is None else "lower"

    @property
    def by_layer(self) -> bool:
        """Whether it is drawn layer by layer."""
        return self.through_layers is not None or self.noticeable is not None

    @property
    def leads(self) -> bool:
        """Whether it stands in the first table and figure."""
        return self.primary or self.beside

    def chance_of(self, grids: Grids) -> str:
        """Its value for features that know nothing of these sounds, in words."""
        if self.guesses is None or self.unit not in ("cents", "dB"):
            return self.chance
        values = self.guesses(grids)
        return f"{reading_chance(values, unit=self.unit):.{DIGITS[self.unit]}f}" if np.ptp(values) else self.chance


DIGITS: dict[Unit | None, int] = {None: 2, "cents": 0, "dB": 1, "share": 3}
"""Of a score, by its unit."""

Questions = dict[str, Question]
_NOWHERE: Mapping[str, int] = types.MappingProxyType({})


def read_off(
    grid: str,
    parameter: str,
    name: str,
    across: str,
    over: str,
    *,
    unit: ErrorUnit = "cents",
    noticeable: float | None = None,
) -> Questions:
    """How far off is a parameter in contexts not heard; and between its own values heard, which no lookup can say."""

    def of(between: bool) -> Callable[[Layer], Score]:
        return lambda layer: layer.read_off(grid, parameter, between=between)

    question = functools.partial(
        Question, over=over, chance="-", unit=unit, guesses=lambda grids: grids.items()[grid].points()[parameter]
    )
    own = name.removeprefix("amplitude of ")
    return {
        f"{name} read off across {across}, {unit}": question(of(False), primary=True, noticeable=noticeable),
        f"{name} read off across {across} and between the {own} heard, {unit}": question(
            of(True), beside=True, of_layers=False
        ),
    }


def probe(
    probe: Callable[[Layer], BlockScores],
    name: str,
    over: str,
    *,
    through_training: int | None = None,
    hears: tuple[str, ...] = (),
) -> Questions:
    """Linearity: whether a parameter lies along a line that goes on; narrow tuning has none, and may still know all."""

    def of(part: Literal["interpolation", "extrapolation", "within"]) -> Callable[[Layer], Score]:
        return lambda layer: _defined(getattr(probe(layer), part))

    return {
        f"linearity of {name} between values heard, R²": Question(
            of("interpolation"), over, "0", through_training=through_training, hears=hears
        ),
        f"linearity of {name} beyond values heard, R²": Question(of("extrapolation"), over, "0"),
        f"linearity of {name} inside a range not heard, R²": Question(of("within"), over, "0"),
    }


def probed(grid: str, parameter: str) -> Callable[[Layer], BlockScores]:
    return lambda layer: layer.probe(grid, parameter)


def _defined(score: Score | None) -> Score:
    if score is None:
        raise UndefinedScoreError("each range that is held out has one value only; expected several")
    return score


def rsa(
    name: str,
    grid: str,
    *parameters: str,
    metrics: dict,
    over: str,
    primary: bool = False,
    within: str | None = None,
    weights: bool = True,
    saturates: str | None = None,
    through_layers: Mapping[str, int] = _NOWHERE,
    through_training: Mapping[str, int] = _NOWHERE,
) -> Questions:
    """In several metrics; `through_layers` and `through_training` have the places of some of them."""
    family = f"RSA of {name}"

    def by_metric(metric: str) -> Callable[[Layer], Score]:
        return lambda layer: layer.rsa(grid, *parameters, metrics=metrics, within=within).by_metric[metric]

    names = [*metrics, *([BEST] if weights else [])]
    return {
        f"{family}, {metric}": Question(
            by_metric(metric),
            over,
            "0",
            primary=primary,
            family=family,
            through_layers=through_layers.get(metric),
            through_training=through_training.get(metric),
            hears=(grid,),
            saturates=saturates,
        )
        for metric in names
    }


def rsa_of_each(name: str, grid: str, *parameters: str, over: str, saturates: str) -> Questions:
    def of(kind: str, parameter: str) -> Callable[[Layer], Score]:
        return lambda layer: getattr(layer.rsa(grid, *parameters, metrics=dict(VOWEL_METRICS)), kind)[parameter]

    return {
        f"RSA of {name} with {parameter.upper() if parameter != 'f0' else parameter} in Hz, {kind}": Question(
            of(attribute, parameter), over, "0", saturates=saturates
        )
        for parameter in parameters
        for kind, attribute in (("alone", "marginal"), ("beside the others (partial)", "partial"))
    }


def near(
    name: str,
    grid: str,
    *parameters: str,
    counts: tuple[int, ...],
    over: str,
    primary: bool,
    saturates: str,
    through_layers: int | None = None,
    through_training: int | None = None,
) -> Questions:
    def of(count: int) -> Callable[[Layer], Score]:
        return lambda layer: layer.neighbours(grid, *parameters, count=count)

    return {
        f"nearest {count} of {name}, overlap": Question(
            of(count),
            over,
            "k/(n-1)",
            primary=primary and count == 10,
            beside=count == 10,
            through_layers=through_layers if count == 10 else None,
            through_training=through_training if count == 10 else None,
            hears=(grid,),
            saturates=saturates,
        )
        for count in counts
    }


def abx(kind: str, name: str, over: str, synthesis: Synthesis, *, through_layers: int | None = None) -> Questions:
    noticeable = NOTICEABLE[kind]

    def of(multiple: int) -> Callable[[Layer], Score]:
        return lambda layer: layer.abx(kind, multiple, synthesis)

    return {
        # Three inharmonic sines have no pitch: their f0 is not set beside a listener's.
        f"ABX of {name}, mean of the steps": Question(
            lambda layer: layer.abx_mean(kind, synthesis),
            over,
            "0.5",
            primary=kind != "f0" or synthesis == "resonances",
            through_layers=through_layers,
        ),
        **{abx_name(kind, name, multiple): Question(of(multiple), over, "0.5") for multiple in noticeable.multiples},
    }


ABX = {
    "f0": ("fundamental frequency", "f0 across vowels"),
    "F1": ("formants", "F1 across f0"),
    "F2": ("formants", "F2 across f0"),
    "level": ("amplitude", "level across vowels"),
}
"""By kind of discrimination, the claim that it belongs to, and its name."""


def abx_name(kind: str, name: str, multiple: int) -> str:
    """What a score of one step of a discrimination is called."""
    return f"ABX of {name}, {NOTICEABLE[kind].shown(multiple)}"


def monotonicity(grid: str, parameter: str, name: str, over: str) -> Questions:
    score = functools.partial(Layer.monotonicity, grid=grid, parameter=parameter)
    return {f"{name}, monotonicity": Question(score, over, "1/3", hears=(grid,))}


def invariances(
    grid: str,
    parameter: str,
    reference: float,
    change: str,
    *,
    primary: bool = False,
    through_layers: Mapping[str, int] = _NOWHERE,
) -> Questions:
    questions: Questions = {}
    for relative, kind in ((False, "cosine"), (True, "relative")):
        for at_rate, where in WHERE.items():
            score = functools.partial(
                Layer.invariance,
                grid=grid,
                parameter=parameter,
                reference=reference,
                at_rate=at_rate,
                relative=relative,
            )
            main = primary and relative and not at_rate
            place = through_layers.get(where) if relative else None
            questions[f"same under {change}, {kind}, {where}"] = Question(
                score, "other tones", "-", primary=main, through_layers=place, hears=(grid,)
            )
    return questions


def bursts() -> Questions:
    questions: Questions = {}
    for at_rate, where in WHERE.items():
        for fraction in FRACTIONS[::-1]:
            score = functools.partial(Layer.burst_separation, fraction=float(fraction), at_rate=at_rate)
            name = f"burst of {round(1000 * float(fraction))} ms, AUC, {where}"
            drawn = 8 if name == "burst of 10 ms, AUC, other tones" else None
            questions[name] = Question(score, "other tones", "0.5", through_layers=drawn, hears=(BURSTS,))
    return questions


def learned_scale(scales: Iterable[str]) -> Questions:
    """What known scales explain of the learned one, and whether the tones are near enough to tell."""

    def fit(scale: str) -> Callable[[Layer], Score]:
        return lambda layer: layer.learned_scale.fits[scale]

    question = functools.partial(Question, over="other steps", hears=(SWEEP,), saturates=STEPS)
    chance = "any rising curve: 0.7 to 0.9"
    return {
        **{scale_name(each): question(fit(each), chance=chance) for each in scales},
        SMALL_STEPS: question(Layer.small_steps, chance="-"),
    }


def scale_name(scale: str) -> str:
    """What the score of a known scale is called."""
    return f"learned scale by angles, R² with {scale}"


SCALE_CLAIM = "fundamental frequency"
SMALL_STEPS = "learned scale by angles, share of small steps"
STEPS = "steps of the learned scale"  # what is saturated where fewer than nine of ten are small


def small_changes(name: str, grid: str, half: float) -> Questions:
    """How far half a just noticeable difference is, of what it should be as good as nothing of."""

    def of(phases: Phases) -> Callable[[Layer], Score]:
        return lambda layer: layer.small_change(name, int(np.argmin(np.abs(layer.changes - half))), phases=phases)

    return {
        f"distance of half a just noticeable difference of {name}, {phases}": Question(
            of(phases), "other sounds", "1", beside=True, unit="share", hears=(grid,)
        )
        for phases in PHASES_TAKEN
    }


def small_changes_of_voices() -> Questions:
    """The same of each parameter of voices."""
    names = [name if name == "f0" else name.upper() for name in MOVED]
    return {
        name: question
        for each in names
        for name, question in small_changes(f"{each} of voices", "voice_changes", HALF[each]).items()
    }

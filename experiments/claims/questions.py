"""What `experiments.claims` asks: every score, what it speaks of, and which were named beforehand as the main ones.

A new score is an entry of `CLAIMS`: it says all that tables and figures must know of it. One that is drawn through the
layers, or through training by `experiments.emergence`, says in which place.
"""

import dataclasses
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import numpy as np

from w2v_jax.scores import BlockScores, Score, UndefinedScoreError, reading_chance
from w2v_jax.scores.frequency_scale import SCALES
from w2v_jax.scores.parameter_metrics import AMPLITUDE_METRICS, TONE_METRICS, VOWEL_METRICS
from w2v_jax.scores.reading import Unit
from w2v_jax.scores.representational_similarity import BEST

from ..vowels.synthesis import SYNTHESES, Synthesis
from .layers import Layer
from .listeners import NOTICEABLE
from .sounds import FRACTIONS, Grids, grid_name

WHERE = {False: "other tones", True: "multiples of the frame rate"}
NEIGHBOURS = (5, 10, 20)


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
        unit: in which it is, where it is no share or correlation: "cents" or "dB". Of these lower is better.
        guesses: the values that are guessed at, of the sounds that are heard, where chance is the error of a guess.
        through_layers: its place in the figure layer by layer, where it is drawn there.
        through_training: its place in the figure of `emergence`, where it is asked there.
        hears: the grids that it asks about, where it is asked there.
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
    hears: tuple[str, ...] = ()
    noticeable: float | None = None

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which values are what a claim would have."""
        return "higher" if self.unit is None else "lower"

    @property
    def leads(self) -> bool:
        """Whether it stands in the first table and figure."""
        return self.primary or self.beside

    def chance_of(self, grids: Grids) -> str:
        """Its value for features that know nothing of these sounds, in words."""
        if self.guesses is None or self.unit is None:
            return self.chance
        values = self.guesses(grids)
        return f"{reading_chance(values, unit=self.unit):.{DIGITS[self.unit]}f}" if np.ptp(values) else self.chance


DIGITS: dict[Unit | None, int] = {None: 2, "cents": 0, "dB": 1}
"""Of a score, by its unit."""

Questions = dict[str, Question]
_NOWHERE: Mapping[str, int] = types.MappingProxyType({})


def _read_off(
    grid: str,
    parameter: str,
    name: str,
    across: str,
    over: str,
    *,
    unit: Unit = "cents",
    noticeable: float | None = None,
) -> Questions:
    """How far off is a parameter in contexts not heard; and between its own values heard, which no lookup can say."""

    def of(between: bool) -> Callable[[Layer], Score]:
        return lambda layer: layer.read_off(grid, parameter, between=between)

    asked = functools.partial(
        Question, over=over, chance="-", unit=unit, guesses=lambda grids: grids.items()[grid].points()[parameter]
    )
    own = name.removeprefix("amplitude of ")
    return {
        f"{name} read off across {across}, {unit}": asked(of(False), primary=True, noticeable=noticeable),
        f"{name} read off across {across} and between the {own} heard, {unit}": asked(of(True), beside=True),
    }


def _probe(
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


def _of(grid: str, parameter: str) -> Callable[[Layer], BlockScores]:
    return lambda layer: layer.probe(grid, parameter)


def _defined(score: Score | None) -> Score:
    if score is None:
        raise UndefinedScoreError("each range that is held out has one value only; expected several")
    return score


def _rsa(
    name: str,
    grid: str,
    *parameters: str,
    metrics: dict,
    over: str,
    primary: bool = False,
    within: str | None = None,
    weights: bool = True,
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
        )
        for metric in names
    }


def _rsa_of_each(name: str, grid: str, *parameters: str, over: str) -> Questions:
    def of(kind: str, parameter: str) -> Callable[[Layer], Score]:
        return lambda layer: getattr(layer.rsa(grid, *parameters, metrics=dict(VOWEL_METRICS)), kind)[parameter]

    return {
        f"RSA of {name} with {parameter.upper() if parameter != 'f0' else parameter} in Hz, {kind}": Question(
            of(attribute, parameter), over, "0"
        )
        for parameter in parameters
        for kind, attribute in (("alone", "marginal"), ("beside the others (partial)", "partial"))
    }


def _near(
    name: str,
    grid: str,
    *parameters: str,
    counts: tuple[int, ...],
    over: str,
    primary: bool,
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
        )
        for count in counts
    }


def _abx(kind: str, name: str, over: str, synthesis: Synthesis, *, through_layers: int | None = None) -> Questions:
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


def _monotonicity(grid: str, parameter: str, name: str, over: str) -> Questions:
    return {f"{name}, monotonicity": Question(lambda layer: layer.monotonicity(grid, parameter), over, "1/3")}


def _invariances(
    grid: str,
    parameter: str,
    reference: float,
    change: str,
    *,
    primary: bool = False,
    through_layers: Mapping[str, int] = _NOWHERE,
) -> Questions:
    found: Questions = {}
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
            found[f"same under {change}, {kind}, {where}"] = Question(
                score, "other tones", "-", primary=main, through_layers=place
            )
    return found


def _bursts() -> Questions:
    found: Questions = {}
    for at_rate, where in WHERE.items():
        for fraction in FRACTIONS[::-1]:
            score = functools.partial(Layer.burst_separation, fraction=float(fraction), at_rate=at_rate)
            name = f"burst of {round(1000 * float(fraction))} ms, AUC, {where}"
            drawn = 8 if name == "burst of 10 ms, AUC, other tones" else None
            found[name] = Question(score, "other tones", "0.5", through_layers=drawn)
    return found


def _scale_fit(scale: str, grid: str = "tones") -> Callable[[Layer], Score]:
    return lambda layer: layer.scale_fit(scale, grid)


def with_synthesis(claim: str, synthesis: Synthesis) -> str:
    """What a claim about vowels is called, which is asked of sines and of voices."""
    return f"{claim}, {WITH[synthesis]}"


WITH: dict[Synthesis, str] = {"sines": "with sines", "resonances": "with voices"}


def _of_vowels(synthesis: Synthesis) -> dict[str, Questions]:
    """What is asked of vowels."""
    named = functools.partial(grid_name, synthesis=synthesis)
    with_voices = synthesis == "resonances"
    vowels, lines = named("vowels"), named("vowel_lines")
    return {
        "fundamental frequency": {
            **_read_off(vowels, "f0", "f0", "vowels", "other f0", noticeable=NOTICEABLE["f0"].in_cents),
            **_abx("f0", ABX["f0"][1], "other vowels", synthesis, through_layers=5 if with_voices else None),
            **_probe(_of(vowels, "f0"), "f0 of vowels", "other f0"),
            **_monotonicity(lines, "f0", "f0 of vowels", "other formants"),
        },
        "formants": {
            **_read_off(vowels, "f1", "F1", "f0 and F2", "other F1", noticeable=NOTICEABLE["F1"].in_cents),
            **_read_off(vowels, "f2", "F2", "f0 and F1", "other F2", noticeable=NOTICEABLE["F2"].in_cents),
            **_abx("F1", ABX["F1"][1], "other f0", synthesis, through_layers=4),
            **_abx("F2", ABX["F2"][1], "other f0", synthesis, through_layers=12 if with_voices else None),
            **_probe(_of(vowels, "f1"), "F1", "other F1", through_training=5, hears=(vowels,)),
            **_probe(_of(vowels, "f2"), "F2", "other F2", through_training=6, hears=(vowels,)),
            **_monotonicity(lines, "f1", "F1", "other f0 and F2"),
            **_monotonicity(lines, "f2", "F2", "other f0 and F1"),
            **_rsa(
                "vowels of one f0 with F1, F2",
                vowels,
                "f1",
                "f2",
                metrics=dict(VOWEL_METRICS),
                within="f0",
                over="other f0",
                primary=True,
                through_layers={"ERB": 3},
                through_training={"ERB": 2},
            ),
            "nearest 3 of vowels of one f0, by F1, F2, overlap": Question(
                lambda layer: layer.neighbours(vowels, "f1", "f2", count=3, within="f0"),
                "other vowels",
                "k/(n-1)",
                beside=True,
            ),
            "ABX of vowels across f0": Question(
                lambda layer: layer.abx_vowels(synthesis), "other f0", "0.5", beside=True
            ),
        },
        "amplitude": _abx("level", ABX["level"][1], "other vowels", synthesis),
        "metric space": {
            **_rsa(
                "vowels with f0, F1, F2",
                vowels,
                metrics=dict(VOWEL_METRICS),
                over="other f0",
                primary=True,
                through_layers={"span": 1},
                through_training={BEST: 1},
            ),
            **_rsa_of_each("vowels", vowels, "f0", "f1", "f2", over="other f0"),
            **_near(
                "vowels, by f0, F1, F2",
                vowels,
                counts=NEIGHBOURS,
                over="other vowels",
                primary=True,
                through_layers=2,
                through_training=4,
            ),
        },
    }


# The paper's claims, and the questions that bear on each. Which are primary was settled before these scores were made,
# by someone who knew earlier versions of some of them; read off came instead of linearity when codes whose answer is
# known contradicted that as a main one (docs/validity.md).
_OF_OTHER_SOUNDS: dict[str, Questions] = {
    "fundamental frequency": {
        **_rsa(
            "tones with their frequency",
            "tones",
            metrics=dict(TONE_METRICS),
            over="other tones",
            primary=True,
            weights=False,
            through_layers={"semitones": 6},
            through_training={"semitones": 3},
        ),
        **_near("tones, by frequency", "tones", counts=(10,), over="other tones", primary=False),
        **_probe(Layer.mel_probe, "frequency of tones (Mel)", "other tones"),
        **{
            f"spacing of tones, sum of 1 - cos: {scale}, R²": Question(
                _scale_fit(scale), "other tones", "any rising curve: 0.7 to 0.9"
            )
            for scale in SCALES
        },
        "spacing of tones at multiples of the frame rate, sum of 1 - cos: Mel, R²": Question(
            _scale_fit("Mel", "tones_at_rate"), "other tones", "any rising curve: 0.7 to 0.9"
        ),
    },
    "amplitude": {
        **_read_off(
            "amplitudes", "amplitude_low", "amplitude of 100 Hz", "that of 700 Hz", "other amplitudes", unit="dB"
        ),
        **_read_off(
            "amplitudes", "amplitude_high", "amplitude of 700 Hz", "that of 100 Hz", "other amplitudes", unit="dB"
        ),
        **_probe(_of("amplitudes", "amplitude_low"), "amplitude of 100 Hz", "other amplitudes"),
        **_probe(_of("amplitudes", "amplitude_high"), "amplitude of 700 Hz", "other amplitudes"),
        **_monotonicity("amplitude_lines", "amplitude_low", "amplitude of 100 Hz", "other amplitudes of 700 Hz"),
        **_monotonicity("amplitude_lines", "amplitude_high", "amplitude of 700 Hz", "other amplitudes of 100 Hz"),
        **_rsa("two tones with their amplitudes", "amplitudes", metrics=dict(AMPLITUDE_METRICS), over="other sounds"),
        **_near("two tones, by their amplitudes", "amplitudes", counts=(10,), over="other sounds", primary=False),
        **_invariances("levels", "amplitude", 1.0, "level", primary=True, through_layers={WHERE[False]: 7}),
    },
    "temporal detail": {
        **_bursts(),
        "steadiness, other tones": Question(
            lambda layer: layer.steadiness("tones"), "other tones", "-", primary=True, through_layers=9
        ),
        "steadiness, multiples of the frame rate": Question(
            lambda layer: layer.steadiness("tones_at_rate"), "other tones", "-"
        ),
        **_invariances("shifts", "offset", 0.0, "shift", through_layers={WHERE[True]: 10}),
    },
    "bias": _invariances("biases", "bias", 0.0, "bias", through_layers={WHERE[False]: 11}),
}

CLAIMS: dict[str, Questions] = {
    **{
        with_synthesis(claim, synthesis): asked
        for synthesis in SYNTHESES
        for claim, asked in _of_vowels(synthesis).items()
    },
    **_OF_OTHER_SOUNDS,
}


def claims_of(syntheses: tuple[Synthesis, ...] = SYNTHESES) -> dict[str, Questions]:
    """The claims that are asked with some syntheses of vowels."""
    left_out = tuple(f", {WITH[each]}" for each in SYNTHESES if each not in syntheses)
    return {claim: asked for claim, asked in CLAIMS.items() if not (left_out and claim.endswith(left_out))}


def questions(syntheses: tuple[Synthesis, ...] = SYNTHESES) -> Iterator[tuple[str, str, Question]]:
    """Claim, name and question of every score."""
    return (
        (claim, name, question) for claim, found in claims_of(syntheses).items() for name, question in found.items()
    )


def chances(grids: Grids) -> dict[tuple[str, str], str]:
    """By claim and name of every score, its value for features that know nothing of these sounds, in words."""
    return {(claim, name): question.chance_of(grids) for claim, name, question in questions(grids.syntheses)}


def question(claim: str, name: str) -> Question | None:
    """One of them; None where there is no such."""
    return CLAIMS.get(claim, {}).get(name)


def placed(
    figure: Literal["through_layers", "through_training"], syntheses: tuple[Synthesis, ...] = SYNTHESES
) -> list[tuple[str, str, Question]]:
    """Claim, name and question of the scores that a figure has, in its order; sines before voices."""
    drawn = [each for each in questions(syntheses) if getattr(each[2], figure) is not None]
    return sorted(drawn, key=lambda each: getattr(each[2], figure))

"""What `experiments.claims` asks: every score, what it speaks of, and which were named beforehand as the main ones.

A new score is an entry of `CLAIMS`: it says all that tables and figures must know of it. One that is drawn through the
layers, or through training by `experiments.emergence`, says in which place.
"""

import functools
from collections.abc import Iterator
from typing import Literal

from w2v_jax.scores.frequency_scale import SCALES
from w2v_jax.scores.parameter_metrics import AMPLITUDE_METRICS, TONE_METRICS, VOWEL_METRICS
from w2v_jax.scores.representational_similarity import BEST

from ..vowels.synthesis import SYNTHESES, Synthesis
from . import asking
from .asking import ABX, WHERE, Question, Questions
from .layers import Layer
from .listeners import NOTICEABLE
from .phased import HALF
from .sounds import Grids, grid_name

NEIGHBOURS = (5, 10, 20)


def with_synthesis(claim: str, synthesis: Synthesis) -> str:
    """What a claim about vowels is called, which is asked of sines and of voices."""
    return f"{claim}, {WITH[synthesis]}"


WITH: dict[Synthesis, str] = {"sines": "with sines", "resonances": "with voices"}


def _of_vowels(synthesis: Synthesis) -> dict[str, Questions]:
    """What is asked of vowels."""
    named = functools.partial(grid_name, synthesis=synthesis)
    with_voices = synthesis == "resonances"
    vowels, lines = named("vowels"), named("vowel_lines")
    of_all, of_one_f0 = f"vowels, {synthesis}", f"vowels of one f0, {synthesis}"  # of `Layer.saturations`
    return {
        "fundamental frequency": {
            **asking.read_off(vowels, "f0", "f0", "vowels", "other f0", noticeable=NOTICEABLE["f0"].in_cents),
            **asking.abx("f0", ABX["f0"][1], "other vowels", synthesis, through_layers=5 if with_voices else None),
            **asking.probe(asking.probed(vowels, "f0"), "f0 of vowels", "other f0"),
            **asking.monotonicity(lines, "f0", "f0 of vowels", "other formants"),
        },
        "formants": {
            **asking.read_off(vowels, "f1", "F1", "f0 and F2", "other F1", noticeable=NOTICEABLE["F1"].in_cents),
            **asking.read_off(vowels, "f2", "F2", "f0 and F1", "other F2", noticeable=NOTICEABLE["F2"].in_cents),
            **asking.abx("F1", ABX["F1"][1], "other f0", synthesis, through_layers=4),
            **asking.abx("F2", ABX["F2"][1], "other f0", synthesis, through_layers=12 if with_voices else None),
            **asking.probe(asking.probed(vowels, "f1"), "F1", "other F1", through_training=5, hears=(vowels,)),
            **asking.probe(asking.probed(vowels, "f2"), "F2", "other F2", through_training=6, hears=(vowels,)),
            **asking.monotonicity(lines, "f1", "F1", "other f0 and F2"),
            **asking.monotonicity(lines, "f2", "F2", "other f0 and F1"),
            **asking.rsa(
                "vowels of one f0 with F1, F2",
                vowels,
                "f1",
                "f2",
                metrics=dict(VOWEL_METRICS),
                within="f0",
                over="other f0",
                primary=True,
                saturates=of_one_f0,
                through_layers={"ERB": 3},
                through_training={"ERB": 2},
            ),
            "nearest 3 of vowels of one f0, by F1, F2, overlap": Question(
                lambda layer: layer.neighbours(vowels, "f1", "f2", count=3, within="f0"),
                "other vowels",
                "k/(n-1)",
                beside=True,
                saturates=of_one_f0,
            ),
            "ABX of vowels across f0": Question(
                lambda layer: layer.abx_vowels(synthesis), "other f0", "0.5", beside=True
            ),
        },
        "amplitude": asking.abx("level", ABX["level"][1], "other vowels", synthesis),
        "metric space": {
            **asking.rsa(
                "vowels with f0, F1, F2",
                vowels,
                metrics=dict(VOWEL_METRICS),
                over="other f0",
                primary=True,
                saturates=of_all,
                through_layers={"span": 1},
                through_training={BEST: 1},
            ),
            **asking.rsa_of_each("vowels", vowels, "f0", "f1", "f2", over="other f0", saturates=of_all),
            **asking.near(
                "vowels, by f0, F1, F2",
                vowels,
                counts=NEIGHBOURS,
                over="other vowels",
                primary=True,
                saturates=of_all,
                through_layers=2,
                through_training=4,
            ),
            **(asking.small_changes_of_voices() if with_voices else {}),
        },
    }


# The paper's claims, and the questions that bear on each. Which are primary was settled before these scores were made,
# by someone who knew earlier versions of some of them; read off came instead of linearity when codes whose answer is
# known contradicted that as a main one (docs/validity.md).
_OF_OTHER_SOUNDS: dict[str, Questions] = {
    "fundamental frequency": {
        **asking.rsa(
            "tones with their frequency",
            "tones",
            metrics=dict(TONE_METRICS),
            over="other tones",
            primary=True,
            weights=False,
            saturates="tones",
            through_layers={"semitones": 6},
            through_training={"semitones": 3},
        ),
        **asking.near(
            "tones, by frequency", "tones", counts=(10,), over="other tones", primary=False, saturates="tones"
        ),
        **asking.probe(Layer.mel_probe, "frequency of tones (Mel)", "other tones"),
        **asking.learned_scale(SCALES),
    },
    "amplitude": {
        **asking.read_off(
            "amplitudes", "amplitude_low", "amplitude of 100 Hz", "that of 700 Hz", "other amplitudes", unit="dB"
        ),
        **asking.read_off(
            "amplitudes", "amplitude_high", "amplitude of 700 Hz", "that of 100 Hz", "other amplitudes", unit="dB"
        ),
        **asking.probe(asking.probed("amplitudes", "amplitude_low"), "amplitude of 100 Hz", "other amplitudes"),
        **asking.probe(asking.probed("amplitudes", "amplitude_high"), "amplitude of 700 Hz", "other amplitudes"),
        **asking.monotonicity("amplitude_lines", "amplitude_low", "amplitude of 100 Hz", "other amplitudes of 700 Hz"),
        **asking.monotonicity("amplitude_lines", "amplitude_high", "amplitude of 700 Hz", "other amplitudes of 100 Hz"),
        **asking.rsa(
            "two tones with their amplitudes",
            "amplitudes",
            metrics=dict(AMPLITUDE_METRICS),
            over="other sounds",
            saturates="two tones",
        ),
        **asking.near(
            "two tones, by their amplitudes",
            "amplitudes",
            counts=(10,),
            over="other sounds",
            primary=False,
            saturates="two tones",
        ),
        **asking.invariances("levels", "amplitude", 1.0, "level", primary=True, through_layers={WHERE[False]: 7}),
    },
    "temporal detail": {
        **asking.bursts(),
        "steadiness, other tones": Question(
            lambda layer: layer.steadiness("tones"), "other tones", "-", primary=True, through_layers=9
        ),
        "steadiness, multiples of the frame rate": Question(
            lambda layer: layer.steadiness("tones_at_rate"), "other tones", "-", hears=("tones_at_rate",)
        ),
        **asking.invariances("shifts", "offset", 0.0, "shift", through_layers={WHERE[True]: 10}),
    },
    "metric space": asking.small_changes("tones", "tone_changes", HALF["f0"]),
    "bias": asking.invariances("biases", "bias", 0.0, "bias", through_layers={WHERE[False]: 11}),
}

CLAIMS: dict[str, Questions] = {
    **{
        with_synthesis(claim, synthesis): by_name
        for synthesis in SYNTHESES
        for claim, by_name in _of_vowels(synthesis).items()
    },
    **_OF_OTHER_SOUNDS,
}


def claims_of(syntheses: tuple[Synthesis, ...] = SYNTHESES) -> dict[str, Questions]:
    """The claims that are asked with some syntheses of vowels."""
    left_out = tuple(f", {WITH[each]}" for each in SYNTHESES if each not in syntheses)
    return {claim: by_name for claim, by_name in CLAIMS.items() if not (left_out and claim.endswith(left_out))}


def questions(syntheses: tuple[Synthesis, ...] = SYNTHESES) -> Iterator[tuple[str, str, Question]]:
    """Claim, name and question of every score."""
    return (
        (claim, name, question) for claim, by_name in claims_of(syntheses).items() for name, question in by_name.items()
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

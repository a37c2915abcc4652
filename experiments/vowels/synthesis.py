"""How vowels are made: what `--synthesis` says."""

from typing import Literal

from ..options.synthesis import SYNTHESIS

Synthesis = Literal["sines", "resonances"]

SYNTHESES: tuple[Synthesis, ...] = ("sines", "resonances")


def chosen() -> tuple[Synthesis, ...]:
    """What the flag says; both by default."""
    return syntheses_of(SYNTHESIS.value)


def syntheses_of(said: str | None) -> tuple[Synthesis, ...]:
    """What a value of the flag stands for; both where it has none."""
    return tuple(each for each in SYNTHESES if said in (None, "both", each))

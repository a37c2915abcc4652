"""How vowels are made: what `--synthesis` says."""

from typing import Literal

from ..options.synthesis import SYNTHESIS

Synthesis = Literal["sines", "resonances"]

SYNTHESES: tuple[Synthesis, ...] = ("sines", "resonances")


def chosen() -> tuple[Synthesis, ...]:
    """What the flag says; both by default."""
    return tuple(each for each in SYNTHESES if SYNTHESIS.value in (None, "both", each))

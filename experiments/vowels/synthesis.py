"""How vowels are made: what `--synthesis` says."""

from typing import Literal, cast

from ..options.synthesis import SYNTHESIS

Synthesis = Literal["sines", "resonances"]

SYNTHESES: tuple[Synthesis, ...] = ("sines", "resonances")


class SynthesisError(ValueError):
    """Both, where an experiment takes one."""


def chosen() -> tuple[Synthesis, ...]:
    """What the flag says; both by default."""
    return tuple(each for each in SYNTHESES if SYNTHESIS.value in (None, "both", each))


def chosen_one(*, default: Synthesis) -> Synthesis:
    """What the flag says, of an experiment that takes one. Raises `SynthesisError` for both."""
    if SYNTHESIS.value == "both":
        raise SynthesisError(f"--synthesis=both; expected one of {' or '.join(SYNTHESES)}, beside recorded vowels")
    return default if SYNTHESIS.value is None else cast(Synthesis, SYNTHESIS.value)

"""The flag of experiments that ask of vowels as sums of sines and as voices."""

from typing import Literal, cast

from absl import flags

Synthesis = Literal["sines", "resonances"]

SYNTHESES: tuple[Synthesis, ...] = ("sines", "resonances")

_SYNTHESIS = flags.DEFINE_enum(
    "synthesis",
    None,
    ["both", *SYNTHESES],
    "How vowels are made: sums of three sines, as the paper has them; resonances of a voice, harmonics of f0; or both, "
    "the default where both are asked about. recordings takes one: by default resonances, as recorded vowels are.",
)
flags.disclaim_key_flags()  # `launch` makes it the program's own


class SynthesisError(ValueError):
    """Both, where an experiment takes one."""


def chosen() -> tuple[Synthesis, ...]:
    """What the flag says; both by default."""
    return tuple(each for each in SYNTHESES if _SYNTHESIS.value in (None, "both", each))


def chosen_one(*, default: Synthesis) -> Synthesis:
    """What the flag says, of an experiment that takes one. Raises `SynthesisError` for both."""
    if _SYNTHESIS.value == "both":
        raise SynthesisError(f"--synthesis=both; expected one of {' or '.join(SYNTHESES)}, beside recorded vowels")
    return default if _SYNTHESIS.value is None else cast(Synthesis, _SYNTHESIS.value)

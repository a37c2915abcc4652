"""The flag of experiments that ask of vowels as sums of sines and as voices."""

from typing import Literal

from absl import flags

Synthesis = Literal["sines", "resonances"]

SYNTHESES: tuple[Synthesis, ...] = ("sines", "resonances")

_SYNTHESIS = flags.DEFINE_enum(
    "synthesis",
    "both",
    ["both", *SYNTHESES],
    "How vowels are made: sums of three sines, as the paper has them; resonances of a voice, harmonics of f0; or both. "
    "A claim about vowels needs both.",
)
flags.disclaim_key_flags()  # `launch` makes it the program's own


def chosen() -> tuple[Synthesis, ...]:
    """What the flag says."""
    return tuple(each for each in SYNTHESES if _SYNTHESIS.value in ("both", each))

"""The flag of experiments that ask of vowels as sums of sines, as voices, or as both."""

from absl import flags

THEMES = {"Vowels": ("synthesis",)}

SYNTHESIS = flags.DEFINE_enum(
    "synthesis",
    None,
    ["both", "sines", "resonances"],
    "How vowels are made: sums of three sines, as the paper has them; resonances of a voice, harmonics of f0; or both, "
    "the default of claims. recordings takes one, by default resonances, as recorded vowels are.",
)

"""The flags of `formants`."""

from absl import flags

from . import HOW_MANY

THEMES = {HOW_MANY: ("fine",)}

FINE = flags.DEFINE_bool(
    "fine",
    False,
    "For formants: also write features of 120,000 vowels, the sweep vowel_space_fine. No figure shows them.",
)

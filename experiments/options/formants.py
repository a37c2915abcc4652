"""The flags of `formants`."""

from absl import flags

FINE = flags.DEFINE_bool("fine", False, "formants: also sweep the 120,000 points of vowel_space_fine (not drawn).")

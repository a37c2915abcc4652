"""The flags of `claims`."""

from absl import flags

from . import HOW_MANY

THEMES = {HOW_MANY: ("full",)}

FULL = flags.DEFINE_bool("full", False, "For claims: the paper's full grids, seven times as many sounds.")

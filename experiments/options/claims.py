"""The flags of `claims`."""

from absl import flags

FULL = flags.DEFINE_bool("full", False, "claims: the paper's full grids, seven times as many sounds.")

"""The flags of the learned scale of `f0`. Their defaults are in the module that they set."""

from absl import flags

LOWEST = flags.DEFINE_float("lowest", None, "Hz: the lowest tone of the learned scale; by default 60.")
HIGHEST = flags.DEFINE_float(
    "highest",
    None,
    "Hz: the highest tone of the learned scale, below half the sample rate; by default 7,000, or nine tenths of that "
    "half where it is lower (1,500 with --quick).",
)
STEP = flags.DEFINE_float(
    "step", None, "Cents between the tones of the learned scale; by default 20 (60 with --quick)."
)

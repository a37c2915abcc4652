"""The flags of the learned scale of `f0` and `claims`. Their defaults are in the module that they set."""

from absl import flags

THEMES = {"The learned frequency scale": ("lowest=HZ", "highest=HZ", "step=CENTS")}

LOWEST = flags.DEFINE_float("lowest", None, "Lowest tone of the learned scale, in Hz; by default 60.")
HIGHEST = flags.DEFINE_float(
    "highest",
    None,
    "Highest tone of the learned scale, in Hz, below half the sample rate; by default 7,000 (1,500 with --quick, 120 "
    "with --size=smoke), or nine tenths of half the sample rate where that is lower.",
)
STEP = flags.DEFINE_float(
    "step",
    None,
    "Step between the tones of the learned scale, in cents; by default 20, in claims 30 (60 with --quick "
    "and --size=smoke).",
)

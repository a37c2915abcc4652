"""The flags of `sounds`."""

from absl import flags

from .. import catalog
from . import common, vowels  # noqa: F401 - their flags are declared below

FIRST = ("experiment", "output_dir", "all", "sample_rate")
THEMES = {
    "Sounds": ("experiment", "all", "sample_rate=HZ"),
    **vowels.THEMES,
    "Results": ("output_dir=FOLDER", "size", "quick", "overwrite"),
}

EXPERIMENT = flags.DEFINE_enum("experiment", None, catalog.EXPERIMENTS, "The experiment whose sounds to write.")
ALL = flags.DEFINE_bool("all", False, "Write every sound that the experiment uses. Those of formants are thousands.")
SAMPLE_RATE = flags.DEFINE_integer("sample_rate", 16_000, "Sample rate, in Hz.", lower_bound=2_000)
SHARED = ("output_dir", "size", "quick", "overwrite")
for _name in (*SHARED, *vowels.NAMES):
    flags.declare_key_flag(_name)

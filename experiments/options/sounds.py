"""The flags of `sounds`."""

from absl import flags

from .. import catalog
from . import common, vowels  # noqa: F401 - their flags are declared below

EXPERIMENT = flags.DEFINE_enum("experiment", None, catalog.EXPERIMENTS, "Whose sounds.")
ALL = flags.DEFINE_bool("all", False, "Every sound that the experiment hears: thousands, of formants.")
SAMPLE_RATE = flags.DEFINE_integer("sample_rate", 16_000, "Hz.", lower_bound=2_000)
SHARED = ("output_dir", "size", "quick", "overwrite")
for _name in (*SHARED, *vowels.NAMES):
    flags.declare_key_flag(_name)

"""The flags of `report`."""

from absl import flags

from . import common  # noqa: F401 - its flags are declared below

FEATURES_CSV = flags.DEFINE_bool(
    "features_csv",
    False,
    "Also write the features of every sweep as SWEEP.ENCODER.features.csv.gz, with their parameters, which R reads.",
)
CLIPS = flags.DEFINE_bool(
    "clips", True, "Whether short clips of your recordings are in the page, where `recordings` was run."
)
SHARED = ("encoders", "output_dir", "size", "quick")
for _name in SHARED:
    flags.declare_key_flag(_name)

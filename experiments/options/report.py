"""The flags of `report`."""

from absl import flags

from . import common  # noqa: F401 - its flags are declared below

FIRST = ("output_dir", "encoders", "quick", "clips")
THEMES = {
    "The page": ("output_dir=FOLDER", "encoders=NAME,...", "quick", "size", "clips", "features_csv"),
}

FEATURES_CSV = flags.DEFINE_bool(
    "features_csv",
    False,
    "Also write the features of every sweep, with their parameters, as SWEEP.ENCODER.features.csv.gz, which R reads.",
)
CLIPS = flags.DEFINE_bool("clips", True, "Leave the short clips of your recordings out of the page.")
SHARED = ("encoders", "output_dir", "size", "quick")
for _name in SHARED:
    flags.declare_key_flag(_name)

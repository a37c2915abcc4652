"""The flags of `recordings`. Their defaults and choices are those of the modules that they set; a test compares."""

from absl import flags

FIRST = ("audio", "textgrid_tier", "encoders", "quick")
THEMES = {
    "Recordings": (
        *("audio=FILE", "channel=CHANNEL", "textgrid_tier=TIER", "labels=LABEL,...", "trigraphs", "speaker_by"),
        "normalize",
    ),
    "What Praat measures": ("pitch_floor=HZ", "pitch_ceiling=HZ", "formant_ceiling=HZ", "num_formants=N"),
}

AUDIO = flags.DEFINE_multi_string(
    "audio",
    None,
    "Sound files: a path, a pattern in quotes such as 'session/*.wav', or a folder. The flag may be repeated.",
)
TIER = flags.DEFINE_string(
    "textgrid_tier",
    None,
    "Tier whose labelled intervals or points are the tokens, in the TextGrid next to each file. A star stands for the "
    "speaker, as in '* - phones', where a file has a tier for each. Without this flag, voiced frames are placed on the "
    "map, without labels.",
)
LABELS = flags.DEFINE_list("labels", None, "Only these labels of --textgrid_tier, such as a,i,u.")
SPEAKERS_BY = flags.DEFINE_enum(
    "speaker_by",
    None,
    ["file", "folder", "prefix"],
    "What tells speakers apart: the file (the default), its folder, or its name up to the first '_'. One speaker at a "
    "time is held out of the reading.",
)
CHANNEL = flags.DEFINE_string(
    "channel", "mean", "Channel of each file to use: left, right, a number from 1, or the mean of all."
)
TRIGRAPHS = flags.DEFINE_bool(
    "trigraphs", False, "Labels of --textgrid_tier have Praat's backslash trigraphs, such as \\ae for æ."
)
NORMALIZE = flags.DEFINE_enum(
    "normalize",
    "auto",
    ["auto", "yes", "no"],
    "Scale each recording to mean 0 and variance 1 for front ends whose checkpoint says that they were trained so "
    "(auto), for all (yes), or for none (no).",
)
PITCH_FLOOR = flags.DEFINE_float("pitch_floor", 75.0, "Lowest f0, in Hz.")
PITCH_CEILING = flags.DEFINE_float("pitch_ceiling", 600.0, "Highest f0, in Hz.")
FORMANT_CEILING = flags.DEFINE_float(
    "formant_ceiling", 5_500.0, "Formants are sought below this frequency, in Hz; 5000 suits most men."
)
NUM_FORMANTS = flags.DEFINE_float("num_formants", 5.0, "Formants sought below --formant_ceiling.")

"""The flags of `recordings`. Their defaults and choices are those of the modules that they set; a test compares."""

from absl import flags

AUDIO = flags.DEFINE_multi_string(
    "audio", None, "Sound files: a path, a pattern in quotes such as 'session/*.wav', or a folder; may be repeated."
)
TIER = flags.DEFINE_string(
    "textgrid_tier",
    None,
    "Tier, of the TextGrid next to each file, whose labelled intervals or points are the tokens. A star stands for the "
    "speaker, as in '* - phones', where a file has a tier for each. Without it, voiced frames are placed on the map, "
    "without labels.",
)
LABELS = flags.DEFINE_list("labels", None, "With --textgrid_tier: only these labels of it, such as a,i,u.")
SPEAKERS_BY = flags.DEFINE_enum(
    "speaker_by",
    None,
    ["file", "folder", "prefix"],
    "What tells speakers apart, of whom one is held out at a time: the file (the default), the folder that it lies in, "
    "or its name up to the first '_'.",
)
CHANNEL = flags.DEFINE_string(
    "channel", "mean", "Which channel of each file is heard: left, right, a number from 1, or the mean of all."
)
TRIGRAPHS = flags.DEFINE_bool(
    "trigraphs", False, "With --textgrid_tier: labels have Praat's backslash trigraphs, such as \\ae for æ."
)
NORMALIZE = flags.DEFINE_enum(
    "normalize",
    "auto",
    ["auto", "yes", "no"],
    "Whether each recording is given to front ends with mean 0 and variance 1: to those whose checkpoint says that "
    "they were trained so (auto), to all, or to none.",
)
PITCH_FLOOR = flags.DEFINE_float("pitch_floor", 75.0, "Praat: lowest f0, Hz.")
PITCH_CEILING = flags.DEFINE_float("pitch_ceiling", 600.0, "Praat: highest f0, Hz.")
FORMANT_CEILING = flags.DEFINE_float(
    "formant_ceiling", 5_500.0, "Praat: formants are sought up to here, Hz; 5000 for most men."
)
NUM_FORMANTS = flags.DEFINE_float("num_formants", 5.0, "Praat: how many formants are sought below --formant_ceiling.")

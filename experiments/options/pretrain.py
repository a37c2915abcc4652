"""The flags of `pretrain`. Their defaults are those of `Recipe`, which a test compares."""

from absl import flags

from w2v_jax.precisions import PRECISIONS

OUTPUT_DIR = flags.DEFINE_string("output_dir", "runs/encoder", "Folder of the run; its name is the encoder's.")
MAX_STEPS = flags.DEFINE_integer(
    "max_steps", 20_000, "Updates. Part of the recipe: the learning rate falls to nothing at the last one."
)
MAX_MINUTES = flags.DEFINE_float(
    "max_minutes", None, "Stop after so many minutes, wherever training is; the same command goes on.", lower_bound=0.0
)
SEED = flags.DEFINE_integer("seed", 0, "Of the initial parameters and of the sound.", lower_bound=0)
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    8,
    "Utterances per update, a multiple of 2 per device.",
)
SECONDS = flags.DEFINE_float("seconds", 1.0, "Duration of an utterance.")
LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Its peak.")
PRECISION = flags.DEFINE_enum(
    "precision",
    None,
    list(PRECISIONS),
    "Of the convolutions; by default float32 on a CPU, else bfloat16, with parameters and the norms' statistics in "
    "float32.",
)

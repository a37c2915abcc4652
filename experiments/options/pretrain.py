"""The flags of `pretrain`. Their defaults are those of `Recipe`, which a test compares."""

from absl import flags

from w2v_jax.precisions import PRECISIONS

FIRST = ("output_dir", "max_steps", "max_minutes", "seed")
THEMES = {
    "The run": ("output_dir=FOLDER", "max_steps=N", "max_minutes=MINUTES", "seed=N"),
    "The recipe": ("batch_size=N", "seconds=SECONDS", "learning_rate=RATE"),
    "Computation": ("precision",),
}

OUTPUT_DIR = flags.DEFINE_string("output_dir", "runs/encoder", "Folder of the run; its name is the encoder's.")
MAX_STEPS = flags.DEFINE_integer(
    "max_steps", 20_000, "Updates of the parameters. The learning rate falls to 0 at the last one."
)
MAX_MINUTES = flags.DEFINE_float(
    "max_minutes", None, "Stop after this many minutes. The same command goes on from there.", lower_bound=0.0
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the initial parameters and of the sounds.", lower_bound=0)
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    8,
    "Utterances per update: a multiple of twice the number of devices.",
)
SECONDS = flags.DEFINE_float("seconds", 1.0, "Duration of an utterance, in seconds.")
LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Peak learning rate.")
PRECISION = flags.DEFINE_enum(
    "precision",
    None,
    list(PRECISIONS),
    "Precision of the convolutions; by default float32 on a CPU, else bfloat16. Parameters and the norms' statistics "
    "are float32.",
)

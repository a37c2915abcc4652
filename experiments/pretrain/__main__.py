"""Trains an encoder from nothing, without data: contrastive predictive coding on synthesised speech-like sound.

    python -m experiments.pretrain --output_dir=runs/mine --max_steps=20000

The folder gets `step-000000.safetensors`, `step-000001`, 2, 5, 10, 20, 50, ... and the last step: encoders for
`--encoders='runs/mine/step-*.safetensors'`; `mine.safetensors`, the last one in half precision; `curve.csv` and
`curve.png`; `recipe.json`. Stopped or killed at any moment, the same command goes on and ends with the same encoder.
"""

import pathlib

import jax
from absl import flags, logging

from w2v_jax import files
from w2v_jax.convolution import PRECISIONS, check_precision

from ..harness import buckets, figures, programs
from .run import Run, TrainingError, draw_curve, read_curve, train
from .storage_errors import one_line
from .training import Recipe

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "runs/encoder", "Folder of the run; its name is the encoder's.")
_MAX_STEPS = flags.DEFINE_integer(
    "max_steps", Recipe.steps, "Updates. Part of the recipe: the learning rate falls to nothing at the last one."
)
_MAX_MINUTES = flags.DEFINE_float(
    "max_minutes", None, "Stop after so many minutes, wherever training is; the same command goes on.", lower_bound=0.0
)
_SEED = flags.DEFINE_integer("seed", Recipe.seed, "Of the initial parameters and of the sound.", lower_bound=0)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    Recipe.batch_size,
    f"Utterances per update, a multiple of {Recipe.contrastive.group} per device.",
)
_SECONDS = flags.DEFINE_float("seconds", Recipe.seconds, "Duration of an utterance.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", Recipe.learning_rate, "Its peak.")
_PRECISION = flags.DEFINE_enum(
    "precision",
    None,
    list(PRECISIONS),
    "Of the convolutions; by default float32 on a CPU, else bfloat16, with parameters and the norms' statistics in "
    "float32.",
)


def main() -> None:
    """The program."""
    precision = check_precision(_PRECISION.value or ("float32" if jax.default_backend() == "cpu" else "bfloat16"))
    recipe = Recipe(
        seed=_SEED.value,
        steps=_MAX_STEPS.value,
        batch_size=_BATCH_SIZE.value,
        seconds=_SECONDS.value,
        learning_rate=_LEARNING_RATE.value,
        precision=precision,
    )
    if buckets.is_url(_OUTPUT_DIR.value):
        raise TrainingError(f"--output_dir={_OUTPUT_DIR.value}: expected a folder of this machine; copy it afterwards")
    run = Run(pathlib.Path(_OUTPUT_DIR.value), recipe)
    finished = train(run, max_minutes=_MAX_MINUTES.value)
    rows = read_curve(run.curve)
    with files.atomic_path(run.folder / "curve.png") as temporary:
        figures.save(draw_curve(run, rows), temporary)
    if finished:
        print(f"{recipe.steps} steps done; the encoder is {run.result}")
    else:
        print(f"stopped after {rows[-1]['step']} of {recipe.steps} steps; run the same command again to go on")


def _one_line(error: Exception) -> str:
    return one_line(error, folder=_OUTPUT_DIR.value) if isinstance(error, OSError) else str(error)


if __name__ == "__main__":
    programs.launch(
        main,
        errors=(TrainingError, FloatingPointError, OSError),
        describe=_one_line,
        kept=lambda: f"what was saved is kept in {_OUTPUT_DIR.value}",
        verbosity=logging.FATAL,  # orbax tells of every file, and of each error that it raises, with a traceback
    )

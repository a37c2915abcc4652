"""Train an encoder from scratch, without data: contrastive predictive coding on synthesised speech-like sounds.

    w2v-jax pretrain --output_dir=runs/mine --max_steps=20000

Writes encoders of steps 0, 1, 2, 5, 10, 20, 50, ... and of the last step, `step-000000.safetensors` and so on, for
`--encoders='runs/mine/step-*.safetensors'`; the last one in half precision, `mine.safetensors`; `curve.csv` and
`curve.png`; and `recipe.json`. If it was stopped or killed, the same command goes on and ends with the same encoder.
"""

import pathlib

import jax
from absl import logging

from w2v_jax._src import files
from w2v_jax.convolution import check_precision

from ..draw import figures
from ..launch import program
from ..options import pretrain as options
from ..store import buckets
from .run import Run, TrainingError, draw_curve, read_curve, train
from .storage_errors import one_line
from .training import Recipe

OPTIONS = ("process", "pretrain")


def main() -> None:
    """The program."""
    precision = check_precision(
        options.PRECISION.value or ("float32" if jax.default_backend() == "cpu" else "bfloat16")
    )
    recipe = Recipe(
        seed=options.SEED.value,
        steps=options.MAX_STEPS.value,
        batch_size=options.BATCH_SIZE.value,
        seconds=options.SECONDS.value,
        learning_rate=options.LEARNING_RATE.value,
        precision=precision,
    )
    if buckets.is_url(options.OUTPUT_DIR.value):
        raise TrainingError(
            f"--output_dir={options.OUTPUT_DIR.value}: expected a folder of this machine; copy it afterwards"
        )
    run = Run(pathlib.Path(options.OUTPUT_DIR.value), recipe)
    finished = train(run, max_minutes=options.MAX_MINUTES.value)
    rows = read_curve(run.curve)
    with files.atomic_path(run.folder / "curve.png") as temporary:
        figures.save(draw_curve(run, rows), temporary)
    if finished:
        print(f"{recipe.steps} steps done; the encoder is {run.result}")
    else:
        print(f"stopped after {rows[-1]['step']} of {recipe.steps} steps; run the same command again to go on")


def _one_line(error: Exception) -> str:
    return one_line(error, folder=options.OUTPUT_DIR.value) if isinstance(error, OSError) else str(error)


if __name__ == "__main__":
    program.launch(
        main,
        errors=(TrainingError, FloatingPointError, OSError),
        describe=_one_line,
        kept=lambda: f"what was saved is kept in {options.OUTPUT_DIR.value}",
        verbosity=logging.FATAL,  # orbax tells of every file, and of each error that it raises, with a traceback
    )

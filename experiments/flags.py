"""The flags that all experiments share, and how an experiment becomes a program."""

import pathlib
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from experiments import encoders
from experiments.sweeping import NO_SPACE
from experiments.workspace import Workspace
from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convolution import PRECISIONS
from w2v_jax.projection import ProjectionUnavailableError
from w2v_jax.scores.requirements import RequirementError

_ENCODERS = flags.DEFINE_list(
    "encoders",
    None,
    "Encoders to compare: names of files in weights/, paths, or 'untrained' (a fixed-seed control), separated by "
    f"commas. By default {encoders.DEFAULT!r} where weights/ has it, else 'untrained'.",
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", "results", "Folder for features, metrics and figures.")
_QUICK = flags.DEFINE_bool("quick", False, "Thin the grids: a look at everything in under a minute.")
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", list(PRECISIONS), "Of the products in the encoder's convolutions; float32 is exact."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Sounds per compiled call; by default chosen for the device.", lower_bound=1
)
_RECOMPUTE = flags.DEFINE_bool("recompute", False, "Compute everything again, whatever is in --output_dir.")


def launch(run: Callable[[Sequence[encoders.NamedEncoder], Workspace], object]) -> None:
    """Runs an experiment as a program: flags in, one line for each thing that its user can put right."""

    def main(arguments: Sequence[str]) -> None:
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # absl would show what every library logs
        if len(arguments) > 1:
            sys.exit(f"error: unexpected argument {arguments[1]!r}; expected flags only (see --help)")
        try:
            chosen = encoders.resolve(_ENCODERS.value)
            if remark := encoders.untrained_remark(chosen):
                print(remark)
            workspace = Workspace(
                pathlib.Path(_OUTPUT_DIR.value),
                quick=_QUICK.value,
                precision=_PRECISION.value,
                batch_size=_BATCH_SIZE.value,
                recompute=_RECOMPUTE.value,
            )
            workspace.check()
            run(chosen, workspace)
        except (
            encoders.EncoderChoiceError,
            CheckpointError,
            ProjectionUnavailableError,
            RequirementError,
            FloatingPointError,
            OSError,
        ) as error:
            sys.exit(f"error: {_one_line(error)}")
        except KeyboardInterrupt as stop:
            finished = str(stop) or f"sweeps that were finished are kept in {_OUTPUT_DIR.value}"
            print(f"stopped. {finished}.\nRun the same command again to go on from there.", file=sys.stderr)
            sys.exit(130)

    app.run(main)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in NO_SPACE:  # while writing a figure or the metrics
        return (
            f"--output_dir={_OUTPUT_DIR.value}: {error.strerror}; the sweeps that were finished are kept: "
            "free some space and run the same command again to go on"
        )
    return str(error)

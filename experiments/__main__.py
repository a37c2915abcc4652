"""The command `w2v-jax COMMAND ...`; in a clone also `python -m experiments COMMAND ...`."""

import runpy
import sys

from w2v_jax._src import streams

from .commands import COMMANDS, unknown, usage
from .help import answer_and_end
from .launch.interrupts import quiet_until_started

# As it was started, so that what usage says can be typed again.
PROGRAM = f"python -m {__package__}" if __name__ == "__main__" else "w2v-jax"
# What `pip install 'w2v_jax[experiments]'` brings, by the names that are imported.
EXTRA = (
    "absl",
    "filelock",
    "jinja2",
    "matplotlib",
    "optax",
    "orbax",
    "scipy",
    "sklearn",
    "threadpoolctl",
    "tqdm",
    "umap",
    "vl_convert",
)


def main() -> int | str | None:
    """Runs the command that the arguments name; returns the exit status, or a message for status 1."""
    streams.prepare()
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "--helpfull", "help"):
        print(usage(PROGRAM))
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from w2v_jax._version import __version__

        print(f"w2v_jax {__version__}")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        return unknown(command, program=PROGRAM)
    quiet_until_started()
    if command == "convert":
        from w2v_jax.convert.__main__ import main as convert

        return convert(rest, program=f"{PROGRAM} convert")
    if command == "encoders":
        from .encoders import main as encoders

        return encoders(rest, program=f"{PROGRAM} encoders")
    answer_and_end(command, rest, program=f"{PROGRAM} {command}")
    sys.argv = [f"{PROGRAM} {command}", *rest]
    try:
        if command == "run":
            from .run import main as run

            run(rest, program=f"{PROGRAM} run")
            return 0
        runpy.run_module(f"{__package__}.{command}", run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRA:
            raise
        return (
            f"error: {PROGRAM} {command} needs the package {missing}, which is not installed; "
            "install the experiments' packages: pip install 'w2v_jax[experiments]'"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

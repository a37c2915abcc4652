"""The experiments, one program each: `w2v-jax f0 --help`, or `python -m experiments.f0 --help` in a clone."""

import sys

if sys.argv[:1] == ["-m"] and "-m" in sys.orig_argv:  # Python is about to run a module of this package
    from .commands import COMMANDS, unknown
    from .harness.interrupts import quiet_until_started

    quiet_until_started()
    _command = sys.orig_argv[sys.orig_argv.index("-m") + 1].removeprefix(f"{__name__}.").partition(".")[0]
    if _command not in (__name__, "__main__", *COMMANDS):
        sys.exit(unknown(_command, program=f"python -m {__name__}"))

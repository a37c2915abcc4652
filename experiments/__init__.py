"""The experiments, one program each: `w2v-jax f0 --help`, or `python -m experiments.f0 --help` in a clone."""

import sys

if sys.argv[:1] == ["-m"] and "-m" in sys.orig_argv:  # Python is about to run a module
    _module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    # This package itself has its own answers; a module of another one, such as pytest, is none of ours.
    _command = _module.removeprefix(f"{__name__}.").partition(".")[0] if _module.startswith(f"{__name__}.") else ""
    if _module == __name__ or _command:
        from w2v_jax._src import streams

        from .launch.interrupts import quiet_until_started

        streams.prepare()
        quiet_until_started()
    if _command and _command != "__main__":
        from .commands import COMMANDS, unknown
        from .help import answer_and_end

        if _command not in COMMANDS:
            sys.exit(unknown(_command, program=f"python -m {__name__}"))
        answer_and_end(_command, sys.argv[1:], program=f"python -m {_module}")

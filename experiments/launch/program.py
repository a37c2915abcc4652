"""How a function becomes a program: what every one of them does with flags, errors and Ctrl-C."""

import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from w2v_jax._src import streams
from w2v_jax.front_end import FrontEndWarning

from ..options import process
from . import compilation_cache

flags.disclaim_key_flags()  # those adopted below are the program's own, which --help tells of


def launch(
    body: Callable[[], None],
    *,
    errors: tuple[type[Exception], ...],
    describe: Callable[[Exception], str] = str,
    kept: Callable[[], str],
    verbosity: int = logging.WARNING,
) -> None:
    """Runs `body` as a program, once flags are parsed.

    Args:
        body: the program.
        errors: those that its user can put right. They end it with one line and status 1.
        describe: that line, less "error: ".
        kept: what is left when Ctrl-C stops it and the exception does not say; then the status is 130.
        verbosity: of libraries' logs, without `--verbosity`.
    """

    def main(arguments: Sequence[str]) -> None:
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(verbosity)
        if len(arguments) > 1:
            sys.exit(f"error: unexpected argument {arguments[1]!r}; expected flags only (see --help)")
        _stop_on_interrupt()
        try:
            compilation_cache.switch_on(process.COMPILATION_CACHE_DIR.value)
            body()
        except errors as error:
            sys.exit(f"error: {describe(error)}")
        except KeyboardInterrupt as stop:
            print(f"stopped. {str(stop) or kept()}.\nRun the same command again to go on from there.", file=sys.stderr)
            sys.exit(130)

    flags.adopt_module_key_flags(process)
    streams.prepare()
    warnings.formatwarning = _one_line
    app.run(main)


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of the library as its user reads it; others with their place."""
    place = "" if issubclass(category, FrontEndWarning) else f" ({category.__name__}, {filename}:{lineno})"
    return f"warning: {' '.join(str(message).split())}{place}\n"


def _stop_on_interrupt() -> None:
    """Makes Ctrl-C raise `KeyboardInterrupt`, and raise it again where it was lost.

    Python cannot raise it inside a callback of the garbage collector (JAX has one) or a finaliser: it reports the
    exception and goes on. Then the signal is sent once more, a moment later.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    report = sys.unraisablehook

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            again = threading.Timer(0.05, signal.raise_signal, (signal.SIGINT,))
            again.daemon = True
            again.start()
        else:
            report(lost)

    sys.unraisablehook = hook

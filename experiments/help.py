"""Help, and what is said of flags that a command does not have: before anything of it is imported."""

import copy
import importlib
import sys
import types
from collections.abc import Sequence

from . import catalog

HELP = ("--help", "-help", "--helpshort", "--helpfull", "-h", "-?")


def answer(names: Sequence[str], about: str, arguments: Sequence[str], *, program: str) -> str | None:
    """What `--help` shows, if it is among the arguments; None where the command is to run.

    Args:
        names: modules of `options` with the flags that it takes.
        about: what it does.
        arguments: those that it was given.
        program: as it was started.

    Raises:
        SystemExit: flags that it does not take, with one line.
    """
    try:
        from absl import app, flags
    except ModuleNotFoundError:  # the command says what is to be installed
        return None
    options = [importlib.import_module(f".options.{name}", __package__) for name in names]
    before = list(arguments)[: arguments.index("--")] if "--" in arguments else arguments
    if any(each in HELP for each in before):
        return text(options, about, program=program)
    app.define_help_flags()  # --helpxml
    try:
        rest = copy.deepcopy(flags.FLAGS)([program, *arguments])  # read once more when the command runs
    except flags.Error as error:
        raise SystemExit(f"error: {' '.join(str(error).split())} (see {program} --help)") from None
    if len(rest) > 1:
        raise SystemExit(f"error: unexpected argument {rest[1]!r}; expected flags only (see {program} --help)")
    return None


def text(options: Sequence[types.ModuleType], about: str, *, program: str) -> str:
    """What a command does, and its flags."""
    from absl import flags

    shown = [flags.FLAGS.module_help(module.__name__).strip().partition("\n")[2] for module in reversed(options)]
    return "\n\n".join([f"usage: {program} [FLAGS]", about.strip(), "flags:", *shown])


def answer_and_end(command: str, arguments: Sequence[str], *, program: str) -> None:
    """Ends the process where help, or a word on wrong flags, is all that is wanted. Of a command that reads its own
    flags there is nothing to say."""
    if names := catalog.options(command):
        end_with(answer(names, catalog.docstring(command), arguments, program=program))


def end_with(said: str | None) -> None:
    """Ends the process where there is something to say."""
    if said is not None:
        print(said)
        sys.exit(0)

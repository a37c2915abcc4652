"""Help, and what is said of flags that a command does not have: before anything of it is imported."""

import ast
import copy
import importlib
import importlib.util
import pathlib
import sys
import types
from collections.abc import Sequence

# By command, the modules of `options` whose flags it takes and --help shows.
_PROBING = ("process", "common")
OPTIONS = {
    "temporal": _PROBING,
    "f0": (*_PROBING, "learned_scale"),
    "formants": (*_PROBING, "vowels", "formants"),
    "amplitude": _PROBING,
    "diphthongs": (*_PROBING, "vowels"),
    "recordings": (*_PROBING, "vowels", "synthesis", "recordings"),
    "claims": (*_PROBING, "vowels", "synthesis", "claims"),
    "emergence": (*_PROBING, "vowels"),
    "sounds": ("process", "sounds"),
    "reproduce": (*_PROBING, "vowels", "formants"),
    "report": ("process", "report"),
    "pretrain": ("process", "pretrain"),
}
HELP = ("--help", "-help", "--helpshort", "--helpfull", "-h", "-?")


def answer(command: str, arguments: Sequence[str], *, program: str) -> str | None:
    """What `--help` shows, if it is among the arguments; None where the command is to run.

    Raises:
        SystemExit: flags that it does not take, with one line.
    """
    try:
        from absl import app, flags
    except ModuleNotFoundError:  # the command says what is to be installed
        return None
    options = [importlib.import_module(f".options.{name}", __package__) for name in OPTIONS[command]]
    before = list(arguments)[: arguments.index("--")] if "--" in arguments else arguments
    if any(each in HELP for each in before):
        return text(command, options, program=program)
    app.define_help_flags()  # --helpxml
    try:
        rest = copy.deepcopy(flags.FLAGS)([program, *arguments])  # read once more when the command runs
    except flags.Error as error:
        raise SystemExit(f"error: {' '.join(str(error).split())} (see {program} --help)") from None
    if len(rest) > 1:
        raise SystemExit(f"error: unexpected argument {rest[1]!r}; expected flags only (see {program} --help)")
    return None


def text(command: str, options: Sequence[types.ModuleType], *, program: str) -> str:
    """What a command does, and its flags."""
    from absl import flags

    shown = [flags.FLAGS.module_help(module.__name__).strip().partition("\n")[2] for module in reversed(options)]
    return "\n\n".join([f"usage: {program} [FLAGS]", _docstring(command).strip(), "flags:", *shown])


def _docstring(command: str) -> str:
    """Of the command's module, which is read and not imported."""
    here = pathlib.Path(__file__).parent
    path = next(each for each in (here / f"{command}.py", here / command / "__main__.py") if each.exists())
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def answer_and_end(command: str, arguments: Sequence[str], *, program: str) -> None:
    """Ends the process where help, or a word on wrong flags, is all that is wanted."""
    said = answer(command, arguments, program=program)
    if said is not None:
        print(said)
        sys.exit(0)

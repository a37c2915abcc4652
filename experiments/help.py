"""Help, and what is said of flags that a command does not have: before anything of it is imported."""

import copy
import dataclasses
import importlib
import re
import sys
import textwrap
import types
from collections.abc import Sequence

from . import catalog
from .commands import about
from .options import CLUSTER

HELP = ("--help", "-help", "--helpshort", "--helpfull", "-h", "-?")
TO_BEGIN_WITH = 4  # flags that are shown first
WIDTH = 100
# What absl adds to the text of a flag, which is seen from how the flag is typed.
_ADDED = re.compile(r"^<[^>]*>: |;\s+repeat this option to specify a list of values$")


def answer(
    names: Sequence[str], said: str, arguments: Sequence[str], *, program: str, question: str = ""
) -> str | None:
    """What `--help` shows, if it is among the arguments; None where the command is to run.

    Args:
        names: modules of `options` with the flags that it takes.
        said: what it does: a docstring, whose indented paragraph is an example.
        arguments: those that it was given.
        program: as it was started.
        question: of an experiment, shown first; by default the docstring's first paragraph.

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
        return text(options, said, program=program, question=question)
    app.define_help_flags()  # --helpxml
    try:
        rest = copy.deepcopy(flags.FLAGS)([program, *arguments])  # read once more when the command runs
    except flags.Error as error:
        raise SystemExit(f"error: {' '.join(str(error).split())} (see {program} --help)") from None
    if len(rest) > 1:
        raise SystemExit(f"error: unexpected argument {rest[1]!r}; expected flags only (see {program} --help)")
    return None


def text(options: Sequence[types.ModuleType], said: str, *, program: str, question: str = "") -> str:
    """What a command does; the flags to begin with, and an example; then the others by theme."""
    paragraphs = said.strip().split("\n\n")
    examples = [each for each in paragraphs if each.startswith(" ")]
    first, *more = [*([question] if question else []), *(each for each in paragraphs if each not in examples)]
    example = "\n".join(examples) or f"    {program} --quick --encoders=formant-base,log-mel"
    flags = themes(options)
    names = dict.fromkeys(name for module in reversed(options) for name in getattr(module, "FIRST", ()))
    by_name = {flag.name: flag for several in flags.values() for flag in several}
    begin = [by_name[name] for name in list(names)[:TO_BEGIN_WITH]]
    others = {theme: [flag for flag in several if flag not in begin] for theme, several in flags.items()}
    return "\n\n".join(
        [
            f"usage: {program} [FLAGS]",
            first,
            f"For example:\n\n{example}",
            _table("Flags to begin with", begin),
            *more,
            *(_table(theme, several) for theme, several in others.items() if several),
        ]
    )


@dataclasses.dataclass(frozen=True)
class Shown:
    """A flag as help shows it: its name, how it is typed, what it does."""

    name: str
    typed: str
    said: str


def _table(theme: str, several: Sequence[Shown]) -> str:
    lines = [f"{theme}:", ""]
    for flag in several:
        wrapped = textwrap.wrap(flag.said, WIDTH, break_on_hyphens=False, break_long_words=False)
        lines += [f"  --{flag.typed}", *(f"      {line}" for line in wrapped)]
    return "\n".join(lines)


def themes(options: Sequence[types.ModuleType]) -> dict[str, list[Shown]]:
    """The flags of modules of `options` by theme, a command's own first and those of clusters last."""
    collected: dict[str, list[Shown]] = {}
    for module in reversed(options):
        for theme, several in module.THEMES.items():
            collected.setdefault(theme, []).extend(map(_shown, several))
    if CLUSTER in collected:
        collected[CLUSTER] = collected.pop(CLUSTER)
    return collected


def _shown(typed: str) -> Shown:
    from absl import flags

    name, _, value = typed.partition("=")
    flag = flags.FLAGS[name]
    said = _ADDED.sub("", flag.help)
    if flag.boolean:
        return Shown(name, f"no{name}" if flag.default else name, said)
    value = value or "|".join(getattr(flag.parser, "enum_values", ()))
    default = f"{flag.default:g}" if isinstance(flag.default, float) else flag.default
    return Shown(name, f"{name}={value}", said if default is None else f"{said} (default: {default})")


def answer_and_end(command: str, arguments: Sequence[str], *, program: str) -> None:
    """Ends the process where help, or a word on wrong flags, is all that is wanted. Commands without a module of
    `options` read their own flags."""
    if names := catalog.options(command):
        question = about(command) if command in catalog.EXPERIMENTS else ""
        end_with(answer(names, catalog.docstring(command), arguments, program=program, question=question))


def end_with(said: str | None) -> None:
    """Ends the process where there is something to say."""
    if said is not None:
        print(said)
        sys.exit(0)

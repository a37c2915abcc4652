"""The commands by name, and what is said to someone who names another."""

import difflib

from . import catalog

# Those that are no experiments; each says of itself in its docstring.
OTHERS = ("run", "sounds", "reproduce", "report", "pretrain", "convert", "encoders")
COMMANDS = (*catalog.EXPERIMENTS, *OTHERS)


def about(name: str) -> str:
    """What a command is for, in a line: an experiment's question, or the first line of a docstring."""
    if name in catalog.EXPERIMENTS:
        return catalog.said(name).question
    return catalog.docstring(name).partition("\n")[0].rstrip(".")


def usage(program: str) -> str:
    """What is shown where no command is named."""
    width = max(map(len, COMMANDS))
    experiments, others = (
        [f"  {name:{width}}  {about(name)}" for name in names] for names in (catalog.EXPERIMENTS, OTHERS)
    )
    return "\n".join(
        [
            f"usage: {program} COMMAND [FLAGS]",
            "",
            "Experiments, and the question of each:",
            "",
            *experiments,
            "",
            "Other commands:",
            "",
            *others,
            "",
            f"For example: {program} f0 --quick",
            f"The flags of a command: {program} f0 --help",
        ]
    )


def unknown(name: str, *, program: str) -> str:
    """The message for an unknown command, with the nearest one."""
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    near += [] if near else [each for each in ("formants",) if name.startswith("vowel")]
    guess = f"did you mean {near[0]!r}?" if near else "expected one of these:"
    return f"error: there is no command {name!r}; {guess}\n\n{usage(program)}"

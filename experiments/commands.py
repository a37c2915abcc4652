"""The commands by name, and what is said to someone who names another."""

import difflib

COMMANDS = {
    "temporal": "are steady sounds steady in the features, and how short a change do they show?",
    "f0": "fundamental frequency: pure tones, the learned frequency scale, and bias",
    "formants": "maps of vowels, and their likeness between front ends",
    "amplitude": "maps of two amplitudes",
    "diphthongs": "where gliding vowels go on the map of steady ones",
    "recordings": "your own recordings on the map of synthesised vowels, with Praat's measures",
    "claims": "every claim of the paper as a score with an interval, next to controls",
    "emergence": "whether distances follow those of the sounds, through training",
    "sounds": "what an experiment hears, as WAV files",
    "reproduce": "all experiments of the paper, and a table of results",
    "report": "the page of results: one file to open, hear and mail",
    "pretrain": "trains an encoder on synthesised sound",
    "convert": "makes a weight file from a checkpoint",
    "encoders": "which encoders are at hand",
}


def usage(program: str) -> str:
    """What is shown where no command is named."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            f"usage: {program} COMMAND [--help] [FLAGS]",
            "",
            *(f"  {name:{width}}  {said}" for name, said in COMMANDS.items()),
            "",
            f"for example: {program} f0 --quick",
        ]
    )


def unknown(name: str, *, program: str) -> str:
    """The message for an unknown command, with the nearest one."""
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    near += [] if near else [each for each in ("formants",) if name.startswith("vowel")]
    guess = f"did you mean {near[0]!r}?" if near else "expected one of these:"
    return f"error: there is no command {name!r}; {guess}\n\n{usage(program)}"

"""The flags of experiments that ask about vowels: one's own table, and one's own grid."""

import re

from absl import flags

from w2v_jax.vowels import VowelTableError

from ..options import vowels as options
from ..options.vowels import NAMES as NAMES
from ..vowel_choice import PAPERS_TABLE, Span, VowelChoice, find_table

_NUMBER = r"([0-9]+(?:\.[0-9]*)?)"
_SPAN = re.compile(rf"{_NUMBER}:{_NUMBER}:([0-9]{{1,4}})", re.ASCII)
_FREQUENCIES = re.compile(rf"{_NUMBER}(,{_NUMBER})*", re.ASCII)


def chosen() -> VowelChoice:
    """What the flags say. Raises `VowelTableError`, with one line."""
    table = PAPERS_TABLE if options.VOWELS.value is None else find_table(options.VOWELS.value)
    if options.SPEAKERS.value is not None:
        if not any(table.speakers):
            raise VowelTableError(
                f"--speakers={','.join(options.SPEAKERS.value)}, but no speaker is named in {table.name}; expected "
                "a table with a column 'speaker', by --vowels"
            )
        if not options.SPEAKERS.value:
            raise VowelTableError(f"--speakers is empty; expected some of {', '.join(table.speakers)}")
        table = table.only(options.SPEAKERS.value)
    return VowelChoice(table, f0=_frequencies(), f1=_span(options.F1), f2=_span(options.F2))


def _frequencies() -> tuple[float, ...]:
    if options.F0.value is None:
        return ()
    if not _FREQUENCIES.fullmatch(options.F0.value):
        raise VowelTableError(f"--f0={options.F0.value}; expected Hz, or several separated by commas, such as 120,200")
    frequencies = tuple(float(each) for each in options.F0.value.split(","))
    if len(set(frequencies)) < len(frequencies) or min(frequencies) <= 0:
        raise VowelTableError(f"--f0={options.F0.value}; expected different frequencies above 0 Hz")
    return frequencies


def _span(flag: flags.FlagHolder) -> Span | None:
    if flag.value is None:
        return None
    match = _SPAN.fullmatch(flag.value)
    if match is None or not 0 < float(match[1]) < float(match[2]) or int(match[3]) < 2:
        raise VowelTableError(
            f"--{flag.name}={flag.value}; expected LOW:HIGH:COUNT in Hz, LOW above 0 and below HIGH, COUNT 2 to 9999, "
            "such as 300:900:30"
        )
    return Span(float(match[1]), float(match[2]), int(match[3]))

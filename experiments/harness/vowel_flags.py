"""The flags of experiments that ask about vowels: one's own table, and one's own grid."""

import re

from absl import flags

from w2v_jax.vowels import PUBLISHED, VowelTableError

from .vowel_choice import PAPERS_TABLE, Span, VowelChoice, find_table

NAMES = ("vowels", "speakers", "f0", "f1", "f2")

_VOWELS = flags.DEFINE_string(
    "vowels",
    None,
    f"Vowels instead of the paper's: {' or '.join(sorted(PUBLISHED))}, or a CSV file with the columns symbol, F1, F2, "
    "and if wanted F3, f0 and speaker (or group). The grid goes from their lowest F1 and F2 to their highest.",
)
_SPEAKERS = flags.DEFINE_list("speakers", None, "With --vowels: only these speakers of the table, such as women,men.")
_F0 = flags.DEFINE_string(
    "f0",
    None,
    "f0 of the vowels, HZ[,HZ...]. The first is that of the maps of one f0. By default the mean of each speaker of "
    "--vowels, where the table has f0; else the paper's.",
)
_F1 = flags.DEFINE_string("f1", None, "F1 of the grid of vowels, LOW:HIGH:COUNT, such as 235:850:30 (Hz).")
_F2 = flags.DEFINE_string("f2", None, "F2 of the grid of vowels, LOW:HIGH:COUNT, such as 595:2400:30 (Hz).")
flags.disclaim_key_flags()  # `launch` makes them the program's own, which --help tells of

_NUMBER = r"([0-9]+(?:\.[0-9]*)?)"
_SPAN = re.compile(rf"{_NUMBER}:{_NUMBER}:([0-9]{{1,4}})", re.ASCII)
_FREQUENCIES = re.compile(rf"{_NUMBER}(,{_NUMBER})*", re.ASCII)


def chosen() -> VowelChoice:
    """What the flags say. Raises `VowelTableError`, with one line."""
    table = PAPERS_TABLE if _VOWELS.value is None else find_table(_VOWELS.value)
    if _SPEAKERS.value is not None:
        if not any(table.speakers):
            raise VowelTableError(
                f"--speakers={','.join(_SPEAKERS.value)}, but no speaker is named in {table.name}; expected a table "
                "with a column 'speaker', by --vowels"
            )
        if not _SPEAKERS.value:
            raise VowelTableError(f"--speakers is empty; expected some of {', '.join(table.speakers)}")
        table = table.only(_SPEAKERS.value)
    return VowelChoice(table, f0=_frequencies(), f1=_span(_F1), f2=_span(_F2))


def _frequencies() -> tuple[float, ...]:
    if _F0.value is None:
        return ()
    if not _FREQUENCIES.fullmatch(_F0.value):
        raise VowelTableError(f"--f0={_F0.value}; expected Hz, or several separated by commas, such as 120,200")
    found = tuple(float(each) for each in _F0.value.split(","))
    if len(set(found)) < len(found) or min(found) <= 0:
        raise VowelTableError(f"--f0={_F0.value}; expected different frequencies above 0 Hz")
    return found


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

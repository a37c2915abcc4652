"""What came out of recordings, in sentences; what a reader must know; and what was left out."""

from collections.abc import Iterable, Sequence

import numpy as np

from w2v_jax.recordings import SEGMENT_SECONDS

from ..hearing import Heard
from ..measures import map_order
from ..sentences import listed
from ..store.rows import Measurements, Row
from . import frames_and_measures, material, measuring, nearness, synthesis

RULE = (
    "A vowel is synthesised from the f0, F1 and F2 of each token. A token is compared, by cosine, with its own vowel "
    "and with the vowels of the other tokens: the share is the area under the ROC curve (AUC). The error is that of "
    "kernel ridge regressions, fitted on other speakers or files."
)

NOTES = (
    "A token stands for the frames in its middle half: its f0, F1 and F2 are the medians of Praat's measures at the "
    "centres of these frames, its features their mean.",
    "On the map UMAP is fitted to the synthesised vowels of one f0; tokens are placed on it afterwards, and do not "
    "change it. Where none of its vowels is near, a token still gets a place: `nearest_cosine` in tokens.ENCODER.csv "
    "says how near the nearest is.",
    f"{map_order.note('F1 and F2')} These numbers are of the synthesised vowels, not of the tokens.",
    map_order.NOTE,
    "The error is the median error of a kernel ridge regression from single frames, in cents for f0, F1 and F2 and in "
    "dB for intensity. Linearity is the R² of a (linear) ridge regression; it may be low although a parameter is read "
    "off exactly. Both are tested on other speakers or files than those they were fitted on (with more than 20, "
    "several are held out together). The interval resamples speakers or files. The targets are Praat's measures, with "
    "Praat's errors.",
    "Nearness is the share of comparisons in which a token is nearer, by cosine, to the synthesised vowel of its own "
    "f0, F1 and F2 than to that of another token (AUC; chance is 0.5). The other tokens are all, those of the same "
    "speaker (where f0 helps less), or those of equal f0. Recorded and synthesised sounds differ in more than these "
    "measures; `less the mean` first subtracts the mean of each kind. The interval resamples tokens: it says nothing "
    "about other speakers.",
    f"Files are encoded in segments of at most {SEGMENT_SECONDS:g} s. A norm over time, as in wav2vec 2.0 Base, takes "
    "its statistics from the whole segment, with its pauses and all its vowels, but from each synthesised vowel alone: "
    "this alone moves recorded vowels away from synthesised ones. A frame sees the same samples as in the whole file.",
    f"Praat measures files longer than {frames_and_measures.PRAAT_SECONDS:g} s in overlapping parts.",
)


def headline(measured: Measurements) -> str:
    """How near recorded vowels lie to their synthesised ones, and how far off is what is read."""
    return "\n".join(filter(None, (_used(measured), _compared(measured), _nearness(measured), _errors(measured))))


def _used(measured: Measurements) -> str:
    session = measured.settings.get("session")
    counts = [row.value for row in measured.known(measuring.TOKENS).values() if row.value is not None]
    if not counts or not session:
        return ""
    used = " to ".join(f"{count:,.0f}" for count in dict.fromkeys((min(counts), max(counts))))
    kind = "token" if session["textgrid_tier"] is not None else "voiced frame"
    whose = "file" if session["speaker_by"] == "file" else "speaker"
    were = "was" if used == "1" else "were"
    said = f"{_several(used, kind)} of {_several(session['speakers'], whose)} {were} used"
    unused = {
        "have other labels than --labels": session.get("unwanted"),
        "lie outside the sound": session.get("outside"),
    }
    why = [f"{count:,} {reason}" for reason, count in unused.items() if count]
    return f"{said}. Other tokens were not: {listed(why)}." if why else f"{said}."


def _compared(measured: Measurements) -> str:
    """How many tokens are compared with a synthesised vowel, where some are not."""
    for name in measured.encoders:
        why = list(measured.select(measuring.NOT_COMPARED, encoder=name))
        if why:
            count = measured.value(measuring.COMPARED, encoder=name)
            others = [f"{dict(row.parameters)['why']} ({row.value:,.0f})" for row in why]
            return (
                f"{count:,.0f} of them were compared with their own synthesised vowel. The others were not: "
                f"{'; '.join(others)}."
            )
    return ""


def _several(count: object, one: str) -> str:
    return f"{count} {one}{'s' * (str(count) != '1')}"


def _nearness(measured: Measurements) -> str:
    known = measured.known(measuring.NEARNESS, among=nearness.ALL, features=nearness.AS_THEY_ARE)
    if not known:
        return ""
    shares = [f"{row.value:.0%} of comparisons for {name}" for name, row in known.items()]
    shares = [shares[0], *(each.replace(" of comparisons", "") for each in shares[1:])]
    return (
        f"A recorded vowel is nearer to its own synthesised vowel than to another's in {listed(shares)} (chance "
        f"{nearness.CHANCE:.0%})."
    )


def _errors(measured: Measurements) -> str:
    said = []
    for name in measured.encoders:
        rows = [row for row in measured.select(measuring.ERROR, encoder=name) if row.value is not None]
        if rows:
            said.append(f"{listed([_error(row) for row in rows])} for {name}")
    if said:
        return f"The median error on voices not heard before is {'; '.join(said)} (lower is better)."
    why = next((row.undefined for row in measured.select(measuring.ERROR)), "nothing was heard")
    return f"The error of f0 and formants read off the frames is unknown: {why}."


def _error(row: Row) -> str:
    digits = 0 if row.unit == "cents" else 1
    value = f"{row.value:.{digits}f}"
    unit = "cent" if value == "1" else row.unit
    return f"{value} {unit} of {dict(row.parameters)['parameter']}"


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, of all runs and of this one."""
    shared = material.of(several[0])
    return [*NOTES, synthesis.NOTES[shared.choice.synthesis], *_about_f0(several), *shared.about_level]


def _about_f0(several: Sequence[Heard]) -> list[str]:
    """How far the voices are from the map's."""
    f0 = several[0].grid(synthesis.of_map(several[0])).axis("f0")
    voices = np.concatenate([material.framed(each).tokens.measured["f0"] for each in several])
    voices = voices[np.isfinite(voices)]
    if not len(voices):
        return []
    return [
        f"The synthesised vowels of the map have an f0 of {f0[0]:g} Hz; the median of the tokens is "
        f"{np.median(voices):.0f} Hz."
    ]


def account(several: Sequence[Heard]) -> list[str]:
    """What of the recordings was not used and what was assumed, in lines for the terminal."""
    session = material.of(several[0]).session
    return [*_counted("Left out", session.left_out), *_counted("Assumed", session.assumed)]


def _counted(what: str, lines: Sequence[str]) -> Iterable[str]:
    return [f"{what} ({len(lines)}):", *(f"    {each}" for each in lines)] if lines else []

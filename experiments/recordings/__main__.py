"""Your own recordings, next to synthesised vowels.

    w2v-jax recordings --audio='session/*.wav' --textgrid_tier=vowels

Asks three things. Where does each labelled vowel fall on the map of synthesised ones? How well are f0, F1, F2 and
intensity, as Praat measures them, read off the frames of speakers or files not heard before? How near do recorded
vowels lie to the synthesised vowel of their own f0, F1 and F2?

Writes `recordings.ENCODER.safetensors` (all frames) and `.csv` (which are whose), `measures.FRAMES.safetensors`
(Praat's), `tokens.ENCODER.csv` (a row per token), `clips.safetensors` (short clips of up to 200 tokens, for the page of
results), where tokens and vowels lie (`.map.csv`), `left_out.txt`, `metrics.json`, `metrics.csv`, and the figures.
"""

from collections.abc import Sequence
from typing import Any

from w2v_jax.recordings import RecordingError, RecordingsUnavailableError

from ..draw.figures import AS_A_FIGURE
from ..experiment import Experiment, Figure
from ..hearing import Heard
from ..launch import flags
from ..store.rows import Measurements
from . import drawing, encoding, material, measuring, sentences, synthesis
from .maps import TOKENS, VOWELS
from .session import SessionError


def settings(several: Sequence[Heard]) -> dict[str, Any]:
    """Which recordings were heard, and how."""
    shared = material.of(several[0])
    session, choice = shared.session, shared.choice
    return {
        "session": {
            "files": len(session.files),
            "seconds": session.duration,
            "speakers": len(session.speakers),
            "speaker_by": choice.speakers_told_by,
            "textgrid_tier": choice.tier,
            "labels": choice.labels,
            "trigraphs": choice.trigraphs,
            "unwanted": session.unwanted,
            "outside": session.outside,
            "channel": choice.channel,
            "normalize": choice.normalize,
            "Praat": str(choice.praat),
            "synthesis": choice.synthesis,
            "remarks": session.remarks,
            "left_out": session.left_out,
            "assumed": session.assumed,
        }
    }


def finish(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """Writes the tables of tokens and what was left out, which the terminal repeats."""
    for heard in several:
        measuring.save_tokens(heard)
    several[0].results.save_text(material.NAME, "left_out.txt", material.of(several[0]).session.account())
    return sentences.account(several)


EXPERIMENT = Experiment(
    name="recordings",
    title="Recordings",
    question="Where do recorded vowels lie among synthesised ones, and how well are f0 and formants read off?",
    options=("synthesis", "recordings"),
    default=("formant-base", "untrained", "log-mel"),
    asks_vowels=True,
    prepare=material.prepare,
    hear=encoding.hear,
    sweeps=synthesis.sweeps,
    measure=measuring.measure,
    headline=sentences.headline,
    rule=sentences.RULE,
    figures=(
        Figure("map", "Recorded vowels, as a figure", AS_A_FIGURE, drawing.draw_map, folded=True),
        Figure(
            "map",
            "Recorded vowels, side by side",
            "The same maps of all front ends.",
            drawing.draw_all_maps,
            joint=True,
            at_least=2,
            folded=True,
            wide=True,
        ),
        Figure(
            "scores",
            "What is read off, and how near recorded vowels lie",
            "Above: errors in f0, F1, F2 and intensity on voices not heard before; dotted: what a listener just "
            "notices. Below: how often a recorded vowel is nearer to its own synthesised vowel than to another's; and "
            "linearity, the R² of a line, which may be low where a parameter is read off exactly.",
            drawing.draw_all_scores,
            joint=True,
            wide=True,
        ),
    ),
    maps=(VOWELS, TOKENS),
    table=(measuring.ERROR, measuring.NEARNESS),
    notes=sentences.notes,
    settings=settings,
    errors=(SessionError, RecordingError, RecordingsUnavailableError),
    finish=finish,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)

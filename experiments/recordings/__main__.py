"""One's own recordings, next to synthesised vowels.

    w2v-jax recordings --audio='session/*.wav' --textgrid_tier=vowels

Asks three things. Where does each labelled vowel fall on the map of synthesised ones? How well are f0, F1, F2 and
intensity, as Praat measures them, read off the frames of speakers or files not heard before? How near do recorded
vowels lie to the synthesised vowel of their own f0, F1 and F2?

Writes `recordings.ENCODER.safetensors` (all frames) and `.csv` (which are whose), `measures.FRAMES.safetensors`
(Praat's), `tokens.ENCODER.csv` (a row per token), `clips.safetensors` (short clips of up to 200 tokens, for the page of
results), where tokens and vowels lie (`.map.csv`), `metrics.json`, `metrics.csv`, and the figures.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from w2v_jax import grids
from w2v_jax._src.quoting import printable
from w2v_jax.front_end import Frames
from w2v_jax.praat import PraatSettings
from w2v_jax.recordings import SEGMENT_SECONDS, Channel, RecordingError, RecordingsUnavailableError
from w2v_jax.scores import Score
from w2v_jax.source_filter import LOWEST_F0

from ..draw import vowel_chart
from ..front_ends import named as front_ends
from ..front_ends.named import NamedFrontEnd
from ..launch import flags
from ..measures import map_order
from ..measures.map_order import MapOrder
from ..options import synthesis as synthesis_options
from ..options.recordings import (
    AUDIO,
    CHANNEL,
    FORMANT_CEILING,
    LABELS,
    NORMALIZE,
    NUM_FORMANTS,
    PITCH_CEILING,
    PITCH_FLOOR,
    SPEAKERS_BY,
    TIER,
    TRIGRAPHS,
)
from ..sentences import compared
from ..store import cells, maps, metrics
from ..store.metrics import Metrics
from ..store.results import Results
from ..vowels import flags as vowel_flags
from ..vowels import synthesis as synthesis_flag
from . import clips, figures, frames_and_measures, normalisation, scores, synthesis, tokens
from .frames_and_measures import Layout
from .normalisation import Normalise
from .session import Session, SessionError, SpeakerBy, channel_of, gather
from .synthesis import Synthesis
from .tiers import STAR
from .tokens import Placed, Tokens

NAME = "recordings"
# Maps: of the synthesised vowels, and of the tokens on it.
VOWELS_MAP, TOKENS_MAP = "recordings_vowels", "recordings"
DEFAULT = (front_ends.BUNDLED, front_ends.UNTRAINED, "log-mel")

# The synthesised vowels of so many tokens are made, and so many are placed on the map.
MOST_COMPARED = 400
QUICK_MOST_COMPARED = 60
MOST_FRAMES = 400  # that stand for tokens where no tier is given

NOTES = (
    "A token's measures are the medians of Praat's at the centres of the frames in its middle half; its features are "
    "the mean of those frames.",
    "On the map UMAP is fitted to the synthesised vowels of one f0; tokens are placed on it afterwards, and do not "
    "change it. Where none of its vowels is near, a token still gets a place: `nearest_cosine` in tokens.ENCODER.csv "
    "says how near the nearest is.",
    f"{map_order.note('F1 and F2')} These numbers are of the synthesised vowels, not of the tokens.",
    "Error is the median of a kernel ridge regression's from single frames, in cents of f0, F1 and F2 and in dB of "
    "intensity, and lower is better; linearity is the R² of a (linear) ridge regression, which may be low where a "
    "parameter is read off exactly. Both are fitted on other speakers or files than those that they are asked about ("
    "of more than 20, several are held out together). What is drawn again is the speaker or file. What is read off are "
    "Praat's measures, with Praat's errors.",
    "Nearness is the probability that a token is nearer by cosine to the synthesised vowel of its own f0, F1 and F2 "
    "than to that of another token (AUC; chance is 0.5): among all tokens, or among the same speaker's, whose f0 is no "
    "help. Recorded and synthesised sound differ in more than these; `less the mean` takes away the mean of each kind "
    "first. What is drawn again is the token: it says nothing of other speakers.",
    f"Files are encoded in segments of at most {SEGMENT_SECONDS:g} s. A norm over time, as in wav2vec 2.0 Base, takes "
    "its statistics from a segment, pauses and all vowels together, where each synthesised vowel is normalised by "
    "itself: that alone moves recorded vowels away from synthesised ones. A frame sees the same samples as in the "
    "whole file.",
    f"Praat is given files of more than {frames_and_measures.PRAAT_SECONDS:g} s in overlapping parts.",
)


def run(
    chosen: Sequence[NamedFrontEnd],
    results: Results,
    *,
    audio: Sequence[str],
    tier: str | None = None,
    labels: Sequence[str] = (),
    speaker_by: SpeakerBy = "file",
    synthesised: Synthesis = "resonances",
    settings: PraatSettings | None = None,
    channel: Channel = "mean",
    trigraphs: bool = False,
    normalize: Normalise = "auto",
) -> Metrics:
    """Runs the experiment for every front end and returns its metrics (in the first process).

    Args:
        chosen: the front ends.
        results: where results are kept.
        audio: sound files: paths, patterns, folders.
        tier: of the TextGrids, that has the tokens.
        labels: those of the tier that are used; by default all.
        speaker_by: what tells speakers apart.
        synthesised: what recorded vowels are compared with.
        settings: Praat's.
        channel: which is heard of each file.
        trigraphs: labels have Praat's trigraphs.
        normalize: whether recordings are given to front ends with mean 0 and variance 1.

    Raises:
        SessionError: no file matches, or none can be used.
    """
    metrics.check_vowels(results, NAME)
    settings = settings or PraatSettings()
    session = gather(
        audio,
        [each.frames for each in chosen],
        tier=tier,
        labels=labels,
        speaker_by=speaker_by,
        ceiling=settings.formant_ceiling,
        channel=channel,
        trigraphs=trigraphs,
    )
    say(session, settings)
    normalised = normalisation.chosen(chosen, normalize)
    about_level = normalisation.notes(chosen, normalised)
    for line in about_level:
        print(line)
    layouts: dict[Frames, Layout] = {each.frames: Layout(session, each.frames) for each in chosen}
    measures = {
        frames: frames_and_measures.measure(results, NAME, layout, settings) for frames, layout in layouts.items()
    }
    frames_of = {
        each: frames_and_measures.encode(results, NAME, each, layouts[each.frames], normalize=normalised[each])
        for each in chosen
    }

    most = QUICK_MOST_COMPARED if results.quick else MOST_COMPARED
    is_of_sines = synthesised == "sines"
    grid = vowel_chart.vowel_space(results) if is_of_sines else vowel_chart.vowel_space_source_filter(results)
    vowels = results.vowels.on_grid
    measured: dict[NamedFrontEnd, Metrics] = {}
    found: dict[str, Tokens] = {}
    placed: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    orders: dict[str, MapOrder] = {}
    read: dict[str, Mapping[str, cells.Cell]] = {}
    near: dict[str, dict[str, cells.Cell]] = {}
    off_by: dict[str, Mapping[str, cells.Cell]] = {}
    for each in chosen:
        layout, of_praat, frames = layouts[each.frames], measures[each.frames], frames_of[each]
        asked = (
            tokens.labelled(layout, of_praat)
            if tier is not None
            else tokens.voiced_frames(layout, of_praat, most=min(most, MOST_FRAMES))
        )
        features = asked.features(frames)
        of_grid = synthesis.sweep_grid(results, each, grid, synthesised)
        positions = vowel_chart.project(results, each, grid, of_grid) if not len(asked) else None
        places = np.zeros((0, 2), np.float32)
        if positions is None:
            positions, places = maps.umap_onto(results, NAME, each, "recordings", of_grid, features)
        orders[each.name] = map_order.measure(of_grid, positions, grid.points())
        compared_rows = comparable(asked, each.frames, most=most)
        near[each.name], rank = (
            dict.fromkeys((*scores.NEARNESS, scores.AT_EQUAL_F0), no_tokens(len(compared_rows))),
            np.zeros(0),
        )
        if len(compared_rows) > 1:
            own = {name: asked.measured[name][compared_rows] for name in ("f0", "f1", "f2")}
            of_own = synthesis.sweep_own(results, NAME, each, own, synthesised)
            theirs = features[compared_rows]
            near[each.name], rank = scores.nearness(theirs, of_own, asked.speaker[compared_rows])
            equal = np.maximum(scores.rounded(own["f0"]), LOWEST_F0)
            of_equal = synthesis.sweep_own(results, NAME, each, own | {"f0": equal}, synthesised, name="own_equal_f0")
            near[each.name][scores.AT_EQUAL_F0] = scores.nearness_at(theirs, of_equal, equal)
        rows = scores.rows_to_read(layout, of_praat, asked if tier is not None else None)
        speakers = scores.speakers_of(layout, asked if tier is not None else None)
        read[each.name] = scores.read_off(frames, of_praat, rows, speakers)
        off_by[each.name] = scores.off_by(frames, of_praat, rows, speakers)
        found[each.name], placed[each.name] = asked, (positions, places)
        if results.share.is_first:
            _, as_drawn = vowel_chart.oriented_with(positions, places, grid)
            where = Placed(
                as_drawn, *tokens.nearest(features, of_grid), spread(rank, compared_rows, len(asked)), len(rank)
            )
            text = tokens.csv_text(asked, where, grid.points(), vowels)
            results.save_text(NAME, f"tokens.{each.name}.csv", text)
        measured[each] = {
            "num_frames": layout.num_frames,
            "normalised": normalised[each],
            "num_tokens": len(asked),
            "num_frames_read": len(rows),
            "num_tokens_compared": len(rank),
            "measures": f"{frames_and_measures.measures_name(each.frames)}.safetensors",
            "read off, R²": {figures.NAMES[name]: cells.number(cell) for name, cell in read[each.name].items()},
            "read off, error": {
                f"{figures.NAMES[name]}, {scores.UNITS[name]}": cells.number(cell)
                for name, cell in off_by[each.name].items()
            },
            "nearness to the own synthesised vowel, AUC": {
                name: cells.number(cell) for name, cell in near[each.name].items()
            },
            map_order.KEY: {VOWELS_MAP: orders[each.name].as_numbers()},
        }
    if not results.share.is_first:
        return {}  # the first process measures and draws
    clip_of = clips.cut(results, NAME, found.values())
    for each in chosen:
        save_map(results, each, found[each.name], *placed[each.name], grid, clip_of)
    for name in placed:
        one = ({name: placed[name]}, {name: found[name]})
        results.save_figure(NAME, f"map.{name}", figures.draw_maps(*one, grid, vowels, orders=orders))
    if len(placed) > 1:
        results.save_figure(NAME, "map", figures.draw_maps(placed, found, grid, vowels, orders=orders))
    drawing = figures.draw_scores(off_by, near, read, units=scores.UNITS, chance=scores.CHANCE)
    results.save_figure(NAME, "scores", drawing)
    results.save_text(NAME, "left_out.txt", session.account())
    return metrics.save(
        results,
        NAME,
        measured,
        conclusion=conclude(read, near, session, off_by),
        notes=[*NOTES, synthesis.NOTES[synthesised], *about_f0(found, grid.axis("f0")), *about_level],
        vowels=True,
        session={
            "files": len(session.files),
            "seconds": session.duration,
            "speakers": len(session.speakers),
            "speaker_by": speaker_by if tier is None or STAR not in tier else "tier",
            "textgrid_tier": tier,
            "labels": list(labels),
            "trigraphs": trigraphs,
            "channel": channel,
            "normalize": normalize,
            "Praat": str(settings),
            "synthesis": synthesised,
            "remarks": list(session.remarks),
            "left_out": list(session.left_out),
            "assumed": list(session.assumed),
        },
    )


def save_map(
    results: Results,
    front_end: NamedFrontEnd,
    asked: Tokens,
    positions: np.ndarray,
    places: np.ndarray,
    grid: grids.Grid,
    clip_of: Mapping[clips.Key, int],
) -> None:
    """Writes where the synthesised vowels and the tokens lie, as drawn, and which clip is whose."""
    mesh, turned = vowel_chart.oriented_with(positions, places, grid)
    maps.save_csv(results, NAME, front_end, VOWELS_MAP, grid.points(), mesh.reshape(-1, 2))
    keys = clips.keys_of(asked)
    parameters = {
        "file": np.array([key[0] for key in keys], object),
        "speaker": asked.speaker,
        "label": np.array(asked.label, object),
        "start": asked.start,
        "end": asked.end,
        "clip": np.array([clip_of.get(key, "") for key in keys], object),
        **{name: asked.measured[name] for name in ("f0", "f1", "f2")},
    }
    maps.save_csv(results, NAME, front_end, TOKENS_MAP, parameters, turned)


def say(session: Session, settings: PraatSettings) -> None:
    """What is used, as it is found."""
    speakers = f", {len(session.speakers)} speakers" if len(session.speakers) != len(session.files) else ""
    print(f"{len(session.files)} recording{'s' * (len(session.files) != 1)}, {session.duration:.1f} s{speakers}.")
    for line in session.remarks:
        print(line)
    for line in session.left_out:
        print(f"left out: {line}")
    for line in session.assumed:
        print(f"assumed: {line}")
    print(f"Praat's settings: {settings}.")
    if session.tier is None:
        print("No --textgrid_tier: single voiced frames are taken for tokens, without labels.")


def comparable(asked: Tokens, frames: Frames, *, most: int) -> np.ndarray:
    """The tokens whose own vowel can be synthesised: measured, with F1 and F2 that the front end can hear."""
    rows = np.flatnonzero(asked.known("f0", "f1", "f2"))
    rows = rows[asked.measured["f2"][rows] < 0.95 * frames.nyquist]
    rows = rows[asked.measured["f0"][rows] >= LOWEST_F0]
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def no_tokens(count: int) -> str:
    return f"there are {count} tokens of which Praat measures f0, F1 and F2; expected at least 2"


def spread(values: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """(count,), NaN but at `rows`."""
    found = np.full(count, np.nan)
    found[rows[: len(values)]] = values
    return found


def about_f0(found: Mapping[str, Tokens], f0: np.ndarray) -> list[str]:
    """A note where the voices are far from the map's."""
    voices = np.concatenate([each.measured["f0"] for each in found.values()])
    voices = voices[np.isfinite(voices)]
    if not len(voices):
        return []
    return [
        f"The synthesised vowels of the map have an f0 of {f0[0]:g} Hz; the median of the tokens is "
        f"{np.median(voices):.0f} Hz."
    ]


def conclude(
    read: Mapping[str, Mapping[str, cells.Cell]],
    near: Mapping[str, Mapping[str, cells.Cell]],
    session: Session,
    off_by: Mapping[str, Mapping[str, cells.Cell]],
) -> str:
    """What came out, in sentences; and how many files, or parts of them, were left out."""
    errors = []
    for name, unit in scores.UNITS.items():
        values = {each: cell.value for each, found in off_by.items() if isinstance(cell := found[name], Score)}
        if values:
            told = compared(
                values, better="lower", means="nearer to what Praat hears", spec=".0f" if unit == "cents" else ".1f"
            )
            errors.append(f"{figures.NAMES[name]} ({unit}) {told}")
    linear = []
    for name in scores.READ:
        values = {each: cell.value for each, found in read.items() if isinstance(cell := found[name], Score)}
        if values:
            linear.append(f"{figures.NAMES[name]} {compared(values, better='higher', means='more along a line')}")
    said = []
    if errors:
        said.append(f"Read off voices not heard before, the median error is: {'; '.join(errors)}.")
    if linear:
        said.append(f"Linearity, the R² of a line fitted on other voices: {'; '.join(linear)}.")
    if not said:
        why = next(cell for found in read.values() for cell in found.values() if isinstance(cell, str))
        said.append(f"What is read off the frames has no score: {why}.")
    parts = " ".join(said)
    among, *_ = scores.NEARNESS
    values = {each: cell.value for each, found in near.items() if isinstance(cell := found[among], Score)}
    if values:
        parts += (
            " A recorded vowel is nearer to the synthesised vowel of its own f0, F1 and F2 than to another token's "
            f"with a probability of {compared(values, better='higher', means='nearer')}; chance is {scores.CHANCE}."
        )
    if session.left_out:
        parts += "\n" + "\n".join(
            [f"Left out ({len(session.left_out)}):", *(f"    {each}" for each in session.left_out)]
        )
    if session.assumed:
        parts += "\n" + "\n".join([f"Assumed ({len(session.assumed)}):", *(f"    {each}" for each in session.assumed)])
    return parts


def _launched(chosen: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    try:
        settings = PraatSettings(
            pitch_floor=PITCH_FLOOR.value,
            pitch_ceiling=PITCH_CEILING.value,
            formant_ceiling=FORMANT_CEILING.value,
            num_formants=NUM_FORMANTS.value,
        )
    except ValueError as error:
        raise SessionError(f"--{error}") from error
    if LABELS.value and TIER.value is None:
        raise SessionError(f"--labels={','.join(LABELS.value)} without --textgrid_tier; expected both or none")
    if TRIGRAPHS.value and TIER.value is None:
        raise SessionError("--trigraphs without --textgrid_tier; expected both or none")
    if TIER.value is not None and STAR in TIER.value and SPEAKERS_BY.present:
        raise SessionError(
            f"--speaker_by={SPEAKERS_BY.value} with --textgrid_tier={printable(TIER.value)}, whose star is the "
            "speaker; expected one of them"
        )
    return run(
        chosen,
        results,
        audio=AUDIO.value or [],
        tier=TIER.value,
        labels=LABELS.value or (),
        speaker_by=cast(SpeakerBy, SPEAKERS_BY.value),
        synthesised=synthesis_flag.chosen_one(default="resonances"),
        settings=settings,
        channel=channel_of(CHANNEL.value),
        trigraphs=TRIGRAPHS.value,
        normalize=cast(Normalise, NORMALIZE.value),
    )


if __name__ == "__main__":
    flags.launch(
        _launched,
        default=DEFAULT,
        vowels=vowel_flags.chosen,
        errors=(SessionError, RecordingError, RecordingsUnavailableError, synthesis_flag.SynthesisError),
        own=(synthesis_options,),
    )
